/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The calls that smbd/op and smbd/proto use. On the worker's loop, in the caller's task. */
#include "smbd/lock/lockc_priv.h"

#include <stdio.h>

#include "smbd/lock/brl.h"

static uint64_t call_deadline(const struct lockc *c)
{
	return loop_now(c->cfg.loop) + c->cfg.limits.owner_wait_ms * NSEC_PER_MSEC;
}

static struct lk_msg msg_for(const struct lk_open *o, enum lk_kind kind)
{
	return (struct lk_msg){ .kind = kind,
				.id = o->rec.id,
				.slot = (uint32_t)(o->rec.id & 0xffff) };
}

/* Asks about an open that this worker holds, without an end to the waiting. */
static int ask(struct lockc *c, struct lk_open *o, struct lk_msg *m)
{
	struct hreq r = { .m = m, .open = o };

	return home_call(c, &r, 0, false);
}

/* The same for what may have to wait for a break: it can be cancelled. */
static int ask_breaking(struct lockc *c, struct lk_open *o, struct lk_msg *m)
{
	struct hreq r = { .m = m, .open = o };

	return home_call(c, &r, 0, true);
}

/* Asks for an open that another home may have connected. -ECANCELED: the session that it is for has lost its client. */
static int ask_confirmed(struct lockc *c, struct hreq *r, uint64_t session_id, bool cancellable)
{
	int e;

	do {
		r->m->version = r->version;
		r->done = false;
		e = home_call(c, r, call_deadline(c), cancellable);
	} while (e == LK_CONFIRM && (!c->cfg.connected || c->cfg.connected(c->cfg.arg, session_id)));
	return e == LK_CONFIRM ? -ECANCELED : e;
}

int lockc_open(struct lockc *c, const struct rec_open *want, unsigned int how, struct lk_open **ret)
{
	return lockc_open_waiting(c, want, how, NULL, NULL, ret);
}

int lockc_open_waiting(struct lockc *c, const struct rec_open *want, unsigned int how, void (*pending)(void *arg), void *arg,
		       struct lk_open **ret)
{
	struct lk_msg m = { .kind = LKM_OPEN,
			    .slot = place_slot_of_file(&want->key, c->n_slots),
			    .flags = LKF_HAS_REC | (how & LK_OPEN_REPLAY ? LKF_REPLAY : 0) |
				     (how & LK_OPEN_OVERWRITE ? LKF_OVERWRITE : 0) };
	struct lk_open *o;
	struct hreq r = { .m = &m, .pending = pending, .arg = arg };
	int e;

	if (home_lease_elsewhere(c, want))
		return LK_INVALID_PARAMETER;
	o = r.open = home_open_new(want);
	if (!o)
		return -ENOMEM;
	/* Only what the caller says counts. */
	o->rec.n_locks = 0;
	o->rec.version = o->rec.file_version = 0;
	o->rec.delete_pending = o->rec.consumed = o->rec.disconnected = false;
	o->rec.phase = REC_OPEN;
	o->rec.deadline = 0;
	m.rec = o->rec; /* borrowed for as long as the call waits */
	e = ask_confirmed(c, &r, want->session_id, true);
	if (e == LK_OK || e == LK_REPLAYED)
		*ret = r.result;
	home_open_unref(o);
	return e;
}

bool lockc_reclaims(const struct lockc *c, uint64_t id)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->reqs) {
		const struct hreq *r = htable_entry(n, struct hreq, by_req);

		if (r->m->kind == LKM_RECLAIM && r->m->id == id && !r->done)
			return true;
	}
	return false;
}

/* Whether this home neither has the open nor is about to; below LEVEL_LEASES nobody wants to know. */
static bool is_absent(struct lockc *c, uint64_t id)
{
	return lockc_leases(c) && !lockc_find(c, id) && !lockc_reclaims(c, id);
}

