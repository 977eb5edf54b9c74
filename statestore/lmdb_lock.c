/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer lock of an LMDB environment that several nodes' processes share.
 *
 * LMDB has a robust lock of its own, but a process that is stopped while it holds that lock would stop every
 * node. So the commit threads take this one first; a waiter that finds the holder stopped kills it.
 */
#include "statestore/lmdb_priv.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "node/base/clock.h"
#include "node/log/log.h"

#define LMDB_STOPPED_MS 200
#define LMDB_WAIT_MS 50
#define LMDB_WRITER_MAGIC 0x48465752u

struct lmdb_writer_page {
	uint32_t magic;
	pthread_mutex_t mutex;
};

struct lmdb_writer {
	struct lmdb_writer_page *page;
	int fd; /* carries the flock for as long as the store is open */
};

static int writer_init_page(struct lmdb_writer_page *p)
{
	pthread_mutexattr_t attr;
	int r;

	if (p->magic == LMDB_WRITER_MAGIC)
		return 0;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	r = -pthread_mutex_init(&p->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	if (r == 0)
		p->magic = LMDB_WRITER_MAGIC;
	return r;
}

/* Every user holds a shared flock for as long as it lives. Who gets an exclusive one is alone: what an earlier boot
 * or run left in the page is then made anew, never trusted. */
static int writer_attach(int fd, struct lmdb_writer_page *p)
{
	int r;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		memset(p, 0, sizeof(*p));
	else if (flock(fd, LOCK_SH) < 0)
		return -errno;
	r = writer_init_page(p);
	if (r < 0)
		return r;
	return flock(fd, LOCK_SH) < 0 ? -errno : 0;
}

int lmdb_writer_open(const char *dir, struct lmdb_writer **ret)
{
	_cleanup_free_ struct lmdb_writer *w = calloc(1, sizeof(*w));
	char path[4096];
	int fd, r;

	if (!w)
		return -ENOMEM;
	if (snprintf(path, sizeof(path), "%s/writer.lock", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, 4096) < 0)
		goto fail;
	w->page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (w->page == MAP_FAILED)
		goto fail;
	r = writer_attach(fd, w->page);
	if (r < 0) {
		munmap(w->page, 4096);
		close(fd);
		return r;
	}
	w->fd = fd;
	*ret = TAKE_PTR(w);
	return 0;
fail:
	r = -errno;
	close(fd);
	return r;
}

void lmdb_writer_close(struct lmdb_writer *w)
{
	if (!w)
		return;
	munmap(w->page, 4096);
	close(w->fd);
	free(w);
}

/* True when the process is stopped by a signal or a debugger. */
static bool pid_stopped(pid_t pid)
{
	char path[64], buf[512], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	p = strrchr(buf, ')');
	return p && p[1] == ' ' && (p[2] == 'T' || p[2] == 't');
}

#if defined(__SANITIZE_THREAD__)
/* pthread_mutex_clocklock(), which GCC's ThreadSanitizer does not know: it would take the mutex for unlocked. */
static int lock_until(pthread_mutex_t *m, const struct timespec *ts)
{
	const uint64_t end = (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
	int r;

	while ((r = pthread_mutex_trylock(m)) == EBUSY && clock_mono_ns() < end)
		usleep(1000);
	return r == EBUSY ? ETIMEDOUT : r;
}
#else
static int lock_until(pthread_mutex_t *m, const struct timespec *ts)
{
	return pthread_mutex_clocklock(m, CLOCK_MONOTONIC, ts);
}
#endif

/* The thread that has the mutex, 0 when it is free. The lock word of a robust mutex is the kernel's ABI: only it names the
 * holder without a gap, so that a process stopped at any instruction of locking or unlocking is found. */
static pid_t writer_holder(const struct lmdb_writer *w)
{
	return (pid_t)(__atomic_load_n(&w->page->mutex.__data.__lock, __ATOMIC_RELAXED) & FUTEX_TID_MASK);
}

static int writer_wait(struct lmdb_writer *w)
{
	uint64_t stopped_since = 0;
	struct timespec ts;
	int r;

	for (;;) {
		pid_t holder = writer_holder(w);

		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_nsec += LMDB_WAIT_MS * 1000000L;
		if (ts.tv_nsec >= 1000000000L) {
			ts.tv_nsec -= 1000000000L;
			ts.tv_sec++;
		}
		r = lock_until(&w->page->mutex, &ts);
		if (r != ETIMEDOUT)
			return -r;
		if (holder <= 0 || holder != writer_holder(w) || !pid_stopped(holder)) {
			stopped_since = 0;
			continue;
		}
		if (!stopped_since)
			stopped_since = clock_mono_ns();
		if (clock_mono_ns() - stopped_since < LMDB_STOPPED_MS * 1000000ull)
			continue;
		log_warn("state store: a stopped process holds the writer lock, it is killed: tid=%d", (int)holder);
		kill(holder, SIGKILL);
		stopped_since = 0;
	}
}

int lmdb_writer_lock(struct lmdb_writer *w)
{
	int r = writer_wait(w);

	if (r == -EOWNERDEAD)
		r = -pthread_mutex_consistent(&w->page->mutex);
	return r;
}

void lmdb_writer_unlock(struct lmdb_writer *w)
{
	pthread_mutex_unlock(&w->page->mutex);
}
