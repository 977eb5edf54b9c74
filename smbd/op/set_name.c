/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SET_INFO: renaming and hard links (MS-FSA 2.1.5.15.12, 2.1.5.15.6). Home worker's thread, in the
 * request's task. */
#include "node/base/utf.h"
#include "smbd/op/create_name.h"
#include "smbd/op/event.h"
#include "smbd/op/info.h"
#include "smbd/op/status.h"

struct move {
	struct smb_req *req;
	struct file_open *fo;
	struct fscc_rename in;
	struct vfs_stat st; /* of the file */
	const char *from;
	struct vfs_name where; /* what the new name stands for now */
	const char *to; /* new path, with the client's spelling of the last component */
	struct lk_holder target; /* the file that is replaced: nobody else opens it meanwhile */
};

static struct vfs *move_vfs(const struct move *m)
{
	return m->req->tree->share->vfs;
}

static struct ntstatus refuse(struct move *m, struct ntstatus s, const char *rule)
{
	return status_refused(m->req, s, m->req->open->path, rule);
}

/* What others keep of handles comes first, before a look at the names, as in Windows. It may take their clients' time; as
 * from Windows, no interim response says so, and what is before it in a compound is answered with it (smbtorture:
 * compound_async.rename_*). */
static struct ntstatus begin(struct move *m)
{
	if (!m->fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	if (req_pend(m->req, REQ_PEND_UNSAID) == -ECANCELED)
		return req_cancelled(m->req);
	return status_of_lock(m->req, lockc_rename_begin(m->req->worker->lock, m->fo->hold.lk));
}

/* The file itself: where it is, and whether it may get another name. */
static struct ntstatus check_source(struct move *m)
{
	struct arena *a = m->req->arena;
	int r = vfs_stat(m->fo->file, &m->st);

	if (r < 0)
		return req_fail(m->req, r);
	if (!m->fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	if (m->fo->hold.lk->rec.delete_pending)
		return refuse(m, NT_STATUS_ACCESS_DENIED, "is to be deleted");
	if (vfs_path_of(m->fo->file, a, &m->from) < 0)
		m->from = arena_strdup(a, m->fo->open->path);
	if (!m->from)
		return req_fail(m->req, -ENOMEM);
	return *m->from ? NT_STATUS_OK :
			  refuse(m, NT_STATUS_ACCESS_DENIED, "the root of the share");
}

static struct ntstatus parse(struct move *m, const struct smb2_set_info_req *in)
{
	struct create_name name;
	const char *last;
	struct ntstatus s;
	int r;

	if (fscc_rename_decode(in->buffer, in->info_class, &m->in) < 0 || m->in.root_directory != 0)
		return refuse(m, NT_STATUS_INVALID_PARAMETER, "rename information");
	if (m->in.name.len > 2 && m->in.name.data[0] == '\\' &&
	    m->in.name.data[1] == 0) /* with or without, from the root */
		m->in.name = BLOB(m->in.name.data + 2, m->in.name.len - 2);
	s = create_name_parse(m->req->arena, m->in.name, &name);
	if (!ntstatus_is_ok(s))
		return refuse(m, s, "new name");
	if (name.stream || name.data_stream)
		return refuse(m, NT_STATUS_NOT_SUPPORTED, "named stream");
	if (!*name.path)
		return refuse(m, NT_STATUS_OBJECT_NAME_INVALID, "new name");
	r = vfs_lookup(move_vfs(m), file_cred(m->fo), name.path, m->req->arena, &m->where);
	if (r < 0)
		return refuse(m, status_of_path(m->req, r), "new path");
	last = strrchr(name.path, '/');
	last = last ? last + 1 : name.path;
	m->to = *m->where.parent ? arena_printf(m->req->arena, "%s/%s", m->where.parent, last) :
				   last;
	return m->to ? NT_STATUS_OK : req_fail(m->req, -ENOMEM);
}

/* What to ask the owner of `path` for, to keep others away from it for a while; the caller adds access and share mode. As vfs_open(). */
static int want_of(struct move *m, const char *path, bool directory, struct rec_open *ret)
{
	struct vfs_file *f;
	int r = vfs_open(move_vfs(m), file_cred(m->fo), path, VFS_PATH | (directory ? (unsigned int)VFS_DIRECTORY : 0), 0, &f);

	if (r < 0)
		return r;
	*ret = (struct rec_open){ .key = file_key_of(f),
				  .directory = directory,
				  .client_guid = m->req->conn->client_guid,
				  .share_name = (char *)(uintptr_t)m->req->tree->share->conf->name,
				  .user = m->req->session->user.name,
				  .path = (char *)(uintptr_t)path,
				  .session_id = m->req->session->id };
	vfs_close(f);
	return 0;
}

/* Takes the file that would be replaced: who only keeps handles of it for later closes them, and nobody may have it open
 * (MS-FSA 2.1.5.15.12). */
static struct ntstatus hold_target(struct move *m)
{
	struct lk_file_info info;
	struct rec_open want;
	struct lk_open *lk;
	int r = want_of(m, m->where.path, false, &want);

