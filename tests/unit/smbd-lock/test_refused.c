/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store that is full, and requests that are given up: a persistent open that its client was told
 * of is given back all the same, and one that it was not told of is not there. */
#include "tests/unit/test.h"

#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

static struct cluster *cl;
static struct file_key k;
static struct rec_open w, saved;
static struct lk_reclaim q;

static struct lockc *at(uint32_t node)
{
	return cl->nodes[node - 1].w[0];
}

/* The file's owner is node 1. */
static void begin(void)
{
	cl = cluster_new(3, 1, 64);
	cl->delay = 2 * MS;
	k = key_owned_by(cl, 1, 0);
	w = want_persistent(&k, RD | WR, SH_ALL);
	saved = (struct rec_open){ 0 };
}

static void end(void)
{
	rec_open_done(&saved);
	cluster_free(cl);
}

static struct lk_open *opened(uint32_t node)
{
	struct lk_open *o = must_grant(at(node), &w);

	assert_int_equal(rec_open_copy(&o->rec, &saved), 0);
	q = reclaim_of(&saved);
	return o;
}

static void full(bool on)
{
	mem_store_fail(cl->store, on ? -ENOSPC : 0);
}

static uint32_t n_opens(uint32_t asked)
{
	struct lk_file_info info;

	assert_int_equal(lockc_query(at(asked), &k, &info), 0);
	return info.opens;
}

static bool holds(uint32_t node)
{
	struct lk_open *o = lockc_find(at(node), saved.id);

	if (!o || lockc_io_begin(at(node), o, 0, 1, false) != LK_OK)
		return false;
	/* the owner has it there, too */
	return lockc_set_delete(at(node), o, false) == LK_OK && (lockc_io_end(at(node), o), true);
}

struct job {
	uint32_t node;
	struct lk_open *o;
	int result;
	bool ended, replay, still_asked;
};

static void run_reclaim(void *arg)
{
	struct job *j = arg;

	j->result = lockc_reclaim(at(j->node), &q, &j->o);
	j->still_asked = lockc_reclaims(at(j->node), q.id);
	j->ended = true;
}

static void run_open(void *arg)
{
	struct job *j = arg;

	j->result = lockc_open(at(j->node), &w, j->replay ? LK_OPEN_REPLAY : 0, &j->o);
	j->ended = true;
}

static void run_close(void *arg)
{
	struct job *j = arg;

	j->result = lockc_close(at(j->node), j->o);
	j->ended = true;
}

static void run_set_delete(void *arg)
{
	struct job *j = arg;

	j->result = lockc_set_delete(at(j->node), j->o, true);
	j->ended = true;
}

static void run_close_later(void *arg)
{
	task_sleep(100 * MS);
	run_close(arg);
}

static void wait_for(const struct job *j)
{
	for (int i = 0; i < 20000 && !j->ended; i++)
		task_sleep(MS);
	assert_true(j->ended);
}

/* A reclaim that the store refuses is taken back, and asked for again. */
static void reclaim_refused(void)
{
	struct lk_open *o;

	begin();
	o = opened(2);
	assert_int_equal(lockc_disconnect(at(2), o), LK_OK);
	full(true);
	for (int i = 0; i < 3; i++)
		assert_int_equal(lockc_reclaim(at(3), &q, &o), -ENOSPC);
	assert_int_equal(lockc_reclaim(at(2), &q, &o), -ENOSPC);
	full(false);
	assert_int_equal(lockc_reclaim(at(2), &q, &o), LK_OK);
	assert_true(holds(2));
	/* without anybody who comes, its time passes */
	assert_int_equal(lockc_close(at(2), o), LK_OK);
	w.create_guid.b[0]++;
	w.timeout_ms = 600;
	rec_open_done(&saved);
	o = opened(2);
	assert_int_equal(lockc_disconnect(at(2), o), LK_OK);
	full(true);
	assert_int_equal(lockc_reclaim(at(3), &q, &o), -ENOSPC);
	full(false);
	for (int i = 0; i < 5000 && n_opens(3) > 0; i++)
		task_sleep(MS);
	assert_int_equal(n_opens(3), 0);
	task_sleep(50 * MS);
	assert_int_equal(mem_store_count(cl->store), 0);
	end();
}

/* The write that takes the deadline out of the record fails: the next reclaim, which would need
 * none, has it written. */
