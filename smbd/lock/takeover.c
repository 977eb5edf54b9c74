/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How slots change hands, the owner's part: a slot that a view gives to this worker is claimed in
 * the store, its records are read, every member's homes name the opens that they hold, then it
 * serves. doc/state.md has the whole protocol.
 */
#include "smbd/lock/lockc_priv.h"

#include "node/base/clock.h"
#include "node/log/log.h"

#define RETRY_NS (200 * NSEC_PER_MSEC)
#define DAMAGED_RETRY_NS (1000 * NSEC_PER_MSEC)
#define DAMAGED_SAY_ROUNDS 30 /* one line per record in so many */
/* Where the store takes few slots at a time: so many are taken at a time while nobody waits for them, since the storage
 * has better things to do after a failure; and so many of those that somebody waits for. */
#define CALM_TAKERS 2
#define URGENT_TAKERS 64

struct takeover {
	struct lockc *c;
	uint64_t epoch;
	uint32_t n; /* slots still to be done */
	uint32_t *slots;
	bool *has;
	uint32_t round; /* how many found what cannot be read */
	/* One round: slots[0..todo) are not begun with, the last `failed` ones are to be tried again. */
	uint32_t todo, failed;
	unsigned int running, urgent; /* tasks beside the first one; those of them that take urgent slots */
	struct gate idle;
	int err;
};

/* Slots that one task has in hand. */
struct handful {
	uint32_t n, *slots;
	bool *ok;
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
	s->takeover = NULL;
	lockd_begin(c, s, &fx);
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

static int take_records(struct lockc *c, struct oslot *s, struct loaded *l)
{
	s->core.mono = loop_now(c->cfg.loop);
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
		e = take_records(t->c, s, &l);
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

/* Takes one out of the slots that are not begun with. */
static void take_at(struct takeover *t, uint32_t i)
{
	struct oslot *s = still_loading(t->c, t->slots[i], t->epoch);

	if (s)
		s->takeover = NULL;
	t->slots[i] = t->slots[--t->todo];
}

/* Takes a slot that somebody waits for. */
static bool take_urgent(struct takeover *t, uint32_t *ret_slot)
{
	for (uint32_t i = 0; i < t->todo; i++) {
		const struct oslot *s = still_loading(t->c, t->slots[i], t->epoch);

		if (s && !list_empty(&s->held)) {
			*ret_slot = t->slots[i];
			take_at(t, i);
			return true;
		}
	}
	return false;
}

/* Takes up to `max` slots, but for those that went elsewhere. */
static void take_handful(struct takeover *t, uint32_t max, struct handful *ret)
{
	ret->n = 0;
	while (ret->n < max && t->todo > 0) {
		uint32_t slot = t->slots[t->todo - 1];

		if (still_loading(t->c, slot, t->epoch))
			ret->slots[ret->n++] = slot;
		take_at(t, t->todo - 1);
	}
}

/* What is begun with has left its place free. */
static void slot_failed(struct takeover *t, uint32_t slot, int err)
{
	t->failed++;
	t->slots[t->n - t->failed] = slot;
	t->err = err;
}

static void begin_round(struct takeover *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct oslot *s = still_loading(t->c, t->slots[i], t->epoch);

		if (s)
			s->takeover = t;
	}
	t->todo = t->n;
	t->failed = 0;
	t->err = 0;
	gate_init(&t->idle);
}

/* [task] Claims, then reads what may hold records. */
static int claim_handful(struct takeover *t, struct handful *h)
{
	struct lockc *c = t->c;
	int e = store_claim(c->cfg.store, h->slots, h->n, t->epoch, c->cfg.self.node, c->cfg.self.incarnation,
			    h->ok);

	if (e == 0)
		e = store_used_slots(c->cfg.store, t->has);
	if (e == -ESHUTDOWN)
		lockc_lost(c, "was fenced");
	if (e < 0) {
		for (uint32_t i = 0; i < h->n; i++)
			slot_failed(t, h->slots[i], e);
		return e;
	}
	for (uint32_t i = 0; i < h->n; i++) {
		struct oslot *s = still_loading(c, h->slots[i], t->epoch);

		if (!s)
			continue;
		if (!h->ok[i])
			oslot_drop(c, s); /* claimed by a later view that has not come here yet */
		else if (!t->has[h->slots[i]])
			finish_slot(c, s);
	}
	return 0;
}

static void load_handful(struct takeover *t, const struct handful *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		int e = still_loading(t->c, h->slots[i], t->epoch) ? load_slot(t, h->slots[i]) : 0;

		if (e < 0)
			slot_failed(t, h->slots[i], e);
	}
}

