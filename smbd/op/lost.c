/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the owner of file state asks of a worker on its own account: to forget opens, to delete
 * files of opens that nobody holds. */
#include "node/log/log.h"
#include "smbd/op/event.h"

void file_open_gone(void *arg, struct lk_open *lk, enum lk_gone why)
{
	struct lk_holder *h = lk->user;

	if (!h)
		return;
	log_debug("open closed by its owner: path=%s why=%d", log_esc(lk->rec.path), why);
	lk->user = NULL;
	h->lk = NULL;
	if (h->open && h->open->published)
		open_gone(h->open);
}

/* The file's present name when it can be found, else the recorded one. */
static const char *present_path(struct smb_share *share, const struct rec_open *rec,
				struct arena *a)
{
	struct vfs_handle h = { .len = rec->handle_len };
	const char *path = rec->path ? rec->path : "";
	struct vfs_file *f;

	if (h.len == 0 || h.len > sizeof(h.data))
		return path;
	memcpy(h.data, rec->handle, h.len);
	if (vfs_open_handle(share->vfs, &h, path,
			    VFS_PATH | (rec->directory ? (unsigned int)VFS_DIRECTORY : 0), &f) < 0)
		return path;
	(void)vfs_path_of(f, a, &path);
	vfs_close(f);
	return path;
}

int file_unlink_record(void *arg, const struct rec_open *rec)
{
	struct vfs_key key = vfs_key_of(&rec->key);
	_cleanup_arena_ struct arena a = { 0 };
	struct worker *w = arg;
	struct smb_share *share;
	struct event_at at;
	const char *path;
	int r;

	arena_init(&a, 0);
	if (!w->config)
		return -EAGAIN;
	share = rec->share_name ? share_find(w, rec->share_name) : NULL;
	if (!share) {
		log_warn("file of a deleted share stays: share=%s path=%s",
			 log_esc(rec->share_name), log_esc(rec->path));
		return 0;
	}
	at = event_at(w, share, rec);
	share_ref(share);
	task_shield_begin();
	r = share_open_root(share);
	if (r == 0) {
		path = present_path(share, rec, &a);
		r = vfs_remove(share->vfs, NULL, path, rec->directory, &key);
		if (r == 0)
			event_name(&at, path, rec->directory, SMB2_ACTION_REMOVED);
		if (r == -ENOENT || r == -ESTALE || r == -ENOTEMPTY || r == -EEXIST) {
			log_info("file not deleted any more: path=%s error=%s", log_esc(path),
				 log_errno(r));
			r = 0;
		}
	}
	task_shield_end();
	share_unref(share);
	return r;
}
