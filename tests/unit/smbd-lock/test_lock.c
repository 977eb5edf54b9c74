/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the rest of smbd sees of file state, with owner and home on one worker, on two, and on two
 * nodes. */
#include "tests/unit/test.h"

#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

static struct cluster *cl;
static struct lockc *A, *B; /* two homes */
static struct file_key key;
static const struct lk_seq no_seq;

/* Each test runs with the owner at A, at another worker, and at another node. */
static uint32_t shape_nodes, shape_workers;

static void begin(void)
{
	cl = cluster_new(shape_nodes, shape_workers, 64);
	cl->delay = MS;
	A = cl->nodes[0].w[0];
	B = cl->nodes[shape_nodes > 1 ? 1 : 0].w[shape_workers > 1 ? 1 : 0];
	key = key_owned_by(cl, 1, 0);
}

static void end(void)
{
	cluster_free(cl);
}

static int do_open(struct lockc *c, uint32_t access, uint32_t share, struct lk_open **ret)
{
	struct rec_open w = want(&key, access, share);

	return lockc_open(c, &w, 0, ret);
}

static struct lk_open *must_open(struct lockc *c, uint32_t access, uint32_t share)
{
	struct rec_open w = want(&key, access, share);

	return must_grant(c, &w);
}

static int lock(struct lockc *c, struct lk_open *o, uint64_t off, uint64_t len, bool ex)
{
	struct lk_range r = { .offset = off, .length = len, .exclusive = ex };

	return lockc_lock(c, o, &r, 1, no_seq, false, NULL, NULL);
}

static int unlock(struct lockc *c, struct lk_open *o, uint64_t off, uint64_t len)
{
	struct lk_range r = { .offset = off, .length = len };

	return lockc_unlock(c, o, &r, 1, no_seq);
}

static int io(struct lockc *c, struct lk_open *o, uint64_t off, uint64_t len, bool write)
{
	int e = lockc_io_begin(c, o, off, len, write);

	if (e == LK_OK)
		lockc_io_end(c, o);
	return e;
}

static void sharing(void)
{
	struct lk_open *a, *b = NULL, *x;
	struct lk_file_info info;

	begin();
	a = must_open(A, RD | WR, SH_NONE);
	assert_int_equal(do_open(B, RD, SH_ALL, &b), LK_SHARING_VIOLATION);
	x = must_open(B, ATTR, SH_NONE); /* attributes only */
	assert_int_equal(lockc_query(B, &key, &info), 0);
	assert_int_equal(info.opens, 2);
	assert_int_equal(lockc_close(A, a), 0);
	b = must_open(B, RD, SH_ALL);
	assert_ptr_equal(lockc_find(B, b->rec.id), b);
	assert_int_equal(lockc_close(B, b), 0);
	assert_int_equal(lockc_close(B, x), 0);
	assert_int_equal(lockc_query(B, &key, &info), 0);
	assert_int_equal(info.opens, 0);
	assert_int_equal(mem_store_count(cl->store), 0);
	end();
}

