/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Named pipes: CREATE on IPC$, and what READ, WRITE and IOCTL do with them
 * (MS-SMB2 3.3.5.9, 3.3.5.15.10). Home worker's thread. */
#include "smbd/op/pipe_open.h"

#include "node/base/utf.h"
#include "smbd/op/create_priv.h"
#include "smbd/op/fsctl.h"
#include "smbd/pipe/pipe.h"
#include "smbd/wire/fsctl.h"

static void pipe_end(struct open *o, enum open_end why)
{
	pipe_free(o->priv);
	o->priv = NULL;
}

static const struct open_ops pipe_ops = { .end = pipe_end, .ioctl = pipe_ioctl };

static struct ntstatus pipe_make(struct smb_req *req, const char *name, struct open **ret)
{
	struct pipe *p;
	struct open *o;
	int r = pipe_new(req->worker, name, &p);

	if (r < 0)
		return r == -ENOENT ? status_refused(req, NT_STATUS_OBJECT_NAME_NOT_FOUND, name,
						     "no such pipe") :
				      req_fail(req, r);
	r = open_new(req, &o);
	if (r < 0) {
		pipe_free(p);
		return r == -EDQUOT ? NT_STATUS_INSUFFICIENT_RESOURCES : req_fail(req, r);
	}
	o->path = strdup(name);
	if (!o->path) {
		pipe_free(p);
		open_drop(o);
		return req_fail(req, -ENOMEM);
	}
	o->kind = OPEN_PIPE;
	o->ops = &pipe_ops;
	o->priv = p;
	o->id.persistent_id = o->id.volatile_id;
	*ret = o;
	return NT_STATUS_OK;
}

struct ntstatus create_pipe(struct smb_req *req, const struct smb2_create_req *in)
{
	struct smb2_create_resp resp = { .action = SMB2_FILE_OPENED,
					 .file_attributes = SMB2_FILE_ATTRIBUTE_NORMAL,
					 .allocation_size = 4096 };
	uint32_t access = access_map_generic(in->desired_access);
	struct open *o = NULL;
	struct ntstatus s;
	char *name;

	if (in->impersonation_level > SMB2_IMPERSONATION_DELEGATE)
		return NT_STATUS_BAD_IMPERSONATION_LEVEL;
	if (utf8_from_utf16(req->arena, in->name, &name) < 0)
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	if (in->disposition != SMB2_FILE_OPEN && in->disposition != SMB2_FILE_OPEN_IF)
		return status_refused(req, NT_STATUS_ACCESS_DENIED, name, "pipes are opened only");
	if (*name == '\\')
		name++;
	s = pipe_make(req, name, &o);
	if (!ntstatus_is_ok(s))
		return s;
	o->granted_access = access & SMB2_MAXIMUM_ALLOWED ? req->tree->max_access :
							    access & req->tree->max_access;
	o->share_access = in->share_access;
	o->create_options = in->options;
	resp.file_id = o->id;
	open_publish(o);
	smb2_create_resp_encode(&req->out, 0, &resp);
	req_set_open(req, o);
	return NT_STATUS_OK;
}

struct ntstatus pipe_open_write(struct smb_req *req, struct blob data)
{
	if (!(req->open->granted_access & (SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA)))
		return NT_STATUS_ACCESS_DENIED;
	return pipe_write(req->open->priv, data) < 0 ? NT_STATUS_PIPE_DISCONNECTED : NT_STATUS_OK;
}

struct ntstatus pipe_open_read(struct smb_req *req, void *buf, size_t n, size_t *ret_n)
{
	bool more = false;
	int64_t got;

	if (!(req->open->granted_access & SMB2_FILE_READ_DATA))
		return NT_STATUS_ACCESS_DENIED;
	got = pipe_read(req->open->priv, buf, n, &more);
	/* every answer is there when the request's WRITE has ended: there is nothing to wait for */
	if (got < 0)
		return got == -EAGAIN ? NT_STATUS_PIPE_EMPTY : NT_STATUS_PIPE_DISCONNECTED;
	*ret_n = (size_t)got;
	return more ? NT_STATUS_BUFFER_OVERFLOW : NT_STATUS_OK;
}

static struct ntstatus transceive(struct smb_req *req, const struct smb2_ioctl_req *in,
				  struct blob *ret_out)
{
	uint8_t *buf = arena_alloc(req->arena, in->max_output_response);
	struct ntstatus s;
	size_t n;

	if (!buf)
		return req_fail(req, -ENOMEM);
	if (pipe_readable(req->open->priv)) /* MS-FSA, named pipes: an answer is still to be read */
		return NT_STATUS_PIPE_BUSY;
	s = pipe_open_write(req, in->input);
	if (!ntstatus_is_ok(s))
		return s;
	s = pipe_open_read(req, buf, in->max_output_response, &n);
	if (!ntstatus_is_error(s))
		*ret_out = BLOB(buf, n);
	return s;
}

/* FSCTL_PIPE_PEEK, MS-FSCC 2.3.45 */
static struct ntstatus peek(struct smb_req *req, const struct smb2_ioctl_req *in,
			    struct blob *ret_out)
{
	struct wr w = wr_arena(req->arena, 64);

	if (in->max_output_response < 16)
		return NT_STATUS_INVALID_PARAMETER;
	wr_le32(&w, 3); /* FILE_PIPE_CONNECTED_STATE */
	wr_le32(&w, 0);
	wr_le32(&w, pipe_readable(req->open->priv) ? 1 : 0);
	wr_le32(&w, 0);
	*ret_out = wr_blob(&w);
	return NT_STATUS_OK;
}

struct ntstatus pipe_wait(struct smb_req *req, const struct smb2_ioctl_req *in, struct wr *out)
{
	struct fsctl_pipe_wait v;
	struct pipe *p;
	char *name;
	int r;

	if (fsctl_pipe_wait_decode(in->input, &v) < 0)
		return NT_STATUS_INVALID_PARAMETER;
	if (!req->tree->share->ipc || utf8_from_utf16(req->arena, v.name, &name) < 0)
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	r = pipe_new(req->worker, name, &p);
	if (r < 0)
		return r == -ENOENT ? NT_STATUS_OBJECT_NAME_NOT_FOUND : req_fail(req, r);
	pipe_free(p); /* there is always an instance to be had */
	return NT_STATUS_OK;
}

struct ntstatus pipe_ioctl(struct smb_req *req, const struct smb2_ioctl_req *in,
			   struct blob *ret_out)
{
	switch (in->ctl_code) {
	case FSCTL_PIPE_TRANSCEIVE:
		return transceive(req, in, ret_out);
	case FSCTL_PIPE_PEEK:
		return peek(req, in, ret_out);
	default:
		return NT_STATUS_INVALID_DEVICE_REQUEST;
	}
}
