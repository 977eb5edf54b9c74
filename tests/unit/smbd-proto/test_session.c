/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections, sessions, channels and trees against a client that may lie (MS-SMB2 3.3.5.2
 * to 3.3.5.8). */
#include "node/base/clock.h"
#include "tests/unit/smbd-proto/peer.h"

#include <stdio.h>

#include "smbd/wire/empty.h"

static struct fixture fixture;

static void test_dialects(void **state)
{
	static const uint16_t dialects[] = { 0x0202, 0x0210, 0x0300, 0x0302, 0x0311 };

	for (size_t i = 0; i < ARRAY_SIZE(dialects); i++) {
		struct ntstatus st = NT_STATUS_UNSUCCESSFUL;
		struct peer p;

		peer_init(&p);
		p.cfg.dialects = &dialects[i];
		p.cfg.n_dialects = 1;
		peer_start(&p, &fixture, "data");
		assert_int_equal(p.c->dialect, dialects[i]);
		assert_int_equal(p.c->max_write, i == 0 ? 65536 : i == 1 ? 1 << 20 : 8 << 20);
		if (dialects[i] >= 0x0300 && dialects[i] < 0x0311) {
			assert_int_equal(login_validate(p.c, p.s, p.tree, &st), 0);
			assert_status(st, OK);
		}
		assert_alive(&p);
		assert_int_equal(login_tree_disconnect(p.c, p.s, p.tree, &st), 0);
		assert_status(st, OK);
		assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, NULL),
			      NETWORK_NAME_DELETED);
		assert_int_equal(login_logoff(p.c, p.s, &st), 0);
		assert_status(st, OK);
		peer_end(&p);
	}
}

static void test_smb1_start(void **state)
{
	struct peer p;

	peer_init(&p);
	p.cfg.smb1 = true;
	peer_start(&p, &fixture, "data");
	assert_int_equal(p.c->dialect, 0x0311);
	assert_alive(&p);
	peer_end(&p);
}

static void test_unknown_dialect(void **state)
{
	static const uint16_t odd[] = { 0x0333 };
	struct peer p;

	peer_init(&p);
	p.cfg.dialects = odd;
	p.cfg.n_dialects = 1;
	assert_status(peer_open(&p, &fixture), NOT_SUPPORTED);
	peer_end(&p);
}

static void test_algorithms(void **state)
{
	static const uint16_t signings[] = { 0, 1, 2 }, ciphers[] = { 1, 2, 3, 4 };

	for (size_t i = 0; i < ARRAY_SIZE(signings); i++) {
		struct peer p;

		peer_init(&p);
		p.login.sign = true;
		p.cfg.signing_algs = &signings[i];
		p.cfg.n_signing_algs = 1;
		peer_start(&p, &fixture, "data");
		assert_int_equal((int)p.c->sign_alg, signings[i]);
		assert_alive(&p);
		peer_end(&p);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ciphers); i++) {
		struct peer p;

		peer_init(&p);
		p.login.seal = true;
		p.cfg.ciphers = &ciphers[i];
		p.cfg.n_ciphers = 1;
		peer_start(&p, &fixture, "sealed");
		assert_int_equal(p.c->cipher, ciphers[i]);
		assert_alive(&p);
		peer_end(&p);
	}
}

static void test_signature(void **state)
{
	struct msg_lies none = { .no_sign = true }, wrong = { .bad_sign = true };
	struct peer p;

	peer_init(&p);
	p.login.sign = true;
	peer_start(&p, &fixture, "data");
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, &none), ACCESS_DENIED);
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, &wrong), ACCESS_DENIED);
	assert_status(peer_ask(&p, SMB2_LOGOFF, 0, &none), ACCESS_DENIED);
	assert_alive(&p);
	peer_end(&p);
}