static void locks(void)
{
	struct lk_open *a, *b;
	struct lk_range two[2] = { { .offset = 0, .length = 10, .exclusive = true },
				   { .offset = 100, .length = 10, .exclusive = true } };

	begin();
	a = must_open(A, RD | WR, SH_ALL);
	b = must_open(B, RD | WR, SH_ALL);
	assert_true(a->permit && b->permit);
	assert_int_equal(lock(A, a, 100, 10, true), LK_OK);
	assert_false(b->permit);
	assert_true(a->permit); /* no locks of others */
	assert_int_equal(lock(B, b, 105, 1, false), LK_LOCK_NOT_GRANTED);
	assert_int_equal(lock(A, a, 105, 1, true), LK_LOCK_NOT_GRANTED); /* own handle too */
	assert_int_equal(lock(B, b, 110, 10, true), LK_OK);
	assert_int_equal(io(B, b, 100, 1, false), LK_LOCK_CONFLICT);
	assert_int_equal(io(B, b, 110, 1, true), LK_OK);
	assert_int_equal(io(A, a, 100, 1, true), LK_OK);
	/* all or nothing */
	assert_int_equal(lockc_lock(B, b, two, 2, no_seq, false, NULL, NULL), LK_LOCK_NOT_GRANTED);
	assert_int_equal(lock(A, a, 0, 10, true), LK_OK);
	/* exact match only */
	assert_int_equal(unlock(A, a, 100, 9), LK_RANGE_NOT_LOCKED);
	assert_int_equal(unlock(B, b, 100, 10), LK_RANGE_NOT_LOCKED);
	assert_int_equal(lockc_unlock(A, a, two, 2, no_seq), LK_OK);
	assert_int_equal(a->rec.n_locks, 0);
	assert_int_equal(unlock(B, b, 110, 10), LK_OK);
	/* bad ranges */
	assert_int_equal(lock(A, a, UINT64_MAX, 2, true), LK_INVALID_RANGE);
	assert_int_equal(lock(A, a, UINT64_MAX, 1, true), LK_OK);
	assert_int_equal(lock(A, a, 50, 0, true), LK_OK);
	assert_int_equal(lock(B, b, 45, 10, true), LK_LOCK_NOT_GRANTED);
	/* closing releases; the permits come back */
	assert_int_equal(lockc_close(A, a), 0);
	for (int i = 0; i < 200 && !b->permit; i++)
		task_sleep(MS);
	assert_true(b->permit);
	/* own shared locks deny own writes */
	assert_int_equal(lock(B, b, 0, 10, false), LK_OK);
	assert_int_equal(io(B, b, 5, 1, true), LK_LOCK_CONFLICT);
	assert_int_equal(io(B, b, 5, 1, false), LK_OK);
	assert_int_equal(lockc_close(B, b), 0);
	end();
}

struct waiter {
	struct lk_open *o;
	struct task *task;
	int result;
	bool pending, ended;
	uint64_t off;
};

static void on_pending(void *arg)
{
	struct waiter *w = arg;

	w->pending = true;
}

static void wait_lock(void *arg)
{
	struct waiter *w = arg;
	struct lk_range r = { .offset = w->off, .length = 10, .exclusive = true };

	w->result = lockc_lock(B, w->o, &r, 1, no_seq, true, on_pending, w);
	w->ended = true;
}

static void blocking_locks(void)
{
	struct lk_open *a, *b, *b2;
	struct waiter w1 = { 0 }, w2 = { 0 };

	begin();
	a = must_open(A, RD | WR, SH_ALL);
	b = must_open(B, RD | WR, SH_ALL);
	b2 = must_open(B, RD | WR, SH_ALL);
	assert_int_equal(lock(A, a, 0, 10, true), LK_OK);
	w1.o = b;
	w2.o = b2;
	spawn(wait_lock, &w1, &w1.task);
	task_sleep(20 * MS);
	spawn(wait_lock, &w2, &w2.task);
	task_sleep(20 * MS);
	assert_true(w1.pending && w2.pending && !w1.ended && !w2.ended);
	/* in order */
	assert_int_equal(unlock(A, a, 0, 10), LK_OK);
	task_sleep(20 * MS);
	assert_true(w1.ended && w1.result == LK_OK && !w2.ended);
	/* cancelled: not granted, and nobody is held up by it */
	task_cancel(w2.task);
	task_sleep(20 * MS);
	assert_true(w2.ended);
	assert_int_equal(w2.result, LK_CANCELLED);
	assert_int_equal(unlock(B, b, 0, 10), LK_OK);
	assert_int_equal(lock(A, a, 0, 10, true), LK_OK);
	/* the waiting open is closed under it */
	w2 = (struct waiter){ .o = b2 };
	spawn(wait_lock, &w2, &w2.task);
	task_sleep(20 * MS);
	assert_int_equal(lockc_close(B, b2), 0);
	task_sleep(20 * MS);
	assert_true(w2.ended && w2.result == LK_GONE);
	/* the holder is closed: granted */
	w1 = (struct waiter){ .o = b };
	spawn(wait_lock, &w1, &w1.task);
	task_sleep(20 * MS);
	assert_int_equal(lockc_close(A, a), 0);
	task_sleep(20 * MS);
	assert_true(w1.ended && w1.result == LK_OK);
	assert_int_equal(lockc_close(B, b), 0);
	end();
}

