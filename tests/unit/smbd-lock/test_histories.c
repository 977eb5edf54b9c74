/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random histories of one file, decided by the owner's core and by a model that is a list of opens and a table of bytes, each
 * rule in the words of MS-FSA 2.1.5.1.2.2 (share modes), 2.1.5.8 and 2.1.5.9 (locks, and what they keep from READ and WRITE),
 * 2.1.5.5 (the last close deletes). Homes acknowledge what they are told before the next step. STEPS=n, SEED=n.
 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/random.h"
#include "smbd/lock/core.h"
#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"

#define OPENS 6
#define BYTES 12u
#define LOCKS 5 /* of one open */
#define BITS_READ 0x21u
#define BITS_WRITE 0x6u
#define BITS_DELETE 0x10000u

struct model_lock {
	uint64_t offset, length;
	bool exclusive;
};

struct model_open {
	bool is, delete_on_close;
	uint32_t access, share;
	struct model_lock locks[LOCKS];
	unsigned int n_locks;
	uint64_t id; /* the core's */
	struct place home;
};

static const struct lk_limits limits = { .opens_per_file = OPENS, .locks_per_open = 100 };
static struct model_open opens[OPENS];
static bool pending; /* the file is to be deleted */
static struct lk_core core;
static struct lease_stats counts;
static uint64_t rng, req, base;

static uint64_t rnd(void)
{
	return hash64_u64(rng++);
}

/* --- the core, and homes that acknowledge at once --- */

static void handle(struct lk_msg *m, struct lk_msg *ret, struct list *notes)
{
	struct fx_out *o, *tmp;
	struct fx fx;

	fx_init(&fx);
	core_handle(&core, m, MS, &fx);
	assert_int_equal(fx.err, 0);
	list_foreach_safe(o, tmp, &fx.outs, link) {
		if (o->msg.kind == LKM_REPLY && o->msg.req == req) {
			assert_int_equal(ret->kind, 0);
			*ret = o->msg;
			ret->path = NULL;
		} else if (o->msg.kind == LKM_NOTE && o->msg.req != 0) {
			list_remove(&o->link);
			list_append(notes, &o->link);
		}
	}
	fx_done(&fx);
	msg_done(m);
}

/* The reply to `m`, which moves. */
static struct lk_msg ask(struct lk_msg *m)
{
	struct lk_msg ret = { 0 };
	struct fx_out *o;
	struct list notes;

	list_init(&notes);
	m->req = ++req;
	handle(m, &ret, &notes);
	while ((o = list_first(&notes, struct fx_out, link))) {
		struct lk_msg ack = { .kind = LKM_NOTE_ACK, .from = o->to, .id = o->msg.id, .req = o->msg.req };

		list_remove(&o->link);
		msg_done(&o->msg);
		free(o);
		handle(&ack, &ret, &notes);
	}
	assert_int_equal(ret.kind, LKM_REPLY);
	return ret;
}

static struct lk_msg of(const struct model_open *p, enum lk_kind kind)
{
	return (struct lk_msg){ .kind = kind, .from = p->home, .id = p->id };
}

/* --- share modes --- */

static bool uses_what_is_not_shared(uint32_t access, uint32_t share)
{
	return (access & BITS_READ && !(share & 1)) || (access & BITS_WRITE && !(share & 2)) ||
	       (access & BITS_DELETE && !(share & 4));
}

static int model_create(uint32_t access, uint32_t share)
{
	const uint32_t data = BITS_READ | BITS_WRITE | BITS_DELETE;

	if (pending)
		return LK_DELETE_PENDING;
	for (unsigned int i = 0; i < OPENS; i++) {
		const struct model_open *o = &opens[i];

		if (!o->is || !(access & data) || !(o->access & data))
			continue;
		if (uses_what_is_not_shared(access, o->share) || uses_what_is_not_shared(o->access, share))
			return LK_SHARING_VIOLATION;
	}
	return LK_OK;
}

static void step_create(struct model_open *p, unsigned int who)
{
	static const uint32_t bits[] = { 0x1, 0x2, 0x4, 0x20, 0x80, 0x100, 0x10000 };
	struct file_key k = key_of(5);
	struct rec_open w = want(&k, 0, rnd() % 4 ? SH_ALL : rnd() & SH_ALL);
	struct lk_msg m = { .kind = LKM_OPEN, .flags = LKF_HAS_REC }, got;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		w.access |= rnd() % 3 ? 0 : bits[i];
	w.client_guid.b[0] = (uint8_t)who;
	w.delete_on_close = w.access & BITS_DELETE && rnd() & 1;
	m.from = (struct place){ .node = 1 + who % 3, .incarnation = 11 * (1 + who % 3) };
	assert_int_equal(rec_open_copy(&w, &m.rec), 0);
	got = ask(&m);
	assert_int_equal(got.outcome, model_create(w.access, w.share));
	if (got.outcome != LK_OK)
		return;
	*p = (struct model_open){ .is = true,
				  .delete_on_close = w.delete_on_close,
				  .access = w.access,
				  .share = w.share,
				  .id = got.id,
				  .home = { .node = 1 + who % 3, .incarnation = 11 * (1 + who % 3) } };
}

static void step_close(struct model_open *p)
{
	struct lk_msg m = of(p, LKM_CLOSE), got = ask(&m);
	unsigned int others = 0;

	for (unsigned int i = 0; i < OPENS; i++)
		others += opens[i].is && &opens[i] != p;
	pending = pending || p->delete_on_close;
	assert_int_equal(got.outcome, pending && others == 0 ? LK_UNLINK : LK_OK);
	if (got.outcome == LK_UNLINK) {
		m = of(p, LKM_UNLINKED);
		assert_int_equal(ask(&m).outcome, LK_OK);
		pending = false;
	}
	*p = (struct model_open){ 0 };
}