	if (r < 0)
		return r == -ENOENT ? NT_STATUS_OK : req_fail(m->req, r);
	want.access = SMB2_DELETE;
	if (req_pend(m->req, REQ_PEND_DELAY) == -ECANCELED)
		return req_cancelled(m->req);
	r = lockc_open(m->req->worker->lock, &want, 0, &lk);
	if (r < 0 || r == LK_CANCELLED)
		return status_of_lock(m->req, r);
	if (r != LK_OK)
		return refuse(m, NT_STATUS_ACCESS_DENIED, "the file to be replaced is open");
	lk_hold(&m->target, lk);
	r = lockc_query(m->req->worker->lock, &want.key, &info);
	if (r != LK_OK)
		return status_of_lock(m->req, r);
	return info.opens > 1 ? refuse(m, NT_STATUS_ACCESS_DENIED, "the file to be replaced is open") : NT_STATUS_OK;
}

static void release(struct move *m, struct lk_holder *h)
{
	file_close_grant(m->req->worker, m->req->tree->share, file_cred(m->fo), NULL, h);
}

static bool same_file(const struct move *m)
{
	return m->where.exists && m->where.st.ino == m->st.ino;
}

/* The new name: free, or its file may be replaced. */
static struct ntstatus check_target(struct move *m)
{
	if (!m->where.exists)
		return NT_STATUS_OK;
	if (!(m->in.flags & FSCC_RENAME_REPLACE_IF_EXISTS))
		return refuse(m, NT_STATUS_OBJECT_NAME_COLLISION, "the new name exists");
	if (m->where.st.type == VFS_DIR || m->st.type == VFS_DIR)
		return refuse(m, NT_STATUS_ACCESS_DENIED, "directories are not replaced");
	if ((m->where.st.dos_attrs & SMB2_FILE_ATTRIBUTE_READONLY) &&
	    !(m->in.flags & FSCC_RENAME_IGNORE_READONLY_ATTRIBUTE))
		return refuse(m, NT_STATUS_ACCESS_DENIED,
			      "the file to be replaced is write-protected");
	return hold_target(m);
}

/* Renames on disk. What is replaced keeps the spelling of its name at first: rename(2) replaces
 * that name, and the client's spelling comes after it. */
static int rename_on_disk(struct move *m)
{
	const struct cred *c = file_cred(m->fo);
	bool replace = m->where.exists && !same_file(m);
	int r;

	if (!replace)
		return vfs_rename(move_vfs(m), c, m->from, m->to, false);
	r = vfs_rename(move_vfs(m), c, m->from, m->where.path, true);
	if (r == 0 && strcmp(m->where.path, m->to) != 0)
		(void)vfs_rename(move_vfs(m), c, m->where.path, m->to, false);
	return r;
}

/* What was replaced goes first. A renamed file counts as modified, too, once it is closed: that is
 * when Windows notes that it is to be archived. */
static void announce(struct move *m)
{
	struct event_at at = event_by(m->fo);
	bool directory = m->st.type == VFS_DIR;

	if (m->where.exists && !same_file(m))
		event_name(&at, m->where.path, directory, SMB2_ACTION_REMOVED);
	event_renamed(&at, m->from, m->to, directory);
	if (!directory)
		event_at_close(m->fo, SMB2_NOTIFY_CHANGE_ATTRIBUTES);
}

static void keep_path(struct move *m)
{
	char *path = strdup(m->to);

	if (!path)
		return; /* for listings only */
	free(m->fo->open->path);
	m->fo->open->path = path;
}

/* The directory that gets the name is open for writing meanwhile, without sharing its deletion: who
 * has it open for deletion, or does not share writing, is in the way (MS-FSA 2.1.5.15.12). */
static struct ntstatus hold_parent(struct move *m, struct lk_holder *h)
{
	struct rec_open want;
	struct lk_open *lk;
	int r = want_of(m, m->where.parent, true, &want);

