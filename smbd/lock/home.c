/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The home of opens: calls that wait for an owner, what their replies change, the tables of opens.
 * A reply counts only when it comes from the present owner of the slot and was sent in the view in
 * which its ownership began, or later; it takes effect the moment it arrives, so that a view change
 * right after it re-asserts what it granted.
 */
#include "smbd/lock/lockc_priv.h"

#include "node/base/hash.h"
#include "smbd/lock/brl.h"

uint64_t home_req(struct lockc *c)
{
	uint64_t r;

	do {
		r = hash64_u64(c->next_req++);
	} while (r == 0);
	return r;
}

/* --- opens --- */

struct lk_open *home_open_new(const struct rec_open *want)
{
	struct lk_open *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	if (want && rec_open_copy(want, &o->rec) < 0) {
		free(o);
		return NULL;
	}
	o->refs = 1;
	list_init(&o->acks);
	list_init(&o->in_io);
	task_mutex_init(&o->unlocking);
	return o;
}

void home_open_ref(struct lk_open *o)
{
	o->refs++;
}

void home_open_unref(struct lk_open *o)
{
	if (!o || --o->refs > 0)
		return;
	held_free_all(&o->acks);
	list_remove(&o->in_io);
	rec_open_done(&o->rec);
	free(o);
}

static uint64_t create_hash(const struct guid *client, const struct guid *create)
{
	struct guid both[2] = { *client, *create };

	return hash64(both, sizeof(both), 0);
}

struct lk_open *lockc_find(struct lockc *c, uint64_t id)
{
	for (struct hnode *n = htable_find(&c->by_id, hash64_u64(id)); n; n = htable_find_next(n)) {
		struct lk_open *o = htable_entry(n, struct lk_open, by_id);

		if (o->rec.id == id)
			return o;
	}
	return NULL;
}

struct lk_open *lockc_replay_find(struct lockc *c, const struct guid *client_guid,
				  const struct guid *create_guid)
{
	struct hnode *n = htable_find(&c->by_create, create_hash(client_guid, create_guid));

	for (; n; n = htable_find_next(n)) {
		struct lk_open *o = htable_entry(n, struct lk_open, by_create);

		if (guid_equal(&o->rec.client_guid, client_guid) &&
		    guid_equal(&o->rec.create_guid, create_guid))
			return o;
	}
	return NULL;
}

void home_open_add(struct lockc *c, struct lk_open *o)
{
	home_open_ref(o);
	htable_insert(&c->by_id, &o->by_id, hash64_u64(o->rec.id));
	if (o->rec.has_create_guid)
		htable_insert(&c->by_create, &o->by_create,
			      create_hash(&o->rec.client_guid, &o->rec.create_guid));
	home_lease_add(c, o);
}

void home_open_remove(struct lockc *c, struct lk_open *o)
{
	if (lockc_find(c, o->rec.id) != o)
		return;
	o->gone = true;
	o->permit = o->write_permit = false;
	htable_remove(&c->by_id, &o->by_id);
	if (o->rec.has_create_guid)
		htable_remove(&c->by_create, &o->by_create);
	home_lease_remove(c, o);
	home_open_unref(o);
}

void home_io_begin(struct lk_open *o)
{
	home_open_ref(o);
	o->io++;
}

void home_own_shared(struct lk_open *o)
{
	o->own_shared = false;
	for (uint32_t i = 0; i < o->rec.n_locks; i++)
		o->own_shared |= !o->rec.locks[i].exclusive;
}

/* --- replies --- */

struct hreq *home_req_find(struct lockc *c, uint64_t req)
{
	for (struct hnode *n = htable_find(&c->reqs, hash64_u64(req)); n; n = htable_find_next(n)) {
		struct hreq *r = htable_entry(n, struct hreq, by_req);

		if (r->m->req == req)
			return r;
	}
	return NULL;
}

/* An open that was there before is given back, not closed: its client may come for it again. */
static enum lk_kind refusal(const struct lk_msg *m)
{
	if (m->asked == LKM_RECLAIM)
		return LKM_DISCONNECT;
	return m->outcome == LK_REPLAYED && (m->rec.persistent || m->rec.durable) ? LKM_DISCONNECT : LKM_CLOSE;
}

