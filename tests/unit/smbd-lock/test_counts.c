/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is counted of leases and oplocks: which event is which count, and every count between
 * clients, owners and homes, exactly; and that a count stays when the slot goes to another owner.
 */
#include "tests/unit/test.h"

#include <string.h>

#include "node/base/clock.h"
#include "smbd/lock/counts.h"
#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"

#define BREAK_MS 1500
#define RH (LEASE_R | LEASE_H)

static struct cluster *cl;
static struct lockc *A, *B; /* two homes; A's worker or node owns the file */
static struct file_key key;
static uint32_t shape_nodes, shape_workers;
static bool deaf; /* no client has a connection */
static unsigned int heard;
static struct lease_stats seen; /* of all workers, when it was looked at last */

static bool on_broken(void *arg, struct lk_open *o, const struct lk_break *b)
{
	heard += !deaf;
	return !deaf;
}

/* --- what is expected --- */

static struct lease_stats now(void)
{
	struct lease_stats sum = { 0 };
	struct lk_stats st;

	for (uint32_t i = 0; i < cl->n; i++)
		for (uint32_t w = 0; cl->nodes[i].incarnation && w < cl->nodes[i].workers; w++) {
			lockc_stats(cl->nodes[i].w[w], &st);
			lease_stats_add(&sum, &st.leases);
		}
	return sum;
}

static uint64_t answered(const struct lease_stats *s)
{
	return s->in_10ms + s->in_100ms + s->in_1s + s->in_10s + s->in_more;
}

static void forget_times(struct lease_stats *s)
{
	s->in_10ms = s->in_100ms = s->in_1s = s->in_10s = s->in_more = s->sum_ms = s->max_ms = 0;
}

/* Since the last look exactly this was counted, but for times: every break that a client has ended
 * has one. */
static void counted(struct lease_stats expected)
{
	struct lease_stats n = now(), was = seen;

	assert_int_equal(answered(&n), n.acked + n.closed);
	assert_true(n.sum_ms <= answered(&n) * n.max_ms);
	seen = n;
	forget_times(&n);
	forget_times(&was);
#define LEASE_STAT(field, join, name, about)                        \
	if (n.field - was.field != expected.field)                  \
		fail_msg("%s: %llu more, not %llu", name,           \
			 (unsigned long long)(n.field - was.field), \
			 (unsigned long long)expected.field);
#include "clusterd/client/lease_stats.def"
}
#define COUNTED(...) counted((struct lease_stats){ __VA_ARGS__ })

/* --- pure --- */

static void test_events(void **state)
{
	struct rec_lease l = { .present = true, .version = 2 };
	struct lease_stats c = { 0 }, want = { .lease_r = 1,
					       .lease_rh = 1,
					       .lease_rw = 1,
					       .lease_rwh = 1,
					       .dir_r = 1,
					       .dir_rh = 1,
					       .oplock_ii = 1,
					       .oplock_exclusive = 1,
					       .oplock_batch = 1 };
	const uint32_t states[] = { 0, LEASE_R, RH, LEASE_R | LEASE_W, LEASE_ALL };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		l.state = states[i];
		l.version = 1 + i % 2;
		counts_granted(&c, &l, false);
		if (i < 3)
			counts_granted(&c, &l, true);
		l.version = 0;
		if (states[i] != RH)
			counts_granted(&c, &l, false);
	}
	assert_memory_equal(&c, &want, sizeof(c));

	c = (struct lease_stats){ 0 };
	want = (struct lease_stats){ .breaks = 6,
				     .told = 2,
				     .break_open = 1,
				     .break_overwrite = 1,
				     .break_handle = 1,
				     .break_write = 1,
				     .break_entry = 1,
				     .break_next = 1 };
	counts_break(&c, LEASE_QUIET, LEASE_OP_OPEN, false);
	counts_break_next(&c, LEASE_QUIET);
	counts_break(&c, LEASE_ASKED, LEASE_OP_OPEN, false);
	counts_break(&c, LEASE_ASKED, LEASE_OP_OVERWRITE, false);
	counts_break(&c, LEASE_ASKED, LEASE_OP_HANDLE, true);
	counts_break(&c, LEASE_TOLD, LEASE_OP_WRITE, false);
	counts_break(&c, LEASE_ASKED, LEASE_OP_WRITE, true);
	counts_break_next(&c, LEASE_TOLD);
	assert_memory_equal(&c, &want, sizeof(c));
}