static void test_encryption(void **state)
{
	struct msg_lies plain = { .plain = true }, wrong = { .bad_seal = true };
	struct peer p, q;

	/* an encrypted share is not served in the clear, whatever the session did before */
	peer_init(&p);
	p.login.sign = true;
	peer_start(&p, &fixture, "sealed");
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, NULL), ACCESS_DENIED);
	peer_end(&p);

	peer_init(&p);
	p.login.seal = true;
	peer_start(&p, &fixture, "sealed");
	/* refused in the clear, which this client does not take for an answer */
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, &plain), UNSUCCESSFUL);
	peer_end(&p);
	peer_init(&p);
	p.login.seal = true;
	peer_start(&p, &fixture, "sealed");
	peer_init(&q);
	peer_start(&q, &fixture, "data");
	assert_status(peer_ask(&p, SMB2_ECHO, 0, &wrong), UNSUCCESSFUL);
	assert_alive(&q); /* the connection of the wrong bytes ends, no other */
	peer_end(&p);
	peer_end(&q);
}

static void test_encryption_required(void **state)
{
	static const uint16_t old[] = { 0x0210 };
	struct peer p;

	fixture.tunables.encryption_required = true;
	fixture_apply(&fixture);
	peer_init(&p);
	p.login.seal = true;
	peer_start(&p, &fixture, "data");
	assert_true(p.s->flags & SMB2_SESSION_FLAG_ENCRYPT_DATA);
	assert_alive(&p);
	peer_end(&p);
	peer_init(&p);
	p.cfg.dialects = old;
	p.cfg.n_dialects = 1;
	assert_true(ntstatus_is_ok(peer_open(&p, &fixture)));
	assert_status(peer_login(&p), ACCESS_DENIED);
	peer_end(&p);
	fixture.tunables.encryption_required = false;
	fixture_apply(&fixture);
}

static void test_passwords(void **state)
{
	struct peer p;

	peer_init(&p);
	assert_true(ntstatus_is_ok(peer_open(&p, &fixture)));
	p.login.password = "wrong";
	assert_status(peer_login(&p), LOGON_FAILURE);
	p.login.user = "nobody-of-this-name";
	assert_status(peer_login(&p), LOGON_FAILURE);
	p.login.user = "";
	assert_status(peer_login(&p), LOGON_FAILURE);
	p.login.user = "ALICE";
	p.login.password = FIXTURE_PASSWORD;
	p.login.domain = "ELSEWHERE";
	assert_status(peer_login(&p), OK);
	assert_status(peer_tree(&p, "alices"), OK);
	assert_status(peer_tree(&p, "ALICES"), OK);
	assert_status(peer_tree(&p, "\\\\x\\alices\\y"), BAD_NETWORK_NAME);
	assert_status(peer_tree(&p, "\\\\x"), BAD_NETWORK_NAME);
	peer_end(&p);
	peer_init(&p);
	p.login.user = FIXTURE_USER2;
	p.login.password = FIXTURE_PASSWORD2;
	peer_start(&p, &fixture, NULL);
	assert_status(peer_tree(&p, "alices"), ACCESS_DENIED);
	assert_status(peer_tree(&p, "ro"), OK);
	peer_end(&p);
}

static void test_reauthentication(void **state)
{
	struct login other = { .user = FIXTURE_USER2, .password = FIXTURE_PASSWORD2 };
	struct login wrong = { .user = FIXTURE_USER, .password = "wrong" };
	struct ntstatus st;
	struct peer p;

	peer_init(&p);
	p.login.sign = other.sign = wrong.sign = true;
	peer_start(&p, &fixture, "data");
	assert_int_equal(login_again(p.c, &p.login, p.s, &st), 0);
	assert_status(st, OK);
	assert_alive(&p);
	assert_int_equal(login_again(p.c, &other, p.s, &st), 0);
	assert_status(st, ACCESS_DENIED);
	assert_alive(&p);
	assert_int_equal(login_again(p.c, &wrong, p.s, &st), 0);
	assert_status(st, LOGON_FAILURE);
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, NULL), USER_SESSION_DELETED);
	peer_end(&p);
}

