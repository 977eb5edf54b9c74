/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log: what a line looks like, and that nobody can forge one. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "node/log/log.h"

static char dir[64], path[96], target[128];

static int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/holdfast-test-log.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(target, sizeof(target), "file:%s", path);
	return 0;
}

static int remove_dir(void **state)
{
	log_close();
	unlink(path);
	return rmdir(dir);
}

/* The whole file; static, cut at its size. */
static const char *contents(void)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static void start_file(enum log_level level)
{
	unlink(path);
	assert_int_equal(log_open(target, "holdfast-test", "node7", level), 0);
}

static void test_line(void **state)
{
	int year, pid;
	char end[64];

	start_file(LOG_LEVEL_INFO);
	errno = EXDEV;
	log_info("share added: name=%s path=%s", log_esc("data"), log_esc("/srv/my data"));
	assert_int_equal(errno, EXDEV);
	assert_int_equal(
		sscanf(contents(),
		       "%d-%*d-%*dT%*d:%*d:%*d.%*dZ info holdfast-test[%d] node7: %63[^\n]", &year,
		       &pid, end),
		3);
	assert_true(year >= 2024);
	assert_int_equal(pid, getpid());
	assert_string_equal(end, "share added: name=data path=\"/srv/my data\"");
}

static void test_levels(void **state)
{
	enum log_level l = LOG_LEVEL_ERR;

	start_file(LOG_LEVEL_WARN);
	log_debug("a");
	log_info("b");
	assert_string_equal(contents(), "");
	assert_false(log_enabled(LOG_LEVEL_INFO));
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("c");
	assert_non_null(strstr(contents(), " debug "));
	assert_int_equal(log_level_parse("info", &l), 0);
	assert_int_equal(l, LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("Info ", &l), -EINVAL);
	assert_string_equal(log_level_name(LOG_LEVEL_WARN), "warning");
}

static void test_no_forged_line(void **state)
{
	const char *s;
	int lines = 0;

	start_file(LOG_LEVEL_INFO);
	log_info("login failed: user=%s", "x\n2025-01-01T00:00:00.000Z info y: login\r\x1b[2J");
	for (s = contents(); (s = strchr(s, '\n')); s++)
		lines++;
	assert_int_equal(lines, 1);
	assert_null(strchr(contents(), '\x1b'));
}

static void test_escape(void **state)
{
	char text[1000];

	assert_string_equal(log_esc("plain-1.2/x:y@z"), "plain-1.2/x:y@z");
	assert_string_equal(log_esc(NULL), "-");
	assert_string_equal(log_esc(""), "\"\"");
	assert_string_equal(log_esc("a b=c"), "\"a b=c\"");
	assert_string_equal(log_esc("say \"hi\" \\"), "\"say \\\"hi\\\" \\\\\"");
	assert_string_equal(log_esc("a\nb\tc\x7f"), "\"a\\nb\\x09c\\x7f\"");
	assert_string_equal(log_esc("\xc3\xa4"), "\"\xc3\xa4\"");
	assert_string_equal(log_esc("\xff\xc3"), "\"\\xff\\xc3\"");
	assert_string_equal(log_esc("\xe2\x80\xae"),
			    "\"\\xe2\\x80\\xae\""); /* right-to-left override */
	assert_string_equal(log_esc_n("a\0b", 3), "\"a\\x00b\"");
	memset(text, '\n', sizeof(text) - 1);
	text[999] = '\0';
	assert_true(strlen(log_esc(text)) < 256);
	assert_string_equal(log_esc(text) + strlen(log_esc(text)) - 4, "\"...");
	memset(text, 'a', sizeof(text) - 1);
	assert_true(strlen(log_esc(text)) < 256);
	memset(text, 0xff, sizeof(text) - 1);
	assert_true(strlen(log_esc(text)) < 256);
}

static void test_eight_buffers(void **state)
{
	const char *first = log_esc("first");

	for (int i = 0; i < 7; i++)
		log_esc("other");
	assert_string_equal(first, "first");
	assert_string_equal(log_errno(-ENOENT), "ENOENT(No_such_file_or_directory)");
	assert_string_equal(log_errno(12345), "errno(12345)");
}

static void test_long_line_is_cut(void **state)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	start_file(LOG_LEVEL_INFO);
	log_info("%s", text);
	assert_true(strlen(contents()) < 2400);
	assert_string_equal(contents() + strlen(contents()) - 5, "x...\n");
}

static void test_reopen(void **state)
{
	char old[128];

	start_file(LOG_LEVEL_INFO);
	log_info("one");
	snprintf(old, sizeof(old), "%s.1", path);
	assert_int_equal(rename(path, old), 0);
	log_info("two");
	assert_int_equal(log_reopen(), 0);
	log_info("three");
	assert_null(strstr(contents(), "two"));
	assert_non_null(strstr(contents(), "three"));
	unlink(old);
}

static void test_bad_targets(void **state)
{
	start_file(LOG_LEVEL_INFO);
	assert_int_equal(log_open("syslog", "x", NULL, LOG_LEVEL_INFO), -EINVAL);
	assert_int_equal(log_open("file:relative", "x", NULL, LOG_LEVEL_INFO), -EINVAL);
	assert_int_equal(log_open("file:/nonexistent/x", "x", NULL, LOG_LEVEL_INFO), -ENOENT);
	log_info("still here");
	assert_non_null(strstr(contents(), "node7: still here"));
}

static void test_ratelimit(void **state)
{
	struct log_rl rl = { 0 };
	int said = 0;

	start_file(LOG_LEVEL_INFO);
	for (int i = 0; i < 1000; i++)
		said += log_ratelimit(&rl, 5);
	assert_true(said == 5 || said == 10); /* a second may pass meanwhile */
	rl.second--;
	assert_true(log_ratelimit(&rl, 5));
	assert_non_null(strstr(contents(), "lines suppressed: count=9"));
}

static void *say_much(void *arg)
{
	for (int i = 0; i < 200; i++)
		log_info("line from thread: name=%s", log_esc(arg));
	return NULL;
}

static void test_threads_do_not_mix(void **state)
{
	static char names[4][8] = { "alpha", "beta", "gamma", "delta" };
	pthread_t t[4];
	int lines = 0;
	FILE *f;
	char line[512];

	start_file(LOG_LEVEL_INFO);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, say_much, names[i]), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(log_reopen(), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	f = fopen(path, "r");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); lines++) {
		assert_non_null(strstr(line, "a\n"));
		assert_int_equal(line[4], '-');
	}
	fclose(f);
	assert_int_equal(lines, 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),	       cmocka_unit_test(test_levels),
		cmocka_unit_test(test_no_forged_line), cmocka_unit_test(test_escape),
		cmocka_unit_test(test_eight_buffers),  cmocka_unit_test(test_long_line_is_cut),
		cmocka_unit_test(test_reopen),	       cmocka_unit_test(test_bad_targets),
		cmocka_unit_test(test_ratelimit),      cmocka_unit_test(test_threads_do_not_mix),
	};

	return cmocka_run_group_tests_name("log", tests, make_dir, remove_dir);
}
