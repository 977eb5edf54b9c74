/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection: a task that reads and starts what was asked, a task that sends what was queued. On
 * the owner's loop. */
#include <stdio.h>

#include "node/log/log.h"
#include "node/rpc/rpc_priv.h"

#define RX_CHUNK ((size_t)64 << 10)

/* --- owners --- */

void owner_init(struct rpc_owner *o, struct loop *l, const struct rpc_conn_ops *ops,
		const struct rpc_hello *self)
{
	*o = (struct rpc_owner){ .loop = l, .ops = *ops, .self = *self };
	list_init(&o->conns);
	list_init(&o->handlers);
}

void owner_get(struct rpc_owner *o)
{
	o->users++;
}

void owner_put(struct rpc_owner *o)
{
	assert(o->users);
	if (--o->users == 0 && o->stopping)
		o->idle(o);
}

void owner_stop(struct rpc_owner *o)
{
	struct rpc_conn *c;

	owner_get(o);
	o->stopping = true;
	list_foreach(c, &o->conns, link)
		rpc_conn_shut(c, -ESHUTDOWN);
	serve_cancel(o);
	owner_put(o);
}

/* --- life --- */

int rpc_conn_new(int fd, const struct rpc_key *key, bool server, struct rpc_conn **ret)
{
	struct rpc_conn *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	r = stream_init(&c->stream, fd, key, server);
	if (r < 0) {
		free(c);
		return r;
	}
	list_init(&c->link);
	list_init(&c->requests);
	*ret = c;
	return 0;
}

void rpc_conn_free(struct rpc_conn *c)
{
	if (!c)
		return;
	assert(list_empty(&c->requests) && !c->calls.count && !c->writer);
	stream_done(&c->stream);
	htable_done(&c->calls);
	buf_done(&c->rx);
	buf_done(&c->tx);
	free(c);
}

void rpc_conn_shut(struct rpc_conn *c, int why)
{
	if (c->closing)
		return;
	c->closing = true;
	c->why = why;
	shutdown(c->stream.fd, SHUT_RDWR); /* ends what both tasks wait for */
	rpc_conn_wake_writer(c);
}

void rpc_conn_close(struct rpc_conn *c)
{
	rpc_conn_shut(c, -ECONNABORTED);
}

const struct rpc_hello *rpc_conn_peer(const struct rpc_conn *c)
{
	return &c->peer;
}

const char *rpc_conn_name(const struct rpc_conn *c)
{
	return c->name;
}

void rpc_conn_set_data(struct rpc_conn *c, void *data)
{
	c->data = data;
}

void *rpc_conn_data(const struct rpc_conn *c)
{
	return c->data;
}

/* --- sending --- */

void rpc_conn_wake_writer(struct rpc_conn *c)
{
	if (c->writer)
		task_wake(c->writer);
}

int rpc_conn_queue(struct rpc_conn *c, enum rpc_kind kind, uint32_t method, uint64_t id,
		   struct blob payload)
{
	if (c->closing)
		return -ENOTCONN;
	if (buf_room(&c->tx, RPC_HEAD + payload.len) < 0)
		return -ENOMEM;
	rpc_frame_head(c->tx.data + c->tx.len, kind, method, id, payload.len);
	if (payload.len)
		memcpy(c->tx.data + c->tx.len + RPC_HEAD, payload.data, payload.len);
	c->tx.len += RPC_HEAD + payload.len;
	rpc_conn_wake_writer(c);
	return 0;
}

/* The peer waits for an answer: when not even this fits into memory, the end of the connection is
 * the answer. */
void rpc_conn_queue_error(struct rpc_conn *c, uint64_t id, int code)
{
	uint8_t b[RPC_HEAD + 4];
	struct wr w = wr_fixed(b, sizeof(b));

	if (c->closing)
		return;
	rpc_error_write(&w, id, code, "");
	if (buf_add(&c->tx, b, w.len) < 0)
		rpc_conn_shut(c, -ENOMEM);
	rpc_conn_wake_writer(c);
}

static void writer_main(void *arg)
{
	struct rpc_conn *c = arg;
	struct buf b, spare = { 0 };
	int r = 0;

	while (!c->closing && r == 0) {
		b = c->tx;
		if (!buf_used(&b) && !stream_wants_write(&c->stream)) {
			r = task_park();
			continue;
		}
		c->tx = spare;
		c->tx_taken += buf_used(&b);
		r = stream_write(&c->stream, b.data + b.pos, buf_used(&b), 0);
		buf_consume(&b, buf_used(&b)); /* gives memory back that was for once */
		spare = b;
	}
	buf_done(&spare);
	if (r < 0)
		rpc_conn_shut(c, r == -EPIPE ? -ECONNRESET : r);
	c->writer = NULL;
	if (c->reader)
		task_wake(c->reader);
}

/* --- receiving --- */

/* Reads until a whole frame of at most `max` bytes is at the front. 0, -EBADMSG, -ECONNRESET, or as
 * stream_read(). */
static int next_frame(struct rpc_conn *c, size_t max, uint64_t deadline, struct rpc_frame *ret,
		      size_t *ret_size)
{
	size_t want, used;
	int r;

	for (;;) {
		used = buf_used(&c->rx);
		r = rpc_frame_parse(used ? c->rx.data + c->rx.pos : NULL, used, max, ret, &want);
		if (r <= 0) {
			if (r == 0)
				*ret_size = want;
			return r;
		}
		want = MAX(want - used, RX_CHUNK);
		r = buf_room(&c->rx, want);
		if (r < 0)
			return r;
		r = stream_read(&c->stream, c->rx.data + c->rx.len, c->rx.cap - c->rx.len,
				deadline);
		if (stream_wants_write(&c->stream))
			rpc_conn_wake_writer(c);
		if (r < 0)
			return r;
		if (r == 0)
			return -ECONNRESET;
		c->rx.len += (size_t)r;
	}
}

