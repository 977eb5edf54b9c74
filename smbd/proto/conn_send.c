/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way out of a connection: finished messages are queued, and one sender task at a time writes
 * as many as fit in one system call. While this node may not serve, nothing leaves. Home worker's
 * thread.
 */
#include "node/log/log.h"
#include "node/loop/io.h"
#include "smbd/proto/chain.h"

#define SEND_IOV_MAX 128
#define SEND_BATCH_BYTES (1u << 20)
/* How long a client may take no byte before it is dropped. */
#define SEND_TIMEOUT (60 * UINT64_C(1000000000))
/* How long responses are held while the right to serve is stale; clients are better off elsewhere
 * then. */
#define HOLD_TIMEOUT (20 * UINT64_C(1000000000))

void smb_out_free(struct smb_out *out)
{
	struct chain *ch = out->chain;
	unsigned int i;

	for (i = 0; i < out->n_datas; i++) {
		if (out->datas[i].free)
			out->datas[i].free(out->datas[i].arg);
	}
	if (ch)
		chain_unref(ch);
	else
		free(out);
}

static void drop_queued(struct conn *c)
{
	struct smb_out *out;

	while ((out = list_first(&c->out, struct smb_out, link))) {
		list_remove(&out->link);
		c->out_bytes -= out->bytes;
		c->out_count--;
		smb_out_free(out);
	}
}

/* Moves queued messages to `batch` as far as they fit; returns the number of iovecs. */
static int gather(struct conn *c, struct list *batch, struct iovec *iov)
{
	struct smb_out *out;
	size_t bytes = 0;
	int n = 0;

	while ((out = list_first(&c->out, struct smb_out, link))) {
		if (n > 0 &&
		    (n + out->iovcnt > SEND_IOV_MAX || bytes + out->bytes > SEND_BATCH_BYTES))
			break;
		if (out->iovcnt > SEND_IOV_MAX)
			break;
		memcpy(iov + n, out->iov, (size_t)out->iovcnt * sizeof(*iov));
		n += out->iovcnt;
		bytes += out->bytes;
		list_remove(&out->link);
		list_append(batch, &out->link);
	}
	return n;
}

static void batch_free(struct conn *c, struct list *batch)
{
	struct smb_out *out;

	while ((out = list_first(batch, struct smb_out, link))) {
		list_remove(&out->link);
		c->out_bytes -= out->bytes;
		c->out_count--;
		smb_out_free(out);
	}
	conn_check_room(c);
}

static int send_batch(struct conn *c)
{
	struct iovec iov[SEND_IOV_MAX], *v = iov;
	struct list batch = LIST_INIT(batch);
	struct smb_out *big;
	int n, r;

	if (!worker_may_serve(c->worker)) {
		r = worker_wait_serve(c->worker, loop_now(c->worker->loop) + HOLD_TIMEOUT);
		if (r < 0 || c->dead)
			return r < 0 ? r : -ECANCELED;
	}
	n = gather(c, &batch, iov);
	if (n == 0) { /* a compound with more pieces than a batch takes */
		big = list_first(&c->out, struct smb_out, link);
		list_remove(&big->link);
		list_append(&batch, &big->link);
		v = big->iov;
		n = big->iovcnt;
	}
	r = io_send_full(c->fd, v, n, loop_now(c->worker->loop) + SEND_TIMEOUT);
	batch_free(c, &batch);
	return r;
}

static void sender(void *arg)
{
	struct conn *c = arg;
	int r = 0;

	c->sender = task_current();
	while (!c->dead && !list_empty(&c->out) && r >= 0)
		r = send_batch(c);
	c->sender = NULL;
	c->sending = false;
	if (r < 0 && !c->dead)
		conn_drop(c, r == -ETIME ? "client takes no data, or this node may not serve" :
					   "send failed");
	if (c->dead)
		drop_queued(c);
	if (c->dead && c->reader)
		task_wake(c->reader);
	conn_unref(c);
}

static bool responds_first(const struct conn *c, const struct smb_out *out)
{
	const struct chain *ch;

	list_foreach(ch, &c->chains, link) {
		if (ch->serial >= out->behind)
			break;
		if (ch->changes && !ch->waits)
			return true;
	}
	return false;
}

void conn_let_go(struct conn *c)
{
	struct smb_out *out;

	while ((out = list_first(&c->held, struct smb_out, link)) && !responds_first(c, out)) {
		list_remove(&out->link);
		conn_queue(c, out);
	}
}

void conn_queue_behind(struct conn *c, struct smb_out *out)
{
	out->behind = c->next_chain;
	list_append(&c->held, &out->link);
	conn_let_go(c);
}

void conn_queue(struct conn *c, struct smb_out *out)
{
	if (c->dead) {
		smb_out_free(out);
		return;
	}
	list_append(&c->out, &out->link);
	c->out_bytes += out->bytes;
	c->out_count++;
	conn_check_room(c);
	if (c->sending)
		return;
	c->sending = true;
	if (task_spawn(c->worker->loop, sender, conn_ref(c), NULL) < 0) {
		c->sending = false;
		conn_unref(c);
		conn_drop(c, "out of memory");
		drop_queued(c);
	}
}
