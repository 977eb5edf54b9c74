/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Servers: one task accepts, one per newcomer shakes hands within a time limit, then the connection
 * moves to the loop of the worker that it asked for. The server belongs to the accepting loop, each
 * shard to its own loop.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/un.h>

#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/io.h"
#include "node/net/sock.h"
#include "node/rpc/rpc_priv.h"

/* The connections of a server on one loop. */
struct shard {
	struct rpc_owner owner;
	struct rpc_server *server;
	struct mail stop, stopped; /* from the server's loop, and back */
};

struct rpc_server {
	struct loop *loop;
	const struct rpc_key *key; /* NULL: unix */
	struct rpc_conn_ops user;
	int fd;
	struct net_addr addr;
	char *path; /* unix */
	unsigned int max_conns, max_handshakes;
	uint64_t handshake_ns;
	uid_t allow_uid;
	bool any_worker; /* no loops were given: to_worker does not matter */
	struct task *acceptor;
	struct list newcomers;
	unsigned int nnewcomers;
	_Atomic(unsigned int) nconns; /* any of the loops */
	struct log_rl rl;
	unsigned int nshards, shards_left;
	struct task *freer;
	struct shard shards[];
};

/* A connection that has not introduced itself yet. */
struct newcomer {
	struct list link;
	struct rpc_server *server;
	struct rpc_conn *conn;
	struct task *task;
};

/* A connection on its way to another loop. */
struct handover {
	struct mail mail;
	struct shard *shard;
	struct rpc_conn *conn;
};

/* --- connections of a shard --- */

static int shard_up(struct rpc_conn *conn, void *arg)
{
	struct shard *sh = container_of(conn->owner, struct shard, owner);
	struct rpc_server *s = sh->server;
	int r = 0;

	if (s->user.up && !conn->owner->silent)
		r = s->user.up(conn, s->user.arg);
	if (r == 0)
		log_debug("rpc: accepted: peer=%s address=%s node=%u worker=%u",
			  log_esc(conn->peer.name), log_esc(conn->name), conn->peer.node_id,
			  conn->peer.worker);
	return r;
}

static void shard_down(struct rpc_conn *conn, int why, void *arg)
{
	struct shard *sh = container_of(conn->owner, struct shard, owner);
	struct rpc_server *s = sh->server;

	log_debug("rpc: connection ended: peer=%s address=%s error=%s", log_esc(conn->peer.name),
		  log_esc(conn->name), log_errno(why));
	if (s->user.down && !conn->owner->silent)
		s->user.down(conn, why, s->user.arg);
}

/* The caller holds the owner. */
static void shard_serve(struct shard *sh, struct rpc_conn *conn)
{
	rpc_conn_run(conn, &sh->owner, true);
	atomic_fetch_sub(&sh->server->nconns, 1);
	owner_put(&sh->owner);
}

static void handover_main(void *arg)
{
	struct handover *h = arg;
	struct shard *sh = h->shard;
	struct rpc_conn *conn = h->conn;

	free(h);
	shard_serve(sh, conn);
}

static void handover_arrived(struct mail *m)
{
	struct handover *h = container_of(m, struct handover, mail);

	owner_get(&h->shard->owner);
	if (task_spawn(h->shard->owner.loop, handover_main, h, NULL) == 0)
		return;
	rpc_conn_free(h->conn);
	atomic_fetch_sub(&h->shard->server->nconns, 1);
	owner_put(&h->shard->owner);
	free(h);
}

/* --- newcomers --- */