/* A grant that nobody waits for any more: the caller gave up, or this is a second copy. */
static void refuse_grant(struct lockc *c, const struct lk_msg *m)
{
	struct lk_msg r = { .slot = m->slot, .id = m->id, .req = home_req(c) };
	struct lk_open *o = lockc_find(c, m->id);

	if (m->outcome != LK_OK && m->outcome != LK_REPLAYED)
		return;
	if ((m->asked == LKM_OPEN || m->asked == LKM_RECLAIM) && !o) {
		r.kind = refusal(m);
		r.target = m->req;
	} else if (m->asked == LKM_LOCK && o && !(m->flags & LKF_REPLAY)) {
		for (uint32_t i = 0; i < o->rec.n_locks; i++)
			if (o->rec.locks[i].req == m->req)
				return;
		r.kind = LKM_CANCEL;
		r.target = m->req;
		r.flags = LKF_ON;
	} else {
		return;
	}
	lockc_send(c, &m->from, &r);
}

static void got_rec(struct lockc *c, struct hreq *r, struct lk_msg *m)
{
	struct lk_open *o = lockc_find(c, m->rec.id);
	bool fresh = !o;

	if (fresh)
		o = r->open;
	home_lease_remove(c, o);
	rec_open_done(&o->rec);
	o->rec = m->rec;
	m->rec = (struct rec_open){ 0 };
	m->flags &= ~LKF_HAS_REC;
	o->permit = m->flags & LKF_PERMIT;
	o->write_permit = lk_write_permit(m->flags, c->view);
	home_own_shared(o);
	if (fresh)
		home_open_add(c, o);
	else
		home_lease_add(c, o);
	home_lease(c, &o->rec.client_guid, o->rec.id, &o->rec.lease, 0);
	if (r->m->kind == LKM_RECLAIM)
		o->told = 0; /* its client may not have heard, or not any more */
	r->result = o;
}

static void got_open(struct lockc *c, struct hreq *r, struct lk_msg *m)
{
	struct lk_open *o = r->open;

	r->version = m->version;
	if (r->outcome != LK_OK && r->outcome != LK_REPLAYED)
		return;
	if (m->flags & LKF_HAS_REC) {
		got_rec(c, r, m);
		return;
	}
	o->rec.id = m->id;
	o->rec.version = m->version;
	o->rec.file_version = m->file_version;
	o->rec.timeout_ms = m->timeout_ms;
	o->rec.persistent = m->flags & LKF_PERSISTENT;
	o->rec.durable = m->flags & LKF_DURABLE;
	o->rec.open_req = m->req;
	o->rec.home_node = c->cfg.self.node;
	o->rec.home_worker = c->cfg.self.worker;
	o->rec.home_incarnation = c->cfg.self.incarnation;
	o->permit = m->flags & LKF_PERMIT;
	o->write_permit = lk_write_permit(m->flags, c->view);
	o->rec.lease = m->flags & LKF_LEASE ? m->lease : (struct rec_lease){ 0 };
	home_open_add(c, o);
	home_lease(c, &o->rec.client_guid, o->rec.id, &o->rec.lease, 0);
	r->result = o;
}

static void got_lock(struct lockc *c, struct hreq *r, struct lk_msg *m)
{
	struct rec_open *rec = &r->open->rec;
	const struct lk_msg *q = r->m;
	struct rec_lock *l;

	if (r->open->gone)
		r->outcome = LK_GONE;
	if (r->outcome != LK_OK || (m->flags & LKF_REPLAY))
		return;
	l = reallocarray(rec->locks, rec->n_locks + q->n_ranges, sizeof(*l));
	if (!l) {
		refuse_grant(c, m);
		r->outcome = -ENOMEM;
		return;
	}
	rec->locks = l;
	for (unsigned int i = 0; i < q->n_ranges; i++)
		l[rec->n_locks++] = (struct rec_lock){ .offset = q->ranges[i].offset,
						       .length = q->ranges[i].length,
						       .exclusive = q->ranges[i].exclusive,
						       .req = q->req };
	brl_seq_done(rec->lock_seq, q->seq.index, q->seq.number);
	home_own_shared(r->open);
}