/* A permit is given back only after the I/O that began under it has ended. */
static void recall_waits_for_io(void)
{
	struct lk_open *a, *b;
	struct waiter w = { 0 };

	begin();
	a = must_open(A, RD | WR, SH_ALL);
	b = must_open(B, RD | WR, SH_ALL);
	assert_int_equal(lockc_io_begin(A, a, 0, 10, true), LK_OK);
	w.o = b;
	spawn(wait_lock, &w, &w.task);
	task_sleep(30 * MS);
	assert_false(w.ended);
	assert_false(a->permit);
	lockc_io_end(A, a);
	task_sleep(20 * MS);
	assert_true(w.ended && w.result == LK_OK);
	assert_int_equal(io(A, a, 0, 1, true), LK_LOCK_CONFLICT);
	assert_int_equal(lockc_close(A, a), 0);
	assert_int_equal(lockc_close(B, b), 0);
	end();
}

/* Nor is a lock granted while an I/O runs that was asked for, having no permit. */
static void asked_io_holds_off_locks(void)
{
	struct lk_open *a, *b, *c;
	struct waiter w = { 0 };

	begin();
	a = must_open(A, RD | WR, SH_ALL);
	b = must_open(B, RD | WR, SH_ALL);
	c = must_open(B, RD | WR, SH_ALL);
	assert_int_equal(lock(B, c, 500, 1, true), LK_OK);
	assert_false(a->permit);
	assert_int_equal(lockc_io_begin(A, a, 0, 10, true), LK_OK);
	w.o = b;
	spawn(wait_lock, &w, &w.task);
	task_sleep(30 * MS);
	assert_false(w.ended);
	assert_int_equal(unlock(B, c, 500, 1), LK_OK); /* another's kick does not grant it either */
	task_sleep(30 * MS);
	assert_false(w.ended);
	lockc_io_end(A, a);
	task_sleep(20 * MS);
	assert_true(w.ended && w.result == LK_OK);
	assert_int_equal(io(A, a, 0, 1, true), LK_LOCK_CONFLICT);
	assert_int_equal(io(A, a, 10, 1, true), LK_OK);
	assert_int_equal(lockc_close(A, a), 0);
	assert_int_equal(lockc_close(B, b), 0);
	assert_int_equal(lockc_close(B, c), 0);
	end();
}

static void lock_sequences(void)
{
	struct lk_open *a;
	struct lk_range r = { .offset = 0, .length = 10, .exclusive = true };
	struct lk_seq s = { .index = 3, .number = 2 };

	begin();
	a = must_open(A, RD | WR, SH_ALL);
	assert_int_equal(lockc_lock(A, a, &r, 1, s, false, NULL, NULL), LK_OK);
	assert_int_equal(lockc_lock(A, a, &r, 1, s, false, NULL, NULL),
			 LK_OK); /* replayed, not executed */
	assert_int_equal(a->rec.n_locks, 1);
	s.number = 3;
	assert_int_equal(lockc_unlock(A, a, &r, 1, s), LK_OK);
	assert_int_equal(lockc_unlock(A, a, &r, 1, s), LK_OK);
	assert_int_equal(a->rec.n_locks, 0);
	s.number = 4;
	assert_int_equal(lockc_unlock(A, a, &r, 1, s), LK_RANGE_NOT_LOCKED);
	assert_int_equal(lockc_close(A, a), 0);
	end();
}

