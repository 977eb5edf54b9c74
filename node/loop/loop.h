/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A loop is one thread's world: an io_uring, timers, a mailbox and the tasks that run on it. What
 * belongs to a loop is touched by its thread only; everything that crosses is a `struct mail`
 * posted to its mailbox.
 */
#ifndef HF_NODE_LOOP_LOOP_H
#define HF_NODE_LOOP_LOOP_H

#include "node/base/list.h"

struct loop;

struct loop_config {
	const char *name; /* thread name, at most 15 bytes */
	unsigned int entries; /* submission queue entries; 0: 1024 */
	size_t stack_size; /* bytes of a task's stack without its guard page; 0: 64 KiB */
	unsigned int max_tasks; /* tasks that may exist at once; 0: 65536 */
};

/* Makes a loop; the thread that first calls loop_run(), loop_run_once() or loop_fd() becomes its
 * thread. Until then the maker may spawn tasks, set timers and post. -errno as io_uring_setup(2),
 * -ENOSYS when the kernel lacks an operation (6.1 has all). */
int loop_new(const struct loop_config *cfg, struct loop **ret) HF_MUST_CHECK;
/* Frees a loop that does not run any more and that nobody posts to; NULL is fine. Mail that is left
 * is run here, so that it frees itself. Tasks that are left are a bug (asserted). */
void loop_free(struct loop *l);
/* Runs until loop_stop(); returns 0, or -errno of io_uring_enter(2). Sets loop_current() for the
 * calling thread. */
int loop_run(struct loop *l);
/* Asks a loop to return from loop_run() after the current round. Any thread, and signal handlers.
 */
void loop_stop(struct loop *l);
/* The loop that runs on this thread, or NULL. A loop used through loop_fd() counts from then on. */
struct loop *loop_current(void);
/* Monotonic time (CLOCK_BOOTTIME, ns) as of the start of this round: cheap. Outside of rounds: as
 * of now. */
uint64_t loop_now(const struct loop *l);
/* How many tasks there are. */
unsigned int loop_tasks(const struct loop *l);
/* An fd for poll(2)/qb_loop in a foreign event loop: readable when loop_run_once() has work. Makes
 * the calling thread the loop's thread; between rounds it may spawn, wake, post and set timers as
 * from inside. -errno. */
int loop_fd(struct loop *l);
/* Runs what is ready without waiting; for a loop embedded in a foreign event loop. 0, -errno of
 * io_uring_enter(2). */
int loop_run_once(struct loop *l);

/* --- mailbox --- */

/* A message owns its payload: embed it, and free what embeds it in `run`. */
struct mail {
	struct mail *next;
	void (*run)(struct mail *m); /* on the receiving loop's thread, not inside a task */
};
/* Queues `m` at loop `to` in order of posting per sender, and wakes it when it sleeps. Any thread.
 */
void loop_post(struct loop *to, struct mail *m);
/* Queues `fn(arg)` for this loop's next round, on this thread. Allocates; -ENOMEM. */
int loop_defer(struct loop *l, void (*fn)(void *arg), void *arg) HF_MUST_CHECK;

/* --- timers --- */

struct timer {
	uint64_t deadline;
	void (*fire)(struct timer *t); /* on the loop's thread, not inside a task; t is disarmed
					  before the call */
	struct loop *loop;
	/* private: a node of a pairing heap */
	uint64_t seq;
	struct timer *child, *next, *prev;
	bool armed;
};
void timer_init(struct timer *t, struct loop *l, void (*fire)(struct timer *t));
/* Arms (or re-arms) `t` for `deadline` (loop clock, ns). Equal deadlines fire in the order of
 * arming. Never fails. */
void timer_set(struct timer *t, uint64_t deadline);
/* Disarms; harmless when not armed. */
void timer_cancel(struct timer *t);
bool timer_armed(const struct timer *t);

#endif