static void deadline_is_taken_out(void)
{
	struct lk_open *o;

	begin();
	w.timeout_ms = 900;
	o = opened(2);
	assert_int_equal(lockc_disconnect(at(2), o), LK_OK);
	full(true);
	assert_int_equal(lockc_reclaim(at(2), &q, &o), -ENOSPC);
	full(false);
	assert_int_equal(lockc_reclaim(at(2), &q, &o), LK_OK);
	cluster_crash(cl, 1);
	cluster_crash(cl, 2);
	task_sleep(1000 * MS);
	cluster_view(cl);
	assert_int_equal(lockc_reclaim(at(3), &q, &o), LK_OK);
	assert_true(holds(3));
	end();
}

/* A replay that comes before the write of what it replays has failed. */
static void grant_refused(void)
{
	struct job a = { .node = 2 }, b = { .node = 2, .replay = true };

	begin();
	mem_store_delay(cl->store, 2000 * MS);
	full(true);
	spawn(run_open, &a, NULL);
	task_sleep(10 * MS);
	spawn(run_open, &b, NULL);
	wait_for(&a);
	wait_for(&b);
	assert_int_equal(a.result, -ENOSPC);
	assert_int_equal(b.result, -ENOSPC);
	assert_int_equal(n_opens(3), 0);
	mem_store_delay(cl->store, 0);
	full(false);
	task_sleep(700 * MS);
	assert_int_equal(mem_store_count(cl->store), 0);
	end();
}

/* Its client is away, whether that can be written or not. */
static void disconnect_refused(void)
{
	struct lk_open *o;

	begin();
	o = opened(2);
	full(true);
	assert_int_equal(lockc_disconnect(at(2), o), LK_OK);
	assert_true(o->rec.disconnected);
	full(false);
	cluster_crash(cl, 1);
	cluster_view(cl);
	assert_int_equal(lockc_reclaim(at(3), &q, &o), LK_OK);
	assert_true(holds(3));
	end();
}

/* Who is told that it is closed does not meet it again, whoever dies. */
static void close_refused(void)
{
	for (int dies = 0; dies < 2; dies++) {
		struct job j = { .node = 2 };

		begin();
		j.o = opened(2);
		full(true);
		spawn(run_close, &j, NULL);
		task_sleep(300 * MS);
		assert_false(j.ended);
		assert_int_equal(n_opens(3), 0);
		if (dies) {
			cluster_crash(cl, 1);
			cluster_view(cl);
		}
		full(false);
		wait_for(&j);
		assert_int_equal(j.result, LK_OK);
		assert_int_equal(mem_store_count(cl->store), 0);
		assert_int_equal(n_opens(3), 0);
		end();
	}
}

/* The last one of a file to be deleted: it is deleted. */
static void deletion_refused(void)
{
	struct lk_open *o, *x = NULL;
	struct rec_open other;

	begin();
	other = want(&k, RD, SH_ALL);
	w.delete_on_close = true;
	o = opened(2);
	full(true);
	assert_int_equal(lockc_close(at(2), o), LK_UNLINK);
	assert_int_equal(lockc_open(at(3), &other, 0, &x), LK_DELETE_PENDING);
	assert_int_equal(lockc_unlinked(at(2), o, true), -ENOSPC);
	full(false);
	task_sleep(700 * MS);
	assert_int_equal(n_opens(3), 0);
	assert_int_equal(mem_store_count(cl->store), 0);
	end();
}

/* Another one's ordinary open of the file; with it answers wait for its home to hear of the change. */
static struct lk_open *beside(bool delete_on_close)
{
	struct rec_open other = want(&k, RD, SH_ALL);

	other.delete_on_close = delete_on_close;
	return must_grant(at(3), &other);
}

enum others { NOBODY, TWICE, ONE_OPEN, BOTH_ASK };

/* A deletion that its client was told has failed does not happen. */
static void request_for_deletion_refused(void)
{
	for (enum others others = NOBODY; others <= BOTH_ASK; others++) {
		struct job a = { .node = 2 }, b = { .node = 3, .result = -ENOSPC };

		begin();
		a.o = opened(2);
		b.o = others >= ONE_OPEN ? beside(false) : NULL;
		b.ended = others != BOTH_ASK && others != TWICE;
		mem_store_delay(cl->store, 300 * MS);
		full(true);
		spawn(run_set_delete, &a, NULL);
		task_sleep(6 * MS); /* who asks then finds it asked for already */
		if (others == TWICE)
			b = (struct job){ .node = 2, .o = a.o };
		if (!b.ended)
			spawn(run_set_delete, &b, NULL);
		wait_for(&a);
		wait_for(&b);
		assert_int_equal(a.result, -ENOSPC);
		assert_int_equal(b.result, -ENOSPC);
		mem_store_delay(cl->store, 0);
		full(false);
		task_sleep(700 * MS);
		assert_int_equal(lockc_close(at(3), beside(false)), LK_OK); /* nobody is kept away */
		assert_false(a.o->rec.delete_pending);
		if (others >= ONE_OPEN)
			assert_int_equal(lockc_close(at(3), b.o), LK_OK);
		assert_int_equal(lockc_close(at(2), a.o), LK_OK); /* and not LK_UNLINK */
		assert_int_equal(mem_store_count(cl->store), 0);
		end();
	}
}

