/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 CLOSE and FLUSH (MS-SMB2 2.2.15 to 2.2.17). */
#include "smbd/wire/close.h"
#include "smbd/wire/wire_priv.h"

#define CLOSE_REQ_SIZE 24
#define CLOSE_RESP_SIZE 60
#define FLUSH_REQ_SIZE 24

int smb2_close_req_decode(struct blob msg, struct smb2_close_req *ret)
{
	struct rd r = smb2_body(msg, CLOSE_REQ_SIZE);
	struct smb2_close_req q;

	q.flags = rd_le16(&r);
	rd_skip(&r, 4);
	q.file_id = smb2_rd_fileid(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_close_req_encode(struct wr *w, size_t hdr, const struct smb2_close_req *q)
{
	wr_le16(w, CLOSE_REQ_SIZE);
	wr_le16(w, q->flags);
	wr_le32(w, 0);
	smb2_wr_fileid(w, q->file_id);
}

int smb2_close_resp_decode(struct blob msg, struct smb2_close_resp *ret)
{
	struct rd r = smb2_body(msg, CLOSE_RESP_SIZE);
	struct smb2_close_resp p;

	p.flags = rd_le16(&r);
	rd_skip(&r, 4);
	p.creation_time = rd_le64(&r);
	p.last_access_time = rd_le64(&r);
	p.last_write_time = rd_le64(&r);
	p.change_time = rd_le64(&r);
	p.allocation_size = rd_le64(&r);
	p.end_of_file = rd_le64(&r);
	p.file_attributes = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

void smb2_close_resp_encode(struct wr *w, size_t hdr, const struct smb2_close_resp *p)
{
	wr_le16(w, CLOSE_RESP_SIZE);
	wr_le16(w, p->flags);
	wr_le32(w, 0);
	wr_le64(w, p->creation_time);
	wr_le64(w, p->last_access_time);
	wr_le64(w, p->last_write_time);
	wr_le64(w, p->change_time);
	wr_le64(w, p->allocation_size);
	wr_le64(w, p->end_of_file);
	wr_le32(w, p->file_attributes);
}

int smb2_flush_req_decode(struct blob msg, struct smb2_flush_req *ret)
{
	struct rd r = smb2_body(msg, FLUSH_REQ_SIZE);
	struct smb2_flush_req q;

	rd_skip(&r, 6);
	q.file_id = smb2_rd_fileid(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_flush_req_encode(struct wr *w, size_t hdr, const struct smb2_flush_req *q)
{
	wr_le16(w, FLUSH_REQ_SIZE);
	wr_zero(w, 6);
	smb2_wr_fileid(w, q->file_id);
}
