/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sign of life of a daemon to holdfast-noded, which started it: a byte into a pipe at least
 * every second. Who stays silent for 10 s after his first byte is killed and started again. Without
 * noded all of this does nothing. A daemon whose configuration cannot work says so and exits with
 * EX_CONFIG (sysexits.h); when that happens before its first byte, noded does not try again but
 * stops the node.
 */
#ifndef HF_NODE_LOOP_HEARTBEAT_H
#define HF_NODE_LOOP_HEARTBEAT_H

#include "node/loop/loop.h"

/* Environment variable with the number of the pipe's write end. */
#define HEARTBEAT_ENV "HOLDFAST_HEARTBEAT_FD"
#define HEARTBEAT_PERIOD_MS 1000u
#define HEARTBEAT_LIMIT_MS 10000u

/* Takes the fd from the environment, once, at start and before there are threads. -1 when nobody
 * watches. */
int heartbeat_fd(void);
/* Writes one byte; never waits; harmless for -1. From the thread whose life matters. */
void heartbeat_beat(int fd);

struct heartbeat {
	struct timer timer;
	int fd;
};
/* Beats at once and every HEARTBEAT_PERIOD_MS on loop `l`, until heartbeat_stop(). */
void heartbeat_start(struct heartbeat *h, struct loop *l, int fd);
void heartbeat_stop(struct heartbeat *h);

#endif
