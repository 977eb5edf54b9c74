/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QUERY_INFO (MS-SMB2 3.3.5.20): sizes and types; the classes are in info_*.c. Home worker's
 * thread. */
#include "smbd/op/info.h"
#include "smbd/op/ops.h"
#include "smbd/op/status.h"
#include "smbd/wire/error.h"
#include "smbd/wire/outbuf.h"

static int decode(struct smb_req *req)
{
	struct smb2_query_info_req *args = arena_new(req->arena, struct smb2_query_info_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_query_info_req_decode(req->in, args);
}

static struct ntstatus check(struct smb_req *req, const struct smb2_query_info_req *in)
{
	size_t payload = MAX((size_t)in->output_buffer_length, in->input.len);

	if (payload > req->conn->max_transact ||
	    (req->conn->multi_credit && payload > req_paid_bytes(req)))
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "buffer length");
	return NT_STATUS_OK;
}

/* What a client's buffer that is too small gets (3.3.5.20.1 to .3). */
static struct ntstatus cut(struct query *q, struct blob *all)
{
	size_t max = q->in->output_buffer_length;

	if (all->len <= max)
		return NT_STATUS_OK;
	if (q->in->info_type == SMB2_0_INFO_SECURITY) {
		smb2_error_resp_encode_needed(&q->req->out, 0,
					      q->req->conn->dialect == SMB2_DIALECT_311,
					      (uint32_t)all->len);
		req_error_body(q->req);
		return NT_STATUS_BUFFER_TOO_SMALL;
	}
	if (q->fixed == 0 || max < q->fixed)
		return NT_STATUS_INFO_LENGTH_MISMATCH;
	all->len = max;
	return NT_STATUS_BUFFER_OVERFLOW;
}

static struct ntstatus query(struct query *q)
{
	if (q->fo && !q->fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	switch (q->in->info_type) {
	case SMB2_0_INFO_FILE:
		return q->fo ? query_file_info(q) : query_pipe_info(q);
	case SMB2_0_INFO_FILESYSTEM:
		return q->fo ? query_fs_info(q) : NT_STATUS_INVALID_DEVICE_REQUEST;
	case SMB2_0_INFO_SECURITY:
		return q->fo ? query_security_info(q) : NT_STATUS_NOT_SUPPORTED;
	case SMB2_0_INFO_QUOTA:
		return NT_STATUS_NOT_SUPPORTED;
	default:
		return NT_STATUS_INVALID_PARAMETER;
	}
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_query_info_req *in = req->args;
	struct wr w = wr_arena(req->arena, req->conn->max_transact);
	struct query q = { .req = req, .in = in, .fo = file_open_of(req), .w = &w };
	struct ntstatus s = check(req, in);
	struct blob all;

	if (ntstatus_is_ok(s))
		s = query(&q);
	if (!ntstatus_is_ok(s))
		return s;
	if (wr_end(&w) < 0)
		return req_fail(req, -ENOMEM);
	all = wr_blob(&w);
	s = cut(&q, &all);
	if (!ntstatus_is_error(s))
		smb2_outbuf_encode(&req->out, 0, all);
	return s;
}

const struct smb_op op_query_info = { .decode = decode, .run = run };
