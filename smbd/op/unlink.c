/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deletion by record: by path while it still names the file, else by the stored handle. On the owner's worker. */
#include "smbd/op/unlink.h"

#include "node/log/log.h"
#include "smbd/proto/worker.h"

/* The file was renamed by other means: asks the kernel where it is now. */
static int unlink_by_handle(struct vfs *v, const struct rec_open *rec, const struct vfs_key *key)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct vfs_handle h = { .len = rec->handle_len };
	struct vfs_file *f = NULL;
	const char *path;
	int r;

	if (rec->handle_len == 0 || rec->handle_len > sizeof(h.data))
		return 0;
	memcpy(h.data, rec->handle, rec->handle_len);
	r = vfs_open_handle(v, &h, VFS_PATH, &f);
	if (r == 0)
		r = vfs_path_of(f, &a, &path);
	if (r == 0)
		r = vfs_remove(v, NULL, path, rec->directory, key);
	vfs_close(f);
	return r;
}

int op_unlink(void *arg, const struct rec_open *rec)
{
	struct smb_share *s = share_find(arg, rec->share_name ? rec->share_name : "");
	const struct vfs_key key = { .volume = rec->key.volume, .ino = rec->key.inode,
				     .generation = rec->key.generation };
	int r;

	if (!s || s->ipc) {
		log_warn("file stays although its deletion was asked for, its share is gone: share=%s path=%s",
			 log_esc(rec->share_name), log_esc(rec->path));
		return 0;
	}
	share_ref(s);
	r = share_open_root(s);
	if (r == 0) {
		r = vfs_remove(s->vfs, NULL, rec->path ? rec->path : "", rec->directory, &key);
		if (r == -ENOENT || r == -ESTALE)
			r = unlink_by_handle(s->vfs, rec, &key);
	}
	share_unref(s);
	if (r == -ENOENT || r == -ESTALE)
		return 0; /* gone already */
	if (r == -ENOTEMPTY || r == -EEXIST) {
		log_info("directory stays although its deletion was asked for, it is not empty: path=%s",
			 log_esc(rec->path));
		return 0;
	}
	return r;
}
