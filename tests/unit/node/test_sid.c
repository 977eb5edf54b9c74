/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIDs as text and on the wire. */
#include "tests/unit/test.h"

#include "node/wire/sid_wire.h"

static const char *const good[] = {
	"S-1-0-0",
	"S-1-1-0",
	"S-1-5-32-544",
	"S-1-5-21-3623811015-3361044348-30300820-1013",
	"S-1-22-1-4294967295",
	"S-1-0x010203040506-7",
	"S-1-5",
	"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15",
};

static const char *const bad[] = {
	"",
	"S",
	"S-",
	"S-1-",
	"S-2-5-18",
	"S-1--5",
	"S-1-5-",
	"S-1-5-4294967296",
	"S-1-4294967296-1",
	"S-1-0x1000000000000-1",
	"S-1-0x-1",
	"S-1-5-18 ",
	"S-1-5- 18",
	"S-1-5--18",
	"S-1-5-+18",
	"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
	"S-1-5-99999999999999999999999",
};

static void test_text(void **state)
{
	char text[SID_STR_SIZE];
	struct sid s, keep = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(sid_parse(good[i], &s), 0);
		assert_true(sid_valid(&s));
		assert_string_equal(sid_format(&s, text), good[i]);
	}
	s = keep;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(sid_parse(bad[i], &s), -EINVAL);
	assert_memory_equal(&s, &keep, sizeof(s));
	assert_int_equal(sid_parse("s-1-0x5-18", &s), 0);
	assert_string_equal(sid_format(&s, text), "S-1-5-18");
}

static void test_longest_text_fits(void **state)
{
	struct sid s = { .revision = 1, .sub_count = SID_MAX_SUB };
	char text[SID_STR_SIZE];

	memset(s.authority, 0xff, sizeof(s.authority));
	memset(s.sub, 0xff, sizeof(s.sub));
	assert_int_equal(strlen(sid_format(&s, text)), 4 + 14 + 15 * 11);
}

static void test_equal_append(void **state)
{
	struct sid domain, user, same;

	assert_int_equal(sid_parse("S-1-5-21-1-2-3", &domain), 0);
	assert_int_equal(sid_append(&domain, 1000, &user), 0);
	assert_int_equal(sid_parse("S-1-5-21-1-2-3-1000", &same), 0);
	assert_true(sid_equal(&user, &same));
	assert_false(sid_equal(&user, &domain));
	assert_int_equal(sid_parse("S-1-5-21-1-2-3-1001", &same), 0);
	assert_false(sid_equal(&user, &same));
	assert_int_equal(sid_parse(good[7], &domain), 0);
	assert_int_equal(sid_append(&domain, 1, &user), -EOVERFLOW);
}

static void test_wire(void **state)
{
	static const uint8_t admins[] = { 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0 };
	uint8_t buf[128];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct rd r;
	struct sid s, back;
	struct guid g = guid_random(), g2;

	assert_int_equal(sid_parse("S-1-5-32-544", &s), 0);
	wr_sid(&w, &s);
	assert_int_equal(w.len, sizeof(admins));
	assert_int_equal(w.len, sid_wire_size(&s));
	assert_memory_equal(buf, admins, sizeof(admins));
	wr_guid(&w, &g);
	assert_int_equal(wr_end(&w), 0);
	r = rd_of(wr_blob(&w));
	back = rd_sid(&r);
	g2 = rd_guid(&r);
	assert_int_equal(rd_end(&r), 0);
	assert_true(sid_equal(&s, &back));
	assert_true(guid_equal(&g, &g2));
}

static void test_wire_refuses(void **state)
{
	uint8_t b[8 + 4 * 16] = { 1, 16 };
	struct rd r = rd_init(b, sizeof(b));
	struct sid s = rd_sid(&r);
	struct wr w = wr_fixed(b, sizeof(b));

	assert_int_equal(rd_end(&r), -EBADMSG); /* 16 sub-authorities */
	assert_int_equal(s.revision, 0);
	b[0] = 2, b[1] = 1;
	r = rd_init(b, sizeof(b));
	rd_sid(&r);
	assert_int_equal(rd_end(&r), -EBADMSG); /* revision */
	b[0] = 1, b[1] = 15;
	for (size_t n = 0; n < 8 + 4 * 15; n++) {
		r = rd_init(b, n);
		rd_sid(&r);
		assert_int_equal(rd_end(&r), -EBADMSG); /* every truncation */
	}
	s = (struct sid){ .revision = 1, .sub_count = 16 };
	wr_sid(&w, &s);
	assert_int_equal(wr_end(&w), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	     cmocka_unit_test(test_longest_text_fits),
		cmocka_unit_test(test_wire),	     cmocka_unit_test(test_equal_append),
		cmocka_unit_test(test_wire_refuses),
	};

	return cmocka_run_group_tests_name("sid", tests, NULL, NULL);
}
