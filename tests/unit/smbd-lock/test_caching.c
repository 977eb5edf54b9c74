/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leases and oplocks between clients, with owner and homes on one worker, on two, and on two nodes; over crashes of
 * either. */
#include "tests/unit/test.h"

#include "smbd/lock/lease.h"
#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

#define BREAK_MS 1500

static struct cluster *cl;
static struct lockc *A, *B; /* two homes */
static struct file_key key;
static uint32_t shape_nodes, shape_workers;

/* What the clients heard of. */
static struct {
	unsigned int n;
	struct lk_break last;
	struct lk_open *o;
	bool deaf; /* no client has a connection */
} heard;

static bool on_broken(void *arg, struct lk_open *o, const struct lk_break *b)
{
	if (heard.deaf)
		return false;
	heard.n++;
	heard.last = *b;
	heard.o = o;
	return true;
}

static void begin(void)
{
	cl = cluster_new(shape_nodes, shape_workers, 64);
	cl->delay = MS;
	A = cl->nodes[0].w[0];
	B = cl->nodes[shape_nodes > 1 ? 1 : 0].w[shape_workers > 1 ? 1 : 0];
	key = key_owned_by(cl, 1, 0);
	memset(&heard, 0, sizeof(heard));
}

static struct rec_open wanted(uint8_t client, uint8_t version, uint32_t state)
{
	return want_leased(&key, client, version, state);
}

static struct lk_open *leased(struct lockc *c, uint8_t client, uint32_t state)
{
	struct rec_open w = wanted(client, 2, state);

	return must_grant(c, &w);
}

/* An OPEN in a task of its own. */
struct opener {
	struct lockc *c;
	struct rec_open w;
	unsigned int how;
	struct lk_open *o;
	struct task *task;
	int result;
	bool ended;
};

static void open_task(void *arg)
{
	struct opener *p = arg;

	p->task = task_current();
	p->result = lockc_open(p->c, &p->w, p->how, &p->o);
	p->ended = true;
}

static void start(struct opener *p)
{
	spawn(open_task, p, NULL);
	task_sleep(50 * MS);
}

static void await(const bool *flag)
{
	for (int i = 0; i < 10000 && !*flag; i++)
		task_sleep(MS);
	assert_true(*flag);
}

static void await_heard(unsigned int n)
{
	for (int i = 0; i < 2000 && heard.n < n; i++)
		task_sleep(MS);
	assert_int_equal(heard.n, n);
}

static void one_lease(void)
{
	struct lk_open *a, *a2;
	struct rec_open other;

	begin();
	a = leased(A, 1, LEASE_ALL);
	assert_int_equal(a->rec.lease.state, LEASE_ALL);
	assert_int_equal(a->rec.lease.epoch, 11);
	assert_ptr_equal(lockc_lease_find(A, &a->rec.client_guid, &a->rec.lease.key), a);
	/* another open of the same client with the same key shares it, on whichever connection */
	a2 = leased(A, 1, LEASE_R | LEASE_H);
	assert_int_equal(a2->rec.lease.state, LEASE_ALL);
	assert_int_equal(heard.n, 0);
	/* one key, one file */
	other = wanted(1, 2, LEASE_R);
	other.key = key_owned_by(cl, 1, 0);
	assert_int_equal(lockc_open(A, &other, 0, &a2), LK_INVALID_PARAMETER);
	assert_int_equal(lockc_close(A, a), 0);
	assert_non_null(lockc_lease_find(A, &other.client_guid, &other.lease.key));
	cluster_free(cl);
}

