/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Security descriptors: round trip, bytes by hand, and lies about every count and offset. */
#include "tests/unit/test.h"

#include "smbd/wire/secdesc.h"
#include "tests/fuzz/wire_dispatch.h"
#include "tests/unit/arena.h"

static struct sid sid_of(const char *text)
{
	struct sid s;

	assert_int_equal(sid_parse(text, &s), 0);
	return s;
}

/* O:S-1-5-32-544 with one ACE that gives everyone everything (MS-DTYP 2.4.6, 2.4.5, 2.4.4.2). */
static const uint8_t sample[] = {
	1, 0, 0x04, 0x80, 20,	0,    0,    0, 0, 0, 0,	   0, 0, 0, 0, 0, 36, 0, 0, 0, 1, 2,
	0, 0, 0,    0,	  0,	5,    32,   0, 0, 0, 0x20, 2, 0, 0, 2, 0, 28, 0, 1, 0, 0, 0,
	0, 3, 20,   0,	  0xff, 0x01, 0x1f, 0, 1, 1, 0,	   0, 0, 0, 0, 1, 0,  0, 0, 0,
};

static void test_sample(void **state)
{
	struct sid admins = sid_of("S-1-5-32-544"), everyone = sid_of("S-1-1-0");
	struct wr w = wr_arena(&arena, 4096);
	struct secdesc sd;

	assert_int_equal(secdesc_decode(&arena, BLOB(sample, sizeof(sample)), &sd), 0);
	assert_true(sid_equal(sd.owner, &admins));
	assert_null(sd.group);
	assert_null(sd.sacl);
	assert_int_equal(sd.dacl->n_aces, 1);
	assert_int_equal(sd.dacl->aces[0].type, ACE_ACCESS_ALLOWED);
	assert_int_equal(sd.dacl->aces[0].flags, 3);
	assert_int_equal(sd.dacl->aces[0].mask, 0x1f01ff);
	assert_true(sid_equal(&sd.dacl->aces[0].sid, &everyone));
	secdesc_encode(&w, &sd);
	assert_int_equal(w.len, secdesc_encoded_len(&sd));
	assert_int_equal(w.len, sizeof(sample));
	assert_memory_equal(w.base, sample, sizeof(sample));
}

static void test_all_parts(void **state)
{
	struct sid user = sid_of("S-1-5-21-1-2-3-1001"), everyone = sid_of("S-1-1-0");
	struct ace aces[] = {
		{ .type = ACE_ACCESS_DENIED, .mask = 2, .sid = user },
		{ .type = ACE_ACCESS_ALLOWED_OBJECT,
		  .mask = 3,
		  .object = true,
		  .object_flags = 3,
		  .object_type = { "type" },
		  .inherited_object_type = { "inherited" },
		  .sid = everyone },
		{ .type = ACE_ACCESS_ALLOWED_CALLBACK,
		  .mask = 4,
		  .sid = user,
		  .extra = BLOB("artx", 4) },
		{ .type = 0x55, .extra = BLOB("whatever", 8) },
	};
	struct ace audit[] = {
		{ .type = ACE_SYSTEM_AUDIT, .flags = 0x40, .mask = 1, .sid = everyone }
	};
	struct acl dacl = { 4, 4, aces }, sacl = { 2, 1, audit };
	struct secdesc got, sd = { SECDESC_DACL_PROTECTED, 0, &user, &everyone, &sacl, &dacl };
	struct wr w = wr_arena(&arena, 4096), again = wr_arena(&arena, 4096);

	secdesc_encode(&w, &sd);
	assert_int_equal(wr_end(&w), 0);
	assert_int_equal(w.len, secdesc_encoded_len(&sd));
	assert_int_equal(secdesc_decode(&arena, wr_blob(&w), &got), 0);
	assert_int_equal(got.control, SECDESC_SELF_RELATIVE | SECDESC_DACL_PRESENT |
					      SECDESC_SACL_PRESENT | SECDESC_DACL_PROTECTED);
	assert_int_equal(got.dacl->n_aces, 4);
	assert_true(guid_equal(&got.dacl->aces[1].inherited_object_type,
			       &aces[1].inherited_object_type));
	assert_true(blob_equal(got.dacl->aces[2].extra, aces[2].extra));
	assert_true(blob_equal(got.dacl->aces[3].extra, aces[3].extra));
	assert_int_equal(got.sacl->aces[0].flags, 0x40);
	secdesc_encode(&again, &got);
	assert_true(blob_equal(wr_blob(&w), wr_blob(&again)));
}

