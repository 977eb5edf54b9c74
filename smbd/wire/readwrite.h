/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SMB2 READ and WRITE (MS-SMB2 2.2.19 to 2.2.22). Conventions: hdr.h. The `_head` encoders write
 * everything but the data, which the caller sends right after, from its own iovec; a compound's
 * padding is then the caller's too.
 */
#ifndef HF_SMBD_WIRE_READWRITE_H
#define HF_SMBD_WIRE_READWRITE_H

#include "smbd/wire/hdr.h"

/* Bytes from the header to the data of a READ response and of a WRITE request as these encoders lay
 * them out. */
#define SMB2_READ_RESP_DATA_OFF 80
#define SMB2_WRITE_REQ_DATA_OFF 112

struct smb2_read_req {
	uint8_t padding; /* where the client would like the data; ignored */
	uint8_t flags; /* SMB2_READFLAG_* */
	uint32_t length;
	uint64_t offset;
	struct smb2_fileid file_id;
	uint32_t minimum_count;
	uint32_t channel; /* SMB2_CHANNEL_* */
	uint32_t remaining_bytes;
	struct blob channel_info;
};

struct smb2_read_resp {
	uint32_t remaining;
	uint32_t flags; /* reserved before 3.1.1 */
	struct blob data;
};

int smb2_read_req_decode(struct blob msg, struct smb2_read_req *ret);
void smb2_read_req_encode(struct wr *w, size_t hdr, const struct smb2_read_req *req);
int smb2_read_resp_decode(struct blob msg, struct smb2_read_resp *ret);
void smb2_read_resp_encode(struct wr *w, size_t hdr, const struct smb2_read_resp *resp);
/* The fixed part for `data_len` bytes of data; `resp->data` is not looked at. */
void smb2_read_resp_encode_head(struct wr *w, size_t hdr, const struct smb2_read_resp *resp,
				uint32_t data_len);

struct smb2_write_req {
	uint64_t offset;
	struct smb2_fileid file_id;
	uint32_t channel;
	uint32_t remaining_bytes;
	uint32_t flags; /* SMB2_WRITEFLAG_* */
	struct blob data;
	struct blob channel_info;
};

struct smb2_write_resp {
	uint32_t count;
	uint32_t remaining;
};

/* -EBADMSG also for a DataOffset above 0x100 (3.3.5.13). */
int smb2_write_req_decode(struct blob msg, struct smb2_write_req *ret);
void smb2_write_req_encode(struct wr *w, size_t hdr, const struct smb2_write_req *req);
/* The fixed part for `data_len` bytes; `req->data` is not looked at and there can be no
 * channel_info. */
void smb2_write_req_encode_head(struct wr *w, size_t hdr, const struct smb2_write_req *req,
				uint32_t data_len);
int smb2_write_resp_decode(struct blob msg, struct smb2_write_resp *ret);
void smb2_write_resp_encode(struct wr *w, size_t hdr, const struct smb2_write_resp *resp);

#endif
