/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arena memory. An arena has no lock: it belongs to one thread at a time. */
#include "node/base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_EACH_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_EACH_ALONE 1
#endif
#endif

#define ARENA_CHUNK 8192
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_chunk {
	struct arena_chunk *next;
	size_t pos, cap;
	_Alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a, size_t limit)
{
	*a = (struct arena){ .limit = limit };
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->chunks, *next;

	for (; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
	a->used = 0;
}

static struct arena_chunk *arena_grow(struct arena *a, size_t n)
{
#ifdef ARENA_EACH_ALONE
	size_t cap = n;
#else
	size_t cap = MAX(n, (size_t)ARENA_CHUNK - sizeof(struct arena_chunk));
#endif
	struct arena_chunk *c = malloc(sizeof(*c) + cap);

	if (!c)
		return NULL;
	c->pos = 0;
	c->cap = cap;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	size_t need;
	void *p;

	if (n > SIZE_MAX / 4)
		return NULL;
	if (a->limit && (n > a->limit || a->used > a->limit - n))
		return NULL;
#ifdef ARENA_EACH_ALONE
	need = MAX(n, (size_t)1);
	c = NULL;
#else
	need = (MAX(n, (size_t)1) + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
#endif
	if (!c || c->cap - c->pos < need) {
		c = arena_grow(a, need);
		if (!c)
			return NULL;
	}
	p = c->data + c->pos;
	c->pos += need;
	a->used += n;
	return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	return arena_zalloc(a, n);
}

void *arena_memdup(struct arena *a, const void *p, size_t n)
{
	void *d = arena_alloc(a, n);

	if (d && n)
		memcpy(d, p, n);
	return d;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_memdup(a, s, strlen(s) + 1);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	s = arena_alloc(a, (size_t)n + 1);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}