static void test_times(void **state)
{
	static const uint64_t ms[] = { 0, 10, 11, 100, 101, 1000, 1001, 10000, 10001, 35000 };
	struct lease_stats c = { 0 }, d = { .max_ms = 5, .sum_ms = 5, .in_10ms = 1 };

	for (size_t i = 0; i < ARRAY_SIZE(ms); i++)
		counts_took(&c, ms[i] * NSEC_PER_MSEC);
	assert_int_equal(c.in_10ms, 2);
	assert_int_equal(c.in_100ms, 2);
	assert_int_equal(c.in_1s, 2);
	assert_int_equal(c.in_10s, 2);
	assert_int_equal(c.in_more, 2);
	assert_int_equal(c.sum_ms, 57224);
	assert_int_equal(c.max_ms, 35000);
	lease_stats_add(&d, &c);
	assert_int_equal(d.max_ms, 35000);
	assert_int_equal(d.sum_ms, 57229);
	assert_int_equal(d.in_10ms, 3);
	lease_stats_add(&c, &(struct lease_stats){ .max_ms = 35001 });
	assert_int_equal(c.max_ms, 35001);
}

/* --- between clients --- */

static void begin(void)
{
	cl = cluster_new(shape_nodes, shape_workers, 64);
	cl->delay = MS;
	for (uint32_t i = 0; i < cl->n; i++)
		cl->nodes[i].dirs_armed = true;
	A = cl->nodes[0].w[0];
	B = cl->nodes[shape_nodes > 1 ? 1 : 0].w[shape_workers > 1 ? 1 : 0];
	key = key_owned_by(cl, 1, 0);
	deaf = false;
	heard = 0;
	seen = (struct lease_stats){ 0 };
}

static struct rec_open wanted(uint8_t client, uint8_t version, uint32_t state)
{
	return want_leased(&key, client, version, state);
}

static struct lk_open *granted(struct lockc *c, uint8_t client, uint8_t version, uint32_t state)
{
	struct rec_open w = wanted(client, version, state);

	return must_grant(c, &w);
}

/* An OPEN in a task of its own, which waits for a break. */
struct opener {
	struct lockc *c;
	struct rec_open w;
	unsigned int how;
	struct lk_open *o;
	bool begun, ended;
};

static void open_task(void *arg)
{
	struct opener *p = arg;

	p->begun = true;
	assert_int_equal(lockc_open(p->c, &p->w, p->how, &p->o), LK_OK);
	p->ended = true;
}

static void await(const bool *flag)
{
	for (int i = 0; i < 60000 && !*flag; i++)
		task_sleep(MS);
	assert_true(*flag);
}

static void await_heard(unsigned int n)
{
	for (int i = 0; i < 60000 && heard < n; i++)
		task_sleep(MS);
	assert_int_equal(heard, n);
}

/* What waits until the `n`-th break from the start was told. */
static void start(struct opener *p, unsigned int n)
{
	p->begun = p->ended = false;
	spawn(open_task, p, NULL);
	await_heard(n);
}

static void leases(void)
{
	struct opener p = { 0 };
	struct lk_open *a, *a2;

	begin();
	a = granted(A, 1, 2, LEASE_R);
	COUNTED(.lease_r = 1);
	/* the same lease: more of it, then nothing new */
	a2 = granted(A, 1, 2, LEASE_ALL);
	COUNTED(.lease_rwh = 1, .raised = 1);
	assert_int_equal(lockc_close(A, a2), LK_OK);
	a2 = granted(A, 1, 2, RH);
	assert_int_equal(lockc_close(A, a2), LK_OK);
	COUNTED(0);
	/* another client: less than it asks for, once the first has written back */
	p = (struct opener){ .c = B, .w = wanted(2, 2, LEASE_ALL) };
	start(&p, 1);
	COUNTED(.breaks = 1, .break_open = 1);
	assert_int_equal(lockc_break_ack(A, a, LEASE_ALL), LK_NOT_ACCEPTED);
	assert_int_equal(lockc_break_ack(A, a, RH), LK_OK);
	await(&p.ended);
	COUNTED(.acked = 1, .ack_not_accepted = 1, .lease_rh = 1, .less = 1);
	assert_int_equal(lockc_break_ack(A, a, RH), LK_NOT_BREAKING);
	COUNTED(.ack_not_breaking = 1);
	/* a write: of RH an acknowledgement is asked for; of R, which it then leaves, it is not */
	assert_int_equal(lockc_io_begin(B, p.o, 0, 10, true), LK_OK);
	lockc_io_end(B, p.o);
	await_heard(2);
	COUNTED(.breaks = 1, .break_write = 1);
	assert_int_equal(lockc_break_ack(A, a, 0), LK_OK);
	COUNTED(.acked = 1);
	assert_int_equal(lockc_close(A, a), LK_OK);
	assert_int_equal(lockc_close(B, p.o), LK_OK);
	COUNTED(0);
	cluster_free(cl);
}

