/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients: one task each that connects, serves the connection until it breaks, and connects again.
 * On the client's loop. */
#include <stdio.h>
#include <sys/un.h>

#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/io.h"
#include "node/net/sock.h"
#include "node/rpc/rpc_priv.h"

#define BACKOFF_MIN (10 * NSEC_PER_MSEC)
#define BACKOFF_MAX (1000 * NSEC_PER_MSEC)

enum client_state {
	CLIENT_CONNECTING,
	CLIENT_UP,
	CLIENT_WAITING, /* until the next attempt */
};

struct rpc_client {
	struct rpc_owner owner;
	struct rpc_conn_ops user; /* owner.ops has our own up and down */
	const struct rpc_key *key;
	struct net_addr addr; /* len 0: unix */
	struct sockaddr_un un;
	char peer_name[RPC_NAME_MAX + 1];
	char where[RPC_WHERE];
	uint32_t peer_node;
	uint64_t handshake_ns;
	enum client_state state;
	struct rpc_conn *conn;
	struct gate settled; /* open while no attempt is in progress */
	struct gate up;
	struct task *main;
	struct task *freer; /* in rpc_client_free() */
	int last_error; /* what was logged last */
	uint64_t up_since;
};

/* --- the link --- */

static int client_up(struct rpc_conn *conn, void *arg)
{
	struct rpc_client *c = container_of(conn->owner, struct rpc_client, owner);
	int r = 0;

	c->conn = conn; /* `up` may send already */
	if (c->user.up && !c->owner.silent)
		r = c->user.up(conn, c->user.arg);
	if (r < 0) {
		c->conn = NULL;
		return r;
	}
	c->state = CLIENT_UP;
	c->last_error = 0;
	c->up_since = loop_now(c->owner.loop);
	log_info("rpc: connected: peer=%s address=%s node=%u worker=%u", log_esc(conn->peer.name),
		 log_esc(c->where), conn->peer.node_id, conn->peer.worker);
	gate_open(&c->up);
	gate_open(&c->settled);
	return 0;
}

static void client_down(struct rpc_conn *conn, int why, void *arg)
{
	struct rpc_client *c = container_of(conn->owner, struct rpc_client, owner);

	c->conn = NULL;
	gate_close(&c->up);
	if (!c->owner.stopping)
		log_info("rpc: connection lost: peer=%s address=%s error=%s", log_esc(c->peer_name),
			 log_esc(c->where), log_errno(why));
	if (c->user.down && !c->owner.silent)
		c->user.down(conn, why, c->user.arg);
}

/* One line when the reason changes; a peer that is down would fill the log otherwise. `conn` is
 * NULL for errors of the socket. */
static void attempt_failed(struct rpc_client *c, const struct rpc_conn *conn, int r)
{
	const char *peer = log_esc(c->peer_name), *where = log_esc(c->where);

	if (c->owner.stopping || r == c->last_error)
		return;
	c->last_error = r;
	switch (conn ? r : 0) {
	case -EKEYREJECTED:
		log_err("rpc: the peer has another cluster key than this node: peer=%s address=%s",
			peer, where);
		break;
	case -EPROTO:
		log_err("rpc: the peer does not speak TLS with a cluster key: peer=%s address=%s",
			peer, where);
		break;
	case -EBADMSG:
		log_err("rpc: the peer does not speak our protocol: peer=%s address=%s", peer,
			where);
		break;
	case -EPROTONOSUPPORT:
		log_err("rpc: the peer speaks another version of the protocol, \"holdfast level show\" tells of each node: "
			"peer=%s address=%s version=%u ours=%u-%u",
			peer, where, conn->peer_version, rpc_version_min(), rpc_version_max());
		break;
	case -ECONNABORTED:
		log_err("rpc: the peer refuses us: peer=%s address=%s reason=%s", peer, where,
			log_esc(conn->refusal));
		break;
	case -EBADE:
		log_err("rpc: another node answers at this address: address=%s node=%u wanted=%u",
			where, conn->peer.node_id, c->peer_node);
		break;
	default:
		log_warn("rpc: cannot connect: peer=%s address=%s error=%s", peer, where,
			 log_errno(r));
		break;
	}
}

