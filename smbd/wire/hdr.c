/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SMB2 header, the direct-TCP frame and compound chains. */
#include "smbd/wire/hdr.h"

static const uint8_t smb2_magic[4] = { 0xfe, 'S', 'M', 'B' };

int smb2_frame_decode(const uint8_t frame[SMB2_FRAME_LEN], uint32_t *ret_len)
{
	uint32_t len = (uint32_t)frame[1] << 16 | (uint32_t)frame[2] << 8 | frame[3];

	switch (frame[0]) {
	case 0x00:
		*ret_len = len;
		return 0;
	case 0x85: /* NetBIOS session keep-alive, RFC 1002 4.3.7 */
		*ret_len = 0;
		return len == 0 ? 1 : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

void smb2_frame_encode(uint8_t frame[SMB2_FRAME_LEN], uint32_t len)
{
	assert(len <= SMB2_FRAME_MAX);
	frame[0] = 0;
	frame[1] = (uint8_t)(len >> 16);
	frame[2] = (uint8_t)(len >> 8);
	frame[3] = (uint8_t)len;
}

enum smb2_kind smb2_kind_of(struct blob msg)
{
	if (msg.len < 4 || memcmp(msg.data + 1, "SMB", 3) != 0)
		return SMB2_KIND_UNKNOWN;
	switch (msg.data[0]) {
	case 0xff:
		return SMB2_KIND_SMB1;
	case 0xfe:
		return SMB2_KIND_SMB2;
	case 0xfd:
		return SMB2_KIND_TRANSFORM;
	case 0xfc:
		return SMB2_KIND_COMPRESSED;
	default:
		return SMB2_KIND_UNKNOWN;
	}
}

int smb2_hdr_decode(struct blob msg, struct smb2_hdr *ret)
{
	struct rd r = rd_of(msg);
	struct smb2_hdr h = { 0 };
	const uint8_t *magic = rd_bytes(&r, sizeof(smb2_magic));
	uint32_t status;

	if (!magic || memcmp(magic, smb2_magic, sizeof(smb2_magic)) != 0 ||
	    rd_le16(&r) != SMB2_HDR_LEN)
		return -EBADMSG;
	h.credit_charge = rd_le16(&r);
	status = rd_le32(&r);
	h.command = rd_le16(&r);
	h.credits = rd_le16(&r);
	h.flags = rd_le32(&r);
	h.next_command = rd_le32(&r);
	h.message_id = rd_le64(&r);
	if (h.flags & SMB2_FLAGS_ASYNC_COMMAND) {
		h.async_id = rd_le64(&r);
	} else {
		h.process_id = rd_le32(&r);
		h.tree_id = rd_le32(&r);
	}
	h.session_id = rd_le64(&r);
	rd_copy(&r, h.signature, sizeof(h.signature));
	if (h.flags & SMB2_FLAGS_SERVER_TO_REDIR)
		h.status.v = status;
	else
		h.channel_sequence = (uint16_t)status;
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = h;
	return 0;
}

size_t smb2_hdr_encode(struct wr *w, const struct smb2_hdr *h)
{
	size_t mark = wr_mark(w);

	wr_bytes(w, smb2_magic, sizeof(smb2_magic));
	wr_le16(w, SMB2_HDR_LEN);
	wr_le16(w, h->credit_charge);
	wr_le32(w, h->flags & SMB2_FLAGS_SERVER_TO_REDIR ? h->status.v : h->channel_sequence);
	wr_le16(w, h->command);
	wr_le16(w, h->credits);
	wr_le32(w, h->flags);
	wr_le32(w, h->next_command);
	wr_le64(w, h->message_id);
	if (h->flags & SMB2_FLAGS_ASYNC_COMMAND) {
		wr_le64(w, h->async_id);
	} else {
		wr_le32(w, h->process_id);
		wr_le32(w, h->tree_id);
	}
	wr_le64(w, h->session_id);
	wr_bytes(w, h->signature, sizeof(h->signature));
	return mark;
}

struct rd smb2_body(struct blob msg, uint16_t structure_size)
{
	struct rd r = rd_of(msg);

	rd_skip(&r, SMB2_HDR_LEN);
	if (rd_le16(&r) != structure_size)
		rd_fail(&r);
	return r;
}

struct blob smb2_body_buf(struct rd *r, size_t off, size_t len, size_t min)
{
	struct rd c = rd_at(r, off, len);

	if (len && off < min)
		rd_fail(r);
	return rd_rest(&c);
}

int smb2_compound_next(struct rd *r, struct blob *ret_msg)
{
	size_t left = rd_left(r), n;
	uint32_t next;
	struct rd h;

	if (!rd_ok(r))
		return -EBADMSG;
	if (left == 0)
		return 0;
	h = rd_init(r->pos, left);
	rd_skip(&h, SMB2_HDR_OFF_NEXT);
	next = rd_le32(&h);
	n = next ? next : left;
	if (!rd_ok(&h) || next % 8 != 0 || n < SMB2_HDR_LEN || n > left || (next && n == left)) {
		rd_fail(r);
		return -EBADMSG;
	}
	*ret_msg = rd_blob(r, n);
	return 1;
}

void smb2_compound_link(struct wr *w, size_t hdr)
{
	wr_align_from(w, hdr, 8);
	if (wr_ok(w))
		wr_patch_le32(w, hdr + SMB2_HDR_OFF_NEXT, (uint32_t)(w->len - hdr));
}