static void deletion(void)
{
	struct lk_open *a, *b, *x = NULL;
	struct rec_open w;

	begin();
	/* pending by disposition: seen by all, cleared by anyone */
	a = must_open(A, RD | DEL, SH_ALL);
	b = must_open(B, RD, SH_ALL);
	assert_int_equal(lockc_set_delete(A, a, true), LK_OK);
	assert_true(a->rec.delete_pending && b->rec.delete_pending);
	assert_int_equal(do_open(B, RD, SH_ALL, &x), LK_DELETE_PENDING);
	assert_int_equal(lockc_set_delete(B, b, false), LK_OK);
	assert_false(a->rec.delete_pending);
	assert_int_equal(lockc_set_delete(B, b, true), LK_OK);
	assert_int_equal(lockc_close(A, a), 0);
	assert_int_equal(lockc_close(B, b), LK_UNLINK);
	assert_int_equal(do_open(A, RD, SH_ALL, &x), LK_DELETE_PENDING);
	assert_int_equal(lockc_unlinked(B, b, true), 0);
	/* FILE_DELETE_ON_CLOSE: from the close of that open on */
	w = want(&key, RD | DEL, SH_ALL);
	w.delete_on_close = true;
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	b = must_open(B, RD, SH_ALL);
	assert_int_equal(lockc_close(A, a), 0);
	assert_true(b->rec.delete_pending);
	assert_int_equal(do_open(A, RD, SH_ALL, &x), LK_DELETE_PENDING);
	assert_int_equal(lockc_close(B, b), LK_UNLINK);
	assert_string_equal(b->rec.path, "dir/file");
	assert_int_equal(lockc_unlinked(B, b, false),
			 0); /* could not be deleted: it is usable again */
	a = must_open(A, RD, SH_ALL);
	assert_int_equal(lockc_close(A, a), 0);
	end();
}

static void renaming(void)
{
	struct lk_open *a, *b;

	begin();
	a = must_open(A, RD, SH_ALL);
	b = must_open(B, RD, 3); /* does not share deletion */
	assert_int_equal(lockc_rename(A, a, "other/name"), LK_SHARING_VIOLATION);
	assert_int_equal(lockc_close(B, b), 0);
	b = must_open(B, RD, SH_ALL);
	assert_int_equal(lockc_rename(A, a, "other/name"), LK_OK);
	assert_string_equal(a->rec.path, "other/name");
	assert_string_equal(b->rec.path, "other/name");
	assert_int_equal(lockc_close(A, a), 0);
	assert_int_equal(lockc_close(B, b), 0);
	end();
}

static void replay(void)
{
	struct rec_open w;
	struct lk_open *a, *x = NULL;

	begin();
	w = want_persistent(&key, RD | WR, SH_NONE);
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 1);
	assert_ptr_equal(lockc_replay_find(A, &w.client_guid, &w.create_guid), a);
	assert_int_equal(lockc_open(A, &w, 0, &x), LK_DUPLICATE_OBJECTID);
	assert_int_equal(lockc_open(A, &w, LK_OPEN_REPLAY, &x), LK_REPLAYED);
	assert_ptr_equal(x, a);
	w.has_owner = false;
	assert_int_equal(lockc_open(A, &w, LK_OPEN_REPLAY, &x), LK_ACCESS_DENIED);
	w.has_owner = true;
	lockc_consumed(A, a);
	task_sleep(20 * MS);
	assert_int_equal(lockc_open(A, &w, LK_OPEN_REPLAY, &x), LK_FILE_NOT_AVAILABLE);
	/* another client with the same CreateGuid is another request */
	w.client_guid.b[0] = 77;
	assert_int_equal(lockc_open(A, &w, LK_OPEN_REPLAY, &x), LK_SHARING_VIOLATION);
	assert_int_equal(lockc_close(A, a), 0);
	assert_int_equal(mem_store_count(cl->store), 0);
	end();
}

