/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages between lock modules: mail on the node, RPC between nodes. A `struct end` belongs to its
 * worker's thread; the rest of `struct rpc_net` does not change after rpc_net_new().
 */
#include "tests/unit/smbd-lock/rpc_net.h"

#include "node/log/log.h"
#include "node/rpc/rpc.h"

#define M_MSG 1u /* one-way: the bytes of a message */

/* A connection to one worker of another node. */
struct link {
	struct list link;
	struct end *end;
	struct place to;
	struct rpc_client *client;
	bool keep; /* scratch */
};

/* What one worker has. */
struct end {
	struct lk_net net;
	struct rpc_net *n;
	unsigned int worker;
	struct loop *loop;
	struct lockc *lockc; /* NULL: detached */
	struct list links;
	unsigned int dropping; /* links whose closing runs in a task */
};

struct rpc_net {
	struct rpc_server *server;
	const struct rpc_key *key;
	struct rpc_hello self;
	unsigned int n_workers;
	struct end ends[];
};

struct local_msg {
	struct mail mail;
	struct end *to;
	uint32_t from_node;
	size_t len;
	uint8_t data[];
};

static void run_local(struct mail *mail)
{
	struct local_msg *m = container_of(mail, struct local_msg, mail);

	if (m->to->lockc)
		lockc_receive(m->to->lockc, m->from_node, BLOB(m->data, m->len));
	free(m);
}

static void send_local(struct rpc_net *n, uint32_t worker, struct blob msg)
{
	struct local_msg *m = worker < n->n_workers ? malloc(sizeof(*m) + msg.len) : NULL;

	if (!m)
		return;
	*m = (struct local_msg){ .mail = { .run = run_local },
				 .to = &n->ends[worker],
				 .from_node = n->self.node_id,
				 .len = msg.len };
	memcpy(m->data, msg.data, msg.len);
	loop_post(m->to->loop, &m->mail);
}

static struct link *link_find(struct end *e, uint32_t node, uint32_t worker)
{
	struct link *l;

	list_foreach(l, &e->links, link)
		if (l->to.node == node && l->to.worker == worker)
			return l;
	return NULL;
}

static void net_send(struct lk_net *net, uint32_t node, uint32_t worker, struct blob msg)
{
	struct end *e = container_of(net, struct end, net);
	struct link *l;

	if (node == e->n->self.node_id) {
		send_local(e->n, worker, msg);
		return;
	}
	l = link_find(e, node, worker);
	if (l)
		(void)rpc_send(l->client, M_MSG, msg); /* a failure is a loss: lockc asks again */
}

/* --- what comes in --- */

static void on_msg(struct rpc_request *rq)
{
	struct rpc_net *n = rq->arg;
	const struct rpc_hello *peer = rq->conn ? rpc_conn_peer(rq->conn) : NULL;

	/* Served on the loop of the worker that the peer named. */
	if (peer && peer->to_worker < n->n_workers && n->ends[peer->to_worker].lockc)
		lockc_receive(n->ends[peer->to_worker].lockc, peer->node_id, rq->payload);
	if (!rq->oneway)
		rpc_reply(rq, BLOB(NULL, 0));
}

static const struct rpc_method methods[] = {
	{ M_MSG, "lock message", on_msg, true },
	RPC_METHODS_END,
};

/* --- links --- */

static int on_up(struct rpc_conn *c, void *arg)
{
	const struct link *l = arg;

	if (rpc_conn_peer(c)->incarnation != l->to.incarnation)
		return -ESTALE; /* another run of that node's smbd: a view will tell */
	if (l->end->lockc)
		lockc_linked(l->end->lockc, &l->to);
	return 0;
}

