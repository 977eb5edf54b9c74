/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Slots change hands: owners die, homes die, both die, all die, nodes come back (doc/state.md). */
#include "tests/unit/test.h"

#include "node/base/clock.h"
#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

static struct cluster *cl;
static const struct lk_seq no_seq;
static struct lockc *at(uint32_t node)
{
	return cl->nodes[node - 1].w[1];
}

static void begin(void)
{
	cl = cluster_new(3, 2, 64);
	cl->delay = 2 * MS;
	cl->view_delay = 20 * MS;
	mem_store_delay(cl->store, 3 * MS);
}

static void end(void)
{
	for (uint32_t i = 0; i < cl->n; i++)
		assert_int_equal(cl->nodes[i].lost, 0);
	cluster_free(cl);
}

static int try_open(uint32_t node, const struct file_key *k, uint32_t access, uint32_t share,
		    struct lk_open **ret)
{
	struct rec_open w = want(k, access, share);

	return lockc_open(at(node), &w, 0, ret);
}

static struct lk_open *must_open(uint32_t node, const struct file_key *k, uint32_t access,
				 uint32_t share)
{
	struct lk_open *o = NULL;

	assert_int_equal(try_open(node, k, access, share, &o), LK_OK);
	return o;
}

static struct lk_open *persistent(uint32_t node, const struct file_key *k,
				  struct rec_open *ret_saved)
{
	struct rec_open w = want_persistent(k, RD | WR, SH_ALL);
	struct lk_open *o = NULL;

	assert_int_equal(lockc_open(at(node), &w, 0, &o), LK_OK);
	assert_int_equal(rec_open_copy(&o->rec, ret_saved), 0);
	return o;
}

static int lock(uint32_t node, struct lk_open *o, uint64_t off, uint64_t len)
{
	struct lk_range r = { .offset = off, .length = len, .exclusive = true };

	return lockc_lock(at(node), o, &r, 1, no_seq, false, NULL, NULL);
}

static int unlock(uint32_t node, struct lk_open *o, uint64_t off, uint64_t len)
{
	struct lk_range r = { .offset = off, .length = len };

	return lockc_unlock(at(node), o, &r, 1, no_seq);
}

static void restart(uint32_t node)
{
	cluster_crash(cl, node);
	cluster_view(cl);
	cluster_start(cl, node);
	cluster_view(cl);
	cluster_settle(cl);
}

/* The owner dies: survivors keep their opens and locks, with no record of them anywhere. */
static void owner_dies(void)
{
	struct file_key k;
	struct lk_open *a, *b, *x = NULL;

	begin();
	k = key_owned_by(cl, 1, 0);
	a = must_open(2, &k, RD | WR, SH_ALL);
	b = must_open(3, &k, RD | WR, SH_ALL);
	assert_int_equal(lock(2, a, 0, 10), LK_OK);
	cluster_crash(cl, 1);
	cluster_view(cl);
	assert_int_equal(lock(3, b, 5, 10), LK_LOCK_NOT_GRANTED);
	assert_int_equal(lock(3, b, 10, 10), LK_OK);
	assert_int_equal(lockc_io_begin(at(3), b, 0, 1, true), LK_LOCK_CONFLICT);
	assert_int_equal(try_open(3, &k, RD, SH_NONE, &x), LK_SHARING_VIOLATION);
	assert_int_equal(unlock(2, a, 0, 10), LK_OK);
	assert_int_equal(lockc_close(at(2), a), 0);
	assert_int_equal(lockc_close(at(3), b), 0);
	x = must_open(3, &k, RD, SH_NONE);
	/* and it comes back */
	cluster_start(cl, 1);
	cluster_view(cl);
	assert_int_equal(try_open(1, &k, RD, SH_ALL, &a), LK_SHARING_VIOLATION);
	assert_int_equal(lockc_close(at(3), x), 0);
	a = must_open(1, &k, RD, SH_NONE);
	assert_int_equal(lockc_close(at(1), a), 0);
	end();
}

/* A home dies: its ordinary opens are over, its persistent ones wait to be reclaimed, with their
 * locks. */