static void breaks(void)
{
	struct opener p = { .c = B };
	struct lk_open *a;

	begin();
	p.c = B;
	a = leased(A, 1, LEASE_ALL);
	p.w = wanted(2, 2, LEASE_ALL);
	start(&p);
	await_heard(1);
	assert_false(p.ended);
	assert_int_equal(heard.last.from, LEASE_ALL);
	assert_int_equal(heard.last.to, LEASE_R | LEASE_H);
	assert_true(heard.last.ack);
	assert_int_equal(heard.last.epoch, 12);
	/* the holder writes back what it has */
	assert_int_equal(lockc_io_begin(A, a, 0, 10, true), LK_OK);
	lockc_io_end(A, a);
	assert_int_equal(lockc_break_ack(A, a, LEASE_ALL), LK_NOT_ACCEPTED);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R | LEASE_H), LK_OK);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	assert_int_equal(p.o->rec.lease.state, LEASE_R | LEASE_H);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R), LK_NOT_BREAKING);
	/* a write breaks what the other one reads from its cache, and is told before it begins */
	assert_false(p.o->write_permit);
	assert_true(p.o->permit);
	assert_int_equal(lockc_io_begin(B, p.o, 0, 10, true), LK_OK);
	assert_int_equal(heard.n, 2);
	assert_ptr_equal(heard.o, a);
	assert_int_equal(heard.last.to, 0);
	lockc_io_end(B, p.o);
	/* nobody else reads from a cache now */
	for (int i = 0; i < 500 && !p.o->write_permit; i++)
		task_sleep(MS);
	assert_true(p.o->write_permit);
	assert_int_equal(lockc_close(A, a), 0);
	assert_int_equal(lockc_close(B, p.o), 0);
	cluster_free(cl);
}

/* Several opens give their permits back before somebody else may read from a cache. */
static void many_writers(void)
{
	struct opener p = { 0 };
	struct lk_open *a[3];
	struct rec_open w;

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(a); i++) {
		w = want(&key, RD | WR, SH_ALL);
		a[i] = must_grant(i == 1 ? B : A, &w);
		assert_true(a[i]->write_permit);
	}
	p = (struct opener){ .c = B, .w = wanted(2, 2, LEASE_ALL) };
	start(&p);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	assert_int_equal(p.o->rec.lease.state, LEASE_R | LEASE_H);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		assert_false(a[i]->write_permit);
	assert_int_equal(lockc_close(B, p.o), 0);
	for (int i = 0; i < 500 && !a[2]->write_permit; i++)
		task_sleep(MS);
	assert_true(a[0]->write_permit && a[1]->write_permit && a[2]->write_permit);
	cluster_free(cl);
}

/* The client neither answers nor goes. */
static void silent(void)
{
	struct opener p = { 0 }, q = { 0 };
	struct lk_open *a, *x;
	struct rec_open w;

	begin();
	a = leased(A, 1, LEASE_ALL);
	p = (struct opener){ .c = B, .w = wanted(2, 0, LEASE_R) };
	q = (struct opener){ .c = B, .w = wanted(3, 2, LEASE_R), .how = LK_OPEN_OVERWRITE };
	start(&p);
	start(&q);
	assert_int_equal(heard.n, 1);
	/* others go on meanwhile: attributes, and another file */
	w = want(&key, ATTR, SH_ALL);
	x = must_grant(B, &w);
	assert_int_equal(lockc_close(B, x), 0);
	/* one of those that wait gives up */
	task_cancel(q.task);
	await(&q.ended);
	assert_int_equal(q.result, LK_CANCELLED);
	assert_false(p.ended);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	for (int i = 0; i < 1000 && a->rec.lease.state; i++)
		task_sleep(MS);
	assert_int_equal(a->rec.lease.state, 0);
	assert_int_equal(lockc_break_ack(A, a, 0), LK_NOT_BREAKING);
	cluster_free(cl);
}

/* Handles that are only kept for later do not make a sharing violation. */
static void sharing(void)
{
	struct opener p = { 0 };
	struct rec_open w;
	struct lk_open *a;

	begin();
	w = wanted(1, 2, LEASE_R | LEASE_H);
	w.share = SH_NONE;
	a = must_grant(A, &w);
	p = (struct opener){ .c = B, .w = wanted(2, 2, LEASE_R) };
	start(&p);
	await_heard(1);
	assert_int_equal(heard.last.to, LEASE_R);
	assert_int_equal(lockc_close(A, a), 0);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	cluster_free(cl);
}

static void oplocks(void)
{
	struct opener p = { 0 };
	struct lk_open *a;
	struct rec_open w;

	begin();
	w = wanted(1, 0, LEASE_ALL);
	a = must_grant(A, &w);
	assert_int_equal(a->rec.lease.state, LEASE_ALL);
	/* an oplock has no key: the same client breaks it, too */
	p = (struct opener){ .c = A, .w = wanted(1, 0, LEASE_ALL) };
	start(&p);
	await_heard(1);
	assert_ptr_equal(heard.o, a);
	assert_int_equal(heard.last.to, LEASE_R);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R), LK_OK);
	await(&p.ended);
	assert_int_equal(p.o->rec.lease.state, LEASE_R);
	/* level II goes with any write, one's own too (MS-FSA 2.1.4.12) */
	assert_int_equal(lockc_io_begin(A, a, 0, 10, true), LK_OK);
	lockc_io_end(A, a);
	await_heard(3);
	assert_int_equal(heard.last.to, 0);
	assert_false(heard.last.ack);
	assert_int_equal(a->rec.lease.state, 0);
	assert_int_equal(p.o->rec.lease.state, 0);
	for (int i = 0; i < 500 && !a->write_permit; i++)
		task_sleep(MS);
	assert_true(a->write_permit);
	cluster_free(cl);
}

