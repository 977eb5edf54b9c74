/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 OPLOCK_BREAK, oplock and lease (MS-SMB2 2.2.23 to 2.2.25). */
#include "smbd/wire/break.h"
#include "smbd/wire/wire_priv.h"

#define OPLOCK_SIZE 24
#define LEASE_NOTIFY_SIZE 44
#define LEASE_ACK_SIZE 36

static uint16_t structure_size(struct blob msg)
{
	struct rd r = rd_of(msg);

	rd_skip(&r, SMB2_HDR_LEN);
	return rd_le16(&r);
}

static int decode_oplock(struct blob msg, struct smb2_break *ret)
{
	struct rd r = smb2_body(msg, OPLOCK_SIZE);
	struct smb2_oplock_break o;

	o.oplock_level = rd_u8(&r);
	rd_skip(&r, 1 + 4);
	o.file_id = smb2_rd_fileid(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = (struct smb2_break){ .kind = SMB2_BREAK_OPLOCK, .oplock = o };
	return 0;
}

static int decode_lease_ack(struct blob msg, struct smb2_break *ret)
{
	struct rd r = smb2_body(msg, LEASE_ACK_SIZE);
	struct smb2_lease_break_ack l;

	rd_skip(&r, 2 + 4);
	l.key = rd_guid(&r);
	l.state = rd_le32(&r);
	rd_skip(&r, 8);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = (struct smb2_break){ .kind = SMB2_BREAK_LEASE_ACK, .lease_ack = l };
	return 0;
}

static int decode_lease_notify(struct blob msg, struct smb2_break *ret)
{
	struct rd r = smb2_body(msg, LEASE_NOTIFY_SIZE);
	struct smb2_lease_break_notify n;

	n.new_epoch = rd_le16(&r);
	n.flags = rd_le32(&r);
	n.key = rd_guid(&r);
	n.current_state = rd_le32(&r);
	n.new_state = rd_le32(&r);
	rd_skip(&r, 12); /* BreakReason and the two mask hints: zero */
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = (struct smb2_break){ .kind = SMB2_BREAK_LEASE_NOTIFY, .lease_notify = n };
	return 0;
}

int smb2_break_req_decode(struct blob msg, struct smb2_break *ret)
{
	switch (structure_size(msg)) {
	case OPLOCK_SIZE:
		return decode_oplock(msg, ret);
	case LEASE_ACK_SIZE:
		return decode_lease_ack(msg, ret);
	default:
		return -EBADMSG;
	}
}

int smb2_break_resp_decode(struct blob msg, struct smb2_break *ret)
{
	if (structure_size(msg) == LEASE_NOTIFY_SIZE)
		return decode_lease_notify(msg, ret);
	return smb2_break_req_decode(msg, ret);
}

void smb2_break_encode(struct wr *w, size_t hdr, const struct smb2_break *b)
{
	switch (b->kind) {
	case SMB2_BREAK_OPLOCK:
		wr_le16(w, OPLOCK_SIZE);
		wr_u8(w, b->oplock.oplock_level);
		wr_zero(w, 1 + 4);
		smb2_wr_fileid(w, b->oplock.file_id);
		break;
	case SMB2_BREAK_LEASE_NOTIFY:
		wr_le16(w, LEASE_NOTIFY_SIZE);
		wr_le16(w, b->lease_notify.new_epoch);
		wr_le32(w, b->lease_notify.flags);
		wr_guid(w, &b->lease_notify.key);
		wr_le32(w, b->lease_notify.current_state);
		wr_le32(w, b->lease_notify.new_state);
		wr_zero(w, 12);
		break;
	case SMB2_BREAK_LEASE_ACK:
		wr_le16(w, LEASE_ACK_SIZE);
		wr_zero(w, 2 + 4);
		wr_guid(w, &b->lease_ack.key);
		wr_le32(w, b->lease_ack.state);
		wr_zero(w, 8);
		break;
	}
}
