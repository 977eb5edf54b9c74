/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See cases.h. */
#include "tests/unit/statestore/cases.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>

char cases_url[512];

struct store *cases_open(void)
{
	const struct store_info info = { .slots = CASES_SLOTS, .cluster = "test" };
	char err[512] = "";
	struct store *s = NULL;

	if (store_open(cases_url, &info, &s, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	return s;
}

int cases_put(struct store *s, uint32_t slot, uint64_t epoch, const char *key, const char *val)
{
	const struct store_mut m = { BLOB(key, strlen(key)), val ? BLOB(val, strlen(val)) : BLOB(NULL, 0) };

	return store_write(s, slot, epoch, &m, 1);
}

bool cases_claim(struct store *s, uint32_t slot, uint64_t epoch, uint32_t node)
{
	bool ok;

	assert_int_equal(store_claim(s, &slot, 1, epoch, node, node * 100, &ok), 0);
	return ok;
}

void test_guard_refuses_deposed_owner(void **state)
{
	struct store *s = cases_open();
	struct store_owner o;

	assert_int_equal(cases_put(s, 3, 1, "a", "x"), -ESTALE); /* never claimed */
	assert_true(cases_claim(s, 3, 5, 1));
	assert_int_equal(cases_put(s, 3, 5, "a", "x"), 0);
	assert_true(cases_claim(s, 3, 6, 2));
	assert_int_equal(cases_put(s, 3, 5, "a", "y"), -ESTALE);
	assert_false(cases_claim(s, 3, 5, 1));
	assert_false(cases_claim(s, 3, 6, 1)); /* one owner per epoch */
	assert_true(cases_claim(s, 3, 6, 2));  /* the same owner again */
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

void test_scan_pages_and_survives_reopen(void **state)
{
	struct store *s = cases_open();
	bool has[CASES_SLOTS];
	char key[16];
	unsigned int i, n = 0;

	assert_true(cases_claim(s, 7, 10, 1));
	assert_true(cases_claim(s, 8, 10, 1));
	assert_int_equal(cases_put(s, 8, 10, "other", "slot"), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%05u", i);
		assert_int_equal(cases_put(s, 7, 10, key, "v"), 0);
	}
	store_close(s);
	s = cases_open();
	assert_int_equal(store_scan(s, 7, count_rec, &n), 0);
	assert_int_equal(n, 1000);
	assert_int_equal(store_used_slots(s, has), 0);
	assert_true(has[7] && has[8]);
	assert_int_equal(cases_put(s, 8, 10, "other", NULL), 0);
	assert_int_equal(cases_put(s, 8, 10, "absent", NULL), 0);
	n = 0;
	assert_int_equal(store_scan(s, 8, count_rec, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_scan(s, 9, count_rec, &n), 0);
	assert_int_equal(n, 0);
	store_close(s);
}

void test_write_is_atomic(void **state)
{
	struct store *s = cases_open();
	_cleanup_arena_ struct arena a = { 0 };
	char big[STORE_KEY_MAX + 1];
	struct blob v;
	struct store_mut m[2] = { { BLOB("ok", 2), BLOB("1", 1) }, { BLOB(big, sizeof(big)), BLOB("2", 1) } };

	arena_init(&a, 0);
	memset(big, 'x', sizeof(big));
	assert_true(cases_claim(s, 9, 1, 1));
	assert_int_equal(store_write(s, 9, 1, m, 2), -EINVAL);
	assert_int_equal(store_get(s, 9, BLOB("ok", 2), &a, &v), -ENOENT);
	m[1].key.len = STORE_KEY_MAX;
	assert_int_equal(store_write(s, 9, 1, m, 2), 0);
	assert_int_equal(store_get(s, 9, BLOB(big, STORE_KEY_MAX), &a, &v), 0);
	assert_true(blob_equal(v, BLOB("2", 1)));
	store_close(s);
}

void test_resources(void **state)
{
	struct store *s = cases_open();
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

void test_counters(void **state)
{
	struct store *s = cases_open();
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

/* Writes for ever. */
static void writer(int fd)
{
	struct store *s = cases_open();
	char key[16];
	uint32_t i;

	for (i = 0;; i++) {
		snprintf(key, sizeof(key), "k%05u", i);
		if (cases_put(s, 20, 1, key, "v") < 0 || write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

#define RACES 20

struct racer {
	unsigned int won;
	uint64_t numbers[RACES];
};

/* Adds one to the resource's value, and takes a number, again and again. */
static void race(struct store *s, struct racer *r)
{
	unsigned int i;

	for (i = 0; i < RACES; i++)
		if (store_counter_next(s, "race", &r->numbers[i]) < 0)
			return;
	while (r->won < RACES) {
		_cleanup_arena_ struct arena a = { 0 };
		struct store_res res;
		char val[16] = "";
		int e;

		arena_init(&a, 0);
		if (store_res_get(s, "race", "sum", &a, &res) < 0)
			return;
		memcpy(val, res.val.data, res.val.len);
		snprintf(val, sizeof(val), "%d", atoi(val) + 1);
		e = store_res_put(s, "race", "sum", BLOB(val, strlen(val)), res.version, NULL);
		if (e == 0)
			r->won++;
		else if (e != -ESTALE)
			return;
	}
}

/* Races in a process of its own: says when it begins, then how it was. */
static void racer(int fd)
{
	struct store *s = cases_open();
	struct racer r = { 0 };

	if (write(fd, "", 1) != 1)
		_exit(1);
	race(s, &r);
	store_close(s);
	_exit(write(fd, &r, sizeof(r)) == sizeof(r) ? 0 : 1);
}

void cases_main(int argc, char **argv)
{
	if (argc != 4)
		return;
	snprintf(cases_url, sizeof(cases_url), "%s", argv[2]);
	if (strcmp(argv[1], "--writer") == 0)
		writer(atoi(argv[3]));
	if (strcmp(argv[1], "--racer") == 0)
		racer(atoi(argv[3]));
}

/* A program of its own: what a backend's threads hold does not survive a fork. */
static pid_t child(const char *what, int *ret_fd)
{
	char fd[16];
	int p[2];
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	snprintf(fd, sizeof(fd), "%d", p[1]);
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", what + 2, what, cases_url, fd, NULL);
		_exit(127);
	}
	close(p[1]);
	*ret_fd = p[0];
	return pid;
}

pid_t cases_writer(int *ret_fd)
{
	return child("--writer", ret_fd);
}

void test_kill9_loses_nothing_acknowledged(void **state)
{
	struct store *s = cases_open();
	unsigned int n = 0;
	uint32_t last = 0, v;
	pid_t pid;
	int fd;

	assert_true(cases_claim(s, 20, 1, 1));
	pid = cases_writer(&fd);
	while (last < 50 && read(fd, &last, sizeof(last)) == sizeof(last))
		;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(fd, &v, sizeof(v)) == sizeof(v))
		last = v;
	close(fd);
	assert_true(last >= 50);
	assert_int_equal(store_scan(s, 20, count_rec, &n), 0);
	assert_in_range(n, last + 1, last + 2);
	assert_int_equal(cases_put(s, 20, 1, "after", "v"), 0);
	store_close(s);
}

/* --- many writes of one slot at once --- */

#define MANY 400

struct many {
	struct store_write w;
	struct store_mut mut;
	char val[16];
	atomic_uint *left;
	int status;
};

static void many_done(struct store_write *w, int status)
{
	struct many *m = container_of(w, struct many, w);

	m->status = status;
	atomic_fetch_sub(m->left, 1);
}

static void submit_many(struct store *s, struct many *m, atomic_uint *left, uint64_t epoch)
{
	unsigned int i;

	atomic_store(left, MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(m[i].val, sizeof(m[i].val), "%u", i);
		m[i].left = left;
		/* One key is written, and every seventh time removed. */
		m[i].mut = (struct store_mut){ BLOB("k", 1), i % 7 == 6 ? BLOB(NULL, 0) : BLOB(m[i].val, strlen(m[i].val)) };
		m[i].w = (struct store_write){ .slot = 30, .epoch = epoch, .muts = &m[i].mut, .n_muts = 1,
					       .done = many_done };
		store_submit(s, &m[i].w);
	}
	while (atomic_load(left))
		usleep(1000);
}

void test_writes_keep_their_order(void **state)
{
	struct many *m = calloc(MANY, sizeof(*m));
	struct store *s = cases_open();
	_cleanup_arena_ struct arena a = { 0 };
	atomic_uint left;
	struct blob v;
	unsigned int i, last = (MANY - 1) % 7 == 6 ? MANY - 2 : MANY - 1;

	arena_init(&a, 0);
	assert_non_null(m);
	assert_true(cases_claim(s, 30, 7, 1));
	submit_many(s, m, &left, 7);
	for (i = 0; i < MANY; i++)
		assert_int_equal(m[i].status, 0);
	assert_int_equal(store_get(s, 30, BLOB("k", 1), &a, &v), 0);
	assert_true(blob_equal(v, BLOB(m[last].val, strlen(m[last].val))));
	/* All of a deposed owner's fail, and change nothing. */
	assert_true(cases_claim(s, 30, 8, 2));
	submit_many(s, m, &left, 7);
	for (i = 0; i < MANY; i++)
		assert_int_equal(m[i].status, -ESTALE);
	assert_int_equal(store_get(s, 30, BLOB("k", 1), &a, &v), 0);
	assert_true(blob_equal(v, BLOB(m[last].val, strlen(m[last].val))));
	store_close(s);
	free(m);
}

/* Two processes, since LMDB may be open once in each. */
void test_handles_race_for_resources(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct store *s = cases_open();
	struct racer r[2] = { 0 };
	struct store_res res;
	uint64_t before, after;
	unsigned int i, k, n = 0;
	int fd, status;
	char begun;
	pid_t pid;

	arena_init(&a, 0);
	assert_int_equal(store_res_put(s, "race", "sum", BLOB("0", 1), UINT64_MAX, NULL), 0);
	assert_int_equal(store_res_revision(s, &before), 0);
	pid = child("--racer", &fd);
	assert_int_equal(read(fd, &begun, 1), 1);
	race(s, &r[0]);
	assert_int_equal(read(fd, &r[1], sizeof(r[1])), sizeof(r[1]));
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(store_res_get(s, "race", "sum", &a, &res), 0);
	assert_true(blob_equal(res.val, BLOB("40", 2)));
	assert_int_equal(store_res_revision(s, &after), 0);
	assert_true(after == before + 2 * RACES);
	for (i = 0; i < RACES; i++)
		for (k = 0; k < RACES; k++)
			n += r[0].numbers[i] == r[1].numbers[k];
	assert_int_equal(n, 0);
	store_close(s);
}
