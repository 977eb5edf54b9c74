/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers for READ data: a few of each power of two per thread. */
#include "smbd/op/iobuf.h"

#include <pthread.h>

#define CLASS_MIN 14 /* 16 KiB */
#define CLASS_MAX 24 /* 16 MiB */
#define CLASSES (CLASS_MAX - CLASS_MIN + 1)
#define KEEP_BYTES (16u << 20) /* of each class */

/* Before the bytes that the caller sees. */
struct iobuf {
	struct iobuf *next;
	unsigned int class;
	_Alignas(64) uint8_t bytes[];
};

struct cache {
	struct iobuf *free[CLASSES];
	unsigned int count[CLASSES];
};

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static __thread struct cache *cache;

static void cache_free(void *arg)
{
	struct cache *c = arg;
	struct iobuf *b;

	for (unsigned int i = 0; i < CLASSES; i++) {
		while ((b = c->free[i])) {
			c->free[i] = b->next;
			free(b);
		}
	}
	free(c);
	cache = NULL;
}

static void make_key(void)
{
	if (pthread_key_create(&key, cache_free) != 0)
		abort();
}

static struct cache *cache_get(void)
{
	if (cache)
		return cache;
	pthread_once(&once, make_key);
	cache = calloc(1, sizeof(*cache));
	if (cache)
		(void)pthread_setspecific(key, cache);
	return cache;
}

void *iobuf_get(size_t n)
{
	struct cache *c = cache_get();
	unsigned int i = 0;
	struct iobuf *b;

	while (i < CLASSES && ((size_t)1 << (CLASS_MIN + i)) < n)
		i++;
	if (!c || i == CLASSES)
		return NULL;
	b = c->free[i];
	if (b) {
		c->free[i] = b->next;
		c->count[i]--;
		return b->bytes;
	}
	b = malloc(sizeof(*b) + ((size_t)1 << (CLASS_MIN + i)));
	if (!b)
		return NULL;
	b->class = i;
	return b->bytes;
}

void iobuf_put(void *buf)
{
	struct iobuf *b = (struct iobuf *)((uint8_t *)buf - offsetof(struct iobuf, bytes));
	unsigned int i = b->class;

	if (!cache || cache->count[i] >= MAX(KEEP_BYTES >> (CLASS_MIN + i), 1u)) {
		free(b);
		return;
	}
	b->next = cache->free[i];
	cache->free[i] = b;
	cache->count[i]++;
}
