/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a share's files are: what a path names, and the one sentence about each that names nothing. */
#include "tests/unit/test.h"

#include "node/conf/resource.h"
#include "node/conf/share_path.h"

static void same(const char *have, const char *want)
{
	if (want)
		assert_string_equal(have, want);
	else
		assert_null(have);
}

static void check(const char *text, const struct share_path *want)
{
	struct share_path p = { 0 }, copy = { 0 };
	struct conf_error err = { "" };

	assert_int_equal(share_path_parse(text, &p, &err), 0);
	assert_int_equal(share_path_copy(&p, &copy), 0);
	share_path_done(&p);
	assert_null(p.buf);
	assert_int_equal(copy.cephfs, want->cephfs);
	same(copy.path, want->path);
	same(copy.fs, want->fs);
	same(copy.conf, want->conf);
	same(copy.id, want->id);
	same(copy.keyring, want->keyring);
	share_path_done(&copy);
}

static void test_good(void **state)
{
	check("/srv/files", &(struct share_path){ .path = "/srv/files" });
	check("/srv/what?conf=x", &(struct share_path){ .path = "/srv/what?conf=x" });
	check("cephfs:/", &(struct share_path){ .cephfs = true, .path = "/" });
	check("cephfs:/a/b", &(struct share_path){ .cephfs = true, .path = "/a/b" });
	check("cephfs:fs-1/a", &(struct share_path){ .cephfs = true, .fs = "fs-1", .path = "/a" });
	check("cephfs:fs/a?id=smb", &(struct share_path){ .cephfs = true, .fs = "fs", .path = "/a", .id = "smb" });
	check("cephfs:/a?keyring=/k&id=x.y&conf=/etc/c",
	      &(struct share_path){ .cephfs = true, .path = "/a", .keyring = "/k", .id = "x.y", .conf = "/etc/c" });
}

static void bad(const char *text, const char *word)
{
	struct share_path p = { 0 };
	struct conf_error err = { "" };

	assert_int_equal(share_path_parse(text, &p, &err), -EINVAL);
	if (!strstr(err.text, word))
		fail_msg("\"%s\": \"%s\" does not say \"%s\"", text, err.text, word);
	assert_null(strchr(err.text, '\n'));
	assert_null(p.buf);
}

static void test_bad(void **state)
{
	bad(NULL, "neither an absolute path");
	bad("", "neither an absolute path");
	bad("srv", "neither an absolute path");
	bad("///", "neither an absolute path");
	bad("/srv/../etc", "\"..\"");
	bad("/srv/..", "\"..\"");
	bad("cephfs:", "names no directory");
	bad("cephfs:fs", "names no directory");
	bad("cephfs:?id=/x", "names no directory");
	bad("cephfs:f s/a", "is not the name of a CephFS");
	bad("cephfs:/a/../b", "\"..\"");
	bad("cephfs:/a?user=x", "is no option");
	bad("cephfs:/a?", "is no option");
	bad("cephfs:/a?id", "needs the name of a Ceph user");
	bad("cephfs:/a?id=client/x", "needs the name of a Ceph user");
	bad("cephfs:/a?conf=ceph.conf", "needs an absolute path");
	bad("cephfs:/a?keyring=", "needs an absolute path");
	bad("cephfs:/a?id=x&id=y", "given twice");
}

/* The schema of shares asks it. */
static void test_schema(void **state)
{
	struct share_conf s = { .path = (char *)"cephfs:/a" };
	struct conf_error err = { "" };

	assert_int_equal(resource_share.check(&s, &err), 0);
	s.path = (char *)"cephfs:/a?user=x";
	assert_int_equal(resource_share.check(&s, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is no option of cephfs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests_name("share_path", tests, NULL, NULL);
}
