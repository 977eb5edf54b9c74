/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an owner comes to its state: records, what homes re-assert, and what becomes of opens whose
 * home is gone. */
#include "smbd/lock/core_priv.h"

static void merge_file_state(struct lk_file *f, const struct rec_open *r)
{
	if (r->file_version > f->version) {
		f->version = r->file_version;
		f->delete_pending = r->delete_pending;
	} else if (r->file_version == f->version && r->delete_pending) {
		f->delete_pending = true;
	}
	if (r->phase == REC_DELETING)
		f->delete_pending = true;
}

int core_load(struct lk_core *c, struct rec_open *rec)
{
	struct lk_file *f;

	if (core_find(c, rec->id))
		return -EEXIST;
	f = file_get(c, &rec->key);
	if (!f)
		return -ENOMEM;
	merge_file_state(f, rec);
	return ent_new(c, f, rec) ? 0 : -ENOMEM;
}

static void insert_asserted(struct lk_core *c, struct lk_msg *m, struct fx *fx)
{
	struct lk_file *f = file_get(c, &m->rec.key);
	struct lk_ent *e;

	if (!f)
		return;
	merge_file_state(f, &m->rec);
	e = ent_new(c, f, &m->rec);
	if (!e)
		return;
	m->flags &= ~LKF_HAS_REC;
	ent_set_home(e, m->from);
	e->permit = m->flags & LKF_PERMIT;
	e->write_permit = lk_write_permit(m->flags, c->view);
	e->io = m->flags & LKF_IO;
	e->asserted = true;
	if (e->rec.persistent)
		fx_put(fx, e->rec.id);
}

/* The record is as new as what its home remembers, or newer: a decision whose reply was lost is in
 * it. */
static void keep_record(struct lk_core *c, struct lk_ent *e, const struct lk_msg *m)
{
	if (m->rec.file_version > e->rec.file_version)
		merge_file_state(e->file, &m->rec);
	e->rec.disconnected = m->rec.disconnected;
	e->rec.deadline = m->rec.deadline;
	e->rec.consumed |= m->rec.consumed;
	caching_merge(c, e, &m->rec.lease);
}

/* The home is ahead of the record: it took the open from a dead one, which needs no write (ent_taken()), or a write failed. */
static void take_mirror(struct lk_core *c, struct lk_ent *e, struct lk_msg *m, struct fx *fx)
{
	bool write = e->deadline_stored || m->rec.disconnected || !rec_open_same_state(&e->rec, &m->rec);
	struct rec_lease said = m->rec.lease;

	merge_file_state(e->file, &m->rec);
	rec_open_done(&e->rec);
	e->rec = m->rec;
	m->rec = (struct rec_open){ 0 };
	below_move(c, e);
	m->flags &= ~LKF_HAS_REC;
	caching_merge(c, e, &said);
	if (e->rec.persistent && write)
		fx_put(fx, e->rec.id);
}

/* A home that names `r` does not hold it. */
static void tell_gone(struct lk_core *c, struct place home, const struct rec_open *r, struct fx *fx)
{
	struct lk_msg m = { .kind = LKM_NOTE,
			    .slot = c->slot,
			    .id = r->id,
			    .flags = LKF_GONE,
			    .outcome = LK_GONE_MOVED,
			    .version = r->version };

	fx_send(fx, home, &m);
}

/* Two homes name the open: it went from one to the other while its slot changed hands. The later version is true; the other
 * home hears that it is not. True: that is what `m` says. */
static bool outdoes(struct lk_core *c, const struct lk_ent *e, const struct lk_msg *m, struct fx *fx)
{
	if (m->rec.version <= e->rec.version) {
		tell_gone(c, m->from, &m->rec, fx);
		return false;
	}
	tell_gone(c, ent_home(e), &e->rec, fx);
	return true;
}

