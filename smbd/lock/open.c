/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CREATE as decided by the owner (MS-SMB2 3.3.5.9, 3.3.5.9.10, 3.3.5.9.13). On the owner's worker.
 */
#include "smbd/lock/core_priv.h"

#include "node/base/hash.h"
#include "node/base/random.h"
#include "node/base/utf.h"
#include "smbd/lock/share.h"

/* What a step of the decision says. */
enum step {
	STEP_ON, /* go on with the next one */
	STEP_PARKED, /* put aside, will be decided anew */
	STEP_ANSWERED,
};

static void answer(struct fx *fx, const struct lk_msg *m, int outcome)
{
	reply(fx, m, outcome);
}

/* What a reply says of permits. One that is being taken back is not given again by it: its home may have heard of the recall
 * first, and its acknowledgement is on the way. */
static uint32_t permits_of(const struct lk_ent *e)
{
	uint32_t flags = 0;

	if (e->permit && !(e->note_flags & LKF_RECALL))
		flags |= LKF_PERMIT;
	if (e->write_permit && !(e->note_flags & (LKF_RECALL | LKF_RECALL_WRITE)))
		flags |= LKF_WRITE_PERMIT;
	return flags;
}

void reply_rec(struct lk_ent *e, const struct lk_msg *m, int outcome, struct fx *fx)
{
	struct lk_msg *r = reply(fx, m, outcome);

	if (!r)
		return;
	r->id = e->rec.id;
	if (rec_open_copy(&e->rec, &r->rec) < 0) {
		r->outcome = -ENOMEM;
		return;
	}
	r->flags = LKF_HAS_REC | permits_of(e);
}

static void reply_granted(struct lk_ent *e, const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg *r = reply(fx, m, LK_OK);

	if (!r)
		return;
	r->id = e->rec.id;
	r->version = e->rec.version;
	r->file_version = e->rec.file_version;
	r->timeout_ms = e->rec.timeout_ms;
	r->flags = permits_of(e) | (e->rec.persistent ? LKF_PERSISTENT : 0) | (e->rec.durable ? LKF_DURABLE : 0);
	if (e->rec.lease.present) {
		r->flags |= LKF_LEASE;
		r->lease = e->rec.lease;
	}
}

/* The same request came before: its open exists, only the reply was lost. */
static enum step step_retry(struct lk_core *c, struct lk_file *f, struct lk_msg *m, uint64_t now,
			    struct fx *fx)
{
	struct lk_ent *e;

	list_foreach(e, &f->opens, in_file) {
		if (e->rec.open_req != m->req || !ent_at(e, &m->from))
			continue;
		if (e->rec.disconnected && attach(c, e, m, now, fx) == 0)
			return STEP_PARKED;
		reply_rec(e, m, LK_OK, fx);
		return STEP_ANSWERED;
	}
	return STEP_ON;
}

static bool same_create(const struct rec_open *a, const struct rec_open *b)
{
	return a->has_create_guid && b->has_create_guid && guid_equal(&a->create_guid, &b->create_guid) &&
	       guid_equal(&a->client_guid, &b->client_guid);
}

static struct lk_ent *find_create(struct lk_file *f, const struct rec_open *want)
{
	struct lk_ent *e;

	list_foreach(e, &f->opens, in_file)
		if (same_create(&e->rec, want))
			return e;
	return NULL;
}

static bool same_owner(const struct rec_open *a, const struct rec_open *b)
{
	return a->has_owner == b->has_owner && (!a->has_owner || sid_equal(&a->owner, &b->owner));
}

static bool waits_with_guid(struct list *l, const struct lk_msg *m)
{
	const struct lk_parked *p;

	list_foreach(p, l, link)
		if (!p->reply && p->msg.kind == LKM_OPEN && p->msg.req != m->req && same_create(&p->msg.rec, &m->rec))
			return true;
	return false;
}

/* Whether `m` replays a request that has not been decided yet. */
static bool replays_waiting(struct lk_file *f, const struct lk_msg *m)
{
	return (m->flags & LKF_REPLAY) && (waits_with_guid(&f->blocked, m) || waits_with_guid(&f->parked, m));
}

/* The same client made an open with this CreateGuid (MS-SMB2 3.3.5.9.10). */
static enum step step_replay(struct lk_core *c, struct lk_file *f, struct lk_msg *m, uint64_t now,
			     struct fx *fx)
{
	struct lk_ent *e = find_create(f, &m->rec);

	if (!e && replays_waiting(f, m)) {
		answer(fx, m, LK_FILE_NOT_AVAILABLE);
		return STEP_ANSWERED;
	}
	if (!e)
		return STEP_ON;
	if (!(m->flags & LKF_REPLAY)) {
		answer(fx, m, LK_DUPLICATE_OBJECTID);
		return STEP_ANSWERED;
	}
	if (!same_owner(&e->rec, &m->rec)) {
		answer(fx, m, LK_ACCESS_DENIED);
		return STEP_ANSWERED;
	}
	if (e->rec.consumed && !e->rec.persistent)
		return STEP_ON;
	if (e->rec.consumed || e->rec.phase != REC_OPEN) {
		answer(fx, m, LK_FILE_NOT_AVAILABLE);
		return STEP_ANSWERED;
	}
	if (!confirmed(e, m, fx))
		return STEP_ANSWERED;
	if ((e->rec.disconnected || !ent_at(e, &m->from)) && attach(c, e, m, now, fx) == 0)
		return STEP_PARKED;
	reply_rec(e, m, LK_REPLAYED, fx);
	return STEP_ANSWERED;
}

