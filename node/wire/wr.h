/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing cursor. It grows in an arena up to a limit, or writes into a fixed buffer; the first write
 * that does not fit sets `err` and every later one does nothing. Callers check once, with wr_end().
 */
#ifndef HF_NODE_WIRE_WR_H
#define HF_NODE_WIRE_WR_H

#include "node/base/arena.h"

struct wr {
	uint8_t *base;
	size_t len, cap;
	size_t limit;        /* largest cap */
	struct arena *arena; /* NULL: fixed buffer */
	bool err;
};

/* Grows in `a`, up to `limit` bytes. Pointers into `base` move when it grows: keep offsets. */
struct wr wr_arena(struct arena *a, size_t limit);
/* Writes into `p[0..n)`. */
struct wr wr_fixed(void *p, size_t n);
/* Makes room for `n` more bytes and returns where they go, or NULL when they do not fit. */
uint8_t *wr_reserve(struct wr *w, size_t n);

static inline bool wr_ok(const struct wr *w) { return !w->err; }
static inline void wr_fail(struct wr *w) { w->err = true; }
/* 0 when everything did fit, else -ENOBUFS. */
static inline int wr_end(const struct wr *w) { return w->err ? -ENOBUFS : 0; }
static inline struct blob wr_blob(const struct wr *w) { return BLOB(w->base, w->err ? 0 : w->len); }
/* Position for a later wr_patch_*(). */
static inline size_t wr_mark(const struct wr *w) { return w->len; }

static inline void wr_bytes(struct wr *w, const void *p, size_t n)
{
	uint8_t *d = wr_reserve(w, n);

	if (d && n)
		memcpy(d, p, n);
}
static inline void wr_put(struct wr *w, struct blob b) { wr_bytes(w, b.data, b.len); }
static inline void wr_zero(struct wr *w, size_t n)
{
	uint8_t *d = wr_reserve(w, n);

	if (d)
		memset(d, 0, n);
}
static inline void wr_u8(struct wr *w, uint8_t v) { wr_bytes(w, &v, 1); }
static inline void wr_le16(struct wr *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	wr_bytes(w, b, 2);
}
static inline void wr_le32(struct wr *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	wr_bytes(w, b, 4);
}
static inline void wr_le64(struct wr *w, uint64_t v)
{
	wr_le32(w, (uint32_t)v);
	wr_le32(w, (uint32_t)(v >> 32));
}
static inline void wr_be16(struct wr *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	wr_bytes(w, b, 2);
}
static inline void wr_be32(struct wr *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	wr_bytes(w, b, 4);
}
/* Zero padding up to the next multiple of `a` (a power of two), counted from offset `from`. */
static inline void wr_align_from(struct wr *w, size_t from, size_t a)
{
	wr_zero(w, (size_t)(-(w->len - from) & (a - 1)));
}
static inline void wr_align(struct wr *w, size_t a) { wr_align_from(w, 0, a); }

/* Overwrite bytes that were written before, at a mark. */
static inline void wr_patch(struct wr *w, size_t at, const void *p, size_t n)
{
	if (w->err)
		return;
	assert(at + n <= w->len);
	memcpy(w->base + at, p, n);
}
static inline void wr_patch_le16(struct wr *w, size_t at, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	wr_patch(w, at, b, 2);
}
static inline void wr_patch_le32(struct wr *w, size_t at, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	wr_patch(w, at, b, 4);
}
static inline void wr_patch_be32(struct wr *w, size_t at, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	wr_patch(w, at, b, 4);
}

#endif
