/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 IOCTL (MS-SMB2 2.2.31, 2.2.32); the buffers of the single controls are in fsctl.h.
 * Conventions: hdr.h. */
#ifndef HF_SMBD_WIRE_IOCTL_H
#define HF_SMBD_WIRE_IOCTL_H

#include "smbd/wire/hdr.h"

struct smb2_ioctl_req {
	uint32_t ctl_code; /* FSCTL_* */
	struct smb2_fileid file_id;
	struct blob input;
	struct blob output; /* a client sends none; kept because the pair is on the wire */
	uint32_t max_input_response;
	uint32_t max_output_response;
	uint32_t flags; /* SMB2_0_IOCTL_IS_FSCTL */
};

struct smb2_ioctl_resp {
	uint32_t ctl_code;
	struct smb2_fileid file_id;
	struct blob input;
	struct blob output;
	uint32_t flags;
};

int smb2_ioctl_req_decode(struct blob msg, struct smb2_ioctl_req *ret);
void smb2_ioctl_req_encode(struct wr *w, size_t hdr, const struct smb2_ioctl_req *req);
int smb2_ioctl_resp_decode(struct blob msg, struct smb2_ioctl_resp *ret);
void smb2_ioctl_resp_encode(struct wr *w, size_t hdr, const struct smb2_ioctl_resp *resp);

#endif
