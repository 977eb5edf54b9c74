/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heartbeats, echoes and what they allow. Pure; one thread. */
#include "clusterd/lease.h"

/* Clocks may differ by 1/LEASE_DRIFT in rate. */
#define LEASE_DRIFT 64

void lease_init(struct lease *l, uint32_t self, uint64_t boot, uint64_t length, uint64_t now)
{
	*l = (struct lease){ .self = self, .boot = boot, .length = length, .start = now };
}

static struct lease_peer *find_peer(const struct lease *l, uint32_t node_id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(l->peers); i++)
		if (l->peers[i].node_id == node_id && node_id)
			return (struct lease_peer *)&l->peers[i];
	return NULL;
}

/* A peer that is not present and whose use of our echo is over may give way. */
static struct lease_peer *get_peer(struct lease *l, uint32_t node_id)
{
	struct lease_peer *p = find_peer(l, node_id), *oldest = NULL;
	size_t i;

	if (p)
		return p;
	for (i = 0; i < ARRAY_SIZE(l->peers); i++) {
		p = &l->peers[i];
		if (!p->node_id) {
			oldest = p;
			break;
		}
		if (!p->present && (!oldest || p->until < oldest->until))
			oldest = p;
	}
	if (oldest)
		*oldest = (struct lease_peer){ .node_id = node_id };
	return oldest;
}

void lease_set_present(struct lease *l, const uint32_t *nodes, uint32_t n)
{
	struct lease_peer *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(l->peers); i++)
		l->peers[i].present = false;
	for (i = 0; i < n; i++) {
		p = get_peer(l, nodes[i]);
		if (p)
			p->present = true;
	}
}

void lease_beat(struct lease *l, uint64_t now, struct msg_beat *ret)
{
	const struct lease_peer *p;
	size_t i;

	l->seq++;
	l->sent[l->seq % LEASE_RING] = now;
	*ret = (struct msg_beat){ .boot = l->boot, .seq = l->seq, .lease_ns = l->length };
	for (i = 0; i < ARRAY_SIZE(l->peers); i++) {
		p = &l->peers[i];
		if (p->node_id && p->node_id != l->self && p->present && p->seq)
			ret->echoes[ret->n++] = (struct msg_echo){ p->node_id, p->boot, p->seq };
	}
}

void lease_heard(struct lease *l, uint32_t from, const struct msg_beat *b, uint64_t now)
{
	struct lease_peer *p = find_peer(l, from);
	uint32_t i;

	if (!p || !p->present)
		return;
	if (b->boot != p->boot) {
		p->boot = b->boot;
		p->seq = 0;
		p->acked = 0;
	}
	if (b->seq <= p->seq)
		return;
	p->seq = b->seq;
	p->heard = now;
	p->until = MAX(p->until, now + b->lease_ns + b->lease_ns / LEASE_DRIFT);
	for (i = 0; i < b->n; i++)
		if (b->echoes[i].node_id == l->self && b->echoes[i].boot == l->boot && b->echoes[i].seq <= l->seq)
			p->acked = MAX(p->acked, b->echoes[i].seq);
}

uint64_t lease_deadline(const struct lease *l, lease_votes_fn *votes, void *arg, uint32_t quorum)
{
	uint64_t newest = l->seq, seq;
	const struct lease_peer *p;
	uint32_t sum;
	size_t i;

	/* The newest of our heartbeats that a majority has seen. */
	for (seq = newest; seq > 0 && newest - seq < LEASE_RING; seq--) {
		sum = votes(arg, l->self);
		for (i = 0; i < ARRAY_SIZE(l->peers); i++) {
			p = &l->peers[i];
			if (p->node_id && p->node_id != l->self && p->acked >= seq)
				sum += votes(arg, p->node_id);
		}
		if (sum >= quorum)
			return l->sent[seq % LEASE_RING] + l->length;
	}
	return 0;
}

uint64_t lease_remaining(const struct lease *l, uint32_t node_id, uint64_t now)
{
	const struct lease_peer *p = find_peer(l, node_id);
	uint64_t until = l->start + l->length + l->length / LEASE_DRIFT;

	if (p && p->until > until)
		until = p->until;
	return until > now ? until - now : 0;
}

bool lease_heard_all(const struct lease *l, uint64_t since)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(l->peers); i++)
		if (l->peers[i].present && l->peers[i].node_id != l->self && l->peers[i].heard < since)
			return false;
	return true;
}
