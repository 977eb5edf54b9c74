/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8, UTF-16LE and case over all of Unicode. */
#include "tests/unit/test.h"

#include "node/base/utf.h"

static void check_both_ways(const char *utf8, const void *utf16, size_t bytes)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b;
	char *s;

	arena_init(&a, 0);
	assert_int_equal(utf16_from_utf8(&a, utf8, &b), 0);
	assert_int_equal(b.len, bytes);
	assert_memory_equal(b.data, utf16, bytes);
	assert_int_equal(utf8_from_utf16(&a, BLOB(utf16, bytes), &s), 0);
	assert_string_equal(s, utf8);
	assert_int_equal(utf16_units(utf8, strlen(utf8)), bytes / 2);
}

static void test_conversion(void **state)
{
	check_both_ways("", "", 0);
	check_both_ways("Az", "A\0z\0", 4);
	check_both_ways("\xc3\xa4\xe2\x82\xac", "\xe4\x00\xac\x20", 4);
	check_both_ways("\xf0\x9f\x98\x80", "\x3d\xd8\x00\xde", 4);
	check_both_ways("\xf4\x8f\xbf\xbf", "\xff\xdb\xff\xdf", 4);
	check_both_ways("\xed\x9f\xbf\xee\x80\x80", "\xff\xd7\x00\xe0", 4);
}

static void test_bad_utf8(void **state)
{
	static const char *const bad[] = {
		"\x80",
		"\xc3",
		"a\xc3z",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xe2\x28\xa1",
	};
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b;
	char *s;

	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
		assert_int_equal(utf16_from_utf8(&a, bad[i], &b), -EILSEQ);
		assert_int_equal(utf8_casefold(&a, bad[i], &s), -EILSEQ);
		assert_int_equal(utf8_casecmp(bad[i], bad[i]), 0);
	}
	assert_true(utf8_valid("a\0b", 3));
}

static void test_bad_utf16(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *s = NULL;

	arena_init(&a, 0);
	assert_int_equal(utf8_from_utf16(&a, BLOB("A", 1), &s), -EILSEQ);
	assert_int_equal(utf8_from_utf16(&a, BLOB("\x3d\xd8", 2), &s), -EILSEQ);
	assert_int_equal(utf8_from_utf16(&a,
					 BLOB("\x3d\xd8"
					      "A\0",
					      4),
					 &s),
			 -EILSEQ);
	assert_int_equal(utf8_from_utf16(&a, BLOB("\x00\xde\x3d\xd8", 4), &s), -EILSEQ);
	assert_int_equal(utf8_from_utf16(&a, BLOB("A\0\0\0", 4), &s), -EILSEQ);
	assert_null(s);
}

static void test_limits_are_kept(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b;
	char *s;

	arena_init(&a, 4);
	assert_int_equal(utf16_from_utf8(&a, "abc", &b), -ENOMEM);
	assert_int_equal(utf8_from_utf16(&a, BLOB("a\0b\0c\0d\0", 8), &s), -ENOMEM);
	assert_int_equal(utf8_casefold(&a, "abcd", &s), -ENOMEM);
}

static void test_fold(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *s;

	arena_init(&a, 0);
	assert_int_equal(fold_codepoint('Q'), 'q');
	assert_int_equal(fold_codepoint(0xc4), 0xe4);
	assert_int_equal(fold_codepoint(0x3a3), 0x3c3); /* both sigmas */
	assert_int_equal(fold_codepoint(0x3c2), 0x3c3);
	assert_int_equal(fold_codepoint(0x1e9e), 0xdf); /* status S */
	assert_int_equal(fold_codepoint(0x212a), 'k'); /* Kelvin */
	assert_int_equal(fold_codepoint(0x130), 0x130); /* statuses F and T only */
	assert_int_equal(fold_codepoint(0x10400), 0x10428);
	assert_int_equal(fold_codepoint(0x1e900), 0x1e922);
	assert_int_equal(fold_codepoint(0xab70), 0x13a0); /* Cherokee folds to its capitals */
	assert_int_equal(fold_codepoint(0x110000), 0x110000);
	assert_int_equal(utf8_casefold(&a,
				       "STRA\xe1\xba\x9e"
				       "E \xce\xa3",
				       &s),
			 0);
	assert_string_equal(s, "stra\xc3\x9f"
			       "e \xcf\x83");
}

