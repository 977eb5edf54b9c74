/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growth of the writing cursor; everything else is inline. */
#include "node/wire/wr.h"

struct wr wr_arena(struct arena *a, size_t limit)
{
	return (struct wr){ .arena = a, .limit = limit };
}

struct wr wr_fixed(void *p, size_t n)
{
	return (struct wr){ .base = p, .cap = n, .limit = n };
}

static bool wr_grow(struct wr *w, size_t need)
{
	size_t cap = MAX(w->cap * 2, (size_t)256);
	uint8_t *b;

	if (!w->arena || need > w->limit)
		return false;
	cap = MIN(MAX(cap, need), w->limit);
	b = arena_alloc(w->arena, cap);
	if (!b)
		return false;
	if (w->len)
		memcpy(b, w->base, w->len);
	w->base = b;
	w->cap = cap;
	return true;
}

uint8_t *wr_reserve(struct wr *w, size_t n)
{
	uint8_t *d;

	if (w->err)
		return NULL;
	if (n > w->limit - w->len || (n > w->cap - w->len && !wr_grow(w, w->len + n))) {
		w->err = true;
		return NULL;
	}
	if (!w->base) /* n == 0 before the first growth */
		return (uint8_t *)"";
	d = w->base + w->len;
	w->len += n;
	return d;
}
