/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Waiting requests, and what ends them: interim responses, CANCEL, CLOSE, TREE_DISCONNECT, LOGOFF,
 * a lost connection (MS-SMB2 3.3.4.2, 3.3.5.16). Commands of the table are replaced by ones that
 * wait, that open something, and that have their client told of breaks meanwhile.
 */
#include "tests/unit/smbd-proto/peer.h"

#include <stdatomic.h>

#include "smbd/op/ops.h"
#include "smbd/proto/open.h"
#include "smbd/wire/close.h"
#include "smbd/wire/empty.h"

/* Of smbd/proto/req.h, which has another struct conn than the client's library: see waiting.c. */
extern const struct smb_op waiting_op, opening_op, closing_op, breaking_op;
extern _Atomic int waiting_now, waiting_cancelled, opens_ended, last_end;
extern _Atomic bool breaking_pends;

static struct smb_op_table table;
static struct fixture fixture;

/* WAIT is CHANGE_NOTIFY's code, with an empty body; it waits until it is cancelled. */
#define WAIT SMB2_CHANGE_NOTIFY
/* Like WAIT, and uses the FileId FF..FF of its chain. */
#define WAIT_OPEN SMB2_FLUSH
/* A change which breaks what its own client caches. */
#define BREAK SMB2_SET_INFO

static void wait_for(_Atomic int *v, int want)
{
	for (int i = 0; i < 5000 && atomic_load(v) != want; i++)
		usleep(1000);
	assert_int_equal(atomic_load(v), want);
}

static void send_one(struct peer *p, uint16_t command, uint32_t tree, struct call *call)
{
	struct msg_head h = { .command = command, .sess = p->s, .tree_id = tree };
	struct msg m;

	*call = (struct call){ .command = 0 };
	msg_begin(&m, p->c);
	msg_add(&m, call, &h);
	smb2_empty_encode(&m.w);
	assert_int_equal(msg_send(&m), 0);
}

static struct ntstatus finish(struct peer *p, struct call *call)
{
	struct ntstatus st;

	if (conn_wait(p->c, call, false, conn_deadline(p->c)) < 0)
		fail_msg("%s", conn_error(p->c));
	st = call->hdr.status;
	call_done(call);
	return st;
}

static void start_peer(struct peer *p, bool seal)
{
	atomic_store(&waiting_cancelled, 0);
	peer_init(p);
	p->login.seal = seal;
	peer_start(p, &fixture, "data");
}

static void test_interim_and_cancel(void **state)
{
	struct call call;
	struct peer p;

	for (int seal = 0; seal < 2; seal++) {
		start_peer(&p, seal);
		send_one(&p, WAIT, p.tree, &call);
		assert_int_equal(conn_wait(p.c, &call, true, conn_deadline(p.c)), 0);
		assert_int_equal(call.state, CALL_PENDING);
		assert_true(call.async_id != 0);
		assert_alive(&p); /* others are served meanwhile */
		assert_int_equal(msg_cancel(p.c, &call), 0);
		assert_status(finish(&p, &call), CANCELLED);
		assert_int_equal(call.interims, 1);
		assert_alive(&p);
		peer_end(&p);
		wait_for(&waiting_now, 0);
	}
}

/* CANCEL on the heels of its request: no interim response, or one; never a loss. */
static void test_cancel_at_once(void **state)
{
	struct call call;
	struct peer p;

	start_peer(&p, false);
	for (int i = 0; i < 200; i++) {
		send_one(&p, WAIT, p.tree, &call);
		assert_int_equal(msg_cancel(p.c, &call), 0);
		assert_status(finish(&p, &call), CANCELLED);
	}
	assert_int_equal(waiting_now, 0);
	peer_end(&p);
}

static void test_end_of_tree(void **state)
{
	struct ntstatus st;
	struct call call;
	struct peer p;

	start_peer(&p, false);
	send_one(&p, WAIT, p.tree, &call);
	wait_for(&waiting_now, 1);
	assert_int_equal(login_tree_disconnect(p.c, p.s, p.tree, &st), 0);
	assert_status(st, OK);
	assert_status(finish(&p, &call), CANCELLED);
	assert_status(peer_tree(&p, "data"), OK);
	send_one(&p, WAIT, p.tree, &call);
	wait_for(&waiting_now, 1);
	assert_int_equal(login_logoff(p.c, p.s, &st), 0);
	assert_status(st, OK);
	assert_status(finish(&p, &call), CANCELLED);
	peer_end(&p);
}

