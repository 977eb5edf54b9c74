/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Closing, deletion, disconnection and renaming, as decided by the owner. On the owner's worker. */
#include "smbd/lock/core_priv.h"

#include "smbd/lock/share.h"

bool close_ent(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	struct contender k = { .op = LEASE_OP_HANDLE, .own = e->lease };
	struct lk_file *f = e->file;

	locks_drop_waiters(e, LK_GONE, fx);
	e->permit = e->write_permit = false;
	free(e->rec.locks);
	e->rec.locks = NULL;
	e->rec.n_locks = 0;
	if (e->rec.delete_on_close)
		f->deleter = 0;
	if (e->rec.delete_on_close && !f->delete_pending) {
		f->delete_pending = true;
		e->rec.delete_on_close = false;
		if (f->n_opens > 1) { /* others close what they keep; nobody waits for it */
			(void)caching_contend(c, f, &k, now, fx);
			file_changed(c, f, e, fx);
		}
	}
	if (f->n_opens == 1 && f->delete_pending) {
		ent_deleting(c, e, fx);
		file_kick(c, f, now, fx);
		return true;
	}
	if (mark_needed(e))
		ent_mark(c, e, fx);
	else
		ent_remove(c, e, fx);
	file_kick(c, f, now, fx);
	return false;
}

void close_by_owner(struct lk_core *c, struct lk_ent *e, int why, uint64_t now, struct fx *fx)
{
	if (why && ent_home_alive(c, e))
		ent_note(c, e, LKF_GONE, why, fx);
	if (!close_ent(c, e, now, fx))
		return;
	ent_set_home(e, (struct place){ 0 });
	e->unlinking = true;
	fx_add_unlink(fx, &e->rec);
}

/* A home that refuses what an abandoned request got does not mean what a later one got. */
static bool refuses_another(const struct lk_ent *e, const struct lk_msg *m)
{
	return m->target != 0 && m->target != e->rec.open_req;
}

/* It was closed before. */
static void close_again(struct lk_core *c, struct lk_ent *e, const struct lk_msg *m, struct fx *fx)
{
	if (file_answers(c, m))
		return;
	if (e && e->file->mark == e && ent_at(e, &m->from))
		file_reply_acked(e->file, m, LK_GONE, fx);
	else
		reply(fx, m, LK_GONE);
}

void do_close(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->id);
	struct lk_msg *r;
	struct lk_file *f;

	if (!e || e->zombie || !ent_at(e, &m->from) || refuses_another(e, m)) {
		close_again(c, e, m, fx);
		return;
	}
	f = e->file;
	if (e->rec.phase != REC_DELETING && !close_ent(c, e, now, fx)) {
		file_reply_acked(f, m, LK_OK, fx);
		return;
	}
	r = reply(fx, m, LK_UNLINK);
	if (r && rec_set_str(&r->path, e->rec.path) < 0)
		r->outcome = -ENOMEM;
}

void do_unlinked(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->id);
	struct lk_file *f = e ? e->file : NULL;

	if (e && e->rec.phase == REC_DELETING && ent_at(e, &m->from) &&
	    (!e->zombie || (f->mark == e && (m->flags & LKF_ON)))) {
		f->delete_pending = false;
		if (!e->zombie)
			ent_remove(c, e, fx);
		mark_drop(c, f, fx);
		if (f->n_opens > 0)
			file_changed(c, f, NULL, fx);
		file_kick(c, f, now, fx);
	}
	reply(fx, m, LK_OK);
}

void do_disconnect(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->id);
	struct lk_msg *r;

	if (!e || e->zombie || !ent_at(e, &m->from) || refuses_another(e, m) || e->rec.phase != REC_OPEN ||
	    (!e->rec.durable && !e->rec.persistent)) {
		reply(fx, m, LK_GONE);
		return;
	}
	if (!e->rec.disconnected && !caching_keeps_handle(e)) {
		close_by_owner(c, e, LK_GONE_CONTENDED, now, fx);
		reply(fx, m, LK_GONE);
		return;
	}
	if (!e->rec.disconnected) {
		struct lk_file *f = e->file;

		ent_disconnect(c, e, now, fx);
		caching_disconnected(c, e, now, fx);
		file_kick(c, f, now, fx);
	}
	r = reply(fx, m, LK_OK);
	if (r) {
		r->deadline = e->rec.deadline;
		r->version = e->rec.version;
	}
}

static void reply_file(struct lk_ent *e, const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg *r = file_reply_acked(e->file, m, LK_OK, fx);

	if (!r)
		return;
	r->version = e->rec.version;
	r->file_version = e->file->version;
	r->flags = e->file->delete_pending ? LKF_DELETE_PENDING : 0;
}

void do_set_delete(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = ent_of(c, m, fx);
	struct contender k = { .op = LEASE_OP_HANDLE, .own = e ? e->lease : NULL };
	bool on = m->flags & LKF_ON;

	if (!e || file_waits(e->file, m, fx))
		return;
	if (on && caching_contend(c, e->file, &k, now, fx)) {
		file_block(e->file, m, fx);
		return;
	}
	if (e->file->delete_pending != on) {
		e->file->delete_pending = on;
		e->file->deleter = on ? e->rec.id : 0;
		if (on)
			fx_add_undo(fx, UNDO_DELETION, e->rec.id, m->req);
		else
			mark_drop(c, e->file, fx);
		file_changed(c, e->file, e, fx);
	}
	reply_file(e, m, fx);
}

void deletion_undo(struct lk_core *c, struct lk_ent *e, int status, struct fx *fx)
{
	struct lk_file *f = e->file;

	if (!f->delete_pending || f->deleter != e->rec.id)
		return;
	f->delete_pending = false;
	f->deleter = 0;
	mark_drop(c, f, fx);
	file_changed(c, f, NULL, fx);
	file_refuse_deletions(f, status);
}

void do_rename(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = ent_of(c, m, fx), *o;
	struct contender k = { .op = LEASE_OP_HANDLE, .own = e ? e->lease : NULL };

	if (!e || file_waits(e->file, m, fx))
		return;
	if (caching_contend(c, e->file, &k, now, fx)) {
		file_block(e->file, m, fx);
		return;
	}
	list_foreach(o, &e->file->opens, in_file) {
		if (o == e || share_uses(o->rec.access) == 0 || (o->rec.share & SHARE_DELETE))
			continue;
		reply(fx, m, LK_SHARING_VIOLATION);
		return;
	}
	if (m->flags & LKF_ON) { /* so far only what has to come before it */
		reply_file(e, m, fx);
		return;
	}
	list_foreach(o, &e->file->opens, in_file) {
		if (rec_set_str(&o->rec.path, m->path) == 0) {
			below_move(c, o);
			continue;
		}
		reply(fx, m, -ENOMEM);
		return;
	}
	mark_renamed(e->file, m->path, fx);
	file_changed(c, e->file, e, fx);
	reply_file(e, m, fx);
}