int lockc_reclaim(struct lockc *c, const struct lk_reclaim *q, struct lk_open **ret)
{
	struct lk_msg m = { .kind = LKM_RECLAIM, .id = q->id, .slot = (uint32_t)(q->id & 0xffff) };
	struct lk_open *o;
	struct hreq r = { .m = &m };
	bool absent;
	int e;

	if (m.slot >= c->n_slots)
		return LK_NOT_FOUND;
	o = r.open = home_open_new(NULL);
	if (!o)
		return -ENOMEM;
	m.flags = (q->v2 ? LKF_V2 : 0) | (q->persistent ? LKF_PERSISTENT : 0) |
		  (q->has_owner ? LKF_HAS_OWNER : 0) | (q->has_lease ? LKF_HAS_LEASE : 0);
	m.create_guid = q->create_guid;
	m.client_guid = q->client_guid;
	m.lease_key = q->lease_key;
	if (q->has_epoch && lockc_leases(c)) {
		m.flags |= LKF_LEASE;
		m.lease = (struct rec_lease){ .present = true, .version = 2, .key = q->lease_key, .epoch = q->epoch };
	}
	m.owner = q->owner;
	m.path = (char *)(uintptr_t)q->path;
	m.share_name = (char *)(uintptr_t)q->share_name;
	m.session_id = q->session_id;
	snprintf(m.client, sizeof(m.client), "%s", q->client ? q->client : "");
	m.volatile_id = q->volatile_id;
	do {
		absent = is_absent(c, q->id);
		if (absent)
			m.flags |= LKF_ON;
		m.version = r.version = 0;
		e = ask_confirmed(c, &r, q->session_id, false);
		/* Who had it here when it was asked for may have lost it since. */
	} while (e == LK_NOT_FOUND && !absent && is_absent(c, q->id));
	if (e == LK_OK)
		*ret = r.result;
	home_open_unref(o);
	return e;
}

void lockc_consumed(struct lockc *c, struct lk_open *o)
{
	struct lk_msg m = msg_for(o, LKM_CONSUMED);
	const struct hslot *h = &c->hslots[m.slot];

	if (o->rec.consumed || o->gone)
		return;
	o->rec.consumed = true;
	/* Nobody waits for it; should it be lost, the next owner hears it with the re-assertion. */
	if (o->rec.has_create_guid && c->view && h->owned) {
		m.req = home_req(c);
		lockc_send(c, &h->owner, &m);
	}
}

#define CLOSE_AGAIN_NS (200 * NSEC_PER_MSEC)

/* Until its record is out of the store, as long as anybody would wait for an owner: who was told that it is closed does not
 * meet it again. */
static int ask_to_close(struct lockc *c, struct lk_open *o, struct lk_msg *m)
{
	uint64_t until = call_deadline(c);
	int e = ask(c, o, m);

	c->calls++; /* between them it is waited for as well */
	while (lockc_store_refused(e) && loop_now(c->cfg.loop) < until && !c->hurry && !c->stopping) {
		task_shield_begin();
		(void)task_sleep(CLOSE_AGAIN_NS);
		task_shield_end();
		e = o->gone ? LK_GONE : ask(c, o, m);
	}
	if (lockc_store_refused(e) && c->stopping)
		e = -ESHUTDOWN;
	c->calls--;
	lockc_check_idle(c);
	return e;
}

int lockc_close(struct lockc *c, struct lk_open *o)
{
	struct lk_msg m = msg_for(o, LKM_CLOSE);
	int e;

	if (o->gone)
		return LK_GONE;
	o->closing = true;
	home_open_ref(o);
	e = ask_to_close(c, o, &m);
	if (e != LK_UNLINK)
		home_open_remove(c, o);
	home_open_unref(o);
	/* The owner does not know it: it was closed by this very request, whose first reply was
	 * lost. */
	return e == LK_GONE ? LK_OK : e;
}

int lockc_unlinked(struct lockc *c, struct lk_open *o, bool done)
{
	struct lk_msg m = msg_for(o, LKM_UNLINKED);
	int e;

	if (o->gone)
		return LK_GONE;
	if (done)
		m.flags = LKF_ON;
	home_open_ref(o);
	e = ask(c, o, &m);
	home_open_remove(c, o);
	home_open_unref(o);
	return e;
}

