/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Permission bits survive the way through a security descriptor and back; what no mode can say is refused. */
#include "tests/unit/test.h"

#include "smbd/op/secmode.h"

static struct secmode_ids ids(void)
{
	return (struct secmode_ids){ secmode_unix_user(1000), secmode_unix_group(100) };
}

static void test_every_mode_comes_back(void **state)
{
	struct secmode_ids who = ids();
	uint32_t mode, back, dir;

	for (dir = 0; dir < 2; dir++) {
		for (mode = 0; mode < 01000; mode++) {
			_cleanup_arena_ struct arena a = { 0 };
			struct acl *l = secmode_dacl(&a, &who, mode, dir);

			assert_non_null(l);
			assert_int_equal(secmode_from_dacl(l, &who, &back), 0);
			assert_int_equal(back, mode);
		}
	}
}

static void test_strangers_are_refused(void **state)
{
	struct secmode_ids who = ids();
	struct ace e = { .type = ACE_ACCESS_ALLOWED, .mask = 0x1f01ff, .sid = secmode_unix_user(1001) };
	struct acl l = { .revision = 2, .n_aces = 1, .aces = &e };
	uint32_t mode = 7;

	assert_int_equal(secmode_from_dacl(&l, &who, &mode), -EOPNOTSUPP);
	assert_int_equal(mode, 7);
	e.flags = ACE_FLAG_INHERIT_ONLY;
	assert_int_equal(secmode_from_dacl(&l, &who, &mode), 0);
	assert_int_equal(mode, 0);
	assert_int_equal(secmode_from_dacl(NULL, &who, &mode), 0);
	assert_int_equal(mode, 0777);
	e = (struct ace){ .type = ACE_ACCESS_ALLOWED_OBJECT, .mask = 1, .sid = who.owner };
	assert_int_equal(secmode_from_dacl(&l, &who, &mode), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_mode_comes_back),
		cmocka_unit_test(test_strangers_are_refused),
	};

	return cmocka_run_group_tests_name("secmode", tests, NULL, NULL);
}