static void home_dies(void)
{
	struct file_key k, k2;
	struct rec_open saved;
	struct lk_reclaim q;
	struct lk_open *p, *b, *x = NULL;

	begin();
	k = key_owned_by(cl, 1, 0);
	k2 = key_owned_by(cl, 1, 1);
	must_open(2, &k2, RD | WR, SH_NONE);
	p = persistent(2, &k, &saved);
	assert_int_equal(lock(2, p, 0, 10), LK_OK);
	assert_int_equal(try_open(3, &k2, RD, SH_ALL, &x), LK_SHARING_VIOLATION);
	cluster_crash(cl, 2);
	cluster_view(cl);
	cluster_settle(cl);
	task_sleep(50 * MS);
	x = must_open(3, &k2, RD, SH_ALL);
	assert_int_equal(lockc_close(at(3), x), 0);
	assert_int_equal(try_open(3, &k, RD, SH_ALL, &x), LK_FILE_NOT_AVAILABLE);
	q = reclaim_of(&saved);
	assert_int_equal(lockc_reclaim(at(3), &q, &p), LK_OK);
	assert_int_equal(p->rec.n_locks, 1);
	b = must_open(1, &k, RD | WR, SH_ALL);
	assert_int_equal(lock(1, b, 9, 1), LK_LOCK_NOT_GRANTED);
	assert_int_equal(unlock(3, p, 0, 10), LK_OK);
	assert_int_equal(lock(1, b, 9, 1), LK_OK);
	assert_int_equal(lockc_close(at(3), p), 0);
	assert_int_equal(lockc_close(at(1), b), 0);
	assert_int_equal(mem_store_count(cl->store), 0);
	rec_open_done(&saved);
	end();
}

/* The node that is home and owner dies as a whole: the records are all that is left, and they
 * suffice. */
static void node_dies(void)
{
	struct file_key k;
	struct rec_open saved;
	struct lk_reclaim q;
	struct lk_open *p, *b, *x = NULL;

	begin();
	k = key_owned_by(cl, 1, 1);
	p = persistent(1, &k, &saved);
	assert_int_equal(lock(1, p, 0, 10), LK_OK);
	b = must_open(3, &k, RD | WR, SH_ALL);
	cluster_crash(cl, 1);
	cluster_view(cl);
	q = reclaim_of(&saved);
	assert_int_equal(lock(3, b, 0, 1),
			 LK_LOCK_NOT_GRANTED); /* waits for the new owner, then meets the lock */
	assert_int_equal(try_open(3, &k, RD, SH_ALL, &x), LK_FILE_NOT_AVAILABLE);
	assert_int_equal(lockc_reclaim(at(2), &q, &p), LK_OK);
	assert_int_equal(p->rec.n_locks, 1);
	assert_int_equal(lock(3, b, 0, 1), LK_LOCK_NOT_GRANTED);
	assert_int_equal(lockc_reclaim(at(3), &(struct lk_reclaim){ .id = 99 }, &x), LK_NOT_FOUND);
	assert_int_equal(lockc_close(at(2), p), 0);
	assert_int_equal(lock(3, b, 0, 1), LK_OK);
	assert_int_equal(lockc_close(at(3), b), 0);
	rec_open_done(&saved);
	end();
}

/* The whole cluster restarts: the deadline runs on by the wall clock. */
static void all_die(void)
{
	struct file_key k, k2;
	struct rec_open saved, saved2, w;
	struct lk_reclaim q;
	struct lk_open *p, *x = NULL;
	uint64_t deadline;

	begin();
	k = key_owned_by(cl, 1, 0);
	k2 = key_owned_by(cl, 2, 0);
	p = persistent(1, &k, &saved);
	assert_int_equal(lockc_disconnect(at(1), p), LK_OK);
	deadline = p->rec.deadline;
	w = want_persistent(&k2, RD | WR, SH_NONE);
	w.timeout_ms = 700;
	w.delete_on_close = true;
	assert_int_equal(lockc_open(at(2), &w, 0, &x), LK_OK);
	assert_int_equal(rec_open_copy(&x->rec, &saved2), 0);
	for (uint32_t i = 1; i <= 3; i++)
		cluster_crash(cl, i);
	for (uint32_t i = 1; i <= 3; i++)
		cluster_start(cl, i);
	cluster_view(cl);
	cluster_settle(cl);
	{
		_cleanup_arena_ struct arena a = { 0 };
		struct rec_open *r;
		uint32_t n, seen = 0;

		arena_init(&a, 0);
		for (uint32_t i = 0; i < 3; i++)
			for (uint32_t j = 0; j < 2; j++) {
				assert_int_equal(lockc_list(cl->nodes[i].w[j], LK_LIST_OPENS, 0, 100, &a, &r, &n),
						 0);
				for (uint32_t m = 0; m < n; m++) {
					assert_true(r[m].disconnected);
					if (r[m].id == saved.id)
						assert_true(r[m].deadline == deadline);
					seen++;
				}
			}
		assert_int_equal(seen, 2);
	}
	q = reclaim_of(&saved);
	assert_int_equal(lockc_reclaim(at(3), &q, &p), LK_OK);
	assert_int_equal(lockc_close(at(3), p), 0);
	task_sleep(1800 * MS);
	assert_int_equal(mem_store_count(cl->store), 0); /* the other one's time was over */
	assert_int_equal(cl->nodes[0].unlinks + cl->nodes[1].unlinks + cl->nodes[2].unlinks, 1);
	q = reclaim_of(&saved2);
	assert_int_equal(lockc_reclaim(at(3), &q, &p), LK_NOT_FOUND);
	rec_open_done(&saved);
	rec_open_done(&saved2);
	end();
}

