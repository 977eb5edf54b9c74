/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands decide without a file: names, patterns, access masks, security descriptors,
 * statuses. */
#include "tests/unit/test.h"

#include "node/base/utf.h"
#include "smbd/op/access.h"
#include "smbd/op/create_name.h"
#include "smbd/op/pattern.h"
#include "smbd/op/secmap.h"

static struct blob utf16(struct arena *a, const char *s)
{
	struct blob b;

	assert_int_equal(utf16_from_utf8(a, s, &b), 0);
	return b;
}

/* --- names --- */

static void test_names(void **state)
{
	static const struct {
		const char *in, *path;
		uint32_t status;
	} cases[] = {
		{ "", "", NTSTATUS_OK },
		{ "a", "a", NTSTATUS_OK },
		{ "dir\\file name.txt", "dir/file name.txt", NTSTATUS_OK },
		{ "Ünï\\cödé", "Ünï/cödé", NTSTATUS_OK },
		{ "...", "...", NTSTATUS_OK },
		{ "file::$DATA", "file", NTSTATUS_OK },
		{ "file::$data", "file", NTSTATUS_OK },
		{ "\\a", NULL, NTSTATUS_INVALID_PARAMETER },
		{ "a\\", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "a\\\\b", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "a/b", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "..", NULL, NTSTATUS_OBJECT_PATH_SYNTAX_BAD },
		{ "a\\..\\b", NULL, NTSTATUS_OBJECT_PATH_SYNTAX_BAD },
		{ "a\\.", NULL, NTSTATUS_OBJECT_PATH_SYNTAX_BAD },
		{ "a*", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "a?", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "<a", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "a|b", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "a\"b", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "a\x1f", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "d:x\\file", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "file:", NULL, NTSTATUS_OBJECT_NAME_INVALID },
		{ "file:s:$OTHER", NULL, NTSTATUS_OBJECT_NAME_INVALID },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_arena_ struct arena a = { 0 };
		struct create_name n = { 0 };
		struct ntstatus s = create_name_parse(&a, utf16(&a, cases[i].in), &n);

		if (s.v != cases[i].status)
			fail_msg("'%s': %s", cases[i].in, ntstatus_name(s));
		if (cases[i].path)
			assert_string_equal(n.path, cases[i].path);
	}
}

static void test_streams(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct create_name n;

	assert_true(ntstatus_is_ok(create_name_parse(&a, utf16(&a, "d\\f:Zone.Identifier"), &n)));
	assert_string_equal(n.path, "d/f");
	assert_true(n.stream);
	assert_true(ntstatus_is_ok(create_name_parse(&a, utf16(&a, "f:s:$DATA"), &n)));
	assert_true(n.stream);
	assert_true(ntstatus_is_ok(create_name_parse(&a, utf16(&a, "f::$DATA"), &n)));
	assert_false(n.stream);
	assert_true(n.data_stream);
}

static void test_long_names(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct create_name n;
	char name[260];

	memset(name, 'x', sizeof(name));
	name[255] = '\0';
	assert_true(ntstatus_is_ok(create_name_parse(&a, utf16(&a, name), &n)));
	name[255] = 'x';
	name[256] = '\0';
	assert_int_equal(create_name_parse(&a, utf16(&a, name), &n).v,
			 NTSTATUS_OBJECT_NAME_INVALID);
	/* half of a surrogate pair */
	assert_int_equal(create_name_parse(&a, BLOB("\x00\xd8", 2), &n).v,
			 NTSTATUS_OBJECT_NAME_INVALID);
}

static void test_short_names(void **state)
{
	assert_true(create_name_is_short("file.txt"));
	assert_true(create_name_is_short("12345678.123"));
	assert_true(create_name_is_short("a"));
	assert_false(create_name_is_short("123456789"));
	assert_false(create_name_is_short("a.long"));
	assert_false(create_name_is_short("a.b.c"));
	assert_false(create_name_is_short("a b"));
	assert_false(create_name_is_short("a."));
	assert_false(create_name_is_short(".a"));
	assert_true(create_name_presentable("with space"));
	assert_false(create_name_presentable("co:lon"));
	assert_false(create_name_presentable("back\\slash"));
	assert_false(create_name_presentable("\xff"));
}

/* --- patterns (MS-FSA 2.1.4.4) --- */

static bool matches(const char *pattern, const char *name)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pattern *p;
	bool ok;

	assert_int_equal(pattern_new(utf16(&a, pattern), &p), 0);
	ok = pattern_match(p, name);
	free(p);
	return ok;
}

