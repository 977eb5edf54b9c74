/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens as their owner knows them: life, notes to their homes, disconnection. On the owner's
 * worker. */
#include "smbd/lock/core_priv.h"

#include "node/base/clock.h"
#include "node/base/hash.h"
#include "smbd/lock/share.h"

/* A client that is to come back has done so by then. */
#define STORE_LATER_NS (10000 * NSEC_PER_MSEC)
#define VERSION_EPOCH_SHIFT 32

bool ent_home_alive(const struct lk_core *c, const struct lk_ent *e)
{
	return view_has(c->view, e->rec.home_node, e->rec.home_incarnation);
}

struct lk_ent *ent_new(struct lk_core *c, struct lk_file *f, struct rec_open *rec)
{
	struct lk_ent *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->file = f;
	e->deadline_stored = rec->disconnected;
	list_init(&e->noted);
	list_init(&e->in_lease);
	list_init(&e->in_node);
	e->rec = *rec;
	if (below_join(c, e) < 0 || caching_join(c, e) < 0) {
		below_leave(c, e);
		free(e);
		return NULL;
	}
	*rec = (struct rec_open){ 0 };
	list_append(&f->opens, &e->in_file);
	f->n_opens++;
	htable_insert(&c->ents, &e->by_id, hash64_u64(e->rec.id));
	if (e->rec.disconnected && e->rec.deadline < c->next_deadline)
		c->next_deadline = e->rec.deadline;
	return e;
}

static void ent_free(struct lk_core *c, struct lk_ent *e)
{
	list_remove(&e->in_file);
	list_remove(&e->noted);
	htable_remove(&c->ents, &e->by_id);
	rec_open_done(&e->rec);
	free(e);
}

static void touch(struct lk_core *c, struct lk_file *f)
{
	if (list_empty(&f->touched))
		list_append(&c->touched, &f->touched);
}

void ent_changed(struct lk_ent *e, struct fx *fx)
{
	e->rec.version++;
	if (e->rec.persistent)
		fx_put(fx, e->rec.id);
}

void ent_deleting(struct lk_core *c, struct lk_ent *e, struct fx *fx)
{
	e->rec.phase = REC_DELETING;
	e->rec.delete_pending = true;
	e->rec.disconnected = false;
	caching_leave(c, e);
	below_leave(c, e);
	e->rec.lease = (struct rec_lease){ 0 };
	ent_changed(e, fx);
}

/* False: a note to its home is not acknowledged yet. */
static bool let_go(struct lk_core *c, struct lk_ent *e, struct fx *fx)
{
	struct lk_file *f = e->file;

	touch(c, f);
	if (!e->zombie) {
		locks_drop_waiters(e, LK_GONE, fx);
		f->n_opens--;
		caching_leave(c, e);
		below_leave(c, e);
	}
	e->zombie = true;
	e->permit = e->write_permit = e->io = false;
	list_remove(&e->in_file);
	if (e->note != 0 && ent_home_alive(c, e)) {
		list_append(&f->zombies, &e->in_file);
		return false;
	}
	if (e->note != 0)
		f->unacked--;
	e->note = 0;
	list_remove(&e->noted);
	return true;
}

void ent_remove(struct lk_core *c, struct lk_ent *e, struct fx *fx)
{
	bool stored = !e->zombie || e->file->mark == e;

	if (e->rec.persistent && stored)
		fx_put(fx, e->rec.id);
	if (e->file->mark == e)
		e->file->mark = NULL;
	if (let_go(c, e, fx))
		ent_free(c, e);
}

void ent_mark(struct lk_core *c, struct lk_ent *e, struct fx *fx)
{
	if (e->rec.phase != REC_DELETING)
		ent_deleting(c, e, fx);
	(void)let_go(c, e, fx);
	e->file->mark = e;
}

