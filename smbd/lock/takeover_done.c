/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How slots change hands: who has re-asserted, and the slots that serve from then on. */
#include "smbd/lock/lockc_priv.h"

void takeover_count(struct lockc *c, const struct lk_msg *m)
{
	struct peer *p = peer_get(c, &m->from);

	if (!p)
		return;
	if (p->in_round != m->target) {
		p->in_round = m->target;
		p->in_count = 0;
	}
	p->in_count++;
}

/* One of the two ends has missed a view: it cannot know what it missed to hand over. */
static bool gap(struct lockc *c, const struct lk_msg *m)
{
	if (m->epoch != c->view->epoch || m->prev == 0 || c->prev_epoch == 0 ||
	    m->prev == c->prev_epoch)
		return false;
	if (m->prev > c->prev_epoch) {
		lockc_lost(c, "missed a view");
	} else {
		struct lk_msg r = { .kind = LKM_MISSED, .prev = c->prev_epoch };

		lockc_send(c, &m->from, &r);
	}
	return true;
}

void takeover_done(struct lockc *c, const struct lk_msg *m)
{
	struct lk_msg r = { .kind = LKM_DONE_ACK, .target = m->target };
	struct peer *p = peer_get(c, &m->from);
	uint32_t got;

	if (!p || gap(c, m))
		return;
	got = p->in_round == m->target ? p->in_count : 0;
	if (got != m->count) {
		p->in_round = 0; /* something was lost with a connection: the home will send it all
				    again */
		return;
	}
	if (m->epoch > p->done)
		p->done = m->epoch;
	r.count = m->count;
	lockc_send(c, &m->from, &r);
	takeover_check(c);
}

/* The latest view for which every worker of every member has re-asserted. */
static uint64_t done_by_all(struct lockc *c)
{
	uint64_t min = UINT64_MAX;

	for (uint32_t i = 0; i < c->view->n; i++) {
		const struct view_member *v = &c->view->members[i];

		for (uint32_t w = 0; v->incarnation != 0 && w < v->workers; w++) {
			struct place at = { .node = v->node_id,
					    .worker = w,
					    .incarnation = v->incarnation };
			const struct peer *p = peer_find(c, &at);
			uint64_t done = p ? p->done : 0;

			if (done < min)
				min = done;
		}
	}
	return min;
}

void takeover_check(struct lockc *c)
{
	uint64_t done = done_by_all(c);
	struct oslot *s, *tmp;

	list_foreach_safe(s, tmp, &c->owned, link) {
		if (s->phase != SLOT_ASSERTING || s->epoch > done)
			continue;
		oslot_serve(c, s);
		lockd_poll(c, s);
	}
}
