/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See rados_load.h. */
#include "tests/unit/statestore/rados_load.h"

#include <inttypes.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#include "node/base/clock.h"

#define SLOTS 16
#define DEPTH 4 /* writes on their way per slot */

/* One chain of writes, each with the next number; the completion of one is the start of the next. */
struct chain {
	struct store_write w;
	struct store_mut mut;
	char key[16], val[32];
	struct load *load;
	uint64_t n, acked, since;
};

struct load {
	struct store *s;
	struct chain chains[SLOTS * DEPTH];
	uint64_t until;
	atomic_uint left, failed;
	atomic_ullong writes, longest;
	sem_t done;
};

static void chain_next(struct chain *c);

static void chain_done(struct store_write *w, int status)
{
	struct chain *c = container_of(w, struct chain, w);
	struct load *l = c->load;
	uint64_t now = clock_mono_ns();

	if (now - c->since > atomic_load(&l->longest))
		atomic_store(&l->longest, now - c->since);
	if (status < 0)
		atomic_fetch_add(&l->failed, 1);
	else
		c->acked = c->n;
	atomic_fetch_add(&l->writes, 1);
	if (status == 0 && now < l->until)
		chain_next(c);
	else if (atomic_fetch_sub(&l->left, 1) == 1)
		sem_post(&l->done);
}

static void chain_next(struct chain *c)
{
	c->n++;
	snprintf(c->val, sizeof(c->val), "%" PRIu64, c->n);
	c->mut.val = BLOB(c->val, strlen(c->val));
	c->since = clock_mono_ns();
	store_submit(c->load->s, &c->w);
}

/* What the store has must be the last acknowledged value, or one that was on its way behind it. */
static bool chain_check(struct chain *c)
{
	struct arena a = { 0 };
	uint64_t found;
	struct blob v;
	char text[32] = "";
	bool ok = false;

	arena_init(&a, 0);
	if (store_get(c->load->s, c->w.slot, c->mut.key, &a, &v) == 0 && v.len < sizeof(text)) {
		memcpy(text, v.data, v.len);
		found = strtoull(text, NULL, 10);
		ok = found >= c->acked && found <= c->n;
	}
	if (!ok)
		printf("slot %u key %s: acknowledged %" PRIu64 ", found %s\n", c->w.slot, c->key, c->acked, text);
	arena_reset(&a);
	return ok;
}

int rados_load(struct store *s, unsigned int seconds)
{
	struct load *l = calloc(1, sizeof(*l));
	unsigned int i, bad = 0;
	uint32_t slots[SLOTS];
	bool ok[SLOTS];

	l->s = s;
	for (i = 0; i < SLOTS; i++)
		slots[i] = i;
	if (store_claim(s, slots, SLOTS, 100, 1, 1, ok) < 0)
		return -1;
	sem_init(&l->done, 0, 0);
	atomic_store(&l->left, SLOTS * DEPTH);
	l->until = clock_mono_ns() + seconds * NSEC_PER_SEC;
	puts("begun");
	fflush(stdout);
	for (i = 0; i < SLOTS * DEPTH; i++) {
		struct chain *c = &l->chains[i];

		snprintf(c->key, sizeof(c->key), "chain%u", i);
		c->load = l;
		c->mut.key = BLOB(c->key, strlen(c->key));
		c->w = (struct store_write){ .slot = i % SLOTS, .epoch = 100, .muts = &c->mut, .n_muts = 1, .done = chain_done };
		chain_next(c);
	}
	sem_wait(&l->done);
	for (i = 0; i < SLOTS * DEPTH; i++)
		bad += !chain_check(&l->chains[i]);
	printf("writes %llu failed %u wrong %u longest_ms %llu\n", atomic_load(&l->writes), atomic_load(&l->failed), bad,
	       atomic_load(&l->longest) / NSEC_PER_MSEC);
	i = atomic_load(&l->failed);
	free(l);
	return bad || i ? -1 : 0;
}

/* --- measuring --- */

static double ms_since(uint64_t t)
{
	return (double)(clock_mono_ns() - t) / (double)NSEC_PER_MSEC;
}

static int claim_all(struct store *s, uint64_t epoch, const char *what)
{
	uint32_t i, n = store_info(s)->slots, taken = 0;
	uint32_t *slots = calloc(n, sizeof(*slots));
	bool *ok = calloc(n, sizeof(*ok));
	uint64_t t;
	int r;

	for (i = 0; i < n; i++)
		slots[i] = i;
	t = clock_mono_ns();
	r = store_claim(s, slots, n, epoch, 1, 1, ok);
	for (i = 0; i < n; i++)
		taken += ok[i];
	printf("%s: %u slots claimed in %.1f ms\n", what, taken, ms_since(t));
	free(slots);
	free(ok);
	return r < 0 || taken != n ? -1 : 0;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int single_writes(struct store *s)
{
	static double took[500];
	char val[300];
	unsigned int i;

	memset(val, 'r', sizeof(val));
	for (i = 0; i < ARRAY_SIZE(took); i++) {
		struct store_mut m = { BLOB(&i, sizeof(i)), BLOB(val, sizeof(val)) };
		uint64_t t = clock_mono_ns();

		if (store_write(s, i % store_info(s)->slots, 3, &m, 1) < 0)
			return -1;
		took[i] = ms_since(t);
	}
	qsort(took, ARRAY_SIZE(took), sizeof(took[0]), compare);
	printf("one write at a time: median %.2f ms, p99 %.2f ms\n", took[250], took[495]);
	return 0;
}

static int count(void *arg, struct blob key, struct blob val)
{
	(*(unsigned int *)arg)++;
	return 0;
}

static int scan_all(struct store *s)
{
	uint64_t t = clock_mono_ns();
	unsigned int n = 0;
	uint32_t i;

	for (i = 0; i < store_info(s)->slots; i++)
		if (store_scan(s, i, count, &n) < 0)
			return -1;
	printf("one scan at a time: %u slots, %u records in %.1f ms\n", i, n, ms_since(t));
	return n == 500 ? 0 : -1;
}

int rados_bench(struct store *s)
{
	if (claim_all(s, 1, "new store") < 0 || claim_all(s, 2, "next epoch") < 0 || claim_all(s, 3, "next epoch") < 0)
		return -1;
	return single_writes(s) < 0 || scan_all(s) < 0 ? -1 : 0;
}
