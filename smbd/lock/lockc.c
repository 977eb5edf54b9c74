/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's lock module: life, views, messages in and out. On the worker's loop. */
#include "smbd/lock/lockc_priv.h"

#include "node/base/clock.h"
#include "node/base/hash.h"
#include "node/base/random.h"
#include "node/log/log.h"
#include "smbd/lock/lease.h"

#define TICK_NS (50 * NSEC_PER_MSEC)
#define SLOW_TICK_NS (500 * NSEC_PER_MSEC)
#define EARLY_MAX 65536u
#define MSG_MAX (8u << 20)

bool lockc_may_serve(const struct lockc *c)
{
	return !c->cfg.may_serve || c->cfg.may_serve(c->cfg.arg);
}

void lockc_lost(struct lockc *c, const char *why)
{
	if (c->lost)
		return;
	c->lost = true;
	log_err("lock: this incarnation is over: why=%s", log_esc(why));
	if (c->cfg.lost)
		c->cfg.lost(c->cfg.arg);
}

static uint64_t place_hash(const struct place *p)
{
	return hash64_u64(p->incarnation ^ hash64_u64((uint64_t)p->node << 32 | p->worker));
}

struct peer *peer_find(struct lockc *c, const struct place *p)
{
	for (struct hnode *n = htable_find(&c->peers, place_hash(p)); n; n = htable_find_next(n)) {
		struct peer *e = htable_entry(n, struct peer, node);

		if (place_equal(&e->place, p))
			return e;
	}
	return NULL;
}

struct peer *peer_get(struct lockc *c, const struct place *p)
{
	struct peer *e = peer_find(c, p);

	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->place = *p;
	htable_insert(&c->peers, &e->node, place_hash(p));
	return e;
}

static void peers_drop_dead(struct lockc *c)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->peers) {
		struct peer *p = htable_entry(n, struct peer, node);

		if (c->view && view_has(c->view, p->place.node, p->place.incarnation))
			continue;
		htable_remove(&c->peers, n);
		free(p);
	}
}

/* --- messages --- */

struct self_mail {
	struct mail mail;
	struct lockc *c;
	struct held *msg;
};

static struct held *held_new(const struct lk_msg *m)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b;
	struct held *h;

	arena_init(&a, 0);
	if (msg_encode(m, level_own().max, &a, &b) < 0)
		return NULL;
	h = malloc(sizeof(*h) + b.len);
	if (!h)
		return NULL;
	list_init(&h->link);
	h->len = b.len;
	memcpy(h->data, b.data, b.len);
	return h;
}

bool hold(struct list *to, const struct lk_msg *m)
{
	struct held *h = held_new(m);

	if (h)
		list_append(to, &h->link);
	return h;
}

void held_free_all(struct list *l)
{
	struct held *h, *tmp;

	list_foreach_safe(h, tmp, l, link) {
		list_remove(&h->link);
		free(h);
	}
}

static void run_self_mail(struct mail *mail)
{
	struct self_mail *s = container_of(mail, struct self_mail, mail);
	struct lockc *c = s->c;

	c->tasks--;
	c->n_self--;
	if (!c->stopping)
		lockc_receive(c, c->cfg.self.node, BLOB(s->msg->data, s->msg->len));
	else
		lockc_check_idle(c);
	free(s->msg);
	free(s);
}

static void send_self(struct lockc *c, const struct lk_msg *m)
{
	struct self_mail *s = calloc(1, sizeof(*s));

	if (s)
		s->msg = held_new(m);
	if (!s || !s->msg) {
		free(s);
		return; /* lost, as any message may be */
	}
	s->c = c;
	s->mail.run = run_self_mail;
	c->tasks++;
	c->n_self++;
	loop_post(c->cfg.loop, &s->mail);
}

void lockc_send(struct lockc *c, const struct place *to, struct lk_msg *m)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b;

	arena_init(&a, MSG_MAX);
	m->from = c->cfg.self;
	m->epoch = c->view->epoch;
	if (place_equal(to, &c->cfg.self)) {
		send_self(c, m);
		return;
	}
	if (msg_encode(m, c->view->level, &a, &b) < 0)
		return;
	c->cfg.net->send(c->cfg.net, to->node, to->worker, b);
}

void lockc_deliver(struct lockc *c, struct lk_msg *m)
{
	switch (m->kind) {
	case LKM_REPLY:
	case LKM_WAITING:
	case LKM_NOTE:
	case LKM_DONE_ACK:
	case LKM_MISSED:
		home_take(c, m);
		return;
	default:
		lockd_take(c, m);
	}
}

void lockc_receive(struct lockc *c, uint32_t from_node, struct blob msg)
{
	struct lk_msg m;

	if (c->stopping || msg_decode(msg, &m) < 0)
		return;
	if (m.from.node != from_node || m.slot >= c->n_slots)
		goto out;
	if (!c->view || m.epoch > c->view->epoch) {
		if (c->n_early < EARLY_MAX && hold(&c->early, &m))
			c->n_early++;
		goto out;
	}
	lockc_deliver(c, &m);
out:
	msg_done(&m);
}

/* --- views --- */

static void replay_early(struct lockc *c)
{
	struct list all;
	struct held *h;

	list_init(&all);
	list_splice(&all, &c->early);
	c->n_early = 0;
	while ((h = list_first(&all, struct held, link))) {
		struct lk_msg m;

		list_remove(&h->link);
		if (msg_decode(BLOB(h->data, h->len), &m) == 0) {
			if (m.epoch > c->view->epoch && hold(&c->early, &m))
				c->n_early++;
			else
				lockc_deliver(c, &m);
			msg_done(&m);
		}
		free(h);
	}
}

