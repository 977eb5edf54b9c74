/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WRITE (MS-SMB2 3.3.5.13, MS-FSA 2.1.5.4). Home worker's thread. */
#include "smbd/op/event.h"
#include "smbd/op/info.h"
#include "smbd/op/ops.h"
#include "smbd/op/pipe_open.h"
#include "smbd/op/status.h"
#include "smbd/wire/readwrite.h"

#define OFFSET_APPEND UINT64_MAX

static int decode(struct smb_req *req)
{
	struct smb2_write_req *args = arena_new(req->arena, struct smb2_write_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_write_req_decode(req->in, args);
}

static struct ntstatus check(struct smb_req *req, const struct smb2_write_req *in)
{
	if (in->channel != SMB2_CHANNEL_NONE && req->conn->dialect >= SMB2_DIALECT_300)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "RDMA channel");
	if (in->data.len > req->conn->max_write)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "longer than agreed");
	if (req->conn->multi_credit && in->data.len > req_paid_bytes(req))
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "credit charge");
	return NT_STATUS_OK;
}

static struct ntstatus check_file(struct smb_req *req, const struct file_open *fo,
				  const struct smb2_write_req *in)
{
	if (req->open->kind == OPEN_DIRECTORY)
		return NT_STATUS_INVALID_DEVICE_REQUEST;
	if (!(req->open->granted_access & (SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA)))
		return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
				      "not open for writing");
	if (fo->file->snapshot)
		return status_refused(req, NT_STATUS_MEDIA_WRITE_PROTECTED, req->open->path,
				      "in a snapshot");
	if (in->offset == OFFSET_APPEND && !(req->open->granted_access & SMB2_FILE_WRITE_DATA))
		return NT_STATUS_OK;
	if (in->offset > INT64_MAX || in->data.len > INT64_MAX - in->offset)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, req->open->path, "offset");
	return NT_STATUS_OK;
}

/* Where the bytes go: who may only append may ask for the end, wherever that is (MS-FSA 2.1.5.4). Else he writes where he
 * says, as with Windows (smbtorture: rw.append). */
static int find_offset(struct smb_req *req, struct file_open *fo, uint64_t *off)
{
	struct vfs_stat st;
	int r;

	if (*off != OFFSET_APPEND)
		return 0;
	r = vfs_stat(fo->file, &st);
	if (r == 0)
		*off = st.size;
	return r;
}

static struct ntstatus write_locked(struct smb_req *req, struct file_open *fo,
				    const struct smb2_write_req *in)
{
	bool through = fo->through || (in->flags & SMB2_WRITEFLAG_WRITE_THROUGH);
	struct lockc *lock = req->worker->lock;
	struct lk_open *lk = fo->hold.lk;
	uint64_t off = in->offset;
	int64_t n = find_offset(req, fo, &off);
	int r;

	if (n < 0)
		return req_fail(req, (int)n);
	r = lk ? lockc_io_begin(lock, lk, off, in->data.len, true) : LK_GONE;
	if (r != LK_OK)
		return status_of_lock(req, r);
	n = req_may_serve(req); /* the last moment: another node may own the file after it */
	if (n == 0) {
		task_shield_begin();
		n = vfs_write(fo->file, in->data.data, in->data.len, off, through);
		info_keep_times(fo);
		task_shield_end();
	}
	lockc_io_end(lock, lk);
	if (n > 0)
		event_written(fo, SMB2_NOTIFY_CHANGE_SIZE | SMB2_NOTIFY_CHANGE_LAST_WRITE);
	return n < 0 ? req_fail(req, (int)n) : NT_STATUS_OK;
}

static struct ntstatus write_file(struct smb_req *req, const struct smb2_write_req *in)
{
	struct file_open *fo = file_open_of(req);
	struct ntstatus s = check_file(req, fo, in);

	if (ntstatus_is_ok(s) && in->data.len > 0)
		s = write_locked(req, fo, in);
	return s;
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_write_req *in = req->args;
	struct smb2_write_resp resp = { .count = (uint32_t)in->data.len };
	struct ntstatus s = check(req, in);

	if (!ntstatus_is_ok(s))
		return s;
	s = req->open->kind == OPEN_PIPE ? pipe_open_write(req, in->data) : write_file(req, in);
	if (ntstatus_is_ok(s))
		smb2_write_resp_encode(&req->out, 0, &resp);
	return s;
}

const struct smb_op op_write = { .decode = decode, .run = run };
