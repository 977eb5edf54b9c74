/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store in memory. Writes of a slot take effect in order, after a while, like those of a real
 * one. */
#include "tests/unit/test.h"

#include "node/base/random.h"
#include "node/loop/task.h"
#include "statestore/record.h"
#include "tests/unit/smbd-lock/mem_store.h"

struct mem_rec {
	struct list link;
	size_t klen, vlen;
	uint8_t *key, *val;
};

struct mem_slot {
	struct list recs;
	struct store_owner owner;
	uint64_t busy_until;
};

struct store {
	struct store_info info;
	struct mem_slot *slots;
	int fail, refuse;
	uint64_t delay;
	uint64_t seed;
	/* The one resource that there may be. */
	char *res_name;
	uint64_t res_version;
};

struct pending {
	struct timer timer;
	struct store *store;
	struct store_write *w;
};

struct store *mem_store_new(uint32_t slots)
{
	struct store *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->info.slots = slots;
	s->slots = calloc(slots, sizeof(*s->slots));
	for (uint32_t i = 0; i < slots; i++)
		list_init(&s->slots[i].recs);
	return s;
}

static void rec_free(struct mem_rec *r)
{
	list_remove(&r->link);
	free(r->key);
	free(r->val);
	free(r);
}

void mem_store_free(struct store *s)
{
	for (uint32_t i = 0; i < s->info.slots; i++) {
		struct mem_rec *r, *t;

		list_foreach_safe(r, t, &s->slots[i].recs, link)
			rec_free(r);
	}
	free(s->slots);
	free(s->res_name);
	free(s);
}

void mem_store_fail(struct store *s, int err)
{
	s->fail = err;
}

void mem_store_refuse(struct store *s, int err)
{
	s->refuse = err;
}

void mem_store_delay(struct store *s, uint64_t ns)
{
	s->delay = ns;
}

size_t mem_store_count(const struct store *s)
{
	size_t n = 0;
	struct mem_rec *r;

	for (uint32_t i = 0; i < s->info.slots; i++)
		list_foreach(r, &s->slots[i].recs, link)
			n++;
	return n;
}

static void put(struct mem_slot *sl, struct blob key, struct blob val)
{
	struct mem_rec *r, *t;

	list_foreach_safe(r, t, &sl->recs, link)
		if (blob_equal(BLOB(r->key, r->klen), key))
			rec_free(r);
	if (!val.data)
		return;
	r = calloc(1, sizeof(*r));
	r->key = malloc(key.len + 1);
	r->val = malloc(val.len + 1);
	memcpy(r->key, key.data, key.len);
	memcpy(r->val, val.data, val.len);
	r->klen = key.len;
	r->vlen = val.len;
	list_append(&sl->recs, &r->link);
}

void mem_store_put(struct store *s, uint64_t id, struct blob val)
{
	uint8_t key[REC_OPEN_KEY_SIZE];

	rec_open_key(id, key);
	put(&s->slots[id & 0xffff], BLOB(key, sizeof(key)), val);
}

const struct store_info *store_info(const struct store *s)
{
	return &s->info;
}

static void apply(struct timer *t)
{
	struct pending *p = container_of(t, struct pending, timer);
	struct mem_slot *sl = &p->store->slots[p->w->slot];
	struct store_write *w = p->w;
	int e = p->store->fail ? p->store->fail : p->store->refuse;

	if (sl->owner.epoch != w->epoch)
		e = -ESTALE;
	for (unsigned int i = 0; e == 0 && i < w->n_muts; i++)
		put(sl, w->muts[i].key, w->muts[i].val);
	free(p);
	w->done(w, e);
}

void store_submit(struct store *s, struct store_write *w)
{
	struct pending *p = calloc(1, sizeof(*p));
	struct mem_slot *sl = &s->slots[w->slot];
	uint64_t at = loop_now(loop_current()) + (s->delay ? random_u64() % s->delay : 0);

	if (at <= sl->busy_until)
		at = sl->busy_until + 1;
	sl->busy_until = at;
	p->store = s;
	p->w = w;
	timer_init(&p->timer, loop_current(), apply);
	timer_set(&p->timer, at);
}

static void wait_a_bit(struct store *s)
{
	if (s->delay)
		task_sleep(random_u64() % s->delay);
	else
		task_yield();
}

int store_claim(struct store *s, const uint32_t *slots, unsigned int n, uint64_t epoch,
		uint32_t node, uint64_t incarnation, bool *ret_ok)
{
	wait_a_bit(s);
	if (s->fail)
		return s->fail;
	for (unsigned int i = 0; i < n; i++) {
		struct store_owner *o = &s->slots[slots[i]].owner;

		ret_ok[i] = o->epoch <= epoch;
		if (ret_ok[i])
			*o = (struct store_owner){ .epoch = epoch,
						   .node = node,
						   .incarnation = incarnation };
	}
	wait_a_bit(s);
	return 0;
}

/* Few at a time, so that a takeover has several tasks. */
uint32_t store_claim_batch(const struct store *s)
{
	return 1;
}

int store_scan(struct store *s, uint32_t slot, store_each_fn *each, void *arg)
{
	struct mem_rec *r;

	wait_a_bit(s);
	list_foreach(r, &s->slots[slot].recs, link) {
		int e = each(arg, BLOB(r->key, r->klen), BLOB(r->val, r->vlen));

		if (e)
			return e;
	}
	return 0;
}

int store_get(struct store *s, uint32_t slot, struct blob key, struct arena *a, struct blob *ret)
{
	struct mem_rec *r;
	void *val;

	wait_a_bit(s);
	list_foreach(r, &s->slots[slot].recs, link) {
		if (!blob_equal(BLOB(r->key, r->klen), key))
			continue;
		val = arena_memdup(a, r->val, r->vlen);
		if (!val)
			return -ENOMEM;
		*ret = BLOB(val, r->vlen);
		return 0;
	}
	return -ENOENT;
}

int store_used_slots(struct store *s, bool *ret_has)
{
	wait_a_bit(s);
	for (uint32_t i = 0; i < s->info.slots; i++)
		ret_has[i] = !list_empty(&s->slots[i].recs);
	return 0;
}

int store_res_get(struct store *s, const char *kind, const char *name, struct arena *a, struct store_res *ret)
{
	wait_a_bit(s);
	if (!s->res_name || strcmp(s->res_name, name) != 0)
		return -ENOENT;
	*ret = (struct store_res){ .kind = kind, .name = name, .version = s->res_version, .val = BLOB("", 0) };
	return 0;
}

int store_res_put(struct store *s, const char *kind, const char *name, struct blob val, uint64_t expect,
		  uint64_t *ret_version)
{
	wait_a_bit(s);
	if (expect == 0 && s->res_name)
		return -EEXIST;
	if (expect != 0 && expect != s->res_version)
		return -ESTALE;
	free(s->res_name);
	s->res_name = val.data ? strdup(name) : NULL;
	s->res_version++;
	return 0;
}

int store_write(struct store *s, uint32_t slot, uint64_t epoch, const struct store_mut *muts, unsigned int n)
{
	wait_a_bit(s);
	if (s->slots[slot].owner.epoch != epoch)
		return -ESTALE;
	for (unsigned int i = 0; i < n; i++)
		put(&s->slots[slot], muts[i].key, muts[i].val);
	return 0;
}
