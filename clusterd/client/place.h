/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Placement: which slot a file belongs to and which worker of which node owns a slot. Pure; the
 * same answer on every node that has the same view. Any thread.
 */
#ifndef HF_CLUSTERD_CLIENT_PLACE_H
#define HF_CLUSTERD_CLIENT_PLACE_H

#include "clusterd/client/view.h"
#include "statestore/file_key.h"

/* A worker of one run of a node's smbd. */
struct place {
	uint32_t node;
	uint32_t worker;
	uint64_t incarnation;
};

static inline bool place_equal(const struct place *a, const struct place *b)
{
	return a->node == b->node && a->worker == b->worker && a->incarnation == b->incarnation;
}

/* The slot (0..n_slots-1) of the thing whose key is `key`. */
uint32_t place_slot_of(struct blob key, uint32_t n_slots);
static inline uint32_t place_slot_of_file(const struct file_key *k, uint32_t n_slots)
{
	uint8_t b[FILE_KEY_SIZE];

	file_key_bytes(k, b);
	return place_slot_of(BLOB(b, sizeof(b)), n_slots);
}
/* The owner of `slot` by rendezvous hashing: first over the nodes of the view that have an smbd
 * (those that are draining only when no other has one), then over its workers. False when no member
 * has an smbd. */
bool place_owner(const struct view *v, uint32_t slot, struct place *ret);

#endif
