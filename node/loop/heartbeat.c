/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heartbeats of a daemon; on its main thread or loop. */
#include "node/loop/heartbeat.h"

#include <fcntl.h>

#include "node/base/clock.h"

int heartbeat_fd(void)
{
	const char *text = getenv(HEARTBEAT_ENV);
	char *end;
	long fd;

	if (!text)
		return -1;
	fd = strtol(text, &end, 10);
	unsetenv(HEARTBEAT_ENV);
	if (*end || end == text || fd < 0 || fd > INT32_MAX ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	fcntl((int)fd, F_SETFL, O_NONBLOCK);
	return (int)fd;
}

void heartbeat_beat(int fd)
{
	int keep = errno;

	/* A full pipe says that noded does not read: nothing that we could do about. */
	if (fd >= 0 && write(fd, "b", 1) < 0)
		errno = keep;
}

static void beat(struct timer *t)
{
	struct heartbeat *h = container_of(t, struct heartbeat, timer);

	heartbeat_beat(h->fd);
	timer_set(t, loop_now(t->loop) + HEARTBEAT_PERIOD_MS * NSEC_PER_MSEC);
}

void heartbeat_start(struct heartbeat *h, struct loop *l, int fd)
{
	h->fd = fd;
	timer_init(&h->timer, l, beat);
	if (fd >= 0)
		beat(&h->timer);
}

void heartbeat_stop(struct heartbeat *h)
{
	timer_cancel(&h->timer);
}
