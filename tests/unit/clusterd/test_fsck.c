/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of the records: each thing that can be wrong is found and named, what is right is not; what is moved
 * aside is kept, never under the feet of an owner, and put back when nothing stands against it. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "clusterd/client/place.h"
#include "clusterd/fsck.h"
#include "clusterd/restore.h"
#include "statestore/aside.h"

#define SLOTS 64
#define NOW (1000ULL * 1000000000ULL)

static char dir[64];
static struct store *store;
static struct view *view;
static struct found {
	enum fsck_problem problem;
	uint32_t slot;
	char key[REC_KEY_TEXT_SIZE];
	bool live;
	uint64_t epoch;
} found[32];
static unsigned int n_found;

static int setup(void **state)
{
	const struct store_info info = { .slots = SLOTS, .cluster = "test" };
	char url[96], err[256] = "";

	snprintf(dir, sizeof(dir), "%s/hf-fsck-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(url, sizeof(url), "lmdb:%s", dir);
	if (store_open(url, &info, &store, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	view = view_new(1);
	view->epoch = 10;
	view->members[0] = (struct view_member){ .node_id = 1, .workers = 1, .incarnation = 0x11 };
	return 0;
}

static int teardown(void **state)
{
	char cmd[128];

	store_close(store);
	view_unref(view);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static void own(uint32_t slot, uint64_t epoch, uint32_t node, uint64_t incarnation)
{
	bool ok = false;

	assert_int_equal(store_claim(store, &slot, 1, epoch, node, incarnation, &ok), 0);
	assert_true(ok);
}

static void put(uint32_t slot, uint64_t epoch, struct blob key, struct blob val)
{
	struct store_mut m = { key, val };

	assert_int_equal(store_write(store, slot, epoch, &m, 1), 0);
}

/* A file whose slot is `slot`. */
static struct file_key file_in(uint32_t slot)
{
	struct file_key k = { .generation = 1 };

	do {
		k.inode++;
	} while (place_slot_of_file(&k, SLOTS) != slot);
	return k;
}

static struct rec_open sane(uint32_t slot, uint8_t n)
{
	struct rec_open r = {
		.id = (uint64_t)n << 16 | slot, .key = file_in(slot), .has_create_guid = true, .access = 1, .share = 7,
		.persistent = true, .durable_v2 = true, .home_node = 1, .home_incarnation = 0x11, .version = 1,
		.handle = { 1 }, .handle_len = 1,
	};

	r.client_guid.b[0] = 7;
	r.create_guid.b[0] = n;
	return r;
}

static void put_record(uint32_t slot, uint64_t epoch, const struct rec_open *r)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t key[REC_OPEN_KEY_SIZE];
	struct blob b;

	rec_open_key(r->id, key);
	assert_int_equal(rec_open_encode(r, 0, &a, &b), 0);
	put(slot, epoch, BLOB(key, sizeof(key)), b);
}

static int note(void *arg, const struct fsck_finding *x)
{
	struct found *f = &found[n_found++];

	assert_true(n_found < ARRAY_SIZE(found));
	assert_true(strlen(x->detail) > 5);
	*f = (struct found){ x->problem, x->slot, "", x->live, x->epoch };
	rec_key_text(x->key, f->key);
	return 0;
}

static struct fsck check(void)
{
	struct fsck f;

	n_found = 0;
	fsck_init(&f, view, NOW, note, NULL);
	for (uint32_t i = 0; i < SLOTS; i++)
		assert_int_equal(fsck_slot(&f, store, i), 0);
	fsck_done(&f);
	return f;
}

static void only(enum fsck_problem problem, uint32_t slot, const char *key)
{
	check();
	assert_int_equal(n_found, 1);
	assert_int_equal(found[0].problem, problem);
	assert_int_equal(found[0].slot, slot);
	assert_string_equal(found[0].key, key);
}

static void test_clean(void **state)
{
	struct rec_open r = sane(3, 1);
	struct fsck f;

	check();
	assert_int_equal(n_found, 0);
	own(3, 9, 1, 0x11);
	put_record(3, 9, &r);
	r = sane(3, 2);
	r.disconnected = true;
	r.home_incarnation = 0;
	r.deadline = NOW + 5; /* not yet */
	put_record(3, 9, &r);
	f = check();
	assert_int_equal(n_found, 0);
	assert_int_equal(f.records, 2);
}

static void test_orphan(void **state)
{
	struct rec_open r = sane(5, 1);

	own(5, 9, 1, 0x11);
	r.disconnected = true;
	r.deadline = NOW - 61ULL * 1000000000ULL;
	put_record(5, 9, &r);
	check();
	assert_int_equal(n_found, 0); /* its home lives */
	r.home_incarnation = 0x12;
	put_record(5, 9, &r);
	only(FSCK_ORPHAN, 5, "o0000000000010005");
	assert_true(found[0].live);
	r.deadline = NOW - 59ULL * 1000000000ULL;
	put_record(5, 9, &r);
	check();
	assert_int_equal(n_found, 0);
}

static void test_misplaced(void **state)
{
	struct rec_open r = sane(6, 1);

	own(7, 9, 2, 0x99);
	put_record(7, 9, &r);
	only(FSCK_WRONG_SLOT, 7, "o0000000000010006");
	assert_false(found[0].live);
	assert_int_equal(aside_move(store, 7, found[0].epoch, BLOB("o\0\0\0\0\0\1\0\6", 9)), 0);
	r = sane(7, 1);
	r.key = file_in(8);
	put_record(7, 9, &r);
	only(FSCK_WRONG_FILE, 7, "o0000000000010007");
}

static void test_duplicate(void **state)
{
	struct rec_open r = sane(1, 1);

	own(1, 9, 1, 0x11);
	own(2, 9, 1, 0x11);
	put_record(1, 9, &r);
	r = sane(2, 1);
	put_record(2, 9, &r);
	only(FSCK_DUPLICATE, 2, "o0000000000010002");
	r.create_guid.b[1] = 1;
	put_record(2, 9, &r);
	check();
	assert_int_equal(n_found, 0);
}

static void test_epoch(void **state)
{
	own(9, 10, 1, 0x11);
	check();
	assert_int_equal(n_found, 0);
	own(9, 11, 1, 0x11);
	only(FSCK_EPOCH, 9, "");
}

/* What cannot be read is named, and moved aside only under the epoch that was seen. */
static void test_unreadable(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	uint8_t key[REC_OPEN_KEY_SIZE], aside[REC_OPEN_KEY_SIZE + 1] = { REC_ASIDE_PREFIX };
	struct fsck f;
	struct blob v;

	rec_open_key(0x5000a, key);
	memcpy(aside + 1, key, sizeof(key));
	own(10, 5, 3, 0x33);
	put(10, 5, BLOB(key, sizeof(key)), BLOB("\xff\xff rubbish", 10));
	only(FSCK_DAMAGED, 10, "o000000000005000a");
	put(10, 5, BLOB(key, sizeof(key)), BLOB("\x08\x63", 2));
	only(FSCK_NEWER, 10, "o000000000005000a");
	assert_true(fsck_movable(FSCK_NEWER) && !fsck_movable(FSCK_ORPHAN) && !fsck_movable(FSCK_DUPLICATE));
	assert_int_equal(found[0].epoch, 5);
	own(10, 6, 1, 0x11); /* an owner comes in between */
	assert_int_equal(aside_move(store, 10, 5, BLOB(key, sizeof(key))), -ESTALE);
	only(FSCK_NEWER, 10, "o000000000005000a");
	assert_true(found[0].live);
	assert_int_equal(aside_move(store, 10, 6, BLOB(key, sizeof(key))), 0);
	f = check();
	assert_int_equal(n_found, 0);
	assert_int_equal(f.aside, 1);
	assert_int_equal(store_get(store, 10, BLOB(aside, sizeof(aside)), &a, &v), 0);
	assert_true(blob_equal(v, BLOB("\x08\x63", 2)));
	assert_int_equal(aside_move(store, 10, 6, BLOB(key, sizeof(key))), -ENOENT);
	put(10, 6, BLOB("zz", 2), BLOB("1", 1));
	only(FSCK_STRAY, 10, "z7a");
}

static enum restore_verdict restore(uint32_t slot, const char *key, size_t n)
{
	enum restore_verdict v;

	assert_int_equal(restore_record(store, view, slot, BLOB(key, n), NOW, &v), 0);
	assert_true(strlen(restore_verdict_text(v)) > 5);
	return v;
}

/* Moved aside, and put back when nothing stands against it; with the whole time-out for its client. */
static void test_restore(void **state)
{
	static const char key[] = "o\0\0\0\0\0\1\0\3", aside[] = "qo\0\0\0\0\0\1\0\3";
	_cleanup_arena_ struct arena a = { 0 };
	struct rec_open r = sane(3, 1), other = sane(3, 2);
	enum restore_verdict v;
	struct rec_open got;
	struct blob val;

	own(3, 9, 2, 0x99); /* of a run that is over */
	r.disconnected = true;
	r.timeout_ms = 2000;
	r.deadline = NOW - 5;
	put_record(3, 9, &r);
	assert_int_equal(restore_record(store, view, 3, BLOB(aside, 10), NOW, &v), -ENOENT);
	assert_int_equal(restore_record(store, view, 3, BLOB(key, 9), NOW, &v), -ENOENT);
	assert_int_equal(aside_move(store, 3, 9, BLOB(key, 9)), 0);
	put_record(3, 9, &r);
	assert_int_equal(restore(3, aside, 10), RESTORE_TAKEN);
	put(3, 9, BLOB(key, 9), BLOB(NULL, 0));
	other.key = r.key;
	put_record(3, 9, &other);
	assert_int_equal(restore(3, aside, 10), RESTORE_OPENED);
	put(3, 9, BLOB("o\0\0\0\0\0\2\0\3", 9), BLOB("?", 1));
	assert_int_equal(restore(3, aside, 10), RESTORE_UNCLEAR);
	put(3, 9, BLOB("o\0\0\0\0\0\2\0\3", 9), BLOB(NULL, 0));
	own(3, 10, 1, 0x11); /* alive */
	assert_int_equal(restore(3, aside, 10), RESTORE_SERVED);
	own(3, 11, 2, 0x99);
	assert_int_equal(restore(3, aside, 10), RESTORE_DONE);
	assert_int_equal(store_get(store, 3, BLOB(aside, 10), &a, &val), -ENOENT);
	assert_int_equal(store_get(store, 3, BLOB(key, 9), &a, &val), 0);
	assert_int_equal(rec_open_check(BLOB(key, 9), val, &got), 0);
	assert_true(got.deadline == NOW + 2000 * UINT64_C(1000000));
	rec_open_done(&got);
	put(3, 11, BLOB(key, 9), BLOB(NULL, 0));
	put(3, 11, BLOB(aside, 10), BLOB("?", 1));
	assert_int_equal(restore(3, aside, 10), RESTORE_DAMAGED);
	put(3, 11, BLOB(aside, 10), BLOB("\x08\x63", 2));
	assert_int_equal(restore(3, aside, 10), RESTORE_NEWER);
	put(3, 11, BLOB("qzz", 3), BLOB("?", 1));
	assert_int_equal(restore(3, "qzz", 3), RESTORE_STRAY);
	own(4, 9, 2, 0x99);
	put(4, 9, BLOB(aside, 10), BLOB(NULL, 0));
	put_record(4, 9, &r);
	assert_int_equal(aside_move(store, 4, 9, BLOB(key, 9)), 0);
	assert_int_equal(restore(4, aside, 10), RESTORE_MISPLACED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orphan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_misplaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_duplicate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_epoch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restore, setup, teardown),
	};

	return cmocka_run_group_tests_name("fsck", tests, NULL, NULL);
}
