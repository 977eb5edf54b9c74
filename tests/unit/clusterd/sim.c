/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See sim.h. Everything happens on one thread in simulated time. */
#include "tests/unit/clusterd/sim.h"

#include <stdio.h>

#include "node/base/hash.h"

#define MS UINT64_C(1000000)
#define TICK (MS / 4)

struct sim_event {
	struct sim_event *next;
	uint64_t at;      /* on the wire: when it is ordered */
	uint32_t from, from_pid;
	bool config;      /* a configuration change, else a message */
	struct vcore_ring ring;
	struct vcore_proc procs[SIM_NODES];
	uint32_t n;
	bool quorate;
	struct msg m;
};

uint32_t sim_random(struct sim *s, uint32_t below)
{
	s->seed = hash64_u64(s->seed + 0x9e3779b97f4a7c15u);
	return (uint32_t)(s->seed >> 33) % below;
}

static void broken(struct sim *s, const char *what, uint32_t a, uint32_t b, uint64_t epoch)
{
	if (!s->broken[0])
		snprintf(s->broken, sizeof(s->broken), "%s: nodes %u and %u, epoch %llu, at %llu ms", what, a, b,
			 (unsigned long long)epoch, (unsigned long long)(s->now / MS));
}

static void event_free(struct sim_event *e)
{
	if (!e->config)
		msg_done(&e->m);
	free(e);
}

static void inbox_clear(struct sim_node *n)
{
	struct sim_event *e;

	while ((e = n->inbox)) {
		n->inbox = e->next;
		event_free(e);
	}
	n->inbox_tail = &n->inbox;
}

static void inbox_add(struct sim_node *n, const struct sim_event *e)
{
	struct sim_event *copy = malloc(sizeof(*copy));

	*copy = *e;
	copy->next = NULL;
	if (!e->config && e->m.type == MSG_SYNC)
		view_ref(e->m.sync.view);
	if (!e->config && e->m.type == MSG_VIEW)
		view_ref(e->m.view);
	if (!n->inbox)
		n->inbox_at = n->sim->now + sim_random(n->sim, 8) * TICK;
	*n->inbox_tail = copy;
	n->inbox_tail = &copy->next;
}

/* --- the core's ops --- */

static void op_send(void *arg, const struct msg *m)
{
	struct sim_node *n = arg;
	struct sim_event *e = calloc(1, sizeof(*e)), **p;

	e->at = n->sim->now + (1 + sim_random(n->sim, 6)) * TICK;
	e->from = n->id;
	e->from_pid = n->pid;
	e->m = *m;
	if (m->type == MSG_SYNC)
		view_ref(m->sync.view);
	if (m->type == MSG_VIEW)
		view_ref(m->view);
	/* One sender's messages keep their order. */
	for (p = &n->sim->wire; *p; p = &(*p)->next)
		if ((*p)->from == n->id)
			e->at = MAX(e->at, (*p)->at);
	*p = e;
}

static void op_publish(void *arg, const struct view *base, const struct view *next)
{
	struct sim_node *n = arg;

	n->cas_base = view_ref(base);
	n->cas_next = view_ref(next);
	n->cas_at = n->sim->now + (1 + sim_random(n->sim, 40)) * TICK;
	n->cas_done_at = n->cas_at + (1 + sim_random(n->sim, 10)) * TICK;
}

static void op_view(void *arg, const struct view *v)
{
	struct sim_node *n = arg;
	struct sim *s = n->sim;
	const struct view_member *m = view_find(v, n->id);
	struct view **known = &s->by_epoch[v->epoch % ARRAY_SIZE(s->by_epoch)];

	if (v->epoch <= n->epoch)
		broken(s, "epoch went back", n->id, 0, v->epoch);
	if (!level_fits(n->core.levels, v->level) || !v->level)
		broken(s, "a view of a level that it does not speak", n->id, 0, v->epoch);
	if (n->level > v->level)
		broken(s, "the level went back", n->id, 0, v->epoch);
	n->level = v->level;
	n->epoch = v->epoch;
	n->last_view_inc = m ? m->incarnation : 0;
	if (*known && (*known)->epoch == v->epoch && (!view_same_members(*known, v) || (*known)->level != v->level))
		broken(s, "two views with one epoch", n->id, 0, v->epoch);
	if (!*known)
		*known = view_ref(v);
	s->installed++;
}

static void op_lease(void *arg, uint64_t deadline)
{
	struct sim_node *n = arg;

	n->lease_msg = deadline;
	n->lease_msg_at = n->sim->now + sim_random(n->sim, 8) * TICK;
	if (!n->smbd_linked || !n->inc)
		n->lease_msg_at = 0;
}

static void op_evicted(void *arg, uint64_t incarnation)
{
	struct sim_node *n = arg;

	if (n->inc != incarnation)
		return;
	if (n->deadline > n->sim->now)
		broken(n->sim, "evicted while it serves", n->id, 0, n->epoch);
	n->inc = 0;
	n->deadline = 0;
	n->lease_msg_at = 0;
}

