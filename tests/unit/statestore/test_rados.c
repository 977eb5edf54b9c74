/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state store on RADOS, against a running Ceph (tests/cluster/store-rados.sh).
 *
 * usage: test_rados URL            the cases, in an empty namespace
 *        test_rados open URL [make]  opens the store; prints "open", or the sentence for the operator
 *        test_rados load URL SECONDS, test_rados bench URL    see rados_load.h
 */
#include "tests/unit/statestore/cases.h"

#include <stdio.h>
#include <rados/librados.h>

#include "statestore/rstore_priv.h"
#include "tests/unit/statestore/rados_load.h"

/* 1024 claims are not 1024 round trips one after the other: two handles that race share the slots or one has all. */
static void test_claims_race(void **state)
{
	struct store *a = cases_open(), *b = cases_open();
	bool ok_a[CASES_SLOTS], ok_b[CASES_SLOTS];
	uint32_t slots[CASES_SLOTS], i;

	for (i = 0; i < CASES_SLOTS; i++)
		slots[i] = i;
	assert_int_equal(store_claim(a, slots, CASES_SLOTS, 1000, 1, 11, ok_a), 0);
	assert_int_equal(store_claim(b, slots, CASES_SLOTS, 1000, 2, 22, ok_b), 0);
	for (i = 0; i < CASES_SLOTS; i++)
		assert_true(ok_a[i] && !ok_b[i]);
	assert_int_equal(store_claim(b, slots, CASES_SLOTS, 1001, 2, 22, ok_b), 0);
	for (i = 0; i < CASES_SLOTS; i++)
		assert_true(ok_b[i]);
	assert_int_equal(cases_put(a, 5, 1000, "k", "v"), -ESTALE);
	store_close(a);
	store_close(b);
}

static int count(void *arg, struct blob key, struct blob val)
{
	(*(unsigned int *)arg)++;
	return 0;
}

/* Keys may hold any byte, also where a page ends. */
static void test_binary_keys_in_pages(void **state)
{
	struct store *s = cases_open();
	struct store_mut m[16];
	uint8_t keys[16][4];
	unsigned int i, k, n = 0;

	assert_true(cases_claim(s, 50, 2000, 1));
	for (i = 0; i < 64; i++) {
		for (k = 0; k < 16; k++) {
			keys[k][0] = (uint8_t)i;
			keys[k][1] = 0;
			keys[k][2] = 0xff;
			keys[k][3] = (uint8_t)k;
			m[k] = (struct store_mut){ BLOB(keys[k], 4), BLOB("", 0) };
		}
		assert_int_equal(store_write(s, 50, 2000, m, 16), 0);
	}
	assert_int_equal(store_scan(s, 50, count, &n), 0);
	assert_int_equal(n, 1024);
	store_close(s);
}

/* Long lists come in pages, and of one moment. */
static void test_long_lists(void **state)
{
	struct store *s = cases_open();
	_cleanup_arena_ struct arena a = { 0 };
	struct store_res *list;
	char name[16];
	unsigned int i;
	size_t n;

	arena_init(&a, 0);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "r%03u", i);
		assert_int_equal(store_res_put(s, "many", name, BLOB(name, 4), 0, NULL), 0);
	}
	assert_int_equal(store_res_list(s, "many", &a, &list, &n), 0);
	assert_int_equal(n, 300);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "r%03u", i);
		assert_string_equal(list[i].name, name);
		assert_true(blob_equal(list[i].val, BLOB(name, 4)));
	}
	store_close(s);
}

