/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CANCEL (MS-SMB2 3.3.5.16): no response of its own; the request that it names answers. Home
 * worker's thread. */
#include "smbd/op/ops.h"
#include "smbd/proto/req.h"

static bool names(const struct smb_req *cancel, const struct smb_req *r)
{
	if (r == cancel || r->session != cancel->session || !(r->row && r->row->flags & OP_PEND))
		return false;
	if (cancel->hdr.flags & SMB2_FLAGS_ASYNC_COMMAND)
		return r->pending && r->async_id == cancel->hdr.async_id;
	return r->hdr.message_id == cancel->hdr.message_id;
}

static struct ntstatus run(struct smb_req *req)
{
	struct smb_req *r;

	list_foreach(r, &req->conn->reqs, in_conn) {
		if (names(req, r)) {
			conn_cancel_req(r);
			break;
		}
	}
	req->no_response = true;
	return NT_STATUS_OK;
}

const struct smb_op op_cancel = { .run = run };
