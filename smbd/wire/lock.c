/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 LOCK (MS-SMB2 2.2.26). */
#include "smbd/wire/lock.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 48
#define ELEMENT_LEN 24

int smb2_lock_req_decode(struct arena *a, struct blob msg, struct smb2_lock_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_lock_req q;
	uint32_t seq;

	q.n_locks = rd_le16(&r);
	seq = rd_le32(&r);
	q.sequence_number = seq & 0xf;
	q.sequence_index = seq >> 4;
	q.file_id = smb2_rd_fileid(&r);
	if (!rd_ok(&r) || q.n_locks == 0 || q.n_locks > rd_left(&r) / ELEMENT_LEN)
		return -EBADMSG;
	q.locks = arena_calloc(a, q.n_locks, sizeof(*q.locks));
	if (!q.locks)
		return -ENOMEM;
	for (size_t i = 0; i < q.n_locks; i++) {
		q.locks[i].offset = rd_le64(&r);
		q.locks[i].length = rd_le64(&r);
		q.locks[i].flags = rd_le32(&r);
		rd_skip(&r, 4);
	}
	*ret = q;
	return 0;
}

void smb2_lock_req_encode(struct wr *w, size_t hdr, const struct smb2_lock_req *q)
{
	wr_le16(w, REQ_SIZE);
	wr_le16(w, (uint16_t)q->n_locks);
	wr_le32(w, q->sequence_index << 4 | (q->sequence_number & 0xf));
	smb2_wr_fileid(w, q->file_id);
	for (size_t i = 0; i < q->n_locks; i++) {
		wr_le64(w, q->locks[i].offset);
		wr_le64(w, q->locks[i].length);
		wr_le32(w, q->locks[i].flags);
		wr_le32(w, 0);
	}
}
