/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File system controls on files and directories (MS-FSCC 2.3, MS-FSA 2.1.5.10). Home worker's
 * thread, in the request's task. */
#include "smbd/wire/fsctl.h"

#include <sys/stat.h>

#include "smbd/op/event.h"
#include "smbd/op/fsctl.h"
#include "smbd/op/info.h"
#include "smbd/op/status.h"
#include "smbd/wire/snapshots.h"

#define ZEROES 65536
#define OBJECT_ID_LEN 64
#define RANGE_LEN 16 /* one element of QUERY_ALLOCATED_RANGES */
/* Rights that controls ask for which change the file. */
#define CHANGES (SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA | SMB2_FILE_WRITE_ATTRIBUTES)

struct control {
	struct smb_req *req;
	struct file_open *fo;
	const struct smb2_ioctl_req *in;
	struct wr *out;
};

/* MS-FSA 2.1.5.10.36. Every file can have holes here; clients want to see the attribute all the
 * same, and a file without it looks as if it had none. */
static struct ntstatus set_sparse(struct control *c)
{
	struct vfs_setattr s = { .set_sparse = true };
	int r;

	if (c->req->open->kind != OPEN_FILE || fsctl_set_sparse_decode(c->in->input, &s.sparse) < 0)
		return NT_STATUS_INVALID_PARAMETER;
	s.atime.tv_nsec = s.mtime.tv_nsec = s.btime.tv_nsec = UTIME_OMIT;
	r = req_may_serve(c->req);
	if (r == 0)
		r = vfs_setattr(c->fo->file, NULL, &s); /* the right was granted with the open */
	if (r == 0)
		event_file(c->fo, SMB2_NOTIFY_CHANGE_ATTRIBUTES);
	return r < 0 ? req_fail(c->req, r) : NT_STATUS_OK;
}

static bool is_sparse(const struct vfs_stat *st)
{
	return st->dos_attrs & SMB2_FILE_ATTRIBUTE_SPARSE_FILE;
}

static struct ntstatus put_range(struct control *c, uint64_t from, uint64_t to)
{
	if (c->out->len + RANGE_LEN > c->in->max_output_response)
		return c->out->len ? NT_STATUS_BUFFER_OVERFLOW : NT_STATUS_BUFFER_TOO_SMALL;
	fsctl_allocated_range_encode(c->out, (struct fsctl_range){ from, to - from });
	return NT_STATUS_OK;
}

static struct ntstatus allocated_ranges(struct control *c)
{
	struct ntstatus status = NT_STATUS_OK;
	struct vfs_range data;
	struct fsctl_range q;
	struct vfs_stat st;
	uint64_t end, off;
	int r;

	if (c->req->open->kind != OPEN_FILE ||
	    fsctl_allocated_ranges_req_decode(c->in->input, &q) < 0)
		return NT_STATUS_INVALID_PARAMETER;
	r = vfs_stat(c->fo->file, &st);
	if (r < 0)
		return req_fail(c->req, r);
	end = q.offset + q.length;
	if (!is_sparse(&st))
		return q.length && q.offset < st.size ? put_range(c, q.offset, MIN(end, st.size)) :
							NT_STATUS_OK;
	for (off = q.offset; ntstatus_is_ok(status) && off < end; off = data.to) {
		r = vfs_next_data(c->fo->file, off, &data);
		if (r <= 0)
			return r == 0 ? NT_STATUS_OK : req_fail(c->req, r);
		if (data.from >= end)
			break;
		status = put_range(c, data.from, MIN(data.to, end));
	}
	return status;
}

/* Zeroes by writing, where holes cannot be made. */
static int write_zeroes(struct file_open *fo, uint64_t off, uint64_t end)
{
	static const uint8_t zeroes[ZEROES];
	int64_t n = 0;

	while (n >= 0 && off < end) {
		n = vfs_write(fo->file, zeroes, (size_t)MIN(end - off, (uint64_t)ZEROES), off,
			      false);
		off += n > 0 ? (uint64_t)n : 0;
	}
	return n < 0 ? (int)n : 0;
}

static int zero_range(struct file_open *fo, const struct fsctl_range *q)
{
	struct vfs_stat st;
	uint64_t end;
	int r = vfs_stat(fo->file, &st);

	if (r < 0 || q->offset >= st.size)
		return r;
	end = MIN(q->offset + q->length, st.size);
	if (end == q->offset)
		return 0;
	r = vfs_zero(fo->file, q->offset, end - q->offset, is_sparse(&st));
	if (r == -EOPNOTSUPP)
		r = write_zeroes(fo, q->offset, end);
	if (r == 0 && fo->through)
		r = vfs_flush(fo->file);
	return r;
}

static struct ntstatus set_zero_data(struct control *c)
{
	struct lockc *lock = c->req->worker->lock;
	struct lk_open *lk = c->fo->hold.lk;
	struct fsctl_range q;
	int r;