static void app_instance(void)
{
	struct rec_open w;
	struct lk_open *a, *b, *x = NULL;
	unsigned int gone;

	begin();
	w = want_persistent(&key, RD | WR, SH_NONE);
	w.has_app_id = w.has_app_version = true;
	w.app_id = guid_random();
	w.app_version_high = 1;
	w.app_version_low = 5;
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	assert_int_equal(lock(A, a, 0, 1, true), LK_OK);
	w.create_guid = guid_random();
	w.client_guid.b[3] = 9;
	w.app_version_low = 5;
	assert_int_equal(lockc_open(B, &w, 0, &b), LK_FORCED_CLOSED);
	w.app_version_low = 6;
	gone = cl->nodes[0].gone;
	assert_int_equal(lockc_io_begin(A, a, 0, 1, true), LK_OK);
	lockc_io_end(A, a);
	assert_int_equal(lockc_open(B, &w, 0, &b), LK_OK);
	assert_int_equal(cl->nodes[0].gone, gone + 1);
	assert_int_equal(cl->nodes[0].gone_why, LK_GONE_DISPLACED);
	assert_int_equal(lock(B, b, 0, 1, true), LK_OK); /* the old one's lock went with it */
	assert_int_equal(mem_store_count(cl->store), 1);
	/* no version on one side: no comparison */
	w.has_app_version = false;
	w.client_guid.b[3] = 10;
	w.create_guid = guid_random();
	assert_int_equal(lockc_open(A, &w, 0, &x), LK_OK);
	assert_int_equal(lockc_close(A, x), 0);
	end();
}

static void reclaim(void)
{
	struct rec_open w, saved;
	struct lk_open *a, *b, *x = NULL;
	struct lk_reclaim q;

	begin();
	w = want_persistent(&key, RD | WR, SH_ALL);
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	assert_int_equal(lock(A, a, 0, 10, true), LK_OK);
	assert_int_equal(rec_open_copy(&a->rec, &saved), 0);
	a->user = a;
	q = reclaim_of(&saved);
	if (B == cl->nodes[0].w[0] || cl->n == 1)
		assert_int_equal(lockc_reclaim(A, &q, &x), LK_NOT_FOUND); /* still connected */
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	assert_true(a->rec.disconnected && a->rec.deadline > 0);
	/* a contender */
	assert_int_equal(do_open(B, RD, SH_ALL, &x), LK_FILE_NOT_AVAILABLE);
	b = must_open(B, ATTR, SH_ALL);
	assert_int_equal(lock(B, b, 5, 1, true), LK_LOCK_NOT_GRANTED); /* its locks hold */
	/* wrong claims */
	q.id ^= 1ULL << 40;
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
	q = reclaim_of(&saved);
	q.create_guid.b[0] ^= 1;
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
	q = reclaim_of(&saved);
	q.persistent = false;
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
	q = reclaim_of(&saved);
	q.has_lease = true;
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
	q = reclaim_of(&saved);
	q.owner.sub[q.owner.sub_count - 1]++;
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_ACCESS_DENIED);
	q.has_owner = false;
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_ACCESS_DENIED);
	q = reclaim_of(&saved);
	q.share_name = "elsewhere";
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
	q = reclaim_of(&saved);
	q.v2 = false;
	assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
	/* the right one, at its old home: the same handle */
	q = reclaim_of(&saved);
	assert_int_equal(lockc_reclaim(A, &q, &x), LK_OK);
	assert_ptr_equal(x, a);
	assert_ptr_equal(x->user, a);
	assert_int_equal(x->rec.n_locks, 1);
	assert_false(x->rec.disconnected);
	assert_int_equal(x->rec.volatile_id, 8);
	/* and elsewhere: the old home loses it */
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	if (B != A) {
		assert_int_equal(lockc_reclaim(B, &q, &x), LK_OK);
		assert_null(x->user);
		assert_int_equal(cl->nodes[0].gone_why, LK_GONE_MOVED);
		assert_null(lockc_find(A, saved.id));
		assert_memory_equal(x->rec.handle, "handle", 6);
		assert_int_equal(x->rec.n_locks, 1);
		assert_int_equal(unlock(B, x, 0, 10), LK_OK);
		assert_int_equal(lockc_close(B, x), 0);
	}
	rec_open_done(&saved);
	end();
}

