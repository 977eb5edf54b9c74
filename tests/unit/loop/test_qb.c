/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A loop inside libqb's loop, as clusterd has it: RPC is served and called from there, and all of
 * it ends there. */
#include "tests/unit/loop/loop_test.h"

#include <pthread.h>
#include <poll.h>
#include <stdio.h>
#include <qb/qbloop.h>

#include "node/rpc/rpc.h"

enum { M_ADD_ONE = 1, M_TICK };

static char dir[32] = "/tmp/hf-qb-XXXXXX", path[64];
static qb_loop_t *qb;
static struct loop *embedded;
static struct rpc_server *server;
static struct rpc_conn *peer;
static unsigned int ticks_sent, ticks_seen, rounds;

static void h_add_one(struct rpc_request *rq)
{
	uint64_t n;

	assert(rq->payload.len == sizeof(n));
	memcpy(&n, rq->payload.data, sizeof(n));
	if (n % 100 == 0)
		task_sleep(MS); /* needs the timer of the embedded loop */
	n++;
	rpc_reply(rq, BLOB(&n, sizeof(n)));
}

static int on_up(struct rpc_conn *c, void *arg)
{
	peer = c;
	return 0;
}

static void on_down(struct rpc_conn *c, int why, void *arg)
{
	peer = NULL;
}

static const struct rpc_method server_methods[] = { { M_ADD_ONE, "add one", h_add_one, false },
						    RPC_METHODS_END };

static int32_t dispatch(int32_t fd, int32_t revents, void *data)
{
	rounds++;
	return loop_run_once(embedded) < 0 ? -1 : 0;
}

/* From a callback of libqb, outside of any task: what it queues must leave without another event.
 */
static void tick(void *data)
{
	qb_loop_timer_handle h;

	if (peer && rpc_conn_send(peer, M_TICK, BLOB("", 0)) == 0)
		ticks_sent++;
	qb_loop_timer_add(qb, QB_LOOP_MED, 5 * MS, NULL, tick, &h);
}

/* --- the other process, here a thread --- */

static void h_tick(struct rpc_request *rq)
{
	ticks_seen++;
}

static const struct rpc_method client_methods[] = { { M_TICK, "tick", h_tick, true },
						    RPC_METHODS_END };

static void stop_qb(struct mail *m)
{
	qb_loop_stop(qb);
}

static struct mail stop_mail = { .run = stop_qb };

static void body_client(void)
{
	struct rpc_client_config cfg = {
		.loop = loop_current(),
		.self.name = "client",
		.peer_name = "server",
		.ops.methods = client_methods,
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct rpc_client *c;
	struct blob b;
	uint64_t n = 0;

	arena_init(&a, 0);
	assert(rpc_client_unix(&cfg, path, &c) == 0);
	while (n < 1000) {
		assert(rpc_call(c, M_ADD_ONE, BLOB(&n, sizeof(n)), in_ms(10000), &a, &b) == 0);
		memcpy(&n, b.data, sizeof(n));
		arena_reset(&a);
	}
	while (ticks_seen < 5)
		task_sleep(MS);
	rpc_client_free(c);
	loop_post(embedded, &stop_mail);
}

static void *client_thread(void *arg)
{
	run_on_loop(body_client);
	return NULL;
}

static void test_qb(void **state)
{
	const struct loop_config lc = { .entries = 128 };
	struct rpc_listen_config cfg = {
		.self.name = "server",
		.ops = { .methods = server_methods, .up = on_up, .down = on_down },
	};
	qb_loop_timer_handle h;
	pthread_t th;
	int fd;

	qb = qb_loop_create();
	assert_int_equal(loop_new(&lc, &embedded), 0);
	fd = loop_fd(embedded);
	assert_true(fd >= 0);
	cfg.loop = embedded;
	assert_int_equal(rpc_listen_unix(&cfg, path, &server), 0);
	assert_int_equal(qb_loop_poll_add(qb, QB_LOOP_MED, fd, POLLIN, NULL, dispatch), 0);
	qb_loop_timer_add(qb, QB_LOOP_MED, MS, NULL, tick, &h);
	pthread_create(&th, NULL, client_thread, NULL);
	qb_loop_run(qb);
	pthread_join(th, NULL);
	assert_true(ticks_sent >= 5);
	assert_true(rounds < 20000); /* it does not spin */
	/* The end, without libqb: a task does what is left. */
	rpc_server_free(server);
	for (int i = 0; i < 1000 && loop_tasks(embedded); i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_true(poll(&p, 1, 1000) >= 0);
		assert_int_equal(loop_run_once(embedded), 0);
	}
	assert_int_equal(loop_tasks(embedded), 0);
	qb_loop_poll_del(qb, fd);
	loop_free(embedded);
	qb_loop_destroy(qb);
}

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int teardown(void **state)
{
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qb),
	};

	return cmocka_run_group_tests_name("qb", tests, setup, teardown);
}
