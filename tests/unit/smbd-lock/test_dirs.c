/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leases on directories, with owner and homes on one worker, on two, and on two nodes: what is
 * granted, what breaks them, and what becomes of them when a slot or a home goes. And what is open
 * below a directory. */
#include "tests/unit/test.h"

#include "smbd/lock/lease.h"
#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"

#define RH (LEASE_R | LEASE_H)

static struct cluster *cl;
static struct lockc *owner, *A, *B; /* who owns the directory, two homes */
static struct file_key key;
static uint32_t shape_nodes, shape_workers;

/* What the clients heard of. */
static struct {
	unsigned int n;
	struct lk_break last;
	struct guid key;
} heard;

static bool on_broken(void *arg, struct lk_open *o, const struct lk_break *b)
{
	heard.n++;
	heard.last = *b;
	heard.key = o->rec.lease.key;
	return true;
}

static void begin(void)
{
	cl = cluster_new(shape_nodes, shape_workers, 64);
	cl->delay = MS;
	for (uint32_t i = 0; i < cl->n; i++)
		cl->nodes[i].dirs_armed = true;
	owner = A = cl->nodes[0].w[0];
	B = cl->nodes[shape_nodes > 1 ? 1 : 0].w[shape_workers > 1 ? 1 : 0];
	key = key_owned_by(cl, 1, 0);
	memset(&heard, 0, sizeof(heard));
}

static struct guid guid_of(uint8_t b)
{
	struct guid g;

	memset(g.b, b, sizeof(g.b));
	return g;
}

static struct rec_open wanted(uint8_t client, uint8_t version, uint32_t state)
{
	struct rec_open w = want_leased(&key, client, version, state);

	w.directory = true;
	w.access = RD;
	return w;
}

static struct lk_open *leased(struct lockc *c, uint8_t client, uint32_t state)
{
	struct rec_open w = wanted(client, 2, state);

	return must_grant(c, &w);
}

static void await_heard(unsigned int n)
{
	for (int i = 0; i < 2000 && heard.n < n; i++)
		task_sleep(MS);
	task_sleep(20 * MS);
	assert_int_equal(heard.n, n);
}

static void granted(void)
{
	struct lk_open *o, *p;
	struct rec_open w;

	begin();
	cl->nodes[0].dirs_armed = false;
	o = leased(B, 1, RH);
	assert_int_equal(o->rec.lease.state, 0);
	assert_int_equal(cl->nodes[0].dirs_wanted, 0);
	assert_int_equal(lockc_close(B, o), LK_OK);
	cl->nodes[0].dirs_armed = true;
	w = wanted(1, 1, RH);
	o = must_grant(B, &w);
	assert_int_equal(o->rec.lease.state, 0);
	assert_int_equal(lockc_close(B, o), LK_OK);

	o = leased(B, 1, LEASE_ALL);
	assert_int_equal(o->rec.lease.state, RH);
	assert_int_equal(cl->nodes[0].dirs_wanted, 1);
	/* another client caches it, too, and one that may change it asks nobody */
	w = wanted(2, 2, RH);
	w.access = RD | WR;
	p = must_grant(A, &w);
	assert_int_equal(p->rec.lease.state, RH);
	assert_true(p->write_permit);
	assert_int_equal(heard.n, 0);
	assert_int_equal(lockc_close(A, p), LK_OK);
	assert_int_equal(cl->nodes[0].dirs_wanted, 1);
	assert_int_equal(lockc_close(B, o), LK_OK);
	assert_int_equal(cl->nodes[0].dirs_wanted, 0);
	cluster_free(cl);
}

