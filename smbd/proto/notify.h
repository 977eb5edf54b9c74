/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that a client did not ask for: oplock and lease breaks (MS-SMB2 3.3.4.6, 3.3.4.7). Home worker's thread. */
#ifndef HF_SMBD_PROTO_NOTIFY_H
#define HF_SMBD_PROTO_NOTIFY_H

#include "smbd/proto/session.h"
#include "smbd/wire/break.h"

/* When a notification leaves: at once, or behind the responses to what its client is changing just now. */
enum notify_order { NOTIFY_FIRST, NOTIFY_BEHIND };

/* Queues a break notification, neither signed nor encrypted (3.3.4.1.1, 3.3.4.1.4: it belongs to no session), on a connection
 * of the session that lives; on another one than `not` if there is one. Never waits. `*ret`: the connection, only to be
 * compared. -ENOTCONN: there is none; -ENOMEM. */
int notify_break(struct session *s, const struct conn *not, const struct smb2_break *b, enum notify_order order,
		 const struct conn **ret);

#endif
