/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls that we make on a connection: sent, awaited, completed, aborted. On the connection's loop.
 */
#include "node/rpc/rpc_priv.h"

static void finish(struct rpc_conn *c, struct pending *p, int result)
{
	htable_remove(&c->calls, &p->node);
	p->result = result;
	p->done = true;
	task_wake(p->task);
}

int calls_complete(struct rpc_conn *c, const struct rpc_frame *f)
{
	struct hnode *n = htable_find(&c->calls, f->id);
	struct pending *p = n ? htable_entry(n, struct pending, node) : NULL;
	struct blob text;
	void *copy;
	int code;

	if (f->kind == RPC_ERROR) {
		if (rpc_error_parse(f->payload, &code, &text) < 0)
			return -EBADMSG;
		/* From a layer of another release anything may come: what we do not promise becomes
		 * -EREMOTEIO. */
		if (code < 0 && code != -ENOSYS && code != -EBUSY)
			code = -EREMOTEIO;
		if (p)
			finish(c, p, code);
		return 0;
	}
	if (!p)
		return 0; /* its caller gave up */
	if (!p->ret) {
		finish(c, p, 0);
		return 0;
	}
	copy = arena_memdup(p->arena, f->payload.data, f->payload.len);
	if (copy)
		*p->ret = BLOB(copy, f->payload.len);
	finish(c, p, copy ? 0 : -ENOMEM);
	return 0;
}

void calls_abort(struct rpc_conn *c)
{
	struct htable_iter it;
	struct hnode *n;
	struct pending *p;

	htable_foreach(n, &it, &c->calls) {
		p = htable_entry(n, struct pending, node);
		finish(c, p, p->start >= c->tx_taken ? -ENOTCONN : -ECONNRESET);
	}
}

/* The connection may be gone when this returns. */
static int await(struct rpc_conn *c, struct pending *p, uint64_t deadline)
{
	int r = 0;

	while (!p->done && r == 0)
		r = task_park_until(deadline);
	if (!p->done) {
		htable_remove(&c->calls, &p->node);
		return r;
	}
	if (r == -ECANCELED)
		task_cancel(task_current()); /* it came with the reply: for the next wait */
	return p->result;
}

int rpc_conn_call(struct rpc_conn *c, uint32_t method, struct blob payload, uint64_t deadline,
		  struct arena *a, struct blob *ret)
{
	struct pending p = { .task = task_current(), .arena = a, .ret = a ? ret : NULL };
	int r;

	assert(p.task);
	if (payload.len > RPC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (buf_used(&c->tx) > RPC_QUEUE_MAX)
		return -EBUSY;
	p.start = c->tx_taken + buf_used(&c->tx);
	r = rpc_conn_queue(c, RPC_REQUEST, method, ++c->next_id, payload);
	if (r < 0)
		return r;
	htable_insert(&c->calls, &p.node, c->next_id);
	return await(c, &p, deadline);
}

int rpc_conn_send(struct rpc_conn *c, uint32_t method, struct blob payload)
{
	if (payload.len > RPC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (buf_used(&c->tx) > RPC_QUEUE_MAX)
		return -ENOBUFS;
	return rpc_conn_queue(c, RPC_ONEWAY, method, 0, payload);
}
