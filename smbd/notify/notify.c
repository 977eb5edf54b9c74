/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The notify module of a worker: life, views, messages in and out. On the worker's loop. */
#include "smbd/notify/notify_priv.h"

#include "node/base/hash.h"
#include "node/log/log.h"

#define TICK_NS (250 * NSEC_PER_MSEC)
#define SLOW_TICK_NS (2000 * NSEC_PER_MSEC)
/* Messages that wait for a view; what comes beyond is a gap. */
#define EARLY_MAX 65536u
#define MSG_MAX (1u << 20)

struct early {
	struct list link;
	uint32_t from_node;
	size_t len;
	uint8_t data[];
};

/* --- peers --- */

static uint64_t place_hash(const struct place *p)
{
	return hash64_u64(p->incarnation ^ hash64_u64((uint64_t)p->node << 32 | p->worker));
}

static bool is_member(const struct view *v, const struct place *p)
{
	const struct view_member *m = view_find(v, p->node);

	return m && view_has(v, p->node, p->incarnation) && p->worker < m->workers;
}

static struct ntf_peer *peer_find(struct ntf *n, const struct place *p)
{
	for (struct hnode *h = htable_find(&n->peers, place_hash(p)); h; h = htable_find_next(h)) {
		struct ntf_peer *e = htable_entry(h, struct ntf_peer, node);

		if (place_equal(&e->place, p))
			return e;
	}
	return NULL;
}

struct ntf_peer *ntf_peer_get(struct ntf *n, const struct place *p)
{
	struct ntf_peer *e = peer_find(n, p);

	if (e || !n->view || !is_member(n->view, p))
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->place = *p;
	htable_insert(&n->peers, &e->node, place_hash(p));
	return e;
}

static void peers_drop(struct ntf *n, const struct view *v)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->peers) {
		struct ntf_peer *p = htable_entry(h, struct ntf_peer, node);

		if (v && is_member(v, &p->place))
			continue;
		htable_remove(&n->peers, h);
		free(p);
	}
}

static int peers_add(struct ntf *n)
{
	for (uint32_t i = 0; i < n->view->n; i++) {
		const struct view_member *m = &n->view->members[i];

		for (uint32_t w = 0; m->incarnation != 0 && w < m->workers; w++) {
			struct place p = { .node = m->node_id,
					   .worker = w,
					   .incarnation = m->incarnation };

			if (!ntf_is_self(n, &p) && !ntf_peer_get(n, &p))
				return -ENOMEM;
		}
	}
	return 0;
}

/* --- messages --- */

static void take_sync(struct ntf *n, const struct ntm *m)
{
	struct ntm heard = { .kind = NTM_HEARD, .version = m->seq };

	ntf_send(n, &m->from, &heard);
}

static void take_heard(struct ntf *n, const struct ntm *m)
{
	struct ntf_peer *p = ntf_peer_get(n, &m->from);

	if (p && m->version <= p->sent)
		p->confirmed = MAX(p->confirmed, m->version);
}

static void deliver(struct ntf *n, const struct ntm *m)
{
	switch (m->kind) {
	case NTM_WATCHED:
	case NTM_TELL:
		watch_take(n, m);
		break;
	case NTM_INTEREST:
		interest_take(n, m);
		break;
	case NTM_SYNC:
		take_sync(n, m);
		break;
	case NTM_HEARD:
		take_heard(n, m);
		break;
	default:
		registry_take(n, m);
	}
}

/* What nobody sends again when it is lost. */
static bool counts(const struct ntm *m)
{
	return m->kind == NTM_EVENT || m->kind == NTM_TELL;
}

void ntf_send(struct ntf *n, const struct place *to, struct ntm *m)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct ntf_peer *p;
	struct blob b;

	m->from = n->cfg.self;
	m->epoch = n->view->epoch;
	if (ntf_is_self(n, to)) {
		deliver(n, m);
		return;
	}
	p = ntf_peer_get(n, to);
	if (!p)
		return;
	p->sent += counts(m);
	m->seq = p->sent;
	arena_init(&a, MSG_MAX);
	if (ntm_encode(m, &a, &b) < 0)
		return; /* its number tells the other end */
	n->stats.sent++;
	n->cfg.net->send(n->cfg.net, to->node, to->worker, b);
}

void ntf_gap(struct ntf *n, const struct place *from)
{
	static struct log_rl rl;

	n->stats.missed++;
	if (log_ratelimit(&rl, 2))
		log_info("messages about changes were lost, watchers will hear: node=%u worker=%u",
			 from->node, from->worker);
	if (!ntf_is_self(n, from))
		watch_lose(n, from);
	registry_lose(n);
}

/* Whether something is missing before this one. */
static void count(struct ntf *n, const struct ntm *m)
{
	struct ntf_peer *p = ntf_peer_get(n, &m->from);
	uint64_t expect;

	if (!p) {
		ntf_gap(n, &m->from);
		return;
	}
	expect = p->heard + counts(m);
	if (m->seq > expect)
		ntf_gap(n, &m->from);
	p->heard = MAX(p->heard, m->seq);
}

static void hold_early(struct ntf *n, uint32_t from_node, struct blob msg)
{
	struct early *e = n->n_early < EARLY_MAX ? malloc(sizeof(*e) + msg.len) : NULL;

	if (!e)
		return; /* the next one's number tells */
	list_init(&e->link);
	e->from_node = from_node;
	e->len = msg.len;
	memcpy(e->data, msg.data, msg.len);
	list_append(&n->early, &e->link);
	n->n_early++;
}

