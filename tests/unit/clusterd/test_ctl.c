/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's command: arguments to requests, answers to text and JSON. */
#include "tests/unit/test.h"

#include <locale.h>

#include "node/conf/node_conf.h"
#include "node/ctl/ctl.h"

static char *said; /* what the last call wrote on its error stream */

static const struct ctl_command *command(const char *words)
{
	const struct ctl_command *c;

	for (c = ctl_commands; c->words; c++)
		if (strcmp(c->words, words) == 0)
			return c;
	fail_msg("no command %s", words);
	return NULL;
}

/* Makes a request; NULL when refused. The text is JSON with sorted keys; the caller frees it. */
static char *request(const char *words, int argc, const char **argv)
{
	json_t *j = NULL;
	char *text = NULL;
	size_t n;
	FILE *err;
	int r;

	free(said);
	err = open_memstream(&said, &n);
	r = ctl_request(command(words), argc, (char **)argv, err, &j);
	fclose(err);
	if (r == 0)
		text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
	else
		assert_true(strlen(said) > 10 && said[strlen(said) - 1] == '\n');
	json_decref(j);
	return text;
}

#define REQUEST(words, ...)                                                      \
	({                                                                       \
		const char *argv_[] = { __VA_ARGS__ };                           \
		request(words, (int)(sizeof(argv_) / sizeof(argv_[0])), argv_);  \
	})
#define MAKES(expected, words, ...)                                              \
	do {                                                                     \
		_cleanup_free_ char *text_ = REQUEST(words, __VA_ARGS__);        \
		if (!text_)                                                      \
			fail_msg("%s", said);                                    \
		assert_string_equal(text_, expected);                            \
	} while (0)
#define REFUSED(words, ...)                                                      \
	do {                                                                     \
		_cleanup_free_ char *text_ = REQUEST(words, __VA_ARGS__);        \
		assert_null(text_);                                              \
	} while (0)

static void test_requests(void **state)
{
	MAKES("{\"command\":\"share create\",\"name\":\"daten\",\"set\":{\"continuously_available\":\"true\","
	      "\"path\":\"/srv\"}}",
	      "share create", "daten", "--path", "/srv", "--continuously-available");
	MAKES("{\"command\":\"share create\",\"name\":\"-x\",\"set\":{\"browseable\":\"false\",\"comment\":\"a=b\","
	      "\"path\":\"/ä\"}}",
	      "share create", "--path=/ä", "--no-browseable", "--comment=a=b", "--", "-x");
	MAKES("{\"command\":\"share set\",\"name\":\"d\",\"set\":{\"read_only\":\"no\"}}", "share set", "d",
	      "--read-only=no");
	MAKES("{\"command\":\"user set\",\"name\":\"bob\",\"set\":{\"disabled\":\"true\"}}", "user disable", "bob");
	MAKES("{\"command\":\"config set\",\"set\":{\"lease\":\"2s\",\"max_io\":\"1MiB\"}}", "config set",
	      "lease=2s", "max_io=1MiB");
	MAKES("{\"command\":\"config show\",\"name\":\"lease\",\"set\":{}}", "config get", "lease");
}

static void test_refusals(void **state)
{
	REFUSED("share create", "daten");
	REFUSED("share create", "--path", "/srv");
	REFUSED("share create", "daten", "--path");
	REFUSED("share create", "daten", "--pathology", "/srv");
	REFUSED("share create", "daten", "two", "--path", "/srv");
	REFUSED("share create", "a\\b", "--path", "/srv");
	REFUSED("share create", "\xff", "--path", "/srv");
	REFUSED("share create", "x", "--path", "/\xff");
	REFUSED("share create", "x", "--path", "/srv", "--no-browseable=1");
	REFUSED("share set", "x");
	REFUSED("user add", "bob", "--nt-hash", "00112233445566778899aabbccddeeff");
	REFUSED("user set", "bob", "--rid", "5");
	REFUSED("config set", "lease");
	REFUSED("config set", "=5");
	REFUSED("share list", "x");
}

static char *print(const char *parts, enum ctl_shape shape, bool json)
{
	struct ctl_answer a = { .err = stderr };
	json_t *all = json_loads(parts, 0, NULL), *part;
	char *text;
	size_t n, i;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(all);
	json_array_foreach(all, i, part)
		ctl_collect(&a, part);
	ctl_print(&a, shape, json, f);
	fclose(f);
	ctl_answer_done(&a);
	json_decref(all);
	return text;
}

static void prints(const char *parts, enum ctl_shape shape, bool json, const char *expected)
{
	_cleanup_free_ char *text = print(parts, shape, json);

	assert_string_equal(text, expected);
}

#define COLUMNS "\"columns\":[{\"key\":\"name\",\"heading\":\"NAME\"},{\"key\":\"hidden\",\"heading\":null}," \
		"{\"key\":\"n\",\"heading\":\"N\"}]"

