/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 CHANGE_NOTIFY request, and the entries of its response (MS-SMB2 2.2.35, MS-FSCC 2.7.1). */
#include "smbd/wire/change_notify.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 32
#define ENTRY_FIXED 12
#define ENTRY_ALIGN 4

int smb2_change_notify_req_decode(struct blob msg, struct smb2_change_notify_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_change_notify_req q;

	q.flags = rd_le16(&r);
	q.output_buffer_length = rd_le32(&r);
	q.file_id = smb2_rd_fileid(&r);
	q.completion_filter = rd_le32(&r);
	rd_skip(&r, 4);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = q;
	return 0;
}

void smb2_change_notify_req_encode(struct wr *w, size_t hdr, const struct smb2_change_notify_req *q)
{
	wr_le16(w, REQ_SIZE);
	wr_le16(w, q->flags);
	wr_le32(w, q->output_buffer_length);
	smb2_wr_fileid(w, q->file_id);
	wr_le32(w, q->completion_filter);
	wr_le32(w, 0);
}

struct fscc_notify_writer fscc_notify_writer(struct wr *w, size_t limit)
{
	return (struct fscc_notify_writer){
		.w = w, .start = wr_mark(w), .last = SIZE_MAX, .limit = limit
	};
}

int fscc_notify_put(struct fscc_notify_writer *nw, const struct fscc_notify *n)
{
	struct wr *w = nw->w;
	size_t used = w->len - nw->start;
	size_t pad = -used & (ENTRY_ALIGN - 1);

	if (used + pad > nw->limit || nw->limit - used - pad < ENTRY_FIXED ||
	    nw->limit - used - pad - ENTRY_FIXED < n->name.len)
		return 1;
	smb2_entry_begin(w, nw->start, ENTRY_ALIGN, &nw->last);
	wr_le32(w, n->action);
	wr_le32(w, (uint32_t)n->name.len);
	wr_put(w, n->name);
	return 0;
}

int fscc_notify_next(struct rd *r, struct fscc_notify *ret)
{
	struct fscc_notify n;
	struct rd e;
	int more = smb2_entry_next(r, ENTRY_ALIGN, ENTRY_FIXED, &e);

	if (more <= 0)
		return more;
	n.action = rd_le32(&e);
	n.name = rd_blob(&e, rd_le32(&e));
	if (!rd_ok(&e)) {
		rd_fail(r);
		return -EBADMSG;
	}
	*ret = n;
	return 1;
}
