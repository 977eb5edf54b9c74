/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 IOCTL (MS-SMB2 2.2.31, 2.2.32). */
#include "smbd/wire/ioctl.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 57
#define RESP_SIZE 49

/* In both directions the offset of an empty buffer still says where it would be, as Windows has it.
 */

int smb2_ioctl_req_decode(struct blob msg, struct smb2_ioctl_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_ioctl_req q;
	uint32_t in_off, in_len, out_off, out_len;

	rd_skip(&r, 2);
	q.ctl_code = rd_le32(&r);
	q.file_id = smb2_rd_fileid(&r);
	in_off = rd_le32(&r);
	in_len = rd_le32(&r);
	q.max_input_response = rd_le32(&r);
	out_off = rd_le32(&r);
	out_len = rd_le32(&r);
	q.max_output_response = rd_le32(&r);
	q.flags = rd_le32(&r);
	rd_skip(&r, 4);
	q.input = smb2_body_buf(&r, in_off, in_len, SMB2_HDR_LEN + REQ_SIZE - 1);
	q.output = smb2_body_buf(&r, out_off, out_len, SMB2_HDR_LEN + REQ_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_ioctl_req_encode(struct wr *w, size_t hdr, const struct smb2_ioctl_req *q)
{
	const uint32_t fixed = SMB2_HDR_LEN + REQ_SIZE - 1;
	size_t in_mark, out_mark, end;

	wr_le16(w, REQ_SIZE);
	wr_le16(w, 0);
	wr_le32(w, q->ctl_code);
	smb2_wr_fileid(w, q->file_id);
	in_mark = wr_mark(w);
	wr_le32(w, fixed);
	wr_le32(w, 0);
	wr_le32(w, q->max_input_response);
	out_mark = wr_mark(w);
	wr_le32(w, fixed);
	wr_le32(w, 0);
	wr_le32(w, q->max_output_response);
	wr_le32(w, q->flags);
	wr_le32(w, 0);
	end = wr_mark(w);
	smb2_put_buf32(w, hdr, in_mark, q->input);
	if (q->output.len) {
		wr_align_from(w, hdr, 8);
		smb2_put_buf32(w, hdr, out_mark, q->output);
	}
	smb2_pad_request(w, end);
}

int smb2_ioctl_resp_decode(struct blob msg, struct smb2_ioctl_resp *ret)
{
	struct rd r = smb2_body(msg, RESP_SIZE);
	struct smb2_ioctl_resp p;
	uint32_t in_off, in_len, out_off, out_len;

	rd_skip(&r, 2);
	p.ctl_code = rd_le32(&r);
	p.file_id = smb2_rd_fileid(&r);
	in_off = rd_le32(&r);
	in_len = rd_le32(&r);
	out_off = rd_le32(&r);
	out_len = rd_le32(&r);
	p.flags = rd_le32(&r);
	rd_skip(&r, 4);
	p.input = smb2_body_buf(&r, in_off, in_len, SMB2_HDR_LEN + RESP_SIZE - 1);
	p.output = smb2_body_buf(&r, out_off, out_len, SMB2_HDR_LEN + RESP_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

/* Without a buffer the offsets still say where it would be: clients compute with them
 * (MS-SMB2 2.2.32). */
void smb2_ioctl_resp_encode(struct wr *w, size_t hdr, const struct smb2_ioctl_resp *p)
{
	size_t in_mark, out_mark;
	const uint32_t fixed = SMB2_HDR_LEN + RESP_SIZE - 1;

	wr_le16(w, RESP_SIZE);
	wr_le16(w, 0);
	wr_le32(w, p->ctl_code);
	smb2_wr_fileid(w, p->file_id);
	in_mark = wr_mark(w);
	wr_le32(w, fixed);
	wr_le32(w, 0);
	out_mark = wr_mark(w);
	wr_le32(w, fixed);
	wr_le32(w, 0);
	wr_le32(w, p->flags);
	wr_le32(w, 0);
	smb2_put_buf32(w, hdr, in_mark, p->input);
	if (p->output.len) {
		wr_align_from(w, hdr, 8);
		smb2_put_buf32(w, hdr, out_mark, p->output);
	}
}
