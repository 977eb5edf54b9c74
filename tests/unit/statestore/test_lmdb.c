/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state store on LMDB: guards, claims, pages, resources, counters, several processes, kill -9, a stopped holder. */
#include "tests/unit/statestore/cases.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static char dir[64];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "%s/hf-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(cases_url, sizeof(cases_url), "lmdb:%s", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

/* A stopped process may hold the writer lock: the others must go on within a second. */
static void test_stopped_holder_is_fenced(void **state)
{
	struct store *s = cases_open();
	struct timespec t0, t1;
	unsigned int round;
	int fd, status;
	uint32_t v;
	pid_t pid;

	assert_true(cases_claim(s, 20, 1, 1));
	for (round = 0; round < 5; round++) {
		pid = cases_writer(&fd);
		assert_int_equal(read(fd, &v, sizeof(v)), sizeof(v));
		kill(pid, SIGSTOP);
		clock_gettime(CLOCK_MONOTONIC, &t0);
		assert_int_equal(cases_put(s, 20, 1, "mine", "v"), 0);
		clock_gettime(CLOCK_MONOTONIC, &t1);
		assert_true(t1.tv_sec - t0.tv_sec < 5);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(fd);
	}
	store_close(s);
}

static void test_foreign_store_is_refused(void **state)
{
	const struct store_info info = { .slots = CASES_SLOTS, .cluster = "test" };
	char sub[96], url[128], file[128], err[256];
	struct store *s = NULL;
	int fd;

	snprintf(sub, sizeof(sub), "%s/foreign", dir);
	snprintf(url, sizeof(url), "lmdb:%s", sub);
	snprintf(file, sizeof(file), "%s/data.mdb", sub);
	assert_int_equal(mkdir(sub, 0700), 0);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, url, 100), 100);
	assert_int_equal(ftruncate(fd, 8192), 0);
	close(fd);
	assert_int_equal(store_open(url, &info, &s, err, sizeof(err)), -EMEDIUMTYPE);
	assert_non_null(strstr(err, "not a Holdfast state store"));
	assert_int_equal(store_open("tape:/x", &info, &s, err, sizeof(err)), -EINVAL);
	assert_int_equal(store_open("lmdb:relative", &info, &s, err, sizeof(err)), -EINVAL);
	snprintf(url, sizeof(url), "lmdb:%s/none", dir);
	assert_true(store_open(url, NULL, &s, err, sizeof(err)) < 0);
	assert_null(s);
}

/* Here a look at every slot is cheap, so the answer is exact. */
static void test_used_slots_are_exact(void **state)
{
	struct store *s = cases_open();
	bool has[CASES_SLOTS];

	assert_true(cases_claim(s, 40, 10, 1));
	assert_int_equal(cases_put(s, 40, 10, "k", "v"), 0);
	assert_int_equal(store_used_slots(s, has), 0);
	assert_true(has[40] && !has[41]);
	assert_int_equal(cases_put(s, 40, 10, "k", NULL), 0);
	assert_int_equal(store_used_slots(s, has), 0);
	assert_false(has[40]);
	store_close(s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORE_CASES,
		cmocka_unit_test(test_used_slots_are_exact),
		cmocka_unit_test(test_stopped_holder_is_fenced),
		cmocka_unit_test(test_foreign_store_is_refused),
	};

	cases_main(argc, argv);
	return cmocka_run_group_tests_name("lmdb", tests, setup, teardown);
}