/* Meanwhile another one closes, who had it deleted with that. */
static void deletion_has_two_reasons(void)
{
	struct job a = { .node = 2 }, b = { .node = 3 };

	begin();
	a.o = opened(2);
	b.o = beside(true);
	mem_store_delay(cl->store, 300 * MS);
	full(true);
	spawn(run_set_delete, &a, NULL);
	task_sleep(6 * MS);
	spawn(run_close, &b, NULL);
	wait_for(&a);
	assert_int_equal(a.result, -ENOSPC);
	full(false);
	wait_for(&b);
	assert_int_equal(b.result, LK_OK);
	assert_int_equal(lockc_close(at(2), a.o), LK_UNLINK);
	assert_int_equal(lockc_unlinked(at(2), a.o, true), LK_OK);
	end();
}

/* Every record and home of the file has the old name. */
static void name_refused(void)
{
	struct lk_open *o, *x;

	for (int others = 0; others < 2; others++) {
		begin();
		o = opened(2);
		x = others ? beside(false) : NULL;
		full(true);
		assert_int_equal(lockc_rename(at(2), o, "dir/new"), -ENOSPC);
		full(false);
		task_sleep(700 * MS);
		assert_string_equal(o->rec.path, saved.path);
		if (x)
			assert_string_equal(x->rec.path, saved.path);
		cluster_crash(cl, 1);
		cluster_crash(cl, 2);
		cluster_view(cl);
		assert_int_equal(lockc_reclaim(at(3), &q, &o), LK_OK);
		assert_string_equal(o->rec.path, saved.path);
		assert_int_equal(lockc_rename(at(3), o, "dir/new"), LK_OK);
		assert_string_equal(o->rec.path, "dir/new");
		end();
	}
}

/* The owner and home of the open dies, and who takes the slot over finds the store full. */
static void next_owner_cannot_write(void)
{
	opened(1);
	cluster_crash(cl, 1);
	full(true);
	cluster_view(cl);
}

/* A request that was given up while its slot changed hands, and the next one, meet the new owner
 * together. */
static void given_up(bool replay)
{
	struct job first = { .node = 3, .replay = replay }, next = { .node = 3, .result = -ETIME };

	cluster_owner_wait_ms = 1000;
	begin();
	next_owner_cannot_write();
	spawn(replay ? run_open : run_reclaim, &first, NULL);
	wait_for(&first);
	assert_int_equal(first.result, -ETIME);
	for (int i = 0; i < 20 && next.result == -ETIME; i++) {
		next.ended = false;
		spawn(run_reclaim, &next, NULL);
		task_sleep(20 * MS);
		full(false);
		wait_for(&next);
	}
	assert_int_equal(next.result, LK_OK);
	task_sleep(100 * MS);
	assert_true(holds(3));
	end();
	cluster_owner_wait_ms = 0;
}

static void reclaim_given_up(void)
{
	given_up(false);
}

static void replay_given_up(void)
{
	given_up(true);
}

/* The same, and nobody asks before the grant is refused: it is there for later. */
static void replay_is_kept(void)
{
	struct job j = { .node = 3, .replay = true };
	struct lk_open *o;

	cluster_owner_wait_ms = 1000;
	begin();
	next_owner_cannot_write();
	spawn(run_open, &j, NULL);
	wait_for(&j);
	assert_int_equal(j.result, -ETIME);
	full(false);
	cluster_settle(cl);
	task_sleep(200 * MS);
	assert_null(lockc_find(at(3), saved.id));
	assert_int_equal(lockc_reclaim(at(3), &q, &o), LK_OK);
	assert_true(holds(3));
	end();
	cluster_owner_wait_ms = 0;
}

/* An open that the former owner granted and its home never heard of: it is there, and told once
 * that can be written. */
