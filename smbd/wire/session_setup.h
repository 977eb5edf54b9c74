/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 SESSION_SETUP (MS-SMB2 2.2.5, 2.2.6). Conventions: hdr.h. */
#ifndef HF_SMBD_WIRE_SESSION_SETUP_H
#define HF_SMBD_WIRE_SESSION_SETUP_H

#include "smbd/wire/hdr.h"

struct smb2_session_setup_req {
	uint8_t flags; /* SMB2_SESSION_FLAG_BINDING */
	uint8_t security_mode;
	uint32_t capabilities;
	uint32_t channel;
	uint64_t previous_session_id;
	struct blob token;
};

struct smb2_session_setup_resp {
	uint16_t session_flags;
	struct blob token;
};

int smb2_session_setup_req_decode(struct blob msg, struct smb2_session_setup_req *ret);
void smb2_session_setup_req_encode(struct wr *w, size_t hdr,
				   const struct smb2_session_setup_req *req);
/* Also for STATUS_MORE_PROCESSING_REQUIRED, which carries this body and not an ERROR body. */
int smb2_session_setup_resp_decode(struct blob msg, struct smb2_session_setup_resp *ret);
void smb2_session_setup_resp_encode(struct wr *w, size_t hdr,
				    const struct smb2_session_setup_resp *resp);

#endif