static void greeting_failed(struct rpc_server *s, const struct rpc_conn *conn, int r)
{
	const char *name = conn->name;

	if (r == -ECANCELED || r == -ECONNRESET || r == -EPIPE) {
		log_debug("rpc: a peer left before it introduced itself: peer=%s", log_esc(name));
		return;
	}
	if (!log_ratelimit(&s->rl, 5))
		return;
	switch (r) {
	case -EKEYREJECTED:
		log_err("rpc: refused a peer that has another cluster key than this node: peer=%s",
			log_esc(name));
		break;
	case -EPROTO:
		log_warn("rpc: refused a peer that does not speak TLS with a cluster key: peer=%s",
			 log_esc(name));
		break;
	case -EPROTONOSUPPORT:
		log_err("rpc: refused a peer that speaks another version of the protocol, \"holdfast level show\" tells of each "
			"node: peer=%s version=%u ours=%u-%u",
			log_esc(name), conn->peer_version, rpc_version_min(), rpc_version_max());
		break;
	case -ENXIO:
		log_warn(
			"rpc: refused a peer that asked for a worker that is not there: peer=%s worker=%u workers=%u",
			log_esc(name), conn->peer.to_worker, s->nshards);
		break;
	case -EBADMSG:
		log_warn("rpc: refused a peer that does not speak our protocol: peer=%s",
			 log_esc(name));
		break;
	case -ETIME:
		log_warn("rpc: refused a peer that did not introduce itself in time: peer=%s",
			 log_esc(name));
		break;
	default:
		log_warn("rpc: refused a peer: peer=%s error=%s", log_esc(name), log_errno(r));
		break;
	}
}

/* Who is it, and where does it want to go? */
static int greet(struct rpc_server *s, struct rpc_conn *conn, struct shard **ret)
{
	uint64_t deadline = loop_now(s->loop) + s->handshake_ns;
	char text[100];
	int r;

	r = stream_handshake(&conn->stream, deadline);
	if (r == 0)
		r = rpc_conn_read_hello(conn, deadline);
	if (r == -EPROTONOSUPPORT) {
		snprintf(text, sizeof(text), "only versions %u to %u of the protocol are spoken here",
			 rpc_version_min(), rpc_version_max());
		rpc_conn_refuse(conn, EPROTONOSUPPORT, text, deadline);
	}
	if (r < 0)
		return r;
	if (s->any_worker) {
		*ret = &s->shards[0];
		return 0;
	}
	if (conn->peer.to_worker >= s->nshards) {
		snprintf(text, sizeof(text), "there is no worker %u here, only %u",
			 conn->peer.to_worker, s->nshards);
		rpc_conn_refuse(conn, ENXIO, text, deadline);
		return -ENXIO;
	}
	*ret = &s->shards[conn->peer.to_worker];
	return 0;
}

static void newcomer_done(struct newcomer *n)
{
	struct rpc_server *s = n->server;

	list_remove(&n->link);
	s->nnewcomers--;
	if (s->freer)
		task_wake(s->freer);
	free(n);
}

static void newcomer_main(void *arg)
{
	struct newcomer *n = arg;
	struct rpc_server *s = n->server;
	struct rpc_conn *conn = n->conn;
	struct shard *sh = NULL;
	struct handover *h;
	int r;

	r = greet(s, conn, &sh);
	if (r == 0 && sh->owner.loop == s->loop) {
		owner_get(&sh->owner);
		newcomer_done(n);
		shard_serve(sh, conn);
		return;
	}
	h = r == 0 ? malloc(sizeof(*h)) : NULL;
	if (h) {
		*h = (struct handover){ .mail.run = handover_arrived, .shard = sh, .conn = conn };
		loop_post(sh->owner.loop, &h->mail);
	} else {
		greeting_failed(s, conn, r < 0 ? r : -ENOMEM);
		rpc_conn_free(conn);
		atomic_fetch_sub(&s->nconns, 1);
	}
	newcomer_done(n);
}

/* --- accepting --- */

