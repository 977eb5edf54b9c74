/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte-range locks as decided by the owner: grant, wait, release, checks of I/O. On the owner's
 * worker. */
#include "smbd/lock/brl.h"
#include "smbd/lock/core_priv.h"

#define WAITERS_PER_FILE 65536u

enum attempt { GRANTED, CONFLICT, RECALLING, FULL };

static bool excluded(const struct lk_ent *e, const struct lk_range *r)
{
	const struct lk_ent *o;

	list_foreach(o, &e->file->opens, in_file)
		for (uint32_t i = 0; i < o->rec.n_locks; i++)
			if (brl_excludes_lock(&o->rec.locks[i], o == e, r->offset, r->length, r->exclusive))
				return true;
	return false;
}

/* Whether two ranges of one request exclude each other. */
static bool excluded_by_itself(const struct lk_range *r, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int j = 0; j < i; j++) {
			struct rec_lock l = { .offset = r[j].offset,
					      .length = r[j].length,
					      .exclusive = r[j].exclusive };

			if (brl_excludes_lock(&l, true, r[i].offset, r[i].length, r[i].exclusive))
				return true;
		}
	return false;
}

/* Recalls the permits of all others, and has the I/O end that they asked for, also that of opens
 * which are closed. True when one has to be waited for. */
static bool recall_permits(struct lk_core *c, struct lk_ent *e, struct fx *fx)
{
	struct lk_ent *o;
	bool wait = !list_empty(&e->file->zombies);

	list_foreach(o, &e->file->opens, in_file) {
		if (o == e || (!o->permit && !o->io))
			continue;
		wait = true;
		if (!(o->note_flags & LKF_RECALL))
			ent_note(c, o, LKF_RECALL, 0, fx);
	}
	return wait;
}

static int add_locks(struct lk_ent *e, const struct lk_range *r, unsigned int n, uint64_t req)
{
	struct rec_lock *l = reallocarray(e->rec.locks, e->rec.n_locks + n, sizeof(*l));

	if (!l)
		return -ENOMEM;
	e->rec.locks = l;
	for (unsigned int i = 0; i < n; i++)
		l[e->rec.n_locks++] = (struct rec_lock){ .offset = r[i].offset,
							 .length = r[i].length,
							 .exclusive = r[i].exclusive,
							 .req = req };
	return 0;
}

static enum attempt attempt(struct lk_core *c, struct lk_ent *e, const struct lk_range *r,
			    unsigned int n, struct lk_seq seq, uint64_t req, uint64_t now, struct fx *fx)
{
	struct contender k = { .op = LEASE_OP_WRITE, .own = e->lease };
	uint32_t max = c->limits->locks_per_open;

	if (n > max || e->rec.n_locks > max - n)
		return FULL;
	if (excluded_by_itself(r, n))
		return CONFLICT;
	(void)caching_contend(c, e->file, &k, now, fx); /* nobody caches writes beside an open that locks */
	for (unsigned int i = 0; i < n; i++)
		if (excluded(e, &r[i]))
			return CONFLICT;
	if (recall_permits(c, e, fx) || caching_untold(e->file, e->lease))
		return RECALLING;
	if (add_locks(e, r, n, req) < 0)
		return FULL;
	brl_seq_done(e->rec.lock_seq, seq.index, seq.number);
	ent_changed(e, fx);
	fx_add_undo(fx, UNDO_LOCKS, e->rec.id, req);
	return GRANTED;
}

static int outcome_of(enum attempt a)
{
	return a == GRANTED ? LK_OK : a == FULL ? LK_LIMIT : LK_LOCK_NOT_GRANTED;
}

static void reply_to_waiter(struct lk_waiter *w, int outcome, struct fx *fx)
{
	struct lk_msg r = { .kind = LKM_REPLY,
			    .req = w->req,
			    .asked = LKM_LOCK,
			    .id = w->ent->rec.id,
			    .slot = (uint32_t)(w->ent->rec.id & 0xffff),
			    .outcome = outcome,
			    .version = w->ent->rec.version };

	fx_send(fx, w->from, &r);
}

static void waiter_free(struct lk_waiter *w)
{
	list_remove(&w->link);
	w->ent->file->n_waiters--;
	free(w);
}

static void tell_waiting(struct lk_waiter *w, struct fx *fx)
{
	struct lk_msg r = { .kind = LKM_WAITING,
			    .req = w->req,
			    .id = w->ent->rec.id,
			    .slot = (uint32_t)(w->ent->rec.id & 0xffff) };

	w->told = true;
	fx_send(fx, w->from, &r);
}