static void test_null_dacl(void **state)
{
	struct secdesc got, sd = { .control = SECDESC_DACL_PRESENT };
	struct wr w = wr_arena(&arena, 4096);

	secdesc_encode(&w, &sd);
	assert_int_equal(w.len, 20);
	assert_int_equal(secdesc_decode(&arena, wr_blob(&w), &got), 0);
	assert_true(got.control & SECDESC_DACL_PRESENT);
	assert_null(got.dacl);
}

static void test_lies(void **state)
{
	static const struct {
		uint8_t at, value;
	} lies[] = {
		{ 0, 2 },   { 3, 0 }, /* revision, not self-relative */
		{ 4, 19 },  { 4, 1 },	  { 4, 61 },	{ 7, 0x80 }, /* owner's offset */
		{ 16, 19 }, { 16, 57 },	  { 19, 0xff }, /* the DACL's offset */
		{ 20, 2 },  { 21, 16 },	  { 21, 15 }, /* SID: revision, counts */
		{ 36, 1 },  { 36, 5 }, /* ACL revision */
		{ 38, 7 },  { 38, 29 },	  { 39, 1 },	{ 38, 8 }, /* AclSize */
		{ 40, 2 },  { 41, 0x40 }, /* AceCount */
		{ 46, 3 },  { 46, 18 },	  { 46, 24 },	{ 46, 16 }, /* AceSize */
		{ 53, 2 },  { 53, 255 }, /* the ACE's SID */
	};
	struct secdesc sd = { .rm_control = 77 };

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		uint8_t b[sizeof(sample)];

		memcpy(b, sample, sizeof(b));
		b[lies[i].at] = lies[i].value;
		if (secdesc_decode(&arena, BLOB(b, sizeof(b)), &sd) != -EBADMSG)
			fail_msg("%u at %u is believed", lies[i].value, lies[i].at);
	}
	for (size_t n = 0; n < sizeof(sample); n++)
		assert_int_equal(secdesc_decode(&arena, BLOB(sample, n), &sd), -EBADMSG);
	assert_int_equal(sd.rm_control, 77);
}

static void test_sweep(void **state)
{
	for (size_t at = 0; at < sizeof(sample); at++) {
		for (unsigned v = 0; v < 256; v++) {
			uint8_t *b = malloc(sizeof(sample));

			assert_non_null(b);
			memcpy(b, sample, sizeof(sample));
			b[at] = (uint8_t)v;
			(void)wire_dispatch_secdesc(&arena, BLOB(b, sizeof(sample)));
			free(b);
		}
	}
}

static void test_limits(void **state)
{
	_cleanup_arena_ struct arena small = { 0 };
	struct sid everyone = sid_of("S-1-1-0");
	struct ace *aces = arena_calloc(&arena, 4000, sizeof(*aces));
	struct acl dacl = { 2, 4000, aces };
	struct secdesc got, sd = { .dacl = &dacl };
	struct wr w = wr_arena(&arena, 1 << 20);

	for (unsigned i = 0; i < 4000; i++)
		aces[i].sid = everyone;
	secdesc_encode(&w, &sd); /* 80,008 bytes are more than AclSize can say */
	assert_int_equal(wr_end(&w), -ENOBUFS);
	arena_init(&small, 64);
	assert_int_equal(secdesc_decode(&small, BLOB(sample, sizeof(sample)), &got), -ENOMEM);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_sample), T(test_all_parts), T(test_null_dacl),
		T(test_lies),	T(test_sweep),	   T(test_limits),
	};

	return cmocka_run_group_tests_name("secdesc", tests, NULL, NULL);
}