/* The last one with level II: a write or a lock of its own ends it; of a lease neither does. */
static void oneself(void)
{
	struct lk_range r = { .offset = 0, .length = 10, .exclusive = true };
	static const struct lk_seq none = { 0, 0 };
	struct rec_open w;
	struct lk_open *a;

	begin();
	for (unsigned int i = 0; i < 4; i++) {
		w = wanted(1, i < 2 ? 0 : 1, LEASE_R);
		a = must_grant(A, &w);
		assert_int_equal(a->rec.lease.state, LEASE_R);
		heard.n = 0;
		if (i % 2) {
			assert_int_equal(lockc_lock(A, a, &r, 1, none, false, NULL, NULL), LK_OK);
		} else {
			assert_int_equal(lockc_io_begin(A, a, 0, 10, true), LK_OK);
			lockc_io_end(A, a);
		}
		if (i < 2)
			await_heard(1);
		assert_int_equal(heard.n, i < 2);
		assert_int_equal(a->rec.lease.state, i < 2 ? 0 : LEASE_R);
		assert_int_equal(lockc_close(A, a), 0);
	}
	cluster_free(cl);
}

/* Locks of others and cached reads do not go together. */
static void locks(void)
{
	struct lk_range r = { .offset = 0, .length = 10, .exclusive = true };
	struct lk_open *a, *b;
	struct rec_open w;

	begin();
	a = leased(A, 1, LEASE_R);
	b = leased(B, 2, LEASE_R);
	assert_int_equal(lockc_lock(B, b, &r, 1, (struct lk_seq){ 0, 0 }, false, NULL, NULL), LK_OK);
	assert_int_equal(heard.n, 1);
	assert_ptr_equal(heard.o, a);
	assert_false(heard.last.ack);
	assert_int_equal(a->rec.lease.state, 0);
	assert_int_equal(b->rec.lease.state, LEASE_R);
	assert_int_equal(lockc_close(A, a), 0);
	/* and what begins behind the file's end does not matter to who caches the file */
	r.offset = 4096;
	assert_int_equal(lockc_unlock(B, b, &(struct lk_range){ .length = 10 }, 1, (struct lk_seq){ 0, 0 }), LK_OK);
	assert_int_equal(lockc_lock(B, b, &r, 1, (struct lk_seq){ 0, 0 }, false, NULL, NULL), LK_OK);
	for (uint64_t size = 0; size <= 8192; size += 4096) {
		w = wanted(1, 2, LEASE_R | LEASE_H);
		w.allocated = size;
		a = must_grant(A, &w);
		assert_int_equal(a->rec.lease.state, size > 4096 ? 0 : LEASE_R | LEASE_H);
		assert_int_equal(a->rec.lease.epoch, size > 4096 ? 10 : 11);
		assert_int_equal(lockc_close(A, a), 0);
	}
	assert_int_equal(lockc_close(B, b), 0);
	cluster_free(cl);
}

static void rename_waits(struct opener *p, bool *ended)
{
	assert_int_equal(lockc_rename(p->c, p->o, "dir/other"), LK_OK);
	*ended = true;
}

static struct opener renamer;
static bool renamed;

static void rename_task(void *arg)
{
	rename_waits(&renamer, &renamed);
}

static void rename_gives_up(void *arg)
{
	renamer.task = task_current();
	renamer.result = lockc_rename(renamer.c, renamer.o, "dir/other");
	renamed = true;
}

static void renames(void)
{
	struct lk_open *a;

	begin();
	renamed = false;
	a = leased(A, 1, LEASE_R | LEASE_H);
	renamer = (struct opener){ .c = B, .o = leased(B, 2, 0) };
	spawn(rename_task, NULL, NULL);
	await_heard(1);
	assert_int_equal(heard.last.to, LEASE_R);
	assert_false(renamed);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R), LK_OK);
	await(&renamed);
	cluster_free(cl);
}

