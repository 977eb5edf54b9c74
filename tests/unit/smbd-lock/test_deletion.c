/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A deletion that a persistent open leaves behind while others have the file open: it outlives
 * whoever knows of it, and ends when somebody takes it back. */
#include "tests/unit/test.h"

#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

static struct cluster *cl;
static struct file_key k;

static struct lockc *at(uint32_t node)
{
	return cl->nodes[node - 1].w[0];
}

/* The file's owner is node 1. */
static void begin(void)
{
	cl = cluster_new(3, 1, 64);
	cl->delay = 2 * MS;
	cl->view_delay = 10 * MS;
	mem_store_delay(cl->store, 3 * MS);
	k = key_owned_by(cl, 1, 0);
}

static void end(void)
{
	task_sleep(100 * MS);
	assert_int_equal(mem_store_count(cl->store), 0);
	cluster_free(cl);
}

static void dies(uint32_t node)
{
	cluster_crash(cl, node);
	for (uint32_t i = 0; i < cl->n; i++)
		cl->nodes[i].deaf = false;
	cluster_view(cl);
	cluster_settle(cl);
	task_sleep(100 * MS);
}

static unsigned int unlinks(void)
{
	return cl->nodes[0].unlinks + cl->nodes[1].unlinks + cl->nodes[2].unlinks;
}

static struct lk_open *ordinary(uint32_t node)
{
	const struct rec_open w = want(&k, ATTR | DEL, SH_ALL);

	return must_grant(at(node), &w);
}

static struct rec_open want_deleted(void)
{
	struct rec_open w = want_persistent(&k, RD | WR | DEL, SH_ALL);

	w.delete_on_close = true;
	return w;
}

static struct lk_open *to_be_deleted(uint32_t node)
{
	const struct rec_open w = want_deleted();

	return must_grant(at(node), &w);
}

static int can_open(uint32_t node)
{
	const struct rec_open w = want(&k, RD, SH_ALL);
	struct lk_open *o = NULL;
	int e = lockc_open(at(node), &w, 0, &o);

	if (e == LK_OK)
		assert_int_equal(lockc_close(at(node), o), LK_OK);
	return e;
}

static void closes_last(uint32_t node, struct lk_open *o)
{
	assert_int_equal(can_open(node), LK_DELETE_PENDING);
	assert_int_equal(lockc_close(at(node), o), LK_UNLINK);
	assert_int_equal(lockc_unlinked(at(node), o, true), 0);
	assert_int_equal(can_open(node), LK_OK);
}

/* Of two opens; and wrote so. */
static void owner_closed_it(void)
{
	struct lk_file_info info = { .opens = 2 };

	for (int i = 0; i < 5000 && info.opens == 2; i++) {
		task_sleep(MS);
		assert_int_equal(lockc_query(at(1), &k, &info), 0);
	}
	assert_int_equal(info.opens, 1);
	task_sleep(20 * MS);
}

struct job {
	uint32_t node;
	struct lk_open *o;
	int result;
	bool ended;
};

static void run_close(void *arg)
{
	struct job *j = arg;

	j->result = lockc_close(at(j->node), j->o);
	j->ended = true;
}

/* An open at j->node that wants the file deleted is closed, and only the owner has heard of it. The other open of the file, at
 * node 3. */
static struct lk_open *close_unheard(struct job *j)
{
	struct lk_open *b;

	j->o = to_be_deleted(j->node);
	b = ordinary(3);
	cl->nodes[2].deaf = true;
	spawn(run_close, j, NULL);
	owner_closed_it();
	assert_false(j->ended);
	return b;
}

/* Nobody but the owner has heard when it dies: the client is told by the next one. */
static void owner_dies_unheard(void)
{
	struct job j = { .node = 2 };
	struct lk_open *b;

	begin();
	b = close_unheard(&j);
	dies(1);
	for (int i = 0; i < 3000 && !j.ended; i++)
		task_sleep(MS);
	assert_true(j.ended);
	assert_int_equal(j.result, LK_OK);
	closes_last(3, b);
	end();
}

/* The same with the home of the open that was closed. */
static void home_dies_with_owner(void)
{
	struct job j = { .node = 1 };
	struct lk_open *b;

	begin();
	b = close_unheard(&j);
	dies(1);
	assert_int_equal(j.result, -ESHUTDOWN);
	closes_last(3, b);
	end();
}

/* Everybody was told, and nobody of them is left. */
static void all_who_know_die(void)
{
	struct lk_open *a, *b;

	begin();
	a = to_be_deleted(2);
	ordinary(1);
	assert_int_equal(lockc_close(at(2), a), LK_OK);
	assert_int_equal(can_open(3), LK_DELETE_PENDING);
	dies(1);
	assert_int_equal(unlinks(), 1);
	assert_int_equal(can_open(3), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 0);
	cluster_start(cl, 1);
	cluster_view(cl);
	cluster_settle(cl);
	/* the last one is about to delete it */
	k = key_owned_by(cl, 1, 0);
	a = to_be_deleted(2);
	b = ordinary(3);
	assert_int_equal(lockc_close(at(2), a), LK_OK);
	assert_int_equal(lockc_close(at(3), b), LK_UNLINK);
	cluster_crash(cl, 3);
	dies(1);
	assert_int_equal(unlinks(), 2);
	end();
}

