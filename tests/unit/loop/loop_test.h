/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test body that runs as a task on a loop of its own. */
#ifndef HF_TESTS_UNIT_LOOP_LOOP_TEST_H
#define HF_TESTS_UNIT_LOOP_LOOP_TEST_H

#include "tests/unit/test.h"

#include "node/base/clock.h"
#include "node/loop/io.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#else
#define UNDER_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#else
#define UNDER_ASAN 0
#endif

#define MS NSEC_PER_MSEC

static inline void spawn(void (*fn)(void *), void *arg, struct task **ret)
{
	assert_int_equal(task_spawn(loop_current(), fn, arg, ret), 0);
}

static inline uint64_t in_ms(uint64_t ms)
{
	return loop_now(loop_current()) + ms * MS;
}

struct test_body {
	void (*fn)(void);
	struct loop *loop;
};

static void body_main(void *arg)
{
	struct test_body *b = arg;

	b->fn();
	/* Tasks that the body started may still be on their way out. */
	for (int i = 0; loop_tasks(b->loop) > 1 && i < 2000; i++)
		task_sleep(MS);
	assert_int_equal(loop_tasks(b->loop), 1);
	loop_stop(b->loop);
}

/* Runs `fn` in a task and waits until every task has ended. A failed assertion inside leaves by
 * longjmp: the program ends with the group, so what it leaves behind does not matter. */
static inline void run_on_loop(void (*fn)(void))
{
	const struct loop_config cfg = { .name = "test" };
	struct test_body b = { .fn = fn };

	assert_int_equal(loop_new(&cfg, &b.loop), 0);
	assert_int_equal(task_spawn(b.loop, body_main, &b, NULL), 0);
	assert_int_equal(loop_run(b.loop), 0);
	loop_free(b.loop);
}

#endif
