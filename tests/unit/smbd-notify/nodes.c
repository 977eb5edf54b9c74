/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several nodes inside a test. */
#include "tests/unit/smbd-notify/nodes.h"

#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/random.h"

struct end {
	struct ntf_net net;
	uint32_t node, worker;
	uint64_t last[NODES][WORKERS]; /* when the last one arrives: keeps the order */
};

struct packet {
	struct timer timer;
	uint32_t from, to, worker;
	uint64_t from_inc, to_inc;
	unsigned int links;
	struct view *view; /* or a message */
	size_t len;
	uint8_t data[];
};

struct tnet net;
struct thooks net_hooks;
static struct end ends[NODES][WORKERS];
static uint64_t last_view[NODES][WORKERS];

uint64_t net_random(void)
{
	if (net.rng == 0) {
		const char *s = getenv("SEED");

		net.rng = s ? strtoull(s, NULL, 0) : random_u64() | 1;
		fprintf(stderr, "# SEED=%llu\n", (unsigned long long)net.rng);
	}
	return hash64_u64(net.rng++);
}

static struct tnode *node_of(uint32_t id)
{
	return &net.nodes[id - 1];
}

static void arrive(struct timer *t)
{
	struct packet *p = container_of(t, struct packet, timer);
	struct tnode *to = node_of(p->to);
	bool lost = !p->view && p->from != p->to && (p->links != net.links || net.down);

	net.in_flight--;
	if (to->incarnation == p->to_inc && !lost && node_of(p->from)->incarnation == p->from_inc) {
		if (p->view && net_hooks.view)
			net_hooks.view(p->to, p->worker, p->view);
		if (p->view)
			assert_int_equal(ntf_view(to->w[p->worker], p->view), 0);
		else
			ntf_receive(to->w[p->worker], p->from, BLOB(p->data, p->len));
	}
	view_unref(p->view);
	free(p);
}

static void post(struct packet *p, uint64_t max, uint64_t *last)
{
	uint64_t at = loop_now(loop_current()) + (max ? net_random() % max : 0);

	if (at <= *last)
		at = *last + 1;
	*last = at;
	timer_init(&p->timer, loop_current(), arrive);
	timer_set(&p->timer, at);
	net.in_flight++;
}

static void send_one(struct ntf_net *n, uint32_t node, uint32_t worker, struct blob msg)
{
	struct end *e = container_of(n, struct end, net);
	struct packet *p;

	if (!node_of(node)->incarnation || !node_of(e->node)->incarnation ||
	    (net.down && node != e->node))
		return;
	if (net.drop > 0 && node != e->node) {
		net.drop--;
		return;
	}
	p = malloc(sizeof(*p) + msg.len);
	assert_non_null(p);
	*p = (struct packet){ .from = e->node,
			      .to = node,
			      .worker = worker,
			      .from_inc = node_of(e->node)->incarnation,
			      .to_inc = node_of(node)->incarnation,
			      .links = net.links,
			      .len = msg.len };
	memcpy(p->data, msg.data, msg.len);
	post(p, net.delay, &e->last[node - 1][worker]);
}

static void on_changed(void *arg, const struct file_key *dir, const struct ntf_by *by)
{
	const struct end *e = arg;

	if (net_hooks.changed)
		net_hooks.changed(e->node, e->worker, dir, by);
}

static void on_missed(void *arg)
{
	const struct end *e = arg;

	if (net_hooks.missed)
		net_hooks.missed(e->node, e->worker);
}

void net_node_start(uint32_t node)
{
	struct tnode *n = node_of(node);

	n->id = node;
	n->incarnation = net_random() | 1;
	for (uint32_t w = 0; w < WORKERS; w++) {
		struct end *e = &ends[node - 1][w];
		struct ntf_config cfg = {
			.loop = loop_current(),
			.net = &e->net,
			.self = { .node = node, .worker = w, .incarnation = n->incarnation },
			.n_slots = SLOTS,
			.changed = on_changed,
			.missed = on_missed,
			.arg = e,
		};

		*e = (struct end){ .net.send = send_one, .node = node, .worker = w };
		assert_int_equal(ntf_new(&cfg, &n->w[w]), 0);
	}
}

void net_node_crash(uint32_t node)
{
	struct tnode *n = node_of(node);

	n->incarnation = 0;
	for (uint32_t w = 0; w < WORKERS; w++)
		ntf_free(TAKE_PTR(n->w[w]));
}

static struct view *make_view(uint64_t epoch)
{
	struct view *v = view_new(NODES);
	uint32_t k = 0;

	assert_non_null(v);
	for (uint32_t i = 0; i < NODES; i++) {
		if (!net.nodes[i].incarnation)
			continue;
		v->members[k++] = (struct view_member){ .node_id = net.nodes[i].id,
							.workers = WORKERS,
							.incarnation = net.nodes[i].incarnation };
	}
	v->n = k;
	v->epoch = epoch;
	v->level = net.level;
	return v;
}

void net_view(void)
{
	struct view *v = make_view(++net.epoch);

	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t w = 0; net.nodes[i].incarnation && w < WORKERS; w++) {
			struct packet *p = calloc(1, sizeof(*p));

			assert_non_null(p);
			p->from = p->to = net.nodes[i].id;
			p->from_inc = p->to_inc = net.nodes[i].incarnation;
			p->worker = w;
			p->view = view_ref(v);
			post(p, net.view_delay, &last_view[i][w]);
		}
	view_unref(v);
}

void net_cut(void)
{
	net.links++;
	net.down = true;
}

void net_heal(void)
{
	net.down = false;
	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t w = 0; net.nodes[i].incarnation && w < WORKERS; w++)
			for (uint32_t k = 0; k < NODES; k++)
				for (uint32_t x = 0; x < WORKERS; x++) {
					struct place p = { .node = k + 1,
							   .worker = x,
							   .incarnation = net.nodes[k].incarnation };

					if (k != i && p.incarnation)
						ntf_linked(net.nodes[i].w[w], &p);
				}
}

void net_settle(void)
{
	for (int quiet = 0; quiet < 20; quiet++) {
		task_sleep(MS);
		if (net.in_flight > 0)
			quiet = 0;
	}
}

void net_start(void)
{
	net_start_level(LEVEL_NOTIFY);
}

void net_start_level(uint32_t level)
{
	memset(&net, 0, sizeof(net));
	net.level = level;
	memset(last_view, 0, sizeof(last_view));
	for (uint32_t i = 1; i <= NODES; i++)
		net_node_start(i);
	net_view();
	net_settle();
}

void net_stop(void)
{
	for (uint32_t i = 1; i <= NODES; i++)
		if (node_of(i)->incarnation)
			net_node_crash(i);
	while (net.in_flight > 0)
		task_sleep(MS);
}

struct file_key dir_key(uint64_t inode)
{
	struct file_key k = { .inode = inode, .generation = 3 };

	memset(k.volume.b, 0x77, sizeof(k.volume.b));
	return k;
}

struct file_key dir_owned_by(uint32_t node, uint32_t worker)
{
	static uint64_t next = 1000;
	struct view *v = make_view(net.epoch);
	struct file_key k;

	for (;;) {
		struct place p;

		k = dir_key(next++);
		assert_true(place_owner(v, place_slot_of_file(&k, SLOTS), &p));
		if (p.node == node && p.worker == worker)
			break;
	}
	view_unref(v);
	return k;
}
