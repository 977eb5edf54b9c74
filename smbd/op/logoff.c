/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LOGOFF (MS-SMB2 3.3.5.6). Home worker's thread. */
#include "smbd/op/ops.h"
#include "smbd/proto/req.h"
#include "smbd/wire/empty.h"

static int decode(struct smb_req *req)
{
	return smb2_empty_decode(req->in);
}

static struct ntstatus run(struct smb_req *req)
{
	/* The channel goes with the session, but the response is still the session's. */
	req->sign = !req->encrypted && (req->signed_ok || req->session->sign_required);
	if (!session_close(req->session, req, OPEN_END_LOGOFF))
		return NT_STATUS_USER_SESSION_DELETED;
	smb2_empty_encode(&req->out);
	return NT_STATUS_OK;
}

const struct smb_op op_logoff = { .decode = decode, .run = run };