/* Who waits for a break gives up: nothing was renamed, and the break goes on. */
static void gives_up(void)
{
	struct lk_open *a;
	struct task *t;

	begin();
	renamed = false;
	a = leased(A, 1, LEASE_R | LEASE_H);
	renamer = (struct opener){ .c = B, .o = leased(B, 2, 0), .result = -1 };
	spawn(rename_gives_up, NULL, NULL);
	await_heard(1);
	t = renamer.task;
	assert_non_null(t);
	task_cancel(t);
	await(&renamed);
	assert_int_equal(renamer.result, LK_CANCELLED);
	assert_string_equal(a->rec.path, "dir/file");
	assert_true(a->rec.lease.breaking);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R), LK_OK);
	assert_string_equal(a->rec.path, "dir/file");
	cluster_free(cl);
}

/* A CREATE is sent again while it still waits (3.3.5.9.10), and once it is done. */
static void replays(void)
{
	struct opener p = { 0 };
	struct rec_open w;
	struct lk_open *a, *b = NULL;

	begin();
	a = leased(A, 1, LEASE_ALL);
	w = wanted(2, 2, LEASE_R);
	w.has_create_guid = true;
	memset(w.create_guid.b, 7, 16);
	p = (struct opener){ .c = B, .w = w };
	start(&p);
	await_heard(1);
	assert_int_equal(lockc_open(B, &w, LK_OPEN_REPLAY, &b), LK_FILE_NOT_AVAILABLE);
	assert_false(p.ended);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R | LEASE_H), LK_OK);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	assert_int_equal(lockc_open(B, &w, LK_OPEN_REPLAY, &b), LK_REPLAYED);
	assert_ptr_equal(b, p.o);
	cluster_free(cl);
}

/* Its client is away: what is broken is owed to it, and it hears of it when it comes back, elsewhere. */
static void owed(void)
{
	struct opener p = { 0 };
	struct rec_open w = { 0 };
	struct lk_reclaim q;
	struct lk_open *a, *b;

	begin();
	w = want_persistent(&key, RD | WR, SH_ALL);
	memset(w.client_guid.b, 1, 16);
	w.lease = (struct rec_lease){ .present = true, .version = 2, .state = LEASE_ALL };
	memset(w.lease.key.b, 1, 16);
	a = must_grant(A, &w);
	assert_int_equal(a->rec.lease.state, LEASE_ALL);
	q = reclaim_of(&a->rec);
	q.path = "dir/file";
	q.share_name = "data";
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	heard.deaf = true;
	p = (struct opener){ .c = B, .w = wanted(2, 2, LEASE_R) };
	start(&p);
	assert_false(p.ended);
	/* a wrong key is not its lease */
	q.has_lease = true;
	memset(q.lease_key.b, 9, 16);
	assert_int_equal(lockc_reclaim(B, &q, &b), LK_NOT_FOUND);
	q.has_lease = false;
	assert_int_equal(lockc_reclaim(B, &q, &b), LK_NOT_FOUND);
	q.has_lease = true;
	q.lease_key = w.lease.key;
	assert_int_equal(lockc_reclaim(B, &q, &b), LK_OK);
	assert_true(b->rec.lease.breaking);
	assert_int_equal(b->rec.lease.state, LEASE_ALL);
	heard.deaf = false;
	lockc_tell_break(B, b); /* as CREATE does once the client knows of the open */
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.last.epoch, 2); /* the client knows 1 */
	assert_int_equal(heard.last.to, LEASE_R | LEASE_H);
	assert_false(p.ended);
	assert_int_equal(lockc_break_ack(B, b, LEASE_R | LEASE_H), LK_OK);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	cluster_free(cl);
}

/* Who was turned away makes no difference but in the epoch, which goes on from the client's; and a
 * break that it heard of before it left comes in a newer one. */