int lockc_disconnect(struct lockc *c, struct lk_open *o)
{
	struct lk_msg m = msg_for(o, LKM_DISCONNECT);

	return o->gone ? LK_GONE : ask(c, o, &m);
}

static bool too_many_waiters(struct lockc *c, const struct lk_open *o)
{
	struct htable_iter it;
	struct hnode *n;
	uint32_t k = 0;

	htable_foreach(n, &it, &c->reqs) {
		const struct hreq *r = htable_entry(n, struct hreq, by_req);

		k += r->m->kind == LKM_LOCK && (r->m->flags & LKF_WAIT) &&
		     r->open->rec.session_id == o->rec.session_id;
	}
	return k >= c->cfg.limits.waiters_per_session;
}

static int put_ranges(struct lk_msg *m, const struct lk_range *r, unsigned int n)
{
	if (n == 0 || n > LK_RANGES_MAX)
		return LK_LIMIT;
	memcpy(m->ranges, r, n * sizeof(*r));
	m->n_ranges = n;
	return LK_OK;
}

int lockc_lock(struct lockc *c, struct lk_open *o, const struct lk_range *r, unsigned int n,
	       struct lk_seq seq, bool wait, void (*pending)(void *arg), void *arg)
{
	struct lk_msg m = msg_for(o, LKM_LOCK);
	struct hreq q = { .m = &m, .open = o, .pending = pending, .arg = arg };

	if (o->gone)
		return LK_GONE;
	if (put_ranges(&m, r, n) != LK_OK || (wait && n == 1 && too_many_waiters(c, o)))
		return LK_LIMIT;
	m.seq = seq;
	if (wait && n == 1)
		m.flags = LKF_WAIT;
	return home_call(c, &q, call_deadline(c), wait && n == 1);
}

int lockc_unlock(struct lockc *c, struct lk_open *o, const struct lk_range *r, unsigned int n,
		 struct lk_seq seq)
{
	struct lk_msg m = msg_for(o, LKM_UNLOCK);
	int e;

	if (put_ranges(&m, r, n) != LK_OK)
		return LK_LIMIT;
	m.seq = seq;
	home_open_ref(o);
	task_shield_begin();
	e = task_mutex_lock(&o->unlocking);
	task_shield_end();
	if (e == 0) {
		e = o->gone ? LK_GONE : ask(c, o, &m);
		task_mutex_unlock(&o->unlocking);
	}
	home_open_unref(o);
	return e;
}

/* Own shared locks deny own writes, with or without a permit. */
static bool own_lock_denies(const struct lk_open *o, uint64_t offset, uint64_t length)
{
	for (uint32_t i = 0; i < o->rec.n_locks; i++)
		if (brl_excludes_io(&o->rec.locks[i], true, offset, length, true))
			return true;
	return false;
}

int lockc_io_begin(struct lockc *c, struct lk_open *o, uint64_t offset, uint64_t length, bool write)
{
	if (o->gone)
		return LK_GONE;
	if (write && o->own_shared && own_lock_denies(o, offset, length))
		return LK_LOCK_CONFLICT;
	if (write ? !o->write_permit : !o->permit) {
		struct lk_msg m = msg_for(o, LKM_IO);
		struct hreq r = { .m = &m, .open = o };
		int e;

		m.ranges[0] =
			(struct lk_range){ .offset = offset, .length = length, .exclusive = write };
		m.n_ranges = 1;
		e = home_call(c, &r, call_deadline(c), false);
		if (e == LK_OK && o->gone) {
			lockc_io_end(c, o);
			return LK_GONE;
		}
		return e;
	}
	home_io_begin(o);
	return LK_OK;
}

void lockc_io_end(struct lockc *c, struct lk_open *o)
{
	assert(o->io > 0);
	if (--o->io == 0 && c && !list_empty(&o->acks))
		home_acks(c, o);
	home_open_unref(o);
}