/* A run that was fenced can neither write nor claim, and its next run can, at once. */
static void test_fence(void **state)
{
	struct store *dead = cases_open(), *alive = cases_open(), *again;
	struct store_owner o;
	uint32_t slot = 33;
	uint64_t v;
	bool ok;

	assert_int_equal(store_enroll(dead, 7, 70, NULL), 0);
	assert_int_equal(store_enroll(alive, 8, 80, NULL), 0);
	assert_true(cases_claim(dead, 33, 3000, 7));
	assert_int_equal(cases_put(dead, 33, 3000, "k", "v"), 0);
	assert_int_equal(store_fence(alive, 7, 71), 0); /* another run of the node: nothing to fence */
	assert_int_equal(cases_put(dead, 33, 3000, "k", "w"), 0);
	assert_int_equal(store_fence(alive, 7, 70), 0);
	assert_true(cases_claim(alive, 33, 3001, 8));
	assert_int_equal(cases_put(dead, 33, 3000, "k", "x"), -ESHUTDOWN);
	assert_int_equal(store_claim(dead, &slot, 1, 3002, 7, 700, &ok), -ESHUTDOWN);
	assert_int_equal(store_counter_next(dead, "c", &v), -ESHUTDOWN);
	assert_int_equal(store_fence(alive, 7, 70), 0); /* once more does nothing */
	again = cases_open();
	assert_int_equal(store_enroll(again, 7, 72, NULL), 0);
	assert_true(cases_claim(again, 34, 3002, 7));
	assert_int_equal(cases_put(again, 34, 3002, "k", "v"), 0);
	assert_int_equal(cases_put(alive, 33, 3001, "k", "v"), 0);
	assert_int_equal(store_slot_owner(alive, 33, &o), 0);
	assert_true(o.epoch == 3001 && o.node == 8);
	assert_int_equal(store_fence(alive, 7, STORE_ALL_RUNS), 0);
	assert_true(cases_claim(alive, 34, 3003, 8));
	assert_int_equal(cases_put(again, 34, 3002, "k", "x"), -ESHUTDOWN);
	store_close(dead);
	store_close(alive);
	store_close(again);
}

/* What another program put there, or a newer release, is not touched. */
static void info_is(const char *bytes, size_t n, int want, const char *sentence)
{
	const struct store_info info = { .slots = CASES_SLOTS, .cluster = "test" };
	struct store *s = cases_open(), *none = NULL;
	struct rstore *rs = RSTORE_OF(s);
	char old[256], err[512] = "";
	int len = rados_read(rs->io, RSTORE_INFO, old, sizeof(old), 0);

	assert_true(len > 0);
	assert_int_equal(rados_write_full(rs->io, RSTORE_INFO, bytes, n), 0);
	assert_int_equal(store_open(cases_url, &info, &none, err, sizeof(err)), want);
	assert_non_null(strstr(err, sentence));
	assert_int_equal(rados_write_full(rs->io, RSTORE_INFO, old, (size_t)len), 0);
	store_close(s);
	s = cases_open();
	store_close(s);
}

static void test_foreign_and_newer(void **state)
{
	info_is("something else", 14, -EMEDIUMTYPE, "not a Holdfast state store");
	info_is("HOLDFAST\x63\0\0\0\x40\0\0\0", 16, -EPROTONOSUPPORT, "newer release");
	info_is("HOLDFAST\x01\0\0\0\x40\0\0\0", 16, -EUCLEAN, "damaged");
}

static int open_only(const char *url, bool make)
{
	const struct store_info info = { .slots = 1024, .cluster = "test" };
	char err[512] = "";
	struct store *s;
	int r = store_open(url, make ? &info : NULL, &s, err, sizeof(err));

	puts(r < 0 ? err : "open");
	if (r == 0)
		store_close(s);
	return r < 0;
}

static int with_store(const char *url, unsigned int seconds)
{
	const struct store_info info = { .slots = 1024, .cluster = "test" };
	char err[512] = "";
	struct store *s;
	int r = store_open(url, &info, &s, err, sizeof(err));

	if (r < 0) {
		puts(err);
		return 1;
	}
	r = seconds ? rados_load(s, seconds) : rados_bench(s);
	store_close(s);
	return r < 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORE_CASES,
		cmocka_unit_test(test_claims_race),
		cmocka_unit_test(test_binary_keys_in_pages),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_fence),
		cmocka_unit_test(test_foreign_and_newer),
	};

	cases_main(argc, argv);
	if (argc >= 3 && strcmp(argv[1], "open") == 0)
		return open_only(argv[2], argc > 3);
	if (argc == 4 && strcmp(argv[1], "load") == 0)
		return with_store(argv[2], (unsigned int)atoi(argv[3]));
	if (argc == 3 && strcmp(argv[1], "bench") == 0)
		return with_store(argv[2], 0);
	if (argc != 2) {
		fprintf(stderr, "usage: test_rados URL\n");
		return 2;
	}
	snprintf(cases_url, sizeof(cases_url), "%s", argv[1]);
	return cmocka_run_group_tests_name("rados", tests, NULL, NULL);
}
