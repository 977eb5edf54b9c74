/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes of slots: some operations per slot fly at once, in order; what comes meanwhile waits, and the next operation of
 * the slot takes all of it. Completions come on a thread of librados. Slots share no lock.
 */
#include "statestore/rstore_priv.h"

#include "node/base/clock.h"
#include "node/base/fault.h"

/* Operations of one slot on their way. */
#define FLYING_MAX 8
/* What one operation takes: decisions, and bytes unless a single one has more. */
#define BATCH_WRITES 64
#define BATCH_BYTES (1u << 20)
/* Keys that are handed to librados at once. */
#define RUN_MAX 8

struct rbatch {
	struct list link; /* rslot.flying */
	struct rstore *s;
	struct rslot *slot;
	struct list writes; /* struct store_write */
	uint64_t since;
};

int rstore_slots_init(struct rstore *s)
{
	uint32_t i;

	s->slots = calloc(s->store.info.slots, sizeof(*s->slots));
	if (!s->slots)
		return -ENOMEM;
	for (i = 0; i < s->store.info.slots; i++) {
		pthread_mutex_init(&s->slots[i].mutex, NULL);
		list_init(&s->slots[i].waiting);
		list_init(&s->slots[i].flying);
	}
	return 0;
}

void rstore_slots_done(struct rstore *s)
{
	uint32_t i;

	for (i = 0; s->slots && i < s->store.info.slots; i++)
		pthread_mutex_destroy(&s->slots[i].mutex);
	free(s->slots);
	s->slots = NULL;
}

uint64_t rstore_slot_oldest(struct rslot *slot, unsigned int *add)
{
	struct rbatch *b;
	struct list *l;
	uint64_t at = 0;

	pthread_mutex_lock(&slot->mutex);
	b = list_first(&slot->flying, struct rbatch, link);
	if (b)
		at = b->since;
	for (l = slot->waiting.next; l != &slot->waiting; l = l->next)
		(*add)++;
	*add += slot->n_flying;
	pthread_mutex_unlock(&slot->mutex);
	return at;
}

/* --- one operation --- */

/* Consecutive changes of one kind. */
struct run {
	char hex[RUN_MAX][RSTORE_HEX_MAX];
	const char *keys[RUN_MAX], *vals[RUN_MAX];
	size_t key_lens[RUN_MAX], val_lens[RUN_MAX];
	unsigned int n;
	bool set;
};

static void run_flush(struct run *run, rados_write_op_t op)
{
	if (run->n == 0)
		return;
	if (run->set)
		rados_write_op_omap_set2(op, run->keys, run->vals, run->key_lens, run->val_lens, run->n);
	else
		rados_write_op_omap_rm_keys2(op, run->keys, run->key_lens, run->n);
	run->n = 0;
}

static void run_add(struct run *run, rados_write_op_t op, const struct store_mut *m)
{
	bool set = m->val.data;
	unsigned int i;

	if (run->n == RUN_MAX || (run->n && run->set != set))
		run_flush(run, op);
	i = run->n++;
	run->set = set;
	rstore_hex(m->key, run->hex[i]);
	run->keys[i] = run->hex[i];
	run->key_lens[i] = 2 * m->key.len;
	run->vals[i] = (const char *)m->val.data;
	run->val_lens[i] = m->val.len;
}

static rados_write_op_t batch_op(const struct rbatch *b)
{
	const struct store_write *w = list_first(&b->writes, struct store_write, link);
	rados_write_op_t op = rados_create_write_op();
	char epoch[RSTORE_EPOCH_LEN + 1];
	struct run run;
	unsigned int i;

	run.n = 0;
	rstore_epoch_text(w->epoch, epoch);
	if (!fault(FAULT_NO_EPOCH_GUARD))
		rados_write_op_cmpxattr(op, "epoch", LIBRADOS_CMPXATTR_OP_EQ, epoch, RSTORE_EPOCH_LEN);
	list_foreach(w, &b->writes, link)
		for (i = 0; i < w->n_muts; i++)
			run_add(&run, op, &w->muts[i]);
	run_flush(&run, op);
	return op;
}

