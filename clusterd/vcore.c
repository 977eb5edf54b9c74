/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core of the membership: what changes the state. What follows from it is in vcore_step.c. Pure; one thread. */
#include "clusterd/vcore.h"

#include "clusterd/vcore_priv.h"
#include "node/base/hash.h"

void vcore_init(struct vcore *c, const struct vcore_ops *ops, void *arg, const struct msg_node *self,
		const struct view *stored, uint64_t lease_ns, uint64_t boot, uint64_t now)
{
	*c = (struct vcore){ .ops = ops, .arg = arg, .self = *self };
	c->view = stored ? view_ref(stored) : view_new(0);
	c->levels = self->member.levels;
	lease_init(&c->lease, self->member.node_id, boot, lease_ns, now);
}

void vcore_done(struct vcore *c)
{
	view_unref(c->view);
	c->view = NULL;
}

struct vcore_member *vcore_find(const struct vcore *c, uint32_t node_id)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (c->members[i].proc.node_id == node_id)
			return (struct vcore_member *)&c->members[i];
	return NULL;
}

bool vcore_synced(const struct vcore *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (!c->members[i].synced)
			return false;
	return c->n > 0;
}

const struct msg_node *vcore_node(const struct vcore *c, uint32_t node_id)
{
	const struct vcore_member *m = vcore_find(c, node_id);

	return m && m->synced ? &m->node : NULL;
}

static int proc_order(const void *x, const void *y)
{
	const struct vcore_proc *a = x, *b = y;

	if (a->node_id != b->node_id)
		return a->node_id < b->node_id ? -1 : 1;
	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

/* Names a configuration: the same at all its members, another after every change. */
static uint64_t config_id(const struct vcore_ring *ring, const struct vcore_proc *procs, uint32_t n)
{
	uint64_t h = hash64_u64(ring->node_id) ^ hash64_u64(ring->seq + 1);
	uint32_t i;

	for (i = 0; i < n; i++)
		h = hash64_u64(h ^ ((uint64_t)procs[i].node_id << 32 | procs[i].pid));
	return h;
}

void vcore_config(struct vcore *c, const struct vcore_ring *ring, const struct vcore_proc *procs, uint32_t n)
{
	struct vcore_proc sorted[VIEW_MEMBERS_MAX];
	uint64_t id;
	uint32_t i;

	n = MIN(n, (uint32_t)VIEW_MEMBERS_MAX);
	if (n) {
		memcpy(sorted, procs, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), proc_order);
	}
	id = config_id(ring, sorted, n);
	if (id == c->config && n == c->n)
		return;
	c->ring = *ring;
	c->config = id;
	c->n = n;
	for (i = 0; i < n; i++)
		c->members[i] = (struct vcore_member){ .proc = sorted[i] };
	c->sync_due = n > 0;
	c->raise = 0;
	c->removing = false;
	c->published = 0;
	c->all_synced_at = 0;
	c->second_beat = false;
	lease_set_present(&c->lease, NULL, 0);
}

void vcore_quorum(struct vcore *c, bool quorate, uint32_t quorum, const struct vcore_votes *votes, uint32_t n)
{
	c->quorate = quorate;
	c->quorum = quorum;
	c->n_votes = MIN(n, (uint32_t)VIEW_MEMBERS_MAX);
	memcpy(c->votes, votes, c->n_votes * sizeof(*votes));
}

bool vcore_condemned(const struct vcore *c, uint32_t node_id, uint64_t incarnation)
{
	uint32_t i;

	for (i = 0; i < c->n_condemned; i++)
		if (c->condemned[i].node_id == node_id && c->condemned[i].incarnation == incarnation)
			return true;
	return false;
}

static void condemn(struct vcore *c, struct msg_run run)
{
	if (!run.incarnation || vcore_condemned(c, run.node_id, run.incarnation))
		return;
	/* Only runs of the view are kept: what no view names is over without that. */
	if (!view_has(c->view, run.node_id, run.incarnation) || c->n_condemned == ARRAY_SIZE(c->condemned))
		return;
	c->condemned[c->n_condemned++] = run;
}

static void forget_condemned(struct vcore *c)
{
	uint32_t i, n = 0;

	for (i = 0; i < c->n_condemned; i++)
		if (view_has(c->view, c->condemned[i].node_id, c->condemned[i].incarnation))
			c->condemned[n++] = c->condemned[i];
	c->n_condemned = n;
}

