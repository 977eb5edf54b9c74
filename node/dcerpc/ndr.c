/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NDR strings; the scalars are inline. */
#include "node/dcerpc/ndr.h"

#include "node/base/utf.h"

const char *ndr_rd_str(struct rd *r, struct arena *a, uint32_t max_units)
{
	uint32_t max = ndr_rd_u32(r), offset = ndr_rd_u32(r), count = ndr_rd_u32(r);
	struct blob b;
	char *s;

	if (offset != 0 || count == 0 || count > max || count > max_units) {
		rd_fail(r);
		return NULL;
	}
	b = rd_blob(r, (size_t)count * 2);
	if (!rd_ok(r) || b.data[b.len - 1] || b.data[b.len - 2] ||
	    utf8_from_utf16(a, BLOB(b.data, b.len - 2), &s) < 0) {
		rd_fail(r);
		return NULL;
	}
	return s;
}

const char *ndr_rd_str_ptr(struct rd *r, struct arena *a, uint32_t max_units)
{
	return ndr_rd_ptr(r) ? ndr_rd_str(r, a, max_units) : NULL;
}

void ndr_wr_str(struct wr *w, struct arena *a, const char *s)
{
	struct blob b;
	uint32_t units;

	if (utf16_from_utf8(a, s, &b) < 0) {
		wr_fail(w);
		return;
	}
	units = (uint32_t)(b.len / 2) + 1;
	ndr_wr_u32(w, units);
	ndr_wr_u32(w, 0);
	ndr_wr_u32(w, units);
	wr_put(w, b);
	wr_le16(w, 0);
}