static void changed(void)
{
	struct guid by = guid_of(1), other = guid_of(9);
	struct file_key elsewhere;
	struct lk_open *a, *b;

	begin();
	a = leased(A, 1, RH);
	b = leased(B, 2, RH);
	elsewhere = key_owned_by(cl, 1, 0);
	lockc_dir_changed(owner, &elsewhere, NULL);
	await_heard(0);
	/* its own key is spared */
	lockc_dir_changed(owner, &key, &by);
	await_heard(1);
	assert_true(guid_equal(&heard.key, &(struct guid){ .b = { 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
								  2, 2, 2, 2, 2 } }));
	assert_int_equal(heard.last.from, RH);
	assert_int_equal(heard.last.to, 0);
	assert_true(heard.last.ack);
	assert_int_equal(heard.last.epoch, 12);
	/* told once; what is being broken is not cached any more */
	lockc_dir_changed(owner, &key, &by);
	await_heard(1);
	assert_int_equal(cl->nodes[0].dirs_wanted, 1);
	lockc_dir_changed(owner, &key, &other);
	await_heard(2);
	assert_int_equal(cl->nodes[0].dirs_wanted, 0);
	assert_int_equal(lockc_break_ack(A, a, LEASE_R), LK_NOT_ACCEPTED);
	assert_int_equal(lockc_break_ack(A, a, 0), LK_OK);
	assert_int_equal(lockc_break_ack(B, b, 0), LK_OK);
	assert_int_equal(a->rec.lease.state, 0);
	assert_int_equal(lockc_close(A, a), LK_OK);

	/* reads alone need no acknowledgement */
	a = leased(A, 3, LEASE_R);
	assert_int_equal(a->rec.lease.state, LEASE_R);
	lockc_dir_changed(owner, &key, NULL);
	await_heard(3);
	assert_false(heard.last.ack);
	assert_int_equal(lockc_break_ack(A, a, 0), LK_NOT_BREAKING);
	assert_int_equal(a->rec.lease.state, 0);
	cluster_free(cl);
}

/* The handle breaks as that of a file; a change meanwhile takes the rest. */
static void handle_breaks(void)
{
	struct rec_open w;
	struct lk_open *a, *b;

	begin();
	a = leased(A, 1, RH);
	w = want(&key, RD | DEL, SH_ALL);
	w.directory = true;
	w.client_guid = guid_of(2);
	b = must_grant(B, &w);
	heard.n = 0;
	lockc_dir_changed(
		owner, &key,
		&(struct guid){ .b = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } });
	await_heard(0);
	assert_int_equal(cl->nodes[0].dirs_wanted, 1);
	lockc_dirs_missed(owner);
	await_heard(1);
	assert_int_equal(heard.last.to, 0);
	assert_int_equal(lockc_break_ack(A, a, 0), LK_OK);
	assert_int_equal(lockc_set_delete(B, b, true), LK_OK);
	assert_int_equal(lockc_set_delete(B, b, false), LK_OK);
	cluster_free(cl);
}

/* A new owner may have missed changes: it breaks what it takes over, also for clients that are
 * away. */
static void slot_moves(void)
{
	struct rec_open w;
	struct lk_reclaim q;
	struct lk_open *b;

	if (shape_nodes < 2)
		return;
	begin();
	w = want_persistent(&key, RD, SH_ALL);
	w.directory = true;
	w.client_guid = guid_of(1);
	w.lease =
		(struct rec_lease){ .present = true, .version = 2, .state = RH, .key = guid_of(1) };
	b = must_grant(B, &w);
	assert_int_equal(b->rec.lease.state, RH);
	cluster_crash(cl, 1);
	cluster_view(cl);
	cluster_settle(cl);
	await_heard(1);
	assert_int_equal(heard.last.from, RH);
	assert_int_equal(heard.last.to, 0);
	assert_int_equal(lockc_break_ack(B, b, 0), LK_OK);
	assert_int_equal(lockc_close(B, b), LK_OK);

	b = must_grant(B, &w);
	assert_int_equal(b->rec.lease.state, RH);
	w = (struct rec_open){ 0 };
	assert_int_equal(rec_open_copy(&b->rec, &w), 0);
	assert_int_equal(lockc_disconnect(B, b), LK_OK);
	cluster_start(cl, 1);
	cl->nodes[0].dirs_armed = true;
	cluster_view(cl);
	cluster_settle(cl);
	task_sleep(50 * MS);
	q = reclaim_of(&w);
	q.has_lease = true;
	q.lease_key = w.lease.key;
	assert_int_equal(lockc_reclaim(B, &q, &b), LK_OK);
	/* the slot went back to where it was */
	assert_true(b->rec.lease.breaking);
	assert_int_equal(b->rec.lease.breaking_to, 0);
	rec_open_done(&w);
	cluster_free(cl);
}

