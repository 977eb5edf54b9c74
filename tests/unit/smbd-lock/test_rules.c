/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pure rules: share modes, byte ranges, lock sequences, placement; each against a model that is
 * slow and obvious. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "clusterd/client/place.h"
#include "node/base/hash.h"
#include "node/base/random.h"
#include "smbd/lock/brl.h"
#include "smbd/lock/share.h"

static uint64_t rng;

static uint64_t rnd(void)
{
	return hash64_u64(rng++);
}

/* MS-FSA 2.1.5.1.2.2, spelled out by kind of access. */
static bool model_denies(uint32_t access, uint32_t share_of_other)
{
	if ((access & 0x21) && !(share_of_other & 1))
		return true;
	if ((access & 0x6) && !(share_of_other & 2))
		return true;
	return (access & 0x10000) && !(share_of_other & 4);
}

static void test_share(void **state)
{
	static const uint32_t bits[] = { 0x1, 0x2, 0x4, 0x20, 0x80, 0x100, 0x10000, 0x100000 };

	for (int i = 0; i < 200000; i++) {
		uint32_t a = 0, b = 0, sa = rnd() & 7, sb = rnd() & 7;
		bool data_a, data_b;

		for (size_t k = 0; k < ARRAY_SIZE(bits); k++) {
			a |= rnd() & 1 ? bits[k] : 0;
			b |= rnd() & 1 ? bits[k] : 0;
		}
		data_a = a & 0x10027;
		data_b = b & 0x10027;
		assert_int_equal(share_conflict(a, sa, b, sb),
				 data_a && data_b && (model_denies(a, sb) || model_denies(b, sa)));
		assert_int_equal(share_conflict(a, sa, b, sb), share_conflict(b, sb, a, sa));
	}
}

static void test_share_table(void **state)
{
	assert_true(share_conflict(0x1, 0, 0x1, 7));
	assert_false(share_conflict(0x1, 1, 0x1, 1));
	assert_true(share_conflict(0x2, 7, 0x1, 1));
	assert_false(share_conflict(0x80, 0, 0x3, 0)); /* attributes only */
	assert_true(share_conflict(0x10000, 7, 0x1, 3));
}

static void test_ranges(void **state)
{
	const uint64_t top = UINT64_MAX;

	assert_true(brl_range_valid(top, 1));
	assert_false(brl_range_valid(top, 2));
	assert_true(brl_range_valid(0, top));
	assert_true(brl_range_valid(1, top));
	assert_false(brl_range_valid(2, top));
	assert_true(brl_range_valid(top, 0));
	/* the very last byte */
	assert_true(brl_overlap(top, 1, 1, top));
	assert_false(brl_overlap(top, 1, 0, top));
	/* empty ranges: only strictly inside */
	assert_false(brl_overlap(10, 0, 10, 0));
	assert_false(brl_overlap(10, 0, 10, 5));
	assert_true(brl_overlap(11, 0, 10, 5));
	assert_true(brl_overlap(10, 5, 14, 0));
	assert_false(brl_overlap(10, 5, 15, 0));
	assert_false(brl_overlap(9, 0, 10, 5));
}

/* Small ranges byte by byte. */
static void test_ranges_model(void **state)
{
	for (int i = 0; i < 200000; i++) {
		uint64_t base = rnd() & 1 ? 0 : UINT64_MAX - 20, oa = rnd() % 10,
			 la = 1 + rnd() % 8, ob = rnd() % 10, lb = 1 + rnd() % 8;
		bool meet = false;

		for (uint64_t x = oa; x < oa + la; x++)
			meet |= x >= ob && x < ob + lb;
		assert_int_equal(brl_overlap(base + oa, la, base + ob, lb), meet);
	}
}

