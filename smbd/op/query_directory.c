/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QUERY_DIRECTORY (MS-SMB2 3.3.5.18, MS-FSA 2.1.5.6.3). Home worker's thread, in the request's
 * task. */
#include "smbd/wire/query_directory.h"

#include "node/base/utf.h"
#include "smbd/op/dir_search.h"
#include "smbd/op/info.h"
#include "smbd/op/ops.h"
#include "smbd/op/status.h"
#include "smbd/wire/fscc_dir.h"
#include "smbd/wire/outbuf.h"

static int decode(struct smb_req *req)
{
	struct smb2_query_directory_req *args =
		arena_new(req->arena, struct smb2_query_directory_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_query_directory_req_decode(req->in, args);
}

static struct ntstatus check(struct smb_req *req, const struct smb2_query_directory_req *in)
{
	if (req->open->kind != OPEN_DIRECTORY)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, req->open->path,
				      "is no directory");
	if (in->output_buffer_length > req->conn->max_transact ||
	    (req->conn->multi_credit && in->output_buffer_length > req_paid_bytes(req)))
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL,
				      "output buffer length");
	if (!fscc_dir_class_valid(in->info_class))
		return NT_STATUS_INVALID_INFO_CLASS;
	if (in->output_buffer_length < fscc_dir_fixed_size(in->info_class))
		return NT_STATUS_INFO_LENGTH_MISMATCH;
	if (!(req->open->granted_access & SMB2_FILE_READ_DATA))
		return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
				      "not open for listing");
	return NT_STATUS_OK;
}

static struct ntstatus begin(struct smb_req *req, struct file_open *fo, struct blob text)
{
	struct dir_search *s;
	struct pattern *p;
	int r = pattern_new(text, &p);

	if (r == -EILSEQ || r == -EINVAL)
		return NT_STATUS_OBJECT_NAME_INVALID;
	if (r == 0)
		r = dir_search_new(fo, p, &s);
	if (r < 0)
		return req_fail(req, r);
	dir_search_free(fo->search);
	fo->search = s;
	return NT_STATUS_OK;
}

/* Where the listing goes on, or begins. A pattern counts when it begins, or begins anew. */
static struct ntstatus position(struct smb_req *req, struct file_open *fo,
				const struct smb2_query_directory_req *in)
{
	bool again = in->flags & (SMB2_RESTART_SCANS | SMB2_REOPEN);

	if (!fo->search || (in->flags & SMB2_REOPEN) || (again && in->pattern.len > 0))
		return begin(req, fo, in->pattern);
	if (again)
		dir_search_rewind(fo->search);
	return NT_STATUS_OK;
}

/* 1: does not fit. */
static int put(struct smb_req *req, struct fscc_dir_writer *dw, const struct dir_entry *e)
{
	struct fscc_network_open i = info_network_open(&e->st);
	struct fscc_dirent d = {
		.creation_time = i.creation_time,
		.last_access_time = i.last_access_time,
		.last_write_time = i.last_write_time,
		.change_time = i.change_time,
		.end_of_file = i.end_of_file,
		.allocation_size = i.allocation_size,
		.file_attributes = i.file_attributes,
		.file_id = e->st.ino,
	};
	struct wr id = wr_fixed(d.file_id_128, sizeof(d.file_id_128));
	int r = utf16_from_utf8(req->arena, e->name, &d.name);

	if (r < 0)
		return r;
	wr_le64(&id, e->st.ino);
	wr_le64(&id, 0);
	return fscc_dir_put(dw, &d);
}

/* Fills the buffer. */
static struct ntstatus list(struct smb_req *req, struct file_open *fo,
			    const struct smb2_query_directory_req *in)
{
	struct fscc_dir_writer dw;
	bool first = !dir_search_found(fo->search);
	unsigned int n = 0;
	struct dir_entry e;
	size_t mark = smb2_outbuf_begin(&req->out, 0);
	int r, full = 0;

	dw = fscc_dir_writer(&req->out, in->info_class, in->output_buffer_length);
	while ((r = dir_search_next(fo->search, fo, &e)) == 1) {
		full = put(req, &dw, &e);
		if (full == 1)
			dir_search_unget(fo->search);
		if (full != 0)
			break;
		n++;
		if (in->flags & SMB2_RETURN_SINGLE_ENTRY)
			break;
	}
	smb2_outbuf_finish(&req->out, mark);
	if (n > 0)
		return NT_STATUS_OK;
	req->out.len = SMB2_HDR_LEN; /* no body of our own */
	if (r < 0 || full < 0)
		return req_fail(req, r < 0 ? r : full);
	if (full == 1)
		return NT_STATUS_BUFFER_OVERFLOW;
	return first ? NT_STATUS_NO_SUCH_FILE : NT_STATUS_NO_MORE_FILES;
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_query_directory_req *in = req->args;
	struct file_open *fo = file_open_of(req);
	struct ntstatus s = check(req, in);
	int r;

	if (!ntstatus_is_ok(s))
		return s;
	if (!fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	r = task_mutex_lock(&fo->searching);
	if (r < 0)
		return req_cancelled(req);
	s = position(req, fo, in);
	if (ntstatus_is_ok(s))
		s = list(req, fo, in);
	task_mutex_unlock(&fo->searching);
	return s;
}

const struct smb_op op_query_directory = { .decode = decode, .run = run };