static void assert_breaks(struct peer *p, unsigned int n)
{
	while (p->c->n_broken < n)
		assert_int_equal(conn_receive(p->c, conn_deadline(p->c)), 0);
	assert_int_equal(p->c->n_broken, n);
	assert_int_equal(p->c->broken[n - 1].lease_notify.new_epoch, n == 1 ? 2 : 1);
}

/* What waits for responses comes right behind them. */
static void test_break_behind(void **state)
{
	struct call call;
	struct peer p;

	breaking_pends = false;
	for (int i = 0; i < 20; i++) {
		start_peer(&p, i % 2);
		send_one(&p, BREAK, p.tree, &call);
		assert_status(finish(&p, &call), OK);
		assert_breaks(&p, 1);
		assert_breaks(&p, 2);
		peer_end(&p);
	}
}

/* ... but never for one that takes its time. */
static void test_break_behind_interim(void **state)
{
	struct call call;
	struct peer p;

	breaking_pends = true;
	start_peer(&p, false);
	send_one(&p, BREAK, p.tree, &call);
	assert_int_equal(conn_wait(p.c, &call, true, conn_deadline(p.c)), 0);
	assert_breaks(&p, 1);
	assert_breaks(&p, 2);
	assert_int_equal(call.state, CALL_PENDING);
	assert_int_equal(msg_cancel(p.c, &call), 0);
	assert_status(finish(&p, &call), CANCELLED);
	peer_end(&p);
}

/* The share goes away under a waiting request. */
static void test_end_of_share(void **state)
{
	struct call call;
	struct peer p;

	start_peer(&p, false);
	assert_status(peer_tree(&p, "ca"), OK);
	send_one(&p, WAIT, p.tree, &call);
	wait_for(&waiting_now, 1);
	fixture.n_shares = 4;
	fixture_apply(&fixture);
	assert_status(finish(&p, &call), CANCELLED);
	fixture.n_shares = 5;
	fixture_apply(&fixture);
	peer_end(&p);
}

/* A new configuration that does not touch the share leaves the request alone. */
static void test_new_configuration(void **state)
{
	struct call call;
	struct peer p;

	start_peer(&p, false);
	send_one(&p, WAIT, p.tree, &call);
	wait_for(&waiting_now, 1);
	fixture_apply(&fixture);
	assert_int_equal(msg_cancel(p.c, &call), 0);
	assert_status(finish(&p, &call), CANCELLED);
	peer_end(&p);
}

static void test_lost_connection(void **state)
{
	struct call calls[20];
	struct peer p;

	for (int reset = 0; reset < 2; reset++) {
		start_peer(&p, false);
		for (int i = 0; i < 20; i++)
			send_one(&p, WAIT, p.tree, &calls[i]);
		wait_for(&waiting_now, 20);
		conn_close(p.c, reset);
		wait_for(&waiting_now, 0);
		for (int i = 0; i < 20; i++)
			call_done(&calls[i]);
		peer_end(&p);
	}
}

/* The session lives on by its other channel; what waited on the lost one is over. */
static void test_lost_channel(void **state)
{
	struct call call, other;
	struct ntstatus st;
	struct peer p, q;

	start_peer(&p, false);
	peer_init(&q);
	q.cfg.client_guid = p.cfg.client_guid;
	assert_true(ntstatus_is_ok(peer_open(&q, &fixture)));
	assert_int_equal(login_bind(q.c, &p.login, p.s, &st), 0);
	assert_status(st, OK);
	q.s = sess_ref(p.s);
	send_one(&p, WAIT, p.tree, &call);
	send_one(&q, WAIT, p.tree, &other);
	wait_for(&waiting_now, 2);
	conn_close(p.c, false);
	wait_for(&waiting_now, 1);
	assert_alive(&q);
	/* LOGOFF on one channel ends what waits on another */
	assert_int_equal(login_logoff(q.c, q.s, &st), 0);
	assert_status(st, OK);
	assert_status(finish(&q, &other), CANCELLED);
	call_done(&call);
	peer_end(&p);
	peer_end(&q);
}

