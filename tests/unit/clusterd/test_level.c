/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of levels, and what stands against raising the level of a cluster. */
#include "tests/unit/test.h"

#include "clusterd/outlook.h"

/* Levels follow each other, and no version goes back: a release that reads the newest reads all. */
static void test_table(void **state)
{
	struct level_range own = level_own();
	uint32_t i;

	assert_true(own.min >= 1 && own.min <= own.max);
	assert_ptr_equal(level_row(0), level_row(own.min));
	for (i = own.min; i <= own.max; i++) {
		assert_int_equal(level_row(i)->level, i);
		assert_true(level_row(i)->rpc >= 1 && level_row(i)->record >= 1 && level_row(i)->cpg >= 1);
		if (i > own.min)
			assert_true(level_row(i)->rpc >= level_row(i - 1)->rpc && level_row(i)->record >= level_row(i - 1)->record &&
				    level_row(i)->cpg >= level_row(i - 1)->cpg);
	}
}

static void test_ranges(void **state)
{
	struct level_range r = level_meet((struct level_range){ 1, 4 }, (struct level_range){ 3, 9 });
	char text[LEVEL_TEXT_SIZE];

	assert_true(r.min == 3 && r.max == 4);
	assert_true(level_fits(r, 0) && level_fits(r, 3) && level_fits(r, 4));
	assert_false(level_fits(r, 2) || level_fits(r, 5));
	assert_string_equal(level_text(r, text), "3-4");
	assert_string_equal(level_text((struct level_range){ 7, 7 }, text), "7");
	r = level_meet((struct level_range){ 1, 2 }, (struct level_range){ 3, 4 });
	assert_false(level_fits(r, 2) || level_fits(r, 3));
	assert_string_equal(level_text(r, text), "none");
}

struct story {
	uint32_t level, n;
	bool without_absent;
	struct outlook_node nodes[3];
	enum outlook_bar bar;
	uint32_t next, node_id;
};

static const struct story stories[] = {
	/* all have one release: nothing to do */
	{ 1, 3, false, { { 1, true, { 1, 1 } }, { 2, true, { 1, 1 } }, { 3, true, { 1, 1 } } }, OUTLOOK_HIGHEST, 1, 0 },
	/* in the middle of an upgrade: who is next */
	{ 1, 3, false, { { 1, true, { 1, 2 } }, { 2, true, { 1, 1 } }, { 3, true, { 1, 1 } } }, OUTLOOK_OLD, 1, 2 },
	/* the one that is being upgraded is away, another one is old: the latter counts */
	{ 1, 3, false, { { 1, false, { 0, 0 } }, { 2, true, { 1, 2 } }, { 3, true, { 1, 1 } } }, OUTLOOK_OLD, 1, 3 },
	{ 1, 3, true, { { 1, false, { 0, 0 } }, { 2, true, { 1, 2 } }, { 3, true, { 1, 1 } } }, OUTLOOK_OLD, 1, 3 },
	{ 1, 3, false, { { 1, true, { 1, 2 } }, { 2, true, { 1, 2 } }, { 3, false, { 0, 0 } } }, OUTLOOK_AWAY, 2, 3 },
	{ 1, 3, true, { { 1, true, { 1, 2 } }, { 2, true, { 1, 2 } }, { 3, false, { 0, 0 } } }, OUTLOOK_FREE, 2, 0 },
	{ 1, 3, false, { { 1, true, { 1, 3 } }, { 2, true, { 1, 2 } }, { 3, true, { 1, 5 } } }, OUTLOOK_FREE, 2, 0 },
	{ 2, 3, false, { { 1, true, { 1, 3 } }, { 2, true, { 1, 2 } }, { 3, true, { 2, 5 } } }, OUTLOOK_OLD, 2, 2 },
	/* away, but there would be nothing to raise to */
	{ 2, 2, false, { { 1, true, { 1, 2 } }, { 2, false, { 0, 0 } } }, OUTLOOK_HIGHEST, 2, 0 },
	/* no cluster yet */
	{ 0, 2, false, { { 1, true, { 1, 2 } }, { 2, true, { 2, 3 } } }, OUTLOOK_FREE, 2, 0 },
	{ 0, 2, false, { { 1, true, { 1, 2 } }, { 2, true, { 3, 4 } } }, OUTLOOK_NOBODY, 0, 0 },
	{ 1, 1, true, { { 1, false, { 0, 0 } } }, OUTLOOK_NOBODY, 0, 0 },
};

static void test_outlook(void **state)
{
	struct outlook o;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stories); i++) {
		const struct story *s = &stories[i];

		outlook(s->level, s->nodes, s->n, s->without_absent, &o);
		if (o.bar != s->bar || o.next != s->next || o.node_id != s->node_id)
			fail_msg("story %zu: bar %d next %u node %u", i, (int)o.bar, o.next, o.node_id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_outlook),
	};

	return cmocka_run_group_tests_name("level", tests, NULL, NULL);
}
