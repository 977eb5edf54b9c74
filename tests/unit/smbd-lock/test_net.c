/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two nodes of two workers each, every worker a thread with its own loop, talking over real
 * connections, on LMDB. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "node/base/clock.h"
#include "node/loop/task.h"
#include "node/rpc/rpc.h"
#include "tests/unit/smbd-lock/rpc_net.h"
#include "statestore/store.h"

#define NODES 2
#define WORKERS 2
#define SLOTS 32
#define MS 1000000ULL

static const struct lk_seq no_seq;
static struct store *store;
static struct rpc_key *key;

struct tworker {
	struct tnode *node;
	unsigned int index;
	struct loop *loop;
	pthread_t thread;
	struct lockc *lock;
	_Atomic unsigned int steps; /* bumped when an order was carried out */
};

struct tnode {
	uint32_t id;
	uint64_t incarnation;
	struct rpc_net *net;
	struct loop *loops[WORKERS];
	struct tworker w[WORKERS];
};

static struct tnode nodes[NODES];

/* --- orders: a task on a worker, waited for by the test's thread --- */

struct order {
	struct mail mail;
	struct tworker *w;
	void (*fn)(struct tworker *w, void *arg);
	void *arg;
	_Atomic bool done;
};

static void order_task(void *arg)
{
	struct order *o = arg;

	o->fn(o->w, o->arg);
	atomic_store(&o->done, true);
}

static void order_mail(struct mail *m)
{
	struct order *o = container_of(m, struct order, mail);

	assert_int_equal(task_spawn(o->w->loop, order_task, o, NULL), 0);
}

static void on(struct tworker *w, void (*fn)(struct tworker *w, void *arg), void *arg)
{
	struct order o = { .mail = { .run = order_mail }, .w = w, .fn = fn, .arg = arg };

	loop_post(w->loop, &o.mail);
	for (int i = 0; i < 30000 && !atomic_load(&o.done); i++)
		usleep(1000);
	assert_true(atomic_load(&o.done));
}

static void *worker_main(void *arg)
{
	struct tworker *w = arg;

	loop_run(w->loop);
	return NULL;
}

static void start_lock(struct tworker *w, void *arg)
{
	struct lockc_config cfg = { .loop = w->loop,
				    .store = store,
				    .net = rpc_net_worker(w->node->net, w->index),
				    .self = { .node = w->node->id,
					      .worker = w->index,
					      .incarnation = w->node->incarnation } };

	assert_int_equal(lockc_new(&cfg, &w->lock), 0);
	rpc_net_attach(w->node->net, w->index, w->lock);
}

static void stop_lock(struct tworker *w, void *arg)
{
	rpc_net_detach(w->node->net, w->index);
	lockc_free(w->lock);
}

static void stop_net(struct tworker *w, void *arg)
{
	rpc_net_free(w->node->net);
}

static void take_view(struct tworker *w, void *arg)
{
	assert_int_equal(rpc_net_view(w->node->net, w->index, arg), 0);
	assert_int_equal(lockc_view(w->lock, arg), 0);
}

static void start_net(struct tworker *w, void *arg)
{
	struct tnode *n = w->node;
	struct rpc_net_config cfg = { .key = key,
				      .loops = n->loops,
				      .n_workers = WORKERS,
				      .node = n->id,
				      .incarnation = n->incarnation,
				      .name = "node" };

	assert_int_equal(net_addr_parse("127.0.0.1:0", 0, &cfg.listen), 0);
	assert_int_equal(rpc_net_new(&cfg, &n->net), 0);
}

static void start_node(struct tnode *n, uint32_t id)
{
	*n = (struct tnode){ .id = id, .incarnation = 1000 + id };
	for (unsigned int i = 0; i < WORKERS; i++) {
		const struct loop_config cfg = { .name = "worker" };

		assert_int_equal(loop_new(&cfg, &n->w[i].loop), 0);
		n->loops[i] = n->w[i].loop;
		n->w[i].node = n;
		n->w[i].index = i;
		assert_int_equal(pthread_create(&n->w[i].thread, NULL, worker_main, &n->w[i]), 0);
	}
	on(&n->w[0], start_net, NULL);
	for (unsigned int i = 0; i < WORKERS; i++)
		on(&n->w[i], start_lock, NULL);
}

static void stop_node(struct tnode *n)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		on(&n->w[i], stop_lock, NULL);
	on(&n->w[0], stop_net, NULL);
	for (unsigned int i = 0; i < WORKERS; i++) {
		loop_stop(n->w[i].loop);
		pthread_join(n->w[i].thread, NULL);
	}
	/* A thread may wake another's loop until it ends. */
	for (unsigned int i = 0; i < WORKERS; i++)
		loop_free(n->w[i].loop);
}

static struct view *make_view(uint64_t epoch, unsigned int first)
{
	struct view *v = view_new(NODES - first);

