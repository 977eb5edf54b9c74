/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who makes changes: which slots are watched, and the events. On the worker's loop. */
#include "smbd/notify/notify_priv.h"

void interest_set(struct ntf *n, struct ntf_slot *s, uint8_t bits)
{
	n->n_interest += (bits != 0) - (s->interest != 0);
	n->n_tree += ((bits & WANT_TREE) != 0) - ((s->interest & WANT_TREE) != 0);
	s->interest = bits;
}

void interest_moved(struct ntf *n, struct ntf_slot *s)
{
	interest_set(n, s, s->owned && !ntf_is_self(n, &s->owner) ? WANT_ALL : 0);
}

/* A statement from before the slot came to that owner says nothing about it. */
static bool speaks_for(const struct ntm *m, const struct ntf_slot *s)
{
	return s->owned && place_equal(&s->owner, &m->from) && s->moved <= m->epoch;
}

static void add_bits(struct ntf *n, const struct ntm *m, const uint32_t *slots, size_t count,
		     uint8_t bit)
{
	for (size_t i = 0; i < count; i++)
		if (slots[i] < n->cfg.n_slots && speaks_for(m, &n->slots[slots[i]]))
			interest_set(n, &n->slots[slots[i]], n->slots[slots[i]].interest | bit);
}

void interest_take(struct ntf *n, const struct ntm *m)
{
	struct ntm ack = { .kind = NTM_INTEREST_ACK, .version = m->version };
	struct ntf_peer *p = ntf_peer_get(n, &m->from);

	if (!p)
		return;
	if (m->version >= p->version) {
		p->version = m->version;
		for (uint32_t i = 0; i < n->cfg.n_slots; i++)
			if (speaks_for(m, &n->slots[i]))
				interest_set(n, &n->slots[i], 0);
		add_bits(n, m, m->plain, m->n_plain, WANT_PLAIN);
		add_bits(n, m, m->tree, m->n_tree, WANT_TREE);
	}
	ntf_send(n, &m->from, &ack);
}

bool ntf_wanted(const struct ntf *n)
{
	return n && (n->view ? n->n_interest > 0 : !n->asleep);
}

bool ntf_wanted_tree(const struct ntf *n)
{
	return n && n->n_tree > 0;
}

void ntf_raise(struct ntf *n, const struct ntf_event *e)
{
	static const uint32_t audience[] = {
		[NTF_WATCHES] = NTMF_WATCHES, [NTF_LEASES] = NTMF_LEASES
	};
	const struct ntf_slot *s;
	struct ntm m = { .kind = NTM_EVENT,
			 .key = e->dir,
			 .filter = e->filter,
			 .flags = (e->deep ? NTMF_DEEP : 0) | (e->gone ? NTMF_GONE : 0) |
				  audience[e->audience],
			 .n_changes = e->n_changes,
			 .by = e->by };

	if (!n)
		return;
	if (!n->view) {
		n->raised_early = n->raised_early || !n->asleep;
		return;
	}
	s = &n->slots[ntf_slot_of(n, &e->dir)];
	/* Without an owner it is about to get one, and its watches then begin anew. */
	if (!s->owned || !(s->interest & (e->deep ? WANT_TREE : WANT_ALL)))
		return;
	memcpy(m.changes, e->changes, sizeof(m.changes));
	ntf_send(n, &s->owner, &m);
}
