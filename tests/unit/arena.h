/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arena that each test of a program begins with, empty: cmocka_unit_test_setup_teardown(test, setup, teardown). */
#ifndef HF_TESTS_UNIT_ARENA_H
#define HF_TESTS_UNIT_ARENA_H

#include "node/base/arena.h"

static struct arena arena;

static int setup(void **state)
{
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	arena_reset(&arena);
	return 0;
}

#endif
