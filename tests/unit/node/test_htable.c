/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The intrusive hash table: find, equal hashes, growth, removal during a walk. */
#include "tests/unit/test.h"

#include "node/base/hash.h"
#include "node/base/htable.h"

#define MANY 10000

struct thing {
	struct hnode node;
	int id;
	bool seen;
};

static struct thing things[MANY];

static struct thing *find_thing(const struct htable *t, int id, uint64_t hash)
{
	for (struct hnode *n = htable_find(t, hash); n; n = htable_find_next(n)) {
		struct thing *e = htable_entry(n, struct thing, node);

		if (e->id == id)
			return e;
	}
	return NULL;
}

static void fill(struct htable *t)
{
	memset(things, 0, sizeof(things));
	for (int i = 0; i < MANY; i++) {
		things[i].id = i;
		htable_insert(t, &things[i].node, hash64_u64((uint64_t)i));
	}
}

static void test_find(void **state)
{
	struct htable t = { 0 };

	assert_null(htable_find(&t, 1));
	fill(&t);
	assert_int_equal(t.count, MANY);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(find_thing(&t, i, hash64_u64((uint64_t)i)), &things[i]);
	assert_null(find_thing(&t, MANY, hash64_u64(MANY)));
	htable_remove(&t, &things[77].node);
	assert_null(find_thing(&t, 77, hash64_u64(77)));
	htable_done(&t);
	assert_null(htable_find(&t, hash64_u64(1)));
	htable_done(&t);
}

static void test_equal_hashes(void **state)
{
	struct thing a = { .id = 1 }, b = { .id = 2 }, c = { .id = 3 };
	struct htable t;

	htable_init(&t);
	htable_insert(&t, &a.node, 5);
	htable_insert(&t, &b.node, 5);
	htable_insert(&t, &c.node, 5 + HTABLE_SMALL); /* same bucket, other hash */
	assert_ptr_equal(find_thing(&t, 1, 5), &a);
	assert_ptr_equal(find_thing(&t, 2, 5), &b);
	assert_null(find_thing(&t, 3, 5));
	htable_remove(&t, &b.node);
	assert_ptr_equal(find_thing(&t, 1, 5), &a);
	htable_done(&t);
}

static void test_remove_while_walking(void **state)
{
	struct htable t = { 0 };
	struct htable_iter it;
	struct hnode *n;
	int visited = 0;

	fill(&t);
	htable_foreach(n, &it, &t) {
		struct thing *e = htable_entry(n, struct thing, node);

		assert_false(e->seen);
		e->seen = true;
		visited++;
		if (e->id % 3)
			htable_remove(&t, n);
	}
	assert_int_equal(visited, MANY);
	assert_int_equal(t.count, (MANY + 2) / 3);
	visited = 0;
	htable_foreach(n, &it, &t)
		visited++;
	assert_int_equal(visited, (MANY + 2) / 3);
	htable_done(&t);
}

/* Growth keeps chains short, also for numbers that count up. */
static void test_growth(void **state)
{
	struct htable t = { 0 };

	memset(things, 0, sizeof(things));
	for (int i = 0; i < MANY; i++)
		htable_insert(&t, &things[i].node, (uint64_t)i);
	assert_true(t.size >= MANY);
	htable_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_equal_hashes),
		cmocka_unit_test(test_remove_while_walking),
		cmocka_unit_test(test_growth),
	};

	return cmocka_run_group_tests_name("htable", tests, NULL, NULL);
}