bool locks_kick(struct lk_core *c, struct lk_file *f, uint64_t now, struct fx *fx)
{
	struct lk_waiter *w, *tmp;
	bool any = false;

	list_foreach_safe(w, tmp, &f->waiters, link) {
		enum attempt a = attempt(c, w->ent, w->ranges, w->n, w->seq, w->req, now, fx);

		if (a == RECALLING)
			continue;
		if (a == CONFLICT && w->wait) {
			if (!w->told)
				tell_waiting(w, fx);
			continue;
		}
		reply_to_waiter(w, outcome_of(a), fx);
		waiter_free(w);
		any = true;
	}
	return any;
}

void locks_drop_waiters(struct lk_ent *e, int outcome, struct fx *fx)
{
	struct lk_waiter *w, *tmp;

	list_foreach_safe(w, tmp, &e->file->waiters, link) {
		if (w->ent != e)
			continue;
		if (outcome)
			reply_to_waiter(w, outcome, fx);
		waiter_free(w);
	}
}

bool locks_undo(struct lk_ent *e, uint64_t req)
{
	uint32_t k = 0;
	bool any;

	for (uint32_t i = 0; i < e->rec.n_locks; i++)
		if (e->rec.locks[i].req != req)
			e->rec.locks[k++] = e->rec.locks[i];
	any = k != e->rec.n_locks;
	e->rec.n_locks = k;
	return any;
}

static bool granted_before(const struct lk_ent *e, uint64_t req)
{
	for (uint32_t i = 0; i < e->rec.n_locks; i++)
		if (e->rec.locks[i].req == req)
			return true;
	return false;
}

static struct lk_waiter *waiter_find(struct lk_file *f, const struct place *from, uint64_t req)
{
	struct lk_waiter *w;

	list_foreach(w, &f->waiters, link)
		if (w->req == req && place_equal(&w->from, from))
			return w;
	return NULL;
}

static struct lk_waiter *enqueue(struct lk_ent *e, const struct lk_msg *m)
{
	struct lk_waiter *w;

	if (e->file->n_waiters >= WAITERS_PER_FILE)
		return NULL;
	w = calloc(1, sizeof(*w) + m->n_ranges * sizeof(w->ranges[0]));
	if (!w)
		return NULL;
	w->ent = e;
	w->from = m->from;
	w->req = m->req;
	w->seq = m->seq;
	w->wait = (m->flags & LKF_WAIT) && m->n_ranges == 1;
	w->n = m->n_ranges;
	memcpy(w->ranges, m->ranges, m->n_ranges * sizeof(w->ranges[0]));
	list_append(&e->file->waiters, &w->link);
	e->file->n_waiters++;
	return w;
}

static bool ranges_valid(const struct lk_msg *m)
{
	for (unsigned int i = 0; i < m->n_ranges; i++)
		if (!brl_range_valid(m->ranges[i].offset, m->ranges[i].length))
			return false;
	return true;
}

static void reply_version(struct lk_ent *e, const struct lk_msg *m, int outcome, struct fx *fx)
{
	struct lk_msg *r = reply(fx, m, outcome);

	if (r)
		r->version = e->rec.version;
}

/* The client sent this LOCK before and it was executed (MS-SMB2 3.3.5.14): nothing to do. */
static bool replayed(struct lk_ent *e, const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg *r;

	if (!brl_seq_replayed(e->rec.lock_seq, m->seq.index, m->seq.number))
		return false;
	r = reply(fx, m, LK_OK);
	if (r) {
		r->version = e->rec.version;
		r->flags = LKF_REPLAY;
	}
	return true;
}

void do_lock(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = ent_of(c, m, fx);
	struct lk_waiter *w;
	enum attempt a;

	if (!e)
		return;
	w = waiter_find(e->file, &m->from, m->req);
	if (w) { /* asked again: the answer is still to come */
		if (w->told)
			tell_waiting(w, fx);
		return;
	}
	if (granted_before(e, m->req)) { /* to this very request, whose reply was lost */
		reply_version(e, m, LK_OK, fx);
		return;
	}
	if (replayed(e, m, fx))
		return;
	if (!ranges_valid(m)) {
		reply(fx, m, LK_INVALID_RANGE);
		return;
	}
	a = attempt(c, e, m->ranges, m->n_ranges, m->seq, m->req, now, fx);
	if (a == RECALLING || (a == CONFLICT && (m->flags & LKF_WAIT) && m->n_ranges == 1)) {
		w = enqueue(e, m);
		if (!w)
			reply(fx, m, LK_LIMIT);
		else if (a == CONFLICT)
			tell_waiting(w, fx);
		return;
	}
	reply_version(e, m, outcome_of(a), fx);
}

