/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client that comes back to several nodes at once, or to and fro: one home has its open in the end. */
#include "tests/unit/test.h"

#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"

struct comeback {
	struct lockc *c;
	const struct lk_reclaim *q;
	struct lk_open *o;
	int result;
	bool ended;
};

static void come_back(void *arg)
{
	struct comeback *b = arg;

	b->result = lockc_reclaim(b->c, b->q, &b->o);
	b->ended = true;
}

/* A grant of the owner that still holds: it answers for an I/O of the open. */
static bool holds(struct lockc *c, uint64_t id)
{
	struct lk_open *o = lockc_find(c, id);

	if (!o || lockc_io_begin(c, o, 0, 1, true) != LK_OK)
		return false;
	lockc_io_end(c, o);
	return true;
}

/* Elsewhere, then at the old home again before that one has let go of the open. */
static void there_and_back(void)
{
	struct cluster *cl = cluster_new(3, 1, 64);
	struct lockc *old = cl->nodes[0].w[0], *next = cl->nodes[1].w[0], *third = cl->nodes[2].w[0];
	struct comeback b[2] = { { .c = next }, { .c = old } };
	struct file_key key = key_owned_by(cl, 3, 0);
	const struct lk_range far = { .offset = 500, .length = 1, .exclusive = true };
	struct rec_open w = want_persistent(&key, RD | WR, SH_ALL), other = want(&key, RD | WR, SH_ALL);
	struct rec_open saved;
	struct lk_open *a, *o;
	struct lk_reclaim q;

	cl->delay = 20 * MS;
	assert_int_equal(lockc_open(old, &w, false, &a), LK_OK);
	assert_int_equal(rec_open_copy(&a->rec, &saved), 0);
	assert_int_equal(lockc_open(third, &other, false, &o), LK_OK);
	assert_int_equal(lockc_lock(third, o, &far, 1, (struct lk_seq){ 0 }, false, NULL, NULL), LK_OK); /* I/O asks */
	assert_int_equal(lockc_disconnect(old, a), LK_OK);
	q = reclaim_of(&saved);
	b[0].q = b[1].q = &q;
	for (unsigned int round = 0; round < 20; round++) {
		bool at_old;

		b[0].ended = b[1].ended = false;
		spawn(come_back, &b[0], NULL);
		task_sleep(cluster_random(cl) % (20 * MS));
		spawn(come_back, &b[1], NULL);
		for (int i = 0; i < 3000 && !(b[0].ended && b[1].ended); i++)
			task_sleep(MS);
		assert_true(b[0].ended && b[1].ended);
		task_sleep(50 * MS);
		at_old = holds(old, saved.id);
		assert_true(at_old != holds(next, saved.id));
		/* What a home has, the owner knows of it. */
		assert_true((lockc_find(old, saved.id) != NULL) == at_old);
		a = lockc_find(at_old ? old : next, saved.id);
		assert_int_equal(lockc_disconnect(at_old ? old : next, a), LK_OK);
	}
	rec_open_done(&saved);
	cluster_free(cl);
}

/* A request that its client has left behind takes nothing away from the home to which the client went. */
static void left_behind(void)
{
	struct cluster *cl = cluster_new(3, 1, 64);
	struct lockc *here = cl->nodes[0].w[0], *left = cl->nodes[1].w[0];
	struct file_key key = key_owned_by(cl, 3, 0);
	struct rec_open w = want_persistent(&key, RD | WR, SH_ALL), saved;
	struct lk_open *a, *x = NULL;
	struct cnode *n = &cl->nodes[1];
	struct lk_reclaim q;

	assert_int_equal(lockc_open(here, &w, false, &a), LK_OK);
	assert_int_equal(rec_open_copy(&a->rec, &saved), 0);
	q = reclaim_of(&saved);
	n->left = true;
	assert_int_equal(lockc_reclaim(left, &q, &x), -ECANCELED);
	assert_int_equal(lockc_open(left, &w, true, &x), -ECANCELED);
	assert_int_equal(n->asked, 2);
	assert_true(holds(here, saved.id));
	/* nobody else has it: nobody is asked */
	assert_int_equal(lockc_disconnect(here, a), LK_OK);
	assert_int_equal(lockc_reclaim(left, &q, &x), LK_OK);
	assert_int_equal(n->asked, 2);
	assert_true(holds(left, saved.id));
	rec_open_done(&saved);
	cluster_free(cl);
}

static void test_left_behind(void **state)
{
	run_on_loop(left_behind);
}

static void test_there_and_back(void **state)
{
	run_on_loop(there_and_back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_left_behind),
	};

	return cmocka_run_group_tests_name("lock comeback", tests, NULL, NULL);
}
