/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The link to corosync: connecting, the process group, sending. On clusterd's loop. */
#include "clusterd/cs.h"

#include <poll.h>
#include <stdio.h>

#include "clusterd/cs_priv.h"
#include "node/base/clock.h"
#include "node/log/log.h"

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 2000
#define SEND_RETRY_MS 2
#define GROUP "holdfast"
#define MSG_MAX (1u << 20) /* corosync's own limit for one message is a little below */

static struct cs *cs_of(cpg_handle_t h)
{
	void *arg = NULL;

	cpg_context_get(h, &arg);
	return arg;
}

static void schedule_connect(struct cs *c);

/* --- callbacks of CPG; all within cpg_dispatch() --- */

static void on_message(cpg_handle_t h, const struct cpg_name *group, uint32_t node_id, uint32_t pid, void *p,
		       size_t n)
{
	struct cs *c = cs_of(h);

	c->ops->message(c->arg, node_id, pid, BLOB(p, n));
}

static void tell_config(struct cs *c)
{
	/* The first report of the ring may come after the first one of the members. */
	if (c->have_ring && c->n_procs)
		c->ops->config(c->arg, &c->ring, c->procs, c->n_procs);
}

static void on_members(cpg_handle_t h, const struct cpg_name *group, const struct cpg_address *members, size_t n,
		       const struct cpg_address *left, size_t n_left, const struct cpg_address *joined,
		       size_t n_joined)
{
	struct cs *c = cs_of(h);
	size_t i;

	c->n_procs = (uint32_t)MIN(n, (size_t)VIEW_MEMBERS_MAX);
	for (i = 0; i < c->n_procs; i++)
		c->procs[i] = (struct vcore_proc){ members[i].nodeid, members[i].pid };
	for (i = 0; i < n_left; i++)
		log_info("a clusterd left the group: node=%u pid=%u reason=%s", left[i].nodeid, left[i].pid,
			 left[i].reason == CPG_REASON_NODEDOWN	 ? "node-down" :
			 left[i].reason == CPG_REASON_PROCDOWN ? "process-down" :
								 "leave");
	for (i = 0; i < n_joined; i++)
		log_info("a clusterd joined the group: node=%u pid=%u", joined[i].nodeid, joined[i].pid);
	tell_config(c);
}

static void on_ring(cpg_handle_t h, struct cpg_ring_id ring, uint32_t n, const uint32_t *members)
{
	struct cs *c = cs_of(h);

	c->ring = (struct vcore_ring){ ring.nodeid, ring.seq };
	c->have_ring = true;
	tell_config(c);
}

/* --- life --- */

static void drop_queue(struct cs *c)
{
	struct cs_out *o;

	while ((o = c->out)) {
		c->out = o->next;
		free(o);
	}
	c->out_tail = &c->out;
	c->out_bytes = 0;
}

/* Leaves no connection; harmless on any of them being absent. */
static void disconnect(struct cs *c)
{
	if (c->cpg_fd >= 0)
		qb_loop_poll_del(c->loop, c->cpg_fd);
	if (c->vq_fd >= 0)
		qb_loop_poll_del(c->loop, c->vq_fd);
	if (c->cpg)
		cpg_finalize(c->cpg);
	if (c->vq)
		votequorum_finalize(c->vq);
	if (c->cmap)
		cmap_finalize(c->cmap);
	if (c->send_timer)
		qb_loop_timer_del(c->loop, c->send_timer);
	c->send_timer = 0;
	c->cpg = 0;
	c->vq = 0;
	c->cmap = 0;
	c->cpg_fd = c->vq_fd = -1;
	c->have_ring = false;
	c->n_procs = 0;
	drop_queue(c);
}

static void lost(struct cs *c, const char *what, cs_error_t e)
{
	bool was_up = c->up;

	disconnect(c);
	c->up = c->joined = false;
	c->info.quorate = false;
	if (was_up || !c->said_lost)
		log_warn("%s, trying again: what=%s error=%s",
			 was_up ? "the connection to corosync is lost" : "corosync is not reachable", what,
			 cs_strerror(e));
	c->said_lost = true;
	if (was_up)
		c->ops->down(c->arg);
	schedule_connect(c);
}