/* While its client is away a lease is kept, broken, and waits for it. */
static void away(void)
{
	struct rec_open w;
	struct lk_reclaim q;
	struct lk_open *b;

	begin();
	w = want_persistent(&key, RD, SH_ALL);
	w.directory = true;
	w.lease =
		(struct rec_lease){ .present = true, .version = 2, .state = RH, .key = guid_of(1) };
	b = must_grant(B, &w);
	q = reclaim_of(&b->rec);
	q.has_lease = true;
	q.lease_key = w.lease.key;
	q.share_name = "data";
	q.path = "dir/file";
	assert_int_equal(lockc_disconnect(B, b), LK_OK);
	assert_int_equal(cl->nodes[0].dirs_wanted, 1);
	lockc_dir_changed(owner, &key, NULL);
	task_sleep(50 * MS);
	assert_int_equal(cl->nodes[0].dirs_wanted, 0);
	assert_int_equal(lockc_reclaim(B, &q, &b), LK_OK);
	assert_true(b->rec.lease.breaking);
	assert_int_equal(lockc_break_ack(B, b, 0), LK_OK);
	assert_int_equal(b->rec.lease.state, 0);
	cluster_free(cl);
}

/* --- what is open below a directory --- */

static struct lk_open *at_path(struct lockc *c, uint64_t inode, const char *path)
{
	struct file_key k = key_of(inode);
	struct rec_open w = want_persistent(&k, RD, SH_ALL);

	w.path = (char *)(uintptr_t)path;
	return must_grant(c, &w);
}

static void assert_below(const char *path, int outcome)
{
	assert_int_equal(lockc_below(A, "data", path), outcome);
	assert_int_equal(lockc_below(B, "data", path), outcome);
}

static void below(void)
{
	struct lk_open *o, *p;

	begin();
	assert_below("a", LK_OK);
	o = at_path(B, 77, "a/b/c");
	p = at_path(A, 78, "ab");
	assert_below("a", LK_OPENS_BELOW);
	assert_below("a/b", LK_OPENS_BELOW);
	assert_below("", LK_OPENS_BELOW);
	assert_below("a/b/c", LK_OK);
	assert_below("a/bc", LK_OK);
	assert_below("b", LK_OK);
	assert_int_equal(lockc_below(A, "other", "a"), LK_OK);
	assert_int_equal(lockc_rename(B, o, "x/y/c"), LK_OK);
	assert_below("a", LK_OK);
	assert_below("x", LK_OPENS_BELOW);
	assert_int_equal(lockc_close(B, o), LK_OK);
	assert_below("x", LK_OK);
	assert_int_equal(lockc_close(A, p), LK_OK);
	assert_below("", LK_OK);
	cluster_free(cl);
}

/* Owners go, and with them what they knew: the next ones know it, also of opens whose client is
 * away. */
static void below_moves(void)
{
	static const char *const paths[] = { "d/a", "d/e/b", "d/e/f/c", "d/e/f/g/d" };
	struct lk_open *o[32];
	bool away;

	if (shape_nodes < 2)
		return;
	begin();
	for (unsigned int i = 0; i < ARRAY_SIZE(o); i++)
		o[i] = at_path(i % 2 ? B : A, 500 + i, paths[i % 4]);
	cluster_crash(cl, 1);
	cluster_view(cl);
	A = B;
	assert_below("d/e", LK_OPENS_BELOW); /* waits for the slots */
	for (unsigned int i = 1; i < ARRAY_SIZE(o); i += 2)
		assert_int_equal(lockc_close(B, o[i]), LK_OK);
	away = lockc_below(B, "data", "d") ==
	       LK_OPENS_BELOW; /* those that node 1 had are kept for their clients */
	assert_true(away);
	assert_below("d/e/f/g", LK_OK);
	cluster_start(cl, 1);
	cluster_view(cl);
	assert_below("d/e", LK_OPENS_BELOW);
	assert_below("d/e/f/g", LK_OK);
	cluster_settle(cl);
	assert_below("d/e", LK_OPENS_BELOW);
	cluster_free(cl);
}

