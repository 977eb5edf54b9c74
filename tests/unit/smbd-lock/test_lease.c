/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machine of leases and oplocks: the cases that clients know, and random histories beside a second, plain
 * statement of MS-SMB2 3.3.4.6, 3.3.4.7, 3.3.5.22 and MS-FSA 2.1.4.12. STEPS=n, SEED=n.
 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "node/base/hash.h"
#include "node/base/random.h"
#include "smbd/lock/lease.h"

#define R LEASE_R
#define RH (LEASE_R | LEASE_H)
#define RW (LEASE_R | LEASE_W)
#define RWH LEASE_ALL

static struct rec_lease lease_in(uint8_t version, uint32_t state)
{
	struct rec_lease l = { .present = true, .version = version, .state = state, .epoch = 7 };

	lease_grant(&l, &(struct lease_others){ 0 });
	return l;
}

static void test_what_is_granted(void **state)
{
	static const struct {
		uint8_t version;
		uint32_t want;
		struct lease_others o;
		uint32_t get;
	} t[] = {
		{ 1, 0, { 0 }, 0 },
		{ 1, R, { 0 }, R },
		{ 1, LEASE_H, { 0 }, 0 },
		{ 1, LEASE_W, { 0 }, 0 },
		{ 1, LEASE_H | LEASE_W, { 0 }, 0 },
		{ 2, RWH | 0x80, { 0 }, RWH },
		{ 1, RWH, { .opens = true }, RH },
		{ 1, RW, { .opens = true }, R },
		{ 0, RWH, { .opens = true }, R },
		{ 0, RW, { 0 }, RW },
		{ 0, RWH, { .opens = true, .handle = true }, 0 },
		{ 0, R, { .handle = true }, 0 },
		{ 2, RWH, { .opens = true, .level2 = true }, R },
		{ 2, RH, { .write = true }, 0 },
		{ 2, RH, { .locks = true }, 0 },
		{ 2, RWH, { .locks = true }, RWH },
		{ 2, RWH, { .locks = true, .opens = true }, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(lease_allowed(t[i].version, t[i].want, &t[i].o), t[i].get);
}

static void test_upgrade(void **state)
{
	static const uint32_t all[] = { 0, R, RH, RW, RWH };
	static const uint32_t expected[5][5] = { { 0, R, RH, RW, RWH },
						 { R, R, RH, RW, RWH },
						 { RH, RH, RH, RH, RWH },
						 { RW, RW, RW, RW, RWH },
						 { RWH, RWH, RWH, RWH, RWH } };

	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < 5; j++) {
			struct rec_lease l = lease_in(2, all[i]);
			bool up = lease_upgrade(&l, all[j], &(struct lease_others){ 0 });

			assert_int_equal(l.state, expected[i][j]);
			assert_int_equal(up, expected[i][j] != all[i]);
			/* grows with what is granted (MS-SMB2 3.3.5.9.11), not with a request that gets nothing */
			assert_int_equal(l.epoch, 7 + (all[i] != 0) + up);
		}
}

static void test_breaks(void **state)
{
	static const struct {
		uint8_t version;
		uint32_t held;
		enum lease_op op;
		enum lease_notice notice;
		uint32_t to;
		bool waits;
	} t[] = {
		{ 1, RWH, LEASE_OP_NONE, LEASE_QUIET, 0, false },
		{ 1, RWH, LEASE_OP_OPEN, LEASE_ASKED, RH, true },
		{ 1, RW, LEASE_OP_OPEN, LEASE_ASKED, R, true },
		{ 1, RH, LEASE_OP_OPEN, LEASE_QUIET, 0, false },
		{ 1, R, LEASE_OP_OPEN, LEASE_QUIET, 0, false },
		{ 1, RWH, LEASE_OP_OVERWRITE, LEASE_ASKED, 0, true },
		{ 1, RH, LEASE_OP_OVERWRITE, LEASE_ASKED, 0, false },
		{ 1, R, LEASE_OP_OVERWRITE, LEASE_TOLD, 0, false },
		{ 1, RWH, LEASE_OP_HANDLE, LEASE_ASKED, RW, true },
		{ 1, RH, LEASE_OP_HANDLE, LEASE_ASKED, R, true },
		{ 1, RW, LEASE_OP_HANDLE, LEASE_QUIET, 0, false },
		{ 1, RH, LEASE_OP_WRITE, LEASE_ASKED, 0, false },
		{ 1, R, LEASE_OP_WRITE, LEASE_TOLD, 0, false },
		{ 0, RWH, LEASE_OP_OPEN, LEASE_ASKED, R, true },
		{ 0, RW, LEASE_OP_OPEN, LEASE_ASKED, R, true },
		{ 0, R, LEASE_OP_OPEN, LEASE_QUIET, 0, false },
		{ 0, RWH, LEASE_OP_HANDLE, LEASE_ASKED, R, true },
		{ 0, RW, LEASE_OP_HANDLE, LEASE_QUIET, 0, false },
		{ 0, RWH, LEASE_OP_OVERWRITE, LEASE_ASKED, 0, true },
		{ 0, R, LEASE_OP_WRITE, LEASE_TOLD, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct rec_lease l = lease_in(t[i].version, t[i].held);

		assert_int_equal(lease_waits(&l, t[i].op), t[i].waits);
		assert_int_equal(lease_contend(&l, t[i].op), t[i].notice);
		assert_int_equal(l.breaking, t[i].notice == LEASE_ASKED);
		if (l.breaking)
			assert_int_equal(l.breaking_to, t[i].to);
		if (t[i].notice == LEASE_TOLD)
			assert_int_equal(l.state, 0);
	}
}

/* A second break is put off and comes in steps, under the same epoch. */
static void test_break_after_break(void **state)
{
	struct rec_lease l = lease_in(2, RWH);
	enum lease_notice next;

	assert_int_equal(lease_contend(&l, LEASE_OP_OPEN), LEASE_ASKED);
	assert_int_equal(l.epoch, 9);
	assert_int_equal(lease_contend(&l, LEASE_OP_OVERWRITE), LEASE_QUIET);
	assert_int_equal(lease_ack(&l, RWH, &next), LEASE_ACK_REFUSED);
	assert_int_equal(lease_ack(&l, RH, &next), LEASE_ACK_OK);
	assert_int_equal(next, LEASE_ASKED);
	assert_int_equal(l.state, RH);
	assert_int_equal(l.breaking_to, R);
	assert_int_equal(lease_ack(&l, R, &next), LEASE_ACK_OK);
	assert_int_equal(next, LEASE_TOLD);
	assert_int_equal(l.state, 0);
	assert_int_equal(l.epoch, 9);
	assert_int_equal(lease_ack(&l, 0, &next), LEASE_ACK_NOT_BREAKING);
	assert_false(lease_upgrade(&l, 0, &(struct lease_others){ 0 }));
}

static void test_timeout(void **state)
{
	struct rec_lease l = lease_in(1, RWH);
	enum lease_notice next;

	assert_int_equal(lease_contend(&l, LEASE_OP_HANDLE), LEASE_ASKED);
	assert_true(lease_caches_reads(&l));
	lease_timeout(&l);
	assert_int_equal(l.state, 0);
	assert_int_equal(lease_ack(&l, 0, &next), LEASE_ACK_NOT_BREAKING);
}

/* What a client that comes back is told. */
static void test_comes_back(void **state)
{
	static const struct {
		uint32_t held;
		bool locks;
		uint16_t known; /* by the client; the lease is at 8 */
		uint32_t state;
		uint16_t epoch;
	} t[] = {
		{ R, false, 8, R, 9 },	    { R, false, 128, R, 129 }, { RW, false, 128, RW, 128 },
		{ RW, false, 8, RW, 8 },    { R, true, 128, 0, 128 },  { RH, true, 128, 0, 128 },
		{ RW, true, 128, RW, 128 }, { R, false, 7, R, 8 },     { RW, false, 0xfff0, RW, 8 },
		{ 0, false, 128, 0, 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct rec_lease l = lease_in(2, t[i].held), was = l;
		struct lease_others o = { .locks = t[i].locks };

		bool other = lease_renew(&l, &o, t[i].known);

		assert_int_equal(other, l.epoch != was.epoch || l.state != was.state);
		assert_int_equal(l.state, t[i].state);
		assert_int_equal(l.epoch, t[i].epoch);
		assert_int_equal(l.change - was.change, other);
	}
}

/* A break in progress is not renewed, but said once more. */
static void test_break_again(void **state)
{
	struct rec_lease l = lease_in(2, RWH), v1 = lease_in(1, RWH);
	struct lease_others o = { 0 };
	uint64_t change;

	assert_int_equal(lease_contend(&l, LEASE_OP_OPEN), LEASE_ASKED);
	assert_false(lease_renew(&l, &o, 128));
	assert_int_equal(l.epoch, 9);
	change = l.change;
	lease_repeat(&l);
	assert_int_equal(l.epoch, 10);
	assert_int_equal(l.change, change + 1);
	assert_int_equal(l.breaking_to, RH);
	assert_false(lease_renew(&v1, &o, 128));
	lease_repeat(&v1);
	assert_int_equal(v1.epoch, 0);
}

static void test_stat_opens(void **state)
{
	assert_int_equal(lease_op_of_open(1, 0x120180, false), LEASE_OP_NONE);
	assert_int_equal(lease_op_of_open(0, 0x120180, false), LEASE_OP_OPEN);
	assert_int_equal(lease_op_of_open(0, 0x100180, false), LEASE_OP_NONE);
	assert_int_equal(lease_op_of_open(1, 0x120181, false), LEASE_OP_OPEN);
	assert_int_equal(lease_op_of_open(1, 0x80, true), LEASE_OP_OVERWRITE);
}

/* What the holder's own write ends: level II, and nothing else. */
static void test_breaks_itself(void **state)
{
	for (uint32_t version = 0; version < 3; version++)
		for (uint32_t s = 0; s <= LEASE_ALL; s++)
			for (enum lease_op op = LEASE_OP_NONE; op <= LEASE_OP_WRITE; op++) {
				struct rec_lease l = { .present = true, .version = (uint8_t)version, .state = s };

				assert_int_equal(lease_breaks_itself(&l, op), version == 0 && s == R && op == LEASE_OP_WRITE);
			}
}

/* --- random histories --- */

/* Sets of letters, as the specification speaks of them. */
struct model {
	bool lease, r, w, h;
	bool asked, to_r, to_w, to_h; /* a notification that is to be acknowledged */
	bool no_r, no_w, no_h; /* what has been demanded since */
};

static void model_demand(const struct model *m, enum lease_op op, bool *no_r, bool *no_w, bool *no_h)
{
	*no_r = op == LEASE_OP_WRITE || op == LEASE_OP_OVERWRITE;
	*no_w = *no_r || (op == LEASE_OP_OPEN && m->w);
	*no_h = *no_r || op == LEASE_OP_HANDLE;
	if (!m->lease && (*no_w || (*no_h && m->h))) /* only level II is left of an oplock */
		*no_w = *no_h = true;
}

static enum lease_notice model_start(struct model *m, bool r, bool w, bool h)
{
	if (!m->w && !m->h) {
		m->r = false;
		return LEASE_TOLD;
	}
	m->asked = true;
	m->to_r = r;
	m->to_w = w;
	m->to_h = h;
	return LEASE_ASKED;
}

static enum lease_notice model_contend(struct model *m, enum lease_op op)
{
	bool r, w, h;

	model_demand(m, op, &r, &w, &h);
	if (!((r && m->r) || (w && m->w) || (h && m->h)))
		return LEASE_QUIET;
	if (m->asked) {
		m->no_r |= r;
		m->no_w |= w;
		m->no_h |= h;
		return LEASE_QUIET;
	}
	m->no_r = r;
	m->no_w = w;
	m->no_h = h;
	return model_start(m, m->r && !r, m->w && !w, m->h && !h);
}

static enum lease_ack model_ack(struct model *m, bool r, bool w, bool h, enum lease_notice *next)
{
	*next = LEASE_QUIET;
	if (!m->asked)
		return LEASE_ACK_NOT_BREAKING;
	if ((r && !m->to_r) || (w && !m->to_w) || (h && !m->to_h))
		return LEASE_ACK_REFUSED;
	m->asked = false;
	m->r = r;
	m->w = r && w;
	m->h = r && h;
	if (!((m->no_r && m->r) || (m->no_w && m->w) || (m->no_h && m->h)))
		return LEASE_ACK_OK;
	*next = model_start(m, true, m->w && !m->no_w && !m->no_r, m->h && !m->no_h && !m->no_r);
	return LEASE_ACK_OK;
}

static void same(const struct model *m, const struct rec_lease *l)
{
	assert_int_equal(l->state, (m->r ? R : 0u) | (m->w ? LEASE_W : 0u) | (m->h ? LEASE_H : 0u));
	assert_int_equal(l->breaking, m->asked);
	if (m->asked)
		assert_int_equal(l->breaking_to,
				 (m->to_r ? R : 0u) | (m->to_w ? LEASE_W : 0u) | (m->to_h ? LEASE_H : 0u));
	/* what no history may lead to */
	assert_true(m->r || (!m->w && !m->h));
	assert_true(m->lease || m->w || !m->h);
	assert_int_equal(l->breaking_to & ~l->state, 0);
}

static void model_get(struct model *m, uint32_t s)
{
	m->r = s & LEASE_R;
	m->w = s & LEASE_W;
	m->h = s & LEASE_H;
}

static void step(struct model *m, struct rec_lease *l, uint64_t x)
{
	enum lease_op op = (enum lease_op)(x >> 8 & 0xff) % (LEASE_OP_WRITE + 1);
	uint32_t s = x >> 16 & 7;
	struct lease_others o = { .opens = x >> 20 & 1, .level2 = x >> 21 & 1, .locks = x >> 22 & 1 };
	uint64_t before = l->change;
	enum lease_notice a, b;

	switch (x % 5) {
	case 0:
	case 1:
		a = model_contend(m, op);
		b = lease_contend(l, op);
		assert_int_equal(a, b);
		assert_int_equal(l->change != before, b != LEASE_QUIET);
		break;
	case 2:
		assert_int_equal(model_ack(m, s & LEASE_R, s & LEASE_W, s & LEASE_H, &a), lease_ack(l, s, &b));
		assert_int_equal(a, b);
		break;
	case 3:
		if (x >> 24 & 1 && m->asked) {
			lease_timeout(l);
			*m = (struct model){ .lease = m->lease };
		}
		break;
	default:
		if (lease_upgrade(l, s, &o)) {
			assert_false(m->asked);
			assert_false(o.opens && s & LEASE_W);
			assert_true(s & LEASE_R);
			assert_true((!m->w || s & LEASE_W) && (!m->h || s & LEASE_H));
			model_get(m, s);
		}
		break;
	}
}

static void test_histories(void **state)
{
	const char *s = getenv("SEED"), *n = getenv("STEPS");
	uint64_t seed = s ? strtoull(s, NULL, 0) : random_u64() | 1;
	uint64_t steps = n ? strtoull(n, NULL, 0) : 4000000;
	static const uint32_t oplocks[] = { R, RW, RWH };
	struct rec_lease l = { 0 };
	struct model m = { 0 };

	fprintf(stderr, "# SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < steps; i++) {
		uint64_t x = hash64_u64(seed + i);

		if (i % 64 == 0) {
			l = lease_in((uint8_t)(x % 3), x % 3 ? x >> 8 & 7 : oplocks[(x >> 8) % 3]);
			m = (struct model){ .lease = x % 3 };
			model_get(&m, l.state);
		}
		step(&m, &l, hash64_u64(x));
		same(&m, &l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_granted), cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_breaks),		cmocka_unit_test(test_break_after_break),
		cmocka_unit_test(test_timeout),		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_break_again),
		cmocka_unit_test(test_stat_opens),
		cmocka_unit_test(test_breaks_itself),	cmocka_unit_test(test_histories),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
