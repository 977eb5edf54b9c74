/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RPC: calls over TLS and unix sockets, failures of links, wrong keys, newcomers that misbehave, several loops. */
#include "tests/unit/loop/loop_test.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/un.h>

#include "node/log/log.h"
#include "node/net/sock.h"
#include "node/rpc/frame.h"

enum {
	M_ECHO = 1,
	M_FAIL,
	M_LATER,
	M_SLEEP,
	M_NOTE,
	M_NOWAIT,
	M_BACK,
	M_WHERE,
};

static struct rpc_key *key, *other_key;
static unsigned int ups, downs, notes, cancelled;
static uint64_t next_note;
static struct rpc_request *kept;
static struct rpc_conn *server_conn;

/* --- what the server serves --- */

static void h_echo(struct rpc_request *rq)
{
	rpc_reply(rq, rq->payload);
}

static void h_fail(struct rpc_request *rq)
{
	rpc_fail(rq, EDOM);
}

/* Answers after the handler returned. */
static void h_later(struct rpc_request *rq)
{
	assert(!kept);
	kept = rq;
}

static void h_sleep(struct rpc_request *rq)
{
	if (task_sleep(5000 * MS) == -ECANCELED)
		cancelled++;
	rpc_reply(rq, BLOB("", 0));
}

static void h_note(struct rpc_request *rq)
{
	uint64_t n;

	memcpy(&n, rq->payload.data, sizeof(n));
	assert(n == next_note);
	next_note++;
	notes++;
	if (!rq->oneway)
		rpc_reply(rq, BLOB(&next_note, sizeof(next_note)));
}

/* Calls the caller back before it answers. */
static void h_back(struct rpc_request *rq)
{
	struct blob b;

	if (rpc_conn_call(rq->conn, M_ECHO, rq->payload, 0, rq->arena, &b) == 0)
		rpc_reply(rq, b);
	else
		rpc_fail(rq, EIO);
}

static void h_where(struct rpc_request *rq)
{
	struct loop *here = loop_current();

	rpc_reply(rq, BLOB(&here, sizeof(here)));
}

static const struct rpc_method methods[] = {
	{ M_ECHO, "echo", h_echo, false },   { M_FAIL, "fail", h_fail, false },   { M_LATER, "later", h_later, false },
	{ M_SLEEP, "sleep", h_sleep, false }, { M_NOTE, "note", h_note, false },   { M_NOWAIT, "nowait", h_echo, true },
	{ M_BACK, "back", h_back, false },   { M_WHERE, "where", h_where, false }, RPC_METHODS_END,
};

static const struct rpc_method client_methods[] = { { M_ECHO, "echo", h_echo, false }, RPC_METHODS_END };

static int on_up(struct rpc_conn *c, void *arg)
{
	ups++;
	server_conn = c;
	return 0;
}

static void on_down(struct rpc_conn *c, int why, void *arg)
{
	downs++;
	server_conn = NULL;
}

/* --- setting up --- */

static char dir[32] = "/tmp/hf-rpc-XXXXXX", sock_path[64];
static bool over_tls;

static struct rpc_listen_config listen_config(void)
{
	return (struct rpc_listen_config){
		.loop = loop_current(),
		.key = key,
		.self = { .node_id = 1, .incarnation = 100, .name = "one" },
		.ops = { .methods = methods, .up = on_up, .down = on_down },
	};
}

static struct rpc_client_config client_config(void)
{
	return (struct rpc_client_config){
		.loop = loop_current(),
		.key = key,
		.self = { .node_id = 2, .worker = 3, .incarnation = 200, .name = "two" },
		.peer_node = 1,
		.peer_name = "one",
		.ops = { .methods = client_methods },
	};
}

static struct rpc_server *start_server(const struct rpc_listen_config *cfg, struct net_addr *ret)
{
	struct net_addr any;
	struct rpc_server *s;

	if (!over_tls) {
		assert_int_equal(rpc_listen_unix(cfg, sock_path, &s), 0);
		return s;
	}
	if (ret->len)
		any = *ret;
	else
		assert_int_equal(net_addr_parse("127.0.0.1:0", 0, &any), 0);
	assert_int_equal(rpc_listen(cfg, &any, &s), 0);
	rpc_server_addr(s, ret);
	return s;
}

static struct rpc_client *start_client(const struct rpc_client_config *cfg, const struct net_addr *addr)
{
	struct rpc_client *c;

	if (over_tls)
		assert_int_equal(rpc_client_new(cfg, addr, &c), 0);
	else
		assert_int_equal(rpc_client_unix(cfg, sock_path, &c), 0);
	return c;
}