void core_assert(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->rec.id);

	if (!view_has(c->view, m->from.node, m->from.incarnation) ||
	    (m->rec.id & 0xffff) != c->slot)
		return;
	if (!e) {
		/* A persistent open without a record whose home closes it was closed already. */
		if (!(m->rec.persistent && (m->flags & LKF_CLOSING)))
			insert_asserted(c, m, fx);
		file_sweep(c);
		return;
	}
	/* Closed by an owner, and its home has not heard. */
	if (e->rec.phase == REC_DELETING && m->rec.phase != REC_DELETING && !(m->flags & LKF_CLOSING)) {
		tell_gone(c, m->from, &m->rec, fx);
		return;
	}
	if (e->zombie || (e->asserted && (ent_at(e, &m->from) || !outdoes(c, e, m, fx))))
		return;
	if (!file_key_equal(&e->rec.key, &m->rec.key) ||
	    (e->rec.home_incarnation != 0 && !ent_at(e, &m->from) &&
	     e->rec.version > m->rec.version)) {
		tell_gone(c, m->from, &m->rec, fx);
		return;
	}
	if (m->rec.version > e->rec.version)
		take_mirror(c, e, m, fx);
	else
		keep_record(c, e, m);
	ent_set_home(e, m->from);
	e->permit = m->flags & LKF_PERMIT;
	e->write_permit = lk_write_permit(m->flags, c->view);
	e->io = m->flags & LKF_IO;
	e->asserted = true;
	if (e->rec.disconnected && e->rec.deadline < c->next_deadline)
		c->next_deadline = e->rec.deadline;
}

/* The home is gone, or does not hold it any more. */
static void orphan(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	struct lk_file *f = e->file;

	if (e->rec.phase == REC_DELETING) {
		if (e->unlinking)
			return;
		ent_set_home(e, (struct place){ 0 });
		e->unlinking = true;
		fx_add_unlink(fx, &e->rec);
	} else if (e->rec.disconnected) {
		return;
	} else if (!caching_keeps_handle(e)) {
		close_by_owner(c, e, 0, now, fx);
	} else {
		if (ent_home_alive(c, e))
			ent_disconnect(c, e, now, fx);
		else
			ent_orphaned(c, e, now, fx);
		caching_disconnected(c, e, now, fx);
		file_kick(c, f, now, fx);
	}
}

typedef bool orphan_fn(const struct lk_core *c, const struct lk_ent *e);

static bool home_died(const struct lk_core *c, const struct lk_ent *e)
{
	if (ent_home_alive(c, e))
		return false;
	if (e->note != 0)
		return true;
	if (e->zombie) /* the file's mark */
		return false;
	return e->rec.phase == REC_DELETING ? !e->unlinking : !e->rec.disconnected;
}

static bool not_named(const struct lk_core *c, const struct lk_ent *e)
{
	return home_died(c, e) || (!e->zombie && !e->asserted && !e->rec.disconnected);
}

static void orphan_all(struct lk_core *c, orphan_fn *which, uint64_t now, struct fx *fx)
{
	uint64_t *ids = calloc(c->ents.count + 1, sizeof(*ids));
	struct htable_iter it;
	struct hnode *n;
	size_t k = 0;

	if (!ids)
		return;
	htable_foreach(n, &it, &c->ents) {
		const struct lk_ent *e = htable_entry(n, struct lk_ent, by_id);

		if (which(c, e))
			ids[k++] = e->rec.id;
	}
	for (size_t i = 0; i < k; i++) {
		struct lk_ent *e = core_find(c, ids[i]);

		if (e && e->note != 0 && !ent_home_alive(c, e)) {
			ent_acked(c, e, now, fx); /* death is an acknowledgement */
			e = core_find(c, ids[i]);
		}
		if (e && which(c, e))
			orphan(c, e, now, fx);
	}
	free(ids);
	file_sweep(c);
}

/* Brings every open of a file to the file's state, and its homes to know it; takes permits back
 * that a lock of another open contradicts. */
static void settle_file(struct lk_core *c, struct lk_file *f, struct fx *fx)
{
	struct lk_ent *e;

	list_foreach(e, &f->opens, in_file) {
		if (e->rec.file_version != f->version ||
		    e->rec.delete_pending != f->delete_pending) {
			e->rec.file_version = f->version;
			e->rec.delete_pending = f->delete_pending;
			ent_changed(e, fx);
			if (ent_home_alive(c, e))
				ent_note(c, e, LKF_STATE, 0, fx);
		}
		if (e->permit && !ent_may_have_permit(e))
			ent_note(c, e, LKF_RECALL, 0, fx);
		else if (e->write_permit && !ent_may_write(e))
			ent_note(c, e, LKF_RECALL_WRITE, 0, fx);
	}
	caching_settle(c, f, fx);
}

void core_serve(struct lk_core *c, uint64_t now, struct fx *fx)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->files) {
		struct lk_file *f = htable_entry(n, struct lk_file, by_key);

		mark_settle(c, f, fx);
		settle_file(c, f, fx);
	}
	orphan_all(c, not_named, now, fx);
	htable_foreach(n, &it, &c->ents)
		htable_entry(n, struct lk_ent, by_id)->asserted = true;
}

void core_view(struct lk_core *c, uint64_t now, struct fx *fx)
{
	orphan_all(c, home_died, now, fx);
}