int lockc_set_delete(struct lockc *c, struct lk_open *o, bool on)
{
	struct lk_msg m = msg_for(o, LKM_SET_DELETE);

	if (on)
		m.flags = LKF_ON;
	return o->gone ? LK_GONE : ask_breaking(c, o, &m);
}

int lockc_rename_begin(struct lockc *c, struct lk_open *o)
{
	_cleanup_free_ char *path = strdup(o->rec.path ? o->rec.path : ""); /* the open's may be replaced meanwhile */
	struct lk_msg m = msg_for(o, LKM_RENAME);
	int e;

	if (!path)
		return -ENOMEM;
	if (o->gone)
		return LK_GONE;
	if (!lockc_leases(c))
		return LK_OK;
	m.flags = LKF_ON;
	m.path = path;
	home_open_ref(o);
	e = ask_breaking(c, o, &m);
	home_open_unref(o);
	return e;
}

/* An owner whose store refused a name goes on with it, and has it written later. */
static void name_back(struct lockc *c, struct lk_open *o)
{
	_cleanup_free_ char *old = strdup(o->rec.path ? o->rec.path : ""); /* others rename it meanwhile */
	struct lk_msg m = msg_for(o, LKM_RENAME);

	m.path = old;
	if (old)
		(void)ask_breaking(c, o, &m);
}

int lockc_rename(struct lockc *c, struct lk_open *o, const char *path)
{
	struct lk_msg m = msg_for(o, LKM_RENAME);
	int e;

	if (o->gone)
		return LK_GONE;
	m.path = (char *)(uintptr_t)path;
	home_open_ref(o);
	e = ask_breaking(c, o, &m);
	if (e == LK_OK && !o->gone && rec_set_str(&o->rec.path, path) < 0)
		e = -ENOMEM;
	if (lockc_store_refused(e) && !o->gone)
		name_back(c, o);
	home_open_unref(o);
	return e;
}

/* `flags`: LKF_ON, alone or with LKF_WAIT or LKF_LATE. */
static int below_in_slot(struct lockc *c, uint32_t slot, uint32_t flags, const char *share, const char *path)
{
	struct lk_msg m = { .kind = LKM_BELOW,
			    .flags = flags,
			    .slot = slot,
			    .share_name = (char *)(uintptr_t)share,
			    .path = (char *)(uintptr_t)path };
	struct hreq r = { .m = &m };

	return home_call(c, &r, call_deadline(c), flags & LKF_WAIT);
}

/* Asks the worker that owns `slot` about all its slots. `*ret_again`: its answer was of a later view, or is not all. */
static int below_at(struct lockc *c, uint32_t slot, uint32_t flags, const char *share, const char *path, bool *ret_again)
{
	struct lk_msg m = { .kind = LKM_BELOW,
			    .slot = slot,
			    .share_name = (char *)(uintptr_t)share,
			    .path = (char *)(uintptr_t)path };
	struct hreq r = { .m = &m };
	int e = home_call(c, &r, call_deadline(c), false);

	*ret_again = *ret_again || m.n_ranges == LK_RANGES_MAX || r.version > c->view->epoch;
	for (unsigned int i = 0; e == LK_OK && i < m.n_ranges; i++)
		if (m.ranges[i].offset < c->n_slots)
			e = below_in_slot(c, (uint32_t)m.ranges[i].offset, flags, share, path);
	return e;
}

#define BELOW_AGAIN_NS (5 * NSEC_PER_MSEC)

/* Whether an earlier slot has the same owner, which was asked with it. */
static bool asked_before(const struct lockc *c, uint32_t slot)
{
	for (uint32_t i = 0; i < slot; i++)
		if (c->hslots[i].owned && place_equal(&c->hslots[i].owner, &c->hslots[slot].owner))
			return true;
	return false;
}

static int below_all(struct lockc *c, uint32_t flags, const char *share, const char *path, bool *ret_again)
{
	uint64_t epoch = c->view->epoch;
	int e = LK_OK;

	for (uint32_t i = 0; i < c->n_slots && e == LK_OK && c->view->epoch == epoch; i++)
		if (!asked_before(c, i))
			e = below_at(c, i, flags, share, path, ret_again);
	*ret_again = *ret_again || c->view->epoch != epoch;
	return e;
}