struct rig {
	struct net_addr addr;
	struct rpc_server *server;
	struct rpc_client *client;
};

static void rig_up(struct rig *r)
{
	struct rpc_listen_config l = listen_config();
	struct rpc_client_config c = client_config();

	ups = downs = notes = cancelled = 0;
	next_note = 0;
	kept = NULL;
	*r = (struct rig){ .server = NULL };
	r->server = start_server(&l, &r->addr);
	r->client = start_client(&c, &r->addr);
}

static void rig_down(struct rig *r)
{
	rpc_client_free(r->client);
	rpc_server_free(r->server);
	assert_int_equal(ups, downs);
}

static void run_both(void (*fn)(void))
{
	over_tls = true;
	run_on_loop(fn);
	over_tls = false;
	run_on_loop(fn);
}

/* --- calls --- */

static void body_calls(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct arena small;
	struct rig r;
	struct blob b;
	uint8_t *big;
	size_t n = RPC_PAYLOAD_MAX;

	arena_init(&a, 0);
	arena_init(&small, 10);
	rig_up(&r);
	/* The first call waits for the link. */
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB("hello", 5), in_ms(5000), &a, &b), 0);
	assert_true(blob_equal(b, BLOB("hello", 5)));
	assert_true(rpc_client_up(r.client));
	assert_int_equal(rpc_conn_peer(server_conn)->node_id, 2);
	assert_int_equal(rpc_conn_peer(server_conn)->worker, 3);
	assert_int_equal(rpc_conn_peer(server_conn)->incarnation, 200);
	assert_string_equal(rpc_conn_peer(server_conn)->name, "two");
	assert_int_equal(rpc_conn_peer(rpc_client_conn(r.client))->incarnation, 100);
	assert_int_equal(rpc_call(r.client, M_NOWAIT, BLOB("", 0), 0, &a, &b), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB("x", 1), 0, NULL, NULL), 0);
	assert_int_equal(rpc_call(r.client, M_FAIL, BLOB("x", 1), 0, &a, &b), EDOM);
	assert_int_equal(rpc_call(r.client, 999, BLOB("x", 1), 0, &a, &b), -ENOSYS);
	assert_int_equal(rpc_call(r.client, M_BACK, BLOB("back", 4), 0, &a, &b), 0);
	assert_true(blob_equal(b, BLOB("back", 4)));
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB("longer than ten", 15), 0, &small, &b), -ENOMEM);
	assert_int_equal(rpc_call(r.client, M_SLEEP, BLOB("", 0), in_ms(500), &a, &b), -ETIME); /* busy machines: it has begun */
	big = calloc(1, n + 1);
	big[n - 1] = 77;
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB(big, n + 1), 0, &a, &b), -EMSGSIZE);
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB(big, n), 0, &a, &b), 0);
	assert_true(b.len == n && b.data[n - 1] == 77);
	free(big);
	rig_down(&r);
	assert_int_equal(cancelled, 1);
}

static void test_calls(void **state)
{
	run_both(body_calls);
}

static unsigned int ncalls;
static struct rig many;

static void caller(void *arg)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint64_t me = (uintptr_t)arg, in[20];
	struct blob b;

	arena_init(&a, 0);
	for (int i = 0; i < 20; i++) {
		in[i] = me * 1000 + (uint64_t)i;
		assert_int_equal(rpc_call(many.client, M_ECHO, BLOB(in, 8 * (size_t)(i + 1)), 0, &a, &b), 0);
		assert_true(blob_equal(b, BLOB(in, 8 * (size_t)(i + 1))));
		ncalls++;
	}
}

static void body_many(void)
{
	unsigned int n = UNDER_TSAN ? 100 : 1000;

	ncalls = 0;
	rig_up(&many);
	for (uintptr_t i = 0; i < n; i++)
		spawn(caller, (void *)i, NULL);
	while (ncalls < n * 20)
		task_sleep(MS);
	rig_down(&many);
}

static void test_many_in_flight(void **state)
{
	run_both(body_many);
}

static void body_order(void)
{
	struct rig r;

	rig_up(&r);
	assert_int_equal(rpc_send(r.client, M_NOTE, BLOB("12345678", 8)), -ENOTCONN);
	assert_int_equal(rpc_client_wait(r.client, in_ms(5000)), 0);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(rpc_send(r.client, M_NOTE, BLOB(&i, 8)), 0);
	for (int i = 0; i < 2000 && notes < 5000; i++)
		task_sleep(MS);
	assert_int_equal(notes, 5000);
	assert_int_equal(rpc_send(r.client, 999, BLOB("", 0)), 0); /* dropped, with a line in the log */
	/* And from the server's end. */
	assert_int_equal(rpc_conn_send(server_conn, M_ECHO, BLOB("", 0)), 0);
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB("", 0), 0, NULL, NULL), 0);
	rig_down(&r);
}