struct job {
	uint32_t node;
	struct lk_open *o;
	struct file_key k;
	int result;
	bool ended, pending;
	struct task *task;
};

static void run_open(void *arg)
{
	struct job *j = arg;

	j->result = try_open(j->node, &j->k, RD | WR, SH_NONE, &j->o);
	j->ended = true;
}

static void on_pending(void *arg)
{
	struct job *j = arg;

	j->pending = true;
}

static void run_lock(void *arg)
{
	struct job *j = arg;
	struct lk_range r = { .offset = 0, .length = 10, .exclusive = true };

	j->result = lockc_lock(at(j->node), j->o, &r, 1, no_seq, true, on_pending, j);
	j->ended = true;
}

/* Requests that meet a dead owner wait and are answered by the next one, once. */
static void requests_wait(void)
{
	struct job j[2] = { { .node = 2 }, { .node = 3 } };

	begin();
	j[0].k = j[1].k = key_owned_by(cl, 1, 0);
	cluster_crash(cl, 1);
	spawn(run_open, &j[0], NULL);
	spawn(run_open, &j[1], NULL);
	task_sleep(100 * MS);
	assert_false(j[0].ended || j[1].ended);
	cluster_view(cl);
	for (int i = 0; i < 2000 && !(j[0].ended && j[1].ended); i++)
		task_sleep(MS);
	/* exclusive: exactly one of them */
	assert_int_equal(MIN(j[0].result, j[1].result), LK_OK);
	assert_int_equal(MAX(j[0].result, j[1].result), LK_SHARING_VIOLATION);
	for (int i = 0; i < 2; i++)
		if (j[i].result == LK_OK)
			assert_int_equal(lockc_close(at(j[i].node), j[i].o), 0);
	end();
}

static void waiting_lock_survives(void)
{
	struct job j = { .node = 3 };
	struct lk_open *a;

	begin();
	j.k = key_owned_by(cl, 1, 0);
	a = must_open(2, &j.k, RD | WR, SH_ALL);
	j.o = must_open(3, &j.k, RD | WR, SH_ALL);
	assert_int_equal(lock(2, a, 0, 10), LK_OK);
	spawn(run_lock, &j, &j.task);
	task_sleep(50 * MS);
	assert_true(j.pending);
	cluster_crash(cl, 1);
	cluster_view(cl);
	cluster_settle(cl);
	task_sleep(50 * MS);
	assert_false(j.ended);
	assert_int_equal(unlock(2, a, 0, 10), LK_OK);
	task_sleep(50 * MS);
	assert_true(j.ended && j.result == LK_OK);
	/* the home of the holder dies: the next in line has it */
	assert_int_equal(lockc_close(at(2), a), 0);
	a = must_open(2, &j.k, RD | WR, SH_ALL);
	j.ended = j.pending = false;
	assert_int_equal(unlock(3, j.o, 0, 10), LK_OK);
	assert_int_equal(lock(2, a, 0, 10), LK_OK);
	spawn(run_lock, &j, &j.task);
	task_sleep(50 * MS);
	assert_false(j.ended);
	cluster_crash(cl, 2);
	cluster_view(cl);
	for (int i = 0; i < 2000 && !j.ended; i++)
		task_sleep(MS);
	assert_true(j.ended && j.result == LK_OK);
	assert_int_equal(lockc_close(at(3), j.o), 0);
	end();
}