/* A channel is bound and lost; a failed binding harms neither the session nor its channels. */
static void test_binding(void **state)
{
	struct login other = { .user = FIXTURE_USER2, .password = FIXTURE_PASSWORD2 };
	struct login wrong = { .user = FIXTURE_USER, .password = "wrong" };
	struct ntstatus st;
	struct peer p, q;

	peer_init(&p);
	peer_start(&p, &fixture, "data");
	peer_init(&q);
	q.cfg.client_guid = p.cfg.client_guid;
	assert_true(ntstatus_is_ok(peer_open(&q, &fixture)));
	assert_int_equal(login_bind(q.c, &wrong, p.s, &st), 0);
	assert_status(st, LOGON_FAILURE);
	assert_alive(&p);
	assert_int_equal(login_bind(q.c, &other, p.s, &st), 0);
	assert_status(st, ACCESS_DENIED);
	assert_alive(&p);
	assert_int_equal(login_bind(q.c, &p.login, p.s, &st), 0);
	assert_status(st, OK);
	q.s = sess_ref(p.s);
	assert_alive(&q);
	assert_int_equal(login_bind(q.c, &p.login, p.s, &st), 0);
	assert_status(st, REQUEST_NOT_ACCEPTED);
	assert_alive(&q);
	/* the tree is the session's, not the channel's; the first connection's loss ends nothing */
	conn_close(p.c, true);
	assert_status(peer_ask(&q, SMB2_TREE_DISCONNECT, p.tree, NULL), OK);
	assert_int_equal(login_logoff(q.c, q.s, &st), 0);
	assert_status(st, OK);
	peer_end(&p);
	peer_end(&q);
}

static void test_binding_refused(void **state)
{
	static const uint16_t d311[] = { 0x0311 }, d302[] = { 0x0302 }, d210[] = { 0x0210 };
	struct ntstatus st;
	struct peer p, q;

	peer_init(&p);
	p.cfg.dialects = d311;
	p.cfg.n_dialects = 1;
	peer_start(&p, &fixture, NULL);

	peer_init(&q); /* another client */
	assert_true(ntstatus_is_ok(peer_open(&q, &fixture)));
	assert_int_equal(login_bind(q.c, &p.login, p.s, &st), 0);
	assert_status(st, USER_SESSION_DELETED);
	peer_end(&q);

	peer_init(&q); /* another dialect */
	q.cfg.client_guid = p.cfg.client_guid;
	q.cfg.dialects = d302;
	q.cfg.n_dialects = 1;
	assert_true(ntstatus_is_ok(peer_open(&q, &fixture)));
	assert_int_equal(login_bind(q.c, &p.login, p.s, &st), 0);
	assert_status(st, REQUEST_OUT_OF_SEQUENCE); /* AES-GMAC goes with nothing else */
	peer_end(&q);

	peer_init(&q); /* a dialect without channels */
	q.cfg.client_guid = p.cfg.client_guid;
	q.cfg.dialects = d210;
	q.cfg.n_dialects = 1;
	assert_true(ntstatus_is_ok(peer_open(&q, &fixture)));
	assert_int_equal(login_bind(q.c, &p.login, p.s, &st), 0);
	assert_status(st,
		      REQUEST_OUT_OF_SEQUENCE); /* REQUEST_NOT_ACCEPTED, were it not for AES-GMAC */
	peer_end(&q);
	assert_alive(&p);
	peer_end(&p);
}

static void test_previous_session(void **state)
{
	struct peer p, q, r;

	peer_init(&p);
	peer_start(&p, &fixture, "data");
	/* not another user's */
	peer_init(&q);
	q.login.user = FIXTURE_USER2;
	q.login.password = FIXTURE_PASSWORD2;
	q.login.previous_session = p.s->id;
	peer_start(&q, &fixture, NULL);
	assert_alive(&p);
	/* the user's own, whatever worker it lives on */
	peer_init(&r);
	r.login.previous_session = p.s->id;
	peer_start(&r, &fixture, NULL);
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, NULL), USER_SESSION_DELETED);
	assert_alive(&r);
	peer_end(&p);
	peer_end(&q);
	peer_end(&r);
}