static void op_outdated(void *arg, uint32_t level)
{
	struct sim_node *n = arg;

	if (level_fits(n->core.levels, level))
		broken(n->sim, "outdated without a reason", n->id, 0, n->epoch);
	n->outdated = true;
}

static const struct vcore_ops ops = { op_send, op_publish, op_view, op_lease, op_evicted, op_outdated };

/* --- the world --- */

static uint32_t group_members(struct sim *s, uint32_t group, struct vcore_proc *procs)
{
	uint32_t i, n = 0;

	for (i = 0; i < s->n; i++)
		if (s->nodes[i].up && s->nodes[i].group == group)
			procs[n++] = (struct vcore_proc){ s->nodes[i].id, s->nodes[i].pid };
	return n;
}

static void announce(struct sim *s, uint32_t group)
{
	struct sim_event e = { .config = true };
	uint32_t i;

	e.n = group_members(s, group, e.procs);
	if (!e.n)
		return;
	e.ring = (struct vcore_ring){ e.procs[0].node_id, ++s->ring_seq };
	e.quorate = e.n > s->n / 2;
	for (i = 0; i < s->n; i++)
		if (s->nodes[i].up && s->nodes[i].group == group)
			inbox_add(&s->nodes[i], &e);
}

void sim_partition(struct sim *s, const uint32_t *groups)
{
	bool changed[SIM_NODES + 1] = { false };
	uint32_t i;

	for (i = 0; i < s->n; i++)
		if (s->nodes[i].group != groups[i]) {
			changed[s->nodes[i].group] = changed[groups[i]] = true;
			s->nodes[i].group = groups[i];
		}
	for (i = 0; i <= s->n; i++)
		if (changed[i])
			announce(s, i);
}

void sim_start(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->nodes[i];
	struct msg_node self = { .member = { .node_id = n->id, .incarnation = n->inc, .levels = n->levels } };

	if (n->up || !level_fits(n->levels, s->stored->level))
		return;
	n->up = true;
	n->pid++;
	snprintf(self.member.name, sizeof(self.member.name), "n%u", n->id);
	self.unsure = self.entered = n->inc != 0;
	n->smbd_linked = !n->inc;
	vcore_init(&n->core, &ops, n, &self, s->stored, s->lease_ns, 1 + sim_random(s, 1u << 30), s->now);
	n->epoch = n->core.view->epoch;
	n->level = n->core.view->level;
	n->outdated = false;
	n->running = true;
	n->step_at = UINT64_MAX;
	announce(s, n->group);
}

void sim_kill(struct sim *s, uint32_t i, bool node)
{
	struct sim_node *n = &s->nodes[i];

	if (node) {
		n->inc = 0;
		n->deadline = 0;
	}
	n->lease_msg_at = 0;
	if (!n->up)
		return;
	n->up = false;
	n->running = false;
	vcore_done(&n->core);
	inbox_clear(n);
	view_unref(n->cas_base);
	view_unref(n->cas_next);
	view_unref(n->cas_stored);
	n->cas_base = n->cas_next = n->cas_stored = NULL;
	n->cas_at = n->cas_done_at = 0;
	n->paused_until = 0;
	announce(s, n->group);
}

void sim_pause(struct sim *s, uint32_t i, uint64_t ns)
{
	s->nodes[i].paused_until = s->now + ns;
}

static void tell_self(struct sim_node *n, bool entered)
{
	struct msg_node self = n->core.self;

	self.member.incarnation = n->inc;
	self.member.workers = n->inc ? 1 : 0;
	self.entered = entered;
	self.unsure = false;
	n->smbd_linked = true;
	vcore_self(&n->core, &self);
	n->step_at = n->sim->now;
}

void sim_smbd_start(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->nodes[i];

	if (n->inc || !n->running)
		return;
	n->inc = 1 + hash64_u64(s->now + i) % 1000000007;
	n->deadline = 0;
	tell_self(n, false);
}

void sim_smbd_kill(struct sim *s, uint32_t i)
{
	struct sim_node *n = &s->nodes[i];

	n->inc = 0;
	n->deadline = 0;
	n->lease_msg_at = 0;
	if (n->running && n->smbd_linked)
		tell_self(n, false);
}

bool sim_serves(const struct sim *s, uint32_t i)
{
	const struct sim_node *n = &s->nodes[i];

	return n->inc && n->deadline > s->now;
}

void sim_raise(struct sim *s, uint32_t i, uint32_t level, bool without_absent)
{
	struct msg m = { .type = MSG_RAISE, .raise = { level, without_absent } };

	if (s->nodes[i].running)
		op_send(&s->nodes[i], &m);
}

/* No node may serve when anybody has a view, newer than all that name it, which does not. */
static void check(struct sim *s)
{
	uint32_t i, k;

	for (i = 0; i < s->n; i++) {
		if (!sim_serves(s, i))
			continue;
		for (k = 0; k < s->n; k++)
			if (s->nodes[k].running && s->nodes[k].core.view->epoch > s->nodes[i].epoch &&
			    !view_has(s->nodes[k].core.view, s->nodes[i].id, s->nodes[i].inc))
				broken(s, "serves what another was given", s->nodes[i].id, s->nodes[k].id,
				       s->nodes[k].core.view->epoch);
	}
}

