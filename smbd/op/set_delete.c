/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SET_INFO: deletion (MS-FSA 2.1.5.15.3). Home worker's thread, in the request's task. */
#include "smbd/op/event.h"
#include "smbd/op/info.h"
#include "smbd/op/status.h"

/* Whether the directory has entries. One that the user may not list counts as empty: rmdir(2) knows
 * better later. */
static int is_empty(struct file_open *fo, bool *ret)
{
	struct vfs_file *f;
	struct vfs_dirent e;
	struct vfs_dir *d;
	int r = vfs_reopen(fo->file, file_cred(fo), VFS_READ | VFS_DIRECTORY, &f);

	*ret = true;
	if (r < 0)
		return r == -EACCES ? 0 : r;
	r = vfs_dir_new(f, &d);
	if (r == 0) {
		while (*ret && (r = vfs_dir_next(d, &e)) == 1)
			*ret = strcmp(e.name, ".") == 0 || strcmp(e.name, "..") == 0;
		vfs_dir_free(d);
	}
	vfs_close(f);
	return r < 0 ? r : 0;
}

static struct ntstatus delete_allowed(struct smb_req *req, struct file_open *fo,
				      bool ignore_readonly)
{
	struct vfs_stat st;
	bool empty = true;
	int r = vfs_stat(fo->file, &st);

	if (r < 0)
		return req_fail(req, r);
	if (!*fo->open->path)
		return status_refused(req, NT_STATUS_CANNOT_DELETE, "", "the root of the share");
	if ((st.dos_attrs & SMB2_FILE_ATTRIBUTE_READONLY) && !ignore_readonly)
		return status_refused(req, NT_STATUS_CANNOT_DELETE, fo->open->path,
				      "write-protected");
	if (st.type == VFS_DIR)
		r = is_empty(fo, &empty);
	if (r < 0)
		return req_fail(req, r);
	return empty ? NT_STATUS_OK :
		       status_refused(req, NT_STATUS_DIRECTORY_NOT_EMPTY, fo->open->path,
				      "not empty");
}

static struct ntstatus decode(const struct smb2_set_info_req *in, bool *ret_on,
			      bool *ret_ignore_readonly)
{
	uint32_t flags;

	*ret_ignore_readonly = false;
	if (in->info_class == FSCC_FILE_DISPOSITION)
		return fscc_disposition_decode(in->buffer, ret_on) < 0 ?
			       NT_STATUS_INVALID_PARAMETER :
			       NT_STATUS_OK;
	if (fscc_u32_decode(in->buffer, &flags) < 0)
		return NT_STATUS_INVALID_PARAMETER;
	if (flags & (FSCC_DISPOSITION_POSIX_SEMANTICS | FSCC_DISPOSITION_ON_CLOSE))
		return NT_STATUS_NOT_SUPPORTED; /* clients fall back to the plain class */
	*ret_on = flags & FSCC_DISPOSITION_DELETE;
	*ret_ignore_readonly = flags & FSCC_DISPOSITION_IGNORE_READONLY_ATTRIBUTE;
	return NT_STATUS_OK;
}

struct ntstatus set_disposition(struct smb_req *req, struct file_open *fo,
				const struct smb2_set_info_req *in)
{
	bool on, ignore_readonly;
	struct ntstatus s = decode(in, &on, &ignore_readonly);
	struct file_key key;

	if (ntstatus_is_ok(s) && on)
		s = delete_allowed(req, fo, ignore_readonly);
	if (!ntstatus_is_ok(s))
		return s;
	if (!fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	key = fo->hold.lk->rec.key;
	if (req_pend(req, REQ_PEND_DELAY) == -ECANCELED)
		return req_cancelled(req);
	s = status_of_lock(req, lockc_set_delete(req->worker->lock, fo->hold.lk, on));
	if (ntstatus_is_ok(s))
		fo->hold.deletes = on;
	if (on && ntstatus_is_ok(s) && req->open->kind == OPEN_DIRECTORY)
		event_dir_deleted(req->worker, &key);
	return s;
}