static void test_io(void **state)
{
	struct rec_lock ex = { .offset = 10, .length = 10, .exclusive = true },
			sh = { .offset = 10, .length = 10 };

	assert_false(brl_excludes_io(&ex, true, 10, 1, true));
	assert_true(brl_excludes_io(&ex, false, 10, 1, false));
	assert_true(brl_excludes_io(&ex, false, 19, 1, true));
	assert_false(brl_excludes_io(&ex, false, 20, 1, true));
	assert_false(brl_excludes_io(&ex, false, 15, 0, true));
	assert_false(brl_excludes_io(&sh, false, 10, 1, false));
	assert_true(brl_excludes_io(&sh, false, 10, 1, true));
	assert_true(brl_excludes_io(&sh, true, 10, 1, true));
}

static void test_seq(void **state)
{
	uint8_t s[REC_LOCK_SEQS] = { 0 };

	assert_false(brl_seq_replayed(s, 0, 1));
	assert_false(brl_seq_replayed(s, 65, 1));
	assert_false(brl_seq_replayed(s, 1, 0));
	brl_seq_done(s, 1, 0);
	assert_true(brl_seq_replayed(s, 1, 0));
	assert_true(brl_seq_replayed(s, 1, 0));
	assert_false(brl_seq_replayed(s, 1, 1)); /* and the entry is invalid now */
	assert_false(brl_seq_replayed(s, 1, 0));
	brl_seq_done(s, 64, 15);
	assert_true(brl_seq_replayed(s, 64, 15));
	brl_seq_done(s, 65, 15);
	brl_seq_done(s, 0, 15);
}

static struct view *make_view(uint32_t n, uint32_t workers)
{
	struct view *v = view_new(n);

	for (uint32_t i = 0; i < n; i++) {
		v->members[i].node_id = i + 1;
		v->members[i].workers = workers;
		v->members[i].incarnation = 100 + i;
	}
	return v;
}

/* Even, stable, and a change of membership moves only what it has to. */
static void test_place(void **state)
{
	struct view *three = make_view(3, 4), *two = make_view(3, 4), *drain = make_view(3, 4),
		    *none = make_view(2, 1);
	unsigned int count[3] = { 0 }, per_worker[3][4] = { 0 };
	struct place p, q;

	two->members[1].incarnation = 0;
	drain->members[0].state = VIEW_DRAINING;
	none->members[0].incarnation = none->members[1].incarnation = 0;
	for (uint32_t s = 0; s < 1024; s++) {
		assert_true(place_owner(three, s, &p));
		count[p.node - 1]++;
		per_worker[p.node - 1][p.worker]++;
		assert_true(place_owner(two, s, &q));
		assert_int_not_equal(q.node, 2);
		if (p.node != 2)
			assert_true(place_equal(&p, &q));
		assert_true(place_owner(drain, s, &q));
		assert_int_not_equal(q.node, 1);
		assert_false(place_owner(none, s, &q));
	}
	for (int i = 0; i < 3; i++) {
		assert_in_range(count[i], 260, 420);
		for (int w = 0; w < 4; w++)
			assert_in_range(per_worker[i][w], 40, 140);
	}
	for (uint32_t i = 0; i < 3; i++)
		drain->members[i].state = VIEW_DRAINING;
	assert_true(place_owner(drain, 1, &q));
	view_unref(three);
	view_unref(two);
	view_unref(drain);
	view_unref(none);
}

/* Slots are part of the format: these never change. */
static void test_place_fixed(void **state)
{
	struct view *v = make_view(3, 4);
	struct place p;

	assert_int_equal(place_slot_of(BLOB("0123456789abcdef", 16), 1024), 538);
	assert_true(place_owner(v, 77, &p));
	assert_int_equal(p.node * 10 + p.worker, 33);
	view_unref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),  cmocka_unit_test(test_share_table),
		cmocka_unit_test(test_ranges), cmocka_unit_test(test_ranges_model),
		cmocka_unit_test(test_io),     cmocka_unit_test(test_seq),
		cmocka_unit_test(test_place),  cmocka_unit_test(test_place_fixed),
	};
	const char *s = getenv("SEED");

	rng = s ? strtoull(s, NULL, 0) : random_u64();
	fprintf(stderr, "# SEED=%llu\n", (unsigned long long)rng);
	return cmocka_run_group_tests_name("lock rules", tests, NULL, NULL);
}