/* An I/O that began under the dead owner still holds off the locks of the next one. */
static void io_outlives_owner(void)
{
	struct job j = { .node = 3 };
	struct lk_open *a;

	begin();
	j.k = key_owned_by(cl, 1, 0);
	a = must_open(2, &j.k, RD | WR, SH_ALL);
	j.o = must_open(3, &j.k, RD | WR, SH_ALL);
	assert_int_equal(lock(3, must_open(3, &j.k, RD | WR, SH_ALL), 500, 1), LK_OK);
	assert_int_equal(lockc_io_begin(at(2), a, 0, 10, true), LK_OK);
	cluster_crash(cl, 1);
	cluster_view(cl);
	cluster_settle(cl);
	spawn(run_lock, &j, &j.task);
	task_sleep(100 * MS);
	assert_false(j.ended);
	lockc_io_end(at(2), a);
	task_sleep(100 * MS);
	assert_true(j.ended && j.result == LK_OK);
	end();
}

/* Between "unlink it" and "it is unlinked" the owner dies, or the home. */
static void deletion_in_between(void)
{
	struct file_key k, k2;
	struct lk_open *a, *x = NULL;

	begin();
	k = key_owned_by(cl, 1, 0);
	a = must_open(2, &k, RD | DEL, SH_ALL);
	assert_int_equal(lockc_set_delete(at(2), a, true), LK_OK);
	assert_int_equal(lockc_close(at(2), a), LK_UNLINK);
	cluster_crash(cl, 1);
	cluster_view(cl);
	assert_int_equal(try_open(3, &k, RD, SH_ALL, &x), LK_DELETE_PENDING);
	assert_int_equal(lockc_unlinked(at(2), a, true), 0);
	x = must_open(3, &k, RD, SH_ALL);
	assert_int_equal(lockc_close(at(3), x), 0);
	cluster_settle(cl);
	k2 = key_owned_by(cl, 3, 0);
	a = must_open(2, &k2, RD | DEL, SH_ALL);
	assert_int_equal(lockc_set_delete(at(2), a, true), LK_OK);
	assert_int_equal(lockc_close(at(2), a), LK_UNLINK);
	cluster_crash(cl, 2);
	cluster_view(cl);
	task_sleep(100 * MS);
	assert_int_equal(cl->nodes[2].unlinks, 1); /* done by the owner */
	x = must_open(3, &k2, RD, SH_ALL);
	assert_int_equal(lockc_close(at(3), x), 0);
	end();
}

/* A pending deletion outlives the owner that knew it, in the homes of the file's opens. */
static void delete_pending_survives(void)
{
	struct file_key k;
	struct lk_open *a, *b, *x = NULL;

	begin();
	k = key_owned_by(cl, 1, 0);
	a = must_open(2, &k, RD | DEL, SH_ALL);
	b = must_open(3, &k, RD, SH_ALL);
	assert_int_equal(lockc_set_delete(at(2), a, true), LK_OK);
	assert_int_equal(lockc_close(at(2), a), 0);
	cluster_crash(cl, 1);
	cluster_view(cl);
	assert_int_equal(try_open(2, &k, RD, SH_ALL, &x), LK_DELETE_PENDING);
	assert_int_equal(lockc_close(at(3), b), LK_UNLINK);
	assert_int_equal(lockc_unlinked(at(3), b, true), 0);
	end();
}

/* Messages are lost with a connection, also those of a re-assertion: nothing is forgotten. */
static void losses(void)
{
	struct file_key k[8];
	struct lk_open *o[8], *x = NULL;

	begin();
	for (int i = 0; i < 8; i++) {
		k[i] = key_owned_by(cl, 1, (uint32_t)i % 2);
		o[i] = must_open(2 + (uint32_t)i % 2, &k[i], RD | WR, SH_NONE);
	}
	cluster_crash(cl, 1);
	cluster_view(cl);
	for (int i = 0; i < 10; i++) {
		task_sleep(3 * MS);
		cluster_cut(cl);
	}
	cluster_settle(cl);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(try_open(2, &k[i], RD, SH_ALL, &x), LK_SHARING_VIOLATION);
		cluster_cut(cl);
		assert_int_equal(lockc_close(at(2 + (uint32_t)i % 2), o[i]), 0);
		x = must_open(2, &k[i], RD, SH_NONE);
		assert_int_equal(lockc_close(at(2), x), 0);
	}
	end();
}

