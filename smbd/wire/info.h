/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SMB2 QUERY_INFO request and SET_INFO (MS-SMB2 2.2.37, 2.2.39, 2.2.40); the QUERY_INFO response is
 * outbuf.h with fscc_file.h, fscc_fs.h or secdesc.h in it. Conventions: hdr.h.
 */
#ifndef HF_SMBD_WIRE_INFO_H
#define HF_SMBD_WIRE_INFO_H

#include "smbd/wire/hdr.h"

struct smb2_query_info_req {
	uint8_t info_type; /* SMB2_0_INFO_* */
	uint8_t info_class; /* FSCC_FILE_*, FSCC_FS_* */
	uint32_t output_buffer_length;
	uint32_t additional_information; /* SMB2_*_SECURITY_INFORMATION, or the EA index */
	uint32_t flags; /* SMB2_SL_* */
	struct smb2_fileid file_id;
	struct blob input; /* EA names (fscc_ea_name_next()), quota SIDs */
};

int smb2_query_info_req_decode(struct blob msg, struct smb2_query_info_req *ret);
void smb2_query_info_req_encode(struct wr *w, size_t hdr, const struct smb2_query_info_req *req);

struct smb2_set_info_req {
	uint8_t info_type;
	uint8_t info_class;
	uint32_t additional_information;
	struct smb2_fileid file_id;
	struct blob buffer;
};

int smb2_set_info_req_decode(struct blob msg, struct smb2_set_info_req *ret);
void smb2_set_info_req_encode(struct wr *w, size_t hdr, const struct smb2_set_info_req *req);
/* The response has StructureSize 2 and nothing else. */
int smb2_set_info_resp_decode(struct blob msg);
void smb2_set_info_resp_encode(struct wr *w);

#endif
