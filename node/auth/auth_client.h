/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client side of SESSION_SETUP's token exchange, SPNEGO carrying NTLMv2, for test clients and
 * benchmarks. One thread at a time. */
#ifndef HF_NODE_AUTH_AUTH_CLIENT_H
#define HF_NODE_AUTH_AUTH_CLIENT_H

#include "node/base/arena.h"
#include "node/base/util.h"

struct auth_client;

/* Starts an exchange; strings are UTF-8 and copied, the password only as its hash. `domain` may be
 * NULL or empty. -EILSEQ, -ENOMEM. */
int auth_client_new(const char *user, const char *domain, const char *password,
		    struct auth_client **ret_client);
/* Sends NTLMSSP without SPNEGO; before the first step. */
void auth_client_set_raw(struct auth_client *c, bool raw);
void auth_client_free(struct auth_client *c);
DEFINE_CLEANUP(struct auth_client, auth_client, auth_client_free)

/*
 * Feeds the server's token (empty at the first call; a NegTokenInit2 from NEGOTIATE may be given
 * and is ignored) and makes the next token in the arena. 1: send `*ret_out`, the exchange goes on.
 * 0: the server's last token was right and there is nothing to send. The third call, with the token
 * of the successful response, returns 0. -EBADMSG: malformed; -EACCES: the server's token refuses
 * or its mechListMIC is wrong.
 */
int auth_client_step(struct auth_client *c, struct blob in, struct arena *a, struct blob *ret_out);

/* The session key (16 bytes), from the second auth_client_step() on; lives as long as the client.
 */
struct blob auth_client_session_key(const struct auth_client *c);

#endif
