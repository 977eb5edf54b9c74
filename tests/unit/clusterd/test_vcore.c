/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The membership core in a simulated cluster: known stories, and many random ones. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "tests/unit/clusterd/sim.h"

#define MS UINT64_C(1000000)

static struct sim sim;

static void start(uint32_t nodes, uint64_t seed)
{
	uint32_t i;

	sim_init(&sim, nodes, seed);
	for (i = 0; i < nodes; i++)
		sim_start(&sim, i);
	sim_run(&sim, 100 * MS);
	for (i = 0; i < nodes; i++)
		sim_smbd_start(&sim, i);
	sim_run(&sim, 300 * MS);
}

static void all_serve(uint32_t nodes)
{
	uint32_t i;

	assert_string_equal(sim.broken, "");
	for (i = 0; i < nodes; i++) {
		assert_true(sim_serves(&sim, i));
		assert_int_equal(sim.nodes[i].epoch, sim.stored->epoch);
	}
}

static void test_start(void **state)
{
	start(1, 1);
	all_serve(1);
	sim_done(&sim);
	start(3, 2);
	all_serve(3);
	assert_int_equal(sim.stored->n, 3);
	sim_done(&sim);
}

static void test_node_dies(void **state)
{
	uint64_t epoch;

	start(3, 3);
	epoch = sim.stored->epoch;
	sim_kill(&sim, 0, true);
	sim_run(&sim, 50 * MS);
	/* The lease of the dead may not be over. */
	assert_int_equal(sim.stored->epoch, epoch);
	sim_run(&sim, 150 * MS);
	assert_true(sim.stored->epoch > epoch);
	assert_null(view_find(sim.stored, 1));
	assert_true(sim_serves(&sim, 1) && sim_serves(&sim, 2));
	sim_start(&sim, 0);
	sim_run(&sim, 50 * MS);
	sim_smbd_start(&sim, 0);
	sim_run(&sim, 200 * MS);
	all_serve(3);
	sim_done(&sim);
}

static void test_smbd_dies(void **state)
{
	start(3, 4);
	sim_smbd_kill(&sim, 1);
	sim_run(&sim, 25 * MS);
	assert_non_null(view_find(sim.stored, 2));
	assert_int_equal(view_find(sim.stored, 2)->incarnation, 0);
	sim_smbd_start(&sim, 1);
	sim_run(&sim, 100 * MS);
	all_serve(3);
	sim_done(&sim);
}

/* A node that drains stays a member that may serve, in a view that says so; and back. */
static void test_drain(void **state)
{
	static const enum view_state states[] = { VIEW_DRAINING, VIEW_UP };
	struct msg_node self;
	unsigned int i;

	start(3, 5);
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		self = sim.nodes[1].core.self;
		self.member.state = states[i];
		vcore_self(&sim.nodes[1].core, &self);
		sim_run(&sim, 50 * MS);
		assert_int_equal(view_find(sim.stored, 2)->state, states[i]);
		assert_true(view_find(sim.stored, 2)->incarnation == sim.nodes[1].inc);
		all_serve(3);
	}
	sim_done(&sim);
}

static void test_clusterd_restarts(void **state)
{
	uint64_t epoch;

	start(3, 5);
	epoch = sim.stored->epoch;
	sim_kill(&sim, 1, false);
	sim_run(&sim, 20 * MS);
	assert_true(sim_serves(&sim, 1));
	sim_start(&sim, 1);
	sim_run(&sim, 300 * MS);
	all_serve(3);
	assert_int_equal(sim.stored->epoch, epoch);
	sim_done(&sim);
}

static void test_minority(void **state)
{
	static const uint32_t split[] = { 1, 0, 0 }, whole[] = { 0, 0, 0 };

	start(3, 6);
	sim_partition(&sim, split);
	sim_run(&sim, 400 * MS);
	assert_false(sim_serves(&sim, 0));
	assert_true(sim_serves(&sim, 1) && sim_serves(&sim, 2));
	assert_null(view_find(sim.stored, 1));
	sim_partition(&sim, whole);
	sim_run(&sim, 50 * MS);
	/* It was given up: that run is over, the next one is welcome. */
	assert_int_equal(sim.nodes[0].inc, 0);
	sim_smbd_start(&sim, 0);
	sim_run(&sim, 200 * MS);
	all_serve(3);
	sim_done(&sim);
}