static void epochs(void)
{
	struct opener p = { 0 };
	struct rec_open w = { 0 };
	struct lk_reclaim q;
	struct lk_open *a, *b, *other;
	struct lk_range l = { .offset = 0, .length = 1, .exclusive = true };

	begin();
	w = want_persistent(&key, RD | WR, SH_ALL);
	memset(w.client_guid.b, 1, 16);
	w.lease = (struct rec_lease){ .present = true, .version = 2, .state = LEASE_R };
	memset(w.lease.key.b, 1, 16);
	a = must_grant(A, &w);
	assert_int_equal(a->rec.lease.epoch, 1);
	q = reclaim_of(&a->rec);
	q.path = "dir/file";
	q.share_name = "data";
	q.has_lease = q.has_epoch = true;
	q.lease_key = w.lease.key;
	q.epoch = 128;
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	assert_int_equal(lockc_reclaim(B, &q, &b), LK_OK); /* nobody came */
	assert_int_equal(b->rec.lease.epoch, 1);
	assert_int_equal(lockc_disconnect(B, b), LK_OK);
	p.w = wanted(2, 2, LEASE_R);
	assert_int_equal(lockc_open(A, &p.w, 0, &a), LK_FILE_NOT_AVAILABLE);
	assert_int_equal(lockc_reclaim(A, &q, &a), LK_OK);
	assert_int_equal(a->rec.lease.state, LEASE_R);
	assert_int_equal(a->rec.lease.epoch, 129);
	assert_int_equal(lockc_close(A, a), 0);

	/* with byte-range locks handles are waited for only while writes are cached */
	w.lease.state = LEASE_R | LEASE_H;
	a = must_grant(A, &w);
	assert_int_equal(lockc_lock(A, a, &l, 1, (struct lk_seq){ 0, 0 }, false, NULL, NULL),
			 LK_OK);
	q.id = a->rec.id;
	q.epoch = 1;
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	assert_int_equal(lockc_open(B, &p.w, 0, &b), LK_FILE_NOT_AVAILABLE);
	assert_int_equal(lockc_reclaim(B, &q, &b), LK_OK);
	assert_int_equal(b->rec.lease.state, 0);
	assert_int_equal(b->rec.n_locks, 1);
	assert_int_equal(lockc_close(B, b), 0);

	/* those of another open of the lease count as well, though that one is back */
	w.lease.state = LEASE_R | LEASE_H;
	a = must_grant(A, &w);
	assert_int_equal(lockc_lock(A, a, &l, 1, (struct lk_seq){ 0, 0 }, false, NULL, NULL), LK_OK);
	memset(w.create_guid.b, 77, 16);
	b = must_grant(A, &w);
	assert_int_equal(b->rec.lease.state, LEASE_R | LEASE_H);
	assert_int_equal(lockc_disconnect(A, b), LK_OK);
	assert_int_equal(lockc_open(B, &p.w, 0, &other), LK_FILE_NOT_AVAILABLE);
	assert_int_equal(lockc_close(A, a), 0);
	other = must_grant(B, &p.w); /* they are gone: its client can be asked, and keeps what it has */
	assert_int_equal(lockc_close(B, other), 0);
	q.id = b->rec.id;
	q.create_guid = w.create_guid;
	assert_int_equal(lockc_reclaim(A, &q, &b), LK_OK);
	assert_int_equal(lockc_close(A, b), 0);

	w.lease.state = LEASE_ALL;
	a = must_grant(A, &w);
	p = (struct opener){ .c = B, .w = wanted(2, 2, LEASE_R) };
	start(&p);
	await_heard(1);
	assert_int_equal(heard.last.epoch, 2);
	q.id = a->rec.id;
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	assert_int_equal(lockc_reclaim(A, &q, &a), LK_OK);
	assert_true(a->rec.lease.breaking);
	lockc_tell_break(A, a);
	await_heard(2);
	assert_int_equal(heard.last.epoch, 3);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R | LEASE_H), LK_OK);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	cluster_free(cl);
}

/* A durable handle lives as long as it may be kept. */
static void durable(void)
{
	struct rec_open w;
	struct lk_reclaim q;
	struct lk_open *a, *b;

	begin();
	w = wanted(1, 0, LEASE_ALL);
	w.durable = true;
	w.timeout_ms = 60000;
	a = must_grant(A, &w);
	assert_true(a->rec.durable);
	q = reclaim_of(&a->rec);
	q.path = "dir/file";
	q.share_name = "data";
	assert_int_equal(lockc_disconnect(A, a), LK_OK);
	assert_int_equal(lockc_reclaim(A, &q, &b), LK_OK);
	assert_int_equal(b->rec.lease.state, LEASE_ALL);
	assert_int_equal(lockc_disconnect(A, b), LK_OK);
	/* nobody can be asked for the batch oplock of a client that is away: the handle ends */
	w = wanted(2, 2, LEASE_ALL);
	b = must_grant(B, &w);
	assert_int_equal(b->rec.lease.state, LEASE_ALL);
	assert_int_equal(lockc_reclaim(A, &q, &a), LK_NOT_FOUND);
	assert_int_equal(lockc_close(B, b), 0);
	/* level II is no reason to be durable */
	w = wanted(1, 0, LEASE_R);
	w.durable = true;
	a = must_grant(A, &w);
	assert_false(a->rec.durable);
	cluster_free(cl);
}