static int32_t on_cpg_fd(int32_t fd, int32_t revents, void *arg)
{
	struct cs *c = arg;
	cs_error_t e = cpg_dispatch(c->cpg, CS_DISPATCH_ALL);

	if (e != CS_OK && e != CS_ERR_TRY_AGAIN) {
		lost(c, "process group", e);
		return 0;
	}
	c->ops->settled(c->arg);
	return 0;
}

static int32_t on_vq_fd(int32_t fd, int32_t revents, void *arg)
{
	struct cs *c = arg;
	cs_error_t e = votequorum_dispatch(c->vq, CS_DISPATCH_ALL);

	if (e != CS_OK && e != CS_ERR_TRY_AGAIN) {
		lost(c, "votequorum", e);
		return 0;
	}
	c->ops->settled(c->arg);
	return 0;
}

static void on_quorum(votequorum_handle_t h, uint64_t context, uint32_t quorate, uint32_t n,
		      votequorum_node_t nodes[])
{
	struct cs *c = NULL;

	votequorum_context_get(h, (void **)&c);
	c->info.quorate = quorate;
	cs_read_votes(c);
	c->ops->quorum(c->arg, &c->info);
}

static void on_expected(votequorum_handle_t h, uint64_t context, uint32_t expected)
{
	struct cs *c = NULL;

	votequorum_context_get(h, (void **)&c);
	cs_read_votes(c);
	c->ops->quorum(c->arg, &c->info);
}

static cs_error_t connect_votes(struct cs *c)
{
	votequorum_callbacks_t cb = {
		.votequorum_quorum_notify_fn = on_quorum,
		.votequorum_expectedvotes_notify_fn = on_expected,
	};
	cs_error_t e;
	int fd;

	e = votequorum_initialize(&c->vq, &cb);
	if (e != CS_OK) {
		c->vq = 0;
		return e;
	}
	e = votequorum_context_set(c->vq, c);
	if (e == CS_OK)
		e = votequorum_fd_get(c->vq, &fd);
	if (e != CS_OK)
		return e;
	if (qb_loop_poll_add(c->loop, QB_LOOP_HIGH, fd, POLLIN, c, on_vq_fd) < 0)
		return CS_ERR_NO_MEMORY;
	c->vq_fd = fd;
	return CS_OK;
}

static void connect_all(void *arg)
{
	struct cs *c = arg;
	cs_error_t e;

	c->connect_timer = 0;
	e = cmap_initialize(&c->cmap);
	if (e != CS_OK)
		c->cmap = 0;
	else
		e = connect_votes(c);
	if (e == CS_OK)
		e = cs_read_config(c);
	if (e == CS_OK)
		e = cs_read_votes(c);
	if (e != CS_OK) {
		lost(c, "connect", e);
		return;
	}
	c->up = true;
	c->retry_ms = RETRY_MIN_MS;
	c->said_lost = false;
	log_info("connected to corosync: cluster=%s node=%u token=%ums nodes=%u", log_esc(c->info.cluster),
		 c->info.node_id, c->info.token_ms, c->info.n);
	if (c->info.two_node)
		log_warn("corosync.conf says two_node: 1, by which both halves of a split go on; Holdfast counts a "
			 "majority of all votes instead, so it stops when one of two nodes is lost");
	c->ops->up(c->arg);
}

static void schedule_connect(struct cs *c)
{
	if (!c->connect_timer)
		qb_loop_timer_add(c->loop, QB_LOOP_MED, c->retry_ms * NSEC_PER_MSEC, c, connect_all,
				  &c->connect_timer);
	c->retry_ms = MIN(2 * c->retry_ms, (uint64_t)RETRY_MAX_MS);
}

