/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of message ids (MS-SMB2 3.3.1.1, 3.3.5.2.3). */
#include "tests/unit/test.h"

#include "smbd/proto/credit.h"

#define MOST 16

static int setup(void **state)
{
	static struct credit_window w;

	*state = &w;
	return credit_init(&w, 0, MOST);
}

static int teardown(void **state)
{
	credit_done(*state);
	return 0;
}

static void test_first_id_alone(void **state)
{
	struct credit_window *w = *state;

	assert_int_equal(credit_consume(w, 1, 1), -EBADMSG);
	assert_int_equal(credit_consume(w, 0, 2), -EBADMSG);
	assert_int_equal(credit_consume(w, 0, 0), -EBADMSG);
	assert_int_equal(credit_consume(w, 0, 1), 0);
	assert_int_equal(credit_consume(w, 0, 1), -EBADMSG);
	assert_int_equal(credit_out(w), 0);
}

static void test_grants_are_bounded(void **state)
{
	struct credit_window *w = *state;

	assert_int_equal(credit_consume(w, 0, 1), 0);
	assert_int_equal(credit_grant(w, 0, 1), 1); /* never none at all */
	assert_int_equal(credit_grant(w, 0, 1), 0);
	assert_int_equal(credit_grant(w, 1000, 1), MOST - 1);
	assert_int_equal(credit_grant(w, 1, 1), 0);
	assert_int_equal(credit_out(w), MOST);
}

static void test_any_order_once(void **state)
{
	struct credit_window *w = *state;
	uint64_t id;

	assert_int_equal(credit_consume(w, 0, 1), 0);
	assert_int_equal(credit_grant(w, 8, 1), 8); /* 1..8 */
	for (id = 8; id >= 2; id--)
		assert_int_equal(credit_consume(w, id, 1), 0);
	for (id = 8; id >= 2; id--)
		assert_int_equal(credit_consume(w, id, 1), -EBADMSG);
	assert_int_equal(credit_out(w), 1);
	assert_int_equal(credit_consume(w, 1, 1), 0);
	assert_int_equal(w->low, 9);
	assert_int_equal(w->n_used, 0);
}

static void test_multi_credit(void **state)
{
	struct credit_window *w = *state;

	assert_int_equal(credit_consume(w, 0, 1), 0);
	assert_int_equal(credit_grant(w, 8, 1), 8);
	assert_int_equal(credit_consume(w, 5, 4), 0);
	assert_int_equal(credit_consume(w, 3, 3), -EBADMSG); /* overlaps */
	assert_int_equal(credit_consume(w, 5, 1), -EBADMSG);
	assert_int_equal(credit_consume(w, 1, 4), 0);
	assert_int_equal(credit_consume(w, UINT64_MAX, 2), -EBADMSG);
	assert_int_equal(credit_grant(w, 2, 4), 4); /* what it cost comes back */
}

/* A client that never uses its lowest id cannot stretch the window for ever. */
static void test_window_does_not_stretch(void **state)
{
	struct credit_window *w = *state;
	uint64_t id = 1;
	unsigned int i;

	assert_int_equal(credit_grant(w, 2, 1), 2);
	for (i = 0; i < 1000; i++) {
		if (credit_consume(w, id, 1) < 0)
			break;
		id++;
		credit_grant(w, 1, 1);
	}
	assert_true(i < 1000);
	assert_true(w->high - w->low <= w->bits);
	assert_int_equal(credit_consume(w, 0, 1), 0);
	assert_true(credit_grant(w, 1, 1) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_id_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_grants_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_order_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_multi_credit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_window_does_not_stretch, setup, teardown),
	};

	return cmocka_run_group_tests_name("credit", tests, NULL, NULL);
}
