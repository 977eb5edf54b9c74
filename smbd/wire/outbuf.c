/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The response body that is one buffer. */
#include "smbd/wire/outbuf.h"
#include "smbd/wire/wire_priv.h"

#define SIZE 9

int smb2_outbuf_decode(struct blob msg, struct blob *ret_buffer)
{
	struct rd r = smb2_body(msg, SIZE);
	struct blob b;
	uint16_t off;
	uint32_t len;

	off = rd_le16(&r);
	len = rd_le32(&r);
	b = smb2_body_buf(&r, off, len, SMB2_HDR_LEN + SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret_buffer = b;
	return 0;
}

size_t smb2_outbuf_begin(struct wr *w, size_t hdr)
{
	wr_le16(w, SIZE);
	wr_le16(w, (uint16_t)(SMB2_HDR_LEN + SIZE - 1));
	wr_le32(w, 0);
	return wr_mark(w);
}

void smb2_outbuf_finish(struct wr *w, size_t buffer)
{
	if (wr_ok(w))
		wr_patch_le32(w, buffer - 4, (uint32_t)(w->len - buffer));
}

void smb2_outbuf_encode(struct wr *w, size_t hdr, struct blob buffer)
{
	size_t mark = smb2_outbuf_begin(w, hdr);

	wr_put(w, buffer);
	smb2_outbuf_finish(w, mark);
}