/* Membership changes faster than slots can change hands. */
static void views_in_a_row(void)
{
	struct file_key k = key_of(4711);
	struct lk_open *a, *x = NULL;

	begin();
	a = must_open(2, &k, RD | WR, SH_NONE);
	for (int i = 0; i < 12; i++) {
		uint32_t n = i & 1 ? 1 : 3;

		cluster_crash(cl, n);
		cluster_view(cl);
		task_sleep(cluster_random(cl) % (10 * MS));
		cluster_start(cl, n);
		cluster_view(cl);
		task_sleep(cluster_random(cl) % (10 * MS));
	}
	assert_int_equal(try_open(1, &k, RD, SH_ALL, &x), LK_SHARING_VIOLATION);
	cluster_settle(cl);
	assert_int_equal(lockc_close(at(2), a), 0);
	x = must_open(1, &k, RD, SH_NONE);
	assert_int_equal(lockc_close(at(1), x), 0);
	end();
}

/* An owner that others have replaced writes nothing and answers nothing; it learns so from the
 * store. */
static void deposed(void)
{
	struct file_key k;
	struct rec_open w, saved;
	struct lk_open *p, *x = NULL;
	struct lk_reclaim q;
	struct job j = { .node = 1 };
	uint64_t inc;

	begin();
	k = key_owned_by(cl, 1, 1);
	p = persistent(1, &k, &saved);
	j.k = k;
	/* node 1 is cut off: it hears neither the view nor anybody */
	inc = cl->nodes[0].incarnation;
	cl->nodes[0].incarnation = 0;
	cluster_view(cl);
	task_sleep(100 * MS);
	cl->nodes[0].incarnation = inc;
	w = want_persistent(&k, RD, SH_ALL);
	spawn(run_lock, &j, NULL);
	j.o = p; /* a lock on a persistent open has to be written */
	task_sleep(200 * MS);
	assert_false(j.ended);
	q = reclaim_of(&saved);
	assert_int_equal(lockc_reclaim(at(2), &q, &x), LK_OK);
	assert_int_equal(x->rec.n_locks, 0);
	cluster_crash(cl, 1);
	for (int i = 0; i < 100 && !j.ended; i++)
		task_sleep(MS);
	assert_true(j.ended);
	assert_int_equal(j.result, -ESHUTDOWN);
	assert_int_equal(lockc_close(at(2), x), 0);
	(void)w;
	rec_open_done(&saved);
	end();
}

/* A node that missed a view is told so and ends. */
static void missed_view(void)
{
	uint64_t inc;

	begin();
	cluster_crash(cl, 1);
	inc = cl->nodes[1].incarnation;
	cl->nodes[1].incarnation = 0; /* does not hear of this one */
	cluster_view(cl);
	cl->nodes[1].incarnation = inc;
	task_sleep(100 * MS);
	cluster_start(cl, 1);
	cluster_view(cl);
	task_sleep(200 * MS);
	assert_int_equal(cl->nodes[1].lost, 2); /* both workers */
	assert_int_equal(cl->nodes[2].lost, 0);
	cluster_free(cl);
}

/* The one it missed took all slots away and the next brought them back: to it nothing seems to have
 * changed. */
static void missed_there_and_back(void)
{
	struct file_key k;
	struct lk_open *a, *x = NULL;
	uint64_t inc;

	begin();
	k = key_owned_by(cl, 1, 0);
	a = must_open(2, &k, RD | WR, SH_NONE);
	inc = cl->nodes[1].incarnation;
	for (int i = 0; i < 2; i++) {
		/* node 1 stays up, but is out of the first view and in the second: what it owned
		 * comes back */
		uint64_t one = cl->nodes[0].incarnation;

		if (i == 0) {
			cl->nodes[0].incarnation = 0;
			cl->nodes[1].incarnation = 0;
		}
		cluster_view(cl);
		cl->nodes[0].incarnation = one;
		cl->nodes[1].incarnation = inc;
		task_sleep(50 * MS);
	}
	task_sleep(300 * MS);
	/* nodes 1 and 2 missed it and are told; what node 2 held is not handed out by anybody
	 * before it is gone */
	assert_int_equal(cl->nodes[1].lost, 2);
	assert_int_equal(cl->nodes[2].lost, 0);
	cluster_crash(cl, 1);
	cluster_crash(cl, 2);
	cluster_view(cl);
	x = must_open(3, &k, RD, SH_NONE);
	assert_int_equal(lockc_close(at(3), x), 0);
	(void)a;
	cluster_free(cl);
}