static int dispatch(struct rpc_conn *c, const struct rpc_frame *f)
{
	switch (f->kind) {
	case RPC_REQUEST:
	case RPC_ONEWAY:
		return serve_start(c, f);
	case RPC_REPLY:
	case RPC_ERROR:
		return calls_complete(c, f);
	default:
		return -EBADMSG;
	}
}

static void read_all(struct rpc_conn *c)
{
	struct rpc_frame f;
	size_t size;
	int r = 0;

	while (!c->closing && r == 0) {
		r = next_frame(c, RPC_FRAME_MAX, 0, &f, &size);
		if (r == 0 && !c->closing)
			r = dispatch(c, &f);
		if (r == 0)
			buf_consume(&c->rx, size);
	}
	if (r == -EBADMSG)
		log_warn("rpc: the peer sent what is not a frame: peer=%s", log_esc(c->name));
	rpc_conn_shut(c, r < 0 ? r : -ECONNRESET);
}

/* --- introduction --- */

int rpc_conn_read_hello(struct rpc_conn *c, uint64_t deadline)
{
	struct rpc_frame f;
	struct blob text;
	uint32_t version;
	size_t size;
	int code, r;

	r = next_frame(c, RPC_HELLO_FRAME_MAX, deadline, &f, &size);
	if (r < 0)
		return r;
	if (f.kind == RPC_ERROR && rpc_error_parse(f.payload, &code, &text) == 0) {
		memcpy(c->refusal, text.data, text.len);
		return -ECONNABORTED;
	}
	if (f.kind != RPC_HELLO)
		return -EBADMSG;
	r = rpc_hello_parse(f.payload, &c->peer, &version);
	if (r > 0) {
		c->peer_version = version;
		return -EPROTONOSUPPORT;
	}
	if (r == 0)
		buf_consume(&c->rx, size);
	return r;
}

void rpc_conn_refuse(struct rpc_conn *c, int code, const char *text, uint64_t deadline)
{
	uint8_t b[RPC_HEAD + 4 + RPC_ERROR_TEXT_MAX];
	struct wr w = wr_fixed(b, sizeof(b));

	rpc_error_write(&w, 0, code, text);
	if (stream_write(&c->stream, b, w.len, deadline) == 0)
		shutdown(c->stream.fd, SHUT_WR);
}

int rpc_conn_introduce_client(struct rpc_conn *c, const struct rpc_hello *self, uint64_t deadline)
{
	uint8_t b[RPC_HEAD + RPC_HELLO_FRAME_MAX];
	struct wr w = wr_fixed(b, sizeof(b));
	int r;

	r = stream_handshake(&c->stream, deadline);
	if (r < 0)
		return r;
	rpc_hello_write(&w, self);
	r = stream_write(&c->stream, b, w.len, deadline);
	if (r < 0)
		return r;
	r = rpc_conn_read_hello(c, deadline);
	if (r == 0 && c->peer.version != (self->version ?: rpc_version_min())) {
		c->peer_version = c->peer.version;
		return -EPROTONOSUPPORT;
	}
	return r;
}

/* Our hello, in the version that the peer asked for, goes out before anything that `up` may queue. */
static int welcome_peer(struct rpc_conn *c)
{
	uint8_t b[RPC_HEAD + RPC_HELLO_FRAME_MAX];
	struct rpc_hello self = c->owner->self;
	struct wr w = wr_fixed(b, sizeof(b));

	self.version = c->peer.version;
	rpc_hello_write(&w, &self);
	return buf_add(&c->tx, b, w.len);
}

static int bring_up(struct rpc_conn *c, bool welcome)
{
	struct rpc_owner *o = c->owner;
	int r;

	if (o->stopping)
		return -ESHUTDOWN;
	if (welcome && (r = welcome_peer(c)) < 0)
		return r;
	if (o->ops.up && (r = o->ops.up(c, o->ops.arg)) < 0) {
		buf_done(&c->tx);
		if (welcome)
			rpc_conn_refuse(c, -EPERM, "not wanted here",
					loop_now(o->loop) + UINT64_C(1000000000));
		return -EPERM;
	}
	r = task_spawn(o->loop, writer_main, c, &c->writer);
	if (r < 0 && o->ops.down)
		o->ops.down(c, r, o->ops.arg);
	return r;
}

int rpc_conn_run(struct rpc_conn *c, struct rpc_owner *o, bool welcome)
{
	int r;

	owner_get(o);
	c->owner = o;
	c->reader = task_current();
	list_append(&o->conns, &c->link);
	r = bring_up(c, welcome);
	if (r == 0) {
		read_all(c);
		task_shield_begin();
		calls_abort(c);
		serve_detach(c);
		while (c->writer)
			task_park();
		task_shield_end();
		r = c->why;
		if (o->ops.down)
			o->ops.down(c, r, o->ops.arg);
		calls_abort(c); /* `down` may have called in vain */
	} else {
		c->closing = true;
		calls_abort(c);
	}
	list_remove(&c->link);
	rpc_conn_free(c);
	owner_put(o);
	return r;
}