/* Of RWH first the writes come out, then the rest, as long as more is demanded than was said first.
 */
static void steps(void)
{
	struct opener p = { 0 }, q = { 0 };
	struct lk_open *a;

	begin();
	a = granted(A, 1, 2, LEASE_ALL);
	p = (struct opener){ .c = B, .w = wanted(2, 0, 0) };
	start(&p, 1);
	/* from the worker of the owner, which takes it before the acknowledgement */
	q = (struct opener){ .c = A, .w = wanted(3, 0, 0), .how = LK_OPEN_OVERWRITE };
	start(&q, 1);
	await(&q.begun);
	assert_int_equal(lockc_break_ack(A, a, RH), LK_OK);
	await_heard(2);
	COUNTED(.lease_rwh = 1, .breaks = 2, .break_open = 1, .break_next = 1, .acked = 1);
	assert_int_equal(lockc_close(A, a), LK_OK);
	await(&p.ended);
	await(&q.ended);
	COUNTED(.closed = 1);
	cluster_free(cl);
}

static void oplocks(void)
{
	struct opener p = { 0 };
	struct lk_open *a;

	begin();
	a = granted(A, 1, 0, LEASE_R | LEASE_W);
	COUNTED(.oplock_exclusive = 1);
	assert_int_equal(lockc_close(A, a), LK_OK);
	a = granted(A, 1, 0, LEASE_ALL);
	p = (struct opener){ .c = B, .w = wanted(2, 0, LEASE_ALL) };
	start(&p, 1);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R), LK_OK);
	await(&p.ended);
	COUNTED(.oplock_batch = 1, .oplock_ii = 1, .less = 1, .breaks = 1, .break_open = 1,
		.acked = 1);
	/* level II goes without an answer, one's own too */
	assert_int_equal(lockc_io_begin(A, a, 0, 10, true), LK_OK);
	lockc_io_end(A, a);
	await_heard(3);
	COUNTED(.breaks = 2, .break_write = 2, .told = 2);
	/* a sharing conflict that a close mends */
	assert_int_equal(lockc_close(A, a), LK_OK);
	assert_int_equal(lockc_close(B, p.o), LK_OK);
	p.w = wanted(1, 0, LEASE_ALL);
	p.w.share = SH_NONE;
	a = must_grant(A, &p.w);
	p.w = wanted(2, 0, 0);
	start(&p, 4);
	assert_int_equal(lockc_close(A, a), LK_OK);
	await(&p.ended);
	COUNTED(.oplock_batch = 1, .breaks = 1, .break_handle = 1, .closed = 1);
	cluster_free(cl);
}

static void directories(void)
{
	struct rec_open w;
	struct lk_open *a;

	begin();
	w = wanted(1, 2, RH);
	w.directory = true;
	a = must_grant(A, &w);
	COUNTED(.dir_rh = 1);
	lockc_dir_changed(A, &key, &a->rec.lease.key);
	COUNTED(0);
	lockc_dir_changed(A, &key, NULL);
	await_heard(1);
	assert_int_equal(lockc_break_ack(A, a, 0), LK_OK);
	COUNTED(.breaks = 1, .break_entry = 1, .acked = 1);
	/* nobody would tell of changes: nothing is granted */
	cl->nodes[0].dirs_armed = false;
	w = wanted(2, 2, LEASE_R);
	w.directory = true;
	a = must_grant(A, &w);
	COUNTED(.less = 1);
	cluster_free(cl);
}

