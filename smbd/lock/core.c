/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The decision core of a slot: effects, dispatch, load and settling. On the owner's worker. */
#include "smbd/lock/core_priv.h"

#include "node/base/hash.h"
#include "node/base/random.h"

void fx_init(struct fx *fx)
{
	*fx = (struct fx){ 0 };
	list_init(&fx->outs);
	list_init(&fx->undos);
	list_init(&fx->unlinks);
}

void fx_done(struct fx *fx)
{
	struct fx_out *o, *ot;
	struct fx_undo *u, *ut;
	struct fx_unlink *l, *lt;

	list_foreach_safe(o, ot, &fx->outs, link) {
		msg_done(&o->msg);
		free(o);
	}
	list_foreach_safe(u, ut, &fx->undos, link)
		free(u);
	list_foreach_safe(l, lt, &fx->unlinks, link) {
		rec_open_done(&l->rec);
		free(l);
	}
	free(fx->ids);
	fx_init(fx);
}

struct lk_msg *fx_send(struct fx *fx, struct place to, struct lk_msg *m)
{
	struct fx_out *o = malloc(sizeof(*o));

	if (!o) {
		msg_done(m);
		return NULL;
	}
	o->to = to;
	o->msg = *m;
	list_append(&fx->outs, &o->link);
	return &o->msg;
}

void fx_put(struct fx *fx, uint64_t id)
{
	if (fx_puts(fx, id))
		return;
	if (fx->n_ids == fx->cap_ids) {
		size_t cap = fx->cap_ids ? 2 * fx->cap_ids : 4;
		uint64_t *ids = reallocarray(fx->ids, cap, sizeof(*ids));

		if (!ids) {
			fx->err = -ENOMEM;
			return;
		}
		fx->ids = ids;
		fx->cap_ids = cap;
	}
	fx->ids[fx->n_ids++] = id;
}

bool fx_puts(const struct fx *fx, uint64_t id)
{
	for (size_t i = 0; i < fx->n_ids; i++)
		if (fx->ids[i] == id)
			return true;
	return false;
}

bool fx_gives(const struct fx *fx, uint64_t id)
{
	const struct fx_undo *u;

	list_foreach(u, &fx->undos, link)
		if (u->id == id && (u->what == UNDO_OPEN || u->what == UNDO_ATTACH))
			return true;
	return false;
}

bool fx_owes(const struct fx *fx, uint64_t id, uint64_t req)
{
	const struct fx_undo *u;

	list_foreach(u, &fx->undos, link)
		if (u->what == UNDO_REPLY && u->id == id && u->req == req)
			return true;
	return false;
}

void fx_add_undo(struct fx *fx, enum undo what, uint64_t id, uint64_t req)
{
	struct fx_undo *u = malloc(sizeof(*u));

	if (!u) {
		fx->err = -ENOMEM;
		return;
	}
	u->what = what;
	u->id = id;
	u->req = req;
	list_append(&fx->undos, &u->link);
}

void fx_add_unlink(struct fx *fx, const struct rec_open *rec)
{
	struct fx_unlink *l = malloc(sizeof(*l));

	if (!l)
		return;
	if (rec_open_copy(rec, &l->rec) < 0) {
		free(l);
		return;
	}
	list_append(&fx->unlinks, &l->link);
}

void core_init(struct lk_core *c, uint32_t slot, const struct lk_limits *limits, struct lease_stats *counts)
{
	*c = (struct lk_core){ .slot = slot, .limits = limits, .counts = counts, .next_deadline = UINT64_MAX };
	list_init(&c->noted);
	list_init(&c->touched);
	list_init(&c->dirs);
	list_init(&c->breaking);
	c->next_note = random_u64() | 1;
}

struct lk_ent *core_find(const struct lk_core *c, uint64_t id)
{
	for (struct hnode *n = htable_find(&c->ents, hash64_u64(id)); n; n = htable_find_next(n)) {
		struct lk_ent *e = htable_entry(n, struct lk_ent, by_id);

		if (e->rec.id == id)
			return e;
	}
	return NULL;
}