/* Names the peer; on unix sockets checks who it is. */
static int identify(struct rpc_server *s, int fd, char *name, size_t size)
{
	struct net_addr a;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int r;

	if (s->key) {
		r = net_sock_peer(fd, &a);
		if (r < 0)
			return r;
		net_addr_unmap(&a);
		net_addr_format(&a, name);
		net_stream_options(fd, RPC_KEEPALIVE_S);
		return 0;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	snprintf(name, size, "unix:pid %d", cred.pid);
	if (cred.uid == 0 || cred.uid == geteuid() || cred.uid == s->allow_uid)
		return 0;
	if (log_ratelimit(&s->rl, 5))
		log_warn("rpc: refused a peer of another user: pid=%d uid=%u", cred.pid, cred.uid);
	return -EACCES;
}

/* Takes over `fd`. */
static int newcomer_start(struct rpc_server *s, int fd, const char *name)
{
	struct newcomer *n = calloc(1, sizeof(*n));
	int r;

	if (!n) {
		close(fd);
		return -ENOMEM;
	}
	n->server = s;
	r = rpc_conn_new(fd, s->key, true, &n->conn);
	if (r < 0) {
		free(n);
		return r;
	}
	snprintf(n->conn->name, sizeof(n->conn->name), "%s", name);
	r = task_spawn(s->loop, newcomer_main, n, &n->task);
	if (r < 0) {
		rpc_conn_free(n->conn);
		free(n);
		return r;
	}
	list_append(&s->newcomers, &n->link);
	s->nnewcomers++;
	atomic_fetch_add(&s->nconns, 1);
	return 0;
}

static void admit(struct rpc_server *s, int fd)
{
	char name[NET_ADDR_STR];
	int r;

	if (s->nnewcomers >= s->max_handshakes || atomic_load(&s->nconns) >= s->max_conns) {
		if (log_ratelimit(&s->rl, 1))
			log_warn(
				"rpc: too many connections, refused one: connections=%u introducing=%u",
				atomic_load(&s->nconns), s->nnewcomers);
		close(fd);
		return;
	}
	if (identify(s, fd, name, sizeof(name)) < 0) {
		close(fd);
		return;
	}
	r = newcomer_start(s, fd, name);
	if (r < 0 && log_ratelimit(&s->rl, 1))
		log_warn("rpc: cannot take a connection: peer=%s error=%s", log_esc(name),
			 log_errno(r));
}

static void acceptor_main(void *arg)
{
	struct rpc_server *s = arg;
	int fd;

	for (;;) {
		fd = io_accept(s->fd, NULL, NULL);
		if (fd == -ECANCELED)
			break;
		if (fd >= 0) {
			admit(s, fd);
			continue;
		}
		if (fd == -ECONNABORTED || fd == -EINTR || fd == -EAGAIN)
			continue;
		if (log_ratelimit(&s->rl, 1))
			log_warn("rpc: cannot accept: error=%s", log_errno(fd));
		if (task_sleep(100 * NSEC_PER_MSEC) < 0)
			break;
	}
	s->acceptor = NULL;
	if (s->freer)
		task_wake(s->freer);
}

/* --- ending --- */

static void shard_stopped(struct mail *m)
{
	struct rpc_server *s = container_of(m, struct shard, stopped)->server;

	s->shards_left--;
	task_wake(s->freer);
}

static void shard_idle(struct rpc_owner *o)
{
	struct shard *sh = container_of(o, struct shard, owner);

	loop_post(sh->server->loop, &sh->stopped);
}

static void shard_stop(struct mail *m)
{
	struct shard *sh = container_of(m, struct shard, stop);

	owner_stop(&sh->owner);
}

static void server_destroy(struct rpc_server *s)
{
	if (s->path) {
		unlink(s->path);
		free(s->path);
	}
	cleanup_close(&s->fd);
	free(s);
}

/* Newcomers first: after them nothing is on its way to a shard that is not before our stop in its
 * mailbox. */
static void server_stop(struct rpc_server *s)
{
	struct newcomer *n;

	task_shield_begin();
	s->freer = task_current();
	if (s->acceptor)
		task_cancel(s->acceptor);
	while (s->acceptor)
		task_park();
	list_foreach(n, &s->newcomers, link)
		task_cancel(n->task);
	while (s->nnewcomers)
		task_park();
	s->shards_left = s->nshards;
	for (unsigned int i = 0; i < s->nshards; i++)
		loop_post(s->shards[i].owner.loop, &s->shards[i].stop);
	while (s->shards_left)
		task_park();
	task_shield_end();
	server_destroy(s);
}

static void free_main(void *arg)
{
	server_stop(arg);
}

void rpc_server_free(struct rpc_server *s)
{
	if (!s)
		return;
	if (task_current()) {
		server_stop(s);
		return;
	}
	/* Shards of other loops read this; a caller outside of tasks has none (it could not wait
	 * for them). */
	for (unsigned int i = 0; i < s->nshards; i++)
		if (s->shards[i].owner.loop == s->loop)
			s->shards[i].owner.silent = true;
	if (task_spawn(s->loop, free_main, s, NULL) < 0)
		log_err("rpc: no memory to end a server");
}

/* --- starting --- */

static void shard_init(struct rpc_server *s, unsigned int i, const struct rpc_listen_config *cfg)
{
	const struct rpc_conn_ops ops = {
		.methods = cfg->ops.methods,
		.arg = cfg->ops.arg,
		.up = shard_up,
		.down = shard_down,
	};
	struct shard *sh = &s->shards[i];

	owner_init(&sh->owner, cfg->nloops ? cfg->loops[i] : cfg->loop, &ops, &cfg->self);
	if (cfg->nloops)
		sh->owner.self.worker = i;
	sh->owner.idle = shard_idle;
	sh->server = s;
	sh->stop.run = shard_stop;
	sh->stopped.run = shard_stopped;
}

static int server_new(const struct rpc_listen_config *cfg, struct rpc_server **ret)
{
	unsigned int n = MAX(cfg->nloops, 1u);
	struct rpc_server *s = calloc(1, sizeof(*s) + n * sizeof(s->shards[0]));

	if (!s)
		return -ENOMEM;
	s->loop = cfg->loop;
	s->user = cfg->ops;
	s->fd = -1;
	s->max_conns = cfg->max_conns ? cfg->max_conns : 1024;
	s->max_handshakes = cfg->max_handshakes ? cfg->max_handshakes : 64;
	s->handshake_ns =
		(cfg->handshake_ms ? cfg->handshake_ms : RPC_HANDSHAKE_MS) * NSEC_PER_MSEC;
	s->allow_uid = cfg->allow_uid_set ? cfg->allow_uid : 0;
	s->any_worker = !cfg->nloops;
	s->nshards = n;
	list_init(&s->newcomers);
	for (unsigned int i = 0; i < n; i++)
		shard_init(s, i, cfg);
	*ret = s;
	return 0;
}

static int server_start(struct rpc_server *s, int r, struct rpc_server **ret)
{
	if (r == 0)
		r = task_spawn(s->loop, acceptor_main, s, &s->acceptor);
	if (r < 0) {
		server_destroy(s);
		return r;
	}
	*ret = s;
	return 0;
}

int rpc_listen(const struct rpc_listen_config *cfg, const struct net_addr *addr,
	       struct rpc_server **ret)
{
	struct rpc_server *s;
	int r;

	if (!cfg->key)
		return -EINVAL;
	r = server_new(cfg, &s);
	if (r < 0)
		return r;
	s->key = cfg->key;
	r = net_listen(addr, NET_WAIT, &s->fd);
	if (r == 0)
		r = net_sock_local(s->fd, &s->addr);
	return server_start(s, r, ret);
}

int rpc_listen_unix(const struct rpc_listen_config *cfg, const char *path, struct rpc_server **ret)
{
	struct rpc_server *s;
	int r;

	r = server_new(cfg, &s);
	if (r < 0)
		return r;
	/* Who may connect is decided by uid, when it does. */
	r = net_listen_unix(path, 0666, &s->fd);
	if (r == 0) {
		s->path = strdup(path);
		r = s->path ? 0 : -ENOMEM;
	}
	return server_start(s, r, ret);
}

void rpc_server_addr(const struct rpc_server *s, struct net_addr *ret)
{
	*ret = s->addr;
}
