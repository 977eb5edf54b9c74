/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Latency histograms and CPU times. */
#include "tests/bench/stats.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>

#include "node/base/clock.h"

static size_t bucket_of(uint64_t ns)
{
	unsigned int shift;

	if (ns < HIST_SUB)
		return ns;
	shift = 63 - (unsigned int)__builtin_clzll(ns) - 6; /* HIST_SUB is 2^6 */
	return MIN((size_t)((shift + 1) * HIST_SUB + ((ns >> shift) - HIST_SUB)),
		   (size_t)HIST_BUCKETS - 1);
}

/* The middle of a bucket. */
static uint64_t bucket_value(size_t i)
{
	unsigned int shift;

	if (i < HIST_SUB)
		return i;
	shift = (unsigned int)(i / HIST_SUB) - 1;
	return ((uint64_t)(i % HIST_SUB + HIST_SUB) << shift) + (UINT64_C(1) << shift) / 2;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->count++;
	h->sum += ns;
	h->max = MAX(h->max, ns);
	h->bucket[bucket_of(ns)]++;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	size_t i;

	to->count += from->count;
	to->sum += from->sum;
	to->max = MAX(to->max, from->max);
	for (i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

uint64_t hist_percentile(const struct hist *h, double p)
{
	uint64_t want = (uint64_t)((double)h->count * p), seen = 0;
	size_t i;

	if (!h->count)
		return 0;
	for (i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > want)
			return MIN(bucket_value(i), h->max);
	}
	return h->max;
}

/* Parent and CPU ticks of a process. */
static bool read_stat(pid_t pid, pid_t *ret_parent, uint64_t *ret_ticks)
{
	unsigned long long user, sys;
	char path[40], line[1024], *p;
	int parent;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	p = fgets(line, sizeof(line), f);
	fclose(f);
	p = p ? strrchr(line, ')') : NULL;
	if (!p || sscanf(p + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &parent,
			 &user, &sys) != 3)
		return false;
	*ret_parent = parent;
	*ret_ticks = user + sys;
	return true;
}

static bool descends(pid_t pid, pid_t from)
{
	uint64_t ticks;

	while (pid > 1 && pid != from)
		if (!read_stat(pid, &pid, &ticks))
			return false;
	return pid == from;
}

uint64_t cpu_of_tree(pid_t pid)
{
	uint64_t sum = 0, ticks;
	struct dirent *e;
	pid_t parent;
	DIR *d = opendir("/proc");

	if (!d)
		return 0;
	while ((e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && descends(atoi(e->d_name), pid) &&
		    read_stat(atoi(e->d_name), &parent, &ticks))
			sum += ticks;
	closedir(d);
	return sum * (NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK));
}

uint64_t cpu_of_self(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return ((uint64_t)u.ru_utime.tv_sec + (uint64_t)u.ru_stime.tv_sec) * NSEC_PER_SEC +
	       ((uint64_t)u.ru_utime.tv_usec + (uint64_t)u.ru_stime.tv_usec) * NSEC_PER_USEC;
}
