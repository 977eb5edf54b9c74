/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How slots change hands, the home's part: its opens are named to their new owners, and what was
 * asked is asked anew. */
#include "smbd/lock/lockc_priv.h"

#include "node/base/fault.h"

#define RESEND_ROUND_NS (200 * NSEC_PER_MSEC)
#define RESEND_CALL_NS (2000 * NSEC_PER_MSEC)

static void place_slots(struct lockc *c)
{
	for (uint32_t i = 0; i < c->n_slots; i++) {
		struct hslot *h = &c->hslots[i];
		struct place owner;
		bool owned = place_owner(c->view, i, &owner);

		if (owned == h->owned && (!owned || place_equal(&owner, &h->owner)))
			continue;
		h->owned = owned;
		h->owner = owner;
		h->moved = c->view->epoch;
	}
}

static bool has_to_name(const struct lockc *c, const struct peer *p, const struct lk_open *o)
{
	const struct hslot *h = &c->hslots[o->rec.id & 0xffff];

	return h->owned && h->moved > p->acked && place_equal(&h->owner, &p->place) && !fault(FAULT_LOST_REASSERTION);
}

static void name_open(struct lockc *c, const struct peer *p, const struct lk_open *o)
{
	struct lk_msg m = { .kind = LKM_REASSERT,
			    .slot = (uint32_t)(o->rec.id & 0xffff),
			    .id = o->rec.id,
			    .target = p->round,
			    .flags = LKF_HAS_REC,
			    .rec = o->rec };

	if (o->permit)
		m.flags |= LKF_PERMIT;
	if (o->write_permit)
		m.flags |= LKF_WRITE_PERMIT;
	if (o->io > 0)
		m.flags |= LKF_IO;
	if (o->closing)
		m.flags |= LKF_CLOSING;
	lockc_send(c, &p->place, &m);
}

/* Names all opens that this owner may not have, then says that these were all. */
static void send_round(struct lockc *c, struct peer *p)
{
	struct lk_msg done = { .kind = LKM_DONE, .prev = c->prev_epoch };
	struct htable_iter it;
	struct hnode *n;

	p->round = home_req(c);
	p->sent_at = loop_now(c->cfg.loop);
	htable_foreach(n, &it, &c->by_id) {
		const struct lk_open *o = htable_entry(n, struct lk_open, by_id);

		if (!has_to_name(c, p, o))
			continue;
		name_open(c, p, o);
		done.count++;
	}
	done.target = p->round;
	lockc_send(c, &p->place, &done);
}

typedef int each_place_fn(struct lockc *c, const struct place *p);

static int each_place(struct lockc *c, each_place_fn *fn)
{
	for (uint32_t i = 0; i < c->view->n; i++) {
		const struct view_member *v = &c->view->members[i];

		for (uint32_t w = 0; v->incarnation != 0 && w < v->workers; w++) {
			struct place p = { .node = v->node_id,
					   .worker = w,
					   .incarnation = v->incarnation };
			int e = fn(c, &p);

			if (e < 0)
				return e;
		}
	}
	return 0;
}

static int assert_to(struct lockc *c, const struct place *at)
{
	struct peer *p = peer_get(c, at);

	if (!p)
		return -ENOMEM;
	/* Also when there is nothing to name: the owner waits for it, and either end sees whether
	 * the other missed a view. */
	send_round(c, p);
	return 0;
}

static int reassert_late(struct lockc *c, const struct place *at)
{
	struct peer *p = peer_find(c, at);

	if (p && p->sent_at != 0 && loop_now(c->cfg.loop) - p->sent_at >= RESEND_ROUND_NS)
		send_round(c, p);
	return 0;
}

/* Sends calls again: those of slots that this view moved, of one owner, or that have waited for
 * long. */
static void ask_anew(struct lockc *c, bool moved_only, const struct place *owner,
		     uint64_t older_than)
{
	size_t n_all = c->reqs.count, n = 0;
	uint64_t *ids = calloc(n_all + 1, sizeof(*ids));
	struct htable_iter it;
	struct hnode *e;

	if (!ids)
		return;
	/* Sending to this very worker may end calls: first the names, then the deeds. */
	htable_foreach(e, &it, &c->reqs) {
		const struct hreq *r = htable_entry(e, struct hreq, by_req);
		const struct hslot *h = &c->hslots[r->m->slot];

		if (!r->done && r->sent_at <= older_than &&
		    (!moved_only || h->moved == c->view->epoch) &&
		    (!owner || place_equal(owner, &h->owner)))
			ids[n++] = r->m->req;
	}
	for (size_t i = 0; i < n; i++) {
		struct hreq *r = home_req_find(c, ids[i]);

		if (r && !r->done) {
			c->stats.retries++;
			home_resend(c, r);
		}
	}
	free(ids);
}

int home_view(struct lockc *c)
{
	int e;

	place_slots(c);
	e = takeover_view(c);
	if (e == 0)
		e = each_place(c, assert_to);
	if (e == 0)
		ask_anew(c, true, NULL, UINT64_MAX);
	takeover_check(c);
	return e;
}

void home_done_ack(struct lockc *c, const struct lk_msg *m)
{
	struct peer *p = peer_find(c, &m->from);

	/* Only the answer to the last round counts, and only in its view: `acked` then covers every
	 * slot up to it. */
	if (p && p->round == m->target && p->sent_at != 0) {
		p->acked = MAX(p->acked, c->view->epoch);
		p->sent_at = 0;
	}
}

void lockc_linked(struct lockc *c, const struct place *to)
{
	struct peer *p = c->view ? peer_find(c, to) : NULL;

	if (!p || c->stopping)
		return;
	if (p->sent_at != 0)
		send_round(c, p);
	lockd_linked(c);
	ask_anew(c, false, to, UINT64_MAX);
}

void home_tick(struct lockc *c, bool slow)
{
	uint64_t now = loop_now(c->cfg.loop);

	each_place(c, reassert_late);
	if (slow)
		ask_anew(c, false, NULL, now > RESEND_CALL_NS ? now - RESEND_CALL_NS : 0);
}
