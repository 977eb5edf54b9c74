/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks: switching, gates, reuse of stacks, cancellation, mutexes. */
#include "tests/unit/loop/loop_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* --- tasks --- */

static struct task *ping, *pong;
static int rounds, sum;

static void pong_main(void *arg)
{
	for (int i = 0; i < rounds; i++) {
		assert_int_equal(task_park(), 0);
		sum++;
		task_wake(ping);
	}
}

static void body_ping_pong(void)
{
	ping = task_current();
	rounds = 100000;
	sum = 0;
	spawn(pong_main, NULL, &pong);
	for (int i = 0; i < rounds; i++) {
		task_wake(pong);
		assert_int_equal(task_park(), 0);
	}
	assert_int_equal(sum, rounds);
}

static void test_ping_pong(void **state)
{
	run_on_loop(body_ping_pong);
}

static struct gate gate;
static unsigned int passed;

static void gate_main(void *arg)
{
	char pad[1024];

	memset(pad, (int)(uintptr_t)arg, sizeof(pad));
	assert_int_equal(gate_wait(&gate, 0), 0);
	assert_int_equal((uint8_t)pad[1023], (uint8_t)(uintptr_t)arg);
	passed++;
}

static void body_many(void)
{
	unsigned int n = UNDER_TSAN ? 500 : 10000;

	gate_init(&gate);
	passed = 0;
	for (uintptr_t i = 0; i < n; i++)
		spawn(gate_main, (void *)i, NULL);
	task_yield();
	assert_int_equal(loop_tasks(loop_current()), n + 1);
	gate_open(&gate);
	task_yield();
	assert_int_equal(passed, n);
	assert_int_equal(gate_wait(&gate, 0), 0);
}

static void test_many_parked(void **state)
{
	run_on_loop(body_many);
}

static void nothing(void *arg)
{
	passed++;
}

static void body_reuse(void)
{
	passed = 0;
	for (int i = 0; i < 100000; i++) {
		spawn(nothing, NULL, NULL);
		task_yield();
	}
	assert_int_equal(passed, 100000);
}

static void test_stack_reuse(void **state)
{
	run_on_loop(body_reuse);
}

static void test_max_tasks(void **state)
{
	const struct loop_config cfg = { .max_tasks = 2 };
	struct loop *l;

	assert_int_equal(loop_new(&cfg, &l), 0);
	assert_int_equal(task_spawn(l, nothing, NULL, NULL), 0);
	assert_int_equal(task_spawn(l, nothing, NULL, NULL), 0);
	assert_int_equal(task_spawn(l, nothing, NULL, NULL), -EAGAIN);
	loop_stop(l);
	assert_int_equal(loop_run(l), 0);
	loop_free(l);
}

static int wait_result;

static void sleeper(void *arg)
{
	wait_result = task_sleep(10000 * MS);
}

static void shielded(void *arg)
{
	task_shield_begin();
	wait_result = task_sleep(5 * MS);
	task_shield_end();
	assert_true(task_cancelled(task_current()));
	assert_int_equal(task_sleep(1), -ECANCELED);
	assert_false(task_cancelled(task_current()));
	assert_int_equal(task_sleep(1), 0);
}

static void gate_waiter(void *arg)
{
	wait_result = gate_wait(&gate, arg ? in_ms(5) : 0);
}

static void body_cancel(void)
{
	struct task *t;

	gate_init(&gate);
	spawn(sleeper, NULL, &t);
	task_yield();
	task_cancel(t);
	task_yield();
	assert_int_equal(wait_result, -ECANCELED);
	wait_result = 1;
	spawn(sleeper, NULL, &t);
	task_cancel(t); /* before its first wait */
	task_yield();
	assert_int_equal(wait_result, -ECANCELED);
	spawn(shielded, NULL, &t);
	task_yield();
	task_cancel(t);
	task_sleep(20 * MS);
	assert_int_equal(wait_result, 0);
	spawn(gate_waiter, NULL, &t);
	task_yield();
	task_cancel(t);
	task_yield();
	assert_int_equal(wait_result, -ECANCELED);
	assert_true(list_empty(&gate.waiters));
	spawn(gate_waiter, (void *)1, &t);
	task_sleep(20 * MS);
	assert_int_equal(wait_result, -ETIME);
	assert_int_equal(task_park_until(in_ms(1)), -ETIME);
	task_wake(task_current());
	assert_int_equal(task_park(), 0);
}

static void test_cancel(void **state)
{
	run_on_loop(body_cancel);
}

static struct task_mutex mutex;
static char order[8];

static void mutex_user(void *arg)
{
	int r = task_mutex_lock(&mutex);

	if (r < 0) {
		assert_int_equal(r, -ECANCELED);
		return;
	}
	strcat(order, arg);
	task_yield();
	task_mutex_unlock(&mutex);
}

static void body_mutex(void)
{
	struct task *b;

	order[0] = 0;
	task_mutex_init(&mutex);
	assert_int_equal(task_mutex_lock(&mutex), 0);
	spawn(mutex_user, "a", NULL);
	spawn(mutex_user, "b", &b);
	spawn(mutex_user, "c", NULL);
	task_yield();
	task_cancel(b);
	task_mutex_unlock(&mutex);
	while (loop_tasks(loop_current()) > 1)
		task_yield();
	assert_string_equal(order, "ac");
	assert_null(mutex.owner);
}

static void test_mutex(void **state)
{
	run_on_loop(body_mutex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ping_pong),   cmocka_unit_test(test_many_parked),
		cmocka_unit_test(test_stack_reuse), cmocka_unit_test(test_max_tasks),
		cmocka_unit_test(test_cancel),	    cmocka_unit_test(test_mutex),
	};

	return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