/* Messages reach the total order of the ring that their sender is in at that moment. */
static void order(struct sim *s)
{
	struct sim_event **p = &s->wire, *e;
	uint32_t i, from;

	while ((e = *p)) {
		if (e->at > s->now) {
			p = &e->next;
			continue;
		}
		*p = e->next;
		from = e->from - 1;
		for (i = 0; i < s->n; i++)
			if (s->nodes[from].up && s->nodes[from].pid == e->from_pid && s->nodes[i].up &&
			    s->nodes[i].group == s->nodes[from].group)
				inbox_add(&s->nodes[i], e);
		event_free(e);
	}
}

static void store(struct sim *s, struct sim_node *n)
{
	if (n->cas_at && n->cas_at <= s->now) {
		n->cas_at = 0;
		n->cas_status = s->stored->epoch == n->cas_base->epoch ? 0 : -ESTALE;
		if (!n->cas_status) {
			view_unref(s->stored);
			s->stored = view_ref(n->cas_next);
		}
		n->cas_stored = view_ref(s->stored);
	}
	if (n->cas_done_at && n->cas_done_at <= s->now && n->paused_until <= s->now) {
		n->cas_done_at = 0;
		vcore_published(&n->core, n->cas_status, n->cas_stored);
		view_unref(n->cas_base);
		view_unref(n->cas_next);
		view_unref(n->cas_stored);
		n->cas_base = n->cas_next = n->cas_stored = NULL;
		n->step_at = s->now;
	}
}

static void dispatch(struct sim *s, struct sim_node *n)
{
	struct vcore_votes votes[SIM_NODES];
	struct sim_event *e;
	uint32_t i;

	for (i = 0; i < s->n; i++)
		votes[i] = (struct vcore_votes){ i + 1, 1 };
	while ((e = n->inbox)) {
		n->inbox = e->next;
		if (e->config) {
			vcore_quorum(&n->core, e->quorate, s->n / 2 + 1, votes, s->n);
			vcore_config(&n->core, &e->ring, e->procs, e->n);
		} else {
			vcore_deliver(&n->core, e->from, e->from_pid, &e->m, s->now);
		}
		event_free(e);
		check(s);
	}
	n->inbox_tail = &n->inbox;
	n->step_at = s->now;
}

static void node_run(struct sim *s, struct sim_node *n)
{
	if (n->lease_msg_at && n->lease_msg_at <= s->now) {
		n->lease_msg_at = 0;
		n->deadline = n->inc ? n->lease_msg : 0;
	}
	if (!n->running)
		return;
	store(s, n);
	if (n->paused_until > s->now)
		return;
	/* After a pause, timers may come before what waits in the sockets: both orders happen. */
	if (n->step_at <= s->now && sim_random(s, 2))
		n->step_at = vcore_step(&n->core, s->now);
	if (n->inbox && n->inbox_at <= s->now)
		dispatch(s, n);
	if (!n->smbd_linked && sim_random(s, 100) == 0)
		tell_self(n, n->inc != 0); /* smbd found the new clusterd, or its death was seen */
	if (n->step_at <= s->now)
		n->step_at = vcore_step(&n->core, s->now);
	if (n->outdated)
		sim_kill(s, n->id - 1, false);
}

void sim_run(struct sim *s, uint64_t ns)
{
	uint64_t end = s->now + ns;
	uint32_t i;

	for (; s->now < end && !s->broken[0]; s->now += TICK) {
		order(s);
		for (i = 0; i < s->n; i++)
			node_run(s, &s->nodes[i]);
		check(s);
	}
}

void sim_init(struct sim *s, uint32_t nodes, uint64_t seed)
{
	uint32_t i;

	memset(s, 0, sizeof(*s));
	s->n = nodes;
	s->seed = seed;
	s->now = 1000 * MS;
	s->lease_ns = 100 * MS;
	s->stored = view_new(0);
	for (i = 0; i < nodes; i++) {
		s->nodes[i] = (struct sim_node){ .sim = s, .id = i + 1, .pid = 100, .smbd_linked = true, .levels = { 1, 1 } };
		s->nodes[i].inbox_tail = &s->nodes[i].inbox;
	}
}

void sim_done(struct sim *s)
{
	struct sim_event *e;
	uint32_t i;

	for (i = 0; i < s->n; i++)
		sim_kill(s, i, true);
	while ((e = s->wire)) {
		s->wire = e->next;
		event_free(e);
	}
	for (i = 0; i < s->n; i++)
		inbox_clear(&s->nodes[i]);
	for (i = 0; i < ARRAY_SIZE(s->by_epoch); i++)
		view_unref(s->by_epoch[i]);
	view_unref(s->stored);
}