static void grant_unheard(void)
{
	struct job j = { .node = 2 };

	begin();
	cl->nodes[1].deaf = true;
	spawn(run_open, &j, NULL);
	task_sleep(100 * MS);
	assert_int_equal(mem_store_count(cl->store), 1);
	cluster_crash(cl, 1);
	cl->nodes[1].deaf = false;
	mem_store_refuse(cl->store, -ENOSPC);
	cluster_view(cl);
	cluster_settle(cl);
	task_sleep(200 * MS);
	assert_false(j.ended);
	mem_store_refuse(cl->store, 0);
	wait_for(&j);
	assert_int_equal(j.result, LK_OK);
	assert_int_equal(n_opens(3), 1);
	assert_int_equal(lockc_close(at(2), j.o), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 0);
	end();
}

/* Who waited for another one's close, whose record cannot be written: what he is refused he does
 * not hold. */
static void told_together(void)
{
	struct job j = { .node = 2 };
	struct rec_open other;
	struct lk_open *b;
	const struct lk_range r = { .length = 10, .exclusive = true };

	begin();
	j.o = opened(2);
	other = want(&k, RD | WR, SH_ALL);
	b = must_grant(at(3), &other);
	assert_int_equal(lockc_lock(at(2), j.o, &r, 1, (struct lk_seq){ 0 }, false, NULL, NULL),
			 LK_OK);
	mem_store_refuse(cl->store, -ENOSPC);
	spawn(run_close_later, &j, NULL);
	/* waits for the lock, which the close sets free */
	assert_int_equal(lockc_lock(at(3), b, &r, 1, (struct lk_seq){ 0 }, true, NULL, NULL),
			 -ENOSPC);
	mem_store_refuse(cl->store, 0);
	wait_for(&j);
	other = want(&k, RD | WR, SH_ALL);
	j.o = must_grant(at(2), &other);
	assert_int_equal(lockc_lock(at(2), j.o, &r, 1, (struct lk_seq){ 0 }, false, NULL, NULL),
			 LK_OK);
	assert_int_equal(lockc_close(at(2), j.o), LK_OK);
	assert_int_equal(lockc_close(at(3), b), LK_OK);
	end();
}

/* The first of two gets it, and its answer is lost: the other one hears that somebody waits for it
 * here. */
static void answer_lost(void)
{
	struct job first = { .node = 2 }, next = { .node = 2 };
	struct lk_open *o;

	begin();
	o = opened(3);
	assert_int_equal(lockc_disconnect(at(3), o), LK_OK);
	cl->nodes[1].deaf = true;
	spawn(run_reclaim, &first, NULL);
	task_sleep(100 * MS);
	cl->nodes[1].deaf = false;
	spawn(run_reclaim, &next, NULL);
	wait_for(&next);
	assert_true(next.result == LK_OK || (next.result == LK_NOT_FOUND && next.still_asked) ||
		    first.ended);
	wait_for(&first);
	assert_int_equal(first.result, LK_OK);
	assert_true(holds(2));
	end();
}

#define ON_LOOP(fn)                         \
	static void test_##fn(void **state) \
	{                                   \
		run_on_loop(fn);            \
	}
ON_LOOP(reclaim_refused)
ON_LOOP(deadline_is_taken_out)
ON_LOOP(grant_refused)
ON_LOOP(disconnect_refused)
ON_LOOP(close_refused)
ON_LOOP(deletion_refused)
ON_LOOP(request_for_deletion_refused)
ON_LOOP(deletion_has_two_reasons)
ON_LOOP(name_refused)
ON_LOOP(reclaim_given_up)
ON_LOOP(replay_given_up)
ON_LOOP(replay_is_kept)
ON_LOOP(answer_lost)
ON_LOOP(grant_unheard)
ON_LOOP(told_together)

#define RUN(fn) cmocka_unit_test(test_##fn)
int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(reclaim_refused),	 RUN(deadline_is_taken_out), RUN(grant_refused),
		RUN(disconnect_refused), RUN(close_refused),	     RUN(deletion_refused),
		RUN(request_for_deletion_refused), RUN(deletion_has_two_reasons), RUN(name_refused),
		RUN(reclaim_given_up),	 RUN(replay_given_up),	     RUN(replay_is_kept),
		RUN(answer_lost),	 RUN(grant_unheard),	     RUN(told_together),
	};

	return cmocka_run_group_tests_name("lock refused", tests, NULL, NULL);
}
