/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 CREATE (MS-SMB2 2.2.13, 2.2.14). */
#include "smbd/wire/create.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 57
#define RESP_SIZE 89

int smb2_create_req_decode(struct blob msg, struct smb2_create_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_create_req q;
	uint16_t name_off, name_len;
	uint32_t ctx_off, ctx_len;

	rd_skip(&r, 1); /* SecurityFlags */
	q.oplock_level = rd_u8(&r);
	q.impersonation_level = rd_le32(&r);
	rd_skip(&r, 8 + 8); /* SmbCreateFlags, Reserved */
	q.desired_access = rd_le32(&r);
	q.file_attributes = rd_le32(&r);
	q.share_access = rd_le32(&r);
	q.disposition = rd_le32(&r);
	q.options = rd_le32(&r);
	name_off = rd_le16(&r);
	name_len = rd_le16(&r);
	ctx_off = rd_le32(&r);
	ctx_len = rd_le32(&r);
	q.name = smb2_body_buf(&r, name_off, name_len, SMB2_HDR_LEN + REQ_SIZE - 1);
	q.contexts = smb2_body_buf(&r, ctx_off, ctx_len, SMB2_HDR_LEN + REQ_SIZE - 1);
	if (!rd_ok(&r) || name_len % 2 != 0 || (ctx_len && ctx_off % 8 != 0))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_create_req_encode(struct wr *w, size_t hdr, const struct smb2_create_req *q)
{
	size_t mark, end;

	wr_le16(w, REQ_SIZE);
	wr_u8(w, 0);
	wr_u8(w, q->oplock_level);
	wr_le32(w, q->impersonation_level);
	wr_zero(w, 8 + 8);
	wr_le32(w, q->desired_access);
	wr_le32(w, q->file_attributes);
	wr_le32(w, q->share_access);
	wr_le32(w, q->disposition);
	wr_le32(w, q->options);
	mark = wr_mark(w);
	wr_zero(w, 4 + 8);
	end = wr_mark(w);
	smb2_put_buf16(w, hdr, mark, q->name);
	if (q->contexts.len) {
		wr_align_from(w, hdr, 8);
		smb2_put_buf32(w, hdr, mark + 4, q->contexts);
	}
	smb2_pad_request(w, end);
}

int smb2_create_resp_decode(struct blob msg, struct smb2_create_resp *ret)
{
	struct rd r = smb2_body(msg, RESP_SIZE);
	struct smb2_create_resp p;
	uint32_t ctx_off, ctx_len;

	p.oplock_level = rd_u8(&r);
	p.flags = rd_u8(&r);
	p.action = rd_le32(&r);
	p.creation_time = rd_le64(&r);
	p.last_access_time = rd_le64(&r);
	p.last_write_time = rd_le64(&r);
	p.change_time = rd_le64(&r);
	p.allocation_size = rd_le64(&r);
	p.end_of_file = rd_le64(&r);
	p.file_attributes = rd_le32(&r);
	rd_skip(&r, 4);
	p.file_id = smb2_rd_fileid(&r);
	ctx_off = rd_le32(&r);
	ctx_len = rd_le32(&r);
	p.contexts = smb2_body_buf(&r, ctx_off, ctx_len, SMB2_HDR_LEN + RESP_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

void smb2_create_resp_encode(struct wr *w, size_t hdr, const struct smb2_create_resp *p)
{
	size_t mark;

	wr_le16(w, RESP_SIZE);
	wr_u8(w, p->oplock_level);
	wr_u8(w, p->flags);
	wr_le32(w, p->action);
	wr_le64(w, p->creation_time);
	wr_le64(w, p->last_access_time);
	wr_le64(w, p->last_write_time);
	wr_le64(w, p->change_time);
	wr_le64(w, p->allocation_size);
	wr_le64(w, p->end_of_file);
	wr_le32(w, p->file_attributes);
	wr_le32(w, 0);
	smb2_wr_fileid(w, p->file_id);
	mark = wr_mark(w);
	wr_le64(w, 0);
	smb2_put_buf32(w, hdr, mark, p->contexts); /* 152 bytes: already aligned */
}