static void test_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} cases[] = {
		{ "", "anything", true },
		{ "*", "anything.txt", true },
		{ "*.txt", "a.txt", true },
		{ "*.txt", "a.TXT", true },
		{ "*.txt", "a.txt.bak", false },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "?", "", false },
		{ "a*b*c", "a--b--b-c", true },
		{ "a*b*c", "a--c--b", false },
		{ "*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
		{ "ÄPFEL*", "äpfel.txt", true },
		{ "straße", "STRAßE", true },
		/* DOS_STAR: up to the last dot */
		{ "<.txt", "a.b.txt", true },
		{ "<\"*", "a.b.c", true },
		{ "<\"*", "name", true },
		{ "<", "a.txt", false },
		{ "<", "name", true },
		{ "<.b", "a.b.c", false },
		{ "<c", "a.bc", false },
		{ "<bc", "a.bc", true },
		/* DOS_QM: one, or none before a dot or at the end */
		{ ">>>.txt", "a.txt", true },
		{ ">>>.txt", "abc.txt", true },
		{ ">>>.txt", "abcd.txt", false },
		{ "a>>", "a", true },
		{ "a>>", "abc", true },
		{ "a>>", "abcd", false },
		/* DOS_DOT: a dot, or the end */
		{ "a\"", "a", true },
		{ "a\"b", "a.b", true },
		{ "a\"b", "ab", false },
		{ "*\"", "noext", true },
		{ "*.*", "noext", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (matches(cases[i].pattern, cases[i].name) != cases[i].match)
			fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].name);
}

static void test_pattern_kinds(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pattern *p;

	assert_int_equal(pattern_new(utf16(&a, "Name.TXT"), &p), 0);
	assert_string_equal(pattern_literal(p), "Name.TXT");
	free(p);
	assert_int_equal(pattern_new(utf16(&a, "*"), &p), 0);
	assert_true(pattern_is_all(p));
	assert_null(pattern_literal(p));
	free(p);
	assert_int_equal(pattern_new(utf16(&a, "a/b"), &p), -EINVAL);
	assert_int_equal(pattern_new(utf16(&a, "a:b"), &p), -EINVAL);
	assert_int_equal(pattern_new(BLOB("\x00\xdc", 2), &p), -EILSEQ);
}

static void test_long_pattern(void **state)
{
	char name[1000], pattern[1000];

	memset(name, 'n', 999);
	memset(pattern, '?', 999);
	name[999] = pattern[999] = '\0';
	assert_true(matches(pattern, name));
	pattern[500] = '*';
	assert_true(matches(pattern, name));
	pattern[998] = 'x';
	assert_false(matches(pattern, name));
}

/* --- access --- */

static void test_access(void **state)
{
	struct access_facts f = { .read = true };

	assert_int_equal(access_map_generic(SMB2_GENERIC_ALL), SMB2_FILE_ALL_ACCESS);
	assert_int_equal(access_map_generic(SMB2_GENERIC_READ | SMB2_MAXIMUM_ALLOWED),
			 SMB2_FILE_GENERIC_READ | SMB2_MAXIMUM_ALLOWED);
	assert_int_equal(access_maximal(&f) & (SMB2_FILE_WRITE_DATA | SMB2_DELETE | SMB2_WRITE_DAC),
			 0);
	assert_true(access_maximal(&f) & SMB2_FILE_READ_DATA);
	f = (struct access_facts){ .read = true, .write = true, .owner = true, .may_delete = true };
	assert_int_equal(access_maximal(&f), SMB2_FILE_ALL_ACCESS);
	f = (struct access_facts){ .directory = true };
	assert_int_equal(access_maximal(&f) & (SMB2_FILE_READ_DATA | SMB2_FILE_EXECUTE),
			 SMB2_FILE_EXECUTE);
}

/* --- security descriptors --- */

static void test_every_mode(void **state)
{
	struct secmap_owner who = { .uid = 1000, .gid = 100 };

	secmap_owner_sids(NULL, &who);
	for (uint32_t mode = 0; mode < 01000; mode++) {
		for (unsigned int dir = 0; dir < 2; dir++) {
			_cleanup_arena_ struct arena a = { 0 };
			struct wr w = wr_arena(&a, 4096);
			struct secdesc sd, back;
			uint32_t got;

			assert_int_equal(secmap_from_mode(&a, &who, mode, dir, 7, &sd), 0);
			secdesc_encode(&w, &sd);
			assert_int_equal(secdesc_decode(&a, wr_blob(&w), &back), 0);
			assert_true(secmap_to_mode(&back, &who, dir, &got));
			assert_int_equal(got, mode);
		}
	}
}

