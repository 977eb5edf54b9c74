/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECHO (MS-SMB2 3.3.5.17). Home worker's thread. */
#include "smbd/op/ops.h"
#include "smbd/proto/req.h"
#include "smbd/wire/empty.h"

static struct ntstatus run(struct smb_req *req)
{
	smb2_empty_encode(&req->out);
	return NT_STATUS_OK;
}

const struct smb_op op_echo = { .run = run };