	v->epoch = epoch;
	for (unsigned int i = first; i < NODES; i++) {
		struct view_member *m = &v->members[i - first];
		struct net_addr a;
		char buf[NET_ADDR_STR];

		rpc_net_addr(nodes[i].net, &a);
		m->node_id = nodes[i].id;
		m->incarnation = nodes[i].incarnation;
		m->workers = WORKERS;
		snprintf(m->name, sizeof(m->name), "n%u", nodes[i].id);
		snprintf(m->rpc_addr, sizeof(m->rpc_addr), "%s", net_addr_format(&a, buf));
	}
	return v;
}

static struct rec_open want(uint64_t inode, bool persistent, uint32_t share)
{
	struct rec_open r = { .key = { .inode = inode },
			      .access = 3,
			      .share = share,
			      .path = (char *)(uintptr_t) "f",
			      .share_name = (char *)(uintptr_t) "s",
			      .persistent = persistent,
			      .durable_v2 = persistent,
			      .has_create_guid = persistent,
			      .timeout_ms = 60000 };

	if (persistent)
		r.create_guid = guid_random();
	return r;
}

static struct lk_reclaim claims[64];

/* Every worker opens, locks and unlocks files whose owners are everywhere. */
static void work(struct tworker *w, void *arg)
{
	unsigned int base = (w->node->id * WORKERS + w->index) * 1000;

	for (unsigned int i = 0; i < 40; i++) {
		struct rec_open a = want(base + i, i % 4 == 0, 0);
		struct lk_range r = { .offset = i, .length = 1, .exclusive = true };
		struct lk_open *o, *x = NULL;

		assert_int_equal(lockc_open(w->lock, &a, 0, &o), LK_OK);
		if (a.persistent)
			a.create_guid = guid_random();
		assert_int_equal(lockc_open(w->lock, &a, 0, &x), LK_SHARING_VIOLATION);
		assert_int_equal(lockc_lock(w->lock, o, &r, 1, no_seq, false, NULL, NULL), LK_OK);
		assert_int_equal(lockc_unlock(w->lock, o, &r, 1, no_seq), LK_OK);
		assert_int_equal(lockc_close(w->lock, o), LK_OK);
	}
}

static void hold_opens(struct tworker *w, void *arg)
{
	for (unsigned int i = 0; i < 64; i++) {
		struct rec_open a = want(50000 + i, true, 0);
		struct lk_range r = { .offset = i, .length = 1, .exclusive = true };
		struct lk_open *o;

		assert_int_equal(lockc_open(w->lock, &a, 0, &o), LK_OK);
		assert_int_equal(lockc_lock(w->lock, o, &r, 1, no_seq, false, NULL, NULL), LK_OK);
		claims[i] = (struct lk_reclaim){ .id = o->rec.id,
						 .v2 = true,
						 .persistent = true,
						 .create_guid = o->rec.create_guid,
						 .share_name = "s",
						 .path = "f" };
	}
}

static void reclaim_opens(struct tworker *w, void *arg)
{
	for (unsigned int i = 0; i < 64; i++) {
		struct rec_open a = want(50000 + i, false, 7);
		struct lk_open *o, *x = NULL;

		assert_int_equal(lockc_open(w->lock, &a, 0, &x), LK_FILE_NOT_AVAILABLE);
		assert_int_equal(lockc_reclaim(w->lock, &claims[i], &o), LK_OK);
		assert_int_equal(o->rec.n_locks, 1);
		assert_int_equal(o->rec.locks[0].offset, i);
		assert_int_equal(lockc_close(w->lock, o), LK_OK);
	}
}

static void test_two_nodes(void **state)
{
	char dir[] = "/tmp/hf-locknet-XXXXXX", url[64], err[256], cmd[96];
	const struct store_info info = { .slots = SLOTS, .cluster = "test" };
	struct view *both, *second;
	bool used[SLOTS];

	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "lmdb:%s/store", dir);
	assert_int_equal(store_open(url, &info, &store, err, sizeof(err)), 0);
	assert_int_equal(rpc_key_new(BLOB("0123456789abcdef0123456789abcdef", 32), &key), 0);
	for (unsigned int i = 0; i < NODES; i++)
		start_node(&nodes[i], i + 1);
	both = make_view(1, 0);
	second = make_view(2, 1);
	for (unsigned int i = 0; i < NODES; i++)
		for (unsigned int k = 0; k < WORKERS; k++)
			on(&nodes[i].w[k], take_view, both);
	for (unsigned int i = 0; i < NODES; i++)
		for (unsigned int k = 0; k < WORKERS; k++)
			on(&nodes[i].w[k], work, NULL);
	on(&nodes[0].w[1], hold_opens, NULL);
	stop_node(&nodes[0]);
	for (unsigned int k = 0; k < WORKERS; k++)
		on(&nodes[1].w[k], take_view, second);
	on(&nodes[1].w[0], reclaim_opens, NULL);
	stop_node(&nodes[1]);
	assert_int_equal(store_used_slots(store, used), 0);
	for (unsigned int i = 0; i < SLOTS; i++)
		assert_false(used[i]);
	view_unref(both);
	view_unref(second);
	rpc_key_free(key);
	store_close(store);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_two_nodes) };

	return cmocka_run_group_tests_name("lock net", tests, NULL, NULL);
}
