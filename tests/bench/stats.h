/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Latencies in buckets of about 1.5 %, and CPU time of processes. A struct hist belongs to one
 * thread. */
#ifndef HF_TESTS_BENCH_STATS_H
#define HF_TESTS_BENCH_STATS_H

#include <sys/types.h>

#include "node/base/util.h"

#define HIST_SUB 64
#define HIST_BUCKETS (HIST_SUB * 40)

struct hist {
	uint64_t count, sum, max;
	uint32_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t ns);
void hist_merge(struct hist *to, const struct hist *from);
/* The latency below which `p` (0 to 1) of all lie, in ns; 0 when there are none. */
uint64_t hist_percentile(const struct hist *h, double p);

/* CPU time in ns that process `pid` and all its present descendants have used; 0 when it does not
 * exist. */
uint64_t cpu_of_tree(pid_t pid);
/* CPU time of this process in ns. */
uint64_t cpu_of_self(void);

#endif
