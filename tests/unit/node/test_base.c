/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GUIDs, clocks, hashes and limits. */
#include "tests/unit/test.h"

#include "node/base/clock.h"
#include "node/base/guid.h"
#include "node/base/hash.h"
#include "node/base/limit.h"
#include "node/base/random.h"

static void test_guid_text(void **state)
{
	/* The interface of MS-SRVS: first three fields swap, the rest does not. */
	static const uint8_t srvsvc[16] = { 0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01,
					    0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88 };
	static const char *const bad[] = { "",
					   "4b324fc8",
					   "4b324fc8-1670-01d3-1278-5a47bf6ee18",
					   "4b324fc8-1670-01d3-1278-5a47bf6ee1888",
					   "4b324fc8x1670-01d3-1278-5a47bf6ee188",
					   "{4b324fc8-1670-01d3-1278-5a47bf6ee188}",
					   "4b324fc8-1670-01d3-1278-5a47bf6ee18g" };
	char text[GUID_STR_SIZE];
	struct guid g;

	assert_int_equal(guid_parse("4B324FC8-1670-01d3-1278-5a47bf6ee188", &g), 0);
	assert_memory_equal(g.b, srvsvc, 16);
	assert_string_equal(guid_format(&g, text), "4b324fc8-1670-01d3-1278-5a47bf6ee188");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(guid_parse(bad[i], &g), -EINVAL);
	assert_memory_equal(g.b, srvsvc, 16);
}

static void test_guid_random(void **state)
{
	struct guid a = guid_random(), b = guid_random(), zero = { 0 };
	char text[GUID_STR_SIZE];

	assert_false(guid_equal(&a, &b));
	assert_true(guid_equal(&a, &a));
	assert_false(guid_is_zero(&a));
	assert_true(guid_is_zero(&zero));
	assert_true(guid_compare(&zero, &a) < 0);
	assert_int_equal(guid_format(&a, text)[14], '4');
}

static void test_random_fills(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	random_bytes(a, 0);
}

static void check_nttime(int64_t sec, long nsec, uint64_t expected)
{
	struct timespec ts = { .tv_sec = sec, .tv_nsec = nsec }, back;

	assert_true(nttime_from_timespec(ts) == expected);
	back = timespec_from_nttime(expected);
	assert_true(back.tv_sec == sec && back.tv_nsec == nsec / 100 * 100);
}

static void test_nttime(void **state)
{
	struct timespec far = { .tv_sec = INT64_MAX, .tv_nsec = 999999999 };
	struct timespec old = { .tv_sec = INT64_MIN },
			before = { .tv_sec = -11644473601, .tv_nsec = 5 };

	check_nttime(0, 0, NTTIME_UNIX_EPOCH);
	check_nttime(-11644473600, 0, 0);
	check_nttime(-11644473600, 100, 1);
	check_nttime(-1, 999999900, NTTIME_UNIX_EPOCH - 1);
	check_nttime(1700000000, 123456789, UINT64_C(133444736001234567));
	check_nttime(910692730085, 477580700, INT64_MAX);
	assert_true(nttime_from_timespec(far) == INT64_MAX);
	assert_true(nttime_from_timespec(old) == 0);
	assert_true(nttime_from_timespec(before) == 0);
	assert_true(timespec_from_nttime(UINT64_MAX).tv_sec == 910692730085);
	assert_true(nttime_now() > UINT64_C(133444736001234567));
}

static void test_clocks_advance(void **state)
{
	uint64_t a = clock_mono_ns(), b = clock_mono_ns();

	assert_true(b >= a && a > 0);
	assert_true(clock_real_ns() > UINT64_C(1700000000) * NSEC_PER_SEC);
}

/* The vectors of the SipHash paper and of its reference: key 00..0f, input 00..(n-1). */
static void test_siphash(void **state)
{
	static const struct {
		size_t n;
		uint64_t hash;
	} vectors[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },  { 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) }, { 16, UINT64_C(0x3f2acc7f57c29bdb) },
	};
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_true(siphash24(in, vectors[i].n, UINT64_C(0x0706050403020100),
				      UINT64_C(0x0f0e0d0c0b0a0908)) == vectors[i].hash);
}

/* Slots depend on these numbers: a change here breaks every existing cluster. */
static void test_hash_is_frozen(void **state)
{
	assert_true(hash64("", 0, 0) == siphash24("", 0, 0, UINT64_MAX));
	assert_true(hash64_str("holdfast", 1) == hash64("holdfast", 8, 1));
	assert_true(hash64("holdfast", 8, 0) == UINT64_C(0xf2badedfb9a8ec36));
	assert_true(hash64_u64(1) == UINT64_C(0x5692161d100b05e5));
}

static void test_limit(void **state)
{
	struct charge a = { 0 }, b = { 0 };
	struct limit l;

	limit_init(&l, 10);
	assert_int_equal(charge_take(&a, &l, 7), 0);
	assert_int_equal(charge_take(&b, &l, 4), -EDQUOT);
	assert_int_equal(b.n, 0);
	assert_int_equal(charge_take(&b, &l, 3), 0);
	assert_int_equal(limit_left(&l), 0);
	charge_return(&a, 2);
	assert_int_equal(limit_left(&l), 2);
	l.max = 4;
	assert_int_equal(limit_left(&l), 0);
	assert_int_equal(charge_take(&a, &l, 1), -EDQUOT);
	assert_int_equal(charge_take(&a, &l, UINT64_MAX), -EDQUOT);
	charge_done(&a);
	charge_done(&a);
	charge_done(&b);
	assert_int_equal(l.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guid_text),      cmocka_unit_test(test_guid_random),
		cmocka_unit_test(test_random_fills),   cmocka_unit_test(test_nttime),
		cmocka_unit_test(test_clocks_advance), cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_hash_is_frozen), cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