/* The client has come to another node before its old one noticed that the connection is dead. */
static void steal(void)
{
	struct rec_open w, saved;
	struct lk_open *a, *x = NULL;
	struct lk_reclaim q;

	begin();
	w = want_persistent(&key, RD | WR, SH_ALL);
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	assert_int_equal(rec_open_copy(&a->rec, &saved), 0);
	q = reclaim_of(&saved);
	if (cl->n > 1) {
		q.client_guid.b[0] ^= 1;
		assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
		q = reclaim_of(&saved);
		assert_int_equal(lockc_reclaim(B, &q, &x), LK_OK);
		assert_int_equal(cl->nodes[0].gone_why, LK_GONE_MOVED);
		assert_int_equal(lockc_close(B, x), 0);
	} else {
		assert_int_equal(lockc_reclaim(B, &q, &x), LK_NOT_FOUND);
		assert_int_equal(lockc_close(A, a), 0);
	}
	rec_open_done(&saved);
	end();
}

/* A durable open that is not persistent gives way to a contender. */
static void durable_contended(void)
{
	struct rec_open w;
	struct lk_open *a, *b;

	begin();
	w = want_persistent(&key, RD | WR, SH_NONE);
	w.persistent = false;
	w.durable = true;
	w.lease = (struct rec_lease){ .present = true, .state = 7 }; /* a batch oplock */
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 0);
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	b = must_open(B, RD, SH_ALL);
	assert_int_equal(cl->nodes[0].gone_why, LK_GONE_CONTENDED);
	assert_int_equal(lockc_close(B, b), 0);
	/* one that is neither cannot be kept */
	b = must_open(B, RD, SH_ALL);
	assert_int_equal(lockc_disconnect(B, b), LK_GONE);
	assert_int_equal(lockc_close(B, b), 0);
	end();
}

static void scavenged(void)
{
	struct rec_open w;
	struct lk_open *a, *b;

	begin();
	w = want_persistent(&key, RD | WR, SH_NONE);
	w.timeout_ms = 100;
	w.delete_on_close = true;
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	assert_int_equal(do_open(B, RD, SH_ALL, &b), LK_FILE_NOT_AVAILABLE);
	task_sleep(1500 * MS);
	assert_int_equal(cl->nodes[0].gone, 1);
	assert_int_equal(cl->nodes[0].gone_why, LK_GONE_SCAVENGED);
	assert_int_equal(cl->nodes[0].unlinks, 1); /* delete-on-close was honoured */
	assert_int_equal(mem_store_count(cl->store), 0);
	b = must_open(B, RD, SH_ALL);
	assert_int_equal(lockc_close(B, b), 0);
	end();
}

/* What cannot be made durable is not granted; the store's trouble ends, and so does ours. */
static void store_fails(void)
{
	struct rec_open w;
	struct lk_open *a, *b, *x = NULL;

	cluster_owner_wait_ms = 1000; /* so long a refused close is asked for again */
	begin();
	w = want_persistent(&key, RD | WR, SH_NONE);
	assert_int_equal(lockc_open(A, &w, 0, &a), LK_OK);
	mem_store_fail(cl->store, -ENOSPC);
	assert_int_equal(lock(A, a, 0, 10, true), -ENOSPC);
	assert_int_equal(a->rec.n_locks, 0);
	key = key_owned_by(cl, 1, 0);
	w = want_persistent(&key, RD | WR, SH_NONE);
	assert_int_equal(lockc_open(B, &w, 0, &x), -ENOSPC);
	b = must_open(B, RD | WR, SH_NONE); /* an ordinary open needs no record */
	mem_store_fail(cl->store, 0);
	assert_int_equal(lockc_close(B, b), 0);
	assert_int_equal(lock(A, a, 0, 10, true), LK_OK);
	assert_int_equal(lockc_open(B, &w, 0, &x), LK_OK);
	assert_int_equal(mem_store_count(cl->store), 2);
	mem_store_fail(cl->store, -EIO);
	assert_int_equal(lockc_close(B, x), -EIO);
	mem_store_fail(cl->store, 0);
	task_sleep(1200 * MS);
	assert_int_equal(mem_store_count(cl->store), 1); /* removed a little later */
	assert_int_equal(lockc_close(A, a), 0);
	end();
	cluster_owner_wait_ms = 0;
}