void core_stored(struct lk_ent *e)
{
	e->deadline_stored = e->rec.disconnected;
	e->store_by = 0;
}

struct lk_msg *reply(struct fx *fx, const struct lk_msg *m, int outcome)
{
	struct lk_msg r = { .kind = LKM_REPLY,
			    .req = m->req,
			    .asked = m->kind,
			    .slot = m->slot,
			    .id = m->id,
			    .outcome = outcome };

	return fx_send(fx, m->from, &r);
}

struct lk_ent *ent_of(struct lk_core *c, const struct lk_msg *m, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->id);

	if (e && !e->zombie && ent_at(e, &m->from) && !e->rec.disconnected)
		return e;
	reply(fx, m, LK_GONE);
	return NULL;
}

static void do_consumed(struct lk_core *c, const struct lk_msg *m, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->id);

	if (!e || e->zombie || !ent_at(e, &m->from) || e->rec.consumed)
		return;
	e->rec.consumed = true;
	ent_changed(e, fx);
}

static void do_query(struct lk_core *c, const struct lk_msg *m, struct fx *fx)
{
	const struct lk_file *f = file_find(c, &m->key);
	struct lk_msg *r = reply(fx, m, LK_OK);

	if (!r || !f)
		return;
	r->count = f->n_opens;
	r->flags = f->delete_pending ? LKF_DELETE_PENDING : 0;
}

static void do_note_ack(struct lk_core *c, const struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->id);

	if (e && e->note != 0 && e->note == m->req && ent_at(e, &m->from))
		ent_acked(c, e, now, fx);
}

void core_redo(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	switch (m->kind) {
	case LKM_OPEN:
		return do_open(c, m, now, fx);
	case LKM_CLOSE:
		return do_close(c, m, now, fx);
	case LKM_UNLINKED:
		return do_unlinked(c, m, now, fx);
	case LKM_DISCONNECT:
		return do_disconnect(c, m, now, fx);
	case LKM_RECLAIM:
		return do_reclaim(c, m, now, fx);
	case LKM_LOCK:
		return do_lock(c, m, now, fx);
	case LKM_UNLOCK:
		return do_unlock(c, m, now, fx);
	case LKM_CANCEL:
		return do_cancel(c, m, now, fx);
	case LKM_IO:
		return do_io(c, m, now, fx);
	case LKM_SET_DELETE:
		return do_set_delete(c, m, now, fx);
	case LKM_RENAME:
		return do_rename(c, m, now, fx);
	case LKM_CONSUMED:
		return do_consumed(c, m, fx);
	case LKM_QUERY:
		return do_query(c, m, fx);
	case LKM_BELOW:
		return do_below(c, m, now, fx);
	case LKM_BREAK_ACK:
		return do_break_ack(c, m, now, fx);
	case LKM_NOTE_ACK:
		return do_note_ack(c, m, now, fx);
	default:
		return;
	}
}

void core_handle(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	/* A decision for a home that died meanwhile would leave a ghost. */
	if (!view_has(c->view, m->from.node, m->from.incarnation))
		return;
	core_redo(c, m, now, fx);
	file_kick_touched(c, now, fx);
	file_sweep(c);
}

/* When the scavenger is to come to a disconnected open. */
static uint64_t due_at(const struct lk_ent *e)
{
	return e->store_by ? MIN(e->store_by, e->rec.deadline) : e->rec.deadline;
}

/* What the scavenger has to do with an open now. */
static bool due(const struct lk_core *c, const struct lk_ent *e, uint64_t now)
{
	if (e->zombie)
		return false;
	if (e->rec.phase == REC_DELETING)
		return !e->unlinking && !ent_home_alive(c, e);
	return e->rec.disconnected && due_at(e) <= now;
}

static void scavenge(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	if (e->rec.phase != REC_DELETING && e->rec.deadline > now) {
		e->store_by = 0;
		c->next_deadline = MIN(c->next_deadline, e->rec.deadline);
		fx_put(fx, e->rec.id);
		return;
	}
	if (e->rec.phase != REC_DELETING) {
		close_by_owner(c, e, LK_GONE_SCAVENGED, now, fx);
		return;
	}
	e->unlinking = true;
	fx_add_unlink(fx, &e->rec);
}