/* What happened to the run of our own smbd. Returns true when it is over; that is multicast then. */
static bool check_self(struct vcore *c)
{
	struct view_member *me = &c->self.member;
	uint64_t inc = me->incarnation;
	bool member = view_has(c->view, me->node_id, inc);
	bool over = inc && (vcore_condemned(c, me->node_id, inc) || (c->self.entered && !member));

	if (member && !over)
		c->self.entered = true;
	if (!over)
		return false;
	me->incarnation = 0;
	c->self.entered = false;
	c->self.unsure = false;
	c->ops->evicted(c->arg, inc);
	vcore_send_node(c);
	return true;
}

static void adopt_view(struct vcore *c, const struct view *v)
{
	bool raised = v->level != c->view->level;

	if (v->epoch <= c->view->epoch)
		return;
	if (!level_fits(c->levels, v->level)) {
		c->ops->outdated(c->arg, v->level);
		return;
	}
	/* Who came to know the level only now has spoken in that of before, which not everybody may understand. */
	if (raised && c->n)
		c->sync_due = true;
	view_unref(c->view);
	c->view = view_ref(v);
	if (c->published && c->view->epoch >= c->published)
		c->published = 0;
	if (v->level >= c->raise)
		c->raise = 0;
	forget_condemned(c);
	c->ops->view(c->arg, c->view);
	check_self(c);
}

void vcore_send_node(struct vcore *c)
{
	struct msg m = { .type = MSG_NODE, .node = c->self };

	/* While a SYNC is due there is no need: it carries the same. */
	if (c->n && !c->sync_due)
		c->ops->send(c->arg, &m);
}

void vcore_self(struct vcore *c, const struct msg_node *self)
{
	c->self = *self;
	if (!check_self(c))
		vcore_send_node(c);
}

static void deliver_sync(struct vcore *c, struct vcore_member *m, const struct msg_sync *s, uint64_t now)
{
	uint32_t i;

	if (s->config != c->config)
		return;
	m->synced = true;
	m->synced_at = now;
	m->node = s->node;
	m->n_remaining = s->n_remaining;
	memcpy(m->remaining, s->remaining, s->n_remaining * sizeof(s->remaining[0]));
	adopt_view(c, s->view);
	for (i = 0; i < s->n_condemned; i++)
		condemn(c, s->condemned[i]);
	check_self(c);
}

static void deliver_remove(struct vcore *c, uint32_t from, const struct msg_remove *m)
{
	uint32_t i;

	if (from == c->self.member.node_id)
		c->removing = false;
	if (m->config != c->config || !vcore_synced(c))
		return;
	for (i = 0; i < m->n; i++)
		if (!vcore_find(c, m->runs[i].node_id))
			condemn(c, m->runs[i]);
}

static void deliver_raise(struct vcore *c, const struct msg_raise *m)
{
	struct outlook o;

	vcore_outlook(c, m->without_absent, &o);
	if (o.bar == OUTLOOK_FREE && m->level > c->view->level && m->level <= o.next)
		c->raise = m->level;
}

void vcore_deliver(struct vcore *c, uint32_t from, uint32_t from_pid, const struct msg *m, uint64_t now)
{
	struct vcore_member *p = vcore_find(c, from);

	if (!p || p->proc.pid != from_pid)
		return;
	switch (m->type) {
	case MSG_SYNC:
		deliver_sync(c, p, &m->sync, now);
		break;
	case MSG_NODE:
		if (p->synced && m->node.member.node_id == from)
			p->node = m->node;
		break;
	case MSG_REMOVE:
		deliver_remove(c, from, &m->remove);
		break;
	case MSG_VIEW:
		adopt_view(c, m->view);
		break;
	case MSG_RAISE:
		deliver_raise(c, &m->raise);
		break;
	case MSG_BEAT:
		lease_heard(&c->lease, from, &m->beat, now);
		break;
	default:
		break;
	}
}

void vcore_published(struct vcore *c, int status, const struct view *stored)
{
	struct msg m = { .type = MSG_VIEW, .view = (struct view *)stored };

	c->publishing = false;
	if ((status != 0 && status != -ESTALE) || !stored || stored->epoch <= c->view->epoch || !c->n)
		return;
	/* Also after -ESTALE: what the store holds is the history; it must be delivered before we may follow it. */
	c->published = stored->epoch;
	c->ops->send(c->arg, &m);
}
