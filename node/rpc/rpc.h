/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Node-to-node and local remote procedure calls: frames over TCP with TLS 1.3 and the cluster's
 * pre-shared key, or over a unix socket with a check of the peer's uid. Calls are pipelined; what
 * is sent in one round of the loop leaves in one write. Both ends of a connection may call and
 * serve.
 *
 * Everything here belongs to one loop and is called on its thread; what waits must be called from a
 * task.
 */
#ifndef HF_NODE_RPC_RPC_H
#define HF_NODE_RPC_RPC_H

#include <sys/types.h>

#include "node/base/arena.h"
#include "node/base/level.h"
#include "node/loop/task.h"
#include "node/net/addr.h"

#define RPC_FRAME_MAX (16u << 20) /* bytes of a frame after its length field */
#define RPC_PAYLOAD_MAX (RPC_FRAME_MAX - 13u) /* bytes of payload */
#define RPC_NAME_MAX 63u

struct rpc_conn;
struct rpc_server;
struct rpc_client;
struct rpc_key;

/* Who an end of a connection says it is. */
struct rpc_hello {
	/* What the connection speaks (struct level_row): the client says it, 0 being the oldest version of this build;
	 * the server says the same or refuses. */
	uint32_t version;
	uint32_t node_id;
	uint32_t worker; /* the worker whose loop this end lives on */
	uint32_t to_worker; /* client: the worker it wants to reach (see rpc_listen_config.loops) */
	uint64_t incarnation;
	char name[RPC_NAME_MAX + 1];
};

/* --- the cluster key --- */

/* Reads the cluster key file (32 to 4096 bytes, not readable by others) and derives the TLS key.
 * -EINVAL (too short or long), -EPERM (readable by others), or errno of open(2); logs one sentence.
 */
int rpc_key_load(const char *path, struct rpc_key **ret) HF_MUST_CHECK;
/* Makes a key from bytes in memory; -EINVAL when fewer than 32. */
int rpc_key_new(struct blob secret, struct rpc_key **ret) HF_MUST_CHECK;
/* Wipes and frees; the servers and clients that use it must be gone. NULL is fine. */
void rpc_key_free(struct rpc_key *k);
/* A value by which two keys can be compared without showing them: equal keys have equal ones. -EIO. */
#define RPC_KEY_CHECK_SIZE 32
int rpc_key_check(const struct rpc_key *k, uint8_t out[static RPC_KEY_CHECK_SIZE]) HF_MUST_CHECK;

/* --- serving --- */

/* One request being served. It and its arena live until the handler has returned and the reply was
 * given. */
struct rpc_request {
	struct rpc_conn *conn; /* NULL once the connection has ended */
	uint32_t method;
	struct blob payload; /* lives as long as the request */
	struct arena *arena; /* for the handler's use */
	bool oneway; /* nobody waits: rpc_reply() and rpc_fail() do nothing */
	void *arg; /* of the method table's owner */
};
typedef void rpc_handler(struct rpc_request *rq);

struct rpc_method {
	uint32_t method;
	const char *name; /* for logs */
	rpc_handler *handler; /* in a task of its own; requests of a connection start in order of
				 arrival */
	bool nowait; /* handler never waits: it is run without a task of its own */
};
/* Ends a method table. */
#define RPC_METHODS_END              \
	{                            \
		0, NULL, NULL, false \
	}

/* Answers a request; at the latest one round later the reply is on its way. May be called after the
 * handler returned, on the same loop. The payload is copied. Exactly one of rpc_reply() and
 * rpc_fail() per request. */
void rpc_reply(struct rpc_request *rq, struct blob payload);
/* Answers with a refusal: rpc_call() of the caller returns `code` (> 0; by custom a positive
 * errno). */
void rpc_fail(struct rpc_request *rq, int code);

struct rpc_conn_ops {
	const struct rpc_method *methods; /* may be NULL: serves nothing */
	void *arg;
	/* Connected and introduced; before any request is served. On the connection's loop; must
	 * not wait, may send. A negative result refuses the peer and closes. May be NULL. */
	int (*up)(struct rpc_conn *c, void *arg);
	/* The connection is ending (once per successful up). Its requests may still be answered,
	 * into nothing. */
	void (*down)(struct rpc_conn *c, int why, void *arg);
};

struct rpc_listen_config {
	struct loop *loop; /* accepts, and serves unless `loops` is given */
	const struct rpc_key *key; /* required for TCP, ignored for unix */
	struct rpc_hello self;
	struct rpc_conn_ops ops;
	struct loop *const
		*loops; /* serve hello.to_worker on loops[to_worker]; NULL: all on `loop` */
	unsigned int nloops;
	unsigned int max_conns; /* 0: 1024 */
	unsigned int
		max_handshakes; /* connections that have not introduced themselves yet; 0: 64 */
	unsigned int handshake_ms; /* 0: 5000 */
	uid_t allow_uid; /* unix: this uid may connect too; root and our own always may */
	bool allow_uid_set;
};

