/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests of the peer: found in the method table, run in order of arrival, answered once. On the
 * connection's loop. */
#include "node/log/log.h"
#include "node/rpc/rpc_priv.h"

/* A request with its payload behind it; lives until it was answered and its handler has returned.
 */
struct served {
	struct rpc_request rq;
	struct list conn_link; /* rpc_conn.requests, while there is a connection */
	struct list link; /* rpc_owner.handlers, while its task runs */
	struct rpc_owner *owner;
	rpc_handler *handler;
	struct task *task;
	uint64_t id;
	bool answered, returned;
	struct arena arena;
	uint8_t payload[];
};

static void served_release(struct served *s)
{
	if (!s->answered || !s->returned)
		return;
	if (s->rq.conn) {
		list_remove(&s->conn_link);
		s->rq.conn->nrequests--;
	}
	arena_reset(&s->arena);
	free(s);
}

void rpc_reply(struct rpc_request *rq, struct blob payload)
{
	struct served *s = container_of(rq, struct served, rq);

	assert(payload.len <= RPC_PAYLOAD_MAX);
	if (rq->oneway)
		return;
	assert(!s->answered);
	s->answered = true;
	if (rq->conn && rpc_conn_queue(rq->conn, RPC_REPLY, rq->method, s->id, payload) == -ENOMEM)
		rpc_conn_shut(rq->conn, -ENOMEM);
	served_release(s);
}

void rpc_fail(struct rpc_request *rq, int code)
{
	struct served *s = container_of(rq, struct served, rq);

	assert(code > 0);
	if (rq->oneway)
		return;
	assert(!s->answered);
	s->answered = true;
	if (rq->conn)
		rpc_conn_queue_error(rq->conn, s->id, code);
	served_release(s);
}

static void run(struct served *s)
{
	s->handler(&s->rq);
	list_remove(&s->link);
	s->returned = true;
	served_release(s);
}

static void handler_main(void *arg)
{
	struct served *s = arg;
	struct rpc_owner *o = s->owner;

	run(s);
	owner_put(o);
}

static const struct rpc_method *find_method(const struct rpc_owner *o, uint32_t method)
{
	for (const struct rpc_method *m = o->ops.methods; m && m->handler; m++)
		if (m->method == method)
			return m;
	return NULL;
}

static struct served *served_new(struct rpc_conn *c, const struct rpc_method *m,
				 const struct rpc_frame *f)
{
	struct served *s = malloc(sizeof(*s) + f->payload.len);

	if (!s)
		return NULL;
	*s = (struct served){
		.owner = c->owner,
		.handler = m->handler,
		.id = f->id,
		.rq = {
			.conn = c,
			.method = f->method,
			.payload = BLOB(s->payload, f->payload.len),
			.arena = &s->arena,
			.oneway = f->kind == RPC_ONEWAY,
			.arg = c->owner->ops.arg,
		},
	};
	if (f->payload.len)
		memcpy(s->payload, f->payload.data, f->payload.len);
	s->answered = s->rq.oneway; /* nothing to answer */
	arena_init(&s->arena, 0);
	list_init(&s->link);
	list_append(&c->requests, &s->conn_link);
	c->nrequests++;
	return s;
}

static int refuse(struct rpc_conn *c, const struct rpc_frame *f, int code)
{
	static struct log_rl rl;

	if (f->kind == RPC_REQUEST)
		rpc_conn_queue_error(c, f->id, code);
	else if (log_ratelimit(&rl, 1))
		log_warn("rpc: a one-way message was dropped: peer=%s method=%u error=%s",
			 log_esc(c->name), f->method, log_errno(code));
	return 0;
}

int serve_start(struct rpc_conn *c, const struct rpc_frame *f)
{
	const struct rpc_method *m = find_method(c->owner, f->method);
	struct served *s;

	if (!m)
		return refuse(c, f, -ENOSYS);
	if (c->nrequests >= RPC_REQUESTS_MAX)
		return refuse(c, f, -EBUSY);
	s = served_new(c, m, f);
	if (!s)
		return refuse(c, f, -EBUSY);
	if (m->nowait) {
		run(s);
		return 0;
	}
	if (task_spawn(c->owner->loop, handler_main, s, &s->task) < 0) {
		s->returned = s->answered = true;
		served_release(s);
		return refuse(c, f, -EBUSY);
	}
	owner_get(c->owner);
	list_append(&c->owner->handlers, &s->link);
	return 0;
}

void serve_detach(struct rpc_conn *c)
{
	struct served *s;

	while ((s = list_first(&c->requests, struct served, conn_link))) {
		list_remove(&s->conn_link);
		s->rq.conn = NULL;
	}
	c->nrequests = 0;
}

void serve_cancel(struct rpc_owner *o)
{
	struct served *s;

	list_foreach(s, &o->handlers, link)
		task_cancel(s->task);
}
