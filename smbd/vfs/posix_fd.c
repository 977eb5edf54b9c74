/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Descriptors as a cache: a process may have few of them, clients many opens. What can be opened again by its handle
 * loses its descriptor when nobody uses it and a thread has more than its share; the one that was used least recently
 * goes first. Each thread has its own files and list.
 */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/io.h"

/* What a thread gives back when the process has no descriptor left: an eighth of its idle ones, at least so many. */
#define SHED_LEAST 16u
#define SAY_AGAIN_NS (60 * NSEC_PER_SEC)

static unsigned int budget = UINT_MAX; /* of each thread; set before there is a second one */

static _Thread_local struct {
	struct list idle;     /* unused ones that may be given back, the longest unused first; .next NULL: not yet made */
	unsigned int n_idle;
	unsigned int held;    /* descriptors of files and listings, those that are just being opened included */
	uint64_t said_at;     /* when a shortage was logged */
	struct vfs_fds stats;
} mine;

void vfs_set_descriptors(unsigned int per_thread)
{
	budget = MAX(per_thread, 1u);
}

void vfs_descriptors(struct vfs_fds *ret)
{
	*ret = mine.stats;
	ret->held = mine.held;
	ret->idle = mine.n_idle;
}

static void idle_add(struct posix_fd *d)
{
	if (!mine.idle.next)
		list_init(&mine.idle);
	list_append(&mine.idle, &d->idle);
	mine.n_idle++;
}

static void idle_remove(struct posix_fd *d)
{
	if (list_empty(&d->idle))
		return;
	list_remove(&d->idle);
	mine.n_idle--;
}

/* Without waiting for the disk, where that is possible. */
static void close_fd(int fd)
{
	if (!task_current()) {
		close(fd);
		return;
	}
	task_shield_begin();
	(void)io_close(fd);
	task_shield_end();
}

/* A file without a name would be lost with its descriptor: it keeps it until it was used once more. */
static bool has_name(int fd)
{
	struct statx sx;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &sx) == 0 && sx.stx_nlink > 0;
}

/* Takes the descriptor of the one that was unused for longest. -1: it keeps it. */
static int take_back(void)
{
	struct posix_fd *d = list_first(&mine.idle, struct posix_fd, idle);

	idle_remove(d);
	if (!has_name(d->fd))
		return -1;
	mine.held--;
	mine.stats.given_back++;
	return TAKE_FD(d->fd);
}

/* [task] Gives descriptors back until this thread holds no more than its share. */
static void make_room(void)
{
	while (mine.held > budget && mine.n_idle > 0) {
		int fd = take_back();

		if (fd >= 0)
			close_fd(fd);
	}
}

bool posix_fd_retry(int err)
{
	unsigned int n = MAX(mine.n_idle / 8, SHED_LEAST), freed = 0;
	uint64_t now;

	if (err != -EMFILE && err != -ENFILE)
		return false;
	while (freed < n && mine.n_idle > 0) {
		int fd = take_back();

		if (fd < 0)
			continue;
		close_fd(fd);
		freed++;
	}
	now = clock_mono_ns();
	if (mine.said_at == 0 || now - mine.said_at > SAY_AGAIN_NS) {
		mine.said_at = now;
		log_warn("no descriptor is left to open a file: error=%s given_back=%u held=%u", log_errno(err), freed,
			 mine.held);
	}
	return freed > 0;
}

void posix_fd_init(struct posix_fd *d, int fd, int root, int oflags, const struct vfs_handle *h)
{
	*d = (struct posix_fd){ .fd = fd, .root = root, .oflags = oflags, .handle = h };
	list_init(&d->idle);
	mine.held++;
	if (d->handle)
		idle_add(d);
	make_room();
}

/* [task] Opens it again. The descriptor, or -errno. */
static int open_again(struct posix_fd *d)
{
	int fd;

	mine.held++;
	make_room();
	fd = posix_by_handle(d->root, d->handle, d->oflags);
	if (fd >= 0 && d->fd < 0) {
		mine.stats.opened_again++;
		return d->fd = fd;
	}
	mine.held--;
	if (fd >= 0) { /* another task was faster */
		close_fd(fd);
		return d->fd;
	}
	return fd == -ESTALE || fd == -ENOENT ? -EIDRM : fd;
}

int posix_fd_pin(struct posix_fd *d)
{
	int fd;

	idle_remove(d);
	d->pins++;
	if (d->fd >= 0)
		return d->fd;
	fd = open_again(d);
	if (fd < 0)
		posix_fd_unpin(d);
	return fd;
}

void posix_fd_unpin(struct posix_fd *d)
{
	assert(d->pins > 0);
	if (--d->pins == 0 && d->fd >= 0 && d->handle)
		idle_add(d);
}

void posix_fd_close(struct posix_fd *d)
{
	assert(d->pins == 0);
	idle_remove(d);
	if (d->fd < 0)
		return;
	mine.held--;
	close_fd(TAKE_FD(d->fd));
}