void core_scavenge(struct lk_core *c, uint64_t now, struct fx *fx)
{
	struct htable_iter it;
	struct hnode *n;
	uint64_t *ids, next = UINT64_MAX;
	size_t k = 0;

	if (now < c->next_deadline)
		return;
	ids = calloc(c->ents.count + 1, sizeof(*ids));
	if (!ids)
		return;
	htable_foreach(n, &it, &c->ents) {
		const struct lk_ent *e = htable_entry(n, struct lk_ent, by_id);

		if (due(c, e, now))
			ids[k++] = e->rec.id;
		else if (!e->zombie && e->rec.disconnected)
			next = MIN(next, due_at(e));
	}
	c->next_deadline = next;
	for (size_t i = 0; i < k; i++) {
		struct lk_ent *e = core_find(c, ids[i]);

		if (e && due(c, e, now))
			scavenge(c, e, now, fx);
	}
	free(ids);
	file_sweep(c);
}

void core_renote(struct lk_core *c, struct fx *fx)
{
	struct lk_ent *e;

	list_foreach(e, &c->noted, noted)
		ent_renote(c, e, fx);
}

void core_unlinked(struct lk_core *c, uint64_t id, bool done, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, id);
	struct lk_file *f = e ? e->file : NULL;

	if (!e || e->zombie || e->rec.phase != REC_DELETING)
		return;
	e->unlinking = false;
	if (done) {
		f->delete_pending = false;
		ent_remove(c, e, fx);
		mark_drop(c, f, fx);
	} else {
		c->next_deadline = 0; /* the scavenger tries again */
	}
	f->unblock = true; /* who waits for the name */
	file_kick(c, f, now, fx);
	file_sweep(c);
}

static void undo(struct lk_core *c, const struct fx_undo *u, int status, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, u->id);
	struct lk_file *f;

	if (!e || e->zombie || e->rec.phase != REC_OPEN)
		return;
	f = e->file;
	switch (u->what) {
	case UNDO_OPEN:
		e->rec.delete_on_close = false; /* its client does not have it */
		close_by_owner(c, e, 0, now, fx);
		break;
	case UNDO_ATTACH:
		if (e->rec.open_req != u->req || e->rec.disconnected)
			return;
		ent_disconnect(c, e, now, fx);
		caching_disconnected(c, e, now, fx);
		break;
	case UNDO_LOCKS:
		if (locks_undo(e, u->req))
			ent_changed(e, fx);
		break;
	case UNDO_DELETION:
		deletion_undo(c, e, status, fx);
		break;
	case UNDO_REPLY: /* not of one that is closed: that is out of the store before it is told */
		file_refuse_reply(f, u->id, u->req, status);
		break;
	}
	file_kick(c, f, now, fx);
}

void core_fail(struct lk_core *c, const struct fx *failed, int status, uint64_t now, struct fx *fx)
{
	struct fx_undo *u;

	for (size_t i = 0; i < failed->n_ids; i++) {
		struct lk_ent *e = core_find(c, failed->ids[i]);

		if (e)
			e->deadline_stored = true; /* it may have one: what is in the store is older than what is known */
	}
	list_foreach(u, &failed->undos, link)
		undo(c, u, status, now, fx);
	file_sweep(c);
}

void core_fail_later(struct lk_core *c, const struct fx *failed, const struct fx *later, uint64_t now, struct fx *fx)
{
	struct fx_undo *u;

	list_foreach(u, &later->undos, link)
		if (u->what == UNDO_ATTACH && fx_gives(failed, u->id))
			undo(c, u, 0, now, fx);
	file_sweep(c);
}

bool core_undeletes(const struct lk_core *c, const struct fx *failed, const struct lk_ent *e)
{
	const struct fx_undo *u;
	const struct lk_ent *by;

	list_foreach(u, &failed->undos, link)
		if (u->what == UNDO_DELETION && (by = core_find(c, u->id)) && by->file == e->file)
			return true;
	return false;
}
