/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 QUERY_DIRECTORY request (MS-SMB2 2.2.33); the response is outbuf.h with fscc_dir.h entries.
 */
#ifndef HF_SMBD_WIRE_QUERY_DIRECTORY_H
#define HF_SMBD_WIRE_QUERY_DIRECTORY_H

#include "smbd/wire/hdr.h"

struct smb2_query_directory_req {
	uint8_t info_class; /* FSCC_FILE_*DIRECTORY, FSCC_FILE_NAMES */
	uint8_t flags; /* SMB2_RESTART_SCANS, ... */
	uint32_t file_index;
	struct smb2_fileid file_id;
	struct blob pattern; /* UTF-16LE; may be empty */
	uint32_t output_buffer_length;
};

/* -EBADMSG also for a pattern of odd length. */
int smb2_query_directory_req_decode(struct blob msg, struct smb2_query_directory_req *ret);
void smb2_query_directory_req_encode(struct wr *w, size_t hdr,
				     const struct smb2_query_directory_req *req);

#endif
