/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a connection to a share: NEGOTIATE, SESSION_SETUP (new, again, binding another channel),
 * TREE_CONNECT, LOGOFF. Each waits for its answer. 0: the server answered, `*ret_status` says what;
 * negative: a fault as in conn.h.
 */
#ifndef HF_TESTS_CLIENT_LOGIN_H
#define HF_TESTS_CLIENT_LOGIN_H

#include "smbd/wire/tree_connect.h"
#include "tests/client/msg.h"

struct login {
	const char *user, *domain, *password; /* domain may be NULL; an empty user is anonymous */
	uint64_t previous_session; /* 0: none */
	bool raw; /* NTLMSSP without SPNEGO */
	bool sign, seal; /* what this client wants of every request */
	const struct msg_lies *lies; /* for every request of the exchange */
};

/* Negotiates what the connection's configuration offers, from SMB1 upwards when it says so. */
int login_negotiate(struct conn *c, struct ntstatus *ret_status);
/* What it offers, as a request; `salt` must live as long. */
void login_negotiate_request(const struct conn_config *cfg, const uint8_t salt[32],
			     struct smb2_negotiate_req *ret);
/* Sets up a new session; a reference in `*ret`, which is set when the status is OK. */
int login_session(struct conn *c, const struct login *l, struct sess **ret,
		  struct ntstatus *ret_status);
/* Authenticates an established session of this connection again. */
int login_again(struct conn *c, const struct login *l, struct sess *s, struct ntstatus *ret_status);
/* Makes this connection another channel of a session. */
int login_bind(struct conn *c, const struct login *l, struct sess *s, struct ntstatus *ret_status);
int login_logoff(struct conn *c, struct sess *s, struct ntstatus *ret_status);

/* Connects to `share`, a name or a whole \\server\share. */
int login_tree(struct conn *c, struct sess *s, const char *share, uint32_t *ret_tree_id,
	       struct smb2_tree_connect_resp *ret_resp, struct ntstatus *ret_status);
int login_tree_disconnect(struct conn *c, struct sess *s, uint32_t tree_id,
			  struct ntstatus *ret_status);
/* FSCTL_VALIDATE_NEGOTIATE_INFO (MS-SMB2 3.2.5.5). -EPROTO when the server says something else than
 * before. */
int login_validate(struct conn *c, struct sess *s, uint32_t tree_id, struct ntstatus *ret_status);

#endif
