/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What CREATE asks for and answers about caching, and how a client hears of breaks. Home worker's thread. */
#include "smbd/op/caching.h"

#include "node/log/log.h"
#include "smbd/lock/lease.h"
#include "smbd/proto/notify.h"

/* --- CREATE --- */

/* The states of oplocks: level II, exclusive, batch. */
static const struct {
	uint8_t level;
	uint32_t state;
} oplocks[] = {
	{ SMB2_OPLOCK_LEVEL_NONE, 0 },
	{ SMB2_OPLOCK_LEVEL_II, LEASE_R },
	{ SMB2_OPLOCK_LEVEL_EXCLUSIVE, LEASE_R | LEASE_W },
	{ SMB2_OPLOCK_LEVEL_BATCH, LEASE_ALL },
};

static uint8_t level_of(uint32_t state)
{
	for (size_t i = 0; i < ARRAY_SIZE(oplocks); i++)
		if (oplocks[i].state == state)
			return oplocks[i].level;
	return SMB2_OPLOCK_LEVEL_NONE;
}

static void want_oplock(uint8_t level, struct rec_lease *ret)
{
	for (size_t i = 1; i < ARRAY_SIZE(oplocks); i++)
		if (oplocks[i].level == level)
			*ret = (struct rec_lease){ .present = true, .state = oplocks[i].state };
}

uint8_t caching_replayed(uint8_t level, uint8_t asked)
{
	struct rec_lease has = { 0 }, want = { 0 };

	if (level == SMB2_OPLOCK_LEVEL_LEASE || asked == SMB2_OPLOCK_LEVEL_LEASE)
		return level;
	want_oplock(level, &has);
	want_oplock(asked, &want);
	return level_of(has.state & want.state);
}

static bool asks_lease(uint8_t level, const struct smb2_create_ctxs_req *ctx)
{
	return level == SMB2_OPLOCK_LEVEL_LEASE && (ctx->present & SMB2_CTX_RQLS);
}

bool caching_replays(const struct rec_lease *l, uint8_t level, const struct smb2_create_ctxs_req *ctx)
{
	if (!asks_lease(level, ctx))
		return true;
	return rec_lease_keyed(l) && guid_equal(&l->key, &ctx->lease.key);
}

static void want_lease(const struct smb2_lease_ctx *in, struct rec_lease *ret)
{
	*ret = (struct rec_lease){ .present = true,
				   .version = in->version,
				   .key = in->key,
				   .state = in->state & LEASE_ALL };
	if (in->version < 2)
		return;
	ret->epoch = in->epoch;
	ret->has_parent = in->flags & SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET;
	if (ret->has_parent)
		ret->parent_key = in->parent_key;
}

/* There are no oplocks on directories, nor leases of version 1; of writes nothing is cached (3.3.5.9.11). */
static void want_dir_lease(const struct smb_req *req, uint8_t level,
			   const struct smb2_create_ctxs_req *ctx, struct rec_lease *ret)
{
	if (!asks_lease(level, ctx) || ctx->lease.version < 2 ||
	    !(req->conn->capabilities & SMB2_GLOBAL_CAP_DIRECTORY_LEASING))
		return;
	want_lease(&ctx->lease, ret);
	ret->state &= LEASE_R | LEASE_H;
}

void caching_want(const struct smb_req *req, uint8_t level, const struct smb2_create_ctxs_req *ctx, bool directory,
		  bool persistent, struct rec_lease *ret)
{
	*ret = (struct rec_lease){ 0 };
	if (!req->worker->tunables.leases)
		return;
	if (directory) {
		want_dir_lease(req, level, ctx, ret);
		return;
	}
	if (level != SMB2_OPLOCK_LEVEL_LEASE) {
		/* 3.3.5.9.10: a persistent handle has a lease or nothing */
		if (!persistent)
			want_oplock(level, ret);
		return;
	}
	if (asks_lease(level, ctx) && (req->conn->capabilities & SMB2_GLOBAL_CAP_LEASING) &&
	    (ctx->lease.version < 2 || req->conn->dialect >= SMB2_DIALECT_300))
		want_lease(&ctx->lease, ret);
}

