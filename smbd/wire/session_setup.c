/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 SESSION_SETUP (MS-SMB2 2.2.5, 2.2.6). */
#include "smbd/wire/session_setup.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 25
#define RESP_SIZE 9

int smb2_session_setup_req_decode(struct blob msg, struct smb2_session_setup_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_session_setup_req q;
	uint16_t off, len;

	q.flags = rd_u8(&r);
	q.security_mode = rd_u8(&r);
	q.capabilities = rd_le32(&r);
	q.channel = rd_le32(&r);
	off = rd_le16(&r);
	len = rd_le16(&r);
	q.previous_session_id = rd_le64(&r);
	q.token = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + REQ_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_session_setup_req_encode(struct wr *w, size_t hdr, const struct smb2_session_setup_req *q)
{
	size_t mark, end;

	wr_le16(w, REQ_SIZE);
	wr_u8(w, q->flags);
	wr_u8(w, q->security_mode);
	wr_le32(w, q->capabilities);
	wr_le32(w, q->channel);
	mark = wr_mark(w);
	wr_le32(w, 0);
	wr_le64(w, q->previous_session_id);
	end = wr_mark(w);
	smb2_put_buf16(w, hdr, mark, q->token);
	smb2_pad_request(w, end);
}

int smb2_session_setup_resp_decode(struct blob msg, struct smb2_session_setup_resp *ret)
{
	struct rd r = smb2_body(msg, RESP_SIZE);
	struct smb2_session_setup_resp p;
	uint16_t off, len;

	p.session_flags = rd_le16(&r);
	off = rd_le16(&r);
	len = rd_le16(&r);
	p.token = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + RESP_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = p;
	return 0;
}

void smb2_session_setup_resp_encode(struct wr *w, size_t hdr,
				    const struct smb2_session_setup_resp *p)
{
	size_t mark;

	wr_le16(w, RESP_SIZE);
	wr_le16(w, p->session_flags);
	mark = wr_mark(w);
	wr_le32(w, 0);
	smb2_put_buf16(w, hdr, mark, p->token);
}
