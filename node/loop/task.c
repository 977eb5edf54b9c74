/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks: starting, parking, waking, cancelling; gates and mutexes among them. On the loop's thread.
 */
#include "node/loop/loop_priv.h"

#ifdef HF_TSAN
#define NO_TSAN __attribute__((no_sanitize("thread"), noinline))
#else
#define NO_TSAN
#endif

/* --- life --- */

NO_TSAN static void task_main(void *arg)
{
	struct task *t = arg;
	struct loop *l = t->loop;

	context_entered(&t->ctx, &l->main_ctx);
	t->fn(t->arg);
	l->finished = t;
	context_switch(&t->ctx, &l->main_ctx, true);
}

static void task_free(struct task *t)
{
	struct loop *l = t->loop;

	timer_cancel(&t->timer);
	list_remove(&t->all);
	context_done(&t->ctx);
	stack_put(&l->stacks, &t->stack);
	l->ntasks--;
	free(t);
}

static void timed_out(struct timer *timer)
{
	struct task *t = container_of(timer, struct task, timer);

	if (t->wait == WAIT_NONE)
		return;
	if (t->wait == WAIT_OP) {
		t->op->timed_out = true;
		ring_cancel(t->loop, t->op);
		return;
	}
	task_ready(t, -ETIME);
}

int task_spawn(struct loop *l, void (*fn)(void *arg), void *arg, struct task **ret)
{
	struct task *t;
	int r;

	loop_assert(l);
	if (l->ntasks >= l->max_tasks)
		return -EAGAIN;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	r = stack_get(&l->stacks, &t->stack);
	if (r < 0) {
		free(t);
		return r;
	}
	r = context_init(&t->ctx, t->stack.bottom, t->stack.size, t->stack.fiber, task_main, t);
	if (r < 0) {
		stack_put(&l->stacks, &t->stack);
		free(t);
		return r;
	}
	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	timer_init(&t->timer, l, timed_out);
	list_append(&l->tasks, &t->all);
	list_append(&l->ready, &t->link);
	l->ntasks++;
	loop_kick(l);
	if (ret)
		*ret = t;
	return 0;
}

struct task *task_current(void)
{
	return loop_here ? loop_here->running : NULL;
}

void task_run_ready(struct loop *l)
{
	struct list now = LIST_INIT(now);
	struct task *t;

	list_splice(&now, &l->ready);
	while ((t = list_first(&now, struct task, link))) {
		list_remove(&t->link);
		l->running = t;
		context_switch(&l->main_ctx, &t->ctx, false);
		l->running = NULL;
		if (l->finished) {
			task_free(l->finished);
			l->finished = NULL;
		}
	}
}

/* --- waiting --- */

static void leave(struct task *t)
{
	context_switch(&t->ctx, &t->loop->main_ctx, false);
}

int task_wait(enum wait_kind kind, uint64_t deadline, bool interruptible)
{
	struct task *t = task_current();

	assert(t && t->wait == WAIT_NONE);
	t->wait = kind;
	t->interruptible = interruptible && !t->shield;
	if (deadline)
		timer_set(&t->timer, deadline);
	leave(t);
	timer_cancel(&t->timer);
	if (t->wake_result == -ECANCELED)
		t->cancel = false;
	return t->wake_result;
}

void task_ready(struct task *t, int result)
{
	if (t->wait == WAIT_NONE)
		return;
	t->wait = WAIT_NONE;
	t->wake_result = result;
	list_append(&t->loop->ready, &t->link);
	loop_kick(t->loop);
}

/* Whether the running task must report a cancellation instead of waiting. */
static bool cancel_due(struct task *t)
{
	if (!t->cancel || t->shield)
		return false;
	t->cancel = false;
	return true;
}

int task_park_until(uint64_t deadline)
{
	struct task *t = task_current();

	if (cancel_due(t))
		return -ECANCELED;
	if (t->token) {
		t->token = false;
		return 0;
	}
	if (deadline && deadline <= loop_now(t->loop))
		return -ETIME;
	return task_wait(WAIT_PARK, deadline, true);
}

int task_park(void)
{
	return task_park_until(0);
}

void task_wake(struct task *t)
{
	loop_assert(t->loop);
	if (t->wait == WAIT_PARK)
		task_ready(t, 0);
	else
		t->token = true;
}

void task_cancel(struct task *t)
{
	loop_assert(t->loop);
	t->cancel = true;
	if (t->wait == WAIT_NONE || !t->interruptible)
		return;
	if (t->wait == WAIT_OP)
		ring_cancel(t->loop, t->op);
	else
		task_ready(t, -ECANCELED);
}

bool task_cancelled(const struct task *t)
{
	return t->cancel;
}

void task_shield_begin(void)
{
	task_current()->shield++;
}

void task_shield_end(void)
{
	struct task *t = task_current();

	assert(t->shield);
	t->shield--;
}

void task_yield(void)
{
	struct task *t = task_current();

	list_append(&t->loop->ready, &t->link);
	leave(t);
}

int task_sleep(uint64_t ns)
{
	struct task *t = task_current();
	int r;

	if (cancel_due(t))
		return -ECANCELED;
	r = task_wait(WAIT_SLEEP, loop_now(t->loop) + ns, true);
	return r == -ETIME ? 0 : r;
}

/* --- gates and mutexes --- */

struct waiter {
	struct list link;
	struct task *task;
};

static int wait_in(struct list *waiters, uint64_t deadline)
{
	struct task *t = task_current();
	struct waiter w = { .task = t };
	int r;

	if (cancel_due(t))
		return -ECANCELED;
	if (deadline && deadline <= loop_now(t->loop))
		return -ETIME;
	list_append(waiters, &w.link);
	r = task_wait(WAIT_GATE, deadline, true);
	list_remove(&w.link);
	return r;
}

void gate_init(struct gate *g)
{
	list_init(&g->waiters);
	g->open = false;
}

int gate_wait(struct gate *g, uint64_t deadline)
{
	return g->open ? 0 : wait_in(&g->waiters, deadline);
}

void gate_open(struct gate *g)
{
	struct waiter *w;

	g->open = true;
	while ((w = list_first(&g->waiters, struct waiter, link))) {
		list_remove(&w->link);
		task_ready(w->task, 0);
	}
}

void gate_close(struct gate *g)
{
	g->open = false;
}

void task_mutex_init(struct task_mutex *m)
{
	list_init(&m->waiters);
	m->owner = NULL;
}

int task_mutex_lock(struct task_mutex *m)
{
	struct task *t = task_current();

	if (!m->owner) {
		m->owner = t;
		return 0;
	}
	assert(m->owner != t);
	return wait_in(&m->waiters, 0);
}

void task_mutex_unlock(struct task_mutex *m)
{
	struct waiter *w;

	assert(m->owner == task_current());
	m->owner = NULL;
	while ((w = list_first(&m->waiters, struct waiter, link))) {
		list_remove(&w->link);
		if (w->task->wait == WAIT_NONE)
			continue; /* was cancelled this moment */
		m->owner = w->task;
		task_ready(w->task, 0);
		return;
	}
}