/* Listens on TCP with TLS. -errno as bind(2)/listen(2). */
int rpc_listen(const struct rpc_listen_config *cfg, const struct net_addr *addr,
	       struct rpc_server **ret) HF_MUST_CHECK;
/* Listens on a unix stream socket; replaces a socket file that nobody listens on. -EADDRINUSE when
 * somebody does. */
int rpc_listen_unix(const struct rpc_listen_config *cfg, const char *path,
		    struct rpc_server **ret) HF_MUST_CHECK;
/* The address in use (the port that was chosen when `addr` had port 0). */
void rpc_server_addr(const struct rpc_server *s, struct net_addr *ret);
/* Stops listening, closes every connection (`down` is called), cancels the handlers that wait, and
 * waits for their tasks. On cfg.loop's thread, with the other loops still running. Outside of a
 * task it does not wait: the rest happens in a task of its own, and `down` is not called any more.
 * NULL is fine. */
void rpc_server_free(struct rpc_server *s);

/* --- connections, either end --- */

const struct rpc_hello *rpc_conn_peer(const struct rpc_conn *c);
/* Printable address of the peer, or "unix:pid N". */
const char *rpc_conn_name(const struct rpc_conn *c);
void rpc_conn_set_data(struct rpc_conn *c, void *data);
void *rpc_conn_data(const struct rpc_conn *c);
/* Calls the peer; as rpc_call(), and -ENOTCONN when the connection is ending. `c` need not outlive
 * the call. */
int rpc_conn_call(struct rpc_conn *c, uint32_t method, struct blob payload, uint64_t deadline,
		  struct arena *a, struct blob *ret) HF_MUST_CHECK;
/* Sends a one-way message; as rpc_send(). */
int rpc_conn_send(struct rpc_conn *c, uint32_t method, struct blob payload);
/* Ends the connection soon; never waits. */
void rpc_conn_close(struct rpc_conn *c);

/* --- calling --- */

struct rpc_client_config {
	struct loop *loop;
	const struct rpc_key *key; /* required for TCP, ignored for unix */
	struct rpc_hello self; /* with to_worker */
	uint32_t peer_node; /* refuse a peer with another node id; 0: any */
	const char *peer_name; /* for logs; copied */
	struct rpc_conn_ops ops; /* up/down of the link, and what the peer may call on us */
	unsigned int handshake_ms; /* 0: 5000 */
};

/* Makes a client that connects at once and again whenever the link is lost (10 ms, doubled up to 1
 * s). */
int rpc_client_new(const struct rpc_client_config *cfg, const struct net_addr *addr,
		   struct rpc_client **ret) HF_MUST_CHECK;
int rpc_client_unix(const struct rpc_client_config *cfg, const char *path,
		    struct rpc_client **ret) HF_MUST_CHECK;
/* Closes; calls in flight return -ECONNRESET or -ENOTCONN. Cancels the handlers that wait and waits
 * for the client's tasks; outside of a task as rpc_server_free(). NULL is fine. */
void rpc_client_free(struct rpc_client *c);
bool rpc_client_up(const struct rpc_client *c);
/* Waits until the link is up. 0, -ETIME, -ECANCELED, -ESHUTDOWN when the client is being freed. */
int rpc_client_wait(struct rpc_client *c, uint64_t deadline);
/* The connection of the link, NULL while it is down. */
struct rpc_conn *rpc_client_conn(const struct rpc_client *c);

/*
 * Sends a request and waits for its reply, which is copied into `a` (`a` and `ret` may be NULL).
 * `payload` is copied before the call waits. `deadline` is loop clock ns, 0: none. 0            the
 * reply is in *ret > 0          the handler's refusal code, see rpc_fail() -ETIME       deadline
 * passed, the request may have been executed -ECANCELED   the task was cancelled, the request may
 * have been executed -ENOTCONN    definitely not sent: the link is down (a connection attempt in
 * progress is waited for) -ECONNRESET  sent, the link broke before the reply: may have been
 * executed -ENOSYS, -EBUSY  the peer does not know the method, or one side has too much under way:
 * not executed -EMSGSIZE    the payload is too long: not sent -ENOMEM      not sent; or the reply
 * is there but does not fit into the arena
 */
int rpc_call(struct rpc_client *c, uint32_t method, struct blob payload, uint64_t deadline,
	     struct arena *a, struct blob *ret) HF_MUST_CHECK;
/* Queues a one-way message; needs no task. 0, -ENOTCONN (link down), -EMSGSIZE, -ENOBUFS (64 MiB
 * wait already), -ENOMEM. */
int rpc_send(struct rpc_client *c, uint32_t method, struct blob payload);

#endif