static void test_short_cut(void **state)
{
	static const uint32_t split[] = { 1, 0, 0 }, whole[] = { 0, 0, 0 };
	uint64_t epoch;

	start(3, 7);
	epoch = sim.stored->epoch;
	sim_partition(&sim, split);
	sim_run(&sim, 20 * MS);
	sim_partition(&sim, whole);
	sim_run(&sim, 300 * MS);
	all_serve(3);
	assert_int_equal(sim.stored->epoch, epoch);
	sim_done(&sim);
}

static void test_full_restart(void **state)
{
	uint64_t epoch;
	uint32_t i;

	start(3, 8);
	epoch = sim.stored->epoch;
	for (i = 0; i < 3; i++)
		sim_kill(&sim, i, true);
	sim_run(&sim, 100 * MS);
	for (i = 0; i < 3; i++)
		sim_start(&sim, i);
	sim_run(&sim, 50 * MS);
	for (i = 0; i < 3; i++)
		sim_smbd_start(&sim, i);
	sim_run(&sim, 400 * MS);
	all_serve(3);
	assert_true(sim.stored->epoch > epoch);
	sim_done(&sim);
}

/* Node `i` gets another release: it is stopped and started. */
static void upgrade(uint32_t i, uint32_t min, uint32_t max)
{
	sim_kill(&sim, i, true);
	sim_run(&sim, 200 * MS);
	sim.nodes[i].levels = (struct level_range){ min, max };
	sim_start(&sim, i);
	sim_run(&sim, 50 * MS);
	sim_smbd_start(&sim, i);
	sim_run(&sim, 200 * MS);
}

static enum outlook_bar bar(uint32_t i)
{
	struct outlook o;

	vcore_outlook(&sim.nodes[i].core, false, &o);
	return o.bar;
}

/* Node by node, then raised: not earlier, and old releases are out. */
static void test_raise(void **state)
{
	uint32_t i;

	start(3, 9);
	assert_int_equal(sim.stored->level, 1);
	assert_int_equal(bar(0), OUTLOOK_HIGHEST);
	for (i = 0; i < 3; i++) {
		upgrade(i, 1, 2);
		all_serve(3);
		sim_raise(&sim, (i + 1) % 3, i < 2 ? 2 : 3, true);
		sim_run(&sim, 50 * MS);
		assert_int_equal(sim.stored->level, 1);
		assert_int_equal(bar(i), i < 2 ? OUTLOOK_OLD : OUTLOOK_FREE);
	}
	sim_raise(&sim, 2, 2, false);
	sim_run(&sim, 50 * MS);
	all_serve(3);
	assert_int_equal(sim.stored->level, 2);
	upgrade(0, 1, 1);
	assert_false(sim.nodes[0].up);
	assert_true(sim_serves(&sim, 1) && sim_serves(&sim, 2));
	upgrade(0, 2, 3);
	all_serve(3);
	assert_int_equal(sim.stored->level, 2);
	sim_done(&sim);
}

/* A node is away: it keeps the level where it is, unless it is left behind. What comes back then, alive and with its old
 * release, leaves by itself; it is the lowest node, which published before. */
static void test_left_behind(void **state)
{
	static const uint32_t split[] = { 1, 0, 0 }, whole[] = { 0, 0, 0 };

	start(3, 10);
	upgrade(1, 1, 2);
	upgrade(2, 1, 2);
	sim_partition(&sim, split);
	sim_run(&sim, 20 * MS);
	assert_int_equal(bar(1), OUTLOOK_AWAY);
	sim_raise(&sim, 1, 2, false);
	sim_run(&sim, 50 * MS);
	assert_int_equal(sim.stored->level, 1);
	sim_raise(&sim, 1, 2, true);
	sim_run(&sim, 25 * MS);
	assert_int_equal(sim.stored->level, 2);
	sim_partition(&sim, whole);
	sim_run(&sim, 400 * MS);
	assert_string_equal(sim.broken, "");
	assert_false(sim.nodes[0].up);
	assert_null(view_find(sim.stored, 1));
	assert_true(sim_serves(&sim, 1) && sim_serves(&sim, 2));
	upgrade(0, 1, 2);
	all_serve(3);
	sim_done(&sim);
}

