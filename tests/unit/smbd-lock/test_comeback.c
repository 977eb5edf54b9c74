/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients that come back: to several nodes at once, to and fro, after deaths: one home has the open in the end. */
#include "tests/unit/test.h"

#include "smbd/lock/core.h"
#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

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
	assert_int_equal(lockc_open(old, &w, 0, &a), LK_OK);
	assert_int_equal(rec_open_copy(&a->rec, &saved), 0);
	assert_int_equal(lockc_open(third, &other, 0, &o), LK_OK);
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

	assert_int_equal(lockc_open(here, &w, 0, &a), LK_OK);
	assert_int_equal(rec_open_copy(&a->rec, &saved), 0);
	q = reclaim_of(&saved);
	n->left = true;
	assert_int_equal(lockc_reclaim(left, &q, &x), -ECANCELED);
	assert_int_equal(lockc_open(left, &w, LK_OPEN_REPLAY, &x), -ECANCELED);
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

static struct lockc *worker(const struct cluster *cl, uint32_t node)
{
	return cl->nodes[node - 1].w[1];
}

static int lock(struct lockc *c, struct lk_open *o, uint64_t offset)
{
	const struct lk_range r = { .offset = offset, .length = 10, .exclusive = true };

	return lockc_lock(c, o, &r, 1, (struct lk_seq){ 0 }, false, NULL, NULL);
}

static uint64_t store_writes(const struct cluster *cl)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < cl->n; i++)
		for (uint32_t w = 0; cl->nodes[i].incarnation && w < cl->nodes[i].workers; w++) {
			struct lk_stats st;

			lockc_stats(cl->nodes[i].w[w], &st);
			sum += st.store_writes;
		}
	return sum;
}

/* A home dies and its open is reclaimed, without a write; the record that says nothing of it is enough when owner and home
 * die next, and when the owner alone dies. */
static void death_costs_no_write(void)
{
	struct cluster *cl = cluster_new(3, 2, 64);
	struct file_key k = key_owned_by(cl, 1, 0);
	struct rec_open w = want_persistent(&k, RD | WR, SH_ALL), saved;
	struct lk_open *p, *x;
	struct lk_reclaim q;
	uint64_t before;

	cl->delay = 2 * MS;
	assert_int_equal(lockc_open(worker(cl, 2), &w, 0, &p), LK_OK);
	assert_int_equal(rec_open_copy(&p->rec, &saved), 0);
	q = reclaim_of(&saved);
	assert_int_equal(lock(worker(cl, 2), p, 0), LK_OK);
	cluster_crash(cl, 2);
	before = store_writes(cl);
	assert_true(before > 0);
	cluster_view(cl);
	cluster_settle(cl);
	assert_int_equal(lockc_reclaim(worker(cl, 3), &q, &p), LK_OK);
	assert_int_equal(p->rec.n_locks, 1);
	assert_int_equal(store_writes(cl), before);
	/* the owner dies: the home's word is newer than the record */
	cluster_crash(cl, 1);
	before = store_writes(cl);
	cluster_view(cl);
	cluster_settle(cl);
	assert_int_equal(store_writes(cl), before);
	assert_int_equal(lockc_reclaim(worker(cl, 3), &q, &x), LK_NOT_FOUND); /* connected at this very node */
	assert_int_equal(lock(worker(cl, 3), p, 20), LK_OK);
	/* everybody dies */
	cluster_start(cl, 1);
	cluster_start(cl, 2);
	cluster_view(cl);
	for (uint32_t n = 1; n <= 3; n++)
		cluster_crash(cl, n);
	for (uint32_t n = 1; n <= 3; n++)
		cluster_start(cl, n);
	cluster_view(cl);
	assert_int_equal(lockc_reclaim(worker(cl, 2), &q, &p), LK_OK);
	assert_int_equal(p->rec.n_locks, 2);
	assert_int_equal(p->rec.locks[1].offset, 20);
	assert_int_equal(lockc_close(worker(cl, 2), p), 0);
	assert_int_equal(mem_store_count(cl->store), 0);
	rec_open_done(&saved);
	cluster_free(cl);
}

/* Whoever does not come back has his deadline stored; from then on a reclaim is written, so that it does not pass. */
struct call {
	struct lockc *c;
	const struct rec_open *w;
	struct lk_open *o;
	int result;
	bool ended;
};

static void open_it(void *arg)
{
	struct call *k = arg;

	k->result = lockc_open(k->c, k->w, 0, &k->o);
	k->ended = true;
}

static void lock_it(void *arg)
{
	const struct lk_range r = { .offset = 0, .length = 10, .exclusive = true };
	struct call *k = arg;

	k->result = lockc_lock(k->c, k->o, &r, 1, (struct lk_seq){ 0 }, false, NULL, NULL);
	k->ended = true;
}

/* An owner dies when it has written a persistent open, and before it says so. The home of that open is the next owner: while it settles
 * it gives permits back, also to this open, takes that one as disconnected, grants a lock to another, and gives the open to those who ask
 * again, without a permit. The permit that it gave first does not arrive last. */