static void test_logoff(void **state)
{
	struct ntstatus st;
	struct peer p;

	peer_init(&p);
	peer_start(&p, &fixture, "data");
	assert_int_equal(login_logoff(p.c, p.s, &st), 0);
	assert_status(st, OK);
	assert_status(peer_ask(&p, SMB2_LOGOFF, 0, NULL), USER_SESSION_DELETED);
	sess_unref(p.s);
	p.s = NULL;
	peer_login(&p); /* the connection serves a new session */
	assert_status(peer_tree(&p, "data"), OK);
	peer_end(&p);
}

/* Two requests in one message; the second is related to the first. */
static void ask_two(struct peer *p, uint16_t one, uint16_t two, uint32_t tree,
		    struct ntstatus ret[2])
{
	struct msg_head h = { .command = one, .sess = p->s, .tree_id = tree };
	struct call calls[2] = { { .command = 0 }, { .command = 0 } };
	struct msg m;

	msg_begin(&m, p->c);
	msg_add(&m, &calls[0], &h);
	smb2_empty_encode(&m.w);
	h.command = two;
	h.flags = SMB2_FLAGS_RELATED_OPERATIONS;
	msg_add(&m, &calls[1], &h);
	smb2_empty_encode(&m.w);
	assert_int_equal(msg_send(&m), 0);
	for (int i = 0; i < 2; i++) {
		if (conn_wait(p->c, &calls[i], false, conn_deadline(p->c)) < 0)
			fail_msg("%s", conn_error(p->c));
		ret[i] = calls[i].hdr.status;
		call_done(&calls[i]);
	}
}

/* What the first request of a chain ended is not used by the second (CVE-2026-23428 and its kind).
 */
static void test_chain_after_end(void **state)
{
	struct ntstatus st[2];
	struct peer p;

	peer_init(&p);
	peer_start(&p, &fixture, "data");
	ask_two(&p, SMB2_TREE_DISCONNECT, SMB2_TREE_DISCONNECT, p.tree, st);
	assert_status(st[0], OK);
	assert_status(st[1], NETWORK_NAME_DELETED);
	assert_status(peer_tree(&p, "data"), OK);
	ask_two(&p, SMB2_LOGOFF, SMB2_TREE_DISCONNECT, p.tree, st);
	assert_status(st[0], OK);
	assert_status(st[1], USER_SESSION_DELETED);
	peer_end(&p);
}

static void assert_closed(struct peer *p)
{
	assert_int_equal(conn_wait_close(p->c, conn_deadline(p->c)), 0);
	peer_end(p);
}

static void test_message_ids(void **state)
{
	struct msg_lies again = { .has_mid = true, .mid = 1 },
			far = { .has_mid = true, .mid = 1000000 };
	struct peer p;

	peer_init(&p);
	peer_start(&p, &fixture, NULL);
	assert_status(peer_ask(&p, SMB2_ECHO, 0, &again), UNSUCCESSFUL);
	assert_closed(&p);
	peer_init(&p);
	peer_start(&p, &fixture, NULL);
	assert_status(peer_ask(&p, SMB2_ECHO, 0, &far), UNSUCCESSFUL);
	assert_closed(&p);
}

static void test_lies_about_lengths(void **state)
{
	static const struct msg_lies lies[] = {
		{ .v = { { 4, 2, 63 } }, .n = 1 }, /* StructureSize of the header */
		{ .v = { { 20, 4, 8 } }, .n = 1 }, /* NextCommand inside of the header */
		{ .v = { { 20, 4, 0x1000 } }, .n = 1 }, /* ... behind the end */
		{ .v = { { 20, 4, 65 } }, .n = 1 }, /* ... not aligned */
		{ .v = { { 16, 4, 1 } }, .n = 1 }, /* a response */
		{ .v = { { 0, 4, 0x424d53fc } }, .n = 1 }, /* compressed, which was not agreed */
		{ .has_frame = true, .frame = 0xffffff },
		{ .has_frame = true, .frame = 10 },
		{ .cut = 40 },
	};
	struct peer p;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		peer_init(&p);
		peer_start(&p, &fixture, NULL);
		assert_status(peer_ask(&p, SMB2_ECHO, 0, &lies[i]), UNSUCCESSFUL);
		assert_closed(&p);
	}
}

