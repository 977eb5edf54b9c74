/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DER elements. No state; any thread. */
#include "node/auth/der.h"

static uint32_t take_length(struct rd *r)
{
	uint8_t first = rd_u8(r);
	uint32_t n = 0;

	if (first < 0x80)
		return first;
	if (first == 0x80 || first > 0x84) {
		rd_fail(r);
		return 0;
	}
	for (int i = first & 0x7f; i > 0; i--)
		n = n << 8 | rd_u8(r);
	return n;
}

struct rd der_take(struct rd *r, uint8_t tag)
{
	uint32_t n;

	if (rd_u8(r) != tag)
		rd_fail(r);
	n = take_length(r);
	return rd_sub(r, n);
}

void der_skip(struct rd *r)
{
	rd_skip(r, 1);
	rd_skip(r, take_length(r));
}

struct rd der_take_in(struct rd *r, uint8_t outer, uint8_t tag)
{
	struct rd o = der_take(r, outer);
	struct rd c = der_take(&o, tag);

	if (rd_left(&o) || !rd_ok(&o)) {
		rd_fail(r);
		rd_fail(&c);
	}
	return c;
}

size_t der_begin(struct wr *w, uint8_t tag)
{
	wr_u8(w, tag);
	wr_u8(w, 0);
	return wr_mark(w);
}

void der_end(struct wr *w, size_t mark)
{
	size_t n, more = 0;
	uint8_t *p;

	if (!wr_ok(w))
		return;
	n = w->len - mark;
	if (n >= 0x80) {
		for (size_t v = n; v; v >>= 8)
			more++;
		wr_zero(w, more);
		if (!wr_ok(w))
			return;
		memmove(w->base + mark + more, w->base + mark, n);
	}
	p = w->base + mark - 1;
	*p = (uint8_t)(more ? 0x80 | more : n);
	for (size_t i = 0; i < more; i++)
		p[1 + i] = (uint8_t)(n >> 8 * (more - 1 - i));
}

void der_put(struct wr *w, uint8_t tag, struct blob content)
{
	size_t m = der_begin(w, tag);

	wr_put(w, content);
	der_end(w, m);
}
