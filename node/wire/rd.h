/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading cursor over bytes from outside. Every read is checked; the first read that does not fit
 * sets `err`, returns zero, and every later read returns zero too. Callers check once, with rd_end()
 * or rd_ok(). Never keeps a copy: pointers it returns live as long as the bytes.
 */
#ifndef HF_NODE_WIRE_RD_H
#define HF_NODE_WIRE_RD_H

#include "node/base/util.h"

struct rd {
	const uint8_t *base; /* start of the fence; offsets of rd_at() count from here */
	const uint8_t *pos;
	const uint8_t *end;
	bool err;
};

static inline struct rd rd_init(const void *p, size_t n)
{
	const uint8_t *b = p ? p : (const uint8_t *)"";

	return (struct rd){ .base = b, .pos = b, .end = b + n };
}
static inline struct rd rd_of(struct blob b) { return rd_init(b.data, b.len); }

static inline size_t rd_left(const struct rd *r) { return (size_t)(r->end - r->pos); }
static inline size_t rd_off(const struct rd *r) { return (size_t)(r->pos - r->base); }
static inline bool rd_ok(const struct rd *r) { return !r->err; }
/* Marks the cursor as failed: for values that fit but are not allowed. */
static inline void rd_fail(struct rd *r)
{
	r->err = true;
	r->pos = r->end;
}
/* 0 when every read so far did fit, else -EBADMSG. */
static inline int rd_end(const struct rd *r) { return r->err ? -EBADMSG : 0; }

/* Steps over `n` bytes and returns where they start; NULL (and failed) when fewer are left. n == 0 is not NULL. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p = r->pos;

	if (r->err || n > rd_left(r)) {
		rd_fail(r);
		return NULL;
	}
	r->pos += n;
	return p;
}
static inline void rd_skip(struct rd *r, size_t n) { (void)rd_bytes(r, n); }

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	return p ? p[0] : 0;
}
static inline uint16_t rd_le16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}
static inline uint32_t rd_le32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}
static inline uint64_t rd_le64(struct rd *r)
{
	uint64_t lo = rd_le32(r);
	uint64_t hi = rd_le32(r);

	return r->err ? 0 : lo | hi << 32;
}
static inline uint16_t rd_be16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}
static inline uint32_t rd_be32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}
/* Copies `n` bytes to `out`, zero-fills it on failure. */
static inline void rd_copy(struct rd *r, void *out, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}
/* Skips padding up to the next multiple of `a` (a power of two), counted from `base`. */
static inline void rd_align(struct rd *r, size_t a) { rd_skip(r, (size_t)(-rd_off(r) & (a - 1))); }

/* Takes the next `n` bytes as a fenced child with its own base; a failed parent gives a failed child. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);
	struct rd c = rd_init(p, p ? n : 0);

	c.err = r->err;
	return c;
}
/* Fenced child for an (offset, length) pair that counts from the fence's base; does not move the cursor.
 * len == 0 gives an empty child whatever the offset says (MS-SMB2 senders put anything there). */
static inline struct rd rd_at(struct rd *r, size_t off, size_t len)
{
	struct rd c;

	if (r->err || len == 0) {
		c = rd_init(NULL, 0);
		c.err = r->err;
		return c;
	}
	if (off > (size_t)(r->end - r->base) || len > (size_t)(r->end - r->base) - off) {
		rd_fail(r);
		c = rd_init(NULL, 0);
		c.err = true;
		return c;
	}
	return rd_init(r->base + off, len);
}
/* All bytes of the fence that are not read yet. */
static inline struct blob rd_rest(struct rd *r)
{
	struct blob b = BLOB(r->pos, rd_left(r));

	r->pos = r->end;
	return b;
}
static inline struct blob rd_blob(struct rd *r, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	return BLOB(p, p ? n : 0);
}

#endif