/* The owner dies in the middle of a break: the next one goes on with it, and the client is not asked twice. */
static void owner_dies(void)
{
	struct opener p = { 0 };
	struct lk_open *a;

	cl = cluster_new(3, 1, 64);
	cl->delay = MS;
	memset(&heard, 0, sizeof(heard));
	key = key_owned_by(cl, 3, 0);
	a = leased(cl->nodes[0].w[0], 1, LEASE_ALL);
	p = (struct opener){ .c = cl->nodes[1].w[0], .w = wanted(2, 2, LEASE_R) };
	start(&p);
	await_heard(1);
	cluster_crash(cl, 3);
	cluster_view(cl);
	cluster_settle(cl);
	task_sleep(50 * MS);
	assert_false(p.ended);
	assert_int_equal(heard.n, 1);
	assert_int_equal(lockc_break_ack(cl->nodes[0].w[0], a, LEASE_R | LEASE_H), LK_OK);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	assert_int_equal(a->rec.lease.state, LEASE_R | LEASE_H);
	cluster_free(cl);
}

/* The holder's node dies: nobody waits for its client. */
static void holder_dies(void)
{
	struct opener p = { 0 };

	cl = cluster_new(3, 1, 64);
	cl->delay = MS;
	memset(&heard, 0, sizeof(heard));
	key = key_owned_by(cl, 3, 0);
	leased(cl->nodes[0].w[0], 1, LEASE_ALL);
	p = (struct opener){ .c = cl->nodes[1].w[0], .w = wanted(2, 2, LEASE_ALL) };
	start(&p);
	await_heard(1);
	cluster_crash(cl, 1);
	cluster_view(cl);
	await(&p.ended);
	assert_int_equal(p.result, LK_OK);
	assert_int_equal(p.o->rec.lease.state, LEASE_ALL);
	cluster_free(cl);
}

static void set_hooks(void)
{
	cluster_broken = on_broken;
	cluster_break_ms = BREAK_MS;
}

static void all(void **state, void (*body)(void))
{
	static const uint32_t shapes[][2] = { { 1, 1 }, { 1, 2 }, { 2, 1 } };

	set_hooks();
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		shape_nodes = shapes[i][0];
		shape_workers = shapes[i][1];
		run_on_loop(body);
	}
}

static void once(void (*body)(void))
{
	set_hooks();
	run_on_loop(body);
}

static void test_one_lease(void **state) { all(state, one_lease); }
static void test_breaks(void **state) { all(state, breaks); }
static void test_many_writers(void **state) { all(state, many_writers); }
static void test_silent(void **state) { all(state, silent); }
static void test_sharing(void **state) { all(state, sharing); }
static void test_oplocks(void **state) { all(state, oplocks); }
static void test_oneself(void **state) { all(state, oneself); }
static void test_locks(void **state) { all(state, locks); }
static void test_renames(void **state) { all(state, renames); }
static void test_gives_up(void **state) { all(state, gives_up); }
static void test_replays(void **state) { all(state, replays); }
static void test_owed(void **state) { all(state, owed); }
static void test_epochs(void **state) { all(state, epochs); }
static void test_durable(void **state) { all(state, durable); }
static void test_owner_dies(void **state) { once(owner_dies); }
static void test_holder_dies(void **state) { once(holder_dies); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_lease), cmocka_unit_test(test_breaks),	  cmocka_unit_test(test_many_writers), cmocka_unit_test(test_silent),
		cmocka_unit_test(test_sharing),	  cmocka_unit_test(test_oplocks),	  cmocka_unit_test(test_oneself), cmocka_unit_test(test_locks),
		cmocka_unit_test(test_renames),	  cmocka_unit_test(test_gives_up), cmocka_unit_test(test_replays),	  cmocka_unit_test(test_owed),	  cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_durable),
		cmocka_unit_test(test_owner_dies), cmocka_unit_test(test_holder_dies),
	};

	return cmocka_run_group_tests_name("caching", tests, NULL, NULL);
}
