/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the codecs of this folder share. */
#include "smbd/wire/wire_priv.h"
#include "smbd/wire/negotiate.h"

bool smb2_ids_has(const struct smb2_ids *ids, uint16_t id)
{
	for (size_t i = 0; i < ids->n; i++)
		if (ids->v[i] == id)
			return true;
	return false;
}

int smb2_ids_read(struct arena *a, struct rd *r, size_t n, struct smb2_ids *ret)
{
	uint16_t *v;

	if (!rd_ok(r) || n > rd_left(r) / 2)
		return -EBADMSG;
	v = arena_calloc(a, n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		v[i] = rd_le16(r);
	*ret = (struct smb2_ids){ v, n };
	return 0;
}

void smb2_ids_write(struct wr *w, const struct smb2_ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		wr_le16(w, ids->v[i]);
}

struct smb2_fileid smb2_rd_fileid(struct rd *r)
{
	struct smb2_fileid f;

	f.persistent_id = rd_le64(r);
	f.volatile_id = rd_le64(r);
	return f;
}

void smb2_wr_fileid(struct wr *w, struct smb2_fileid f)
{
	wr_le64(w, f.persistent_id);
	wr_le64(w, f.volatile_id);
}

void smb2_put_buf16(struct wr *w, size_t hdr, size_t mark, struct blob b)
{
	size_t off = wr_mark(w) - hdr;

	if (off > UINT16_MAX || b.len > UINT16_MAX) {
		wr_fail(w);
		return;
	}
	wr_put(w, b);
	wr_patch_le16(w, mark, (uint16_t)off);
	wr_patch_le16(w, mark + 2, (uint16_t)b.len);
}

void smb2_put_buf32(struct wr *w, size_t hdr, size_t mark, struct blob b)
{
	size_t off = wr_mark(w) - hdr;

	if (b.len == 0)
		return;
	if (off > UINT32_MAX || b.len > UINT32_MAX) {
		wr_fail(w);
		return;
	}
	wr_put(w, b);
	wr_patch_le32(w, mark, (uint32_t)off);
	wr_patch_le32(w, mark + 4, (uint32_t)b.len);
}

void smb2_pad_request(struct wr *w, size_t body_end)
{
	if (w->len == body_end)
		wr_u8(w, 0);
}

int smb2_entry_next(struct rd *r, size_t align, size_t min, struct rd *ret_entry)
{
	size_t left = rd_left(r), n;
	uint32_t next;
	struct rd e;

	if (!rd_ok(r))
		return -EBADMSG;
	if (left == 0)
		return 0;
	e = rd_init(r->pos, left);
	next = rd_le32(&e);
	n = next ? next : left;
	if (!rd_ok(&e) || next % align != 0 || n < min || n > left || (next && n == left)) {
		rd_fail(r);
		return -EBADMSG;
	}
	e = rd_sub(r, n);
	rd_skip(&e, 4);
	*ret_entry = e;
	return 1;
}

void smb2_entry_begin(struct wr *w, size_t start, size_t align, size_t *last)
{
	wr_align_from(w, start, align);
	if (!wr_ok(w))
		return;
	if (*last != SIZE_MAX)
		wr_patch_le32(w, *last, (uint32_t)(w->len - *last));
	*last = wr_mark(w);
	wr_le32(w, 0);
}
