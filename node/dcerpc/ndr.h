/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NDR 2.0 (C706 chapter 14), little-endian, as used in stubs of requests and responses. Reading goes through the checked
 * cursor; alignment counts from the start of the stub. Pointers are read as referent ids only: the caller reads what
 * they point to in the order of the interface's definition.
 */
#ifndef HF_NODE_DCERPC_NDR_H
#define HF_NODE_DCERPC_NDR_H

#include "node/wire/rd.h"
#include "node/wire/wr.h"

static inline uint32_t ndr_rd_u32(struct rd *r)
{
	rd_align(r, 4);
	return rd_le32(r);
}
static inline uint16_t ndr_rd_u16(struct rd *r)
{
	rd_align(r, 2);
	return rd_le16(r);
}
/* True when a unique pointer is not null. */
static inline bool ndr_rd_ptr(struct rd *r) { return ndr_rd_u32(r) != 0; }

/* Reads a conformant varying UTF-16 string with its final NUL (C706 14.3.4.2) as UTF-8 in `a`. On anything wrong the
 * cursor fails and NULL is returned. At most `max_units` UTF-16 units. */
const char *ndr_rd_str(struct rd *r, struct arena *a, uint32_t max_units);
/* A unique pointer to such a string, read in place: NULL with a good cursor when the pointer is null. Only for top-level
 * parameters, whose referents follow at once. */
const char *ndr_rd_str_ptr(struct rd *r, struct arena *a, uint32_t max_units);

/* The writer counts from `base` too: a stub has its own wr. */
static inline void ndr_wr_u32(struct wr *w, uint32_t v)
{
	wr_align(w, 4);
	wr_le32(w, v);
}
static inline void ndr_wr_u16(struct wr *w, uint16_t v)
{
	wr_align(w, 2);
	wr_le16(w, v);
}
/* Writes a referent id for a pointer that is not null, unique by the writer's position; or a null pointer. */
static inline void ndr_wr_ptr(struct wr *w, bool present)
{
	wr_align(w, 4);
	wr_le32(w, present ? 0x00020000u + (uint32_t)w->len : 0);
}
/* Writes a conformant varying UTF-16 string with its NUL; fails the writer when `s` is not valid UTF-8. */
void ndr_wr_str(struct wr *w, struct arena *a, const char *s);

#endif
