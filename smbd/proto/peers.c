/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links between workers, within the node and across nodes. On the worker's thread. */
#include "smbd/proto/peers.h"

#include <stdio.h>

#include "node/base/clock.h"
#include "node/conf/node_conf.h"
#include "node/log/log.h"
#include "node/wire/sid_wire.h"
#include "smbd/proto/previous.h"

enum {
	METHOD_LOCK = 1, /* one-way: a message of the lock layer */
	METHOD_END_SESSION = 2, /* session id (8, little-endian), SID */
	METHOD_LINKED = 3, /* one-way: the sender's link to this worker is up again */
	METHOD_NOTIFY = 4, /* one-way: a message of the notify module */
};

/* How long a reconnecting client waits for its former session on another node. */
#define END_SESSION_TIMEOUT (2 * NSEC_PER_SEC)

#define SID_WIRE_MAX (8 + 4 * SID_MAX_SUB)

struct link {
	struct list link; /* peers->links */
	struct peers *peers;
	uint32_t node, worker;
	uint64_t incarnation;
	uint32_t version; /* of RPC */
	struct rpc_client *client;
};

struct peers {
	struct lk_net net;
	struct ntf_net ntf_net;
	struct worker *worker;
	const struct rpc_key *key;
	struct list links;
	struct view *view; /* referenced */
	unsigned int closing; /* links whose client is being freed by a task */
	struct task *waiter;
};

/* --- what others ask --- */

static void on_lock(struct rpc_request *rq)
{
	struct worker *w = worker_current();

	if (w->lock && rq->conn)
		lockc_receive(w->lock, rpc_conn_peer(rq->conn)->node_id, rq->payload);
}

static void on_notify(struct rpc_request *rq)
{
	struct worker *w = worker_current();

	if (w->notify && rq->conn)
		ntf_receive(w->notify, rpc_conn_peer(rq->conn)->node_id, rq->payload);
}

/* The answers of a worker may have been lost while its own link to here was not up: it is asked again. */
static void on_linked(struct rpc_request *rq)
{
	struct worker *w = worker_current();
	const struct rpc_hello *peer;

	if (!w->lock || !rq->conn)
		return;
	peer = rpc_conn_peer(rq->conn);
	lockc_linked(w->lock, &(struct place){ .node = peer->node_id,
					       .worker = peer->worker,
					       .incarnation = peer->incarnation });
}

static void on_end_session(struct rpc_request *rq)
{
	struct rd r = rd_of(rq->payload);
	uint64_t id = rd_le64(&r);
	struct sid owner = rd_sid(&r);

	if (rd_end(&r) < 0) {
		rpc_fail(rq, EBADMSG);
		return;
	}
	previous_session_end_here(worker_current(), id, &owner);
	rpc_reply(rq, BLOB(NULL, 0));
}

const struct rpc_method peers_methods[] = {
	{ METHOD_LOCK, "lock", on_lock, true },
	{ METHOD_END_SESSION, "end_session", on_end_session, false },
	{ METHOD_LINKED, "linked", on_linked, true },
	{ METHOD_NOTIFY, "notify", on_notify, true },
	RPC_METHODS_END,
};

/* --- links --- */

static struct link *link_find(const struct peers *p, uint32_t node, uint32_t worker)
{
	struct link *l;

	list_foreach(l, &p->links, link) {
		if (l->node == node && l->worker == worker)
			return l;
	}
	return NULL;
}

static void link_close(void *arg)
{
	struct link *l = arg;
	struct peers *p = l->peers;

	rpc_client_free(l->client);
	free(l);
	p->closing--;
	if (p->waiter)
		task_wake(p->waiter);
}

static void link_drop(struct link *l)
{
	list_remove(&l->link);
	l->peers->closing++;
	if (task_spawn(l->peers->worker->loop, link_close, l, NULL) < 0) {
		log_err("a link to a node that left stays: no memory");
		list_append(&l->peers->links, &l->link);
		l->peers->closing--;
	}
}

/* What the lock layer sent while the link was down is lost: it says it again at once, not after a while; and so does the
 * other end, which waits for what was lost. */
static int link_up(struct rpc_conn *conn, void *arg)
{
	const struct link *l = arg;
	const struct place at = { .node = l->node, .worker = l->worker, .incarnation = l->incarnation };

	if (l->peers->worker->lock)
		lockc_linked(l->peers->worker->lock, &at);
	if (l->peers->worker->notify)
		ntf_linked(l->peers->worker->notify, &at);
	return rpc_conn_send(conn, METHOD_LINKED, BLOB(NULL, 0));
}

static int link_add(struct peers *p, const struct view_member *m, uint32_t worker, uint32_t version)
{
	const struct smbd *s = p->worker->smbd;
	struct rpc_client_config cfg = {
		.loop = p->worker->loop,
		.key = p->key,
		.self = { .version = version,
			  .node_id = s->node_id,
			  .worker = p->worker->index,
			  .to_worker = worker,
			  .incarnation = s->incarnation },
		.peer_node = m->node_id,
		.peer_name = m->name,
		.ops = { .methods = peers_methods, .up = link_up },
	};
	struct link *l = calloc(1, sizeof(*l));
	struct net_addr addr;
	int r = -ENOMEM;

	if (l) {
		*l = (struct link){ .peers = p,
				    .node = m->node_id,
				    .worker = worker,
				    .incarnation = m->incarnation,
				    .version = version };
		cfg.ops.arg = l;
		r = net_addr_parse(m->rpc_addr, 0, &addr);
	}
	snprintf(cfg.self.name, sizeof(cfg.self.name), "%s", s->conf->name);
	if (r == 0)
		r = rpc_client_new(&cfg, &addr, &l->client);
	if (r < 0) {
		log_err("cannot link to a node: node=%s address=%s error=%s", m->name, m->rpc_addr,
			log_errno(r));
		free(l);
		return r;
	}
	list_append(&p->links, &l->link);
	return 0;
}

