/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How slots change hands, the owner's part: a slot that a view gives to this worker is claimed in
 * the store, its records are read, every member's homes name the opens that they hold, then it
 * serves. doc/state.md has the whole protocol.
 */
#include "smbd/lock/lockc_priv.h"

#include "node/base/clock.h"
#include "node/log/log.h"

#define RETRY_NS (200 * NS_PER_MS)
#define DAMAGED_RETRY_NS (1000 * NS_PER_MS)
#define DAMAGED_SAY_ROUNDS 30 /* one line per record in so many */

struct takeover {
	struct lockc *c;
	uint64_t epoch;
	uint32_t n; /* slots still to be done */
	uint32_t *slots;
	bool *ok, *has;
	uint32_t round; /* how many found what cannot be read */
};

static struct oslot *still_loading(struct lockc *c, uint32_t slot, uint64_t epoch)
{
	struct oslot *s = c->oslots[slot];

	return s && s->epoch == epoch && s->phase == SLOT_LOADING && !c->stopping ? s : NULL;
}

/* Forgets slots that went elsewhere meanwhile. */
static void prune(struct takeover *t)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (still_loading(t->c, t->slots[i], t->epoch))
			t->slots[k++] = t->slots[i];
	t->n = k;
}

static void finish_slot(struct lockc *c, struct oslot *s)
{
	struct held *h;
	struct fx fx;

	s->phase = SLOT_ASSERTING;
	fx_init(&fx);
	while ((h = list_first(&s->asserts, struct held, link))) {
		struct lk_msg m;

		list_remove(&h->link);
		if (msg_decode(BLOB(h->data, h->len), &m) == 0) {
			core_assert(&s->core, &m, clock_real_ns(), &fx);
			msg_done(&m);
		}
		free(h);
	}
	lockd_commit(c, s, &fx);
}

struct loaded {
	struct rec_open *recs;
	size_t n, cap;
	char bad[REC_KEY_TEXT_SIZE]; /* the key of the record that cannot be read */
};

static int load_one(void *arg, struct blob key, struct blob val)
{
	struct loaded *l = arg;
	uint64_t id;
	int e;

	if (rec_open_key_parse(key, &id) < 0)
		return 0; /* not an open's record */
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct rec_open *r = reallocarray(l->recs, cap, sizeof(*r));

		if (!r)
			return -ENOMEM;
		l->recs = r;
		l->cap = cap;
	}
	e = rec_open_check(key, val, &l->recs[l->n]);
	if (e < 0) {
		rec_key_text(key, l->bad);
		return e;
	}
	l->n++;
	return 0;
}

static void loaded_done(struct loaded *l)
{
	for (size_t i = 0; i < l->n; i++)
		rec_open_done(&l->recs[i]);
	free(l->recs);
}

static int take_records(struct oslot *s, struct loaded *l)
{
	for (size_t i = 0; i < l->n; i++) {
		int e = core_load(&s->core, &l->recs[i]);

		if (e < 0)
			return e;
	}
	return 0;
}

/* [task] Reads the records of a slot. 0, also when the slot went elsewhere. */
static int load_slot(struct takeover *t, uint32_t slot)
{
	struct loaded l = { 0 };
	int e = store_scan(t->c->cfg.store, slot, load_one, &l);
	struct oslot *s = still_loading(t->c, slot, t->epoch);

	if (s && e == 0)
		e = take_records(s, &l);
	if (s && e == 0)
		finish_slot(t->c, s);
	if (s && e < 0 && l.bad[0] && t->round % DAMAGED_SAY_ROUNDS == 0)
		log_err("lock: a record cannot be read, the files of its slot stay closed until \"holdfast state "
			"repair\" moves it aside: slot=%u key=%s error=%s%s",
			slot, l.bad, log_errno(e),
			e == -EPROTONOSUPPORT ? " (written by a newer release)" : "");
	else if (s && e < 0 && !l.bad[0])
		log_err("lock: the records of a slot cannot be read, its files stay closed: slot=%u error=%s",
			slot, log_errno(e));
	loaded_done(&l);
	if (s && e < 0 && l.bad[0] && aside_unreadable(t->c, slot, t->epoch) > 0)
		e = -EAGAIN; /* what stays can be read: at once anew */
	return s ? e : 0;
}

/* [task] Claims and loads what is left. 0 when nothing is left. */
static int round_of(struct takeover *t)
{
	struct lockc *c = t->c;
	uint32_t k = 0;
	int e = store_claim(c->cfg.store, t->slots, t->n, t->epoch, c->cfg.self.node,
			    c->cfg.self.incarnation, t->ok);

	if (e == 0)
		e = store_used_slots(c->cfg.store, t->has);
	if (e < 0) {
		log_err("lock: slots cannot be claimed, trying again: slots=%u error=%s", t->n,
			log_errno(e));
		return e;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		struct oslot *s = still_loading(c, t->slots[i], t->epoch);

		if (!s)
			continue;
		if (!t->ok[i])
			oslot_drop(c, s); /* claimed by a later view that has not come here yet */
		else if (!t->has[t->slots[i]])
			finish_slot(c, s);
	}
	takeover_check(c);
	for (uint32_t i = 0; i < t->n; i++) {
		int r = 0;

		if (still_loading(c, t->slots[i], t->epoch))
			r = load_slot(t, t->slots[i]);
		if (r < 0) {
			t->slots[k++] = t->slots[i];
			e = r;
		}
	}
	t->n = k;
	takeover_check(c);
	return e;
}

