/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A wrong wall clock for the programs of one lab node: preloaded, it adds to CLOCK_REALTIME what the file
 * $HF_CLOCK_SKEW/<host name> says (nanoseconds, 8 bytes, may change at any time). Other clocks stay right. Any thread.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

typedef int clock_gettime_fn(clockid_t id, struct timespec *ts);

static clock_gettime_fn *real_clock;
static const volatile int64_t *skew;

__attribute__((constructor)) static void skew_init(void)
{
	const char *dir = getenv("HF_CLOCK_SKEW");
	char host[64], path[4096];
	void *p;
	int fd;

	real_clock = (clock_gettime_fn *)(uintptr_t)dlsym(RTLD_NEXT, "clock_gettime");
	if (!dir || gethostname(host, sizeof(host)) < 0)
		return;
	host[sizeof(host) - 1] = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", dir, host) >= (int)sizeof(path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*skew), PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		skew = p;
	close(fd);
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = real_clock(id, ts);
	int64_t ns;

	if (r < 0 || !skew || (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return r;
	ns = (int64_t)ts->tv_sec * NS_PER_S + ts->tv_nsec + *skew;
	ts->tv_sec = ns / NS_PER_S;
	ts->tv_nsec = ns % NS_PER_S;
	return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz; /* no caller gives one */
	if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
		return -1;
	if (ret)
		*ret = ts.tv_sec;
	return ts.tv_sec;
}