static void test_too_many(void **state)
{
	struct call calls[8];
	struct peer p;
	int i;

	fixture.tunables.max_pending_per_connection = 4;
	fixture_apply(&fixture);
	start_peer(&p, false);
	for (i = 0; i < 4; i++)
		send_one(&p, WAIT, p.tree, &calls[i]);
	wait_for(&waiting_now, 4);
	send_one(&p, WAIT, p.tree, &calls[4]);
	assert_status(finish(&p, &calls[4]), INSUFFICIENT_RESOURCES);
	for (i = 0; i < 4; i++) {
		assert_int_equal(msg_cancel(p.c, &calls[i]), 0);
		assert_status(finish(&p, &calls[i]), CANCELLED);
	}
	peer_end(&p);
	tunables_init(&fixture.tunables);
	fixture_apply(&fixture);
}

/* What was finished before the waiting request of a compound is answered before it. */
static void test_compound(void **state)
{
	const uint16_t commands[] = { SMB2_ECHO, WAIT, SMB2_ECHO };
	struct call calls[3];
	struct msg m;
	struct peer p;

	for (int seal = 0; seal < 2; seal++) {
		start_peer(&p, seal);
		msg_begin(&m, p.c);
		for (int i = 0; i < 3; i++) {
			struct msg_head h = { .command = commands[i],
					      .sess = p.s,
					      .tree_id = p.tree };

			calls[i] = (struct call){ .command = 0 };
			msg_add(&m, &calls[i], &h);
			smb2_empty_encode(&m.w);
		}
		assert_int_equal(msg_send(&m), 0);
		assert_status(finish(&p, &calls[0]), OK);
		assert_int_equal(conn_wait(p.c, &calls[1], true, conn_deadline(p.c)), 0);
		assert_int_equal(calls[2].state, CALL_SENT);
		assert_int_equal(msg_cancel(p.c, &calls[1]), 0);
		assert_status(finish(&p, &calls[1]), CANCELLED);
		assert_status(finish(&p, &calls[2]), OK);
		peer_end(&p);
	}
}

static void add(struct msg *m, struct peer *p, struct call *call, uint16_t command, bool related)
{
	struct msg_head h = { .command = command,
			      .sess = p->s,
			      .tree_id = p->tree,
			      .flags = related ? SMB2_FLAGS_RELATED_OPERATIONS : 0 };
	struct smb2_close_req body = { .file_id = SMB2_FILEID_ANY };
	size_t hdr;

	*call = (struct call){ .command = 0 };
	hdr = msg_add(m, call, &h);
	if (command == SMB2_CREATE)
		smb2_empty_encode(&m->w);
	else
		smb2_close_req_encode(&m->w, hdr, &body);
}

/* Opens something and waits on it; CLOSE in the same chain, then on its own. */
static void test_open_in_chain(void **state)
{
	struct call calls[3];
	struct msg m;
	struct peer p;
	int before = atomic_load(&opens_ended);

	start_peer(&p, false);
	msg_begin(&m, p.c);
	add(&m, &p, &calls[0], SMB2_CREATE, false);
	add(&m, &p, &calls[1], SMB2_CLOSE, true);
	add(&m, &p, &calls[2], SMB2_CLOSE, true);
	assert_int_equal(msg_send(&m), 0);
	assert_status(finish(&p, &calls[0]), OK);
	assert_status(finish(&p, &calls[1]), OK);
	assert_status(finish(&p, &calls[2]), FILE_CLOSED);
	assert_int_equal(atomic_load(&opens_ended), before + 1);
	peer_end(&p);
}

/* What ends an open cancels who waits on it first, and tells why it ends. */
static void open_and_wait(struct peer *p, struct call calls[2])
{
	struct msg m;

	msg_begin(&m, p->c);
	add(&m, p, &calls[0], SMB2_CREATE, false);
	add(&m, p, &calls[1], WAIT_OPEN, true);
	assert_int_equal(msg_send(&m), 0);
	wait_for(&waiting_now, 1);
}