static bool version_too_low(const struct rec_open *have, const struct rec_open *want)
{
	if (!have->has_app_version || !want->has_app_version)
		return false;
	if (have->app_version_high != want->app_version_high)
		return have->app_version_high > want->app_version_high;
	return have->app_version_low >= want->app_version_low;
}

static bool same_share(const struct rec_open *a, const struct rec_open *b)
{
	return utf8_casecmp(a->share_name ? a->share_name : "",
			    b->share_name ? b->share_name : "") == 0;
}

static struct lk_ent *find_app(struct lk_file *f, const struct rec_open *want)
{
	struct lk_ent *e;

	if (!want->has_app_id)
		return NULL;
	list_foreach(e, &f->opens, in_file)
		if (e->rec.has_app_id && e->rec.phase == REC_OPEN &&
		    guid_equal(&e->rec.app_id, &want->app_id) &&
		    !guid_equal(&e->rec.client_guid, &want->client_guid) &&
		    same_share(&e->rec, want))
			return e;
	return NULL;
}

/* The same application instance on another client takes over (MS-SMB2 3.3.5.9.13). */
static enum step step_app_instance(struct lk_core *c, struct lk_file *f, struct lk_msg *m,
				   uint64_t now, struct fx *fx)
{
	struct lk_ent *e;

	while ((e = find_app(f, &m->rec))) {
		if (version_too_low(&e->rec, &m->rec)) {
			answer(fx, m, LK_FORCED_CLOSED);
			return STEP_ANSWERED;
		}
		close_by_owner(c, e, LK_GONE_DISPLACED, now, fx);
	}
	return STEP_ON;
}

/* Whether its client can be waited for: by handle caching, which byte-range locks outweigh unless writes are cached as well, be
 * they of another open of its lease (smbtorture: persistent-open-reconnect-contended). */
static bool can_be_asked(const struct lk_ent *e)
{
	uint32_t s = e->lease ? e->lease->m.state : 0;
	const struct lk_ent *o;

	if (!(s & LEASE_H) || (s & LEASE_W))
		return s & LEASE_H;
	list_foreach(o, &e->lease->ents, in_lease)
		if (o->rec.n_locks > 0)
			return false;
	return true;
}

/* Whether a disconnected open keeps this one out. A persistent one does from everything that touches the data (3.3.5.9), as
 * long as its client cannot be asked; directories stay usable as far as share modes allow. */
static bool contended(const struct lk_ent *e, const struct rec_open *want)
{
	if (share_conflict(e->rec.access, e->rec.share, want->access, want->share))
		return true;
	if (can_be_asked(e))
		return false;
	return e->rec.persistent && !e->rec.directory && share_uses(e->rec.access) &&
	       share_uses(want->access);
}

static bool any_violation(const struct lk_file *f, const struct rec_open *w)
{
	const struct lk_ent *e;

	list_foreach(e, &f->opens, in_file)
		if (share_conflict(e->rec.access, e->rec.share, w->access, w->share))
			return true;
	return false;
}

/* The disconnected open for which `w` is turned away, since nobody can be asked about it; NULL: none. */
static struct lk_ent *find_deaf(const struct lk_file *f, const struct rec_open *w)
{
	struct lk_ent *e;

	list_foreach(e, &f->opens, in_file)
		if (e->rec.disconnected && e->rec.persistent && !can_be_asked(e) && contended(e, w))
			return e;
	return NULL;
}

/* What is deleted, or is about to be. What closes because of this request, or because nobody came back for it, may be the last
 * open of such a file: the name is free once that is done. */
static enum step step_deletion(struct lk_file *f, struct lk_msg *m, struct fx *fx)
{
	struct lk_ent *e = list_first(&f->opens, struct lk_ent, in_file);

	if (!f->delete_pending)
		return STEP_ON;
	if (e && e->unlinking) {
		file_block(f, m, fx);
		return STEP_PARKED;
	}
	answer(fx, m, LK_DELETE_PENDING);
	return STEP_ANSWERED;
}

/* Share modes, and what to do about who is in the way. */
static enum step step_share(struct lk_core *c, struct lk_file *f, struct lk_msg *m, uint64_t now,
			    struct fx *fx)
{
	const struct rec_open *w = &m->rec;
	struct lk_ent *e = f->delete_pending ? NULL : find_deaf(f, w), *tmp;
	struct contender k = { .op = LEASE_OP_HANDLE, .own = caching_find(f, &w->client_guid, &w->lease) };

