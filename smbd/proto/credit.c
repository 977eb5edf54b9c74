/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of message ids of a connection. Pure; belongs to the connection's worker. */
#include "smbd/proto/credit.h"

#define CREDIT_MIN_BITS 64u

static bool used(const struct credit_window *w, uint64_t id)
{
	uint32_t i = (uint32_t)(id & (w->bits - 1));

	return w->used[i / 64] >> (i % 64) & 1;
}

static void flip(struct credit_window *w, uint64_t id)
{
	uint32_t i = (uint32_t)(id & (w->bits - 1));

	w->used[i / 64] ^= UINT64_C(1) << (i % 64);
}

int credit_init(struct credit_window *w, uint64_t first, uint32_t max)
{
	uint32_t bits = CREDIT_MIN_BITS;
	uint64_t *map;

	while (bits / 2 < max)
		bits *= 2;
	map = calloc(bits / 64, sizeof(*map));
	if (!map)
		return -ENOMEM;
	*w = (struct credit_window){
		.low = first, .high = first + 1, .max = max, .used = map, .bits = bits
	};
	return 0;
}

void credit_done(struct credit_window *w)
{
	free(w->used);
	*w = (struct credit_window){ 0 };
}

uint32_t credit_out(const struct credit_window *w)
{
	return (uint32_t)(w->high - w->low) - w->n_used;
}

int credit_consume(struct credit_window *w, uint64_t first, uint32_t count)
{
	uint64_t end;
	uint64_t id;

	if (count == 0 || __builtin_add_overflow(first, count, &end))
		return -EBADMSG;
	if (first < w->low || end > w->high)
		return -EBADMSG;
	for (id = first; id < end; id++) {
		if (used(w, id))
			return -EBADMSG;
	}
	for (id = first; id < end; id++)
		flip(w, id);
	w->n_used += count;
	while (w->low < w->high && used(w, w->low)) {
		flip(w, w->low);
		w->low++;
		w->n_used--;
	}
	return 0;
}

uint16_t credit_grant(struct credit_window *w, uint16_t wanted, uint16_t charge)
{
	uint32_t out = credit_out(w);
	uint32_t room = out < w->max ? w->max - out : 0;
	uint32_t ring = w->bits - (uint32_t)(w->high - w->low);
	uint32_t n = wanted ? MAX((uint32_t)wanted, (uint32_t)charge) : 0;

	/* A client that holds none could never ask again (3.3.1.2). */
	if (n == 0 && out == 0)
		n = 1;
	n = MIN(MIN(n, room), MIN(ring, (uint32_t)UINT16_MAX));
	w->high += n;
	return (uint16_t)n;
}
