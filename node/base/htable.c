/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intrusive hash table. It has no lock: it belongs to one thread at a time. */
#include "node/base/htable.h"

/* The low bits choose the bucket; a caller's weak hash is mixed by its high half at least. */
static inline size_t bucket_of(uint64_t hash, size_t size)
{
	return (size_t)(hash ^ hash >> 32) & (size - 1);
}

static struct hnode **buckets_of(const struct htable *t)
{
	return t->buckets ? t->buckets : (struct hnode **)t->small;
}

static size_t size_of(const struct htable *t)
{
	return t->buckets ? t->size : HTABLE_SMALL;
}

void htable_init(struct htable *t)
{
	*t = (struct htable){ 0 };
}

void htable_done(struct htable *t)
{
	free(t->buckets);
	htable_init(t);
}

static void htable_grow(struct htable *t)
{
	struct hnode **old = buckets_of(t), **fresh, *n, *next;
	size_t size = size_of(t), wanted = size * 2;

	fresh = calloc(wanted, sizeof(*fresh));
	if (!fresh)
		return; /* longer chains are slower, not wrong */
	for (size_t i = 0; i < size; i++)
		for (n = old[i]; n; n = next) {
			struct hnode **b = &fresh[bucket_of(n->hash, wanted)];

			next = n->next;
			n->next = *b;
			*b = n;
		}
	free(t->buckets);
	memset(t->small, 0, sizeof(t->small));
	t->buckets = fresh;
	t->size = wanted;
}

void htable_insert(struct htable *t, struct hnode *n, uint64_t hash)
{
	struct hnode **b;

	if (t->count >= size_of(t))
		htable_grow(t);
	b = &buckets_of(t)[bucket_of(hash, size_of(t))];
	n->hash = hash;
	n->next = *b;
	*b = n;
	t->count++;
}

void htable_remove(struct htable *t, struct hnode *n)
{
	struct hnode **p = &buckets_of(t)[bucket_of(n->hash, size_of(t))];

	while (*p != n) {
		assert(*p);
		p = &(*p)->next;
	}
	*p = n->next;
	n->next = NULL;
	t->count--;
}

struct hnode *htable_find(const struct htable *t, uint64_t hash)
{
	struct hnode *n = buckets_of(t)[bucket_of(hash, size_of(t))];

	while (n && n->hash != hash)
		n = n->next;
	return n;
}

struct hnode *htable_find_next(const struct hnode *n)
{
	uint64_t hash = n->hash;

	do
		n = n->next;
	while (n && n->hash != hash);
	return (struct hnode *)n;
}

struct hnode *htable_walk(const struct htable *t, struct htable_iter *it)
{
	*it = (struct htable_iter){ 0 };
	return htable_walk_next(t, it);
}

struct hnode *htable_walk_next(const struct htable *t, struct htable_iter *it)
{
	struct hnode **buckets = buckets_of(t), *n = it->next;
	size_t size = size_of(t);

	while (!n && it->bucket < size)
		n = buckets[it->bucket++];
	it->next = n ? n->next : NULL;
	return n;
}