/* Handles that may be had back are asked for; who keeps one is in the way. */
struct asker {
	struct task *task;
	int outcome;
	bool ended;
};

static void ask_below(void *arg)
{
	struct asker *k = arg;

	k->task = task_current();
	k->outcome = lockc_below(A, "data", "dir");
	k->ended = true;
}

static void below_breaks(void)
{
	struct asker k = { 0 };
	struct rec_open w;
	struct lk_open *o;

	for (int keep = 0; keep < 3; keep++) {
		begin();
		k.ended = false;
		w = wanted(1, 2, RH);
		w.directory = false;
		o = must_grant(B, &w);
		assert_int_equal(o->rec.lease.state, RH);
		spawn(ask_below, &k, NULL);
		await_heard(1);
		assert_int_equal(heard.last.to, LEASE_R);
		assert_false(k.ended);
		if (keep == 2)
			task_cancel(k.task);
		else if (keep)
			assert_int_equal(lockc_break_ack(B, o, LEASE_R), LK_OK);
		else
			assert_int_equal(lockc_close(B, o), LK_OK);
		for (int i = 0; i < 2000 && !k.ended; i++)
			task_sleep(MS);
		assert_true(k.ended);
		assert_int_equal(k.outcome, keep == 2 ? LK_CANCELLED : keep ? LK_OPENS_BELOW : LK_OK);
		cluster_free(cl);
	}
}

/* Who opens something in a slot that is done with, while another is waited for, is in the way, too.
 */
static void below_newcomer(void)
{
	struct asker k = { 0 };
	struct lk_open *o[2], *late;
	struct rec_open w;

	for (int i = 0; i < 2; i++) {
		begin();
		k.ended = false;
		for (uint8_t n = 0; n < 2; n++) {
			w = wanted((uint8_t)(n + 1), 2, RH);
			w.directory = false;
			w.key = key_of(900 + n);
			o[n] = must_grant(B, &w);
		}
		spawn(ask_below, &k, NULL);
		await_heard(2);
		assert_int_equal(lockc_close(B, o[i]), LK_OK);
		task_sleep(20 * MS);
		assert_false(k.ended);
		w.key = key_of(900 + (uint64_t)i);
		w.lease = (struct rec_lease){ 0 };
		late = must_grant(B, &w);
		assert_int_equal(lockc_close(B, o[1 - i]), LK_OK);
		for (int j = 0; j < 2000 && !k.ended; j++)
			task_sleep(MS);
		assert_true(k.ended);
		assert_int_equal(k.outcome, LK_OPENS_BELOW);
		assert_int_equal(lockc_close(B, late), LK_OK);
		cluster_free(cl);
	}
}

typedef void body_fn(void);

static const struct {
	const char *name;
	body_fn *body;
} bodies[] = {
	{ "granted", granted },
	{ "changed", changed },
	{ "handle_breaks", handle_breaks },
	{ "slot_moves", slot_moves },
	{ "away", away },
	{ "below", below },
	{ "below_moves", below_moves },
	{ "below_breaks", below_breaks },
	{ "below_newcomer", below_newcomer },
};

static void test_bodies(void **state)
{
	static const uint32_t shapes[][2] = { { 1, 1 }, { 1, 2 }, { 2, 2 } };

	cluster_broken = on_broken;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		for (size_t k = 0; k < ARRAY_SIZE(shapes); k++) {
			shape_nodes = shapes[k][0];
			shape_workers = shapes[k][1];
			print_message("# %s nodes=%u workers=%u\n", bodies[i].name, shape_nodes,
				      shape_workers);
			run_on_loop(bodies[i].body);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bodies) };

	return cmocka_run_group_tests_name("leases on directories", tests, NULL, NULL);
}
