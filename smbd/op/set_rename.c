/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FileRenameInformation and FileLinkInformation (MS-FSA 2.1.5.15.12, .6). The owner of the file is asked before the name
 * changes and keeps the new one for all its opens. Home worker's thread.
 */
#include "smbd/op/create_name.h"
#include "smbd/op/info.h"
#include "smbd/op/status.h"
#include "smbd/wire/fscc.h"

/* Where a new name goes. */
struct target {
	struct vfs_name have; /* what the name finds now */
	const char *path;     /* on disk, the last component as the client wrote it */
	bool same;            /* it finds the very file: only its case changes, or nothing */
	bool replace;
};

static struct blob skip_separator(struct blob name)
{
	bool lead = name.len >= 2 && name.data[0] == '\\' && name.data[1] == 0;

	return lead ? BLOB(name.data + 2, name.len - 2) : name;
}

static struct ntstatus target_find(struct smb_req *req, struct file_open *fo, const struct smb2_set_info_req *in,
				   struct target *ret)
{
	const char *wanted;
	struct fscc_rename rn;
	struct create_name name;
	struct ntstatus s;
	int r;

	if (fscc_rename_decode(in->buffer, in->info_class, &rn) < 0 || rn.root_directory != 0)
		return NT_STATUS_INVALID_PARAMETER;
	if (rn.flags & FSCC_RENAME_POSIX_SEMANTICS)
		return NT_STATUS_NOT_SUPPORTED;
	s = create_name_parse(req->arena, skip_separator(rn.name), &name);
	if (!ntstatus_is_ok(s))
		return s;
	if (name.stream || !*name.path)
		return NT_STATUS_NOT_SUPPORTED;
	r = vfs_lookup(fo->file->vfs, file_cred(fo), name.path, req->arena, &ret->have);
	if (r < 0)
		return status_of_path(req, r);
	wanted = strrchr(name.path, '/');
	wanted = wanted ? wanted + 1 : name.path;
	ret->path = *ret->have.parent ? arena_printf(req->arena, "%s/%s", ret->have.parent, wanted) : wanted;
	ret->same = ret->have.exists && ret->have.st.ino == fo->file->key.ino;
	ret->replace = rn.flags & FSCC_RENAME_REPLACE_IF_EXISTS;
	return ret->path ? NT_STATUS_OK : NT_STATUS_INSUFFICIENT_RESOURCES;
}

/* A file in the way goes only when the client says so, it is no directory, not write-protected, and nobody has it open. */
static struct ntstatus may_replace(struct smb_req *req, struct file_open *fo, const struct target *t)
{
	struct lk_file_info info;
	struct file_key key;
	struct vfs_file *f;
	int r;

	if (!t->have.exists || t->same)
		return NT_STATUS_OK;
	if (!t->replace)
		return NT_STATUS_OBJECT_NAME_COLLISION;
	if (t->have.st.type != VFS_FILE || t->have.st.dos_attrs & SMB2_FILE_ATTRIBUTE_READONLY)
		return NT_STATUS_ACCESS_DENIED;
	r = vfs_open(fo->file->vfs, file_cred(fo), t->have.path, VFS_PATH, 0, &f);
	if (r < 0)
		return r == -ENOENT ? NT_STATUS_OK : req_fail(req, r);
	key = (struct file_key){ .volume = f->key.volume, .inode = f->key.ino, .generation = f->key.generation };
	vfs_close(f);
	r = lockc_query(req->worker->lock, &key, &info);
	if (r)
		return status_of_lock(req, r);
	return info.opens ? NT_STATUS_ACCESS_DENIED : NT_STATUS_OK;
}

static int rename_on_disk(struct file_open *fo, const char *from, const struct target *t)
{
	struct vfs *v = fo->file->vfs;
	const struct cred *c = file_cred(fo);
	int r;

	if (!t->have.exists || t->same)
		return strcmp(from, t->path) == 0 ? 0 : vfs_rename(v, c, from, t->path, false);
	r = vfs_rename(v, c, from, t->have.path, true);
	/* the replaced file's name may differ in case from the new one */
	if (r == 0 && strcmp(t->have.path, t->path) != 0)
		r = vfs_rename(v, c, t->have.path, t->path, false);
	return r;
}

static struct ntstatus rename_status(struct smb_req *req, int r)
{
	switch (r) {
	case -EEXIST:
	case -ENOTEMPTY:
		return NT_STATUS_OBJECT_NAME_COLLISION;
	case -EINVAL: /* a directory into itself */
	case -EISDIR:
	case -ENOTDIR:
	case -EXDEV:
		return NT_STATUS_ACCESS_DENIED;
	default:
		return req_fail(req, r);
	}
}

struct ntstatus set_rename(struct smb_req *req, struct file_open *fo, const struct smb2_set_info_req *in)
{
	struct lockc *lock = req->worker->lock;
	const char *from;
	struct target t;
	struct ntstatus s;
	char *path;
	int r;

	s = target_find(req, fo, in, &t);
	if (ntstatus_is_ok(s))
		s = may_replace(req, fo, &t);
	if (!ntstatus_is_ok(s))
		return status_refused(req, s, fo->open->path, "rename");
	r = vfs_path_of(fo->file, req->arena, &from);
	if (r < 0)
		return r == -ENOENT ? NT_STATUS_DELETE_PENDING : req_fail(req, r);
	if (!*from)
		return NT_STATUS_ACCESS_DENIED;
	path = strdup(t.path);
	if (!path)
		return NT_STATUS_INSUFFICIENT_RESOURCES;
	r = lockc_rename(lock, fo->hold.lk, t.path);
	if (r == 0) {
		r = rename_on_disk(fo, from, &t);
		if (r == 0) {
			free(fo->open->path);
			fo->open->path = path;
			return NT_STATUS_OK;
		}
		(void)lockc_rename(lock, fo->hold.lk, from);
		s = rename_status(req, r);
	} else {
		s = status_of_lock(req, r);
	}
	free(path);
	return s;
}

struct ntstatus set_link(struct smb_req *req, struct file_open *fo, const struct smb2_set_info_req *in)
{
	struct vfs *v = fo->file->vfs;
	struct target t;
	struct ntstatus s;
	int r = 0;

	if (fo->file->type == VFS_DIR)
		return NT_STATUS_FILE_IS_A_DIRECTORY;
	s = target_find(req, fo, in, &t);
	if (ntstatus_is_ok(s))
		s = may_replace(req, fo, &t);
	if (!ntstatus_is_ok(s))
		return status_refused(req, s, fo->open->path, "link");
	if (t.same)
		return t.replace ? NT_STATUS_OK : NT_STATUS_OBJECT_NAME_COLLISION;
	if (t.have.exists)
		r = vfs_remove(v, file_cred(fo), t.have.path, false, NULL);
	if (r == 0)
		r = vfs_link(v, file_cred(fo), fo->file, t.path);
	return r < 0 ? rename_status(req, r) : NT_STATUS_OK;
}
