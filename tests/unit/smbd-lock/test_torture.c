/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clients that open, lock, read and write on a cluster whose nodes die and come back, whose
 * messages get lost and whose store is full at times. What a client was told is checked against what every other was told: no lock
 * twice, no acknowledged persistent open lost.
 */
#include "tests/unit/test.h"

#include <stdio.h>

#include "tests/unit/loop/loop_test.h"
#include "tests/unit/smbd-lock/cluster.h"
#include "tests/unit/smbd-lock/mem_store.h"

#define FILES 6
#define RANGES 3
#define CLIENTS 14

struct client {
	unsigned int index;
	uint32_t node, worker;
	uint64_t incarnation; /* of the node that holds its open */
	struct lk_open *o;
	struct rec_open saved; /* persistent: what it needs to come back */
	bool persistent, acked;
	unsigned int file, range;
	unsigned int done, reclaims, replays;
};

struct cell {
	struct client *holder; /* was told that it has the lock */
	unsigned int io[CLIENTS]; /* I/O under a permit */
};

static struct cluster *cl;
static struct cell cells[FILES][RANGES];
static struct client clients[CLIENTS];
static bool stop, full;
static unsigned int running, crashes, refused;
static const struct lk_seq no_seq;

static bool alive(const struct client *c)
{
	return cl->nodes[c->node - 1].incarnation == c->incarnation && c->incarnation != 0;
}

static struct lockc *lc(const struct client *c)
{
	return cl->nodes[c->node - 1].w[c->worker];
}

static void go_somewhere(struct client *c)
{
	for (;;) {
		c->node = 1 + (uint32_t)(cluster_random(cl) % cl->n);
		c->worker = (uint32_t)(cluster_random(cl) % cl->nodes[0].workers);
		c->incarnation = cl->nodes[c->node - 1].incarnation;
		if (c->incarnation)
			return;
		task_sleep(MS);
	}
}

static void took(struct client *c)
{
	struct cell *x = &cells[c->file][c->range];

	if (x->holder && x->holder != c)
		fprintf(stderr, "# lock %u/%u granted to %u while %u holds it\n", c->file, c->range,
			c->index, x->holder->index);
	assert_true(!x->holder || x->holder == c);
	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_true(i == c->index || x->io[i] == 0);
	x->holder = c;
}

static void lets_go(struct client *c)
{
	struct cell *x = &cells[c->file][c->range];

	if (x->holder == c)
		x->holder = NULL;
}

/* A node died: what its ordinary opens held is free. */
static void node_died(uint32_t node)
{
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		if (c->node != node || c->persistent)
			continue;
		lets_go(c);
	}
}

static void saved_from(struct client *c)
{
	rec_open_done(&c->saved);
	assert_int_equal(rec_open_copy(&c->o->rec, &c->saved), 0);
	c->acked = true;
}

/* Opens `file`. True when it did; with a persistent open it does not give up before it knows. */
static bool opens(struct client *c, const struct rec_open *w)
{
	unsigned int how = 0;

	for (;;) {
		int e = lockc_open(lc(c), w, how, &c->o);

		if (e == LK_OK || e == LK_REPLAYED) {
			c->replays += e == LK_REPLAYED;
			if (c->persistent)
				saved_from(c);
			return true;
		}
		if (how && e == LK_FILE_NOT_AVAILABLE) {
			task_sleep(MS); /* what it replays has not been decided yet */
			if (!alive(c))
				go_somewhere(c);
			continue;
		}
		refused += e == -ENOSPC;
		if (how && e == -ENOSPC) {
			task_sleep(MS); /* what it replays may be there, and could not be given back now */
			if (!alive(c))
				go_somewhere(c);
			continue;
		}
		if (e != -ESHUTDOWN)
			return false;
		go_somewhere(c);
		if (!c->persistent)
			return false;
		how = LK_OPEN_REPLAY; /* it may have been granted before the node died */
	}
}