void ntf_receive(struct ntf *n, uint32_t from_node, struct blob msg)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct ntm m;

	arena_init(&a, MSG_MAX);
	if (ntm_decode(msg, &a, &m) < 0 || m.from.node != from_node || ntf_is_self(n, &m.from))
		return;
	if (!n->view || m.epoch > n->view->epoch) {
		hold_early(n, from_node, msg);
		return;
	}
	if (!is_member(n->view, &m.from))
		return; /* it left, and that was told to every watch */
	count(n, &m);
	deliver(n, &m);
}

void ntf_linked(struct ntf *n, const struct place *to)
{
	struct ntf_peer *p = n->view && is_member(n->view, to) ? ntf_peer_get(n, to) : NULL;
	struct ntm m = { .kind = NTM_SYNC };

	if (!p)
		return;
	ntf_send(n, to, &m);
	registry_linked(n, p);
	watch_tick(n);
}

/* The last message may be what was lost: then no other one tells. */
static void sync_tick(struct ntf *n)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->peers) {
		struct ntf_peer *p = htable_entry(h, struct ntf_peer, node);
		struct ntm m = { .kind = NTM_SYNC };

		if (p->confirmed < p->sent)
			ntf_send(n, &p->place, &m);
	}
}

void ntf_raise_unknown(struct ntf *n)
{
	struct htable_iter it;
	struct hnode *h;

	if (!n->view) {
		n->raised_early = n->raised_early || !n->asleep;
		return;
	}
	htable_foreach(h, &it, &n->peers) {
		struct ntf_peer *p = htable_entry(h, struct ntf_peer, node);
		struct ntm m = { .kind = NTM_SYNC };

		p->sent++; /* an event that nobody gets */
		ntf_send(n, &p->place, &m);
	}
	ntf_gap(n, &n->cfg.self);
}

/* --- views --- */

static void place_slots(struct ntf *n)
{
	for (uint32_t i = 0; i < n->cfg.n_slots; i++) {
		struct ntf_slot *s = &n->slots[i];
		struct place owner = { 0 };
		bool owned = place_owner(n->view, i, &owner);

		if (owned == s->owned && (!owned || place_equal(&owner, &s->owner)))
			continue;
		s->owned = owned;
		s->owner = owner;
		s->moved = n->view->epoch;
		s->said = 0;
		s->leases = false;
		interest_moved(n, s);
	}
}

static bool somebody_left(const struct view *old, const struct view *v)
{
	for (uint32_t i = 0; old && i < old->n; i++) {
		const struct view_member *m = &old->members[i];

		if (m->incarnation != 0 && !view_has(v, m->node_id, m->incarnation))
			return true;
	}
	return false;
}

static void replay_early(struct ntf *n)
{
	struct early *e;
	struct list all;

	list_init(&all);
	list_splice(&all, &n->early);
	n->n_early = 0;
	while ((e = list_first(&all, struct early, link))) {
		list_remove(&e->link);
		ntf_receive(n, e->from_node, BLOB(e->data, e->len)); /* may keep it again */
		free(e);
	}
}

int ntf_view(struct ntf *n, const struct view *v)
{
	struct view *old = n->view;
	bool died;

	if ((old && v->epoch <= old->epoch) || !view_has(v, n->cfg.self.node, n->cfg.self.incarnation))
		return 0;
	n->asleep = v->level < LEVEL_NOTIFY; /* a level never goes back: then there was no other view before */
	if (n->asleep)
		return 0;
	died = somebody_left(old, v);
	n->view = view_ref(v);
	view_unref(old);
	peers_drop(n, n->view);
	if (peers_add(n) < 0)
		return -ENOMEM;
	place_slots(n);
	registry_view(n);
	watch_view(n, died);
	if (died)
		registry_missed(n);
	replay_early(n);
	if (n->raised_early) {
		n->raised_early = false;
		ntf_raise_unknown(n);
	}
	return 0;
}

/* --- life --- */

static void on_tick(struct timer *t)
{
	struct ntf *n = container_of(t, struct ntf, tick);
	uint64_t now = loop_now(n->cfg.loop);
	bool slow = now >= n->slow_tick;

	if (slow)
		n->slow_tick = now + SLOW_TICK_NS;
	if (n->view) {
		sync_tick(n);
		registry_tick(n, slow);
		watch_tick(n);
	}
	timer_set(&n->tick, now + TICK_NS);
}

int ntf_new(const struct ntf_config *cfg, struct ntf **ret)
{
	struct ntf *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->cfg = *cfg;
	n->slots = calloc(cfg->n_slots, sizeof(*n->slots));
	if (!n->slots) {
		free(n);
		return -ENOMEM;
	}
	list_init(&n->unarmed);
	list_init(&n->waiting);
	list_init(&n->early);
	timer_init(&n->tick, cfg->loop, on_tick);
	timer_set(&n->tick, loop_now(cfg->loop) + TICK_NS);
	*ret = n;
	return 0;
}

void ntf_free(struct ntf *n)
{
	struct early *e;

	if (!n)
		return;
	assert(n->watches.count == 0);
	timer_cancel(&n->tick);
	registry_free(n);
	peers_drop(n, NULL);
	while ((e = list_first(&n->early, struct early, link))) {
		list_remove(&e->link);
		free(e);
	}
	htable_done(&n->peers);
	htable_done(&n->watches);
	view_unref(n->view);
	free(n->slots);
	free(n);
}

bool ntf_active(const struct ntf *n)
{
	return n && n->view;
}

void ntf_stats(const struct ntf *n, struct ntf_stats *ret)
{
	*ret = n->stats;
	ret->watches = n->watches.count;
	ret->registered = n->regs.count;
	ret->slots_wanted = n->n_interest;
	ret->slots_tree = n->n_tree;
}
