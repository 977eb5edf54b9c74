/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A task is a stackful coroutine on one loop: straight-line code that waits in place. Stacks come
 * from a pool, each with a guard page, and are announced to ASan and TSan.
 *
 * Cancellation: task_cancel() makes the task's present or next interruptible wait return -ECANCELED
 * once; the task decides what that means. Inside task_shield_begin()/end() waits are not
 * interrupted.
 */
#ifndef HF_NODE_LOOP_TASK_H
#define HF_NODE_LOOP_TASK_H

#include "node/loop/loop.h"

struct task;

/* Starts `fn(arg)` on loop `l` in its next round. Loop's thread only. -ENOMEM, -EAGAIN (max_tasks).
 * `ret` (may be NULL) is valid until fn returns: the owner must forget it then. */
int task_spawn(struct loop *l, void (*fn)(void *arg), void *arg, struct task **ret) HF_MUST_CHECK;
/* The running task, or NULL outside of tasks. */
struct task *task_current(void);
/* Parks until task_wake(). A wake that came before is not lost (one token). 0 or -ECANCELED. May
 * return 0 for a wake that was meant for an earlier wait: ask again whether what you wait for has
 * come. */
int task_park(void);
/* Parks until task_wake() or `deadline` (loop clock, ns; 0: none). 0, -ETIME, -ECANCELED. */
int task_park_until(uint64_t deadline);
/* Makes a parked task runnable (or leaves one token). Loop's thread only. */
void task_wake(struct task *t);
/* See above. Loop's thread only. */
void task_cancel(struct task *t);
/* True when the task has a cancellation that no wait has reported yet. */
bool task_cancelled(const struct task *t);
void task_shield_begin(void);
void task_shield_end(void);
/* Lets others run. */
void task_yield(void);
/* Sleeps `ns`. 0 or -ECANCELED. */
int task_sleep(uint64_t ns);

/* --- a gate: many tasks wait, one event lets all pass --- */
struct gate {
	struct list waiters;
	bool open;
};
void gate_init(struct gate *g);
/* Returns at once when open. 0, -ETIME, -ECANCELED. */
int gate_wait(struct gate *g, uint64_t deadline);
void gate_open(struct gate *g);
void gate_close(struct gate *g);

/* --- task mutex: FIFO, only among tasks of one loop --- */
struct task_mutex {
	struct list waiters;
	struct task *owner;
};
void task_mutex_init(struct task_mutex *m);
/* 0 or -ECANCELED. */
int task_mutex_lock(struct task_mutex *m);
void task_mutex_unlock(struct task_mutex *m);

/* --- offload: run a blocking or heavy function on a pool thread, wait in place --- */

/* Starts the process-wide pool. `threads` 0: number of processors. */
int offload_start(unsigned int threads);
void offload_stop(void);
/* Runs fn(arg) on a pool thread; the task waits, not interruptible. Without a pool or a task: runs
 * it in place. */
void offload_run(void (*fn)(void *arg), void *arg);

/* A pool of its own for what blocks for long (a network file system): threads are started as they are needed, and stay. */
struct offload_pool;
int offload_pool_new(const char *name, unsigned int max_threads, struct offload_pool **ret);
/* Waits for what runs and what is queued. NULL is allowed. */
void offload_pool_free(struct offload_pool *p);
/* As offload_run(). */
void offload_pool_run(struct offload_pool *p, void (*fn)(void *arg), void *arg);

struct offload_job {
	struct list link; /* private */
	void (*fn)(void *arg);
	void *arg;
};
/* Runs job->fn(job->arg) on a thread of the pool some time, and nobody waits: fn may free the job. Any thread. */
void offload_pool_post(struct offload_pool *p, struct offload_job *job);

#endif
