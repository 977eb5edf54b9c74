/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 ERROR response, error contexts and the symbolic link error (MS-SMB2 2.2.2). */
#include "smbd/wire/error.h"
#include "smbd/wire/wire_priv.h"

#define SIZE 9
#define CTX_FIXED 8
#define SYMLINK_TAG 0x4c4d5953u /* "SYML" */
#define REPARSE_TAG_SYMLINK 0xa000000cu
#define SYMLINK_FIXED 28

int smb2_error_resp_decode(struct blob msg, struct smb2_error_resp *ret)
{
	struct rd r = smb2_body(msg, SIZE);
	struct smb2_error_resp p;

	p.context_count = rd_u8(&r);
	rd_skip(&r, 1);
	p.data = rd_blob(&r, rd_le32(&r));
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

void smb2_error_resp_encode(struct wr *w, size_t hdr, const struct smb2_error_resp *p)
{
	wr_le16(w, SIZE);
	wr_u8(w, p->context_count);
	wr_u8(w, 0);
	wr_le32(w, (uint32_t)p->data.len);
	wr_put(w, p->data);
	if (p->data.len == 0)
		wr_u8(w, 0);
}

void smb2_error_resp_encode_plain(struct wr *w, size_t hdr)
{
	smb2_error_resp_encode(w, hdr, &(struct smb2_error_resp){ 0 });
}

void smb2_error_resp_encode_needed(struct wr *w, size_t hdr, bool smb311, uint32_t needed)
{
	uint8_t buf[CTX_FIXED + 4];
	struct wr d = wr_fixed(buf, sizeof(buf));

	if (smb311) {
		wr_le32(&d, 4);
		wr_le32(&d, SMB2_ERROR_ID_DEFAULT);
	}
	wr_le32(&d, needed);
	smb2_error_resp_encode(
		w, hdr, &(struct smb2_error_resp){ .context_count = smb311, .data = wr_blob(&d) });
}

int smb2_error_ctx_next(struct rd *r, struct smb2_error_ctx *ret)
{
	struct smb2_error_ctx c;
	uint32_t len;

	if (!rd_ok(r))
		return -EBADMSG;
	if (rd_left(r) == 0)
		return 0;
	len = rd_le32(r);
	c.id = rd_le32(r);
	c.data = rd_blob(r, len);
	if (!rd_ok(r))
		return -EBADMSG;
	/* The last one need not be padded. */
	rd_skip(r, MIN((size_t)(-rd_off(r) & 7), rd_left(r)));
	*ret = c;
	return 1;
}

void smb2_error_ctx_put(struct wr *w, size_t start, const struct smb2_error_ctx *c)
{
	wr_align_from(w, start, 8);
	wr_le32(w, (uint32_t)c->data.len);
	wr_le32(w, c->id);
	wr_put(w, c->data);
}

int smb2_symlink_error_decode(struct blob data, struct smb2_symlink_error *ret)
{
	struct rd r = rd_of(data), s;
	struct smb2_symlink_error e;
	uint16_t reparse_len, sub_off, sub_len, print_off, print_len;
	struct rd path, child;
	uint32_t tag, reparse_tag;

	s = rd_sub(&r, rd_le32(&r)); /* SymLinkLength */
	tag = rd_le32(&s);
	reparse_tag = rd_le32(&s);
	reparse_len = rd_le16(&s);
	e.unparsed_path_length = rd_le16(&s);
	path = rd_sub(&s, reparse_len);
	sub_off = rd_le16(&path);
	sub_len = rd_le16(&path);
	print_off = rd_le16(&path);
	print_len = rd_le16(&path);
	e.flags = rd_le32(&path);
	path.base = path.pos; /* the names' offsets count from PathBuffer */
	child = rd_at(&path, sub_off, sub_len);
	e.substitute_name = rd_rest(&child);
	child = rd_at(&path, print_off, print_len);
	e.print_name = rd_rest(&child);
	if (!rd_ok(&s) || !rd_ok(&path) || tag != SYMLINK_TAG || reparse_tag != REPARSE_TAG_SYMLINK)
		return -EBADMSG;
	*ret = e;
	return 0;
}

void smb2_symlink_error_encode(struct wr *w, const struct smb2_symlink_error *e)
{
	size_t names = e->substitute_name.len + e->print_name.len;

	if (names > UINT16_MAX - 12) {
		wr_fail(w);
		return;
	}
	wr_le32(w, (uint32_t)(SYMLINK_FIXED - 4 + names));
	wr_le32(w, SYMLINK_TAG);
	wr_le32(w, REPARSE_TAG_SYMLINK);
	wr_le16(w, (uint16_t)(12 + names));
	wr_le16(w, e->unparsed_path_length);
	wr_le16(w, 0);
	wr_le16(w, (uint16_t)e->substitute_name.len);
	wr_le16(w, (uint16_t)e->substitute_name.len);
	wr_le16(w, (uint16_t)e->print_name.len);
	wr_le32(w, e->flags);
	wr_put(w, e->substitute_name);
	wr_put(w, e->print_name);
}