static void test_wrong_sizes(void **state)
{
	static const struct msg_lies size = { .v = { { 64, 2, 6 } }, .n = 1 },
				     command = { .v = { { 12, 2, 99 } }, .n = 1 };
	struct peer p;

	peer_init(&p);
	peer_start(&p, &fixture, "data");
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, &size), INVALID_PARAMETER);
	assert_alive(&p);
	peer_end(&p);
	peer_init(&p);
	peer_start(&p, &fixture, "data");
	(void)peer_ask(&p, SMB2_ECHO, 0,
		       &command); /* the client library does not expect the echo of it */
	peer_end(&p);
}

static void test_garbage(void **state)
{
	static const uint8_t http[] =
		"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct peer p, q;
	struct net_addr addr;

	peer_init(&q);
	peer_start(&q, &fixture, NULL);
	assert_int_equal(net_addr_parse("127.0.0.1", fixture.port, &addr), 0);
	for (int i = 0; i < 2; i++) {
		peer_init(&p);
		assert_int_equal(conn_open(&addr, &p.cfg, &p.c), 0);
		assert_int_equal(msg_raw(p.c, BLOB(http, sizeof(http)), i, sizeof(http)), 0);
		assert_closed(&p);
	}
	assert_alive(&q);
	peer_end(&q);
}

/* The configuration changes under connected clients. */
static void test_share_deleted(void **state)
{
	struct peer p;

	peer_init(&p);
	peer_start(&p, &fixture, "ca");
	fixture.n_shares = 4;
	fixture_apply(&fixture);
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, NULL), NETWORK_NAME_DELETED);
	assert_status(peer_tree(&p, "ca"), BAD_NETWORK_NAME);
	assert_status(peer_tree(&p, "data"), OK);
	fixture.n_shares = 5;
	fixture_apply(&fixture);
	assert_status(peer_ask(&p, SMB2_TREE_DISCONNECT, p.tree, NULL), OK);
	assert_status(peer_tree(&p, "ca"), OK);
	peer_end(&p);
}

/* While the right to serve is stale nothing is answered; nothing is lost either. */
static void test_lease(void **state)
{
	struct msg_head h = { .command = SMB2_ECHO };
	struct call call = { .command = 0 };
	struct msg m;
	struct ntstatus st;
	struct net_addr addr;
	struct peer p, q;

	peer_init(&p);
	peer_start(&p, &fixture, NULL);
	smbd_set_lease(&fixture.smbd, 0);
	h.sess = p.s;
	msg_begin(&m, p.c);
	msg_add(&m, &call, &h);
	smb2_empty_encode(&m.w);
	assert_int_equal(msg_send(&m), 0);
	assert_int_equal(conn_wait(p.c, &call, false, conn_now() + 300000000), -ETIME);
	/* new clients are sent to other nodes */
	peer_init(&q);
	assert_int_equal(net_addr_parse("127.0.0.1", fixture.port, &addr), 0);
	assert_int_equal(conn_open(&addr, &q.cfg, &q.c), 0);
	assert_true(login_negotiate(q.c, &st) < 0);
	assert_closed(&q);
	smbd_set_lease(&fixture.smbd, UINT64_MAX);
	assert_int_equal(conn_wait(p.c, &call, false, conn_deadline(p.c)), 0);
	assert_status(call.hdr.status, OK);
	call_done(&call);
	peer_end(&p);
}

static void open_only(struct peer *p)
{
	struct net_addr addr;

	assert_int_equal(net_addr_parse("127.0.0.1", fixture.port, &addr), 0);
	peer_init(p);
	assert_int_equal(conn_open(&addr, &p->cfg, &p->c), 0);
}

