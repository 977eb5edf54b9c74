/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clocks, and the file times of Windows. Any thread. */
#ifndef HF_NODE_BASE_CLOCK_H
#define HF_NODE_BASE_CLOCK_H

#include <time.h>

#include "node/base/util.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/* 100 ns ticks from 1601-01-01 to 1970-01-01. */
#define NTTIME_UNIX_EPOCH INT64_C(116444736000000000)

/* Nanoseconds since boot, counting the time that the machine was suspended (CLOCK_BOOTTIME). Never
 * goes back. */
uint64_t clock_mono_ns(void);
/* Nanoseconds since 1970 of the wall clock; only for deadlines that outlive the process or go to
 * another node. */
uint64_t clock_real_ns(void);

/* FILETIME (MS-DTYP 2.3.3): 100 ns ticks since 1601. Rounds down; times before 1601 give 0 and
 * times that do not fit give INT64_MAX, as FILETIME is signed on the wire. */
uint64_t nttime_from_timespec(struct timespec ts);
/* The inverse; exact for every value up to INT64_MAX, larger ones count as INT64_MAX. tv_nsec is
 * never negative. */
struct timespec timespec_from_nttime(uint64_t nttime);
/* The wall clock as FILETIME. */
uint64_t nttime_now(void);

#endif
