/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arithmetic of the right to serve. */
#include "tests/unit/test.h"

#include "clusterd/lease.h"

static uint32_t one_vote(void *arg, uint32_t node_id)
{
	return 1;
}

static void test_alone(void **state)
{
	static const uint32_t nodes[] = { 1 };
	struct msg_beat b;
	struct lease l;

	lease_init(&l, 1, 11, 100, 1000);
	lease_set_present(&l, nodes, 1);
	assert_int_equal(lease_deadline(&l, one_vote, NULL, 1), 0);
	lease_beat(&l, 1010, &b);
	assert_int_equal(lease_deadline(&l, one_vote, NULL, 1), 1110);
	/* Not with a quorum of two. */
	assert_int_equal(lease_deadline(&l, one_vote, NULL, 2), 0);
}

static void test_echo(void **state)
{
	static const uint32_t nodes[] = { 1, 2, 3 };
	struct lease a, b;
	struct msg_beat m;

	lease_init(&a, 1, 11, 100, 0);
	lease_init(&b, 2, 22, 100, 0);
	lease_set_present(&a, nodes, 3);
	lease_set_present(&b, nodes, 3);
	lease_beat(&a, 1000, &m);
	lease_heard(&b, 1, &m, 1001);
	/* Self-delivery proves nothing. */
	lease_heard(&a, 1, &m, 1001);
	assert_int_equal(lease_deadline(&a, one_vote, NULL, 2), 0);
	lease_beat(&a, 1020, &m);
	lease_beat(&b, 1030, &m);
	lease_heard(&a, 2, &m, 1031);
	/* From the time of sending of what was echoed. */
	assert_int_equal(lease_deadline(&a, one_vote, NULL, 2), 1100);
	assert_int_equal(lease_deadline(&a, one_vote, NULL, 3), 0);
	/* b answers for 1 until 100 (and a margin) after it heard it. */
	assert_true(lease_remaining(&b, 1, 1001) >= 100);
	assert_int_equal(lease_remaining(&b, 1, 1110), 0);
	/* Who is not present is not echoed any more. */
	lease_set_present(&b, nodes + 1, 2);
	lease_heard(&b, 1, &m, 1040);
	lease_beat(&b, 1041, &m);
	assert_int_equal(m.n, 0);
}

static void test_restart(void **state)
{
	static const uint32_t nodes[] = { 1, 2 };
	struct msg_beat m;
	struct lease a;

	lease_init(&a, 1, 11, 100, 1000);
	lease_set_present(&a, nodes, 2);
	lease_beat(&a, 1000, &m);
	/* An echo of an earlier run of ourselves is none of ours; nor is one from the future. */
	m = (struct msg_beat){ .boot = 5, .seq = 9, .lease_ns = 100, .n = 1, .echoes = { { 1, 10, 1 } } };
	lease_heard(&a, 2, &m, 1001);
	assert_int_equal(lease_deadline(&a, one_vote, NULL, 2), 0);
	m = (struct msg_beat){ .boot = 5, .seq = 10, .lease_ns = 100, .n = 1, .echoes = { { 1, 11, 7 } } };
	lease_heard(&a, 2, &m, 1002);
	assert_int_equal(lease_deadline(&a, one_vote, NULL, 2), 0);
	/* A peer that restarts counts its heartbeats anew. */
	m = (struct msg_beat){ .boot = 6, .seq = 1, .lease_ns = 100, .n = 1, .echoes = { { 1, 11, 1 } } };
	lease_heard(&a, 2, &m, 1003);
	assert_int_equal(lease_deadline(&a, one_vote, NULL, 2), 1100);
	/* Never heard: as if it had been echoed when we started. */
	assert_true(lease_remaining(&a, 3, 1000) >= 100);
	assert_int_equal(lease_remaining(&a, 3, 1200), 0);
}

static void test_many(void **state)
{
	uint32_t nodes[VIEW_MEMBERS_MAX];
	struct msg_beat m;
	struct lease l;
	uint32_t i;

	lease_init(&l, 1, 11, 1000, 0);
	for (i = 0; i < VIEW_MEMBERS_MAX; i++)
		nodes[i] = i + 1;
	lease_set_present(&l, nodes, VIEW_MEMBERS_MAX);
	for (i = 0; i < 3 * LEASE_RING; i++)
		lease_beat(&l, 100 + i, &m);
	/* An echo that is older than what we remember gives nothing. */
	for (i = 1; i < VIEW_MEMBERS_MAX; i++) {
		m = (struct msg_beat){ .boot = i, .seq = 1, .lease_ns = 1000, .n = 1, .echoes = { { 1, 11, 3 } } };
		lease_heard(&l, i + 1, &m, 400);
	}
	assert_int_equal(lease_deadline(&l, one_vote, NULL, 33), 0);
	/* The newest that a majority has, not the newest that anybody has. */
	for (i = 1; i < VIEW_MEMBERS_MAX; i++) {
		m = (struct msg_beat){ .boot = i, .seq = 2, .lease_ns = 1000, .n = 1,
				       .echoes = { { 1, 11, i < 10 ? 190 : 180 } } };
		lease_heard(&l, i + 1, &m, 400);
	}
	assert_int_equal(lease_deadline(&l, one_vote, NULL, 33), 100 + 179 + 1000);
	lease_beat(&l, 500, &m);
	assert_int_equal(m.n, VIEW_MEMBERS_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