static void test_order(void **state)
{
	run_both(body_order);
}

static int late_result;

static void late_caller(void *arg)
{
	struct rig *r = arg;

	late_result = 1000;
	late_result = rpc_call(r->client, M_LATER, BLOB("q", 1), 0, NULL, NULL);
}

static void body_later(void)
{
	struct task *t;
	struct rig r;

	rig_up(&r);
	assert_int_equal(rpc_client_wait(r.client, 0), 0);
	/* Answered after the handler has returned. */
	spawn(late_caller, &r, &t);
	while (!kept)
		task_sleep(MS);
	assert_int_equal(late_result, 1000);
	rpc_reply(TAKE_PTR(kept), BLOB("", 0));
	task_sleep(20 * MS);
	assert_int_equal(late_result, 0);
	/* The caller is cancelled: the reply goes into nothing. */
	spawn(late_caller, &r, &t);
	while (!kept)
		task_sleep(MS);
	task_cancel(t);
	task_yield();
	task_yield();
	assert_int_equal(late_result, -ECANCELED);
	rpc_fail(TAKE_PTR(kept), 5);
	task_sleep(5 * MS);
	/* The connection breaks: the caller knows, the request has lost its connection, its answer is harmless. */
	spawn(late_caller, &r, &t);
	while (!kept)
		task_sleep(MS);
	rpc_conn_close(server_conn);
	for (int i = 0; i < 1000 && late_result == 1000; i++)
		task_sleep(MS);
	assert_int_equal(late_result, -ECONNRESET);
	assert_null(kept->conn);
	rpc_reply(TAKE_PTR(kept), BLOB("", 0));
	/* And it comes back by itself. */
	assert_int_equal(rpc_client_wait(r.client, in_ms(5000)), 0);
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB("", 0), 0, NULL, NULL), 0);
	assert_int_equal(ups, 2);
	rig_down(&r);
}

static void test_later(void **state)
{
	run_both(body_later);
}

/* --- links --- */

static void body_reconnect(void)
{
	struct rpc_listen_config l = listen_config();
	struct rig r;
	uint64_t t0;

	rig_up(&r);
	assert_int_equal(rpc_client_wait(r.client, in_ms(5000)), 0);
	rpc_server_free(r.server);
	for (int i = 0; i < 1000 && rpc_client_up(r.client); i++)
		task_sleep(MS);
	assert_false(rpc_client_up(r.client));
	t0 = in_ms(0);
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB("", 0), in_ms(1000), NULL, NULL), -ENOTCONN);
	assert_true(in_ms(0) - t0 < 500 * MS);
	assert_int_equal(rpc_client_wait(r.client, in_ms(20)), -ETIME);
	r.server = start_server(&l, &r.addr);
	assert_int_equal(rpc_client_wait(r.client, in_ms(5000)), 0);
	assert_int_equal(rpc_call(r.client, M_ECHO, BLOB("", 0), 0, NULL, NULL), 0);
	rig_down(&r);
}

static void test_reconnect(void **state)
{
	run_both(body_reconnect);
}

/* Frees a client while it connects to nobody, and while calls wait. */
static void body_free_early(void)
{
	struct rpc_client_config cfg = client_config();
	struct rig r;

	rig_up(&r);
	rpc_server_free(TAKE_PTR(r.server));
	rpc_client_free(r.client);
	r.client = start_client(&cfg, &r.addr);
	task_sleep(30 * MS);
	rpc_client_free(TAKE_PTR(r.client));
	rig_up(&r);
	spawn(late_caller, &r, NULL);
	while (!kept)
		task_sleep(MS);
	rpc_client_free(TAKE_PTR(r.client));
	task_yield();
	assert_int_equal(late_result, -ECONNRESET);
	rpc_reply(TAKE_PTR(kept), BLOB("", 0));
	rpc_server_free(r.server);
}

static void test_free_early(void **state)
{
	run_both(body_free_early);
}

/* --- keys --- */

