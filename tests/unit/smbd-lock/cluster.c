/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cluster inside a test. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/random.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

#define MS 1000000ULL

struct net {
	struct lk_net net;
	struct cnode *node;
	uint32_t worker;
	uint64_t last[NODES_MAX][WORKERS_MAX]; /* when the last one arrives: keeps the order */
};

struct packet {
	struct timer timer;
	struct cluster *cl;
	uint32_t from, to, worker;
	uint64_t from_inc, to_inc;
	uint32_t links;
	size_t len;
	uint8_t data[];
};

struct view_mail {
	struct timer timer;
	struct cnode *node;
	uint64_t incarnation;
	uint32_t worker;
	struct view *view;
};

bool (*cluster_broken)(void *arg, struct lk_open *o, const struct lk_break *b);
uint32_t cluster_break_ms, cluster_owner_wait_ms;
static struct net nets[NODES_MAX][WORKERS_MAX];

uint64_t cluster_seed(void)
{
	static uint64_t seed;

	if (seed == 0) {
		const char *s = getenv("SEED");

		seed = s ? strtoull(s, NULL, 0) : random_u64() | 1;
		fprintf(stderr, "# SEED=%llu\n", (unsigned long long)seed);
	}
	return seed;
}

uint64_t cluster_random(struct cluster *cl)
{
	return hash64_u64(cl->rng++);
}

static uint64_t after(struct cluster *cl, uint64_t max)
{
	return loop_now(loop_current()) + (max ? cluster_random(cl) % max : 0);
}

static struct cnode *node_of(struct cluster *cl, uint32_t id)
{
	return id >= 1 && id <= cl->n ? &cl->nodes[id - 1] : NULL;
}

static void arrive(struct timer *t)
{
	struct packet *p = container_of(t, struct packet, timer);
	struct cnode *from = node_of(p->cl, p->from), *to = node_of(p->cl, p->to);

	p->cl->in_flight--;
	if (from->incarnation == p->from_inc && to->incarnation == p->to_inc &&
	    from->links == p->links)
		lockc_receive(to->w[p->worker], p->from, BLOB(p->data, p->len));
	free(p);
}

static void net_send(struct lk_net *net, uint32_t node, uint32_t worker, struct blob msg)
{
	struct net *n = container_of(net, struct net, net);
	struct cluster *cl = n->node->cl;
	struct cnode *to = node_of(cl, node);
	struct packet *p;
	uint64_t at;

	if (!to || !to->incarnation || !n->node->incarnation || to->deaf)
		return;
	p = malloc(sizeof(*p) + msg.len);
	assert_non_null(p);
	*p = (struct packet){ .cl = cl,
			      .from = n->node->id,
			      .to = node,
			      .worker = worker,
			      .len = msg.len,
			      .from_inc = n->node->incarnation,
			      .to_inc = to->incarnation,
			      .links = n->node->links };
	memcpy(p->data, msg.data, msg.len);
	at = after(cl, cl->delay);
	if (at <= n->last[node - 1][worker])
		at = n->last[node - 1][worker] + 1;
	n->last[node - 1][worker] = at;
	timer_init(&p->timer, loop_current(), arrive);
	timer_set(&p->timer, at);
	cl->in_flight++;
}

static bool node_may_serve(void *arg)
{
	const struct cnode *n = arg;

	return !n->stale;
}

static int node_unlink(void *arg, const struct rec_open *rec)
{
	struct cnode *n = arg;

	task_yield();
	n->unlinks++;
	return n->unlink_result;
}

static void node_gone(void *arg, struct lk_open *o, enum lk_gone why)
{
	struct cnode *n = arg;

	n->gone++;
	n->gone_why = why;
	if (n->on_gone)
		n->on_gone(n, o, why);
}

static void node_lost(void *arg)
{
	struct cnode *n = arg;

	n->lost++;
}

static bool node_connected(void *arg, uint64_t session_id)
{
	struct cnode *n = arg;

	n->asked++;
	return !n->left;
}

static bool node_dirs_armed(void *arg, uint32_t slot)
{
	const struct cnode *n = arg;

	return n->dirs_armed;
}