static bool has_lock(const struct client *c)
{
	for (uint32_t i = 0; i < c->o->rec.n_locks; i++)
		if (c->o->rec.locks[i].offset == c->range * 10)
			return true;
	return false;
}

/* Takes a persistent open back after its node died. True: it is here; false: it had been closed. */
static bool comes_back(struct client *c, bool may_be_closed)
{
	for (;;) {
		struct lk_reclaim q = reclaim_of(&c->saved);
		int e;

		go_somewhere(c);
		e = lockc_reclaim(lc(c), &q, &c->o);
		refused += e == -ENOSPC;
		if (e == -ENOSPC)
			task_sleep(MS);
		if (e == -ESHUTDOWN || e == -ENOSPC)
			continue;
		if (e == LK_NOT_FOUND && may_be_closed)
			return false;
		if (e != LK_OK)
			fprintf(stderr, "# client %u: reclaim of an acknowledged open: %d\n",
				c->index, e);
		assert_int_equal(e, LK_OK);
		c->reclaims++;
		return true;
	}
}

/* The node died under an open. True: persistent, and back. */
static bool recover(struct client *c)
{
	bool held = cells[c->file][c->range].holder == c;

	if (!c->persistent)
		return false;
	assert_true(comes_back(c, false));
	if (held)
		assert_true(has_lock(c));
	else if (has_lock(c))
		took(c); /* granted, and the reply was lost */
	return true;
}

static void does_io(struct client *c)
{
	unsigned int r = (unsigned int)(cluster_random(cl) % RANGES);
	struct lockc *l = lc(c);
	struct lk_open *o = c->o;
	bool permit = o->write_permit;

	if (lockc_io_begin(l, o, r * 10, 10, true) != LK_OK)
		return;
	if (permit) {
		const struct client *h = cells[c->file][r].holder;

		assert_true(!h || h == c);
		cells[c->file][r].io[c->index]++;
	}
	task_sleep(cluster_random(cl) % MS);
	if (permit)
		cells[c->file][r].io[c->index]--;
	/* The workers of a node die one after the other. */
	lockc_io_end(lc(c) == l ? l : NULL, o);
}

static int asks_lock(struct client *c)
{
	struct lk_range r = { .offset = c->range * 10, .length = 10, .exclusive = true };

	return lockc_lock(lc(c), c->o, &r, 1, no_seq, cluster_random(cl) & 1, NULL, NULL);
}

static int asks_unlock(struct client *c)
{
	struct lk_range r = { .offset = c->range * 10, .length = 10 };

	return lockc_unlock(lc(c), c->o, &r, 1, no_seq);
}

static void closes(struct client *c)
{
	for (;;) {
		int e = lockc_close(lc(c), c->o);

		if (e != -ESHUTDOWN) {
			assert_int_equal(e, LK_OK);
			return;
		}
		if (!c->persistent || !comes_back(c, true))
			return;
	}
}

static void uses(struct client *c)
{
	int e;

	for (int i = 0; i < 3 && alive(c); i++)
		does_io(c);
	if (!alive(c)) {
		if (!recover(c))
			return;
		goto out;
	}
	e = asks_lock(c);
	if (e == LK_OK && !alive(c))
		e = -ESHUTDOWN; /* told by a dead node: nobody heard it */
	if (e == LK_OK)
		took(c);
	else if (e == -ESHUTDOWN && !recover(c))
		return;
	task_sleep(cluster_random(cl) % (5 * MS));
	if (!alive(c) && !recover(c))
		return;
	for (int i = 0; i < 2 && alive(c); i++)
		does_io(c);
	if (!alive(c) && !recover(c))
		return;
out:
	if (cells[c->file][c->range].holder == c) {
		lets_go(c);
		if (cluster_random(cl) & 1) {
			e = asks_unlock(c);
			if (e == -ESHUTDOWN) {
				if (!c->persistent)
					return;
				comes_back(c, false);
			} else if (e == -ENOSPC) {
				refused++; /* it ends with the open */
			} else {
				assert_int_equal(e, LK_OK);
			}
		}
	}
	if (!alive(c)) {
		if (!c->persistent)
			return;
		comes_back(c, false);
	}
	lets_go(c);
	closes(c);
	c->done++;
}