static void limits(void)
{
	struct lk_open *a, *b;
	struct lk_range many[65] = { { 0 } };

	begin();
	a = must_open(A, RD | WR, SH_ALL);
	assert_int_equal(lockc_lock(A, a, many, 65, no_seq, false, NULL, NULL), LK_LIMIT);
	assert_int_equal(lockc_lock(A, a, many, 0, no_seq, false, NULL, NULL), LK_LIMIT);
	for (unsigned int i = 0; i < 4096; i++)
		assert_int_equal(lock(A, a, 10 * i, 1, true), LK_OK);
	assert_int_equal(lock(A, a, 1, 1, true), LK_LIMIT);
	assert_int_equal(lockc_close(A, a), 0);
	b = must_open(A, RD, SH_ALL);
	assert_int_equal(lockc_close(A, b), 0);
	end();
}

static void listing(void)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rec_open *r;
	struct lk_open *o[5];
	uint64_t after = 0;
	uint32_t n, total = 0;

	begin();
	arena_init(&a, 0);
	for (int i = 0; i < 5; i++)
		o[i] = must_open(B, RD, SH_ALL);
	assert_int_equal(lock(B, o[2], 7, 7, true), LK_OK);
	do {
		assert_int_equal(lockc_list(A, LK_LIST_OPENS, after, 2, &a, &r, &n), 0);
		for (uint32_t i = 0; i < n; i++) {
			assert_true(r[i].id > after);
			after = r[i].id;
			total++;
			assert_string_equal(r[i].path, "dir/file");
			assert_int_equal(r[i].n_locks, r[i].id == o[2]->rec.id);
		}
	} while (n > 0);
	assert_int_equal(total, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(lockc_close(B, o[i]), 0);
	end();
}

/* A node whose right to serve is stale decides nothing and answers nothing. */
static void stale_lease(void)
{
	struct lk_open *a, *b, *c;
	struct waiter w = { 0 };

	begin();
	a = must_open(A, RD | WR, SH_ALL);
	b = must_open(B, RD | WR, SH_ALL);
	cl->nodes[0].stale = true;
	w.o = b;
	spawn(wait_lock, &w, &w.task);
	task_sleep(300 * MS);
	assert_false(w.ended);
	cl->nodes[0].stale = false;
	task_sleep(200 * MS);
	assert_true(w.ended && w.result == LK_OK);
	c = must_open(B, RD, SH_ALL);
	assert_int_equal(lockc_close(A, a), 0);
	assert_int_equal(lockc_close(B, b), 0);
	assert_int_equal(lockc_close(B, c), 0);
	end();
}

#define THREE(fn)                                \
	static void fn##_local(void **state)     \
	{                                        \
		shape_nodes = shape_workers = 1; \
		run_on_loop(fn);                 \
	}                                        \
	static void fn##_workers(void **state)   \
	{                                        \
		shape_nodes = 1;                 \
		shape_workers = 4;               \
		run_on_loop(fn);                 \
	}                                        \
	static void fn##_nodes(void **state)     \
	{                                        \
		shape_nodes = 3;                 \
		shape_workers = 2;               \
		run_on_loop(fn);                 \
	}
#define RUN(fn) \
	cmocka_unit_test(fn##_local), cmocka_unit_test(fn##_workers), cmocka_unit_test(fn##_nodes)

THREE(sharing)
THREE(locks)
THREE(blocking_locks)
THREE(recall_waits_for_io)
THREE(asked_io_holds_off_locks)
THREE(lock_sequences)
THREE(deletion)
THREE(renaming)
THREE(replay)
THREE(app_instance)
THREE(reclaim)
THREE(steal)
THREE(durable_contended)
THREE(scavenged)
THREE(store_fails)
THREE(limits)
THREE(listing)
THREE(stale_lease)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(sharing),	     RUN(locks),
		RUN(blocking_locks), RUN(recall_waits_for_io), RUN(asked_io_holds_off_locks),
		RUN(lock_sequences), RUN(deletion),
		RUN(renaming),	     RUN(replay),
		RUN(app_instance),   RUN(reclaim),
		RUN(steal),	     RUN(durable_contended),
		RUN(scavenged),	     RUN(store_fails),
		RUN(limits),	     RUN(listing),
		RUN(stale_lease),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
