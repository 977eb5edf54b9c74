/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Create contexts (MS-SMB2 2.2.13.2, 2.2.14.2): the generic list, and the typed set of each
 * direction. Pure; any thread. Conventions: hdr.h.
 */
#ifndef HF_SMBD_WIRE_CREATE_CTX_H
#define HF_SMBD_WIRE_CREATE_CTX_H

#include "smbd/wire/hdr.h"

/* --- the list
 * -------------------------------------------------------------------------------------- */

struct smb2_create_ctx {
	struct blob name; /* four characters or a GUID, never empty */
	struct blob data; /* may be empty */
};

/* Takes the next context off a list. `r` starts as rd_of(contexts). 1: `*ret` is it; 0: no more;
 * -EBADMSG: Next is not a multiple of 8 or points outside, or the name or data is not inside its
 * own context. */
int smb2_create_ctx_next(struct rd *r, struct smb2_create_ctx *ret);

/* Appends contexts to a list of its own writer (whose offset 0 is the start of the list). */
struct smb2_create_ctx_writer {
	struct wr *w;
	size_t last; /* mark of the last context; SIZE_MAX: none yet */
};

struct smb2_create_ctx_writer smb2_create_ctx_writer(struct wr *w);
void smb2_create_ctx_put(struct smb2_create_ctx_writer *cw, struct blob name, struct blob data);

/* --- the typed set
 * ---------------------------------------------------------------------------------- */

/* bits of `present` */
enum {
	SMB2_CTX_EXTA = 1u << 0, /* extended attributes */
	SMB2_CTX_SECD = 1u << 1, /* security descriptor */
	SMB2_CTX_DHNQ = 1u << 2, /* durable handle request */
	SMB2_CTX_DHNC = 1u << 3, /* durable handle reconnect */
	SMB2_CTX_ALSI = 1u << 4, /* allocation size */
	SMB2_CTX_MXAC = 1u << 5, /* query maximal access */
	SMB2_CTX_TWRP = 1u << 6, /* time warp */
	SMB2_CTX_QFID = 1u << 7, /* query on-disk id */
	SMB2_CTX_RQLS = 1u << 8, /* lease, version 1 or 2 */
	SMB2_CTX_DH2Q = 1u << 9, /* durable handle request v2 */
	SMB2_CTX_DH2C = 1u << 10, /* durable handle reconnect v2 */
	SMB2_CTX_APP_ID = 1u << 11, /* app instance id */
	SMB2_CTX_APP_VERSION = 1u << 12, /* app instance version */
	SMB2_CTX_SVHDX = 1u << 13, /* shared virtual disk: seen, not decoded */
	SMB2_CTX_POSIX = 1u << 14, /* POSIX extensions: seen, not decoded */
};

struct smb2_lease_ctx {
	uint8_t version; /* 1 or 2: by the length of the data */
	struct guid key;
	uint32_t state; /* SMB2_LEASE_* */
	uint32_t flags; /* SMB2_LEASE_FLAG_* */
	struct guid parent_key; /* version 2, when flags have PARENT_LEASE_KEY_SET */
	uint16_t epoch; /* version 2 */
};

struct smb2_create_ctxs_req {
	uint32_t present; /* SMB2_CTX_* */
	struct blob exta; /* FILE_FULL_EA_INFORMATION list: fscc_ea_next() */
	struct blob secd; /* self-relative descriptor: secdesc_decode() */
	struct smb2_fileid dhnc;
	uint64_t allocation_size;
	uint64_t mxac_time; /* 0: none given */
	uint64_t twrp; /* NTTIME */
	struct smb2_lease_ctx lease;
	struct {
		uint32_t timeout; /* milliseconds; 0: the server chooses */
		uint32_t flags; /* SMB2_DHANDLE_FLAG_PERSISTENT */
		struct guid create_guid;
	} dh2q;
	struct {
		struct smb2_fileid file_id;
		struct guid create_guid;
		uint32_t flags;
	} dh2c;
	struct guid app_instance_id;
	uint64_t app_version_high, app_version_low;
	uint32_t posix_mode;
};

struct smb2_create_ctxs_resp {
	uint32_t present; /* DHNQ, MXAC, QFID, RQLS, DH2Q */
	struct {
		struct ntstatus status;
		uint32_t access;
	} mxac;
	uint8_t qfid[32]; /* opaque; Windows: 64-bit file id, 64-bit volume id, zeros */
	struct smb2_lease_ctx lease;
	struct {
		uint32_t timeout; /* milliseconds */
		uint32_t flags;
	} dh2q;
};

/* Decodes a whole list. Unknown names are skipped; of two contexts of one name the first counts;
 * data of a wrong length is -EBADMSG. An empty list gives `present` 0. Which combinations are
 * allowed is the caller's business. */
int smb2_create_ctxs_req_decode(struct blob list, struct smb2_create_ctxs_req *ret);
/* Appends the contexts that are present; `w` must be a writer of its own. */
void smb2_create_ctxs_req_encode(struct wr *w, const struct smb2_create_ctxs_req *c);
int smb2_create_ctxs_resp_decode(struct blob list, struct smb2_create_ctxs_resp *ret);
void smb2_create_ctxs_resp_encode(struct wr *w, const struct smb2_create_ctxs_resp *c);

#endif