static int unlock(struct lk_ent *e, const struct lk_range *r, bool *ret_any)
{
	int i;

	if (!brl_range_valid(r->offset, r->length))
		return LK_INVALID_RANGE;
	i = brl_find(e->rec.locks, e->rec.n_locks, r->offset, r->length);
	if (i < 0)
		return LK_RANGE_NOT_LOCKED;
	e->rec.n_locks--;
	memmove(&e->rec.locks[i], &e->rec.locks[i + 1],
		(e->rec.n_locks - (uint32_t)i) * sizeof(e->rec.locks[0]));
	*ret_any = true;
	return LK_OK;
}

void do_unlock(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = ent_of(c, m, fx);
	int outcome = LK_OK;
	bool any = false;

	if (!e)
		return;
	if (e->rec.unlock_req == m->req) {
		reply_version(e, m, (int)e->rec.unlock_outcome, fx);
		return;
	}
	if (replayed(e, m, fx))
		return;
	for (unsigned int i = 0; i < m->n_ranges && outcome == LK_OK; i++)
		outcome = unlock(e, &m->ranges[i], &any);
	if (outcome == LK_OK)
		brl_seq_done(e->rec.lock_seq, m->seq.index, m->seq.number);
	e->rec.unlock_req = m->req;
	e->rec.unlock_outcome = (uint32_t)outcome;
	if (any)
		ent_changed(e, fx);
	reply_version(e, m, outcome, fx);
	if (any)
		file_kick(c, e->file, now, fx);
}

/* What waits for a break: an OPEN, which has no id yet, a renaming, a deletion. */
static bool cancel_blocked(struct lk_file *f, const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg r = { .kind = LKM_REPLY,
			    .req = m->target,
			    .slot = m->slot,
			    .id = m->id,
			    .outcome = LK_CANCELLED };
	uint32_t kind;

	if (!f || !file_unblock(f, &m->from, m->target, &kind))
		return false;
	r.asked = kind;
	fx_send(fx, m->from, &r);
	return true;
}

/* A look for opens below a directory, which waits at one of the files that are open there. */
static void cancel_below(struct lk_core *c, const struct lk_msg *m, struct fx *fx)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->files)
		if (cancel_blocked(htable_entry(n, struct lk_file, by_key), m, fx))
			return;
}

void do_cancel(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = m->id ? core_find(c, m->id) : NULL;
	struct lk_waiter *w;

	if (m->asked == LKM_BELOW)
		cancel_below(c, m, fx);
	else if (!m->id)
		(void)cancel_blocked(file_find(c, &m->key), m, fx);
	if (!e || e->zombie || !ent_at(e, &m->from))
		return;
	w = waiter_find(e->file, &m->from, m->target);
	if (w) {
		reply_to_waiter(w, LK_CANCELLED, fx);
		waiter_free(w);
	} else if (cancel_blocked(e->file, m, fx)) {
		return;
	} else if ((m->flags & LKF_ON) && locks_undo(e, m->target)) {
		ent_changed(e, fx);
	}
	file_kick(c, e->file, now, fx);
}

void do_io(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = ent_of(c, m, fx), *o;
	struct contender k = { .op = LEASE_OP_WRITE, .own = e ? e->lease : NULL };
	const struct lk_range *r = &m->ranges[0];

	if (!e)
		return;
	/* A lock or an open waits for the end of I/O: what comes now is decided after it. */
	if (e->file->unacked > 0 && (!list_empty(&e->file->waiters) || !list_empty(&e->file->parked))) {
		file_park(e->file, m);
		return;
	}
	list_foreach(o, &e->file->opens, in_file)
		for (uint32_t i = 0; i < o->rec.n_locks; i++)
			if (brl_excludes_io(&o->rec.locks[i], o == e, r->offset, r->length,
					    r->exclusive)) {
				reply(fx, m, LK_LOCK_CONFLICT);
				return;
			}
	if (r->exclusive) { /* a write: nobody reads old data from a cache once it has begun */
		(void)caching_contend(c, e->file, &k, now, fx);
		if (caching_untold(e->file, e->lease)) {
			file_park(e->file, m);
			return;
		}
	}
	e->io = true;
	reply(fx, m, LK_OK);
}
