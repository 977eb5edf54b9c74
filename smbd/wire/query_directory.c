/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 QUERY_DIRECTORY request (MS-SMB2 2.2.33). */
#include "smbd/wire/query_directory.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 33

int smb2_query_directory_req_decode(struct blob msg, struct smb2_query_directory_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_query_directory_req q;
	uint16_t off, len;

	q.info_class = rd_u8(&r);
	q.flags = rd_u8(&r);
	q.file_index = rd_le32(&r);
	q.file_id = smb2_rd_fileid(&r);
	off = rd_le16(&r);
	len = rd_le16(&r);
	q.output_buffer_length = rd_le32(&r);
	q.pattern = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + REQ_SIZE - 1);
	if (!rd_ok(&r) || len % 2 != 0)
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_query_directory_req_encode(struct wr *w, size_t hdr,
				     const struct smb2_query_directory_req *q)
{
	size_t mark, end;

	wr_le16(w, REQ_SIZE);
	wr_u8(w, q->info_class);
	wr_u8(w, q->flags);
	wr_le32(w, q->file_index);
	smb2_wr_fileid(w, q->file_id);
	mark = wr_mark(w);
	wr_le32(w, 0);
	wr_le32(w, q->output_buffer_length);
	end = wr_mark(w);
	smb2_put_buf16(w, hdr, mark, q->pattern);
	smb2_pad_request(w, end);
}
