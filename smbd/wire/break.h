/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SMB2 OPLOCK_BREAK in its two forms, oplock and lease (MS-SMB2 2.2.23 to 2.2.25). StructureSize
 * tells them apart. Conventions: hdr.h.
 */
#ifndef HF_SMBD_WIRE_BREAK_H
#define HF_SMBD_WIRE_BREAK_H

#include "smbd/wire/hdr.h"

/* Notification, acknowledgment and response of an oplock are the same 24 bytes. */
struct smb2_oplock_break {
	uint8_t oplock_level;
	struct smb2_fileid file_id;
};

/* Server to client, MessageId 0xFFFFFFFFFFFFFFFF, not signed unless encrypted. */
struct smb2_lease_break_notify {
	uint16_t new_epoch;
	uint32_t flags; /* SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED */
	struct guid key;
	uint32_t current_state, new_state; /* SMB2_LEASE_* */
};

/* Acknowledgment and response of a lease break are the same 36 bytes. */
struct smb2_lease_break_ack {
	struct guid key;
	uint32_t state;
};

struct smb2_break {
	enum { SMB2_BREAK_OPLOCK, SMB2_BREAK_LEASE_NOTIFY, SMB2_BREAK_LEASE_ACK } kind;
	union {
		struct smb2_oplock_break oplock;
		struct smb2_lease_break_notify lease_notify;
		struct smb2_lease_break_ack lease_ack;
	};
};

/* What a client sends: oplock or lease acknowledgment; -EBADMSG for a notification. */
int smb2_break_req_decode(struct blob msg, struct smb2_break *ret);
/* What a server sends: any of the three. */
int smb2_break_resp_decode(struct blob msg, struct smb2_break *ret);
void smb2_break_encode(struct wr *w, size_t hdr, const struct smb2_break *b);

#endif