static void send_note(struct lk_core *c, struct lk_ent *e, uint32_t flags, struct fx *fx)
{
	struct lk_msg m = { .kind = LKM_NOTE,
			    .req = e->note,
			    .slot = c->slot,
			    .id = e->rec.id,
			    .flags = flags,
			    .outcome = e->note_why,
			    .version = e->rec.version,
			    .file_version = e->rec.file_version };

	if (flags & LKF_STATE) {
		if (e->file->delete_pending)
			m.flags |= LKF_DELETE_PENDING;
		if (rec_set_str(&m.path, e->rec.path) < 0)
			return; /* a note that is not acknowledged is sent again */
	}
	if (flags & LKF_LEASE) {
		m.lease = e->rec.lease;
		m.client_guid = e->rec.client_guid;
	}
	fx_send(fx, ent_home(e), &m);
}

void ent_renote(struct lk_core *c, struct lk_ent *e, struct fx *fx)
{
	send_note(c, e, e->note_flags, fx);
}

void ent_note(struct lk_core *c, struct lk_ent *e, uint32_t flags, int why, struct fx *fx)
{
	if (!(e->note_flags & LKF_GONE))
		e->note_why = why;
	e->note_flags |= flags;
	if (e->note == 0) {
		e->file->unacked++;
		list_append(&c->noted, &e->noted);
	}
	e->note = c->next_note++;
	if (e->note == 0)
		e->note = c->next_note++;
	send_note(c, e, e->note_flags, fx);
}

void ent_acked(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	struct lk_file *f = e->file;
	uint32_t flags = e->note_flags;

	touch(c, f);
	e->note = 0;
	e->note_flags = 0;
	e->note_why = 0;
	list_remove(&e->noted);
	f->unacked--;
	if (e->zombie) {
		list_remove(&e->in_file);
		if (f->mark != e)
			ent_free(c, e);
	} else {
		if (flags & LKF_RECALL)
			e->permit = e->write_permit = e->io = false;
		if (flags & LKF_RECALL_WRITE)
			e->write_permit = e->io = false;
		if (flags & LKF_GONE) {
			ent_disconnect(c, e, now, fx);
			ent_set_home(e, (struct place){ 0 });
		}
	}
	file_kick(c, f, now, fx);
}

static void disconnect(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	e->permit = e->write_permit = e->io = false;
	if (!e->rec.disconnected || e->rec.deadline == 0) {
		e->rec.disconnected = true;
		e->rec.deadline = now + e->rec.timeout_ms * NSEC_PER_MSEC;
	}
	c->next_deadline = MIN(c->next_deadline, e->rec.deadline);
	locks_drop_waiters(e, LK_GONE, fx);
}

void ent_disconnect(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	disconnect(c, e, now, fx);
	ent_changed(e, fx);
}

void ent_orphaned(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	disconnect(c, e, now, fx);
	/* Above whatever former owners made of the same record without writing it. */
	e->rec.version = MAX(e->rec.version, c->view->epoch << VERSION_EPOCH_SHIFT);
	if (e->deadline_stored || !e->rec.persistent) {
		ent_changed(e, fx);
		return;
	}
	e->rec.version++;
	e->store_by = now + STORE_LATER_NS;
	c->next_deadline = MIN(c->next_deadline, e->store_by);
}

void ent_taken(struct lk_ent *e, struct fx *fx)
{
	e->store_by = 0;
	if (e->deadline_stored || !e->rec.persistent)
		ent_changed(e, fx);
	else
		e->rec.version++;
}

bool ent_may_have_permit(const struct lk_ent *e)
{
	const struct lk_ent *o;

	if (!list_empty(&e->file->waiters))
		return false;
	list_foreach(o, &e->file->opens, in_file)
		if (o != e && o->rec.n_locks > 0)
			return false;
	return true;
}

bool ent_may_write(const struct lk_ent *e)
{
	if (!ent_may_have_permit(e))
		return false;
	return e->rec.directory || !(share_uses(e->rec.access) & SHARE_WRITE) || !caching_asks(e);
}
