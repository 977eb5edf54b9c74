/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rounds of a loop: mail, timers, tasks, then the kernel. On the loop's thread, but for
 * loop_stop(). */
#include "node/loop/loop_priv.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include "node/base/clock.h"

#define ENTRIES_DEFAULT 1024u
#define STACK_DEFAULT ((size_t)64 << 10)
#define TASKS_DEFAULT 65536u
/* How often a round runs what became ready in it before it asks the kernel again. */
#define PASSES 8

_Thread_local struct loop *loop_here;

static void loop_destroy(struct loop *l)
{
	cleanup_close(&l->epfd);
	cleanup_close(&l->timerfd);
	cleanup_close(&l->cqfd);
	mailbox_close(&l->box);
	free(l);
}

int loop_new(const struct loop_config *cfg, struct loop **ret)
{
	struct loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->epfd = l->timerfd = l->cqfd = -1;
	l->deferred_tail = &l->deferred;
	l->max_tasks = cfg->max_tasks ? cfg->max_tasks : TASKS_DEFAULT;
	snprintf(l->name, sizeof(l->name), "%s", cfg->name ? cfg->name : "");
	list_init(&l->ready);
	list_init(&l->cancels);
	list_init(&l->tasks);
	atomic_init(&l->stop, false);
	r = mailbox_open(&l->box);
	if (r < 0)
		goto fail;
	r = ring_open(l, cfg->entries ? cfg->entries : ENTRIES_DEFAULT);
	if (r < 0)
		goto fail;
	r = stack_pool_init(&l->stacks, cfg->stack_size ? cfg->stack_size : STACK_DEFAULT);
	if (r < 0) {
		ring_close(l);
		goto fail;
	}
	*ret = l;
	return 0;
fail:
	loop_destroy(l);
	return r;
}

static void deferred_run_all(struct loop *l)
{
	struct mail *m = l->deferred, *next;

	l->deferred = NULL;
	l->deferred_tail = &l->deferred;
	for (; m; m = next) {
		next = m->next;
		m->run(m);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	assert(!l->in_round && !l->ntasks && !l->inflight);
	while (!mailbox_empty(&l->box) || l->deferred) {
		mailbox_run(l);
		deferred_run_all(l);
	}
	assert(!l->ntasks);
	if (loop_here == l)
		loop_here = NULL;
	ring_close(l);
	stack_pool_done(&l->stacks);
	loop_destroy(l);
}

struct loop *loop_current(void)
{
	return loop_here;
}

uint64_t loop_now(const struct loop *l)
{
	return l->in_round ? l->now : clock_mono_ns();
}

unsigned int loop_tasks(const struct loop *l)
{
	return l->ntasks;
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	mailbox_wake(&l->box);
}

void loop_kick(struct loop *l)
{
	if (!l->embedded || l->in_round || l->kicked)
		return;
	l->kicked = true;
	mailbox_wake(&l->box);
}

static bool has_work(const struct loop *l)
{
	return !list_empty(&l->ready) || l->deferred || !mailbox_empty(&l->box);
}

/* Runs all that is ready; a bounded number of times what becomes ready by that. */
static void run_ready(struct loop *l)
{
	for (int i = 0; i < PASSES; i++) {
		l->now = clock_mono_ns();
		mailbox_run(l);
		deferred_run_all(l);
		timers_run(&l->timers, l->now);
		task_run_ready(l);
		if (!has_work(l))
			break;
	}
}

/* How long the kernel may let us sleep: 0 when there is work. */
static uint64_t may_sleep(struct loop *l)
{
	uint64_t next, now;

	if (has_work(l))
		return 0;
	next = timers_next(&l->timers);
	if (next != UINT64_MAX) {
		now = clock_mono_ns();
		if (next <= now)
			return 0;
		next -= now;
	}
	atomic_store(&l->box.sleeping, true);
	if (!mailbox_empty(&l->box) || atomic_load(&l->stop)) {
		atomic_store(&l->box.sleeping, false);
		return 0;
	}
	return next;
}

/* Makes the calling thread the loop's. */
static int loop_bind(struct loop *l)
{
	int r;

	assert(!loop_here || loop_here == l);
	if (!l->ring_on) {
		r = ring_enable(l);
		if (r < 0)
			return r;
		context_init_thread(&l->main_ctx);
	}
	loop_here = l;
	return 0;
}

int loop_run(struct loop *l)
{
	int r = loop_bind(l);

	if (r < 0)
		return r;
	if (l->name[0])
		prctl(PR_SET_NAME, l->name);
	l->in_round = true;
	do {
		run_ready(l);
		r = ring_enter(l, may_sleep(l));
		atomic_store(&l->box.sleeping, false);
	} while (r == 0 && !atomic_load(&l->stop));
	atomic_store(&l->stop, false);
	l->in_round = false;
	if (!l->embedded)
		loop_here = NULL;
	return r;
}

/*
 * A ring whose completions wait for its thread (DEFER_TASKRUN) does not wake those who poll the
 * ring's fd; it does signal a registered eventfd. Our own eventfd is watched directly, as a signal
 * caused by a signal comes late.
 */
static int watch_open(struct loop *l)
{
	struct epoll_event ev = { .events = EPOLLIN };

	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	l->timerfd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	l->cqfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->epfd < 0 || l->timerfd < 0 || l->cqfd < 0)
		return -errno;
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->timerfd, &ev) < 0 ||
	    epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->cqfd, &ev) < 0 ||
	    epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->box.evfd, &ev) < 0)
		return -errno;
	if (syscall(__NR_io_uring_register, l->ring.ring_fd, IORING_REGISTER_EVENTFD, &l->cqfd, 1) <
	    0)
		return -errno;
	l->timerfd_at = UINT64_MAX;
	return 0;
}