static void a_permit_is_not_late(void)
{
	for (unsigned int round = 0; round < 16; round++) {
		struct cluster *cl = cluster_new(2, 1, 64);
		struct file_key key = key_owned_by(cl, 2, 0);
		struct rec_open x = want(&key, RD | WR, SH_ALL), p = want_persistent(&key, RD | WR, SH_ALL), y = p;
		struct call locker = { .c = cl->nodes[0].w[0] }, opener = { .c = cl->nodes[0].w[0], .w = &p };

		locker.o = must_grant(locker.c, &x);
		for (uint8_t i = 0; i < 8; i++) { /* what dies with the owner, after which permits are given */
			y.client_guid.b[0] = 2 + i;
			must_grant(cl->nodes[1].w[0], &y);
		}
		mem_store_delay(cl->store, 5 * MS);
		spawn(open_it, &opener, NULL);
		task_sleep(2 * MS);
		spawn(lock_it, &locker, NULL);
		cluster_crash(cl, 2);
		task_sleep(20 * MS); /* what is on its way to the store gets there */
		cluster_view(cl);
		for (int i = 0; i < 3000 && !(opener.ended && locker.ended); i++)
			task_sleep(MS);
		assert_int_equal(opener.result, LK_OK);
		assert_int_equal(locker.result, LK_OK);
		task_sleep(MS);
		assert_int_equal(lockc_io_begin(opener.c, opener.o, 0, 1, true), LK_LOCK_CONFLICT);
		cluster_free(cl);
	}
}

static void test_a_permit_is_not_late(void **state)
{
	run_on_loop(a_permit_is_not_late);
}

static void test_deadline_is_stored_later(void **state)
{
	const struct lk_limits limits = { .opens_per_file = 10 };
	struct file_key k = key_of(5);
	struct rec_open w = want_persistent(&k, RD, SH_ALL), r;
	struct view *v = view_new(1);
	uint64_t now = 1000000 * MS;
	struct lease_stats counts = { 0 };
	struct lk_core c;
	struct lk_ent *e;
	struct fx fx;

	v->epoch = 9;
	v->members[0] = (struct view_member){ .node_id = 1, .incarnation = 11, .workers = 1 };
	core_init(&c, 0, &limits, &counts);
	c.view = v;
	assert_int_equal(rec_open_copy(&w, &r), 0);
	r.id = 7ULL << 16;
	r.version = 3;
	r.timeout_ms = 60000;
	r.home_node = 2;
	r.home_incarnation = 22;
	assert_int_equal(core_load(&c, &r), 0);
	fx_init(&fx);
	core_serve(&c, now, &fx);
	e = core_find(&c, 7ULL << 16);
	assert_true(e->rec.disconnected);
	assert_true(e->rec.version > 9ULL << 32);
	core_scavenge(&c, now + 9000 * MS, &fx);
	assert_int_equal(fx.n_ids, 0);
	core_scavenge(&c, now + 11000 * MS, &fx);
	assert_int_equal(fx.n_ids, 1);
	assert_true(e->rec.deadline == now + 60000 * MS);
	core_stored(e);
	fx_done(&fx);
	core_scavenge(&c, now + 59000 * MS, &fx);
	assert_int_equal(fx.n_ids, 0);
	assert_ptr_equal(core_find(&c, 7ULL << 16), e);
	core_scavenge(&c, now + 61000 * MS, &fx);
	assert_int_equal(fx.n_ids, 1);
	assert_null(core_find(&c, 7ULL << 16));
	fx_done(&fx);
	core_done(&c);
	view_unref(v);
}

static struct view *view_of_two(void)
{
	struct view *v = view_new(2);

	v->epoch = 9;
	v->members[0] = (struct view_member){ .node_id = 1, .incarnation = 11, .workers = 1 };
	v->members[1] = (struct view_member){ .node_id = 2, .incarnation = 22, .workers = 1 };
	return v;
}

/* What a home says of an open when the slot has a new owner; it moves. */
static struct lk_msg said(const struct place *home, const struct rec_open *like, uint64_t version)
{
	struct lk_msg m = { .kind = LKM_REASSERT, .from = *home, .flags = LKF_HAS_REC };

	assert_int_equal(rec_open_copy(like, &m.rec), 0);
	m.rec.version = version;
	m.rec.home_node = home->node;
	m.rec.home_worker = home->worker;
	m.rec.home_incarnation = home->incarnation;
	return m;
}

/* An open went from one home to another one while its slot changed hands: both name it. Whichever is heard first, the
 * later one has it, and the other one hears so. */