static void node_dirs_wanted(void *arg, uint32_t slot, bool on)
{
	struct cnode *n = arg;

	n->dirs_wanted += on ? 1 : -1;
}

void cluster_start(struct cluster *cl, uint32_t node)
{
	struct cnode *n = node_of(cl, node);

	n->incarnation = cluster_random(cl) | 1;
	n->stale = false;
	for (uint32_t i = 0; i < n->workers; i++) {
		struct net *net = &nets[node - 1][i];
		struct lockc_config cfg = {
			.loop = loop_current(),
			.store = cl->store,
			.net = &net->net,
			.self = { .node = node, .worker = i, .incarnation = n->incarnation },
			.limits = cl->limits,
			.arg = n,
			.may_serve = node_may_serve,
			.unlink = node_unlink,
			.gone = node_gone,
			.connected = node_connected,
			.broken = cluster_broken,
			.dirs_armed = node_dirs_armed,
			.dirs_wanted = node_dirs_wanted,
			.lost = node_lost,
		};

		net->net.send = net_send;
		net->node = n;
		net->worker = i;
		assert_int_equal(lockc_new(&cfg, &n->w[i]), 0);
	}
}

void cluster_crash(struct cluster *cl, uint32_t node)
{
	struct cnode *n = node_of(cl, node);

	n->incarnation = 0;
	for (uint32_t i = 0; i < n->workers; i++) {
		struct lockc *c = TAKE_PTR(n->w[i]);

		lockc_free(c);
	}
}

static void view_arrives(struct timer *t)
{
	struct view_mail *m = container_of(t, struct view_mail, timer);

	m->node->cl->in_flight--;
	if (m->node->incarnation == m->incarnation)
		assert_int_equal(lockc_view(m->node->w[m->worker], m->view), 0);
	view_unref(m->view);
	free(m);
}

static struct view *make_view(struct cluster *cl)
{
	struct view *v = view_new(cl->n);
	uint32_t k = 0;

	assert_non_null(v);
	for (uint32_t i = 0; i < cl->n; i++) {
		struct cnode *n = &cl->nodes[i];

		if (!n->incarnation)
			continue;
		v->members[k].node_id = n->id;
		v->members[k].workers = n->workers;
		v->members[k].incarnation = n->incarnation;
		k++;
	}
	v->n = k;
	v->level = level_own().max;
	v->epoch = ++cl->epoch;
	return v;
}

void cluster_view(struct cluster *cl)
{
	static uint64_t last[NODES_MAX][WORKERS_MAX];
	struct view *v = make_view(cl);

	for (uint32_t i = 0; i < cl->n; i++)
		for (uint32_t w = 0; cl->nodes[i].incarnation && w < cl->nodes[i].workers; w++) {
			struct view_mail *m = calloc(1, sizeof(*m));
			uint64_t at = after(cl, cl->view_delay);

			if (at <= last[i][w])
				at = last[i][w] + 1;
			last[i][w] = at;
			*m = (struct view_mail){ .node = &cl->nodes[i],
						 .worker = w,
						 .view = view_ref(v),
						 .incarnation = cl->nodes[i].incarnation };
			timer_init(&m->timer, loop_current(), view_arrives);
			timer_set(&m->timer, at);
			cl->in_flight++;
		}
	view_unref(v);
}

void cluster_cut(struct cluster *cl)
{
	for (uint32_t i = 0; i < cl->n; i++)
		cl->nodes[i].links++;
}

static bool settled(struct cluster *cl)
{
	uint32_t owned = 0;

	for (uint32_t i = 0; i < cl->n; i++)
		for (uint32_t w = 0; cl->nodes[i].incarnation && w < cl->nodes[i].workers; w++) {
			struct lk_stats st;

			lockc_stats(cl->nodes[i].w[w], &st);
			if (st.slots_loading || st.slots_asserting)
				return false;
			owned += st.slots_owned;
		}
	return owned == store_info(cl->store)->slots;
}