static void test_open_ends(void **state)
{
	struct call calls[2];
	struct ntstatus st;
	struct peer p;

	start_peer(&p, false);
	open_and_wait(&p, calls);
	assert_int_equal(login_tree_disconnect(p.c, p.s, p.tree, &st), 0);
	assert_status(finish(&p, &calls[0]), OK);
	assert_status(finish(&p, &calls[1]), CANCELLED);
	assert_int_equal(atomic_load(&last_end), OPEN_END_TREE);
	assert_status(peer_tree(&p, "data"), OK);
	open_and_wait(&p, calls);
	assert_int_equal(login_logoff(p.c, p.s, &st), 0);
	assert_status(finish(&p, &calls[0]), OK);
	assert_status(finish(&p, &calls[1]), CANCELLED);
	assert_int_equal(atomic_load(&last_end), OPEN_END_LOGOFF);
	sess_unref(p.s);
	assert_status(peer_login(&p), OK);
	assert_status(peer_tree(&p, "data"), OK);
	open_and_wait(&p, calls);
	atomic_store(&last_end, -1);
	conn_close(p.c, true);
	wait_for(&last_end, OPEN_END_DISCONNECT);
	call_done(&calls[0]);
	call_done(&calls[1]);
	peer_end(&p);
}

/* A failed CREATE fails what is related to it with its status. */
static void test_failed_create(void **state)
{
	struct call calls[2];
	struct msg m;
	struct peer p;

	fixture.tunables.max_opens_per_session = 16;
	fixture_apply(&fixture);
	start_peer(&p, false);
	for (int i = 0; i < 18; i++) {
		msg_begin(&m, p.c);
		add(&m, &p, &calls[0], SMB2_CREATE, false);
		assert_int_equal(msg_send(&m), 0);
		if (i < 16)
			assert_status(finish(&p, &calls[0]), OK);
		else
			assert_status(finish(&p, &calls[0]), INSUFFICIENT_RESOURCES);
	}
	msg_begin(&m, p.c);
	add(&m, &p, &calls[0], SMB2_CREATE, false);
	add(&m, &p, &calls[1], SMB2_CLOSE, true);
	assert_int_equal(msg_send(&m), 0);
	assert_status(finish(&p, &calls[0]), INSUFFICIENT_RESOURCES);
	assert_status(finish(&p, &calls[1]), INSUFFICIENT_RESOURCES);
	peer_end(&p);
	tunables_init(&fixture.tunables);
	fixture_apply(&fixture);
}

static void start(unsigned int workers)
{
	table = smb_ops;
	table.rows[WAIT] = (struct smb_op_row){ .name = "wait",
						.op = &waiting_op,
						.structure_size = 4,
						.flags = OP_SESSION | OP_TREE | OP_PEND };
	table.rows[WAIT_OPEN] =
		(struct smb_op_row){ .name = "wait_open",
				     .op = &waiting_op,
				     .structure_size = 24,
				     .fileid_off = 72,
				     .flags = OP_SESSION | OP_TREE | OP_OPEN | OP_PEND };
	table.rows[BREAK] = (struct smb_op_row){ .name = "break",
						 .op = &breaking_op,
						 .structure_size = 4,
						 .flags = OP_SESSION | OP_TREE | OP_PEND };
	table.rows[SMB2_CREATE] = (struct smb_op_row){ .name = "create",
						       .op = &opening_op,
						       .structure_size = 4,
						       .flags = OP_SESSION | OP_TREE };
	table.rows[SMB2_CLOSE] = (struct smb_op_row){ .name = "close",
						      .op = &closing_op,
						      .structure_size = 24,
						      .fileid_off = 72,
						      .flags = OP_SESSION | OP_TREE | OP_OPEN };
	fixture_start(&fixture, workers, 0);
	fixture.smbd.ops = &table;
	fixture_apply(&fixture); /* every worker has it */
}

static int stop(void **state)
{
	fixture_stop(&fixture);
	return waiting_now;
}

static void one_worker(void **state)
{
	start(1);
}

static void four_workers(void **state)
{
	assert_int_equal(stop(state), 0);
	start(4);
}

#define TESTS                                                                                     \
	cmocka_unit_test(test_interim_and_cancel), cmocka_unit_test(test_cancel_at_once),         \
		cmocka_unit_test(test_end_of_tree), cmocka_unit_test(test_end_of_share),          \
		cmocka_unit_test(test_new_configuration), cmocka_unit_test(test_lost_connection), \
		cmocka_unit_test(test_lost_channel), cmocka_unit_test(test_too_many),             \
		cmocka_unit_test(test_compound), cmocka_unit_test(test_open_in_chain),            \
		cmocka_unit_test(test_break_behind), cmocka_unit_test(test_break_behind_interim), \
		cmocka_unit_test(test_open_ends), cmocka_unit_test(test_failed_create)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker),
		TESTS,
		cmocka_unit_test(four_workers),
		TESTS,
	};

	return cmocka_run_group_tests_name("async", tests, NULL, stop);
}
