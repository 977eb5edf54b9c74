/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 ERROR response and its data (MS-SMB2 2.2.2). Conventions: hdr.h. */
#ifndef HF_SMBD_WIRE_ERROR_H
#define HF_SMBD_WIRE_ERROR_H

#include "smbd/wire/hdr.h"

/* ErrorId of an error context, 2.2.2.1 */
enum {
	SMB2_ERROR_ID_DEFAULT = 0x00000000,
	SMB2_ERROR_ID_SHARE_REDIRECT = 0x72645253,
};

#define SMB2_SYMLINK_FLAG_RELATIVE 0x00000001

struct smb2_error_resp {
	uint8_t context_count; /* 3.1.1: number of error contexts in `data` */
	struct blob data;
};

int smb2_error_resp_decode(struct blob msg, struct smb2_error_resp *ret);
/* Appends the body; an empty `data` becomes the one byte that the specification wants. */
void smb2_error_resp_encode(struct wr *w, size_t hdr, const struct smb2_error_resp *resp);
/* The usual case: no data. */
void smb2_error_resp_encode_plain(struct wr *w, size_t hdr);
/* `data` of STATUS_BUFFER_TOO_SMALL: the length needed. In an error context when `smb311`. */
void smb2_error_resp_encode_needed(struct wr *w, size_t hdr, bool smb311, uint32_t needed);

struct smb2_error_ctx {
	uint32_t id; /* SMB2_ERROR_ID_* */
	struct blob data;
};

/* Takes the next error context off `data` (2.2.2.1). 1, 0 at the end, or -EBADMSG. */
int smb2_error_ctx_next(struct rd *r, struct smb2_error_ctx *ret);
/* Appends an error context, aligned to 8 from `start`, the mark of the first. */
void smb2_error_ctx_put(struct wr *w, size_t start, const struct smb2_error_ctx *c);

/* Symbolic link error of STATUS_STOPPED_ON_SYMLINK, 2.2.2.2.1. */
struct smb2_symlink_error {
	uint16_t unparsed_path_length; /* bytes of the request's name after the link */
	uint32_t flags; /* SMB2_SYMLINK_FLAG_RELATIVE */
	struct blob substitute_name, print_name; /* UTF-16LE */
};

int smb2_symlink_error_decode(struct blob data, struct smb2_symlink_error *ret);
void smb2_symlink_error_encode(struct wr *w, const struct smb2_symlink_error *e);

#endif