static size_t write_size(const struct store_write *w)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < w->n_muts; i++)
		n += 2 * w->muts[i].key.len + w->muts[i].val.len;
	return n;
}

/* Moves what waits and fits into one operation. */
static void batch_fill(struct rbatch *b)
{
	struct store_write *w, *first = NULL;
	unsigned int n = 0;
	size_t bytes = 0;

	while ((w = list_first(&b->slot->waiting, struct store_write, link))) {
		bytes += write_size(w);
		if (first && (w->epoch != first->epoch || n == BATCH_WRITES || bytes > BATCH_BYTES))
			break;
		first = first ? first : w;
		n++;
		list_remove(&w->link);
		list_append(&b->writes, &w->link);
	}
}

static void on_batch(rados_completion_t c, void *arg);

/* Sends what waits. The slot's mutex is held, which keeps the order. What cannot be sent goes to `failed`. */
static int slot_send(struct rstore *s, struct rslot *slot, struct list *failed)
{
	rados_completion_t c;
	rados_write_op_t op;
	char oid[RSTORE_OID_MAX];
	struct rbatch *b;
	int r;

	if (slot->n_flying == FLYING_MAX || list_empty(&slot->waiting))
		return 0;
	b = calloc(1, sizeof(*b));
	if (!b) {
		list_splice(failed, &slot->waiting);
		return -ENOMEM;
	}
	*b = (struct rbatch){ .s = s, .slot = slot, .since = clock_mono_ns() };
	list_init(&b->writes);
	batch_fill(b);
	op = batch_op(b);
	rstore_slot_oid((uint32_t)(slot - s->slots), oid);
	rados_aio_create_completion2(b, on_batch, &c);
	rstore_begin(s);
	list_append(&slot->flying, &b->link);
	slot->n_flying++;
	r = rados_aio_write_op_operate(op, s->io, c, oid, NULL, LIBRADOS_OPERATION_FULL_TRY);
	rados_release_write_op(op);
	if (r < 0) {
		rados_aio_release(c);
		list_remove(&b->link);
		slot->n_flying--;
		list_splice(failed, &b->writes);
		free(b);
		rstore_end(s);
	}
	return r;
}

static void finish(struct list *writes, int status)
{
	struct store_write *w;

	while ((w = list_first(writes, struct store_write, link))) {
		list_remove(&w->link);
		w->done(w, status);
	}
}

/* A slot without an epoch was never claimed. */
static int write_status(struct rstore *s, int r)
{
	if (r == -ESHUTDOWN)
		rstore_fenced(s);
	return r == -ENOENT || r == -ENODATA ? -ESTALE : rstore_errno(r);
}

static void on_batch(rados_completion_t c, void *arg)
{
	int r = rados_aio_get_return_value(c), e;
	struct rbatch *b = arg;
	struct rstore *s = b->s;
	struct list failed;

	rados_aio_release(c);
	list_init(&failed);
	pthread_mutex_lock(&b->slot->mutex);
	list_remove(&b->link);
	b->slot->n_flying--;
	e = slot_send(s, b->slot, &failed);
	pthread_mutex_unlock(&b->slot->mutex);
	finish(&b->writes, write_status(s, r));
	finish(&failed, e);
	free(b);
	rstore_end(s);
}

/* --- the face --- */

void rstore_submit(struct store *st, struct store_write *w)
{
	struct rstore *s = RSTORE_OF(st);
	struct rslot *slot = &s->slots[w->slot];
	struct list failed;
	int r;

	if (!store_muts_ok(w)) {
		w->done(w, -EINVAL);
		return;
	}
	list_init(&failed);
	pthread_mutex_lock(&slot->mutex);
	list_append(&slot->waiting, &w->link);
	r = slot_send(s, slot, &failed);
	pthread_mutex_unlock(&slot->mutex);
	finish(&failed, r);
}
