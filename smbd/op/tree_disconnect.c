/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TREE_DISCONNECT (MS-SMB2 3.3.5.8). Home worker's thread. */
#include "smbd/op/ops.h"
#include "smbd/proto/req.h"
#include "smbd/wire/empty.h"

static int decode(struct smb_req *req)
{
	return smb2_empty_decode(req->in);
}

static struct ntstatus run(struct smb_req *req)
{
	if (!tree_close(req->tree, req, OPEN_END_TREE))
		return NT_STATUS_NETWORK_NAME_DELETED;
	smb2_empty_encode(&req->out);
	return NT_STATUS_OK;
}

const struct smb_op op_tree_disconnect = { .decode = decode, .run = run };