static void step_disposition(struct model_open *p)
{
	struct lk_msg m = of(p, LKM_SET_DELETE);

	pending = rnd() & 1;
	m.flags = pending ? LKF_ON : 0;
	assert_int_equal(ask(&m).outcome, LK_OK);
}

/* --- locks --- */

static bool covers(const struct model_lock *l, uint64_t byte)
{
	return byte >= l->offset && byte - l->offset < l->length;
}

/* Whether a lock that `excludes` by this rule is on one of the bytes. */
typedef bool excludes_fn(const struct model_lock *l, bool own, bool mode);

static bool excluded(const struct model_open *p, const struct model_lock *r, bool mode, excludes_fn *excludes)
{
	for (uint64_t i = 0; i < r->length; i++)
		for (unsigned int k = 0; k < OPENS; k++)
			for (unsigned int j = 0; j < opens[k].n_locks; j++) {
				const struct model_lock *l = &opens[k].locks[j];

				if (covers(l, r->offset + i) && excludes(l, &opens[k] == p, mode))
					return true;
			}
	return false;
}

static bool keeps_lock_out(const struct model_lock *l, bool own, bool exclusive)
{
	return exclusive || (l->exclusive && !own);
}

static bool keeps_io_out(const struct model_lock *l, bool own, bool write)
{
	return l->exclusive ? !own : write;
}

static struct model_lock some_range(void)
{
	uint64_t at = rnd() % BYTES;

	return (struct model_lock){ .offset = base + at, .length = 1 + rnd() % (BYTES - at), .exclusive = rnd() & 1 };
}

static void step_lock(struct model_open *p)
{
	struct model_lock r = some_range();
	struct lk_msg m = of(p, LKM_LOCK);
	int expected = excluded(p, &r, r.exclusive, keeps_lock_out) ? LK_LOCK_NOT_GRANTED : LK_OK;

	if (p->n_locks == LOCKS)
		return;
	m.n_ranges = 1;
	m.ranges[0] = (struct lk_range){ .offset = r.offset, .length = r.length, .exclusive = r.exclusive };
	assert_int_equal(ask(&m).outcome, expected);
	if (expected == LK_OK)
		p->locks[p->n_locks++] = r;
}

static void step_unlock(struct model_open *p)
{
	struct model_lock r = p->n_locks && rnd() % 4 ? p->locks[rnd() % p->n_locks] : some_range();
	struct lk_msg m = of(p, LKM_UNLOCK);
	int outcome;

	m.n_ranges = 1;
	m.ranges[0] = (struct lk_range){ .offset = r.offset, .length = r.length };
	outcome = ask(&m).outcome;
	for (unsigned int i = 0; i < p->n_locks; i++) {
		if (p->locks[i].offset != r.offset || p->locks[i].length != r.length)
			continue;
		assert_int_equal(outcome, LK_OK);
		p->n_locks--;
		memmove(&p->locks[i], &p->locks[i + 1], (p->n_locks - i) * sizeof(p->locks[0]));
		return;
	}
	assert_int_equal(outcome, LK_RANGE_NOT_LOCKED);
}

static void step_io(struct model_open *p)
{
	struct model_lock r = some_range();
	struct lk_msg m = of(p, LKM_IO);
	bool write = r.exclusive;

	m.n_ranges = 1;
	m.ranges[0] = (struct lk_range){ .offset = r.offset, .length = r.length, .exclusive = write };
	assert_int_equal(ask(&m).outcome, excluded(p, &r, write, keeps_io_out) ? LK_LOCK_CONFLICT : LK_OK);
}

static void step(void)
{
	unsigned int who = (unsigned int)(rnd() % OPENS);
	struct model_open *p = &opens[who];

	if (!p->is) {
		step_create(p, who);
		return;
	}
	switch (rnd() % 12) {
	case 0:
		return step_close(p);
	case 1:
		if (p->access & BITS_DELETE)
			step_disposition(p);
		return;
	case 2:
	case 3:
	case 4:
		return step_lock(p);
	case 5:
	case 6:
		return step_unlock(p);
	default:
		return step_io(p);
	}
}

/* At the start of the file's numbers, and at their end. */
static void start(uint64_t round)
{
	for (unsigned int i = 0; i < OPENS; i++)
		if (opens[i].is)
			step_close(&opens[i]);
	base = round & 1 ? UINT64_MAX - BYTES : 0;
}

static void test_histories(void **state)
{
	const char *s = getenv("SEED"), *n = getenv("STEPS");
	uint64_t steps = n ? strtoull(n, NULL, 0) : 2000000;
	struct view *v = view_new(3);

	for (uint32_t i = 0; i < 3; i++)
		v->members[i] = (struct view_member){ .node_id = i + 1, .incarnation = 11 * (i + 1), .workers = 1 };
	core_init(&core, 0, &limits, &counts);
	core.view = v;
	rng = s ? strtoull(s, NULL, 0) : random_u64();
	fprintf(stderr, "# SEED=%llu\n", (unsigned long long)rng);
	for (uint64_t i = 0; i < steps; i++) {
		if (i % 512 == 0)
			start(i / 512);
		step();
	}
	start(0);
	core_done(&core);
	view_unref(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_histories) };

	return cmocka_run_group_tests_name("lock histories", tests, NULL, NULL);
}