static int open_socket(struct rpc_client *c, uint64_t deadline, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (c->addr.len) {
		r = net_stream_socket(&c->addr, &fd);
		if (r < 0)
			return r;
		r = io_connect(fd, &c->addr.sa, c->addr.len, deadline);
		net_stream_options(fd, RPC_KEEPALIVE_S);
	} else {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		r = io_connect(fd, (struct sockaddr *)&c->un, sizeof(c->un), deadline);
	}
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int attempt(struct rpc_client *c, struct rpc_conn **ret)
{
	uint64_t deadline = loop_now(c->owner.loop) + c->handshake_ns;
	struct rpc_conn *conn;
	int fd = -1, r;

	r = open_socket(c, deadline, &fd);
	if (r == 0)
		r = rpc_conn_new(fd, c->addr.len ? c->key : NULL, false, &conn);
	if (r < 0) {
		attempt_failed(c, NULL, r);
		return r;
	}
	snprintf(conn->name, sizeof(conn->name), "%s", c->where);
	r = rpc_conn_introduce_client(conn, &c->owner.self, deadline);
	if (r == 0 && c->peer_node && conn->peer.node_id != c->peer_node)
		r = -EBADE;
	if (r < 0) {
		attempt_failed(c, conn, r);
		rpc_conn_free(conn);
		return r;
	}
	*ret = conn;
	return 0;
}

static uint64_t next_backoff(uint64_t b)
{
	return b ? MIN(b * 2, BACKOFF_MAX) : BACKOFF_MIN;
}

static void client_main(void *arg)
{
	struct rpc_client *c = arg;
	struct rpc_owner *o = &c->owner;
	struct rpc_conn *conn;
	uint64_t backoff = 0;
	int r;

	while (!o->stopping) {
		c->state = CLIENT_CONNECTING;
		gate_close(&c->settled);
		c->up_since = 0;
		r = attempt(c, &conn);
		if (r == 0)
			rpc_conn_run(conn, o, false);
		/* A link that lasted is worth an attempt at once; one that breaks at once is not.
		 */
		if (c->up_since && loop_now(o->loop) - c->up_since > BACKOFF_MAX)
			backoff = 0;
		else
			backoff = next_backoff(backoff);
		c->state = CLIENT_WAITING;
		gate_open(&c->settled);
		if (!o->stopping && backoff)
			task_sleep(backoff);
	}
	c->main = NULL;
	owner_put(o);
}

/* --- life --- */

static void client_destroy(struct rpc_client *c)
{
	free(c);
}

static void client_idle(struct rpc_owner *o)
{
	struct rpc_client *c = container_of(o, struct rpc_client, owner);

	if (c->freer)
		task_wake(c->freer);
}

static int client_make(const struct rpc_client_config *cfg, struct rpc_client **ret)
{
	const struct rpc_conn_ops ops = {
		.methods = cfg->ops.methods,
		.arg = cfg->ops.arg,
		.up = client_up,
		.down = client_down,
	};
	struct rpc_client *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	owner_init(&c->owner, cfg->loop, &ops, &cfg->self);
	c->owner.idle = client_idle;
	c->user = cfg->ops;
	c->key = cfg->key;
	c->peer_node = cfg->peer_node;
	c->handshake_ns =
		(cfg->handshake_ms ? cfg->handshake_ms : RPC_HANDSHAKE_MS) * NSEC_PER_MSEC;
	snprintf(c->peer_name, sizeof(c->peer_name), "%s", cfg->peer_name ? cfg->peer_name : "-");
	gate_init(&c->settled);
	gate_init(&c->up);
	*ret = c;
	return 0;
}

static int client_start(struct rpc_client *c, struct rpc_client **ret)
{
	int r = task_spawn(c->owner.loop, client_main, c, &c->main);

	if (r < 0) {
		client_destroy(c);
		return r;
	}
	owner_get(&c->owner);
	*ret = c;
	return 0;
}

int rpc_client_new(const struct rpc_client_config *cfg, const struct net_addr *addr,
		   struct rpc_client **ret)
{
	struct rpc_client *c;
	int r;

	if (!cfg->key || !addr->len)
		return -EINVAL;
	r = client_make(cfg, &c);
	if (r < 0)
		return r;
	c->addr = *addr;
	net_addr_format(addr, c->where);
	return client_start(c, ret);
}

int rpc_client_unix(const struct rpc_client_config *cfg, const char *path, struct rpc_client **ret)
{
	struct rpc_client *c;
	int r;

	if (strlen(path) >= sizeof(c->un.sun_path))
		return -ENAMETOOLONG;
	r = client_make(cfg, &c);
	if (r < 0)
		return r;
	c->un.sun_family = AF_UNIX;
	strcpy(c->un.sun_path, path);
	snprintf(c->where, sizeof(c->where), "%s", path);
	return client_start(c, ret);
}

static void client_stop(struct rpc_client *c)
{
	owner_get(&c->owner);
	owner_stop(&c->owner);
	if (c->main)
		task_cancel(c->main);
	gate_open(&c->settled);
	gate_open(&c->up);
	c->freer = task_current();
	owner_put(&c->owner);
	task_shield_begin();
	while (c->owner.users)
		task_park();
	task_shield_end();
	client_destroy(c);
}

static void free_main(void *arg)
{
	client_stop(arg);
}

void rpc_client_free(struct rpc_client *c)
{
	if (!c)
		return;
	if (task_current()) {
		client_stop(c);
		return;
	}
	c->owner.silent = true;
	if (task_spawn(c->owner.loop, free_main, c, NULL) < 0)
		log_err("rpc: no memory to end a client: peer=%s", log_esc(c->peer_name));
}

bool rpc_client_up(const struct rpc_client *c)
{
	return c->conn && !c->conn->closing;
}

struct rpc_conn *rpc_client_conn(const struct rpc_client *c)
{
	return rpc_client_up(c) ? c->conn : NULL;
}

int rpc_client_wait(struct rpc_client *c, uint64_t deadline)
{
	int r = 0;

	owner_get(&c->owner);
	while (!rpc_client_up(c) && !c->owner.stopping && r == 0) {
		/* The gate may still be open for a link that is being given up. */
		r = c->up.open ? task_sleep(NSEC_PER_MSEC) : gate_wait(&c->up, deadline);
		if (r == 0 && deadline && loop_now(c->owner.loop) >= deadline && !rpc_client_up(c))
			r = -ETIME;
	}
	if (c->owner.stopping)
		r = -ESHUTDOWN;
	owner_put(&c->owner);
	return r;
}

/* --- calling --- */

/* Waits for the end of an attempt that is in progress. 0 when the link is up. */
static int wait_link(struct rpc_client *c, uint64_t deadline)
{
	int r = 0;

	if (!c->conn && c->state == CLIENT_CONNECTING && !c->owner.stopping) {
		owner_get(&c->owner);
		r = gate_wait(&c->settled, deadline);
		if (r == 0 && (!c->conn || c->owner.stopping))
			r = -ENOTCONN;
		owner_put(&c->owner);
		return r == -ETIME ? -ENOTCONN : r;
	}
	return c->conn ? 0 : -ENOTCONN;
}

int rpc_call(struct rpc_client *c, uint32_t method, struct blob payload, uint64_t deadline,
	     struct arena *a, struct blob *ret)
{
	int r = wait_link(c, deadline);

	return r < 0 ? r : rpc_conn_call(c->conn, method, payload, deadline, a, ret);
}

int rpc_send(struct rpc_client *c, uint32_t method, struct blob payload)
{
	return c->conn ? rpc_conn_send(c->conn, method, payload) : -ENOTCONN;
}