static void got_unlock(struct hreq *r, struct lk_msg *m)
{
	struct rec_open *rec = &r->open->rec;
	const struct lk_msg *q = r->m;

	if (r->outcome < 0 || (m->flags & LKF_REPLAY) || r->outcome == LK_GONE)
		return;
	for (unsigned int i = 0; i < q->n_ranges; i++) {
		int k = brl_find(rec->locks, rec->n_locks, q->ranges[i].offset,
				 q->ranges[i].length);

		if (k < 0)
			break;
		rec->n_locks--;
		memmove(&rec->locks[k], &rec->locks[k + 1],
			(rec->n_locks - (uint32_t)k) * sizeof(rec->locks[0]));
	}
	if (r->outcome == LK_OK)
		brl_seq_done(rec->lock_seq, q->seq.index, q->seq.number);
	rec->unlock_req = q->req;
	rec->unlock_outcome = (uint32_t)r->outcome;
	home_own_shared(r->open);
}

static void got_close(struct lockc *c, struct hreq *r, struct lk_msg *m)
{
	struct lk_open *o = r->open;

	if (lockc_store_refused(r->outcome))
		return;
	if (r->outcome != LK_UNLINK) {
		home_open_remove(c, o);
		return;
	}
	o->rec.phase = REC_DELETING;
	o->rec.delete_pending = true;
	o->permit = o->write_permit = false;
	home_lease_remove(c, o);
	o->rec.lease = (struct rec_lease){ 0 };
	free(o->rec.path);
	o->rec.path = TAKE_PTR(m->path);
}

static void apply(struct lockc *c, struct hreq *r, struct lk_msg *m)
{
	struct lk_open *o = r->open;

	r->outcome = m->outcome;
	if (o && r->m->kind != LKM_OPEN && r->m->kind != LKM_RECLAIM && m->version > o->rec.version)
		o->rec.version = m->version;
	switch (r->m->kind) {
	case LKM_OPEN:
	case LKM_RECLAIM:
		return got_open(c, r, m);
	case LKM_LOCK:
		return got_lock(c, r, m);
	case LKM_UNLOCK:
		return got_unlock(r, m);
	case LKM_CLOSE:
		return got_close(c, r, m);
	case LKM_UNLINKED:
		return home_open_remove(c, o);
	case LKM_DISCONNECT:
		if (r->outcome == LK_OK) {
			o->rec.disconnected = true;
			o->rec.deadline = m->deadline;
			o->permit = o->write_permit = false;
		}
		return;
	case LKM_SET_DELETE:
	case LKM_RENAME:
		if (r->outcome == LK_OK) {
			o->rec.file_version = m->file_version;
			o->rec.delete_pending = m->flags & LKF_DELETE_PENDING;
		}
		return;
	case LKM_IO:
		/* It counts from now on: a recall may arrive before the task runs. */
		if (r->outcome == LK_OK && o->gone)
			r->outcome = LK_GONE;
		if (r->outcome == LK_OK)
			home_io_begin(o);
		return;
	case LKM_BREAK_ACK:
		if (m->flags & LKF_LEASE)
			home_lease(c, &m->client_guid, m->id, &m->lease, 0);
		return;
	case LKM_BELOW:
		memcpy(r->m->ranges, m->ranges, sizeof(m->ranges));
		r->m->n_ranges = m->n_ranges;
		r->version = m->epoch;
		return;
	case LKM_QUERY:
		r->info = (struct lk_file_info){ .opens = m->count,
						 .delete_pending = m->flags & LKF_DELETE_PENDING };
		return;
	default:
		return;
	}
}

static void got_reply(struct lockc *c, struct lk_msg *m)
{
	struct hreq *r = home_req_find(c, m->req);

	if (!r || r->done) {
		refuse_grant(c, m);
		return;
	}
	if (m->asked != r->m->kind)
		return;
	apply(c, r, m);
	r->done = true;
	task_wake(r->task);
}

static void got_waiting(struct lockc *c, const struct lk_msg *m)
{
	struct hreq *r = home_req_find(c, m->req);

	if (!r || r->done)
		return;
	r->waiting = true;
	task_wake(r->task);
}

void home_take(struct lockc *c, struct lk_msg *m)
{
	const struct hslot *h = &c->hslots[m->slot];

	if (m->kind == LKM_DONE_ACK) {
		home_done_ack(c, m);
		return;
	}
	if (m->kind == LKM_MISSED) {
		if (m->epoch == c->view->epoch && c->prev_epoch != 0 && m->prev > c->prev_epoch)
			lockc_lost(c, "missed a view");
		return;
	}
	if (!h->owned || !place_equal(&h->owner, &m->from) || m->epoch < h->moved)
		return;
	if (m->kind == LKM_REPLY)
		got_reply(c, m);
	else if (m->kind == LKM_WAITING)
		got_waiting(c, m);
	else
		home_note(c, m);
}