	if (e) {
		caching_refused(e);
		answer(fx, m, LK_FILE_NOT_AVAILABLE);
		return STEP_ANSWERED;
	}
	/* Handles that clients only keep for later are closed first (MS-FSA 2.1.5.1.2). */
	if (any_violation(f, w) && caching_contend(c, f, &k, now, fx)) {
		file_block(f, m, fx);
		return STEP_PARKED;
	}
	if (f->delete_pending)
		return step_deletion(f, m, fx);
	list_foreach(e, &f->opens, in_file) {
		if (e->rec.disconnected ?
			    !contended(e, w) :
			    !share_conflict(e->rec.access, e->rec.share, w->access, w->share))
			continue;
		if (e->rec.disconnected && !e->rec.persistent)
			continue; /* gives way below, once nothing else is in the way */
		answer(fx, m, e->rec.disconnected ? LK_FILE_NOT_AVAILABLE : LK_SHARING_VIOLATION);
		return STEP_ANSWERED;
	}
	list_foreach_safe(e, tmp, &f->opens, in_file) {
		if (!e->rec.disconnected || !contended(e, w))
			continue;
		close_by_owner(c, e, LK_GONE_CONTENDED, now, fx);
		if (f->delete_pending)
			return step_deletion(f, m, fx);
	}
	return STEP_ON;
}

/* What others cache (MS-FSA 2.1.4.12), and what they may do once this one caches. */
static enum step step_caching(struct lk_core *c, struct lk_file *f, struct lk_msg *m, uint64_t now,
			      struct fx *fx)
{
	struct contender k = { .op = LEASE_OP_OPEN,
			       .access = m->rec.access,
			       .overwrite = m->flags & LKF_OVERWRITE,
			       .own = caching_find(f, &m->rec.client_guid, &m->rec.lease) };

	if (caching_contend(c, f, &k, now, fx)) {
		file_block(f, m, fx);
		return STEP_PARKED;
	}
	if (f->delete_pending)
		return step_deletion(f, m, fx);
	(void)caching_recall_writers(c, f, &m->rec, fx);
	return STEP_ON;
}

static uint64_t new_id(const struct lk_core *c)
{
	uint64_t id;

	do {
		id = (random_u64() << 16) | (c->slot & 0xffff);
	} while (id >> 16 == 0 || id >> 16 == 0xffffffffffffULL || core_find(c, id));
	return id;
}

static void grant(struct lk_core *c, struct lk_file *f, struct lk_msg *m, uint64_t now,
		  struct fx *fx)
{
	struct rec_open *w = &m->rec;
	struct lk_ent *e;

	w->id = new_id(c);
	w->version = 1;
	w->file_version = f->version;
	w->delete_pending = f->delete_pending;
	w->phase = REC_OPEN;
	w->consumed = w->disconnected = false;
	w->deadline = 0;
	free(w->locks);
	w->locks = NULL;
	w->n_locks = 0;
	w->unlock_req = 0;
	memset(w->lock_seq, 0, sizeof(w->lock_seq));
	w->opened_at = now;
	w->open_req = m->req;
	caching_grant(c, f, w, &m->from, fx);
	w->allocated = 0;
	if (!w->persistent)
		w->durable = w->durable && lease_keeps_handle(&w->lease);
	e = ent_new(c, f, w);
	if (!e) {
		answer(fx, m, -ENOMEM);
		return;
	}
	m->flags &= ~LKF_HAS_REC;
	ent_set_home(e, m->from);
	e->asserted = true;
	e->permit = ent_may_have_permit(e);
	e->write_permit = ent_may_write(e);
	if (e->rec.persistent)
		fx_put(fx, e->rec.id);
	fx_add_undo(fx, UNDO_OPEN, e->rec.id, m->req);
	reply_granted(e, m, fx);
}

void do_open(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_file *f = file_get(c, &m->rec.key);
	static enum step (*const steps[])(struct lk_core *, struct lk_file *, struct lk_msg *,
					  uint64_t, struct fx *) = {
		step_retry,
		step_replay,
		step_app_instance,
	};

	if (!f) {
		answer(fx, m, -ENOMEM);
		return;
	}
	if (file_waits(f, m, fx))
		return;
	if (c->view->level < LEVEL_LEASES)
		m->rec.lease = (struct rec_lease){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (steps[i](c, f, m, now, fx) != STEP_ON)
			return;
	if (step_deletion(f, m, fx) != STEP_ON)
		return;
	if (f->n_opens >= c->limits->opens_per_file) {
		answer(fx, m, LK_LIMIT);
		return;
	}
	if (step_share(c, f, m, now, fx) != STEP_ON || step_caching(c, f, m, now, fx) != STEP_ON)
		return;
	/* Notes are acknowledged first: of a displaced open, whose home has I/O to end, of breaks that need nothing from the
	 * client, of permits. Then this decision runs anew. */
	if (f->unacked > 0) {
		file_park(f, m);
		return;
	}
	grant(c, f, m, now, fx);
}
