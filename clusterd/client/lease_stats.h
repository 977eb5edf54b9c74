/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of leases and oplocks: of a worker, of a node, of the cluster. Pure. */
#ifndef HF_CLUSTERD_CLIENT_LEASE_STATS_H
#define HF_CLUSTERD_CLIENT_LEASE_STATS_H

#include <stdint.h>

struct lease_stats {
#define LEASE_STAT(field, join, name, about) uint64_t field;
#include "clusterd/client/lease_stats.def"
};

/* Makes the counts of both out of those of one. */
void lease_stats_add(struct lease_stats *s, const struct lease_stats *other);

#endif