void cluster_settle(struct cluster *cl)
{
	for (int i = 0; i < 20000 && !settled(cl); i++)
		task_sleep(MS);
	assert_true(settled(cl));
}

struct cluster *cluster_new(uint32_t n, uint32_t workers, uint32_t slots)
{
	struct cluster *cl = calloc(1, sizeof(*cl));

	assert_non_null(cl);
	memset(nets, 0, sizeof(nets));
	cl->rng = cluster_seed();
	cl->n = n;
	cl->limits.break_ms = cluster_break_ms;
	cl->limits.owner_wait_ms = cluster_owner_wait_ms;
	cl->store = mem_store_new(slots);
	for (uint32_t i = 0; i < n; i++) {
		cl->nodes[i] = (struct cnode){ .cl = cl, .id = i + 1, .workers = workers };
		cluster_start(cl, i + 1);
	}
	cluster_view(cl);
	cluster_settle(cl);
	return cl;
}

void cluster_free(struct cluster *cl)
{
	for (uint32_t i = 0; i < cl->n; i++)
		if (cl->nodes[i].incarnation)
			cluster_crash(cl, i + 1);
	while (cl->in_flight > 0)
		task_sleep(MS);
	mem_store_free(cl->store);
	free(cl);
}

struct file_key key_of(uint64_t inode)
{
	struct file_key k = { .inode = inode, .generation = 7 };

	memset(k.volume.b, 0x5a, 16);
	return k;
}

struct file_key key_owned_by(struct cluster *cl, uint32_t node, uint32_t worker)
{
	static uint64_t next = 1000000;
	struct view *v = make_view(cl);
	struct file_key k;

	cl->epoch--; /* only asked, not published */
	for (;;) {
		struct place p;

		k = key_of(next++);
		assert_true(place_owner(v, place_slot_of_file(&k, store_info(cl->store)->slots), &p));
		if (p.node == node && p.worker == worker)
			break;
	}
	view_unref(v);
	return k;
}

struct rec_open want(const struct file_key *key, uint32_t access, uint32_t share)
{
	struct rec_open r = { .key = *key,
			      .access = access,
			      .share = share,
			      .path = (char *)(uintptr_t) "dir/file",
			      .share_name = (char *)(uintptr_t) "data",
			      .user = (char *)(uintptr_t) "user",
			      .has_owner = true,
			      .session_id = 1,
			      .volatile_id = 2 };

	memset(r.client_guid.b, 1, 16);
	assert_int_equal(sid_parse("S-1-5-21-1-2-3-1001", &r.owner), 0);
	return r;
}

struct rec_open want_persistent(const struct file_key *key, uint32_t access, uint32_t share)
{
	struct rec_open r = want(key, access, share);

	r.persistent = r.durable_v2 = r.has_create_guid = true;
	r.create_guid = guid_random();
	r.timeout_ms = 60000;
	memcpy(r.handle, "handle", 6);
	r.handle_len = 6;
	return r;
}

struct rec_open want_leased(const struct file_key *key, uint8_t client, uint8_t version, uint32_t state)
{
	struct rec_open r = want(key, RD | WR, SH_ALL);

	memset(r.client_guid.b, client, 16);
	r.lease = (struct rec_lease){ .present = true, .version = version, .state = state, .epoch = 10 };
	if (version)
		memset(r.lease.key.b, client, 16);
	return r;
}

struct lk_reclaim reclaim_of(const struct rec_open *r)
{
	return (struct lk_reclaim){ .id = r->id,
				    .v2 = r->has_create_guid,
				    .persistent = r->persistent,
				    .create_guid = r->create_guid,
				    .client_guid = r->client_guid,
				    .has_owner = r->has_owner,
				    .owner = r->owner,
				    .share_name = r->share_name,
				    .path = r->path,
				    .session_id = 9,
				    .volatile_id = 8 };
}

struct lk_open *must_grant(struct lockc *c, const struct rec_open *w)
{
	struct lk_open *o = NULL;

	assert_int_equal(lockc_open(c, w, 0, &o), LK_OK);
	assert_non_null(o);
	return o;
}