/* The first view has the highest level that all who made it speak; who speaks less comes too late. */
static void test_first_level(void **state)
{
	uint32_t i;

	sim_init(&sim, 3, 11);
	for (i = 0; i < 3; i++)
		sim.nodes[i].levels = (struct level_range){ 1, 4 - i };
	sim_start(&sim, 0);
	sim_start(&sim, 1);
	sim_run(&sim, 300 * MS);
	assert_int_equal(sim.stored->level, 3);
	sim_start(&sim, 2);
	assert_false(sim.nodes[2].up);
	assert_string_equal(sim.broken, "");
	sim_done(&sim);
}

static void random_event(void)
{
	uint32_t i = sim_random(&sim, sim.n), k, groups[SIM_NODES];

	switch (sim_random(&sim, 11)) {
	case 9:
		/* The next start is of another release. */
		sim.nodes[i].levels.max = 1 + sim_random(&sim, 3);
		break;
	case 10:
		sim_raise(&sim, i, 2 + sim_random(&sim, 2), sim_random(&sim, 2));
		break;
	case 0:
		sim_kill(&sim, i, true);
		break;
	case 1:
		sim_kill(&sim, i, false);
		break;
	case 2:
	case 3:
		for (k = 0; k < sim.n; k++)
			sim_start(&sim, k);
		break;
	case 4:
		sim_smbd_kill(&sim, i);
		break;
	case 5:
		for (k = 0; k < sim.n; k++)
			sim_smbd_start(&sim, k);
		break;
	case 6:
		sim_pause(&sim, i, sim_random(&sim, 400) * MS);
		break;
	case 7:
		for (k = 0; k < sim.n; k++)
			groups[k] = sim_random(&sim, 2);
		sim_partition(&sim, groups);
		break;
	default:
		memset(groups, 0, sizeof(groups));
		sim_partition(&sim, groups);
	}
}

/* Anything may happen at any time; when it ends, the cluster comes back to full service. */
static void test_random(void **state)
{
	static const uint32_t sizes[] = { 3, 5, 2, 7, 4 }, whole[SIM_NODES];
	const char *rounds = getenv("HF_SIM_ROUNDS");
	uint64_t seed, n = rounds ? strtoull(rounds, NULL, 10) : 60;
	uint32_t i, k;

	for (seed = 1; seed <= n; seed++) {
		start(sizes[seed % ARRAY_SIZE(sizes)], seed * 7919);
		for (k = 0; k < 60 && !sim.broken[0]; k++) {
			random_event();
			sim_run(&sim, sim_random(&sim, 200) * MS);
		}
		sim_partition(&sim, whole);
		for (i = 0; i < sim.n; i++) {
			sim.nodes[i].levels.max = 3;
			sim_start(&sim, i);
		}
		sim_run(&sim, 1000 * MS);
		/* Those that had to leave. */
		for (i = 0; i < sim.n; i++)
			sim_start(&sim, i);
		sim_run(&sim, 1000 * MS);
		for (i = 0; i < sim.n; i++)
			sim_smbd_start(&sim, i);
		sim_run(&sim, 1000 * MS);
		if (sim.broken[0])
			print_error("seed %llu: %s\n", (unsigned long long)seed, sim.broken);
		all_serve(sim.n);
		sim_done(&sim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_node_dies),
		cmocka_unit_test(test_smbd_dies),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_clusterd_restarts),
		cmocka_unit_test(test_minority),
		cmocka_unit_test(test_short_cut),
		cmocka_unit_test(test_full_restart),
		cmocka_unit_test(test_raise),
		cmocka_unit_test(test_left_behind),
		cmocka_unit_test(test_first_level),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("vcore", tests, NULL, NULL);
}
