/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes between requests: how they lie in the buffer, what does not fit, what is said once. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "node/base/random.h"
#include "node/base/utf.h"
#include "smbd/notify/buf.h"
#include "smbd/wire/change_notify.h"

static uint8_t room[1 << 16];

static void add(struct ntf_buf *b, uint32_t action, const char *name)
{
	struct ntf_change c = { action, name };

	ntf_buf_add(b, &c, 1);
}

/* "+a -b *c <old >new|" of what is taken; "!" when it is STATUS_NOTIFY_ENUM_DIR, "" for nothing. */
static const char *take(struct ntf_buf *b, size_t limit)
{
	static const char sign[] = "?+-*<>";
	static char text[1 << 16];
	struct arena a = { 0 };
	struct wr w = wr_fixed(room, sizeof(room));
	enum ntf_got got = ntf_buf_take(b, limit, &w);
	struct fscc_notify e;
	struct rd r = rd_of(wr_blob(&w));
	size_t n = 0;
	int more;

	text[0] = '\0';
	if (got == NTF_ENUM_DIR)
		return "!";
	assert_true(w.len <= limit);
	while ((more = fscc_notify_next(&r, &e)) > 0) {
		char *name;

		assert_int_equal(utf8_from_utf16(&a, e.name, &name), 0);
		assert_true(e.action <= 5);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%s", n ? " " : "",
				      sign[e.action], name);
	}
	assert_int_equal(more, 0);
	assert_int_equal(got, n ? NTF_CHANGES : NTF_NOTHING);
	arena_reset(&a);
	return text;
}

static void test_entries(void **state)
{
	struct ntf_change pair[] = { { SMB2_ACTION_RENAMED_OLD_NAME, "x" },
				     { SMB2_ACTION_RENAMED_NEW_NAME, "dir/äöü" } };
	struct limit l = { .max = 4096 };
	struct ntf_buf b;

	ntf_buf_init(&b, 1000, &l);
	assert_false(ntf_buf_filled(&b));
	assert_string_equal(take(&b, 1000), "");
	add(&b, SMB2_ACTION_ADDED, "a");
	add(&b, SMB2_ACTION_REMOVED, "a/b/c");
	ntf_buf_add(&b, pair, 2);
	assert_true(ntf_buf_filled(&b));
	assert_string_equal(take(&b, 1000), "+a -a\\b\\c <x >dir\\äöü");
	assert_false(ntf_buf_filled(&b));
	assert_int_equal(l.used, 0);
	assert_string_equal(take(&b, 1000), "");
	ntf_buf_done(&b);
}

static void test_same_again(void **state)
{
	struct limit l = { .max = 4096 };
	struct ntf_buf b;

	ntf_buf_init(&b, 1000, &l);
	for (int i = 0; i < 1000; i++)
		add(&b, SMB2_ACTION_MODIFIED, "a");
	add(&b, SMB2_ACTION_MODIFIED, "ab");
	add(&b, SMB2_ACTION_MODIFIED, "a");
	add(&b, SMB2_ACTION_ADDED, "a");
	add(&b, SMB2_ACTION_ADDED, "a");
	add(&b, SMB2_ACTION_MODIFIED, "a");
	assert_string_equal(take(&b, 1000), "*a *ab *a +a +a *a");
	ntf_buf_done(&b);
}

/* A name that a client cannot see anyway; the others stay. */
static void test_bad_name(void **state)
{
	struct limit l = { .max = 4096 };
	struct ntf_buf b;

	ntf_buf_init(&b, 1000, &l);
	add(&b, SMB2_ACTION_ADDED, "\xff\xfe");
	assert_false(ntf_buf_filled(&b));
	add(&b, SMB2_ACTION_ADDED, "a");
	assert_string_equal(take(&b, 1000), "+a");
	ntf_buf_done(&b);
}

static void test_overflow(void **state)
{
	struct limit l = { .max = 4096 }, small = { .max = 300 };
	struct ntf_change pair[] = { { SMB2_ACTION_RENAMED_OLD_NAME, "x" },
				     { SMB2_ACTION_RENAMED_NEW_NAME, "y" } };
	struct ntf_buf b;

	ntf_buf_init(&b, 30, &l); /* two entries of 14 and 2 of padding */
	add(&b, SMB2_ACTION_ADDED, "a");
	add(&b, SMB2_ACTION_ADDED, "b");
	assert_string_equal(take(&b, 30), "+a +b");
	add(&b, SMB2_ACTION_ADDED, "a");
	ntf_buf_add(&b, pair, 2); /* half of it would fit */
	assert_string_equal(take(&b, 1000), "!");
	assert_string_equal(take(&b, 1000), "");
	add(&b, SMB2_ACTION_ADDED, "a");
	assert_string_equal(take(&b, 13), "!"); /* does not fit into this response */
	assert_string_equal(take(&b, 1000), "");
	add(&b, SMB2_ACTION_ADDED, "a");
	ntf_buf_lose(&b);
	add(&b, SMB2_ACTION_ADDED, "b");
	assert_string_equal(take(&b, 1000), "!");
	ntf_buf_done(&b);

	ntf_buf_init(&b, 0, &l);
	add(&b, SMB2_ACTION_ADDED, "a");
	assert_string_equal(take(&b, 1000), "!");
	ntf_buf_done(&b);

	/* the client's share of memory is used up */
	ntf_buf_init(&b, 100000, &small);
	for (int i = 0; i < 40; i++)
		add(&b, SMB2_ACTION_ADDED, "a");
	assert_string_equal(take(&b, 100000), "!");
	assert_int_equal(small.used, 0);
	ntf_buf_done(&b);
	assert_int_equal(l.used, 0);
}

/* What goes in comes out, in order, or is told to be lost: nothing else. */
static void test_random(void **state)
{
	static const char *const names[] = { "a", "bc", "dir/file", "dir", "a much longer name",
					     "ä", "𝄞", "x/y/z/a/b/c" };
	static const char sign[] = "?+-*";
	struct limit l = { .max = 1 << 14 };
	unsigned int lost = 0, told = 0;

	for (int round = 0; round < 3000; round++) {
		uint32_t max = (uint32_t)(random_u64() % 400);
		char want[8192] = "", last[64] = "";
		size_t n = 0, bytes = 0;
		struct ntf_buf b;

		ntf_buf_init(&b, max, &l);
		for (uint64_t k = random_u64() % 12; k > 0; k--) {
			const char *name = names[random_u64() % ARRAY_SIZE(names)];
			uint32_t action = 1 + (uint32_t)(random_u64() % 3);
			char entry[64];

			add(&b, action, name);
			snprintf(entry, sizeof(entry), "%c%s", sign[action], name);
			if (action == SMB2_ACTION_MODIFIED && strcmp(entry, last) == 0)
				continue;
			bytes = (bytes + 3) / 4 * 4 + 12 + 2 * (size_t)utf16_units(name, strlen(name));
			strcpy(last, entry);
			for (char *p = entry; *p; p++)
				*p = *p == '/' ? '\\' : *p;
			n += (size_t)sprintf(want + n, "%s%s", n ? " " : "", entry);
		}
		if (bytes > max)
			strcpy(want, "!");
		lost += bytes > max;
		told += bytes > 0 && bytes <= max;
		if (strcmp(want, take(&b, max)) != 0)
			fail_msg("round %d: wanted %s", round, want);
		ntf_buf_done(&b);
		assert_int_equal(l.used, 0);
	}
	assert_true(lost > 100 && told > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),	 cmocka_unit_test(test_same_again),
		cmocka_unit_test(test_bad_name), cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("notify buffer", tests, NULL, NULL);
}