static void run_takeover(void *arg)
{
	struct takeover *t = arg;
	struct lockc *c = t->c;

	while (!c->stopping) {
		int e;

		prune(t);
		if (t->n == 0)
			break;
		e = round_of(t);
		if (e == -EBADMSG || e == -EPROTONOSUPPORT) {
			t->round++;
			(void)task_sleep(DAMAGED_RETRY_NS);
		} else if (e < 0 && e != -EAGAIN) {
			(void)task_sleep(RETRY_NS);
		}
	}
	free(t->slots);
	free(t->ok);
	free(t->has);
	free(t);
	lockc_task_done(c);
}

static int start(struct lockc *c, uint32_t n_new)
{
	struct takeover *t = calloc(1, sizeof(*t));
	struct oslot *s;

	if (!t)
		return -ENOMEM;
	t->c = c;
	t->epoch = c->view->epoch;
	t->slots = calloc(n_new, sizeof(*t->slots));
	t->ok = calloc(n_new, sizeof(*t->ok));
	t->has = calloc(c->n_slots, sizeof(*t->has));
	if (t->slots && t->ok && t->has) {
		list_foreach(s, &c->owned, link)
			if (s->epoch == t->epoch)
				t->slots[t->n++] = s->core.slot;
		if (lockc_spawn(c, run_takeover, t) == 0)
			return 0;
	}
	free(t->slots);
	free(t->ok);
	free(t->has);
	free(t);
	return -ENOMEM;
}

/* What stays ours meets the new membership. */
static void review(struct lockc *c, struct oslot *s)
{
	struct fx fx;

	if (s->phase != SLOT_SERVING)
		return;
	fx_init(&fx);
	core_view(&s->core, clock_real_ns(), &fx);
	lockd_commit(c, s, &fx);
}

int takeover_view(struct lockc *c)
{
	uint32_t n_new = 0;

	for (uint32_t i = 0; i < c->n_slots; i++) {
		const struct hslot *h = &c->hslots[i];
		bool ours = h->owned && place_equal(&h->owner, &c->cfg.self);
		bool moved = h->moved == c->view->epoch;

		if (c->oslots[i] && (!ours || moved))
			oslot_drop(c, c->oslots[i]);
		if (!ours)
			continue;
		if (moved) {
			if (!oslot_new(c, i, c->view->epoch))
				return -ENOMEM;
			n_new++;
		} else if (c->oslots[i]) {
			review(c, c->oslots[i]);
		}
		/* Else it was taken from us under a view that has not come here yet: that one will
		 * say who has it. */
	}
	return n_new > 0 ? start(c, n_new) : 0;
}

/* --- who has re-asserted --- */

void takeover_count(struct lockc *c, const struct lk_msg *m)
{
	struct peer *p = peer_get(c, &m->from);

	if (!p)
		return;
	if (p->in_round != m->target) {
		p->in_round = m->target;
		p->in_count = 0;
	}
	p->in_count++;
}

/* One of the two ends has missed a view: it cannot know what it missed to hand over. */
static bool gap(struct lockc *c, const struct lk_msg *m)
{
	if (m->epoch != c->view->epoch || m->prev == 0 || c->prev_epoch == 0 ||
	    m->prev == c->prev_epoch)
		return false;
	if (m->prev > c->prev_epoch) {
		lockc_lost(c, "missed a view");
	} else {
		struct lk_msg r = { .kind = LKM_MISSED, .prev = c->prev_epoch };

		lockc_send(c, &m->from, &r);
	}
	return true;
}

void takeover_done(struct lockc *c, const struct lk_msg *m)
{
	struct lk_msg r = { .kind = LKM_DONE_ACK, .target = m->target };
	struct peer *p = peer_get(c, &m->from);
	uint32_t got;

	if (!p || gap(c, m))
		return;
	got = p->in_round == m->target ? p->in_count : 0;
	if (got != m->count) {
		p->in_round = 0; /* something was lost with a connection: the home will send it all
				    again */
		return;
	}
	if (m->epoch > p->done)
		p->done = m->epoch;
	r.count = m->count;
	lockc_send(c, &m->from, &r);
	takeover_check(c);
}

/* The latest view for which every worker of every member has re-asserted. */
static uint64_t done_by_all(struct lockc *c)
{
	uint64_t min = UINT64_MAX;

	for (uint32_t i = 0; i < c->view->n; i++) {
		const struct view_member *v = &c->view->members[i];

		for (uint32_t w = 0; v->incarnation != 0 && w < v->workers; w++) {
			struct place at = { .node = v->node_id,
					    .worker = w,
					    .incarnation = v->incarnation };
			const struct peer *p = peer_find(c, &at);
			uint64_t done = p ? p->done : 0;

			if (done < min)
				min = done;
		}
	}
	return min;
}

void takeover_check(struct lockc *c)
{
	uint64_t done = done_by_all(c);
	struct oslot *s, *tmp;

	list_foreach_safe(s, tmp, &c->owned, link) {
		if (s->phase != SLOT_ASSERTING || s->epoch > done)
			continue;
		oslot_serve(c, s);
		lockd_poll(c, s);
	}
}
