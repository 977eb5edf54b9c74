/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Short forms of what a test's client does against the fixture; failures end the test. */
#ifndef HF_TESTS_UNIT_SMBD_PROTO_PEER_H
#define HF_TESTS_UNIT_SMBD_PROTO_PEER_H

#include "tests/unit/test.h"

#include "tests/client/login.h"
#include "tests/unit/smbd-proto/fixture.h"

/* A client's connection with a session; fields of `cfg` and `login` may be changed before
 * peer_open(). */
struct peer {
	struct conn_config cfg;
	struct login login;
	struct conn *c;
	struct sess *s;
	uint32_t tree;
};

static inline void peer_init(struct peer *p)
{
	*p = (struct peer){ .login = { .user = FIXTURE_USER, .password = FIXTURE_PASSWORD } };
	conn_config_init(&p->cfg);
	p->cfg.timeout_ns = 5 * UINT64_C(1000000000);
}

/* Connects and negotiates. */
static inline struct ntstatus peer_open(struct peer *p, const struct fixture *f)
{
	struct ntstatus st = NT_STATUS_UNSUCCESSFUL;
	struct net_addr addr;

	assert_int_equal(net_addr_parse("127.0.0.1", f->port, &addr), 0);
	assert_int_equal(conn_open(&addr, &p->cfg, &p->c), 0);
	if (login_negotiate(p->c, &st) < 0)
		fail_msg("%s", conn_error(p->c));
	return st;
}

static inline struct ntstatus peer_login(struct peer *p)
{
	struct ntstatus st = NT_STATUS_UNSUCCESSFUL;

	if (login_session(p->c, &p->login, &p->s, &st) < 0)
		fail_msg("%s", conn_error(p->c));
	return st;
}

static inline struct ntstatus peer_tree(struct peer *p, const char *share)
{
	struct ntstatus st = NT_STATUS_UNSUCCESSFUL;
	struct smb2_tree_connect_resp resp;

	if (login_tree(p->c, p->s, share, &p->tree, &resp, &st) < 0)
		fail_msg("%s", conn_error(p->c));
	return st;
}

/* All of it. */
static inline void peer_start(struct peer *p, const struct fixture *f, const char *share)
{
	assert_true(ntstatus_is_ok(peer_open(p, f)));
	assert_true(ntstatus_is_ok(peer_login(p)));
	if (share)
		assert_true(ntstatus_is_ok(peer_tree(p, share)));
}

static inline void peer_end(struct peer *p)
{
	sess_unref(p->s);
	conn_free(p->c);
	p->s = NULL;
	p->c = NULL;
}

/* One request without a body of its own; its status, or UNSUCCESSFUL when the connection was closed
 * instead. */
struct ntstatus peer_ask(struct peer *p, uint16_t command, uint32_t tree,
			 const struct msg_lies *lies);
/* The session still answers. */
#define assert_alive(p) assert_true(ntstatus_is_ok(peer_ask((p), SMB2_ECHO, 0, NULL)))
#define assert_status(st, name) assert_int_equal((st).v, NTSTATUS_##name)

#endif
