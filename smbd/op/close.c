/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CLOSE (MS-SMB2 3.3.5.10). Home worker's thread. */
#include "smbd/wire/close.h"

#include "smbd/op/info.h"
#include "smbd/op/ops.h"

static int decode(struct smb_req *req)
{
	struct smb2_close_req *args = arena_new(req->arena, struct smb2_close_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_close_req_decode(req->in, args);
}

/* What the client wants to know of the file last. */
static void post_query(const struct open *o, struct smb2_close_resp *resp)
{
	const struct file_open *fo = o->priv;
	struct fscc_network_open i;
	struct vfs_stat st;

	if (o->kind == OPEN_PIPE || vfs_stat(fo->file, &st) < 0)
		return;
	i = info_network_open(&st);
	*resp = (struct smb2_close_resp){
		.flags = SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB,
		.creation_time = i.creation_time,
		.last_access_time = i.last_access_time,
		.last_write_time = i.last_write_time,
		.change_time = i.change_time,
		.allocation_size = i.allocation_size,
		.end_of_file = i.end_of_file,
		.file_attributes = i.file_attributes,
	};
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_close_req *in = req->args;
	struct smb2_close_resp resp = { 0 };

	if (in->flags & SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB)
		post_query(req->open, &resp);
	if (!open_close(req->open, req, OPEN_END_CLOSE))
		return NT_STATUS_FILE_CLOSED;
	smb2_close_resp_encode(&req->out, 0, &resp);
	return NT_STATUS_OK;
}

const struct smb_op op_close = { .decode = decode, .run = run };
