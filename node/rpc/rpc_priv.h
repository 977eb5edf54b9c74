/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of node/rpc share. Everything belongs to its loop's thread unless a comment says
 * otherwise. */
#ifndef HF_NODE_RPC_RPC_PRIV_H
#define HF_NODE_RPC_RPC_PRIV_H

#include "node/base/htable.h"
#include "node/base/list.h"
#include "node/rpc/frame.h"
#include "node/rpc/stream.h"

#define RPC_HANDSHAKE_MS 5000u
#define RPC_KEEPALIVE_S 5u
#define RPC_QUEUE_MAX ((size_t)64 << 20) /* bytes that may wait to be sent before more is refused \
					  */
#define RPC_WHERE 192u
#define RPC_REQUESTS_MAX 16384u /* requests of one connection that are being served */

/* What connections hang on: a client, or the part of a server on one loop. Ends when `users`
 * reaches 0. */
struct rpc_owner {
	struct loop *loop;
	struct rpc_conn_ops ops;
	struct rpc_hello self;
	struct list conns; /* rpc_conn.link */
	struct list handlers; /* served.link: handlers that have a task */
	unsigned int users; /* tasks and calls that look at the owner */
	bool stopping;
	bool silent; /* the user is gone: `up` and `down` do not reach him */
	void (*idle)(struct rpc_owner *o); /* stopping, and no users */
};

void owner_init(struct rpc_owner *o, struct loop *l, const struct rpc_conn_ops *ops,
		const struct rpc_hello *self);
void owner_get(struct rpc_owner *o);
/* May free the owner, through `idle`. */
void owner_put(struct rpc_owner *o);
/* Closes the connections and cancels the handlers; idle() is called when all are gone, maybe at
 * once. */
void owner_stop(struct rpc_owner *o);

/* A call of ours that waits for its reply; on the caller's stack. */
struct pending {
	struct hnode node;
	struct task *task;
	struct arena *arena;
	struct blob *ret;
	uint64_t start; /* where its frame starts in the stream of sent bytes */
	int result;
	bool done;
};

struct rpc_conn {
	struct rpc_owner *owner;
	struct list link;
	struct rpc_stream stream;
	struct rpc_hello peer;
	char name[RPC_WHERE]; /* address or path of the peer */
	void *data;
	struct buf rx;
	struct buf tx; /* frames that wait for the writer */
	uint64_t tx_taken; /* bytes that the writer took to send, over all */
	struct task *reader; /* while rpc_conn_run() is at work */
	struct task *writer; /* while there is one */
	struct htable calls; /* pending, by call id */
	uint64_t next_id;
	struct list requests; /* served.conn_link */
	unsigned int nrequests;
	bool closing;
	int why;
	uint32_t peer_version; /* of a hello that was not understood */
	char refusal[RPC_ERROR_TEXT_MAX + 1]; /* what the peer said instead of a hello */
};

/* Takes over `fd` also on failure. */
int rpc_conn_new(int fd, const struct rpc_key *key, bool server,
		 struct rpc_conn **ret) HF_MUST_CHECK;
void rpc_conn_free(struct rpc_conn *c);
/* Handshake and exchange of names. As stream_handshake(), -EBADMSG, -ECONNABORTED (refused by the
 * peer: see `refusal`), -EPROTONOSUPPORT (see `peer_version`). */
int rpc_conn_introduce_client(struct rpc_conn *c, const struct rpc_hello *self,
			      uint64_t deadline) HF_MUST_CHECK;
/* The server's half up to the peer's hello, which rpc_conn_run() answers. */
int rpc_conn_read_hello(struct rpc_conn *c, uint64_t deadline) HF_MUST_CHECK;
/* Tells the peer why it is refused. */
void rpc_conn_refuse(struct rpc_conn *c, int code, const char *text, uint64_t deadline);
/*
 * Serves the connection until it ends, then frees it; in a task, which becomes its reader.
 * `welcome`: sends our hello first. Returns why it ended, always negative: -ECONNRESET when the
 * peer closed, -EPERM when `up` refused.
 */
int rpc_conn_run(struct rpc_conn *c, struct rpc_owner *o, bool welcome);
/* Ends the connection: rpc_conn_run() will return `why`. */
void rpc_conn_shut(struct rpc_conn *c, int why);
/* Queues a frame. 0, -ENOTCONN, -ENOMEM. */
int rpc_conn_queue(struct rpc_conn *c, enum rpc_kind kind, uint32_t method, uint64_t id,
		   struct blob payload) HF_MUST_CHECK;
void rpc_conn_queue_error(struct rpc_conn *c, uint64_t id, int code);
void rpc_conn_wake_writer(struct rpc_conn *c);

/* call.c: what we asked. */
/* Takes a reply or error frame to the call that waits for it. -EBADMSG. */
int calls_complete(struct rpc_conn *c, const struct rpc_frame *f) HF_MUST_CHECK;
/* Fails every waiting call. */
void calls_abort(struct rpc_conn *c);

/* serve.c: what the peer asked. */
/* Starts serving a request or one-way frame. -ENOMEM (the connection cannot go on in order). */
int serve_start(struct rpc_conn *c, const struct rpc_frame *f) HF_MUST_CHECK;
/* The connection ends: its requests lose it. */
void serve_detach(struct rpc_conn *c);
/* Cancels the handlers of an owner. */
void serve_cancel(struct rpc_owner *o);

#endif
