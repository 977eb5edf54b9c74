/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes, told to the owners of the directories above them. Each function on the worker's thread. */
#include "smbd/op/event.h"

#include "node/base/clock.h"
#include "node/base/utf.h"
#include "node/log/log.h"

/* How long writes of one open are gathered. */
#define WRITTEN_DELAY (50 * NSEC_PER_MSEC)

struct event_at event_at(struct worker *w, struct smb_share *share, const struct rec_open *by)
{
	struct event_at at = { .worker = w, .share = share };

	if (!by || !by->lease.present || !by->lease.has_parent)
		return at;
	at.by = (struct ntf_by){ .known = true, .key = by->lease.parent_key };
	return at;
}

struct event_at event_by(const struct file_open *fo)
{
	return event_at(fo->open->worker, fo->open->share, fo->hold.lk ? &fo->hold.lk->rec : NULL);
}

static uint32_t name_filter(bool directory)
{
	return directory ? SMB2_NOTIFY_CHANGE_DIR_NAME : SMB2_NOTIFY_CHANGE_FILE_NAME;
}

static int dir_key(struct smb_share *share, struct arena *a, const char *path, size_t n,
		   struct file_key *ret)
{
	char *dir = arena_memdup(a, path, n + 1);
	struct vfs_file *f;
	int r;

	if (!dir)
		return -ENOMEM;
	dir[n] = '\0';
	r = vfs_open(share->vfs, NULL, dir, VFS_PATH | VFS_DIRECTORY, 0, &f);
	if (r < 0)
		return r;
	*ret = file_key_of(f);
	vfs_close(f);
	return 0;
}

/* Changes of entries of one directory: to its owner, and to those of the directories above it as
 * long as trees are watched. `paths` are below the share. */
static void tell(const struct event_at *at, uint32_t filter, const struct ntf_change *paths,
		 unsigned int n)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct ntf_event e = {
		.filter = filter, .n_changes = n, .by = at->by, .audience = at->audience
	};
	struct ntf *ntf = at->worker->notify;
	const char *path = paths[0].name;
	size_t cut = strlen(path);
	int r = 0;

	if (cut == 0)
		return; /* the root of the share is nobody's entry */
	arena_init(&a, 0);
	do {
		cut = utf8_dir_len(path, cut);
		r = dir_key(at->share, &a, path, cut, &e.dir);
		if (r < 0)
			break;
		for (unsigned int i = 0; i < n; i++)
			e.changes[i] = (struct ntf_change){
				.action = paths[i].action,
				.name = paths[i].name + (cut ? cut + 1 : 0),
			};
		ntf_raise(ntf, &e);
		e.deep = true;
	} while (cut > 0 && at->audience != NTF_LEASES && ntf_wanted_tree(ntf));
	if (r == 0)
		return;
	log_debug("change cannot be told: path=%s error=%s", log_esc(path), log_errno(r));
	ntf_raise_unknown(ntf);
}

static void tell_one(const struct event_at *at, const char *path, uint32_t action, uint32_t filter)
{
	struct ntf_change c = { .action = action, .name = path };

	if (!ntf_wanted(at->worker->notify))
		return;
	task_shield_begin();
	tell(at, filter, &c, 1);
	task_shield_end();
}

void event_name(const struct event_at *at, const char *path, bool directory, uint32_t action)
{
	tell_one(at, path, action, name_filter(directory));
}

void event_modified(const struct event_at *at, const char *path, uint32_t filter)
{
	tell_one(at, path, SMB2_ACTION_MODIFIED, filter);
}

static bool same_parent(const char *a, const char *b)
{
	size_t n = utf8_dir_len(a, strlen(a));

	return n == utf8_dir_len(b, strlen(b)) && memcmp(a, b, n) == 0;
}

void event_renamed(const struct event_at *at, const char *from, const char *to, bool directory)
{
	struct ntf_change pair[] = {
		{ .action = SMB2_ACTION_RENAMED_OLD_NAME, .name = from },
		{ .action = SMB2_ACTION_RENAMED_NEW_NAME, .name = to },
	};

	if (!ntf_wanted(at->worker->notify))
		return;
	if (!same_parent(from, to)) {
		event_name(at, from, directory, SMB2_ACTION_REMOVED);
		event_name(at, to, directory, SMB2_ACTION_ADDED);
		return;
	}
	task_shield_begin();
	tell(at, name_filter(directory), pair, 2);
	task_shield_end();
}

static void tell_file(struct file_open *fo, uint32_t filter, enum ntf_audience audience)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct open *o = fo->open;
	struct event_at at;
	const char *path;

	if (!filter || !ntf_wanted(o->worker->notify))
		return;
	at = event_by(fo);
	at.audience = audience;
	arena_init(&a, 0);
	task_shield_begin();
	if (vfs_path_of(fo->file, &a, &path) < 0)
		path = arena_strdup(&a, o->path);
	if (path)
		event_modified(&at, path, filter);
	else
		ntf_raise_unknown(o->worker->notify);
	task_shield_end();
}

void event_file(struct file_open *fo, uint32_t filter)
{
	tell_file(fo, filter, NTF_ALL);
}

void event_listed(struct file_open *fo)
{
	tell_file(fo, SMB2_NOTIFY_CHANGE_LAST_WRITE, NTF_LEASES);
}

void event_dir_deleted(struct worker *w, const struct file_key *key)
{
	struct ntf_event e = { .dir = *key, .gone = true };

	if (ntf_wanted(w->notify))
		ntf_raise(w->notify, &e);
}

/* --- what is told later --- */

/* The open must not go away meanwhile: event_close() waits for `telling`. */
static void tell_written(struct file_open *fo, enum ntf_audience audience)
{
	uint32_t filter = fo->written_filter;

	fo->written_filter = 0;
	list_remove(&fo->written);
	task_shield_begin();
	(void)task_mutex_lock(&fo->telling);
	tell_file(fo, filter, audience);
	task_mutex_unlock(&fo->telling);
	task_shield_end();
}

static void written_task(void *arg)
{
	struct worker *w = arg;

	do {
		struct list due;
		struct file_open *fo;

		(void)task_sleep(WRITTEN_DELAY);
		list_init(&due);
		list_splice(&due, &w->written);
		while ((fo = list_first(&due, struct file_open, written)))
			tell_written(fo, NTF_WATCHES);
	} while (!list_empty(&w->written));
	w->telling_written = false;
}

void event_written(struct file_open *fo, uint32_t filter)
{
	struct worker *w = fo->open->worker;

	if (!ntf_wanted(w->notify))
		return;
	fo->written_filter |= filter;
	fo->modified = true;
	if (!list_empty(&fo->written))
		return;
	list_append(&w->written, &fo->written);
	if (!w->telling_written)
		w->telling_written = task_spawn(w->loop, written_task, w, NULL) == 0;
}

void event_at_close(struct file_open *fo, uint32_t filter)
{
	if (ntf_wanted(fo->open->worker->notify))
		fo->close_filter |= filter;
}

void event_close(struct file_open *fo)
{
	enum ntf_audience audience = fo->modified ? NTF_ALL : NTF_WATCHES;

	fo->written_filter |= fo->close_filter;
	fo->close_filter = 0;
	if (fo->modified && !fo->written_filter) {
		fo->written_filter = SMB2_NOTIFY_CHANGE_SIZE | SMB2_NOTIFY_CHANGE_LAST_WRITE;
		audience = NTF_LEASES;
	}
	fo->modified = false;
	if (fo->file)
		tell_written(fo, audience);
}

void event_stop(struct worker *w)
{
	while (w->telling_written)
		(void)task_sleep(WRITTEN_DELAY);
}
