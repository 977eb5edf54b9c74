/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 TREE_CONNECT (MS-SMB2 2.2.9, 2.2.10). */
#include "smbd/wire/tree_connect.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 9
#define RESP_SIZE 16
#define EXT_LEN 16 /* of the request extension before the path */
#define CTX_REMOTED_IDENTITY 0x0001

/* The request extension (2.2.9.1) starts where the Buffer does; its contexts' offset counts from
 * the request, that is from behind the header. */
static void read_extension(struct rd *r, struct smb2_tree_connect_req *q)
{
	uint32_t off = rd_le32(r);
	uint16_t count = rd_le16(r);
	struct rd c;
	size_t start;

	rd_skip(r, 10);
	if (count == 0)
		return;
	start = (size_t)off + SMB2_HDR_LEN;
	if (start < SMB2_HDR_LEN + REQ_SIZE - 1 + EXT_LEN || start > (size_t)(r->end - r->base)) {
		rd_fail(r);
		return;
	}
	c = rd_init(r->base + start, (size_t)(r->end - r->base) - start);
	for (unsigned i = 0; i < count; i++) {
		uint16_t type, len;
		struct blob data;

		rd_align(&c, 8);
		type = rd_le16(&c);
		len = rd_le16(&c);
		rd_skip(&c, 4);
		data = rd_blob(&c, len);
		if (type == CTX_REMOTED_IDENTITY)
			q->remoted_identity = data;
	}
	if (!rd_ok(&c))
		rd_fail(r);
}

int smb2_tree_connect_req_decode(struct blob msg, bool smb311, struct smb2_tree_connect_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_tree_connect_req q = { 0 };
	uint16_t off, len;

	q.flags = rd_le16(&r);
	off = rd_le16(&r);
	len = rd_le16(&r);
	q.path = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + REQ_SIZE - 1);
	if (smb311 && (q.flags & SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT))
		read_extension(&r, &q);
	if (!rd_ok(&r) || q.path.len % 2 != 0)
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_tree_connect_req_encode(struct wr *w, size_t hdr, const struct smb2_tree_connect_req *q)
{
	bool ext = q->flags & SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT;
	size_t mark, end, ext_mark = 0;

	wr_le16(w, REQ_SIZE);
	wr_le16(w, q->flags);
	mark = wr_mark(w);
	wr_le32(w, 0);
	end = wr_mark(w);
	if (ext) {
		ext_mark = end;
		wr_zero(w, EXT_LEN);
	}
	smb2_put_buf16(w, hdr, mark, q->path);
	smb2_pad_request(w, end);
	if (ext && q->remoted_identity.len && wr_ok(w)) {
		wr_align_from(w, hdr, 8);
		wr_patch_le32(w, ext_mark, (uint32_t)(w->len - hdr - SMB2_HDR_LEN));
		wr_patch_le16(w, ext_mark + 4, 1);
		wr_le16(w, CTX_REMOTED_IDENTITY);
		wr_le16(w, (uint16_t)q->remoted_identity.len);
		wr_le32(w, 0);
		wr_put(w, q->remoted_identity);
	}
}

int smb2_tree_connect_resp_decode(struct blob msg, struct smb2_tree_connect_resp *ret)
{
	struct rd r = smb2_body(msg, RESP_SIZE);
	struct smb2_tree_connect_resp p;

	p.share_type = rd_u8(&r);
	rd_skip(&r, 1);
	p.share_flags = rd_le32(&r);
	p.capabilities = rd_le32(&r);
	p.maximal_access = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

void smb2_tree_connect_resp_encode(struct wr *w, size_t hdr, const struct smb2_tree_connect_resp *p)
{
	wr_le16(w, RESP_SIZE);
	wr_u8(w, p->share_type);
	wr_u8(w, 0);
	wr_le32(w, p->share_flags);
	wr_le32(w, p->capabilities);
	wr_le32(w, p->maximal_access);
}