int lockc_below(struct lockc *c, const char *share, const char *path)
{
	uint64_t until = call_deadline(c);
	bool again;
	int e;

	do {
		if (!c->view || c->view->level < LEVEL_LEASES)
			return LK_OK;
		again = false;
		e = below_all(c, LKF_ON, share, path, &again); /* all breaks begin before one is waited for */
		if (e == LK_OK)
			e = below_all(c, LKF_ON | LKF_WAIT, share, path, &again);
		if (e == LK_OK) /* who came to one slot while another was waited for */
			e = below_all(c, LKF_ON | LKF_LATE, share, path, &again);
		if (e != LK_OK)
			return e;
		if (again && loop_now(c->cfg.loop) >= until)
			return -ETIME;
	} while (again && task_sleep(BELOW_AGAIN_NS) == 0);
	return again ? -ECANCELED : LK_OK;
}

int lockc_query(struct lockc *c, const struct file_key *key, struct lk_file_info *ret)
{
	struct lk_msg m = { .kind = LKM_QUERY, .slot = place_slot_of_file(key, c->n_slots), .key = *key };
	struct hreq r = { .m = &m };
	int e = home_call(c, &r, call_deadline(c), false);

	if (e == LK_OK)
		*ret = r.info;
	return e;
}

/* --- listing --- */

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Whether it stands for its lease or oplock: the first of its opens. */
static bool leads(const struct lk_ent *e)
{
	return e->lease && list_first(&e->lease->ents, struct lk_ent, in_lease) == e;
}

/* Ids of this worker's slots above `after`, in order; malloc'ed. NULL: no memory. */
static uint64_t *sorted_ids(struct lockc *c, enum lk_list what, uint64_t after, size_t *ret_n)
{
	struct htable_iter it;
	struct hnode *n;
	struct oslot *s;
	size_t total = 0, k = 0;
	uint64_t *ids;

	list_foreach(s, &c->owned, link)
		total += s->core.ents.count;
	ids = calloc(total + 1, sizeof(*ids));
	if (!ids)
		return NULL;
	list_foreach(s, &c->owned, link)
		htable_foreach(n, &it, &s->core.ents) {
			const struct lk_ent *e = htable_entry(n, struct lk_ent, by_id);

			if (!e->zombie && e->rec.id > after && (what == LK_LIST_OPENS || leads(e)))
				ids[k++] = e->rec.id;
		}
	qsort(ids, k, sizeof(*ids), compare_ids);
	*ret_n = k;
	return ids;
}

/* A copy whose memory is the arena's. */
static int copy_into(const struct rec_open *from, struct arena *a, struct rec_open *ret)
{
	*ret = *from;
	ret->path = arena_strdup(a, from->path ? from->path : "");
	ret->share_name = arena_strdup(a, from->share_name ? from->share_name : "");
	ret->user = arena_strdup(a, from->user ? from->user : "");
	ret->locks = arena_memdup(a, from->locks, from->n_locks * sizeof(*from->locks));
	return ret->path && ret->share_name && ret->user && ret->locks ? 0 : -ENOMEM;
}

int lockc_list(struct lockc *c, enum lk_list what, uint64_t after, uint32_t max, struct arena *a,
	       struct rec_open **ret, uint32_t *ret_n)
{
	size_t n = 0;
	_cleanup_free_ uint64_t *ids = sorted_ids(c, what, after, &n);
	struct rec_open *out;

	if (!ids)
		return -ENOMEM;
	n = MIN(n, (size_t)max);
	out = arena_calloc(a, n, sizeof(*out));
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct oslot *s = c->oslots[ids[i] & 0xffff];

		if (copy_into(&core_find(&s->core, ids[i])->rec, a, &out[i]) < 0)
			return -ENOMEM;
	}
	*ret = out;
	*ret_n = (uint32_t)n;
	return 0;
}
