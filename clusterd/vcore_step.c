/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core of the membership: what follows from the state at a moment. Pure; one thread. */
#include "clusterd/vcore_priv.h"

static uint32_t votes_of(void *arg, uint32_t node_id)
{
	const struct vcore *c = arg;
	uint32_t i;

	for (i = 0; i < c->n_votes; i++)
		if (c->votes[i].node_id == node_id)
			return c->votes[i].votes;
	return 0;
}

static bool majority(const struct vcore *c)
{
	uint32_t i, sum = 0;

	for (i = 0; i < c->n; i++)
		sum += votes_of((void *)c, c->members[i].proc.node_id);
	return c->quorate && c->quorum && sum >= c->quorum;
}

/* The lowest node that speaks the cluster's level. */
static uint32_t publisher(const struct vcore *c)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (level_fits(c->members[i].node.member.levels, c->view->level))
			return c->members[i].proc.node_id;
	return 0;
}

bool vcore_is_publisher(const struct vcore *c)
{
	return vcore_synced(c) && majority(c) && publisher(c) == c->self.member.node_id;
}

void vcore_outlook(const struct vcore *c, bool without_absent, struct outlook *ret)
{
	struct outlook_node nodes[2 * VIEW_MEMBERS_MAX];
	uint32_t n = 0, i;

	for (i = 0; i < c->n; i++)
		nodes[n++] = (struct outlook_node){ c->members[i].proc.node_id, c->members[i].synced,
						    c->members[i].node.member.levels };
	for (i = 0; i < c->n_votes; i++)
		if (!vcore_find(c, c->votes[i].node_id))
			nodes[n++] = (struct outlook_node){ .node_id = c->votes[i].node_id };
	outlook(c->view->level, nodes, n, without_absent, ret);
}

/* The level that fits the present state. */
static uint32_t desired_level(const struct vcore *c)
{
	struct outlook o;

	vcore_outlook(c, true, &o);
	if (!c->view->level)
		return o.next;
	return c->raise && o.bar == OUTLOOK_FREE && o.next >= c->raise ? c->raise : c->view->level;
}

/* For how long an absent node may go on by our echo. */
static void say_remaining(const struct vcore *c, struct msg_sync *s, uint32_t node, uint64_t now)
{
	uint32_t i;

	if (!node || vcore_find(c, node) || s->n_remaining == ARRAY_SIZE(s->remaining))
		return;
	for (i = 0; i < s->n_remaining; i++)
		if (s->remaining[i].node_id == node)
			return;
	s->remaining[s->n_remaining++] = (struct msg_remaining){ node, lease_remaining(&c->lease, node, now) };
}

static void send_sync(struct vcore *c, uint64_t now)
{
	struct msg m = { .type = MSG_SYNC };
	struct msg_sync *s = &m.sync;
	uint32_t i;

	s->config = c->config;
	s->node = c->self;
	s->view = c->view;
	s->n_condemned = c->n_condemned;
	memcpy(s->condemned, c->condemned, c->n_condemned * sizeof(c->condemned[0]));
	for (i = 0; i < c->view->n; i++)
		say_remaining(c, s, c->view->members[i].node_id, now);
	for (i = 0; i < ARRAY_SIZE(c->lease.peers); i++)
		say_remaining(c, s, c->lease.peers[i].node_id, now);
	c->sync_due = false;
	c->ops->send(c->arg, &m);
}

/* When the last echo of any member of this configuration to `node` is out of use. A member that said nothing of the
 * node does not know the view that names it, so its word is as old as can be: our own word stands for it. */
static uint64_t over_at(const struct vcore *c, uint32_t node, uint64_t now)
{
	uint64_t at = now + lease_remaining(&c->lease, node, now);
	const struct vcore_member *m;
	uint32_t i, k;

	for (i = 0; i < c->n; i++) {
		bool said = false;

		m = &c->members[i];
		for (k = 0; k < m->n_remaining; k++)
			if (m->remaining[k].node_id == node) {
				at = MAX(at, m->synced_at + m->remaining[k].ns);
				said = true;
			}
		if (!said)
			at = MAX(at, m->synced_at + c->lease.length + c->lease.length / 16);
	}
	return at;
}

/* Decides on absent runs. Returns when the next one can be decided on. */
static uint64_t remove_absent(struct vcore *c, uint64_t now)
{
	struct msg m = { .type = MSG_REMOVE };
	const struct view_member *v;
	uint64_t next = UINT64_MAX, at;
	uint32_t i;

	m.remove.config = c->config;
	for (i = 0; i < c->view->n; i++) {
		v = &c->view->members[i];
		if (!v->incarnation || vcore_find(c, v->node_id) ||
		    vcore_condemned(c, v->node_id, v->incarnation))
			continue;
		at = over_at(c, v->node_id, now);
		if (at > now)
			next = MIN(next, at);
		else
			m.remove.runs[m.remove.n++] = (struct msg_run){ v->node_id, v->incarnation };
	}
	if (m.remove.n && !c->removing) {
		c->removing = true;
		c->ops->send(c->arg, &m);
	}
	return next;
}

