/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an authenticated exchange makes of a session or a channel (MS-SMB2 3.3.5.5.3). */
#ifndef HF_SMBD_OP_SESSION_KEYS_H
#define HF_SMBD_OP_SESSION_KEYS_H

#include "smbd/proto/req.h"
#include "smbd/wire/session_setup.h"

/* [task] req->channel->auth is finished: makes the session valid, renews it, or binds the channel.
 * On failure nothing that others use has changed; the caller undoes the rest. */
struct ntstatus session_established(struct smb_req *req, const struct smb2_session_setup_req *args);

#endif
