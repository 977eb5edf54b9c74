/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Previous versions: tokens, and the array in every size of buffer. */
#include "tests/unit/test.h"

#include "smbd/wire/create_ctx.h"
#include "smbd/wire/snapshots.h"
#include "tests/unit/arena.h"

static void test_tokens(void **state)
{
	static const struct {
		int64_t time;
		const char *token;
	} same[] = {
		{ 0, "@GMT-1970.01.01-00.00.00" },
		{ 985963440, "@GMT-2001.03.30-14.44.00" }, /* the example of MS-SMB 2.2.1.1.1 */
		{ 951782399, "@GMT-2000.02.28-23.59.59" },
		{ 951868799, "@GMT-2000.02.29-23.59.59" },
		{ -11644473600, "@GMT-1601.01.01-00.00.00" },
		{ 253402300799, "@GMT-9999.12.31-23.59.59" },
	};
	static const int64_t none[] = { -11644473601, 253402300800, INT64_MAX, INT64_MIN };
	char token[GMT_TOKEN_LEN + 1];
	int64_t t;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		assert_true(gmt_token_format(same[i].time, token));
		assert_string_equal(token, same[i].token);
		assert_int_equal(gmt_token_parse(token, &t), 0);
		assert_true(t == same[i].time);
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(gmt_token_format(none[i], token));
}

static void test_no_tokens(void **state)
{
	static const char *const bad[] = {
		"", "@GMT-", "@GMT-2001.03.30-14.44", "@GMT-2001.03.30-14.44.000", "@GMT-2001.03.30-14.44.0",
		"@gmt-2001.03.30-14.44.00", "@GMT-2001-03.30-14.44.00", "@GMT-2001.03.30 14.44.00",
		"@GMT-2001.13.30-14.44.00", "@GMT-2001.00.30-14.44.00", "@GMT-2001.02.29-14.44.00",
		"@GMT-2001.03.32-14.44.00", "@GMT-2001.03.30-24.00.00", "@GMT-2001.03.30-14.60.00",
		"@GMT-2001.03.30-14.44.60", "@GMT-0000.03.30-14.44.00", "@GMT-1600.12.31-23.59.59",
		"@GMT-+001.03.30-14.44.00", "@GMT-2001.03.30-14.44.0 ", "@GMT-2001.03.30-14.44.-1",
	};
	int64_t t = 77;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(gmt_token_parse(bad[i], &t), -EINVAL);
	assert_true(t == 77);
}

/* The example of MS-SMB 4.2, byte for byte. */
static void test_one(void **state)
{
	static const char token[] = "@GMT-2006.04.26-04.08.27";
	uint8_t want[12 + 52] = { 1, 0, 0, 0, 1, 0, 0, 0, 0x34, 0, 0, 0 };
	struct wr w = wr_arena(&arena, 4096);
	int64_t time;

	for (size_t i = 0; i < sizeof(token); i++)
		want[12 + 2 * i] = (uint8_t)token[i];
	assert_int_equal(gmt_token_parse(token, &time), 0);
	snapshots_encode(&w, &time, 1, 4096);
	assert_int_equal(w.len, sizeof(want));
	assert_memory_equal(w.base, want, sizeof(want));
}

static struct snapshots there_and_back(const int64_t *times, size_t n, size_t max)
{
	struct wr w = wr_arena(&arena, max);
	struct snapshots s;

	snapshots_encode(&w, times, n, max);
	assert_int_equal(wr_end(&w), 0);
	assert_int_equal(snapshots_decode(&arena, wr_blob(&w), &s), 0);
	assert_int_equal(s.n, n);
	assert_int_equal(s.size, 50 * n + 2);
	assert_int_equal(w.len, s.n_returned ? 12 + s.size : SNAPSHOTS_MIN_LEN);
	return s;
}

static void test_sizes(void **state)
{
	int64_t times[5000];
	struct snapshots s;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		times[i] = 2000000000 - 3600 * (int64_t)i;
	assert_int_equal(there_and_back(NULL, 0, SNAPSHOTS_MIN_LEN).n_returned, 0);
	assert_int_equal(there_and_back(NULL, 0, 65536).n_returned, 0);
	for (size_t n = 1; n <= ARRAY_SIZE(times); n = 3 * n + 1) {
		assert_int_equal(there_and_back(times, n, SNAPSHOTS_MIN_LEN).n_returned, 0);
		assert_int_equal(there_and_back(times, n, 12 + 50 * n + 1).n_returned, 0);
		s = there_and_back(times, n, 12 + 50 * n + 2);
		assert_int_equal(s.n_returned, n);
		assert_memory_equal(s.times, times, n * sizeof(*times));
	}
	assert_int_equal(there_and_back(times, 5000, 65536).n_returned, 0); /* smbclient's buffer */
	assert_int_equal(there_and_back(times, 5000, 1 << 20).n_returned, 5000);
}

static void test_lies(void **state)
{
	const int64_t times[] = { 1000000000, 900000000 };
	struct wr w = wr_arena(&arena, 4096);
	struct snapshots s;
	uint8_t was;

	snapshots_encode(&w, times, 2, 4096);
	for (size_t n = 0; n < w.len; n++)
		assert_int_equal(snapshots_decode(&arena, BLOB(w.base, n), &s), -EBADMSG);
	for (size_t at = 0; at < w.len; at++) {
		was = w.base[at];
		w.base[at] ^= 0xff;
		assert_int_equal(snapshots_decode(&arena, wr_blob(&w), &s), -EBADMSG);
		w.base[at] = was;
	}
	assert_int_equal(snapshots_decode(&arena, wr_blob(&w), &s), 0);
}

/* 2.2.13.2.7: eight bytes, no more and no less. */
static void test_timewarp_length(void **state)
{
	static const uint8_t zeroes[16];
	struct smb2_create_ctxs_req got;

	for (size_t n = 0; n <= sizeof(zeroes); n++) {
		struct wr w = wr_arena(&arena, 256);
		struct smb2_create_ctx_writer cw = smb2_create_ctx_writer(&w);

		smb2_create_ctx_put(&cw, BLOB("TWrp", 4), BLOB(zeroes, n));
		assert_int_equal(smb2_create_ctxs_req_decode(wr_blob(&w), &got), n == 8 ? 0 : -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_no_tokens),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_timewarp_length),
	};

	return cmocka_run_group_tests_name("snapshots", tests, setup, teardown);
}
