/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FLUSH (MS-SMB2 3.3.5.11). Home worker's thread. */
#include "smbd/op/file_open.h"
#include "smbd/op/ops.h"
#include "smbd/op/status.h"
#include "smbd/wire/close.h"
#include "smbd/wire/empty.h"

static int decode(struct smb_req *req)
{
	struct smb2_flush_req *args = arena_new(req->arena, struct smb2_flush_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_flush_req_decode(req->in, args);
}

static struct ntstatus run(struct smb_req *req)
{
	struct file_open *fo = file_open_of(req);
	int r = 0;

	if (fo) {
		if (!fo->hold.lk)
			return NT_STATUS_FILE_CLOSED;
		if (!(req->open->granted_access & (SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA)))
			return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
					      "flush needs write access");
		r = vfs_flush(fo->file);
	}
	if (r < 0)
		return req_fail(req, r);
	smb2_empty_encode(&req->out);
	return NT_STATUS_OK;
}

const struct smb_op op_flush = { .decode = decode, .run = run };
