/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of an open file: what it holds, how it ends, and the deletion that its end may bring.
 * Home worker's thread. */
#include "smbd/op/file_open.h"

#include "node/log/log.h"
#include "smbd/lock/lease.h"
#include "smbd/op/caching.h"
#include "smbd/op/change_notify.h"
#include "smbd/op/dir_search.h"
#include "smbd/op/event.h"
#include "smbd/op/fsctl.h"

/* Options that FileModeInformation gives back (MS-FSCC 2.4.26). */
#define MODE_OPTIONS                                                            \
	(SMB2_FILE_WRITE_THROUGH | SMB2_FILE_SEQUENTIAL_ONLY |                  \
	 SMB2_FILE_NO_INTERMEDIATE_BUFFERING | SMB2_FILE_SYNCHRONOUS_IO_ALERT | \
	 SMB2_FILE_SYNCHRONOUS_IO_NONALERT | SMB2_FILE_DELETE_ON_CLOSE)

unsigned int file_open_flags(uint32_t access, bool directory)
{
	unsigned int flags = 0;

	if (access & (SMB2_FILE_READ_DATA | (directory ? 0 : (uint32_t)SMB2_FILE_EXECUTE)))
		flags |= VFS_READ;
	if (!directory && (access & (SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA)))
		flags |= VFS_WRITE;
	if (!flags)
		flags = VFS_PATH;
	return directory ? flags | (unsigned int)VFS_DIRECTORY : flags;
}

/* Whether the end leaves it to be reclaimed: LOGOFF and a lost connection do (3.3.5.6, 3.3.7.1), so
 * does an orderly stop. */
static bool survives(const struct lk_open *lk, enum open_end why)
{
	/* 3.3.7.1: a durable one only as long as its handle may be kept */
	if (!lk->rec.persistent && !(lk->rec.durable && lease_keeps_handle(&lk->rec.lease)))
		return false;
	return why == OPEN_END_DISCONNECT || why == OPEN_END_LOGOFF || why == OPEN_END_SHUTDOWN;
}

static void file_end(struct open *o, enum open_end why)
{
	struct file_open *fo = o->priv;
	struct lk_open *lk;
	int r;

	event_close(fo);
	lk = fo->hold.lk;
	if (lk && why == OPEN_END_GONE) {
		(void)lk_take(&fo->hold);
	} else if (lk && survives(lk, why)) {
		lk = lk_take(&fo->hold);
		lk->position = fo->position;
		r = lockc_disconnect(o->worker->lock, lk);
		if (r != LK_OK)
			log_info("open could not be kept: path=%s outcome=%d", log_esc(o->path), r);
	} else if (lk) {
		file_close_grant(o->worker, o->share, o->session->cred, fo->file, &fo->hold);
	}
	file_open_free(fo);
	o->priv = NULL;
}

static const struct open_ops file_ops = { .end = file_end,
					  .ioctl = file_ioctl,
					  .channel_lost = caching_channel_lost };

struct file_open *file_open_new(struct open *o)
{
	struct file_open *fo = calloc(1, sizeof(*fo));

	if (!fo)
		return NULL;
	fo->open = fo->hold.open = o;
	task_mutex_init(&fo->searching);
	task_mutex_init(&fo->telling);
	list_init(&fo->written);
	o->priv = fo;
	o->ops = &file_ops;
	return fo;
}

void file_open_free(struct file_open *fo)
{
	if (!fo)
		return;
	assert(list_empty(&fo->written));
	dir_search_free(fo->search);
	watch_free(fo->watch);
	vfs_close(fo->file);
	free(fo);
}

int file_open_hold(struct file_open *fo, struct lk_open *lk)
{
	const struct rec_open *rec = &lk->rec;
	struct open *o = fo->open;
	char *path = strdup(rec->path ? rec->path : "");

	if (!path)
		return -ENOMEM;
	free(o->path);
	o->path = path;
	o->kind = rec->directory ? OPEN_DIRECTORY : OPEN_FILE;
	o->id.persistent_id = rec->id;
	o->granted_access = rec->access;
	if (rec->options & FILE_OPEN_OPT_OVERWROTE)
		o->granted_access &= ~(uint32_t)SMB2_FILE_WRITE_DATA;
	o->durable = rec->durable;
	o->persistent = rec->persistent;
	o->create_guid = rec->create_guid;
	fo->through = rec->persistent || (rec->options & SMB2_FILE_WRITE_THROUGH);
	fo->mode = rec->options & MODE_OPTIONS;
	lk_hold(&fo->hold, lk);
	return 0;
}

struct file_open *file_open_of(struct smb_req *req)
{
	struct file_open *fo = req->open->kind == OPEN_PIPE ? NULL : req->open->priv;

	if (fo && fo->hold.lk && !fo->hold.lk->rec.consumed)
		lockc_consumed(req->worker->lock, fo->hold.lk);
	return fo;
}

/* Deletes the file of the last open, wherever it is now. As the user; and when that may not, as the
 * process: the right to delete was checked when the deletion was asked for, maybe by somebody else.
 */
static bool unlink_file(const struct event_at *at, const struct cred *c, struct vfs_file *file,
			struct arena *a, const char *path, bool directory,
			const struct vfs_key *key)
{
	struct vfs *vfs = at->share->vfs;
	int r;

	if (file && vfs_path_of(file, a, &path) < 0)
		log_debug("file to be deleted is looked for by its last name: path=%s",
			  log_esc(path));
	r = vfs_remove(vfs, c, path, directory, key);
	if (r == -EACCES || r == -EPERM)
		r = vfs_remove(vfs, NULL, path, directory, key);
	if (r < 0 && r != -ENOENT && r != -ESTALE)
		log_info("file not deleted: path=%s error=%s", log_esc(path), log_errno(r));
	if (r == 0)
		event_name(at, path, directory, SMB2_ACTION_REMOVED);
	return r == 0 || r == -ENOENT || r == -ESTALE;
}

void file_close_grant(struct worker *w, struct smb_share *share, const struct cred *c,
		      struct vfs_file *file, struct lk_holder *h)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct lk_holder mine = { 0 };
	const struct rec_open *rec;
	struct event_at at;
	struct vfs_key key;
	const char *path;
	bool done;

	arena_init(&a, 0);
	if (!h->lk)
		return;
	task_shield_begin();
	lk_hold(&mine, lk_take(h));
	if (mine.lk->rec.directory && mine.lk->rec.delete_on_close)
		event_dir_deleted(w, &mine.lk->rec.key);
	/* Who ends it for somebody else does not speak for his lease. It has none any more once it
	 * is closed. */
	at = event_at(w, share, h->deletes || mine.lk->rec.delete_on_close ? &mine.lk->rec : NULL);
	if (lockc_close(w->lock, mine.lk) == LK_UNLINK && mine.lk) {
		rec = &mine.lk->rec;
		key = vfs_key_of(&rec->key);
		path = arena_strdup(&a, rec->path ? rec->path : "");
		done = path && unlink_file(&at, c, file, &a, path, rec->directory, &key);
		if (mine.lk)
			(void)lockc_unlinked(w->lock, mine.lk, done);
	}
	task_shield_end();
}