static void test_upper(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t name[] = { 'u',	 0,    0xfc, 0, 0x28, 0x04, 0x01, 0xd8,
			   0x28, 0xdc, 0xdf, 0, 0x00, 0xdc, 'z' };
	static const uint8_t want[] = { 'U',  0,    0xdc, 0, 0x28, 0x04, 0x01, 0xd8,
					0x00, 0xdc, 0xdf, 0, 0x00, 0xdc, 'z' };
	char *s;

	arena_init(&a, 0);
	assert_int_equal(upcase_codepoint('z'), 'Z');
	assert_int_equal(upcase_codepoint(0xff), 0x178);
	assert_int_equal(upcase_codepoint(0xdf), 0xdf);
	assert_int_equal(upcase_codepoint(0x10428), 0x10400);
	assert_int_equal(utf8_upper(&a, "m\xc3\xbcller", &s), 0);
	assert_string_equal(s, "M\xc3\x9cLLER");
	utf16_upper(name, sizeof(name));
	assert_int_equal(name[5], 0x04); /* U+0428 is upper case */
	assert_memory_equal(name, want, sizeof(want));
}

static void test_utf16_fold(void **state)
{
	/* An odd start checks that no alignment is needed. */
	uint8_t b[] = { 0xff, 'A', 0, 0xc4, 0, 0x01, 0xd8, 0x00, 0xdc, 0x01, 0xd8 };
	static const uint8_t want[] = { 0xff, 'a', 0, 0xe4, 0, 0x01, 0xd8, 0x28, 0xdc, 0x01, 0xd8 };

	utf16_casefold(b + 1, sizeof(b) - 1);
	assert_memory_equal(b, want, sizeof(b));
}

/* What the in-place functions rely on, and that folding is idempotent. */
static void test_whole_table(void **state)
{
	int folds = 0, uppers = 0;

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		uint32_t f = fold_codepoint(c), u = upcase_codepoint(c);

		assert_int_equal(f > 0xffff, c > 0xffff);
		assert_int_equal(u > 0xffff, c > 0xffff);
		assert_int_equal(fold_codepoint(f), f);
		assert_true(f <= 0x10ffff && u <= 0x10ffff);
		folds += f != c;
		uppers += u != c;
	}
	assert_true(folds >= 1400);
	assert_true(uppers >= 1400);
}

static void test_casecmp(void **state)
{
	assert_int_equal(utf8_casecmp("Readme.TXT", "rEADME.txt"), 0);
	assert_int_equal(utf8_casecmp("\xc3\x84", "\xc3\xa4"), 0);
	assert_int_equal(utf8_casecmp("", ""), 0);
	assert_true(utf8_casecmp("a", "ab") < 0);
	assert_true(utf8_casecmp("ab", "A") > 0);
	assert_true(utf8_casecmp("a", "B") < 0);
	assert_true(utf8_casecmp("a\xff", "a\xf4\x8f\xbf\xbf") > 0);
	assert_true(utf8_casecmp("\xff", "\xfe") > 0);
	assert_true(utf8_casehash("\xc3\x84 X", 3) == utf8_casehash("\xc3\xa4 x", 3));
	assert_true(utf8_casehash("a", 3) != utf8_casehash("b", 3));
	assert_true(utf8_casehash("a", 3) != utf8_casehash("a", 4));
}

static void test_casehash_long(void **state)
{
	char a[1000], b[1000];

	memset(a, 'a', sizeof(a) - 1);
	memset(b, 'A', sizeof(b) - 1);
	a[999] = b[999] = '\0';
	assert_true(utf8_casehash(a, 0) == utf8_casehash(b, 0));
	b[998] = 'b';
	assert_true(utf8_casehash(a, 0) != utf8_casehash(b, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversion), cmocka_unit_test(test_bad_utf8),
		cmocka_unit_test(test_bad_utf16),  cmocka_unit_test(test_limits_are_kept),
		cmocka_unit_test(test_fold),	   cmocka_unit_test(test_upper),
		cmocka_unit_test(test_utf16_fold), cmocka_unit_test(test_whole_table),
		cmocka_unit_test(test_casecmp),	   cmocka_unit_test(test_casehash_long),
	};

	return cmocka_run_group_tests_name("utf", tests, NULL, NULL);
}
