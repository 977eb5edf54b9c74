/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clocks. No state: any thread. */
#include "node/base/clock.h"

#define TICKS_PER_SEC INT64_C(10000000)

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		abort(); /* both clocks exist on every kernel that runs us */
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

uint64_t clock_real_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t nttime_from_timespec(struct timespec ts)
{
	int64_t ticks;

	if (__builtin_mul_overflow((int64_t)ts.tv_sec, TICKS_PER_SEC, &ticks) ||
	    __builtin_add_overflow(ticks, NTTIME_UNIX_EPOCH + ts.tv_nsec / 100, &ticks))
		return ts.tv_sec < 0 ? 0 : INT64_MAX;
	return ticks < 0 ? 0 : (uint64_t)ticks;
}

struct timespec timespec_from_nttime(uint64_t nttime)
{
	int64_t ticks = (int64_t)MIN(nttime, (uint64_t)INT64_MAX) - NTTIME_UNIX_EPOCH;
	int64_t sec = ticks / TICKS_PER_SEC, rest = ticks % TICKS_PER_SEC;

	if (rest < 0) {
		rest += TICKS_PER_SEC;
		sec--;
	}
	return (struct timespec){ .tv_sec = sec, .tv_nsec = rest * 100 };
}

uint64_t nttime_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return nttime_from_timespec(ts);
}
