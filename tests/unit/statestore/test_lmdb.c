/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state store on LMDB: guards, claims, pages, resources, counters, several processes, kill -9, a stopped holder. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "statestore/store.h"

#define SLOTS 64

static char dir[64];

static int setup(void **state)
{
	snprintf(dir, sizeof(dir), "%s/hf-store-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static struct store *open_store(void)
{
	const struct store_info info = { .slots = SLOTS, .cluster = "test" };
	char url[96], err[256] = "";
	struct store *s = NULL;

	snprintf(url, sizeof(url), "lmdb:%s", dir);
	if (store_open(url, &info, &s, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return s;
}

static int put(struct store *s, uint32_t slot, uint64_t epoch, const char *key, const char *val)
{
	const struct store_mut m = { BLOB(key, strlen(key)), val ? BLOB(val, strlen(val)) : BLOB(NULL, 0) };

	return store_write(s, slot, epoch, &m, 1);
}

static bool claim(struct store *s, uint32_t slot, uint64_t epoch, uint32_t node)
{
	bool ok;

	assert_int_equal(store_claim(s, &slot, 1, epoch, node, node * 100, &ok), 0);
	return ok;
}

static void test_guard_refuses_deposed_owner(void **state)
{
	struct store *s = open_store();
	struct store_owner o;

	assert_int_equal(put(s, 3, 1, "a", "x"), -ESTALE); /* never claimed */
	assert_true(claim(s, 3, 5, 1));
	assert_int_equal(put(s, 3, 5, "a", "x"), 0);
	assert_true(claim(s, 3, 6, 2));
	assert_int_equal(put(s, 3, 5, "a", "y"), -ESTALE);
	assert_false(claim(s, 3, 5, 1));
	assert_false(claim(s, 3, 6, 1)); /* one owner per epoch */
	assert_true(claim(s, 3, 6, 2));  /* the same owner again */
	assert_int_equal(store_slot_owner(s, 3, &o), 0);
	assert_int_equal(o.node, 2);
	assert_true(o.epoch == 6 && o.incarnation == 200);
	store_close(s);
}

static int count_rec(void *arg, struct blob key, struct blob val)
{
	unsigned int *n = arg;
	char want[16];

	snprintf(want, sizeof(want), "k%05u", *n);
	assert_int_equal(key.len, strlen(want));
	assert_memory_equal(key.data, want, key.len);
	(*n)++;
	return 0;
}

static void test_scan_pages_and_survives_reopen(void **state)
{
	struct store *s = open_store();
	bool has[SLOTS];
	char key[16];
	unsigned int i, n = 0;

	assert_true(claim(s, 7, 10, 1));
	assert_true(claim(s, 8, 10, 1));
	assert_int_equal(put(s, 8, 10, "other", "slot"), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%05u", i);
		assert_int_equal(put(s, 7, 10, key, "v"), 0);
	}
	store_close(s);
	s = open_store();
	assert_int_equal(store_scan(s, 7, count_rec, &n), 0);
	assert_int_equal(n, 1000);
	assert_int_equal(store_used_slots(s, has), 0);
	assert_true(has[7] && has[8] && !has[9]);
	assert_int_equal(put(s, 8, 10, "other", NULL), 0);
	assert_int_equal(put(s, 8, 10, "absent", NULL), 0);
	assert_int_equal(store_used_slots(s, has), 0);
	assert_false(has[8]);
	store_close(s);
}

static void test_write_is_atomic(void **state)
{
	struct store *s = open_store();
	_cleanup_arena_ struct arena a = { 0 };
	char big[STORE_KEY_MAX + 1];
	struct blob v;
	struct store_mut m[2] = { { BLOB("ok", 2), BLOB("1", 1) }, { BLOB(big, sizeof(big)), BLOB("2", 1) } };

	arena_init(&a, 0);
	memset(big, 'x', sizeof(big));
	assert_true(claim(s, 9, 1, 1));
	assert_int_equal(store_write(s, 9, 1, m, 2), -EINVAL);
	assert_int_equal(store_get(s, 9, BLOB("ok", 2), &a, &v), -ENOENT);
	m[1].key.len = STORE_KEY_MAX;
	assert_int_equal(store_write(s, 9, 1, m, 2), 0);
	assert_int_equal(store_get(s, 9, BLOB(big, STORE_KEY_MAX), &a, &v), 0);
	assert_true(blob_equal(v, BLOB("2", 1)));
	store_close(s);
}

static void test_resources(void **state)
{
	struct store *s = open_store();
	_cleanup_arena_ struct arena a = { 0 };
	struct store_res r, *list;
	uint64_t v1, v2, rev;
	size_t n;

	arena_init(&a, 0);
	assert_int_equal(store_res_put(s, "share", "daten-\xc3\xa4", BLOB("1", 1), 0, &v1), 0);
	assert_int_equal(store_res_put(s, "share", "daten-\xc3\xa4", BLOB("2", 1), 0, NULL), -EEXIST);
	assert_int_equal(store_res_put(s, "share", "daten-\xc3\xa4", BLOB("2", 1), v1, &v2), 0);
	assert_int_equal(store_res_put(s, "share", "daten-\xc3\xa4", BLOB("3", 1), v1, NULL), -ESTALE);
	assert_int_equal(store_res_put(s, "sharex", "z", BLOB("z", 1), 0, NULL), 0);
	assert_true(v2 > v1);
	assert_int_equal(store_res_get(s, "share", "daten-\xc3\xa4", &a, &r), 0);
	assert_true(r.version == v2 && blob_equal(r.val, BLOB("2", 1)));
	assert_int_equal(store_res_list(s, "share", &a, &list, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].name, "daten-\xc3\xa4");
	assert_int_equal(store_res_list(s, NULL, &a, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(store_res_put(s, "share", "daten-\xc3\xa4", BLOB(NULL, 0), UINT64_MAX, NULL), 0);
	assert_int_equal(store_res_get(s, "share", "daten-\xc3\xa4", &a, &r), -ENOENT);
	assert_int_equal(store_res_revision(s, &rev), 0);
	assert_true(rev == v2 + 2);
	store_close(s);
}

static void test_counters(void **state)
{
	struct store *s = open_store();
	uint64_t v;

	assert_int_equal(store_counter_raise(s, "epoch", 0, &v), 0);
	assert_true(v == 0);
	assert_int_equal(store_counter_raise(s, "epoch", 40, &v), 0);
	assert_int_equal(store_counter_next(s, "epoch", &v), 0);
	assert_true(v == 41);
	assert_int_equal(store_counter_raise(s, "epoch", 3, &v), 0);
	assert_true(v == 41);
	store_close(s);
}

/* Writes numbered records for ever, tells each acknowledged number through the pipe. */
static void child_writer(int fd)
{
	struct store *s = open_store();
	char key[16];
	uint32_t i;

	for (i = 0;; i++) {
		snprintf(key, sizeof(key), "k%05u", i);
		if (put(s, 20, 1, key, "v") < 0 || write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static void test_kill9_loses_nothing_acknowledged(void **state)
{
	struct store *s = open_store();
	unsigned int n = 0;
	uint32_t last = 0, v;
	int p[2];
	pid_t pid;

	assert_true(claim(s, 20, 1, 1));
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0)
		child_writer(p[1]);
	close(p[1]);
	while (last < 50 && read(p[0], &last, sizeof(last)) == sizeof(last))
		;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(p[0], &v, sizeof(v)) == sizeof(v))
		last = v;
	close(p[0]);
	assert_true(last >= 50);
	assert_int_equal(store_scan(s, 20, count_rec, &n), 0);
	assert_in_range(n, last + 1, last + 2);
	assert_int_equal(put(s, 20, 1, "after", "v"), 0); /* the lock came free */
	store_close(s);
}

/* A stopped process may hold the writer lock: the others must go on within a second. */
static void test_stopped_holder_is_fenced(void **state)
{
	struct store *s = open_store();
	struct timespec t0, t1;
	unsigned int round;
	int p[2], status;
	uint32_t v;
	pid_t pid;

	assert_true(claim(s, 20, 1, 1));
	for (round = 0; round < 5; round++) {
		assert_int_equal(pipe(p), 0);
		pid = fork();
		if (pid == 0)
			child_writer(p[1]);
		close(p[1]);
		assert_int_equal(read(p[0], &v, sizeof(v)), sizeof(v));
		kill(pid, SIGSTOP);
		clock_gettime(CLOCK_MONOTONIC, &t0);
		assert_int_equal(put(s, 20, 1, "mine", "v"), 0);
		clock_gettime(CLOCK_MONOTONIC, &t1);
		assert_true(t1.tv_sec - t0.tv_sec < 5);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(p[0]);
	}
	store_close(s);
}

static void test_foreign_store_is_refused(void **state)
{
	const struct store_info info = { .slots = SLOTS, .cluster = "test" };
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_refuses_deposed_owner),
		cmocka_unit_test(test_scan_pages_and_survives_reopen),
		cmocka_unit_test(test_write_is_atomic),
		cmocka_unit_test(test_resources),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_kill9_loses_nothing_acknowledged),
		cmocka_unit_test(test_stopped_holder_is_fenced),
		cmocka_unit_test(test_foreign_store_is_refused),
	};

	return cmocka_run_group_tests_name("lmdb", tests, setup, teardown);
}