bool caching_key_taken(const struct smb_req *req, uint8_t level, const struct smb2_create_ctxs_req *ctx,
		       const struct file_key *directory)
{
	const struct lk_open *lk;

	if (!asks_lease(level, ctx))
		return false;
	lk = lockc_lease_find(req->worker->lock, &req->conn->client_guid, &ctx->lease.key);
	return lk && !file_key_equal(&lk->rec.key, directory);
}

uint8_t caching_answer(const struct lk_open *o, bool reclaimed, struct smb2_lease_ctx *ret)
{
	const struct rec_lease *l = &o->rec.lease;
	bool later = reclaimed && l->breaking && o->told < l->change;

	if (!l->present)
		return SMB2_OPLOCK_LEVEL_NONE;
	if (!l->version)
		return level_of(l->state);
	*ret = (struct smb2_lease_ctx){
		.version = l->version,
		.key = l->key,
		.state = l->state,
		.flags = (l->breaking && !later ? (uint32_t)SMB2_LEASE_FLAG_BREAK_IN_PROGRESS : 0) |
			 (l->has_parent ? (uint32_t)SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET : 0),
		.parent_key = l->parent_key,
		/* the break comes in its own epoch (3.3.4.7), which a client expects to be a newer one */
		.epoch = (uint16_t)(l->epoch - (later && l->version == 2)),
	};
	return SMB2_OPLOCK_LEVEL_LEASE;
}

/* --- breaks --- */

static struct smb2_break notification(const struct open *o, const struct rec_lease *l, const struct lk_break *b)
{
	struct smb2_break n = { .kind = SMB2_BREAK_OPLOCK,
				.oplock = { .oplock_level = level_of(b->to), .file_id = o->id } };

	if (!l->version)
		return n;
	return (struct smb2_break){
		.kind = SMB2_BREAK_LEASE_NOTIFY,
		.lease_notify = { .new_epoch = l->version == 2 ? b->epoch : 0,
				  .flags = b->ack ? (uint32_t)SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED : 0,
				  .key = l->key,
				  .current_state = b->from,
				  .new_state = b->to },
	};
}

/* A client that changes a directory which it caches under another key hears first that the change was made: what a
 * change breaks is all of the lease, and nobody waits for it. */
static enum notify_order order(const struct open *o, const struct lk_break *b)
{
	return o->kind == OPEN_DIRECTORY && b->to == 0 ? NOTIFY_BEHIND : NOTIFY_FIRST;
}

bool caching_broken(void *arg, struct lk_open *lk, const struct lk_break *b)
{
	const struct lk_holder *h = lk->user;
	struct open *o = h ? h->open : NULL;
	struct file_open *fo = o ? o->priv : NULL;
	struct smb2_break n;

	if (!o || !o->published || o->closing || !fo)
		return false;
	n = notification(o, &lk->rec.lease, b);
	if (notify_break(o->session, fo->broken_at, &n, order(o, b), &fo->broken_at) < 0)
		return false;
	log_debug("caching broken: user=%s path=%s from=%u to=%u", log_esc(o->session->user.name), log_esc(o->path), b->from,
		  b->to);
	return true;
}

static void known_task(void *arg)
{
	struct open *o = arg;
	struct file_open *fo = o->priv;

	if (!o->closing && fo && fo->hold.lk)
		lockc_tell_break(o->worker->lock, fo->hold.lk);
	open_unref(o);
}

void caching_known(struct file_open *fo)
{
	struct lk_open *lk = fo->hold.lk;
	struct open *o = fo->open;

	if (!lk || !lk->rec.lease.breaking || lk->told >= lk->rec.lease.change)
		return;
	/* A task of its own runs once the response is on its way. */
	if (task_spawn(o->worker->loop, known_task, open_ref(o), NULL) < 0)
		open_unref(o); /* the break times out */
}

void caching_channel_lost(struct open *o, const struct conn *c)
{
	struct file_open *fo = o->priv;
	struct lk_open *lk = fo ? fo->hold.lk : NULL;

	if (!lk || fo->broken_at != c || !lk->rec.lease.breaking)
		return;
	lockc_tell_break_again(o->worker->lock, lk);
}