	if (c->req->open->kind != OPEN_FILE || fsctl_set_zero_data_decode(c->in->input, &q) < 0)
		return NT_STATUS_INVALID_PARAMETER;
	r = lk ? lockc_io_begin(lock, lk, q.offset, q.length, true) : LK_GONE;
	if (r != LK_OK)
		return status_of_lock(c->req, r);
	r = req_may_serve(c->req);
	if (r == 0) {
		task_shield_begin();
		r = zero_range(c->fo, &q);
		event_written(c->fo, SMB2_NOTIFY_CHANGE_LAST_WRITE);
		info_keep_times(c->fo);
		task_shield_end();
	}
	lockc_io_end(lock, lk);
	return r < 0 ? req_fail(c->req, r) : NT_STATUS_OK;
}

/* An id that the file has anyway; FILE_OBJECTID_BUFFER, MS-FSCC 2.1.3.1. */
static struct ntstatus object_id(struct control *c)
{
	const struct vfs_key *k = &c->fo->file->key;

	if (c->in->max_output_response < OBJECT_ID_LEN)
		return NT_STATUS_INVALID_PARAMETER;
	wr_le64(c->out, k->ino);
	wr_le64(c->out, k->generation);
	wr_bytes(c->out, k->volume.b, sizeof(k->volume.b));
	wr_le64(c->out, k->ino);
	wr_le64(c->out, k->generation);
	wr_zero(c->out, 16);
	return NT_STATUS_OK;
}

static struct ntstatus get_compression(struct control *c)
{
	if (c->in->max_output_response < 2)
		return NT_STATUS_INVALID_PARAMETER;
	wr_le16(c->out, 0); /* COMPRESSION_FORMAT_NONE */
	return NT_STATUS_OK;
}

static struct ntstatus set_compression(struct control *c)
{
	struct rd r = rd_of(c->in->input);
	uint16_t format = rd_le16(&r);

	if (rd_end(&r) < 0)
		return NT_STATUS_INVALID_PARAMETER;
	return format == 0 ? NT_STATUS_OK : NT_STATUS_NOT_SUPPORTED;
}

/* MS-SMB2 3.3.5.15.1. Where there are no snapshots this is an empty array, as on a volume that has none yet. */
static struct ntstatus enumerate_snapshots(struct control *c)
{
	int64_t *times;
	size_t n;
	int r;

	if (c->in->max_output_response < SNAPSHOTS_MIN_LEN)
		return NT_STATUS_INVALID_PARAMETER;
	r = vfs_snapshots(c->fo->file, c->req->arena, &times, &n);
	if (r < 0)
		return req_fail(c->req, r);
	snapshots_encode(c->out, times, n, c->in->max_output_response);
	return NT_STATUS_OK;
}

static struct ntstatus get_reparse_point(struct control *c)
{
	return NT_STATUS_NOT_A_REPARSE_POINT;
}

static struct ntstatus is_pathname_valid(struct control *c)
{
	return NT_STATUS_OK;
}

static const struct {
	uint32_t code;
	uint32_t access; /* one of these the open must have; 0: none */
	struct ntstatus (*run)(struct control *c);
} controls[] = {
	{ FSCTL_SET_SPARSE,
	  SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA | SMB2_FILE_WRITE_ATTRIBUTES, set_sparse },
	{ FSCTL_QUERY_ALLOCATED_RANGES, SMB2_FILE_READ_DATA, allocated_ranges },
	{ FSCTL_SET_ZERO_DATA, SMB2_FILE_WRITE_DATA, set_zero_data },
	{ FSCTL_GET_COMPRESSION, 0, get_compression },
	{ FSCTL_CREATE_OR_GET_OBJECT_ID, 0, object_id },
	{ FSCTL_GET_OBJECT_ID, 0, object_id },
	{ FSCTL_SET_COMPRESSION, SMB2_FILE_WRITE_DATA, set_compression },
	{ FSCTL_GET_REPARSE_POINT, 0, get_reparse_point },
	{ FSCTL_SRV_ENUMERATE_SNAPSHOTS, 0, enumerate_snapshots },
	{ FSCTL_IS_PATHNAME_VALID, 0, is_pathname_valid },
};

struct ntstatus file_ioctl(struct smb_req *req, const struct smb2_ioctl_req *in,
			   struct blob *ret_out)
{
	struct wr w = wr_arena(req->arena, in->max_output_response);
	struct control c = { .req = req, .fo = file_open_of(req), .in = in, .out = &w };
	struct ntstatus s;
	size_t i = 0;

	while (i < ARRAY_SIZE(controls) && controls[i].code != in->ctl_code)
		i++;
	if (i == ARRAY_SIZE(controls))
		return NT_STATUS_INVALID_DEVICE_REQUEST;
	if (!c.fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	if (controls[i].access && !(controls[i].access & req->open->granted_access))
		return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
				      "not open for this control");
	if (c.fo->file->snapshot && (controls[i].access & CHANGES))
		return status_refused(req, NT_STATUS_MEDIA_WRITE_PROTECTED, req->open->path,
				      "in a snapshot");
	s = controls[i].run(&c);
	if (!ntstatus_is_error(s) && wr_end(&w) < 0)
		return NT_STATUS_BUFFER_TOO_SMALL;
	*ret_out = wr_blob(&w);
	return s;
}
