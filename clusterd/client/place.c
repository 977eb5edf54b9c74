/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rendezvous hashing of slots over the workers of a view. Pure; any thread. */
#include "clusterd/client/place.h"

#include "node/base/hash.h"

/* Part of the format of a cluster: never changes. */
#define SLOT_SEED 0x686f6c6466617374ULL

uint32_t place_slot_of(struct blob key, uint32_t n_slots)
{
	return (uint32_t)(hash64(key.data, key.len, SLOT_SEED) % n_slots);
}

static uint64_t weight(uint64_t what, uint64_t slot)
{
	return hash64_u64(hash64_u64(what) ^ (slot * 0x9e3779b97f4a7c15ULL));
}

static const struct view_member *best_node(const struct view *v, uint32_t slot, bool draining)
{
	const struct view_member *best = NULL;
	uint64_t best_w = 0;

	for (uint32_t i = 0; i < v->n; i++) {
		const struct view_member *m = &v->members[i];
		uint64_t w = weight(m->node_id, slot);

		if (m->incarnation == 0 || m->workers == 0 ||
		    (m->state == VIEW_DRAINING) != draining)
			continue;
		if (!best || w > best_w || (w == best_w && m->node_id < best->node_id)) {
			best = m;
			best_w = w;
		}
	}
	return best;
}

bool place_owner(const struct view *v, uint32_t slot, struct place *ret)
{
	const struct view_member *m = best_node(v, slot, false);
	uint64_t best_w = 0;

	if (!m)
		m = best_node(v, slot, true);
	if (!m)
		return false;
	*ret = (struct place){ .node = m->node_id, .incarnation = m->incarnation };
	for (uint32_t i = 0; i < m->workers; i++) {
		uint64_t w = weight((uint64_t)m->node_id << 32 | (i + 1), slot);

		if (i == 0 || w > best_w) {
			ret->worker = i;
			best_w = w;
		}
	}
	return true;
}
