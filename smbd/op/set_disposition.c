/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FileDispositionInformation: the file goes with its last open (MS-FSA 2.1.5.15.3). Home worker's thread. */
#include "smbd/op/info.h"
#include "smbd/op/status.h"
#include "smbd/wire/fscc.h"

/* 1: nothing but "." and ".." in it. As the process: to be told that it is not empty needs no permission to list it. */
static int directory_empty(struct vfs_file *f)
{
	struct vfs_file *list;
	struct vfs_dirent e;
	struct vfs_dir *d;
	int r, empty = 1;

	r = vfs_reopen(f, NULL, VFS_READ | VFS_DIRECTORY, &list);
	if (r < 0)
		return r;
	r = vfs_dir_new(list, &d);
	if (r == 0) {
		while (empty == 1 && (r = vfs_dir_next(d, &e)) == 1)
			empty = strcmp(e.name, ".") == 0 || strcmp(e.name, "..") == 0;
		vfs_dir_free(d);
	}
	vfs_close(list);
	return r < 0 ? r : empty;
}

struct ntstatus delete_allowed(struct smb_req *req, struct vfs_file *f, bool ignore_readonly)
{
	struct vfs_stat st;
	const char *path;
	int r;

	r = vfs_path_of(f, req->arena, &path);
	if (r == -ENOENT)
		return NT_STATUS_OK; /* its name is gone already */
	if (r == 0 && !*path)
		return NT_STATUS_CANNOT_DELETE;
	if (r == 0)
		r = vfs_stat(f, &st);
	if (r < 0)
		return req_fail(req, r);
	if (st.dos_attrs & SMB2_FILE_ATTRIBUTE_READONLY && !ignore_readonly)
		return NT_STATUS_CANNOT_DELETE;
	r = f->type == VFS_DIR ? directory_empty(f) : 1;
	if (r == 0)
		return NT_STATUS_DIRECTORY_NOT_EMPTY;
	if (r > 0)
		r = vfs_may_delete(f->vfs, req->session->cred, path);
	return r < 0 ? req_fail(req, r) : NT_STATUS_OK;
}

struct ntstatus set_disposition(struct smb_req *req, struct file_open *fo, const struct smb2_set_info_req *in)
{
	bool on, ex = in->info_class == FSCC_FILE_DISPOSITION_EX;
	struct ntstatus s;
	uint32_t flags = 0;
	int r;

	r = ex ? fscc_u32_decode(in->buffer, &flags) : fscc_disposition_decode(in->buffer, &on);
	if (r < 0)
		return NT_STATUS_INVALID_PARAMETER;
	if (ex)
		on = flags & FSCC_DISPOSITION_DELETE;
	if (flags & FSCC_DISPOSITION_POSIX_SEMANTICS)
		return NT_STATUS_NOT_SUPPORTED; /* not announced by the file system's attributes */
	if (on) {
		s = delete_allowed(req, fo->file, flags & FSCC_DISPOSITION_IGNORE_READONLY_ATTRIBUTE);
		if (!ntstatus_is_ok(s))
			return status_refused(req, s, fo->open->path, "deletion");
	}
	r = lockc_set_delete(req->worker->lock, fo->hold.lk, on);
	return r ? status_of_lock(req, r) : NT_STATUS_OK;
}