int lockc_view(struct lockc *c, const struct view *v)
{
	struct view *old = c->view;
	struct oslot *s;
	int e;

	if (c->stopping || (old && v->epoch <= old->epoch))
		return 0;
	if (!view_has(v, c->cfg.self.node, c->cfg.self.incarnation)) {
		if (old)
			lockc_lost(c, "not a member of the view any more");
		return 0;
	}
	c->prev_epoch = old ? old->epoch : 0;
	c->view = view_ref(v);
	list_foreach(s, &c->owned, link)
		s->core.view = c->view;
	view_unref(old);
	peers_drop_dead(c);
	e = home_view(c);
	if (e < 0)
		return e;
	replay_early(c);
	return 0;
}

/* --- tasks --- */

void lockc_check_idle(struct lockc *c)
{
	if (c->stopping && c->tasks == 0 && c->writes == 0 && c->calls == 0)
		gate_open(&c->idle);
}

int lockc_spawn(struct lockc *c, void (*fn)(void *arg), void *arg)
{
	int e = task_spawn(c->cfg.loop, fn, arg, NULL);

	if (e == 0)
		c->tasks++;
	return e;
}

void lockc_task_done(struct lockc *c)
{
	c->tasks--;
	lockc_check_idle(c);
}

static void on_tick(struct timer *t)
{
	struct lockc *c = container_of(t, struct lockc, tick);
	uint64_t now = loop_now(c->cfg.loop);
	bool slow = now >= c->slow_tick;

	if (c->stopping)
		return;
	if (slow)
		c->slow_tick = now + SLOW_TICK_NS;
	if (c->view) {
		lockd_tick(c, slow);
		home_tick(c, slow);
	}
	timer_set(&c->tick, now + TICK_NS);
}

/* --- life --- */

static void default_limits(struct lk_limits *l)
{
	l->opens_per_file = l->opens_per_file ? l->opens_per_file : 16384;
	l->locks_per_open =
		l->locks_per_open ? MIN(l->locks_per_open, (uint32_t)REC_LOCKS_MAX) : 4096;
	l->waiters_per_session = l->waiters_per_session ? l->waiters_per_session : 256;
	l->requests_per_slot = l->requests_per_slot ? l->requests_per_slot : 16384;
	l->break_ms = l->break_ms ? l->break_ms : LEASE_BREAK_MS;
	l->owner_wait_ms = l->owner_wait_ms ? l->owner_wait_ms : 30000;
}

int lockc_new(const struct lockc_config *cfg, struct lockc **ret)
{
	struct lockc *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	default_limits(&c->cfg.limits);
	c->n_slots = store_info(cfg->store)->slots;
	c->oslots = calloc(c->n_slots, sizeof(struct oslot *));
	c->hslots = calloc(c->n_slots, sizeof(*c->hslots));
	if (!c->oslots || !c->hslots) {
		free(c->oslots);
		free(c->hslots);
		free(c);
		return -ENOMEM;
	}
	list_init(&c->owned);
	list_init(&c->early);
	list_init(&c->in_io);
	list_init(&c->batches_lost);
	gate_init(&c->idle);
	c->next_req = random_u64();
	c->next_round = random_u64();
	timer_init(&c->tick, cfg->loop, on_tick);
	timer_set(&c->tick, loop_now(cfg->loop) + TICK_NS);
	*ret = c;
	return 0;
}

/* lockc_io_end() may still come, and finds nothing to say. */
static void forget_acks(struct lockc *c)
{
	struct lk_open *o, *tmp;

	list_foreach_safe(o, tmp, &c->in_io, in_io) {
		list_remove(&o->in_io);
		held_free_all(&o->acks);
	}
}

static void free_opens(struct lockc *c)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->by_id) {
		struct lk_open *o = htable_entry(n, struct lk_open, by_id);

		htable_remove(&c->by_id, n);
		if (o->rec.has_create_guid)
			htable_remove(&c->by_create, &o->by_create);
		home_lease_remove(c, o);
		o->gone = true;
		home_open_unref(o);
	}
	htable_done(&c->by_id);
	htable_done(&c->by_create);
	htable_done(&c->by_lease);
}

void lockc_hurry(struct lockc *c, uint64_t deadline)
{
	c->hurry = deadline;
	home_wake_all(c);
}

void lockc_free(struct lockc *c)
{
	struct oslot *s, *tmp;

	if (!c)
		return;
	c->stopping = true;
	forget_acks(c);
	timer_cancel(&c->tick);
	home_wake_all(c);
	list_foreach_safe(s, tmp, &c->owned, link)
		oslot_drop(c, s);
	lockc_check_idle(c);
	if (task_current()) {
		task_shield_begin();
		(void)gate_wait(&c->idle, 0);
		task_shield_end();
	}
	assert(c->tasks == 0 && c->writes == 0 && c->calls == 0);
	free_opens(c);
	held_free_all(&c->early);
	view_unref(c->view);
	c->view = NULL;
	peers_drop_dead(c);
	htable_done(&c->peers);
	htable_done(&c->reqs);
	free(c->oslots);
	free(c->hslots);
	free(c);
}

void lockc_stats(const struct lockc *c, struct lk_stats *ret)
{
	const struct oslot *s;

	*ret = c->stats;
	ret->opens_home = c->by_id.count;
	ret->opens_owned = 0;
	ret->slots_owned = ret->slots_loading = ret->slots_asserting = 0;
	list_foreach(s, &c->owned, link) {
		ret->slots_owned++;
		ret->slots_loading += s->phase == SLOT_LOADING;
		ret->slots_asserting += s->phase == SLOT_ASSERTING;
		ret->opens_owned += s->core.ents.count;
	}
}
