/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of leases and oplocks become one. Pure; any thread. */
#include "clusterd/client/lease_stats.h"

#include "node/base/util.h"

static uint64_t join_sum(uint64_t a, uint64_t b)
{
	return a + b;
}
static uint64_t join_max(uint64_t a, uint64_t b)
{
	return MAX(a, b);
}

void lease_stats_add(struct lease_stats *s, const struct lease_stats *other)
{
#define LEASE_STAT(field, join, name, about) s->field = join_##join(s->field, other->field);
#include "clusterd/client/lease_stats.def"
}
