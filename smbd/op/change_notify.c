/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CHANGE_NOTIFY (MS-SMB2 3.3.5.19): not offered; the request is checked all the same. Home worker's
 * thread. */
#include "smbd/wire/change_notify.h"

#include "smbd/op/ops.h"
#include "smbd/proto/req.h"

static int decode(struct smb_req *req)
{
	struct smb2_change_notify_req *args = arena_new(req->arena, struct smb2_change_notify_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_change_notify_req_decode(req->in, args);
}

static struct ntstatus run(struct smb_req *req)
{
	if (req->open->kind != OPEN_DIRECTORY)
		return NT_STATUS_INVALID_PARAMETER;
	return NT_STATUS_NOT_SUPPORTED;
}

const struct smb_op op_change_notify = { .decode = decode, .run = run };