static void ends_badly(void)
{
	struct opener p = { 0 };
	struct lk_open *a;

	begin();
	a = granted(A, 1, 2, LEASE_ALL);
	p = (struct opener){ .c = B, .w = wanted(2, 2, LEASE_R) };
	start(&p, 1);
	/* the connection is lost, there is another one; then there is none */
	lockc_tell_break_again(A, a);
	assert_int_equal(heard, 2);
	deaf = true;
	lockc_tell_break_again(A, a);
	COUNTED(.lease_rwh = 1, .breaks = 1, .break_open = 1, .resent = 1);
	await(&p.ended);
	COUNTED(.late = 1, .lease_r = 1);
	while (a->rec.lease.breaking)
		task_sleep(MS);
	assert_int_equal(lockc_break_ack(A, a, RH), LK_NOT_BREAKING);
	lockc_tell_break_again(A, a);
	COUNTED(.ack_not_breaking = 1);
	cluster_free(cl);
}

static struct lk_open *back(struct lockc *c, const struct rec_open *saved)
{
	struct lk_reclaim q = reclaim_of(saved);
	struct lk_open *o;

	q.has_lease = true;
	q.lease_key = saved->lease.key;
	assert_int_equal(lockc_reclaim(c, &q, &o), LK_OK);
	return o;
}

/* One lease comes back once, with whichever of its opens is first. */
static void reclaims(void)
{
	struct rec_open w, saved[2];
	struct lk_open *o[2];

	begin();
	w = want_persistent(&key, RD, SH_ALL);
	w.lease = wanted(1, 2, LEASE_ALL).lease;
	for (int i = 0; i < 2; i++) {
		memset(w.create_guid.b, 7 + i, 16);
		o[i] = must_grant(A, &w);
		assert_int_equal(rec_open_copy(&o[i]->rec, &saved[i]), 0);
	}
	COUNTED(.lease_rwh = 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(lockc_disconnect(A, o[i]), LK_OK);
	COUNTED(0);
	for (int i = 0; i < 2; i++) {
		o[i] = back(B, &saved[i]);
		rec_open_done(&saved[i]);
	}
	COUNTED(.reclaimed = 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(lockc_close(B, o[i]), LK_OK);
	COUNTED(0);
	cluster_free(cl);
}

/* A slot goes: what its owner has counted stays, and what goes on elsewhere is counted there. */
static void slots_move(void)
{
	struct opener p = { 0 };
	struct lk_open *a;

	cl = cluster_new(1, 1, 64);
	cl->delay = MS;
	seen = (struct lease_stats){ 0 };
	deaf = false;
	heard = 0;
	A = cl->nodes[0].w[0];
	for (uint64_t i = 1; i <= 200; i++) { /* in all slots */
		key = key_of(i);
		(void)granted(A, (uint8_t)i, 2, LEASE_R);
	}
	key = key_of(1000);
	a = granted(A, 201, 2, LEASE_ALL);
	p = (struct opener){ .c = A, .w = wanted(202, 0, 0) };
	start(&p, 1);
	COUNTED(.lease_r = 200, .lease_rwh = 1, .breaks = 1, .break_open = 1);
	cl->n = 2;
	cl->nodes[1] = (struct cnode){ .cl = cl, .id = 2, .workers = 1 };
	cluster_start(cl, 2);
	cluster_view(cl);
	cluster_settle(cl);
	COUNTED(0);
	assert_int_equal(lockc_break_ack(A, a, RH), LK_OK);
	await(&p.ended);
	COUNTED(.acked = 1);
	cluster_free(cl);
}

static void once(void (*body)(void))
{
	cluster_broken = on_broken;
	cluster_break_ms = body == ends_badly ? BREAK_MS : 0;
	run_on_loop(body);
}

static void all(void (*body)(void))
{
	static const uint32_t shapes[][2] = { { 1, 1 }, { 1, 2 }, { 2, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		shape_nodes = shapes[i][0];
		shape_workers = shapes[i][1];
		once(body);
	}
}

static void test_leases(void **state)
{
	all(leases);
}
static void test_steps(void **state)
{
	all(steps);
}
static void test_oplocks(void **state)
{
	all(oplocks);
}
static void test_directories(void **state)
{
	all(directories);
}
static void test_ends_badly(void **state)
{
	all(ends_badly);
}
static void test_reclaims(void **state)
{
	all(reclaims);
}
static void test_slots_move(void **state)
{
	once(slots_move);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),	   cmocka_unit_test(test_times),
		cmocka_unit_test(test_leases),	   cmocka_unit_test(test_steps),
		cmocka_unit_test(test_oplocks),	   cmocka_unit_test(test_directories),
		cmocka_unit_test(test_ends_badly), cmocka_unit_test(test_reclaims),
		cmocka_unit_test(test_slots_move),
	};

	return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
