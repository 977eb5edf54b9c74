/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits and charges: whatever a client can make grow is charged to a limit, and the charge is
 * given back in the destructor of what it pays for. A limit belongs to one thread and outlives its
 * charges.
 */
#ifndef HF_NODE_BASE_LIMIT_H
#define HF_NODE_BASE_LIMIT_H

#include "node/base/util.h"

struct limit {
	uint64_t max;
	uint64_t used;
};

/* Zero-filled: charges nothing. */
struct charge {
	struct limit *limit;
	uint64_t n;
};

/* Makes a limit of which nothing is used. */
static inline void limit_init(struct limit *l, uint64_t max) { *l = (struct limit){ .max = max }; }

/* What can still be charged; 0 also when `max` was lowered below what is used. */
static inline uint64_t limit_left(const struct limit *l)
{
	return l->used < l->max ? l->max - l->used : 0;
}

/* Charges `n` to `l` on top of what `c` holds. `c` must be empty or hold a charge on the same
 * limit. -EDQUOT when it does not fit: nothing is charged then. */
static inline int HF_MUST_CHECK charge_take(struct charge *c, struct limit *l, uint64_t n)
{
	assert(!c->limit || c->limit == l);
	if (n > limit_left(l))
		return -EDQUOT;
	l->used += n;
	c->limit = l;
	c->n += n;
	return 0;
}

/* Gives everything back; harmless on an empty charge, and the charge is empty afterwards. */
static inline void charge_done(struct charge *c)
{
	if (c->limit) {
		assert(c->limit->used >= c->n);
		c->limit->used -= c->n;
	}
	*c = (struct charge){ 0 };
}

/* Gives back `n` of what `c` holds (at most all of it). */
static inline void charge_return(struct charge *c, uint64_t n)
{
	assert(n <= c->n);
	c->n -= n;
	if (c->limit)
		c->limit->used -= n;
}

#define _cleanup_charge_ _cleanup_(charge_done)

#endif
