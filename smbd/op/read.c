/* SPDX-License-Identifier: GPL-3.0-or-later */
/* READ (MS-SMB2 3.3.5.12, MS-FSA 2.1.5.3). Home worker's thread. */
#include "smbd/op/file_open.h"
#include "smbd/op/iobuf.h"
#include "smbd/op/ops.h"
#include "smbd/op/pipe_open.h"
#include "smbd/op/status.h"
#include "smbd/wire/readwrite.h"

#define SMALL 4096 /* these live in the request's arena */

static int decode(struct smb_req *req)
{
	struct smb2_read_req *args = arena_new(req->arena, struct smb2_read_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_read_req_decode(req->in, args);
}

static struct ntstatus check(struct smb_req *req, const struct smb2_read_req *in)
{
	if (in->length > req->conn->max_read)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "longer than agreed");
	if (req->conn->multi_credit && in->length > req_paid_bytes(req))
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "credit charge");
	if (in->channel != SMB2_CHANNEL_NONE && req->conn->dialect >= SMB2_DIALECT_300)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "RDMA channel");
	return NT_STATUS_OK;
}

static struct ntstatus check_file(struct smb_req *req, const struct smb2_read_req *in)
{
	if (req->open->kind == OPEN_DIRECTORY)
		return NT_STATUS_INVALID_DEVICE_REQUEST;
	if (!(req->open->granted_access & (SMB2_FILE_READ_DATA | SMB2_FILE_EXECUTE)))
		return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
				      "not open for reading");
	if (in->offset > INT64_MAX || in->length > INT64_MAX - in->offset)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, req->open->path, "offset");
	return NT_STATUS_OK;
}

static void respond(struct smb_req *req, void *buf, size_t n, void (*free_fn)(void *arg))
{
	struct smb2_read_resp resp = { 0 };

	smb2_read_resp_encode_head(&req->out, 0, &resp, (uint32_t)n);
	if (n > 0)
		req_out_data(req, buf, n, free_fn, buf);
	else if (free_fn)
		free_fn(buf);
}

/* Bytes read, with byte-range locks respected. `ret` is a status when it fails. */
static int64_t read_locked(struct smb_req *req, struct file_open *fo, void *buf,
			   const struct smb2_read_req *in, struct ntstatus *ret)
{
	struct lk_open *lk = fo->hold.lk;
	int64_t n;
	int r = lk ? lockc_io_begin(req->worker->lock, lk, in->offset, in->length, false) : LK_GONE;

	if (r != LK_OK) {
		*ret = status_of_lock(req, r);
		return -1;
	}
	n = vfs_read(fo->file, buf, in->length, in->offset);
	lockc_io_end(req->worker->lock, lk);
	if (n < 0)
		*ret = req_fail(req, (int)n);
	return n;
}

static struct ntstatus read_file(struct smb_req *req, const struct smb2_read_req *in)
{
	struct file_open *fo = file_open_of(req);
	struct ntstatus s = check_file(req, in);
	bool small = in->length <= SMALL;
	int64_t n;
	void *buf;

	if (!ntstatus_is_ok(s))
		return s;
	if (in->length < in->minimum_count)
		return NT_STATUS_END_OF_FILE;
	if (in->length == 0) {
		respond(req, NULL, 0, NULL);
		return NT_STATUS_OK;
	}
	buf = small ? arena_alloc(req->arena, in->length) : iobuf_get(in->length);
	if (!buf)
		return req_fail(req, -ENOMEM);
	n = read_locked(req, fo, buf, in, &s);
	if (n > 0 && (uint64_t)n >= in->minimum_count) {
		fo->position = in->offset + (uint64_t)n;
		respond(req, buf, (size_t)n, small ? NULL : iobuf_put);
		return NT_STATUS_OK;
	}
	if (!small)
		iobuf_put(buf);
	return n < 0 ? s : NT_STATUS_END_OF_FILE;
}

static struct ntstatus read_pipe(struct smb_req *req, const struct smb2_read_req *in)
{
	void *buf = arena_alloc(req->arena, MAX(in->length, 1u));
	struct ntstatus s;
	size_t n;

	if (!buf)
		return req_fail(req, -ENOMEM);
	s = pipe_open_read(req, buf, in->length, &n);
	if (!ntstatus_is_error(s))
		respond(req, buf, n, NULL);
	return s;
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_read_req *in = req->args;
	struct ntstatus s = check(req, in);

	if (!ntstatus_is_ok(s))
		return s;
	return req->open->kind == OPEN_PIPE ? read_pipe(req, in) : read_file(req, in);
}

const struct smb_op op_read = { .decode = decode, .run = run };