static void test_output(void **state)
{
	/* Pages become one table; no control character of a file name reaches the terminal. */
	prints("[{" COLUMNS ",\"rows\":[{\"name\":\"Größe\",\"n\":1}]},{\"rows\":[{\"name\":\"x\\u001b[2J\",\"n\":22}]},"
	       "{\"status\":0}]",
	       CTL_TABLE, false, "NAME   N\nGröße  1\nx?[2J  22\n");
	prints("[{" COLUMNS ",\"rows\":[]},{\"status\":0}]", CTL_TABLE, false, "NAME  N\n");
	prints("[{" COLUMNS ",\"rows\":[]},{\"status\":0}]", CTL_TABLE, true, "[]\n");
	prints("[{\"rows\":[{\"name\":\"a\",\"users\":[\"x\",\"y\"],\"ro\":true,\"c\":null}]},{\"status\":0}]",
	       CTL_RECORD, false, "name: a\nusers: x,y\nro: yes\nc: -\n");
	prints("[{\"rows\":[{\"key\":\"k\",\"value\":\"2s\"}]},{\"status\":0}]", CTL_VALUE, false, "2s\n");
	prints("[{\"object\":{\"epoch\":3},\"rows\":[]},{\"status\":0}]", CTL_STATUS, true, "{\n  \"epoch\": 3\n}\n");
	prints("[{\"status\":0}]", CTL_QUIET, true, "");
	prints("[{" COLUMNS ",\"rows\":[{\"name\":\"a\",\"n\":1}]},{\"object\":{\"left\":1}},{\"status\":6}]", CTL_REPORT,
	       false, "NAME  N\na     1\nleft: 1\n");
	prints("[{" COLUMNS ",\"rows\":[]},{\"object\":{\"left\":0}},{\"status\":0}]", CTL_REPORT, false, "left: 0\n");
	prints("[{\"object\":{\"left\":0}},{\"status\":0}]", CTL_REPORT, true, "{\n  \"left\": 0,\n  \"findings\": []\n}\n");
	prints("[{" COLUMNS ",\"rows\":[{\"n\":1},{\"n\":2}]},{\"next\":\"x\"},{\"status\":0}]", CTL_PAGES, true,
	       "[\n{\"n\":1},\n{\"n\":2}");
}

/* Counts stand on their side, a column for each row. */
static void test_counts(void **state)
{
	const char *counts = "[{\"columns\":[{\"key\":\"node\",\"heading\":\"COUNT\",\"about\":\"MEANING\"},"
			     "{\"key\":\"age_s\",\"heading\":\"age\",\"about\":\"seconds\"},"
			     "{\"key\":\"told\",\"heading\":\"told only\",\"about\":\"of all\"}],\"rows\":[]},"
			     "{\"rows\":[{\"node\":\"n1\",\"age_s\":5,\"told\":120}]},"
			     "{\"rows\":[{\"node\":\"(all)\",\"told\":120}]},{\"status\":0}]";

	prints(counts, CTL_COUNTS, false,
	       "COUNT      n1   (all)  MEANING\n"
	       "age        5    -      seconds\n"
	       "told only  120  120    of all\n");
	prints(counts, CTL_COUNTS, true,
	       "[\n  {\n    \"node\": \"n1\",\n    \"age_s\": 5,\n    \"told\": 120\n  },\n"
	       "  {\n    \"node\": \"(all)\",\n    \"told\": 120\n  }\n]\n");
}

static int run(int argc, const char **argv, const char *expect_err)
{
	char *out, *err, *copy[8] = { NULL };
	size_t n, m;
	FILE *o = open_memstream(&out, &n), *e = open_memstream(&err, &m);
	int status, i;

	for (i = 0; i < argc; i++)
		copy[i] = (char *)argv[i];
	status = ctl_main(argc, copy, o, e);
	fclose(o);
	fclose(e);
	if (expect_err && !strstr(err, expect_err))
		fail_msg("\"%s\" is not in: %s", expect_err, err);
	free(out);
	free(err);
	return status;
}

#define RUN(expect_err, ...)                                                            \
	({                                                                              \
		const char *argv_[] = { "holdfast", __VA_ARGS__ };                      \
		run((int)(sizeof(argv_) / sizeof(argv_[0])), argv_, expect_err);        \
	})

static void test_statuses(void **state)
{
	assert_int_equal(RUN(NULL, "--help"), CTL_OK);
	assert_int_equal(RUN(NULL, "--version"), CTL_OK);
	assert_int_equal(RUN(NULL, "share", "create", "--help"), CTL_OK);
	assert_int_equal(RUN("takes one of: create", "share"), CTL_USAGE);
	assert_int_equal(RUN("no command", "nonsense", "list"), CTL_USAGE);
	assert_int_equal(RUN("takes a directory", "share", "list", "--run-dir"), CTL_USAGE);
	assert_int_equal(RUN("not reachable at /nonexistent", "--run-dir", "/nonexistent", "share", "list"),
			 CTL_NOT_REACHABLE);
}

/* The manual names every command, every option and every key of node.yaml. */
static void in_manual(const char *page, const char *word)
{
	static char text[65536];
	char path[512], copy[128], *p = copy;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/doc/man/%s", getenv("top_srcdir") ?: ".", page);
	f = fopen(path, "r");
	if (!f)
		fail_msg("no %s", path);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	/* A dash of an option is written with a backslash. */
	for (; *word; word++) {
		if (*word == '-')
			*p++ = '\\';
		*p++ = *word;
	}
	*p = '\0';
	if (!strstr(text, copy))
		fail_msg("\"%s\" is not in %s", copy, page);
}

static void test_manual(void **state)
{
	const struct ctl_command *c;
	char option[64], *p;
	size_t i;

	for (c = ctl_commands; c->words; c++)
		in_manual("holdfast.8", c->words);
	for (i = 0; i < resource_share.schema->count; i++) {
		snprintf(option, sizeof(option), "%s", resource_share.schema->rows[i].name);
		for (p = option; *p; p++)
			*p = *p == '_' ? '-' : *p;
		in_manual("holdfast.8", option);
	}
	for (i = 0; i < node_conf_schema.count; i++)
		in_manual("holdfast-node.yaml.5", node_conf_schema.rows[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_output), cmocka_unit_test(test_counts),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_manual),
	};
	int r;

	setlocale(LC_CTYPE, "C.UTF-8");
	r = cmocka_run_group_tests_name("ctl", tests, NULL, NULL);
	free(said);
	return r;
}