	if (r < 0)
		return status_of_path(m->req, r);
	want.access = SMB2_FILE_WRITE_DATA;
	want.share = SMB2_FILE_SHARE_READ | SMB2_FILE_SHARE_WRITE;
	r = lockc_open(m->req->worker->lock, &want, 0, &lk);
	if (r != LK_OK)
		return refuse(m, status_of_lock(m->req, r), "the directory is in use");
	lk_hold(h, lk);
	return NT_STATUS_OK;
}

/* The part of `path` below `dir`, "" when it is `dir` itself; NULL: it is not below it. */
static const char *path_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && dir[n - 1] == '/')
		n--;
	if (strncmp(path, dir, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

struct below {
	const char *share, *path;
	struct below *next;
};

/* The names that lead to a directory: its own share's, and those of shares whose roots are above or below it. */
static int names_of(struct move *m, struct below **ret)
{
	struct smb_share *own = m->req->tree->share, *s;
	struct arena *a = m->req->arena;
	const char *whole = arena_printf(a, "%s/%s", own->conf->path, m->from);

	if (!whole)
		return -ENOMEM;
	list_foreach(s, &m->req->worker->shares, link) {
		const char *inside = s->ipc ? NULL : path_below(whole, s->conf->path);
		struct below *b;

		if (s == own)
			inside = m->from;
		else if (!s->ipc && !inside && path_below(s->conf->path, whole))
			inside = "";
		if (!inside)
			continue;
		b = arena_new(a, struct below);
		if (!b)
			return -ENOMEM;
		*b = (struct below){ arena_strdup(a, s->conf->name), arena_strdup(a, inside), *ret };
		if (!b->share || !b->path)
			return -ENOMEM;
		*ret = b;
	}
	return 0;
}

/* A directory keeps its name as long as anything below it is open (MS-FSA 2.1.5.14.11). */
static struct ntstatus check_below(struct move *m)
{
	struct below *b = NULL;
	int r = names_of(m, &b);

	for (; r == LK_OK && b; b = b->next)
		r = lockc_below(m->req->worker->lock, b->share, b->path);
	return r == LK_OK ? NT_STATUS_OK : refuse(m, status_of_lock(m->req, r), "something below it is open");
}

/* Tells the owner first: it may refuse, and others must not see the old name as long as they ask
 * it. */
static struct ntstatus move_held(struct move *m)
{
	struct lockc *lock = m->req->worker->lock;
	int r = m->fo->hold.lk ? lockc_rename(lock, m->fo->hold.lk, m->to) : LK_GONE;

	if (r != LK_OK)
		return status_of_lock(m->req, r);
	r = req_may_serve(m->req);
	task_shield_begin();
	if (r == 0)
		r = rename_on_disk(m);
	if (r < 0 && m->fo->hold.lk)
		(void)lockc_rename(lock, m->fo->hold.lk, m->from);
	if (r == 0 && m->fo->through)
		(void)vfs_flush(m->fo->file);
	task_shield_end();
	if (r == -EEXIST)
		return NT_STATUS_OBJECT_NAME_COLLISION;
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? NT_STATUS_OBJECT_PATH_NOT_FOUND :
						       req_fail(m->req, r);
	keep_path(m);
	return NT_STATUS_OK;
}

static struct ntstatus move_it(struct move *m)
{
	struct lk_holder parent = { 0 };
	struct ntstatus s = m->st.type == VFS_DIR ? check_below(m) : NT_STATUS_OK;

	if (!ntstatus_is_ok(s))
		return s;
	s = hold_parent(m, &parent);
	if (ntstatus_is_ok(s))
		s = move_held(m);
	release(m, &parent);
	if (ntstatus_is_ok(s))
		announce(m);
	return s;
}

struct ntstatus set_rename(struct smb_req *req, struct file_open *fo,
			   const struct smb2_set_info_req *in)
{
	struct move m = { .req = req, .fo = fo };
	struct ntstatus s = begin(&m);

	if (ntstatus_is_ok(s))
		s = check_source(&m);
	if (ntstatus_is_ok(s))
		s = parse(&m, in);
	if (!ntstatus_is_ok(s))
		return s;
	if (same_file(&m)) {
		if (strcmp(m.from, m.to) == 0)
			return NT_STATUS_OK;
		if (strcmp(m.where.path, m.from) == 0)
			return move_it(&m); /* another spelling of its own name */
		return refuse(&m, NT_STATUS_OBJECT_NAME_COLLISION, "another link of the same file");
	}
	s = check_target(&m);
	if (ntstatus_is_ok(s))
		s = move_it(&m);
	release(&m, &m.target);
	return s;
}

static struct ntstatus link_it(struct move *m)
{
	const struct cred *c = file_cred(m->fo);
	int r = req_may_serve(m->req);
	struct event_at at;

	task_shield_begin();
	if (r == 0 && m->where.exists)
		r = vfs_remove(move_vfs(m), c, m->where.path, false, NULL);
	if (r == 0)
		r = vfs_link(move_vfs(m), c, m->fo->file, m->to);
	if (r == 0 && m->fo->through)
		(void)vfs_flush(m->fo->file);
	task_shield_end();
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? NT_STATUS_OBJECT_PATH_NOT_FOUND :
						       req_fail(m->req, r);
	at = event_by(m->fo);
	if (m->where.exists)
		event_name(&at, m->where.path, false, SMB2_ACTION_REMOVED);
	event_name(&at, m->to, false, SMB2_ACTION_ADDED);
	return NT_STATUS_OK;
}

struct ntstatus set_link(struct smb_req *req, struct file_open *fo,
			 const struct smb2_set_info_req *in)
{
	struct move m = { .req = req, .fo = fo };
	struct ntstatus s;

	if (req->open->kind == OPEN_DIRECTORY)
		return refuse(&m, NT_STATUS_FILE_IS_A_DIRECTORY, "directories have no links");
	if (!(req->tree->max_access & SMB2_FILE_WRITE_DATA))
		return refuse(&m, NT_STATUS_ACCESS_DENIED, "the share is read-only");
	s = check_source(&m);
	if (ntstatus_is_ok(s))
		s = parse(&m, in);
	if (ntstatus_is_ok(s) && same_file(&m))
		return m.in.flags & FSCC_RENAME_REPLACE_IF_EXISTS ? NT_STATUS_OK :
								    NT_STATUS_OBJECT_NAME_COLLISION;
	if (ntstatus_is_ok(s))
		s = check_target(&m);
	if (ntstatus_is_ok(s))
		s = link_it(&m);
	release(&m, &m.target);
	return s;
}
