/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 CLOSE and FLUSH (MS-SMB2 2.2.15 to 2.2.18; the FLUSH response is in empty.h). Conventions:
 * hdr.h. */
#ifndef HF_SMBD_WIRE_CLOSE_H
#define HF_SMBD_WIRE_CLOSE_H

#include "smbd/wire/hdr.h"

struct smb2_close_req {
	uint16_t flags; /* SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB */
	struct smb2_fileid file_id;
};

struct smb2_close_resp {
	uint16_t flags; /* POSTQUERY_ATTRIB when what follows is filled in; else it is zero */
	uint64_t creation_time, last_access_time, last_write_time, change_time; /* NTTIME */
	uint64_t allocation_size, end_of_file;
	uint32_t file_attributes;
};

int smb2_close_req_decode(struct blob msg, struct smb2_close_req *ret);
void smb2_close_req_encode(struct wr *w, size_t hdr, const struct smb2_close_req *req);
int smb2_close_resp_decode(struct blob msg, struct smb2_close_resp *ret);
void smb2_close_resp_encode(struct wr *w, size_t hdr, const struct smb2_close_resp *resp);

struct smb2_flush_req {
	struct smb2_fileid file_id;
};

int smb2_flush_req_decode(struct blob msg, struct smb2_flush_req *ret);
void smb2_flush_req_encode(struct wr *w, size_t hdr, const struct smb2_flush_req *req);

#endif