/* Takes every place of this address, and waits until their time is over. */
static void times_out(void)
{
	struct peer p[4];
	struct ntstatus st;
	uint64_t since = conn_now();

	fixture.tunables.auth_timeout_ms = 1000;
	fixture_apply(&fixture);
	for (int i = 0; i < 4; i++)
		open_only(&p[i]);
	/* on a busy machine the time may be over before the answer is read */
	for (int i = 0; i < 4; i++)
		(void)login_negotiate(p[i].c, &st);
	for (int i = 0; i < 4; i++)
		assert_closed(&p[i]);
	assert_true(conn_now() - since >= 1000 * NSEC_PER_MSEC);
	fixture.tunables.auth_timeout_ms = 600000;
	fixture_apply(&fixture);
}

/* A client sees the end of its connection before its place is free: until then the next one is turned away. */
static void take_place(struct peer *p)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	struct ntstatus st;

	open_only(p);
	for (uint64_t until = conn_deadline(p->c); login_negotiate(p->c, &st) < 0;) {
		assert_true(conn_now() < until);
		peer_end(p);
		nanosleep(&pause, NULL);
		open_only(p);
	}
}

static void test_unauthenticated(void **state)
{
	struct peer p[8], q;
	int i;

	peer_init(&q);
	peer_start(&q, &fixture, NULL);
	fixture.tunables.unauthenticated_connections = 16; /* 4 for one address */
	times_out();
	/* all places are free again, and no more than these */
	for (i = 0; i < 4; i++)
		take_place(&p[i]);
	for (i = 4; i < 8; i++)
		open_only(&p[i]);
	for (i = 4; i < 8; i++)
		assert_closed(&p[i]);
	assert_alive(&q);
	for (i = 0; i < 4; i++) {
		assert_true(ntstatus_is_ok(peer_login(&p[i])));
		peer_end(&p[i]);
	}
	peer_end(&q);
	tunables_init(&fixture.tunables);
	fixture_apply(&fixture);
}

static void test_many_sessions(void **state)
{
	struct ntstatus st = NT_STATUS_OK;
	struct sess *s[70] = { NULL };
	struct peer p;
	int n;

	peer_init(&p);
	peer_start(&p, &fixture, NULL);
	for (n = 0; n < 70; n++) {
		assert_int_equal(login_session(p.c, &p.login, &s[n], &st), 0);
		if (!ntstatus_is_ok(st))
			break;
	}
	assert_int_equal(n, 63); /* max_sessions is 64 */
	assert_status(st, INSUFFICIENT_RESOURCES);
	assert_alive(&p);
	for (n = 0; n < 70; n++)
		sess_unref(s[n]);
	peer_end(&p);
}

static void start(unsigned int workers)
{
	fixture_start(&fixture, workers, 0);
}

static int stop(void **state)
{
	fixture_stop(&fixture);
	return 0;
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

#define TESTS                                                                                    \
	cmocka_unit_test(test_dialects), cmocka_unit_test(test_smb1_start),                      \
		cmocka_unit_test(test_unknown_dialect), cmocka_unit_test(test_algorithms),       \
		cmocka_unit_test(test_signature), cmocka_unit_test(test_encryption),             \
		cmocka_unit_test(test_encryption_required), cmocka_unit_test(test_passwords),    \
		cmocka_unit_test(test_reauthentication), cmocka_unit_test(test_binding),         \
		cmocka_unit_test(test_binding_refused), cmocka_unit_test(test_previous_session), \
		cmocka_unit_test(test_logoff), cmocka_unit_test(test_chain_after_end),           \
		cmocka_unit_test(test_message_ids), cmocka_unit_test(test_lies_about_lengths),   \
		cmocka_unit_test(test_wrong_sizes), cmocka_unit_test(test_garbage),              \
		cmocka_unit_test(test_share_deleted), cmocka_unit_test(test_lease),              \
		cmocka_unit_test(test_unauthenticated), cmocka_unit_test(test_many_sessions)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker),
		TESTS,
		cmocka_unit_test(four_workers),
		TESTS,
	};

	return cmocka_run_group_tests_name("session", tests, NULL, stop);
}
