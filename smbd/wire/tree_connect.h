/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 TREE_CONNECT (MS-SMB2 2.2.9, 2.2.10). Conventions: hdr.h. */
#ifndef HF_SMBD_WIRE_TREE_CONNECT_H
#define HF_SMBD_WIRE_TREE_CONNECT_H

#include "smbd/wire/hdr.h"

struct smb2_tree_connect_req {
	uint16_t flags; /* SMB2_TREE_CONNECT_FLAG_*; only 3.1.1 gives it a meaning, other dialects
			   must ignore it */
	struct blob path; /* \\server\share, UTF-16LE */
	struct blob remoted_identity; /* data of that context of the request extension (2.2.9.2.1);
					 empty when absent */
};

struct smb2_tree_connect_resp {
	uint8_t share_type;
	uint32_t share_flags;
	uint32_t capabilities;
	uint32_t maximal_access;
};

/* `smb311`: the connection's dialect is 3.1.1, so that the extension is looked at when its flag is
 * set. */
int smb2_tree_connect_req_decode(struct blob msg, bool smb311, struct smb2_tree_connect_req *ret);
/* Writes the request extension when `flags` have EXTENSION_PRESENT. */
void smb2_tree_connect_req_encode(struct wr *w, size_t hdr,
				  const struct smb2_tree_connect_req *req);
int smb2_tree_connect_resp_decode(struct blob msg, struct smb2_tree_connect_resp *ret);
void smb2_tree_connect_resp_encode(struct wr *w, size_t hdr,
				   const struct smb2_tree_connect_resp *resp);

#endif