static int link_new(struct end *e, const struct view_member *m, uint32_t worker)
{
	struct rpc_client_config cfg = { .loop = e->loop,
					 .key = e->n->key,
					 .self = e->n->self,
					 .peer_node = m->node_id,
					 .peer_name = m->name,
					 .ops = { .up = on_up } };
	struct net_addr addr;
	struct link *l;
	int r = net_addr_parse(m->rpc_addr, 0, &addr);

	if (r < 0) {
		log_err("lock: a member of the view has a bad address: node=%u addr=%s", m->node_id,
			log_esc(m->rpc_addr));
		return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->end = e;
	l->to = (struct place){ .node = m->node_id,
				.worker = worker,
				.incarnation = m->incarnation };
	cfg.self.worker = e->worker;
	cfg.self.to_worker = worker;
	cfg.ops.arg = l;
	list_append(&e->links, &l->link);
	r = rpc_client_new(&cfg, &addr, &l->client);
	if (r < 0) {
		list_remove(&l->link);
		free(l);
	}
	return r;
}

static void link_free(struct link *l)
{
	list_remove(&l->link);
	rpc_client_free(l->client);
	free(l);
}

static void free_in_task(void *arg)
{
	struct link *l = arg;
	struct end *e = l->end;

	link_free(l);
	e->dropping--;
}

/* Closing waits: in a task of its own. */
static void drop_links(struct end *e)
{
	struct link *l, *tmp;

	list_foreach_safe(l, tmp, &e->links, link) {
		if (l->keep)
			continue;
		list_remove(&l->link);
		if (task_spawn(e->loop, free_in_task, l, NULL) < 0)
			list_append(&e->links, &l->link); /* goes with the next view */
		else
			e->dropping++;
	}
}

static int keep_or_make(struct end *e, const struct view_member *m)
{
	for (uint32_t w = 0; w < m->workers; w++) {
		int r = link_find(e, m->node_id, w) ? 0 : link_new(e, m, w);

		if (r < 0)
			return r;
	}
	return 0;
}

int rpc_net_view(struct rpc_net *n, unsigned int worker, const struct view *v)
{
	struct end *e = &n->ends[worker];
	struct link *l;

	list_foreach(l, &e->links, link)
		l->keep = view_has(v, l->to.node, l->to.incarnation);
	drop_links(e);
	for (uint32_t i = 0; i < v->n; i++) {
		const struct view_member *m = &v->members[i];
		int r = 0;

		if (m->incarnation != 0 && m->node_id != n->self.node_id)
			r = keep_or_make(e, m);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- life --- */

int rpc_net_new(const struct rpc_net_config *cfg, struct rpc_net **ret)
{
	struct rpc_net *n = calloc(1, sizeof(*n) + cfg->n_workers * sizeof(n->ends[0]));
	struct rpc_listen_config l;
	int e;

	if (!n)
		return -ENOMEM;
	n->key = cfg->key;
	n->n_workers = cfg->n_workers;
	n->self.node_id = cfg->node;
	n->self.incarnation = cfg->incarnation;
	strncpy(n->self.name, cfg->name, RPC_NAME_MAX);
	for (unsigned int i = 0; i < cfg->n_workers; i++) {
		n->ends[i] = (struct end){
			.net = { .send = net_send }, .n = n, .worker = i, .loop = cfg->loops[i]
		};
		list_init(&n->ends[i].links);
	}
	l = (struct rpc_listen_config){ .loop = cfg->loops[0],
					.key = cfg->key,
					.self = n->self,
					.loops = cfg->loops,
					.nloops = cfg->n_workers,
					.ops = { .methods = methods, .arg = n } };
	e = rpc_listen(&l, &cfg->listen, &n->server);
	if (e < 0) {
		free(n);
		return e;
	}
	*ret = n;
	return 0;
}

void rpc_net_free(struct rpc_net *n)
{
	if (!n)
		return;
	rpc_server_free(n->server);
	free(n);
}

void rpc_net_addr(const struct rpc_net *n, struct net_addr *ret)
{
	rpc_server_addr(n->server, ret);
}

struct lk_net *rpc_net_worker(struct rpc_net *n, unsigned int worker)
{
	return &n->ends[worker].net;
}

void rpc_net_attach(struct rpc_net *n, unsigned int worker, struct lockc *c)
{
	n->ends[worker].lockc = c;
}

void rpc_net_detach(struct rpc_net *n, unsigned int worker)
{
	struct end *e = &n->ends[worker];
	struct link *l;

	e->lockc = NULL;
	while ((l = list_first(&e->links, struct link, link)))
		link_free(l);
	while (e->dropping > 0)
		(void)task_sleep(1000000);
}
