/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connection (MS-SMB2 3.3.1.7): one TCP connection of a client on its home worker. A reader task
 * takes frames from the socket, each frame (one message or a compound chain) is handled by a task
 * of its own, and a sender task writes finished responses in the order in which they were queued.
 */
#ifndef HF_SMBD_PROTO_CONN_H
#define HF_SMBD_PROTO_CONN_H

#include "node/base/guid.h"
#include "node/base/limit.h"
#include "node/crypto/preauth.h"
#include "node/crypto/smb_seal.h"
#include "node/crypto/smb_sign.h"
#include "node/net/addr.h"
#include "smbd/proto/credit.h"
#include "smbd/proto/session.h"

struct admission;
struct smb_req;

/* "192.0.2.7:50122" or "[2001:db8::7]:50122" */
#define CONN_NAME_SIZE NET_ADDR_STR

struct conn {
	struct list link; /* worker->conns */
	unsigned int refs;
	struct worker *worker;
	int fd;
	bool dead; /* no more input; queued output is dropped */
	char name[CONN_NAME_SIZE]; /* the client's address and port, for the log */
	struct net_addr local; /* the address that the client reached us at */
	struct admission *admission; /* what it counts as; NULL: not counted (tests) */
	bool authenticated; /* it has had a valid session */
	struct timer auth_timer;

	/* negotiated */
	uint16_t dialect; /* 0: nothing yet; SMB2_DIALECT_* */
	struct guid client_guid;
	uint16_t client_security_mode;
	uint32_t client_capabilities, capabilities; /* the client's, and what we answered */
	uint16_t client_dialect_count; /* for VALIDATE_NEGOTIATE */
	uint16_t *client_dialects; /* malloc */
	uint32_t max_transact, max_read, max_write;
	bool multi_credit;
	bool sign_required; /* the client's NEGOTIATE or ours asks for it */
	bool encryption; /* a cipher was agreed (3.1.1), or the dialect has one (3.0, 3.0.2) */
	enum sign_alg sign_alg;
	enum seal_alg cipher;
	bool preauth_integrity; /* 3.1.1 */
	struct preauth preauth;

	struct credit_window credits;
	struct list channels; /* channel.in_conn */
	unsigned int n_channels;
	struct list reqs; /* smb_req.in_conn: all that are being handled */
	struct list chains; /* frames being handled */
	unsigned int n_chains;
	uint64_t next_chain;
	unsigned int n_pending; /* requests that went asynchronous */
	uint64_t next_async_id;

	/* input */
	struct task *reader;
	size_t in_flight_bytes; /* frames being handled */
	struct gate in_room; /* open: another frame may be read */

	/* output */
	struct list out; /* smb_out.link */
	struct list held; /* smb_out.link: notifications that let responses go first, in order */
	size_t out_bytes;
	unsigned int out_count;
	bool sending; /* a sender task runs, or was started */
	struct task *sender; /* NULL until it runs */
};

struct conn *conn_ref(struct conn *c);
void conn_unref(struct conn *c);

/* A socket on its way from the acceptor to its home worker. */
struct conn_handoff {
	int fd;
	struct admission *admission;
	uint8_t *first; /* malloc: the NEGOTIATE request that was read; NULL: none */
	size_t first_len;
	uint64_t first_message_id; /* where the window of message ids starts */
	uint16_t dialect; /* agreed already (SMB1 negotiate), or 0 */
};

/* Takes over everything in `h`: makes the connection and handles the first message. On the home
 * worker's thread; failure closes the socket. */
void conn_adopt(struct worker *w, struct conn_handoff *h);

/* Drops the connection: no further input, tasks are cancelled, sessions lose this channel. `why` is
 * a rule for the log
 * ("bad signature"). May be called at any time, also twice. */
void conn_drop(struct conn *c, const char *why);
/* Marks a request as cancelled, and wakes it when it waits in a place that can be left. */
void conn_cancel_req(struct smb_req *req);
/* A channel became valid or went away: starts or stops the time for authentication. */
void conn_channels_changed(struct conn *c);

#endif