/* --- calls --- */

/* Within this worker the owner gets a copy that it may plunder; its answer may be here before this
 * returns. */
static void send_direct(struct lockc *c, struct hreq *r)
{
	struct lk_msg m = *r->m;

	m.path = m.share_name = NULL;
	if (m.flags & LKF_HAS_REC) {
		m.flags &= ~LKF_HAS_REC;
		if (rec_open_copy(&r->m->rec, &m.rec) < 0)
			return;
		m.flags |= LKF_HAS_REC;
	}
	if (rec_set_str(&m.path, r->m->path) == 0 &&
	    rec_set_str(&m.share_name, r->m->share_name) == 0)
		lockd_take(c, &m);
	msg_done(&m);
}

static void send_cancel(struct lockc *c, struct hreq *r, bool undo)
{
	const struct hslot *h = &c->hslots[r->m->slot];
	struct lk_msg m = { .kind = LKM_CANCEL,
			    .slot = r->m->slot,
			    .id = r->m->id,
			    .req = home_req(c),
			    .asked = r->m->kind,
			    .target = r->m->req,
			    .flags = undo ? LKF_ON : 0 };

	if (r->m->kind == LKM_OPEN)
		m.key = r->m->rec.key;
	if (c->view && h->owned)
		lockc_send(c, &h->owner, &m);
}

void home_resend(struct lockc *c, struct hreq *r)
{
	const struct hslot *h = &c->hslots[r->m->slot];
	struct place to = h->owner;

	r->sent_at = loop_now(c->cfg.loop);
	if (!c->view || !h->owned)
		return;
	r->m->from = c->cfg.self;
	r->m->epoch = c->view->epoch;
	if (place_equal(&to, &c->cfg.self) && c->n_self == 0)
		send_direct(c, r);
	else
		lockc_send(c, &to, r->m);
	if (r->cancelled && !r->done)
		send_cancel(c, r, false);
}

static uint64_t wait_until(const struct lockc *c, const struct hreq *r, uint64_t deadline)
{
	uint64_t until = r->waiting ? 0 : deadline;

	return c->hurry && (until == 0 || until > c->hurry) ? c->hurry : until;
}

/* Waits until the reply is there or the deadline passes. */
static int wait_reply(struct lockc *c, struct hreq *r, uint64_t deadline, bool cancellable)
{
	while (!r->done && !c->stopping) {
		bool shield = !cancellable || r->cancelled;
		int e;

		if (r->waiting && r->pending) {
			void (*pending)(void *arg) = TAKE_PTR(r->pending);

			pending(r->arg);
			continue;
		}
		if (shield)
			task_shield_begin();
		e = task_park_until(wait_until(c, r, deadline));
		if (shield)
			task_shield_end();
		if (e == -ETIME && !r->done)
			return c->hurry && loop_now(c->cfg.loop) >= c->hurry ? -ESHUTDOWN : -ETIME;
		if (e == -ECANCELED && !r->done) {
			r->cancelled = true;
			send_cancel(c, r, false);
		}
	}
	return r->done ? r->outcome : -ESHUTDOWN;
}

int home_call(struct lockc *c, struct hreq *r, uint64_t deadline, bool cancellable)
{
	int e;

	if (c->stopping)
		return -ESHUTDOWN;
	c->calls++;
	if (r->open)
		home_open_ref(r->open);
	r->task = task_current();
	r->m->req = home_req(c);
	htable_insert(&c->reqs, &r->by_req, hash64_u64(r->m->req));
	home_resend(c, r);
	e = wait_reply(c, r, deadline, cancellable);
	if (e == -ETIME && (r->m->kind == LKM_LOCK || r->m->kind == LKM_OPEN))
		send_cancel(c, r, r->m->kind == LKM_LOCK);
	htable_remove(&c->reqs, &r->by_req);
	home_open_unref(r->open);
	c->calls--;
	lockc_check_idle(c);
	return e;
}

void home_wake_all(struct lockc *c)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->reqs)
		task_wake(htable_entry(n, struct hreq, by_req)->task);
}
