/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 READ and WRITE (MS-SMB2 2.2.19 to 2.2.22). */
#include "smbd/wire/readwrite.h"
#include "smbd/wire/wire_priv.h"

#define READ_REQ_SIZE 49
#define READ_RESP_SIZE 17
#define WRITE_REQ_SIZE 49
#define WRITE_RESP_SIZE 17
#define WRITE_MAX_DATA_OFF 0x100

int smb2_read_req_decode(struct blob msg, struct smb2_read_req *ret)
{
	struct rd r = smb2_body(msg, READ_REQ_SIZE);
	struct smb2_read_req q;
	uint16_t off, len;

	q.padding = rd_u8(&r);
	q.flags = rd_u8(&r);
	q.length = rd_le32(&r);
	q.offset = rd_le64(&r);
	q.file_id = smb2_rd_fileid(&r);
	q.minimum_count = rd_le32(&r);
	q.channel = rd_le32(&r);
	q.remaining_bytes = rd_le32(&r);
	off = rd_le16(&r);
	len = rd_le16(&r);
	q.channel_info = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + READ_REQ_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_read_req_encode(struct wr *w, size_t hdr, const struct smb2_read_req *q)
{
	size_t mark, end;

	wr_le16(w, READ_REQ_SIZE);
	wr_u8(w, q->padding);
	wr_u8(w, q->flags);
	wr_le32(w, q->length);
	wr_le64(w, q->offset);
	smb2_wr_fileid(w, q->file_id);
	wr_le32(w, q->minimum_count);
	wr_le32(w, q->channel);
	wr_le32(w, q->remaining_bytes);
	mark = wr_mark(w);
	wr_le32(w, 0);
	end = wr_mark(w);
	if (q->channel_info.len)
		smb2_put_buf16(w, hdr, mark, q->channel_info);
	smb2_pad_request(w, end);
}

int smb2_read_resp_decode(struct blob msg, struct smb2_read_resp *ret)
{
	struct rd r = smb2_body(msg, READ_RESP_SIZE);
	struct smb2_read_resp p;
	uint8_t off;
	uint32_t len;

	off = rd_u8(&r);
	rd_skip(&r, 1);
	len = rd_le32(&r);
	p.remaining = rd_le32(&r);
	p.flags = rd_le32(&r);
	p.data = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + READ_RESP_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

void smb2_read_resp_encode_head(struct wr *w, size_t hdr, const struct smb2_read_resp *p,
				uint32_t data_len)
{
	wr_le16(w, READ_RESP_SIZE);
	wr_u8(w, SMB2_READ_RESP_DATA_OFF);
	wr_u8(w, 0);
	wr_le32(w, data_len);
	wr_le32(w, p->remaining);
	wr_le32(w, p->flags);
}

void smb2_read_resp_encode(struct wr *w, size_t hdr, const struct smb2_read_resp *p)
{
	if (p->data.len > UINT32_MAX) {
		wr_fail(w);
		return;
	}
	smb2_read_resp_encode_head(w, hdr, p, (uint32_t)p->data.len);
	wr_put(w, p->data);
}

int smb2_write_req_decode(struct blob msg, struct smb2_write_req *ret)
{
	struct rd r = smb2_body(msg, WRITE_REQ_SIZE);
	struct smb2_write_req q;
	uint16_t data_off, info_off, info_len;
	uint32_t data_len;

	data_off = rd_le16(&r);
	data_len = rd_le32(&r);
	q.offset = rd_le64(&r);
	q.file_id = smb2_rd_fileid(&r);
	q.channel = rd_le32(&r);
	q.remaining_bytes = rd_le32(&r);
	info_off = rd_le16(&r);
	info_len = rd_le16(&r);
	q.flags = rd_le32(&r);
	q.data = smb2_body_buf(&r, data_off, data_len, SMB2_HDR_LEN + WRITE_REQ_SIZE - 1);
	q.channel_info = smb2_body_buf(&r, info_off, info_len, SMB2_HDR_LEN + WRITE_REQ_SIZE - 1);
	if (!rd_ok(&r) || data_off > WRITE_MAX_DATA_OFF)
		return -EBADMSG;
	*ret = q;
	return 0;
}

static size_t write_req_fixed(struct wr *w, const struct smb2_write_req *q, uint32_t data_len)
{
	size_t mark;

	wr_le16(w, WRITE_REQ_SIZE);
	wr_le16(w, SMB2_WRITE_REQ_DATA_OFF);
	wr_le32(w, data_len);
	wr_le64(w, q->offset);
	smb2_wr_fileid(w, q->file_id);
	wr_le32(w, q->channel);
	wr_le32(w, q->remaining_bytes);
	mark = wr_mark(w);
	wr_le32(w, 0);
	wr_le32(w, q->flags);
	return mark;
}

void smb2_write_req_encode_head(struct wr *w, size_t hdr, const struct smb2_write_req *q,
				uint32_t data_len)
{
	write_req_fixed(w, q, data_len);
}

void smb2_write_req_encode(struct wr *w, size_t hdr, const struct smb2_write_req *q)
{
	size_t mark, end;

	if (q->data.len > UINT32_MAX) {
		wr_fail(w);
		return;
	}
	mark = write_req_fixed(w, q, (uint32_t)q->data.len);
	end = wr_mark(w);
	wr_put(w, q->data);
	if (q->channel_info.len)
		smb2_put_buf16(w, hdr, mark, q->channel_info);
	smb2_pad_request(w, end);
}

int smb2_write_resp_decode(struct blob msg, struct smb2_write_resp *ret)
{
	struct rd r = smb2_body(msg, WRITE_RESP_SIZE);
	struct smb2_write_resp p;

	rd_skip(&r, 2);
	p.count = rd_le32(&r);
	p.remaining = rd_le32(&r);
	rd_skip(&r, 4);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

void smb2_write_resp_encode(struct wr *w, size_t hdr, const struct smb2_write_resp *p)
{
	wr_le16(w, WRITE_RESP_SIZE);
	wr_le16(w, 0);
	wr_le32(w, p->count);
	wr_le32(w, p->remaining);
	wr_le32(w, 0);
}