static void body_wrong_key(void)
{
	struct rpc_client_config cfg = client_config();
	struct rpc_client *c;
	struct rig r;

	rig_up(&r);
	assert_int_equal(rpc_client_wait(r.client, in_ms(5000)), 0);
	cfg.key = other_key;
	c = start_client(&cfg, &r.addr);
	assert_int_equal(rpc_call(c, M_ECHO, BLOB("", 0), in_ms(2000), NULL, NULL), -ENOTCONN);
	assert_int_equal(rpc_client_wait(c, in_ms(60)), -ETIME);
	rpc_client_free(c);
	assert_int_equal(ups, 1);
	cfg = client_config();
	cfg.peer_node = 7; /* another node answers */
	c = start_client(&cfg, &r.addr);
	assert_int_equal(rpc_client_wait(c, in_ms(60)), -ETIME);
	rpc_client_free(c);
	rig_down(&r);
}

static char log_path[64];

static unsigned int log_count(const char *what)
{
	char line[1024];
	FILE *f = fopen(log_path, "r");
	unsigned int n = 0;

	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, what) != NULL;
	if (f)
		fclose(f);
	return n;
}

static void test_wrong_key(void **state)
{
	char target[80];

	snprintf(target, sizeof(target), "file:%s", log_path);
	assert_int_equal(log_open(target, "test", NULL, LOG_LEVEL_INFO), 0);
	over_tls = true;
	run_on_loop(body_wrong_key);
	log_close();
	/* Once at the client, at every attempt (up to five a second) at the server. */
	assert_int_equal(log_count("the peer has another cluster key than this node"), 1);
	assert_true(log_count("refused a peer that has another cluster key") >= 1);
	assert_int_equal(log_count("another node answers at this address"), 1);
	unlink(log_path);
}

/* --- newcomers that misbehave --- */

static int raw_connect(const struct net_addr *addr)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (over_tls) {
		assert_int_equal(net_stream_socket(addr, &fd), 0);
		assert_int_equal(io_connect(fd, &addr->sa, addr->len, 0), 0);
		return fd;
	}
	strcpy(un.sun_path, sock_path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(io_connect(fd, (struct sockaddr *)&un, sizeof(un), 0), 0);
	return fd;
}

static void expect_closed(int fd, uint64_t ms)
{
	char buf[512];
	int r;

	do {
		r = io_recv(fd, buf, sizeof(buf), 0, in_ms(ms));
	} while (r > 0);
	assert_true(r == 0 || r == -ECONNRESET);
	close(fd);
}

static void body_newcomers(void)
{
	struct rpc_listen_config l = listen_config();
	struct net_addr addr = { .len = 0 };
	uint8_t junk[4096];
	struct rpc_server *s;
	int fd[3];

	ups = downs = 0;
	l.handshake_ms = 100;
	l.max_handshakes = 2;
	s = start_server(&l, &addr);
	/* Silent ones are timed out, one too many is closed at once. */
	for (int i = 0; i < 3; i++)
		fd[i] = raw_connect(&addr);
	expect_closed(fd[2], 50);
	expect_closed(fd[0], 1000);
	expect_closed(fd[1], 1000);
	/* Rubbish. */
	memset(junk, 0x80, sizeof(junk));
	fd[0] = raw_connect(&addr);
	assert_true(write(fd[0], junk, sizeof(junk)) > 0);
	expect_closed(fd[0], 1000);
	memset(junk, 0, sizeof(junk));
	fd[0] = raw_connect(&addr);
	assert_true(write(fd[0], junk, 100) > 0);
	expect_closed(fd[0], 1000);
	/* Gone in the middle of it. */
	fd[0] = raw_connect(&addr);
	assert_true(write(fd[0], "\x16\x03\x01", 3) == 3);
	close(fd[0]);
	task_sleep(20 * MS);
	assert_int_equal(ups, 0);
	/* Still serving. */
	struct rpc_client_config cfg = client_config();
	struct rpc_client *c = start_client(&cfg, &addr);

	assert_int_equal(rpc_client_wait(c, in_ms(5000)), 0);
	/* Freed while somebody shakes hands. */
	fd[0] = raw_connect(&addr);
	task_sleep(10 * MS);
	rpc_server_free(s);
	expect_closed(fd[0], 1000);
	rpc_client_free(c);
}

static void test_newcomers(void **state)
{
	run_both(body_newcomers);
}

