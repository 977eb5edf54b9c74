/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PreviousSessionId: ends the session that a client had before it reconnected, wherever it lives.
 */
#ifndef HF_SMBD_PROTO_PREVIOUS_H
#define HF_SMBD_PROTO_PREVIOUS_H

#include "smbd/proto/session.h"

/* [task] Ends session `id` when it is `owner`'s, and returns when its opens are closed or left
 * disconnected (MS-SMB2 3.3.5.5.3). Silent when there is none. Not interruptible. */
void previous_session_end(struct worker *w, uint64_t id, const struct sid *owner);
/* [task] The same for a session that would live on this very worker. */
void previous_session_end_here(struct worker *w, uint64_t id, const struct sid *owner);

#endif
