/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 NEGOTIATE with its contexts (MS-SMB2 2.2.3, 2.2.4). Conventions: hdr.h. */
#ifndef HF_SMBD_WIRE_NEGOTIATE_H
#define HF_SMBD_WIRE_NEGOTIATE_H

#include "smbd/wire/hdr.h"

/* 16-bit identifiers in the sender's order. */
struct smb2_ids {
	uint16_t *v;
	size_t n;
};

bool smb2_ids_has(const struct smb2_ids *ids, uint16_t id);

/* The context list of either direction. In a response each list has one element (compression: the
 * common ones). */
struct smb2_neg_ctxs {
	bool has_preauth, has_encryption, has_compression, has_netname, has_transport, has_rdma,
		has_signing, has_posix;
	struct smb2_ids preauth_hashes;
	struct blob preauth_salt;
	struct smb2_ids ciphers;
	struct smb2_ids compressions;
	uint32_t compression_flags;
	struct blob netname; /* UTF-16LE */
	uint32_t transport_flags;
	struct smb2_ids rdma_transforms;
	struct smb2_ids signing_algs;
};

struct smb2_negotiate_req {
	uint16_t security_mode;
	uint32_t capabilities;
	struct guid client_guid;
	struct smb2_ids dialects; /* at least one */
	struct smb2_neg_ctxs ctxs; /* only when the dialects contain 3.1.1 */
};

struct smb2_negotiate_resp {
	uint16_t security_mode;
	uint16_t dialect;
	struct guid server_guid;
	uint32_t capabilities;
	uint32_t max_transact_size, max_read_size, max_write_size;
	uint64_t system_time, server_start_time; /* NTTIME */
	struct blob token; /* SPNEGO */
	struct smb2_neg_ctxs ctxs; /* only with dialect 3.1.1 */
};

/* -EBADMSG also for: no dialects; a context twice; an empty algorithm list; 3.1.1 without a preauth
 * context (3.3.5.4 asks for STATUS_INVALID_PARAMETER in each case). */
int smb2_negotiate_req_decode(struct arena *a, struct blob msg, struct smb2_negotiate_req *ret);
void smb2_negotiate_req_encode(struct wr *w, size_t hdr, const struct smb2_negotiate_req *req);
int smb2_negotiate_resp_decode(struct arena *a, struct blob msg, struct smb2_negotiate_resp *ret);
void smb2_negotiate_resp_encode(struct wr *w, size_t hdr, const struct smb2_negotiate_resp *resp);

/* Decodes `count` contexts that start at the beginning of `list`, each aligned to 8. Unknown types
 * are skipped. */
int smb2_neg_ctxs_decode(struct arena *a, struct blob list, uint16_t count,
			 struct smb2_neg_ctxs *ret);
/* Appends the contexts that are present, the first at the current position, and returns how many.
 */
uint16_t smb2_neg_ctxs_encode(struct wr *w, const struct smb2_neg_ctxs *c);

#endif