/* The one who deletes it outlives the owner. */
static void owner_dies_before_the_end(void)
{
	struct lk_open *a, *b;

	begin();
	a = to_be_deleted(2);
	b = ordinary(3);
	assert_int_equal(lockc_close(at(2), a), LK_OK);
	assert_int_equal(lockc_close(at(3), b), LK_UNLINK);
	dies(1);
	assert_int_equal(can_open(2), LK_DELETE_PENDING);
	assert_int_equal(lockc_unlinked(at(3), b, true), 0);
	assert_int_equal(can_open(2), LK_OK);
	assert_int_equal(unlinks(), 0);
	end();
}

/* Nobody came back for it; neither its home nor the other one has heard when the owner dies. */
static void scavenged_unheard(void)
{
	struct rec_open w;
	struct lk_open *a, *b;

	begin();
	w = want_deleted();
	w.timeout_ms = 300;
	a = must_grant(at(2), &w);
	b = ordinary(3);
	assert_int_equal(lockc_disconnect(at(2), a), LK_OK);
	cl->nodes[1].deaf = cl->nodes[2].deaf = true;
	owner_closed_it();
	assert_int_equal(cl->nodes[1].gone, 0);
	dies(1);
	assert_int_equal(cl->nodes[1].gone, 1);
	assert_int_equal(unlinks(), 0);
	closes_last(3, b);
	end();
}

/* Somebody else takes it back, or it was the next one who made it last. */
static void taken_back(void)
{
	struct rec_open v;
	struct lk_open *a, *b;

	begin();
	a = to_be_deleted(2);
	b = ordinary(3);
	assert_int_equal(lockc_close(at(2), a), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 1);
	assert_int_equal(lockc_set_delete(at(3), b, false), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 0);
	assert_int_equal(can_open(2), LK_OK);
	dies(1);
	assert_int_equal(can_open(2), LK_OK);
	assert_int_equal(lockc_close(at(3), b), LK_OK);
	assert_int_equal(unlinks(), 0);
	/* asked for by one that stays: its record is the one that stays */
	k = key_owned_by(cl, 2, 0);
	v = want_persistent(&k, ATTR, SH_ALL);
	a = to_be_deleted(2);
	b = must_grant(at(3), &v);
	assert_int_equal(lockc_close(at(2), a), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 1);
	assert_int_equal(lockc_close(at(3), b), LK_UNLINK);
	assert_int_equal(mem_store_count(cl->store), 1);
	assert_int_equal(lockc_unlinked(at(3), b, true), 0);
	end();
}

/* What was closed is closed: for a reclaim, for a replay of its creation. */
static void is_closed(void)
{
	struct rec_open w, saved;
	struct lk_open *a, *b, *x = NULL;
	struct lk_reclaim q;

	begin();
	w = want_deleted();
	a = must_grant(at(2), &w);
	b = ordinary(3);
	assert_int_equal(rec_open_copy(&a->rec, &saved), 0);
	q = reclaim_of(&saved);
	assert_int_equal(lockc_close(at(2), a), LK_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lockc_reclaim(at(2), &q, &x), LK_NOT_FOUND);
		assert_int_equal(lockc_open(at(2), &w, LK_OPEN_REPLAY, &x), LK_DELETE_PENDING);
		if (i == 0)
			dies(1);
	}
	closes_last(3, b);
	rec_open_done(&saved);
	end();
}

static uint64_t store_writes(void)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < cl->n; i++) {
		struct lk_stats st;

		lockc_stats(at(i + 1), &st);
		n += st.store_writes;
	}
	return n;
}

/* Nobody else has it open: one write that it will be deleted, one that it is. */
static void alone_costs_no_more(void)
{
	struct lk_open *a;
	uint64_t before;

	begin();
	a = to_be_deleted(2);
	before = store_writes();
	assert_int_equal(lockc_close(at(2), a), LK_UNLINK);
	assert_int_equal(lockc_unlinked(at(2), a, true), 0);
	assert_int_equal(store_writes() - before, 2);
	end();
}

#define ON_LOOP(fn)                         \
	static void test_##fn(void **state) \
	{                                   \
		run_on_loop(fn);            \
	}
ON_LOOP(owner_dies_unheard)
ON_LOOP(home_dies_with_owner)
ON_LOOP(all_who_know_die)
ON_LOOP(owner_dies_before_the_end)
ON_LOOP(scavenged_unheard)
ON_LOOP(taken_back)
ON_LOOP(is_closed)
ON_LOOP(alone_costs_no_more)

#define RUN(fn) cmocka_unit_test(test_##fn)
int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(owner_dies_unheard), RUN(home_dies_with_owner),
		RUN(all_who_know_die),	 RUN(owner_dies_before_the_end),
		RUN(scavenged_unheard),	 RUN(taken_back),
		RUN(is_closed),		 RUN(alone_costs_no_more),
	};

	return cmocka_run_group_tests_name("lock deletion", tests, NULL, NULL);
}