/* Sets the timer of loop_fd() for the nearest deadline; setting it also makes it unreadable again.
 */
static void watch_timer(struct loop *l)
{
	uint64_t next = timers_next(&l->timers);
	struct itimerspec its = { 0 };

	if (next == UINT64_MAX && l->timerfd_at == UINT64_MAX)
		return;
	if (next != UINT64_MAX) {
		next = MAX(next, (uint64_t)1); /* 0 would disarm it */
		its.it_value.tv_sec = (time_t)(next / NSEC_PER_SEC);
		its.it_value.tv_nsec = (long)(next % NSEC_PER_SEC);
	}
	timerfd_settime(l->timerfd, TFD_TIMER_ABSTIME, &its, NULL);
	l->timerfd_at = next;
}

int loop_fd(struct loop *l)
{
	int r;

	if (l->embedded)
		return l->epfd;
	r = loop_bind(l);
	if (r < 0)
		return r;
	r = watch_open(l);
	if (r < 0)
		return r;
	r = ring_enter(l, 0);
	if (r < 0)
		return r;
	l->embedded = true;
	atomic_store(&l->box.sleeping, true);
	l->kicked = true; /* whatever was queued before */
	mailbox_wake(&l->box);
	return l->epfd;
}

int loop_run_once(struct loop *l)
{
	int r = loop_fd(l);
	uint64_t n;

	if (r < 0)
		return r;
	loop_assert(l);
	while (read(l->cqfd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	mailbox_drain(&l->box);
	io_uring_cq_eventfd_toggle(&l->ring, false);
	atomic_store(&l->box.sleeping, false);
	l->in_round = true;
	for (int i = 0; i < PASSES; i++) {
		r = ring_enter(l, 0);
		if (r < 0)
			break;
		l->kicked = false;
		run_ready(l);
	}
	if (r == 0)
		r = ring_enter(l, 0);
	l->in_round = false;
	watch_timer(l);
	atomic_store(&l->box.sleeping, true);
	io_uring_cq_eventfd_toggle(&l->ring, true);
	if (has_work(l) || ring_pending(l))
		loop_kick(l);
	return r;
}