/* What the next view, of `level`, says of a present node. */
static void desired_present(const struct vcore *c, const struct vcore_member *p, uint32_t level, struct view_member *ret)
{
	const struct view_member *old = view_find(c->view, p->proc.node_id);
	const struct msg_node *n = &p->node;

	*ret = n->member;
	if (n->unsure && old) {
		*ret = *old;
	} else if (n->unsure || (n->entered && !view_has(c->view, ret->node_id, ret->incarnation))) {
		ret->incarnation = 0;
	}
	if (vcore_condemned(c, ret->node_id, ret->incarnation))
		ret->incarnation = 0;
	/* It will leave by itself. What serves until then must be seen to end like anything that is lost. */
	if (!level_fits(ret->levels, level)) {
		ret->incarnation = 0;
		if (old)
			*ret = *old;
	}
	if (!ret->incarnation) {
		ret->workers = 0;
		ret->rpc_addr[0] = '\0';
	}
}

static int member_order(const void *x, const void *y)
{
	const struct view_member *a = x, *b = y;

	return a->node_id < b->node_id ? -1 : a->node_id > b->node_id;
}

/* The view that fits the present state; NULL: no memory. */
static struct view *desired_view(const struct vcore *c)
{
	struct view *v = view_new(VIEW_MEMBERS_MAX);
	const struct view_member *old;
	uint32_t i;

	if (!v)
		return NULL;
	v->n = 0;
	v->epoch = c->view->epoch + 1;
	v->level = desired_level(c);
	for (i = 0; i < c->n; i++)
		desired_present(c, &c->members[i], v->level, &v->members[v->n++]);
	for (i = 0; i < c->view->n && v->n < VIEW_MEMBERS_MAX; i++) {
		old = &c->view->members[i];
		if (!vcore_find(c, old->node_id) && old->incarnation &&
		    !vcore_condemned(c, old->node_id, old->incarnation))
			v->members[v->n++] = *old;
	}
	qsort(v->members, v->n, sizeof(v->members[0]), member_order);
	return v;
}

static void publish(struct vcore *c)
{
	_cleanup_view_ struct view *next = NULL;

	if (c->publishing || c->published)
		return;
	next = desired_view(c);
	if (!next || !next->level || (view_same_members(next, c->view) && next->level == c->view->level))
		return;
	c->publishing = true;
	c->ops->publish(c->arg, c->view, next);
}

/* Heartbeats: LEASE_BEATS in a lease, at once when a configuration is in agreement, and once more when everyone's
 * first one has come, so that the right to serve does not wait for the next quarter. */
static uint64_t beat(struct vcore *c, uint64_t now)
{
	struct msg m = { .type = MSG_BEAT };
	uint64_t period = c->lease.length / LEASE_BEATS;
	bool due = c->last_beat + period <= now || c->last_beat < c->all_synced_at;

	if (!due && !c->second_beat && lease_heard_all(&c->lease, c->all_synced_at)) {
		c->second_beat = true;
		due = true;
	}
	if (due) {
		c->last_beat = now;
		lease_beat(&c->lease, now, &m.beat);
		c->ops->send(c->arg, &m);
	}
	return c->last_beat + period;
}

/* Tells the shell until when our smbd may serve. */
static void report_lease(struct vcore *c, uint64_t now)
{
	const struct view_member *me = &c->self.member;
	uint64_t deadline = c->deadline;

	if (!view_has(c->view, me->node_id, me->incarnation) || c->self.unsure)
		deadline = 0;
	else if (c->quorate && c->all_synced_at)
		deadline = lease_deadline(&c->lease, votes_of, c, c->quorum);
	if (deadline == c->deadline)
		return;
	c->deadline = deadline;
	c->ops->lease(c->arg, deadline);
}

static void became_synced(struct vcore *c, uint64_t now)
{
	uint32_t nodes[VIEW_MEMBERS_MAX], i;

	for (i = 0; i < c->n; i++)
		nodes[i] = c->members[i].proc.node_id;
	lease_set_present(&c->lease, nodes, c->n);
	c->all_synced_at = now;
}

uint64_t vcore_step(struct vcore *c, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	if (c->sync_due)
		send_sync(c, now);
	if (!c->all_synced_at && vcore_synced(c))
		became_synced(c, now);
	if (c->all_synced_at) {
		if (vcore_is_publisher(c)) {
			next = remove_absent(c, now);
			publish(c);
		}
		next = MIN(next, beat(c, now));
	}
	report_lease(c, now);
	return next;
}