/* Claims and loads. A fault that is not of one slot. */
static int do_handful(struct takeover *t, struct handful *h)
{
	int e = claim_handful(t, h);

	if (e == 0) {
		takeover_check(t->c);
		load_handful(t, h);
		takeover_check(t->c);
	}
	return e;
}

static void take_slots(struct takeover *t)
{
	uint32_t max = MIN(store_claim_batch(t->c->cfg.store), t->n);
	struct handful h = { .slots = calloc(max, sizeof(uint32_t)), .ok = calloc(max, sizeof(bool)) };

	if (!h.slots || !h.ok)
		t->err = -ENOMEM;
	while (h.slots && h.ok && t->todo > 0 && !t->c->stopping) {
		take_handful(t, max, &h);
		if (h.n > 0 && do_handful(t, &h) < 0)
			break;
	}
	free(h.slots);
	free(h.ok);
}

static void taker_done(struct takeover *t)
{
	struct lockc *c = t->c;

	if (--t->running == 0)
		gate_open(&t->idle);
	lockc_task_done(c);
}

static void run_taker(void *arg)
{
	take_slots(arg);
	taker_done(arg);
}

/* One task beside the others. */
static bool add_taker(struct takeover *t, void (*fn)(void *arg), void *arg)
{
	if (lockc_spawn(t->c, fn, arg) < 0)
		return false;
	t->running++;
	gate_close(&t->idle);
	return true;
}

/* Takes urgent slots, one after the other, as long as there are any. */
static void run_urgent(void *arg)
{
	struct takeover *t = arg;
	struct handful h;
	uint32_t slot;
	bool ok;

	h = (struct handful){ .n = 1, .slots = &slot, .ok = &ok };
	while (!t->c->stopping && take_urgent(t, &slot) && do_handful(t, &h) == 0)
		;
	t->urgent--;
	taker_done(t);
}

void takeover_urge(struct lockc *c, struct oslot *s)
{
	struct takeover *t = s->takeover;

	if (t && t->todo > 0 && !c->stopping && store_claim_batch(c->cfg.store) == 1 &&
	    t->urgent < URGENT_TAKERS && add_taker(t, run_urgent, t))
		t->urgent++;
}

/* Those that were waited for before the takeover began. */
static void urge_all(struct takeover *t)
{
	for (uint32_t i = 0; i < t->todo; i++) {
		struct oslot *s = still_loading(t->c, t->slots[i], t->epoch);

		if (s && !list_empty(&s->held))
			takeover_urge(t->c, s);
	}
}

/* A fault of a record, which was said already; -EAGAIN: it was moved aside. */
static bool is_of_record(int err)
{
	return err == -EBADMSG || err == -EPROTONOSUPPORT || err == -EAGAIN;
}

/* [task] Claims and loads what is left. 0 when nothing is left. */
static int round_of(struct takeover *t)
{
	uint32_t batch = store_claim_batch(t->c->cfg.store);
	unsigned int more = (unsigned int)MIN((t->n - 1) / batch, (uint32_t)CALM_TAKERS - 1);

	begin_round(t);
	urge_all(t);
	while (more-- > 0 && add_taker(t, run_taker, t))
		;
	take_slots(t);
	task_shield_begin();
	while (t->running > 0)
		(void)gate_wait(&t->idle, 0);
	task_shield_end();
	if (t->err < 0 && !is_of_record(t->err) && !t->c->lost)
		log_err("lock: slots cannot be taken over, trying again: slots=%u error=%s", t->todo + t->failed,
			log_errno(t->err));
	/* The failed ones join those that nobody came to. */
	memmove(t->slots + t->todo, t->slots + t->n - t->failed, t->failed * sizeof(*t->slots));
	t->n = t->todo + t->failed;
	t->todo = 0;
	return t->err;
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
		if (e < 0 && e != -EAGAIN)
			(void)task_sleep(is_of_record(e) ? DAMAGED_RETRY_NS : RETRY_NS);
		t->round += is_of_record(e);
	}
	free(t->slots);
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
	t->has = calloc(c->n_slots, sizeof(*t->has));
	if (t->slots && t->has) {
		list_foreach(s, &c->owned, link)
			if (s->epoch == t->epoch)
				t->slots[t->n++] = s->core.slot;
		if (lockc_spawn(c, run_takeover, t) == 0)
			return 0;
	}
	free(t->slots);
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
	lockd_begin(c, s, &fx);
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