static void client_main(void *arg)
{
	struct client *c = arg;

	while (!stop) {
		struct file_key k;
		struct rec_open w;

		c->file = (unsigned int)(cluster_random(cl) % FILES);
		c->range = (unsigned int)(cluster_random(cl) % RANGES);
		c->persistent = cluster_random(cl) & 1;
		c->acked = false;
		k = key_of(c->file);
		w = c->persistent ? want_persistent(&k, RD | WR, SH_ALL) :
				    want(&k, RD | WR, SH_ALL);
		w.client_guid.b[0] = (uint8_t)c->index;
		w.session_id = c->index;
		go_somewhere(c);
		if (opens(c, &w))
			uses(c);
		lets_go(c);
		task_sleep(cluster_random(cl) % (3 * MS));
	}
	rec_open_done(&c->saved);
	running--;
}

static unsigned int n_alive(void)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < cl->n; i++)
		n += cl->nodes[i].incarnation != 0;
	return n;
}

static void disturb(void)
{
	uint32_t n = 1 + (uint32_t)(cluster_random(cl) % cl->n);

	if (cluster_random(cl) % 4 == 0) {
		cluster_cut(cl);
	} else if (cluster_random(cl) % 3 == 0) {
		full = !full;
		mem_store_fail(cl->store, full ? -ENOSPC : 0);
	} else if (!cl->nodes[n - 1].incarnation) {
		cluster_start(cl, n);
		cluster_view(cl);
	} else if (n_alive() > 1) {
		node_died(n);
		cluster_crash(cl, n);
		crashes++;
		task_sleep(cluster_random(cl) % (40 * MS));
		cluster_view(cl);
	}
}

static void torture(uint64_t ms)
{
	uint64_t end;
	unsigned int done = 0, reclaims = 0, replays = 0;

	memset(cells, 0, sizeof(cells));
	memset(clients, 0, sizeof(clients));
	stop = full = false;
	crashes = refused = 0;
	cl = cluster_new(3, 2, 16);
	cl->delay = MS;
	cl->view_delay = 15 * MS;
	mem_store_delay(cl->store, 2 * MS);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		clients[i].index = i;
		running++;
		spawn(client_main, &clients[i], NULL);
	}
	for (end = in_ms(ms); loop_now(loop_current()) < end;) {
		task_sleep(cluster_random(cl) % (120 * MS));
		disturb();
	}
	mem_store_fail(cl->store, 0);
	for (uint32_t i = 1; i <= cl->n; i++)
		if (!cl->nodes[i - 1].incarnation)
			cluster_start(cl, i);
	cluster_view(cl);
	cluster_settle(cl);
	stop = true;
	for (int i = 0; i < 20000 && running > 0; i++)
		task_sleep(MS);
	assert_int_equal(running, 0);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		done += clients[i].done;
		reclaims += clients[i].reclaims;
		replays += clients[i].replays;
	}
	fprintf(stderr, "# %u rounds, %u crashes, %u reclaims, %u replays, %u refused\n", done, crashes,
		reclaims, replays, refused);
	for (unsigned int f = 0; f < FILES; f++) {
		struct file_key k = key_of(f);
		struct lk_file_info info = { 0 };

		assert_int_equal(lockc_query(cl->nodes[0].w[0], &k, &info), 0);
		assert_int_equal(info.opens, 0);
	}
	assert_int_equal(mem_store_count(cl->store), 0);
	for (uint32_t i = 0; i < cl->n; i++)
		assert_int_equal(cl->nodes[i].lost, 0);
	cluster_free(cl);
}

static void body(void)
{
	const char *s = getenv("TORTURE_MS");

	torture(s ? strtoull(s, NULL, 0) : 4000);
}

static void test_torture(void **state)
{
	run_on_loop(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_torture) };

	return cmocka_run_group_tests_name("lock torture", tests, NULL, NULL);
}
