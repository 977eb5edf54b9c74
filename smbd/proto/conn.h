/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connection (MS-SMB2 3.3.1.7): one TCP connection of a client on its home worker. A reader task takes frames from the
 * socket, each frame (one message or a compound chain) is handled by a task of its own, and a sender task writes
 * finished responses in the order in which they were queued.
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
struct server_conf;

/* "192.0.2.7:50122" or "[2001:db8::7]:50122" */
#define CONN_NAME_SIZE 64

struct conn {
	struct list link;       /* worker->conns */
	unsigned int refs;
	struct worker *worker;
	int fd;
	bool dead;              /* no more input; queued output is dropped */
	char name[CONN_NAME_SIZE]; /* the client's address and port, for the log */
	struct net_addr local; /* the address that the client reached us at */
	struct admission *admission; /* counts it as unauthenticated; NULL once a session is valid */
	struct timer auth_timer;

	/* negotiated */
	uint16_t dialect;       /* 0: nothing yet; SMB2_DIALECT_* */
	struct guid client_guid;
	uint16_t client_security_mode;
	uint32_t client_capabilities, capabilities; /* the client's, and what we answered */
	uint16_t client_dialect_count; /* for VALIDATE_NEGOTIATE */
	uint16_t *client_dialects; /* malloc */
	uint32_t max_transact, max_read, max_write;
	bool multi_credit;
	bool sign_required;     /* the client's NEGOTIATE or ours asks for it */
	bool encryption;        /* a cipher was agreed (3.1.1), or the dialect has one (3.0, 3.0.2) */
	enum sign_alg sign_alg;
	enum seal_alg cipher;
	bool preauth_integrity; /* 3.1.1 */
	struct preauth preauth;

	struct credit_window credits;
	struct list channels;   /* channel.in_conn */
	unsigned int n_channels;
	struct list reqs;       /* smb_req.in_conn: all that are being handled */
	struct list chains;     /* frames being handled */
	unsigned int n_pending; /* requests that went asynchronous */
	uint64_t next_async_id;

	/* input */
	struct task *reader;
	size_t in_flight_bytes; /* frames being handled */
	struct gate in_room;    /* open: another frame may be read */

	/* output */
	struct list out;        /* smb_out.link */
	size_t out_bytes;
	unsigned int out_count;
	bool sending;           /* a sender task runs */
};

struct conn *conn_ref(struct conn *c);
void conn_unref(struct conn *c);

/* Takes over a socket whose first message was read already: makes the connection and handles the message. Frees
 * `first` (malloc). Called on the home worker's thread. */
void conn_adopt(struct worker *w, int fd, struct admission *adm, uint8_t *first, size_t n, uint64_t first_message_id,
		uint16_t wildcard_dialect);

/* Drops the connection: no further input, tasks are cancelled, sessions lose this channel. `why` is a rule for the log
 * ("bad signature"). May be called at any time, also twice. */
void conn_drop(struct conn *c, const char *why);

#endif
