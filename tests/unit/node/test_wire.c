/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cursors: what fits is read and written as it should, what does not fit sticks. */
#include "tests/unit/test.h"

#include "node/wire/rd.h"
#include "node/wire/wr.h"

static void test_roundtrip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct wr w;
	struct rd r;
	size_t mark;

	arena_init(&a, 0);
	w = wr_arena(&a, 1 << 20);
	wr_u8(&w, 0x12);
	wr_align(&w, 4);
	mark = wr_mark(&w);
	wr_le32(&w, 0);
	wr_le16(&w, 0xbeef);
	wr_le64(&w, 0x0123456789abcdefULL);
	wr_be32(&w, 0xcafebabe);
	wr_patch_le32(&w, mark, 77);
	assert_int_equal(wr_end(&w), 0);
	r = rd_of(wr_blob(&w));
	assert_int_equal(rd_u8(&r), 0x12);
	rd_align(&r, 4);
	assert_int_equal(rd_le32(&r), 77);
	assert_int_equal(rd_le16(&r), 0xbeef);
	assert_true(rd_le64(&r) == 0x0123456789abcdefULL);
	assert_int_equal(rd_be32(&r), 0xcafebabe);
	assert_int_equal(rd_left(&r), 0);
	assert_int_equal(rd_end(&r), 0);
}

static void test_read_past_end_sticks(void **state)
{
	const uint8_t b[] = { 1, 2, 3 };
	struct rd r = rd_init(b, sizeof(b));

	assert_int_equal(rd_le32(&r), 0);
	assert_int_equal(rd_u8(&r), 0);
	assert_int_equal(rd_end(&r), -EBADMSG);
}

static void test_fences(void **state)
{
	const uint8_t b[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct rd r = rd_init(b, sizeof(b)), c;

	c = rd_at(&r, 6, 2);
	assert_int_equal(rd_u8(&c), 6);
	c = rd_at(&r, 4000, 0);
	assert_int_equal(rd_end(&c), 0);
	c = rd_sub(&r, 3);
	rd_skip(&c, 4);
	assert_int_equal(rd_end(&c), -EBADMSG);
	assert_int_equal(rd_end(&r), 0);
	c = rd_at(&r, SIZE_MAX, 2);
	assert_int_equal(rd_end(&c), -EBADMSG);
	assert_int_equal(rd_end(&r), -EBADMSG);
}

static void test_write_limits(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t buf[4];
	struct wr w = wr_fixed(buf, sizeof(buf));

	wr_le32(&w, 1);
	wr_u8(&w, 1);
	assert_int_equal(wr_end(&w), -ENOBUFS);
	arena_init(&a, 0);
	w = wr_arena(&a, 1000);
	wr_zero(&w, 1000);
	assert_int_equal(wr_end(&w), 0);
	wr_u8(&w, 1);
	assert_int_equal(wr_end(&w), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_read_past_end_sticks),
		cmocka_unit_test(test_fences),
		cmocka_unit_test(test_write_limits),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