/* A record of a newer release keeps its slot closed, until an operator has it moved aside. */
static void newer_record(void)
{
	static const uint8_t version_99[] = { 0x08, 99 };
	char name[REC_REPAIR_NAME_SIZE];
	struct lk_open *x = NULL;
	struct file_key k;
	uint64_t slot;
	begin();
	k = key_owned_by(cl, 1, 0);
	x = must_open(2, &k, RD, SH_ALL);
	slot = x->rec.id & 0xffff;
	assert_int_equal(lockc_close(at(2), x), 0);
	mem_store_put(cl->store, 0x1234560000ULL << 8 | slot, BLOB(version_99, 2));
	cluster_crash(cl, 1);
	cl->limits.owner_wait_ms = 400;
	cluster_crash(cl, 3);
	cluster_view(cl);
	cluster_start(cl, 3);
	cluster_view(cl);
	assert_int_equal(try_open(3, &k, RD, SH_ALL, &x), -ETIME);
	assert_int_equal(mem_store_count(cl->store), 1);
	rec_repair_name((uint32_t)slot, name);
	assert_int_equal(store_res_put(cl->store, REC_REPAIR_KIND, name, BLOB("", 0), 0, NULL), 0);
	task_sleep(1500 * MS);
	x = must_open(3, &k, RD, SH_ALL);
	assert_int_equal(lockc_close(at(3), x), 0);
	assert_int_equal(mem_store_count(cl->store), 1);
	end();
}

static void restarts(void)
{
	struct file_key k = key_of(1), k2 = key_of(2);
	struct rec_open saved;
	struct lk_open *a, *p;
	struct lk_reclaim q;

	begin();
	a = must_open(2, &k, RD | WR, SH_NONE);
	p = persistent(2, &k2, &saved);
	assert_int_equal(lock(2, p, 3, 4), LK_OK);
	restart(1);
	restart(3);
	restart(1);
	assert_int_equal(lock(2, p, 10, 4), LK_OK);
	assert_int_equal(try_open(1, &k, RD, SH_ALL, &a), LK_SHARING_VIOLATION);
	restart(2);
	q = reclaim_of(&saved);
	assert_int_equal(lockc_reclaim(at(1), &q, &p), LK_OK);
	assert_int_equal(p->rec.n_locks, 2);
	a = must_open(3, &k, RD, SH_NONE);
	assert_int_equal(lockc_close(at(3), a), 0);
	assert_int_equal(lockc_close(at(1), p), 0);
	rec_open_done(&saved);
	end();
}

static void run_close(void *arg)
{
	struct job *j = arg;

	j->result = lockc_close(at(j->node), j->o);
	j->ended = true;
}

/* Ending is no reason to wait for an owner that is gone. */
static void hurry(void)
{
	struct file_key k;
	struct job j = { .node = 1 };

	begin();
	k = key_owned_by(cl, 2, 1);
	j.o = must_open(1, &k, RD, SH_ALL);
	cluster_crash(cl, 2);
	spawn(run_close, &j, NULL);
	task_sleep(100 * MS);
	assert_false(j.ended);
	for (unsigned int i = 0; i < cl->nodes[0].workers; i++)
		lockc_hurry(cl->nodes[0].w[i], loop_now(loop_current()) + 50 * MS);
	task_sleep(20 * MS);
	assert_false(j.ended);
	task_sleep(100 * MS);
	assert_true(j.ended);
	assert_int_equal(j.result, -ESHUTDOWN);
	end();
}

#define ON_LOOP(fn)                         \
	static void test_##fn(void **state) \
	{                                   \
		run_on_loop(fn);            \
	}
ON_LOOP(owner_dies)
ON_LOOP(io_outlives_owner)
ON_LOOP(home_dies)
ON_LOOP(node_dies)
ON_LOOP(all_die)
ON_LOOP(requests_wait)
ON_LOOP(waiting_lock_survives)
ON_LOOP(deletion_in_between)
ON_LOOP(delete_pending_survives)
ON_LOOP(losses)
ON_LOOP(views_in_a_row)
ON_LOOP(deposed)
ON_LOOP(missed_view)
ON_LOOP(missed_there_and_back)
ON_LOOP(newer_record)
ON_LOOP(restarts)
ON_LOOP(hurry)

#define RUN(fn) cmocka_unit_test(test_##fn)
int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(owner_dies), RUN(io_outlives_owner), RUN(home_dies), RUN(node_dies), RUN(all_die),
		RUN(requests_wait), RUN(waiting_lock_survives), RUN(deletion_in_between),
		RUN(delete_pending_survives), RUN(losses), RUN(views_in_a_row), RUN(deposed),
		RUN(missed_view), RUN(missed_there_and_back), RUN(newer_record), RUN(restarts),
		RUN(hurry),
	};

	return cmocka_run_group_tests_name("lock handover", tests, NULL, NULL);
}
