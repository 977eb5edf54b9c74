/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 QUERY_INFO request and SET_INFO (MS-SMB2 2.2.37, 2.2.39, 2.2.40). */
#include "smbd/wire/info.h"
#include "smbd/wire/wire_priv.h"

#define QUERY_REQ_SIZE 41
#define SET_REQ_SIZE 33
#define SET_RESP_SIZE 2

int smb2_query_info_req_decode(struct blob msg, struct smb2_query_info_req *ret)
{
	struct rd r = smb2_body(msg, QUERY_REQ_SIZE);
	struct smb2_query_info_req q;
	uint16_t off;
	uint32_t len;

	q.info_type = rd_u8(&r);
	q.info_class = rd_u8(&r);
	q.output_buffer_length = rd_le32(&r);
	off = rd_le16(&r);
	rd_skip(&r, 2);
	len = rd_le32(&r);
	q.additional_information = rd_le32(&r);
	q.flags = rd_le32(&r);
	q.file_id = smb2_rd_fileid(&r);
	q.input = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + QUERY_REQ_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_query_info_req_encode(struct wr *w, size_t hdr, const struct smb2_query_info_req *q)
{
	bool input = q->input.len > 0;
	size_t end;

	wr_le16(w, QUERY_REQ_SIZE);
	wr_u8(w, q->info_type);
	wr_u8(w, q->info_class);
	wr_le32(w, q->output_buffer_length);
	wr_le16(w, input ? SMB2_HDR_LEN + QUERY_REQ_SIZE - 1 : 0);
	wr_le16(w, 0);
	wr_le32(w, (uint32_t)q->input.len);
	wr_le32(w, q->additional_information);
	wr_le32(w, q->flags);
	smb2_wr_fileid(w, q->file_id);
	end = wr_mark(w);
	wr_put(w, q->input);
	smb2_pad_request(w, end);
}

int smb2_set_info_req_decode(struct blob msg, struct smb2_set_info_req *ret)
{
	struct rd r = smb2_body(msg, SET_REQ_SIZE);
	struct smb2_set_info_req q;
	uint16_t off;
	uint32_t len;

	q.info_type = rd_u8(&r);
	q.info_class = rd_u8(&r);
	len = rd_le32(&r);
	off = rd_le16(&r);
	rd_skip(&r, 2);
	q.additional_information = rd_le32(&r);
	q.file_id = smb2_rd_fileid(&r);
	q.buffer = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + SET_REQ_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_set_info_req_encode(struct wr *w, size_t hdr, const struct smb2_set_info_req *q)
{
	size_t end;

	wr_le16(w, SET_REQ_SIZE);
	wr_u8(w, q->info_type);
	wr_u8(w, q->info_class);
	wr_le32(w, (uint32_t)q->buffer.len);
	wr_le16(w, SMB2_HDR_LEN + SET_REQ_SIZE - 1);
	wr_le16(w, 0);
	wr_le32(w, q->additional_information);
	smb2_wr_fileid(w, q->file_id);
	end = wr_mark(w);
	wr_put(w, q->buffer);
	smb2_pad_request(w, end);
}

int smb2_set_info_resp_decode(struct blob msg)
{
	struct rd r = smb2_body(msg, SET_RESP_SIZE);

	return rd_end(&r);
}

void smb2_set_info_resp_encode(struct wr *w)
{
	wr_le16(w, SET_RESP_SIZE);
}
