/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 LOCK (MS-SMB2 2.2.26; the response is in empty.h). Conventions: hdr.h. */
#ifndef HF_SMBD_WIRE_LOCK_H
#define HF_SMBD_WIRE_LOCK_H

#include "smbd/wire/hdr.h"

struct smb2_lock_element {
	uint64_t offset;
	uint64_t length;
	uint32_t flags; /* SMB2_LOCKFLAG_* */
};

struct smb2_lock_req {
	uint8_t sequence_number; /* 0..15 */
	uint32_t sequence_index; /* 0: none; else 1..64 are valid */
	struct smb2_fileid file_id;
	struct smb2_lock_element *locks; /* in the arena; at least one */
	size_t n_locks;
};

/* -EBADMSG also for no elements. */
int smb2_lock_req_decode(struct arena *a, struct blob msg, struct smb2_lock_req *ret);
void smb2_lock_req_encode(struct wr *w, size_t hdr, const struct smb2_lock_req *req);

#endif