/* Permission bits know one right to write: no half of it can be denied. */
static void test_half_of_writing(void **state)
{
	static const struct {
		uint32_t denied;
		bool can;
		uint32_t mode;
	} rows[] = {
		{ SMB2_FILE_WRITE_DATA, false,
		  0 }, /* of a directory: no files may be made, but directories */
		{ SMB2_FILE_APPEND_DATA, false, 0 },
		{ SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA, true, 0555 },
		{ SMB2_FILE_WRITE_ATTRIBUTES | SMB2_DELETE, true, 0777 },
		{ SMB2_GENERIC_WRITE, true, 0555 },
		{ SMB2_GENERIC_ALL, true, 0 },
	};
	const struct sid everyone = { 1, 1, { 0, 0, 0, 0, 0, 1 }, { 0 } };
	struct secmap_owner who = { .uid = 1000, .gid = 100 };
	struct ace aces[2] = {
		{ .type = ACE_ACCESS_DENIED, .sid = everyone },
		{ .type = ACE_ACCESS_ALLOWED, .mask = SMB2_FILE_ALL_ACCESS, .sid = everyone }
	};
	struct acl acl = { .revision = 2, .n_aces = 2, .aces = aces };
	struct secdesc sd = { .dacl = &acl };
	uint32_t mode;

	secmap_owner_sids(NULL, &who);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		aces[0].mask = rows[i].denied;
		assert_int_equal(secmap_to_mode(&sd, &who, true, &mode), rows[i].can);
		if (rows[i].can)
			assert_int_equal(mode, rows[i].mode);
	}
	/* what was allowed before is not denied any more; a half alone counts as all of it */
	aces[1] = aces[0] = (struct ace){ .type = ACE_ACCESS_ALLOWED,
					  .mask = SMB2_FILE_WRITE_DATA,
					  .sid = everyone };
	aces[1].type = ACE_ACCESS_DENIED;
	assert_true(secmap_to_mode(&sd, &who, true, &mode));
	assert_int_equal(mode, 0222);
}

static void test_strangers(void **state)
{
	struct secmap_owner who = { .uid = 1000, .gid = 100 }, other = { .uid = 1001, .gid = 101 };
	struct ace ace = { .type = ACE_ACCESS_ALLOWED, .mask = SMB2_FILE_ALL_ACCESS };
	struct acl acl = { .revision = 2, .n_aces = 1, .aces = &ace };
	struct secdesc sd = { .dacl = &acl };
	uint32_t mode = 7;

	secmap_owner_sids(NULL, &who);
	secmap_owner_sids(NULL, &other);
	ace.sid = other.owner;
	assert_false(secmap_to_mode(&sd, &who, false, &mode));
	ace.flags = ACE_FLAG_INHERIT_ONLY;
	assert_true(secmap_to_mode(&sd, &who, false, &mode));
	assert_int_equal(mode, 0);
	ace = (struct ace){ .type = ACE_ACCESS_ALLOWED_OBJECT, .mask = 1, .sid = who.owner };
	assert_false(secmap_to_mode(&sd, &who, false, &mode));
	sd.dacl = NULL;
	assert_true(secmap_to_mode(&sd, &who, false, &mode));
	assert_int_equal(mode, 0777);
}

static void test_sid_of_user(void **state)
{
	struct user u = { .name = "u",
			  .uid = 1000,
			  .sid = { 1, 5, { 0, 0, 0, 0, 0, 5 }, { 21, 1, 2, 3, 4 } } };
	struct cluster_config c = { .n_users = 1, .users = &u };
	struct secmap_owner who = { .uid = 1000, .gid = 100 };
	char text[SID_STR_SIZE];

	secmap_owner_sids(&c, &who);
	assert_true(sid_equal(&who.owner, &u.sid));
	assert_string_equal(sid_format(&who.group, text), "S-1-22-2-100");
	who.uid = 5;
	secmap_owner_sids(&c, &who);
	assert_string_equal(sid_format(&who.owner, text), "S-1-22-1-5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	     cmocka_unit_test(test_streams),
		cmocka_unit_test(test_long_names),   cmocka_unit_test(test_short_names),
		cmocka_unit_test(test_patterns),     cmocka_unit_test(test_pattern_kinds),
		cmocka_unit_test(test_long_pattern), cmocka_unit_test(test_access),
		cmocka_unit_test(test_every_mode),   cmocka_unit_test(test_half_of_writing),
		cmocka_unit_test(test_strangers),    cmocka_unit_test(test_sid_of_user),
	};

	return cmocka_run_group_tests_name("op-pure", tests, NULL, NULL);
}
