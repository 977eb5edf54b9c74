/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 CREATE, without its contexts, which are in create_ctx.h (MS-SMB2 2.2.13, 2.2.14).
 * Conventions: hdr.h. */
#ifndef HF_SMBD_WIRE_CREATE_H
#define HF_SMBD_WIRE_CREATE_H

#include "smbd/wire/hdr.h"

struct smb2_create_req {
	uint8_t oplock_level; /* enum smb2_oplock_level, or anything */
	uint32_t impersonation_level;
	uint32_t desired_access;
	uint32_t file_attributes;
	uint32_t share_access;
	uint32_t disposition;
	uint32_t options;
	struct blob name; /* relative to the share, UTF-16LE; empty: the share's root */
	struct blob contexts; /* raw list: smb2_create_ctxs_req_decode(); empty: none */
};

struct smb2_create_resp {
	uint8_t oplock_level;
	uint8_t flags; /* SMB2_CREATE_FLAG_REPARSEPOINT */
	uint32_t action; /* enum smb2_create_action */
	uint64_t creation_time, last_access_time, last_write_time, change_time; /* NTTIME */
	uint64_t allocation_size, end_of_file;
	uint32_t file_attributes;
	struct smb2_fileid file_id;
	struct blob contexts; /* encoded list: smb2_create_ctxs_resp_encode(); empty: none */
};

/* -EBADMSG also for a name of odd length. */
int smb2_create_req_decode(struct blob msg, struct smb2_create_req *ret);
void smb2_create_req_encode(struct wr *w, size_t hdr, const struct smb2_create_req *req);
int smb2_create_resp_decode(struct blob msg, struct smb2_create_resp *ret);
void smb2_create_resp_encode(struct wr *w, size_t hdr, const struct smb2_create_resp *resp);

#endif