void cs_join(struct cs *c)
{
	cpg_model_v1_data_t model = {
		.model = CPG_MODEL_V1,
		.cpg_deliver_fn = on_message,
		.cpg_confchg_fn = on_members,
		.cpg_totem_confchg_fn = on_ring,
		.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF,
	};
	struct cpg_name group = { .length = strlen(GROUP), .value = GROUP };
	cs_error_t e;
	int fd, tries;

	if (!c->up || c->joined)
		return;
	e = cpg_model_initialize(&c->cpg, CPG_MODEL_V1, (cpg_model_data_t *)&model, c);
	if (e != CS_OK)
		c->cpg = 0;
	for (tries = 0; c->cpg && tries < 100; tries++) {
		e = cpg_join(c->cpg, &group);
		if (e != CS_ERR_TRY_AGAIN)
			break;
		usleep(10000);
	}
	if (e == CS_OK)
		e = cpg_fd_get(c->cpg, &fd);
	if (e == CS_OK && qb_loop_poll_add(c->loop, QB_LOOP_HIGH, fd, POLLIN, c, on_cpg_fd) < 0)
		e = CS_ERR_NO_MEMORY;
	if (e != CS_OK) {
		lost(c, "join", e);
		return;
	}
	c->cpg_fd = fd;
	c->joined = true;
	e = votequorum_trackstart(c->vq, 0, CS_TRACK_CURRENT | CS_TRACK_CHANGES);
	if (e != CS_OK)
		lost(c, "votequorum", e);
}

int cs_new(qb_loop_t *loop, const struct cs_ops *ops, void *arg, struct cs **ret)
{
	struct cs *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct cs){ .loop = loop, .ops = ops, .arg = arg, .cpg_fd = -1, .vq_fd = -1 };
	c->out_tail = &c->out;
	schedule_connect(c); /* at once */
	c->retry_ms = RETRY_MIN_MS;
	*ret = c;
	return 0;
}

void cs_free(struct cs *c)
{
	struct cpg_name group = { .length = strlen(GROUP), .value = GROUP };

	if (!c)
		return;
	if (c->joined)
		cpg_leave(c->cpg, &group);
	disconnect(c);
	if (c->connect_timer)
		qb_loop_timer_del(c->loop, c->connect_timer);
	free(c);
}

/* --- sending --- */

static cs_error_t mcast(struct cs *c, const void *p, size_t n)
{
	struct iovec iov = { (void *)p, n };

	return cpg_mcast_joined(c->cpg, CPG_TYPE_AGREED, &iov, 1);
}

static void send_queued(void *arg)
{
	struct cs *c = arg;
	struct cs_out *o;
	cs_error_t e;

	c->send_timer = 0;
	while ((o = c->out)) {
		e = mcast(c, o->data, o->n);
		if (e == CS_ERR_TRY_AGAIN) {
			qb_loop_timer_add(c->loop, QB_LOOP_HIGH, SEND_RETRY_MS * NSEC_PER_MSEC, c, send_queued,
					  &c->send_timer);
			return;
		}
		if (e != CS_OK) {
			lost(c, "send", e);
			return;
		}
		c->out = o->next;
		if (!c->out)
			c->out_tail = &c->out;
		c->out_bytes -= o->n;
		free(o);
	}
}

int cs_send(struct cs *c, struct blob b)
{
	struct cs_out *o;

	if (!c->joined)
		return -ENOTCONN;
	if (b.len > MSG_MAX - 4096)
		return -EMSGSIZE;
	/* Always by the queue: a failure must not call back into the caller. */
	o = malloc(sizeof(*o) + b.len);
	if (!o)
		return -ENOMEM;
	o->n = b.len;
	o->next = NULL;
	memcpy(o->data, b.data, b.len);
	if (!c->out && mcast(c, o->data, o->n) == CS_OK) {
		free(o);
		return 0;
	}
	*c->out_tail = o;
	c->out_tail = &o->next;
	c->out_bytes += o->n;
	if (!c->send_timer)
		qb_loop_timer_add(c->loop, QB_LOOP_HIGH, SEND_RETRY_MS * NSEC_PER_MSEC, c, send_queued,
				  &c->send_timer);
	return 0;
}

bool cs_is_up(const struct cs *c) { return c->up && c->joined; }
const struct cs_info *cs_info(const struct cs *c) { return &c->info; }
