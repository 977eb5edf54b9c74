/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of node/loop share. Fields belong to the loop's thread unless a comment says
 * otherwise. */
#ifndef HF_NODE_LOOP_LOOP_PRIV_H
#define HF_NODE_LOOP_LOOP_PRIV_H

#include <liburing.h>
#include <stdatomic.h>

#include "node/loop/context.h"
#include "node/loop/stack.h"
#include "node/loop/task.h"

/* Low bits of an operation's user_data; operations proper are aligned pointers. */
enum {
	TAG_OP = 0,
	TAG_IGNORE = 1, /* result does not matter */
	TAG_WAKE = 2, /* another loop woke us */
	TAG_SENT_WAKE = 3, /* our wake of another loop (the pointer) ended */
	TAG_EVENTFD = 4, /* our eventfd is readable */
	TAG_MASK = 7,
};

struct timer_heap {
	struct timer *root;
	uint64_t seq;
};

struct mailbox {
	_Atomic(struct mail *) head; /* newest first; any thread pushes */
	_Atomic(bool) sleeping; /* the loop waits in the kernel, or will before it looks again */
	int evfd;
};

struct loop {
	struct io_uring ring;
	bool ring_on; /* enabled on its thread */
	bool has_msg_ring;
	bool embedded; /* loop_fd() was asked for */
	bool in_round;
	bool kicked; /* embedded: the eventfd was written since the last round */
	_Atomic(bool) stop; /* any thread */
	char name[16];
	uint64_t now;
	struct mailbox box;
	struct mail *deferred, **deferred_tail;
	struct timer_heap timers;
	int epfd, timerfd, cqfd; /* embedded: what loop_fd() gives, and two that it watches */
	uint64_t timerfd_at;
	struct list ready; /* tasks to run */
	struct list cancels; /* operations to cancel, see ring_cancel() */
	struct list tasks; /* all of them */
	unsigned int ntasks, max_tasks;
	unsigned int inflight; /* operations of tasks that the kernel has */
	struct stack_pool stacks;
	struct context main_ctx;
	struct task *running;
	struct task *finished; /* whose stack is to be given back */
};

enum wait_kind {
	WAIT_NONE, /* runs or is ready */
	WAIT_PARK,
	WAIT_SLEEP,
	WAIT_GATE,
	WAIT_OP,
	WAIT_OFFLOAD,
};

struct task {
	struct list link; /* in loop.ready */
	struct list all; /* in loop.tasks */
	struct loop *loop;
	struct stack stack;
	struct context ctx;
	void (*fn)(void *arg);
	void *arg;
	enum wait_kind wait;
	bool interruptible; /* the present wait is */
	bool token;
	bool cancel;
	unsigned int shield;
	int wake_result;
	struct op *op; /* while wait == WAIT_OP */
	struct timer timer;
};

/* One io_uring operation; lives on the stack of the task that waits for it. */
struct op {
	struct task *task;
	struct list cancel_link;
	uint64_t deadline;
	int res;
	bool interruptible;
	bool cancel_asked; /* an ASYNC_CANCEL is queued or sent */
	bool timed_out;
};

extern _Thread_local struct loop *loop_here;

/* In debug builds: the caller is on the loop's thread, or the loop has no thread yet. */
#define loop_assert(l) assert(!(l)->ring_on || loop_current() == (l))

/* ring.c */
int ring_open(struct loop *l, unsigned int entries);
void ring_close(struct loop *l);
/* Binds the ring to the calling thread and arms the wake-up; once. */
int ring_enable(struct loop *l);
/* A free submission entry; submits what is there when the queue is full; NULL when the kernel takes
 * no more now. */
struct io_uring_sqe *ring_sqe(struct loop *l);
/* Queues the cancellation of an operation in flight. */
void ring_cancel(struct loop *l, struct op *op);
/* Hands what is queued to the kernel and collects completions, waiting up to `wait_ns` (0: not) for
 * one. */
int ring_enter(struct loop *l, uint64_t wait_ns);
/* Whether ring_enter() would find completions or has entries to submit. */
bool ring_pending(const struct loop *l);
/* Makes loop_fd() readable after work was queued outside of a round. */
void loop_kick(struct loop *l);

/* An operation in the order of its use in a task: op_begin (NULL sqe: *ret_err says why), fill the
 * sqe, op_wait. */
struct io_uring_sqe *op_begin(struct op *op, uint64_t deadline, bool interruptible, int *ret_err);
int op_wait(struct op *op, struct io_uring_sqe *sqe);

/* task.c */
void task_run_ready(struct loop *l);
/* Parks the running task: the given kind of wait, until task_ready(); returns what that was given,
 * -ETIME or -ECANCELED. */
int task_wait(enum wait_kind kind, uint64_t deadline, bool interruptible);
/* Ends the wait of a task with `result`. */
void task_ready(struct task *t, int result);

/* timer.c */
/* Fires what is due at `now`. */
void timers_run(struct timer_heap *h, uint64_t now);
/* The nearest deadline, UINT64_MAX when there is none. */
uint64_t timers_next(const struct timer_heap *h);

/* mailbox.c */
int mailbox_open(struct mailbox *b);
void mailbox_close(struct mailbox *b);
bool mailbox_empty(const struct mailbox *b);
/* Runs what was posted. */
void mailbox_run(struct loop *l);
/* Makes the eventfd unreadable. */
void mailbox_drain(struct mailbox *b);
/* Wakes the loop out of its wait whatever its box holds. Any thread. */
void mailbox_wake(struct mailbox *b);

#endif