static bool still_wanted(const struct link *l, const struct view *v)
{
	const struct view_member *m = view_find(v, l->node);

	return m && m->incarnation == l->incarnation && l->worker < m->workers &&
	       l->version == level_row(v->level)->rpc;
}

void peers_view(struct peers *p, const struct view *v)
{
	struct link *l, *tmp;
	uint32_t i, k;

	list_foreach_safe(l, tmp, &p->links, link) {
		if (!still_wanted(l, v))
			link_drop(l);
	}
	for (i = 0; i < v->n; i++) {
		const struct view_member *m = &v->members[i];

		if (m->node_id == p->worker->smbd->node_id || !m->incarnation)
			continue;
		for (k = 0; k < m->workers; k++) {
			if (!link_find(p, m->node_id, k) && link_add(p, m, k, level_row(v->level)->rpc) < 0)
				break; /* logged; the next view tries again */
		}
	}
	view_unref(p->view);
	p->view = view_ref(v);
}

/* --- messages of the lock layer and of the notify module --- */

struct peer_mail {
	struct mail mail;
	struct worker *to;
	uint32_t method;
	size_t n;
	uint8_t data[];
};

static void peer_mail_run(struct mail *m)
{
	struct peer_mail *pm = container_of(m, struct peer_mail, mail);
	struct worker *to = pm->to;

	if (pm->method == METHOD_LOCK && to->lock)
		lockc_receive(to->lock, to->smbd->node_id, BLOB(pm->data, pm->n));
	if (pm->method == METHOD_NOTIFY && to->notify)
		ntf_receive(to->notify, to->smbd->node_id, BLOB(pm->data, pm->n));
	free(pm);
}

static void send_here(struct smbd *s, uint32_t worker, uint32_t method, struct blob msg)
{
	struct peer_mail *pm = worker < s->n_workers ? malloc(sizeof(*pm) + msg.len) : NULL;

	if (!pm)
		return; /* a loss: it is asked again */
	pm->mail.run = peer_mail_run;
	pm->to = &s->workers[worker];
	pm->method = method;
	pm->n = msg.len;
	memcpy(pm->data, msg.data, msg.len);
	loop_post(pm->to->loop, &pm->mail);
}

static void send_to(struct peers *p, uint32_t node, uint32_t worker, uint32_t method,
		    struct blob msg)
{
	struct link *l;

	if (node == p->worker->smbd->node_id) {
		send_here(p->worker->smbd, worker, method, msg);
		return;
	}
	l = link_find(p, node, worker);
	if (l)
		(void)rpc_send(l->client, method, msg);
}

static void net_send(struct lk_net *net, uint32_t node, uint32_t worker, struct blob msg)
{
	send_to(container_of(net, struct peers, net), node, worker, METHOD_LOCK, msg);
}

static void ntf_net_send(struct ntf_net *net, uint32_t node, uint32_t worker, struct blob msg)
{
	send_to(container_of(net, struct peers, ntf_net), node, worker, METHOD_NOTIFY, msg);
}

struct lk_net *peers_lk_net(struct peers *p)
{
	return &p->net;
}

struct ntf_net *peers_ntf_net(struct peers *p)
{
	return &p->ntf_net;
}

int peers_end_session(struct worker *worker, struct session_home home, uint64_t id,
		      const struct sid *owner)
{
	struct peers *p = worker->peers;
	uint8_t buf[8 + SID_WIRE_MAX];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct link *l;

	if (!p)
		return -ENOENT;
	list_foreach(l, &p->links, link) {
		if ((l->node & 0xffff) != home.node || l->worker != home.worker)
			continue;
		wr_le64(&w, id);
		wr_sid(&w, owner);
		if (wr_end(&w) < 0)
			return -EINVAL;
		return rpc_call(l->client, METHOD_END_SESSION, wr_blob(&w),
				loop_now(p->worker->loop) + END_SESSION_TIMEOUT, NULL, NULL);
	}
	return -ENOENT;
}

/* --- life --- */

int peers_new(struct worker *w, const struct rpc_key *key, struct peers **ret)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->net.send = net_send;
	p->ntf_net.send = ntf_net_send;
	p->worker = w;
	p->key = key;
	list_init(&p->links);
	*ret = p;
	return 0;
}

void peers_free(struct peers *p)
{
	struct link *l;

	if (!p)
		return;
	while ((l = list_first(&p->links, struct link, link))) {
		list_remove(&l->link);
		rpc_client_free(l->client);
		free(l);
	}
	task_shield_begin();
	p->waiter = task_current();
	while (p->closing > 0)
		(void)task_park();
	task_shield_end();
	view_unref(p->view);
	free(p);
}