static void test_two_homes_name_it(void **state)
{
	const struct lk_limits limits = { .opens_per_file = 10 };
	const struct place was = { .node = 1, .incarnation = 11 }, is = { .node = 2, .incarnation = 22 };
	struct file_key k = key_of(5);
	struct rec_open w = want_persistent(&k, RD, SH_ALL), r;
	struct view *v = view_of_two();

	w.id = 7ULL << 16;
	for (int late = 0; late < 2; late++) {
		struct lk_msg a = said(&was, &w, 3), b = said(&is, &w, 4);
		const struct fx_out *o;
		struct lease_stats counts = { 0 };
		struct lk_core c;
		struct fx fx;

		core_init(&c, 0, &limits, &counts);
		c.view = v;
		assert_int_equal(rec_open_copy(&w, &r), 0);
		r.version = 2;
		assert_int_equal(core_load(&c, &r), 0);
		fx_init(&fx);
		core_assert(&c, late ? &b : &a, MS, &fx);
		core_assert(&c, late ? &a : &b, MS, &fx);
		core_serve(&c, MS, &fx);
		assert_int_equal(core_find(&c, w.id)->rec.home_node, 2);
		assert_false(core_find(&c, w.id)->rec.disconnected);
		assert_int_equal(core_find(&c, w.id)->rec.version, 4);
		o = list_first(&fx.outs, struct fx_out, link);
		assert_non_null(o);
		assert_true(place_equal(&o->to, &was));
		assert_true(o->msg.flags & LKF_GONE);
		assert_int_equal(o->msg.outcome, LK_GONE_MOVED);
		fx_done(&fx);
		core_done(&c);
		msg_done(&a);
		msg_done(&b);
	}
	view_unref(v);
}

static struct lk_msg asks(enum lk_kind kind, const struct place *from, uint64_t req)
{
	return (struct lk_msg){ .kind = kind, .from = *from, .req = req };
}

static struct lk_msg asks_open(const struct place *from, uint64_t req, const struct rec_open *w)
{
	struct lk_msg m = asks(LKM_OPEN, from, req);

	m.flags = LKF_HAS_REC;
	assert_int_equal(rec_open_copy(w, &m.rec), 0);
	return m;
}

/* Lets the core decide `m`, and returns a copy (nothing of what it points to) of the one message that is sent to `to`. */
static struct lk_msg decided(struct lk_core *c, struct lk_msg *m, const struct place *to)
{
	struct lk_msg ret = { 0 };
	const struct fx_out *o;
	struct fx fx;

	fx_init(&fx);
	core_handle(c, m, MS, &fx);
	list_foreach(o, &fx.outs, link)
		if (place_equal(&o->to, to)) {
			assert_int_equal(ret.kind, 0);
			ret = o->msg;
		}
	fx_done(&fx);
	msg_done(m);
	return ret;
}

/* The reply to an open was lost, and it is asked for again while its permit is being taken back for another's lock. The home hears
 * of the recall, of which it thinks nothing, and then of the open: without the permit. */
static void test_recalled_permit_stays_so(void **state)
{
	const struct lk_limits limits = { .opens_per_file = 10, .locks_per_open = 10 };
	const struct place one = { .node = 1, .incarnation = 11 }, two = { .node = 2, .incarnation = 22 };
	struct file_key k = key_of(5);
	struct rec_open w = want(&k, RD | WR, SH_ALL);
	struct view *v = view_of_two();
	struct lk_msg m, got, note;
	struct lease_stats counts = { 0 };
	struct lk_core c;

	core_init(&c, 0, &limits, &counts);
	c.view = v;
	m = asks_open(&one, 101, &w);
	got = decided(&c, &m, &one);
	assert_int_equal(got.outcome, LK_OK);
	assert_true(got.flags & LKF_PERMIT);
	w.client_guid.b[0]++;
	m = asks_open(&two, 201, &w);
	got = decided(&c, &m, &two);

	m = asks(LKM_LOCK, &two, 202);
	m.id = got.id;
	m.n_ranges = 1;
	m.ranges[0] = (struct lk_range){ .offset = 0, .length = 10, .exclusive = true };
	note = decided(&c, &m, &one);
	assert_int_equal(note.kind, LKM_NOTE);
	assert_true(note.flags & LKF_RECALL);

	w.client_guid.b[0]--;
	m = asks_open(&one, 101, &w);
	got = decided(&c, &m, &one);
	assert_int_equal(got.outcome, LK_OK);
	assert_true(got.flags & LKF_HAS_REC);
	assert_false(got.flags & (LKF_PERMIT | LKF_WRITE_PERMIT));

	m = asks(LKM_NOTE_ACK, &one, note.req);
	m.id = note.id;
	got = decided(&c, &m, &two);
	assert_int_equal(got.kind, LKM_REPLY);
	assert_int_equal(got.outcome, LK_OK);
	core_done(&c);
	view_unref(v);
}

static void test_death_costs_no_write(void **state)
{
	run_on_loop(death_costs_no_write);
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
		cmocka_unit_test(test_death_costs_no_write),
		cmocka_unit_test(test_deadline_is_stored_later),
		cmocka_unit_test(test_two_homes_name_it),
		cmocka_unit_test(test_recalled_permit_stays_so),
		cmocka_unit_test(test_a_permit_is_not_late),
	};

	return cmocka_run_group_tests_name("lock comeback", tests, NULL, NULL);
}
