/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Intrusive hash table: the element embeds a `struct hnode`, the table owns only its buckets. It
 * grows by doubling; inserting never fails (when memory for growth lacks, chains get longer). A
 * zero-filled table is empty and valid. No lock: a table belongs to one thread.
 *
 *	for (n = htable_find(&t, h); n; n = htable_find_next(n)) {
 *		e = htable_entry(n, struct thing, node);
 *		if (e->id == id) ...
 *	}
 */
#ifndef HF_NODE_BASE_HTABLE_H
#define HF_NODE_BASE_HTABLE_H

#include "node/base/util.h"

#define HTABLE_SMALL 8

struct hnode {
	struct hnode *next;
	uint64_t hash;
};

struct htable {
	struct hnode **buckets; /* NULL: `small` is in use */
	struct hnode *small[HTABLE_SMALL];
	size_t size; /* buckets, a power of two; 0 in a zero-filled table */
	size_t count; /* elements */
};

/* Makes an empty table; the same as zero-filling it. */
void htable_init(struct htable *t);
/* Frees the buckets; elements are the caller's and are not touched. The table is empty and usable
 * again. */
void htable_done(struct htable *t);
/* Adds `n`, which is in no table, under `hash`. Equal keys are not looked for: that is the caller's
 * decision. */
void htable_insert(struct htable *t, struct hnode *n, uint64_t hash);
/* Removes `n`, which must be in the table. */
void htable_remove(struct htable *t, struct hnode *n);
/* Returns the first element with exactly this hash, or NULL. The caller compares keys. */
struct hnode *htable_find(const struct htable *t, uint64_t hash);
/* Returns the next element with the same hash as `n`, or NULL. */
struct hnode *htable_find_next(const struct hnode *n);

struct htable_iter {
	size_t bucket;
	struct hnode *next;
};

/* Starts a walk over all elements (`*it` is set) and returns the first one, or NULL. The element
 * last returned may be removed during the walk; other removals and insertions are not allowed. */
struct hnode *htable_walk(const struct htable *t, struct htable_iter *it);
struct hnode *htable_walk_next(const struct htable *t, struct htable_iter *it);

#define htable_entry(ptr, type, member) container_of(ptr, type, member)
#define htable_foreach(n, it, t) \
	for ((n) = htable_walk((t), (it)); (n); (n) = htable_walk_next((t), (it)))

#endif
