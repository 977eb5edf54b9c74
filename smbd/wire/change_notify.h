/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SMB2 CHANGE_NOTIFY request (MS-SMB2 2.2.35) and the entries of its response (MS-FSCC 2.7.1),
 * which travel in an outbuf.h body. Conventions: hdr.h.
 */
#ifndef HF_SMBD_WIRE_CHANGE_NOTIFY_H
#define HF_SMBD_WIRE_CHANGE_NOTIFY_H

#include "smbd/wire/hdr.h"

struct smb2_change_notify_req {
	uint16_t flags; /* SMB2_WATCH_TREE */
	uint32_t output_buffer_length;
	struct smb2_fileid file_id;
	uint32_t completion_filter; /* SMB2_NOTIFY_CHANGE_* */
};

int smb2_change_notify_req_decode(struct blob msg, struct smb2_change_notify_req *ret);
void smb2_change_notify_req_encode(struct wr *w, size_t hdr,
				   const struct smb2_change_notify_req *req);

struct fscc_notify {
	uint32_t action; /* SMB2_ACTION_* */
	struct blob name; /* relative to the watched directory, UTF-16LE */
};

struct fscc_notify_writer {
	struct wr *w;
	size_t start; /* where the buffer starts in `w` */
	size_t last; /* mark of the last entry; SIZE_MAX: none yet */
	size_t limit; /* bytes that the client accepts */
};

/* Entries go to the current position of `w`, `limit` bytes at most. */
struct fscc_notify_writer fscc_notify_writer(struct wr *w, size_t limit);
/* Appends an entry. 0, or 1 when it does not fit into the limit (nothing written). */
int fscc_notify_put(struct fscc_notify_writer *nw, const struct fscc_notify *n);
/* Takes the next entry off a buffer. 1, 0 at the end, or -EBADMSG. */
int fscc_notify_next(struct rd *r, struct fscc_notify *ret);

#endif