/* On a unix socket the test speaks the bytes itself. */
static void body_versions(void)
{
	struct rpc_listen_config l = listen_config();
	struct net_addr addr = { .len = 0 };
	struct rpc_server *s = start_server(&l, &addr);
	struct rpc_hello hello;
	struct rpc_frame f;
	struct blob text;
	uint8_t buf[512];
	uint32_t version;
	size_t size;
	struct wr w;
	int fd, n, code;

	for (uint32_t v = rpc_version_min(); v <= rpc_version_max() + 1; v++) {
		hello = (struct rpc_hello){ .version = v, .node_id = 9, .name = "nine" };
		fd = raw_connect(&addr);
		w = wr_fixed(buf, sizeof(buf));
		rpc_hello_write(&w, &hello);
		assert_int_equal(write(fd, buf, w.len), w.len);
		n = io_recv(fd, buf, sizeof(buf), 0, in_ms(1000));
		assert_true(n > 0);
		assert_int_equal(rpc_frame_parse(buf, (size_t)n, RPC_HELLO_FRAME_MAX, &f, &size), 0);
		if (v <= rpc_version_max()) {
			assert_int_equal(f.kind, RPC_HELLO);
			assert_int_equal(rpc_hello_parse(f.payload, &hello, &version), 0);
			assert_true(strcmp(hello.name, "one") == 0 && hello.version == v);
			/* A frame of unknown kind ends the connection. */
			rpc_frame_head(buf, (enum rpc_kind)66, 0, 0, 0);
			assert_int_equal(write(fd, buf, RPC_HEAD), RPC_HEAD);
		} else {
			assert_int_equal(f.kind, RPC_ERROR);
			assert_int_equal(rpc_error_parse(f.payload, &code, &text), 0);
			assert_int_equal(code, EPROTONOSUPPORT);
			assert_true(text.len > 10);
		}
		expect_closed(fd, 1000);
	}
	rpc_server_free(s);
}

static void test_versions(void **state)
{
	over_tls = false;
	run_on_loop(body_versions);
}

/* --- a server on several loops --- */

#define NLOOPS 3

static void *loop_thread(void *arg)
{
	assert(loop_run(arg) == 0);
	return NULL;
}

static void body_loops(void)
{
	const struct loop_config lc = { .name = "worker" };
	struct rpc_listen_config l = listen_config();
	struct net_addr addr = { .len = 0 };
	struct loop *loops[NLOOPS];
	struct rpc_client *c[NLOOPS + 1];
	pthread_t th[NLOOPS];
	struct rpc_server *s;

	loops[0] = loop_current();
	for (int i = 1; i < NLOOPS; i++) {
		assert_int_equal(loop_new(&lc, &loops[i]), 0);
		pthread_create(&th[i], NULL, loop_thread, loops[i]);
	}
	l.ops.up = NULL;
	l.ops.down = NULL;
	l.loops = loops;
	l.nloops = NLOOPS;
	s = start_server(&l, &addr);
	for (uint32_t i = 0; i <= NLOOPS; i++) {
		struct rpc_client_config cfg = client_config();

		cfg.self.to_worker = i;
		c[i] = start_client(&cfg, &addr);
	}
	for (uint32_t i = 0; i < NLOOPS; i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct loop *where;
		struct blob b;

		arena_init(&a, 0);
		assert_int_equal(rpc_call(c[i], M_WHERE, BLOB("", 0), in_ms(5000), &a, &b), 0);
		memcpy(&where, b.data, sizeof(where));
		assert_ptr_equal(where, loops[i]);
		assert_int_equal(rpc_conn_peer(rpc_client_conn(c[i]))->worker, i);
	}
	assert_int_equal(rpc_client_wait(c[NLOOPS], in_ms(50)), -ETIME); /* no such worker */
	rpc_server_free(s);
	for (int i = 0; i <= NLOOPS; i++)
		rpc_client_free(c[i]);
	for (int i = 1; i < NLOOPS; i++) {
		loop_stop(loops[i]);
		pthread_join(th[i], NULL);
		loop_free(loops[i]);
	}
}

static void test_loops(void **state)
{
	run_both(body_loops);
}

static int setup(void **state)
{
	const char *a = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", *b = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

	if (!mkdtemp(dir))
		return -1;
	snprintf(sock_path, sizeof(sock_path), "%s/sock", dir);
	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	log_set_level(getenv("HF_TEST_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERR);
	return rpc_key_new(BLOB(a, 32), &key) || rpc_key_new(BLOB(b, 32), &other_key);
}

static int teardown(void **state)
{
	rpc_key_free(key);
	rpc_key_free(other_key);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_many_in_flight),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_reconnect),
		cmocka_unit_test(test_free_early),
		cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_newcomers),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_loops),
	};

	return cmocka_run_group_tests_name("rpc", tests, setup, teardown);
}
