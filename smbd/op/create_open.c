/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a name to a descriptor (MS-FSA 2.1.5.1.1, 2.1.5.1.2): resolved as the user, opened with what
 * may be granted, made when the disposition says so. Nothing of an existing file is changed here.
 * Home worker's thread, in the request's task.
 */
#include "smbd/op/create_priv.h"

/* How often a name may change between looking and opening before we give up. */
#define TRIES 16

#define STATUS_AGAIN ((struct ntstatus){ UINT32_MAX }) /* never leaves this file */

static struct vfs *create_vfs(const struct create *c)
{
	return c->req->tree->share->vfs;
}
static const struct cred *create_cred(const struct create *c)
{
	return c->req->session->cred;
}

static struct ntstatus refuse(struct create *c, struct ntstatus s, const char *rule)
{
	return status_refused(c->req, s, c->name.path, rule);
}

/* --- an existing file --- */

static struct ntstatus check_type(struct create *c)
{
	const struct vfs_stat *st = &c->where.st;
	uint32_t d = c->in.disposition;

	if (st->type != VFS_FILE && st->type != VFS_DIR)
		return refuse(c, NT_STATUS_ACCESS_DENIED, "neither file nor directory");
	if (st->type == VFS_DIR) {
		if ((c->in.options & SMB2_FILE_NON_DIRECTORY_FILE) || c->name.data_stream)
			return refuse(c, NT_STATUS_FILE_IS_A_DIRECTORY, "is a directory");
		if (d == SMB2_FILE_SUPERSEDE || d == SMB2_FILE_OVERWRITE ||
		    d == SMB2_FILE_OVERWRITE_IF)
			return refuse(c, NT_STATUS_INVALID_PARAMETER,
				      "a directory cannot be overwritten");
	} else if (c->in.options & SMB2_FILE_DIRECTORY_FILE) {
		return refuse(c,
			      d == SMB2_FILE_CREATE ? NT_STATUS_OBJECT_NAME_COLLISION :
						      NT_STATUS_NOT_A_DIRECTORY,
			      "is no directory");
	}
	return NT_STATUS_OK;
}

/* Nothing in a snapshot is made, emptied or deleted. Opening for writing is allowed, as Windows does (smbtorture:
 * twrp.write): programs ask for more than they use. */
static struct ntstatus check_past(struct create *c)
{
	if (!c->past || (!c->overwrite && !(c->in.options & SMB2_FILE_DELETE_ON_CLOSE)))
		return NT_STATUS_OK;
	return refuse(c, NT_STATUS_MEDIA_WRITE_PROTECTED, "in a snapshot");
}

/* What nobody is granted on a read-only file, though he may have the right to it: MxAc says what he has (MS-FSA 2.1.5.1.2.1;
 * smbtorture: maximum_allowed.read_only_file). */
#define READONLY_DENIES (SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA | SMB2_FILE_DELETE_CHILD)

static uint32_t denied_by_attributes(const struct create *c)
{
	const struct vfs_stat *st = &c->where.st;

	return st->type != VFS_DIR && (st->dos_attrs & SMB2_FILE_ATTRIBUTE_READONLY) ? READONLY_DENIES : 0;
}

/* What the attributes of the file forbid (MS-FSA 2.1.5.1.2). */
static struct ntstatus check_attributes(struct create *c)
{
	const struct vfs_stat *st = &c->where.st;
	uint32_t keep = st->dos_attrs & (SMB2_FILE_ATTRIBUTE_HIDDEN | SMB2_FILE_ATTRIBUTE_SYSTEM);
	bool readonly = st->dos_attrs & SMB2_FILE_ATTRIBUTE_READONLY;

	if ((c->in.options & SMB2_FILE_DELETE_ON_CLOSE) && (readonly || !*c->where.path))
		return refuse(c, NT_STATUS_CANNOT_DELETE, "write-protected, or the root");
	if (st->type == VFS_DIR)
		return NT_STATUS_OK;
	if (readonly && (c->overwrite || (c->in.desired_access & READONLY_DENIES)))
		return refuse(c, NT_STATUS_ACCESS_DENIED, "write-protected");
	if (c->overwrite && (keep & ~c->in.file_attributes))
		return refuse(c, NT_STATUS_ACCESS_DENIED, "overwrites a hidden or system file");
	return NT_STATUS_OK;
}

static int find_maximal(struct create *c)
{
	struct access_facts f = { .directory = c->file->type == VFS_DIR };
	const struct cred *cred = create_cred(c);
	unsigned int rw = 0;
	int r = vfs_access(create_vfs(c), cred, c->file, &rw);

	if (r < 0)
		return r;
	f.read = rw & VFS_READ;
	f.write = rw & VFS_WRITE;
	f.owner = !cred || cred->uid == 0 || cred->uid == c->where.st.uid;
	/* the root has no directory here, a snapshot none that changes; who owns it is let in, and
	 * deletion is refused when it comes to it */
	f.may_delete = *c->where.path && !c->past ?
			       vfs_may_delete(create_vfs(c), cred, c->where.path) == 0 :
			       f.owner;
	c->maximal = access_maximal(&f) & c->req->tree->max_access;
	return 0;
}

/* Opening flags for `access`, with what this request itself needs besides. */
static unsigned int flags_for(const struct create *c, uint32_t access, bool directory)
{
	if (!directory && (c->overwrite || ((c->ctx.present & SMB2_CTX_ALSI) && c->created)))
		access |= SMB2_FILE_WRITE_DATA;
	if (c->past)
		access &= ~(uint32_t)(SMB2_FILE_WRITE_DATA | SMB2_FILE_APPEND_DATA);
	return file_open_flags(access, directory) |
	       (c->persistent && !directory ? (unsigned int)VFS_SYNC : 0);
}

static struct ntstatus open_failed(struct create *c, int err)
{
	switch (err) {
	case -ENOENT: /* it went, or became another thing, since it was looked up */
	case -ENOTDIR:
	case -EISDIR:
	case -EEXIST:
		return STATUS_AGAIN;
	case -ENXIO:
	case -EXDEV:
		return refuse(c, NT_STATUS_ACCESS_DENIED, "cannot be opened");
	default:
		return req_fail(c->req, err);
	}
}

static struct ntstatus decide_access(struct create *c)
{
	uint32_t want = c->in.desired_access & ~(uint32_t)SMB2_MAXIMUM_ALLOWED;
	int r = find_maximal(c);

	if (r < 0)
		return req_fail(c->req, r);
	if (want & ~c->maximal)
		return refuse(c, NT_STATUS_ACCESS_DENIED, "permissions");
	c->granted = c->in.desired_access & SMB2_MAXIMUM_ALLOWED ? (want | c->maximal) & ~denied_by_attributes(c) : want;
	if ((c->in.options & SMB2_FILE_DELETE_ON_CLOSE) && !(c->granted & SMB2_DELETE))
		return refuse(c, NT_STATUS_INVALID_PARAMETER,
			      "deletion without the right to delete");
	return NT_STATUS_OK;
}

/* The rights are known only now: open once more with them. */
static struct ntstatus open_again(struct create *c)
{
	unsigned int flags = flags_for(c, c->granted, c->file->type == VFS_DIR);
	struct vfs_file *f;
	int r;

	if ((flags & VFS_PATH) || (flags & ~c->file->flags) == 0)
		return NT_STATUS_OK;
	r = vfs_reopen(c->file, create_cred(c), flags, &f);
	if (r < 0)
		return open_failed(c, r);
	vfs_close(c->file);
	c->file = f;
	return NT_STATUS_OK;
}

static int look_up(struct create *c)
{
	return c->past ? vfs_lookup_at(create_vfs(c), create_cred(c), c->name.path, c->past_time,
				       c->req->arena, &c->where) :
			 vfs_lookup(create_vfs(c), create_cred(c), c->name.path, c->req->arena,
				    &c->where);
}

static int open_found(struct create *c, unsigned int flags)
{
	return c->past ? vfs_open_at(create_vfs(c), create_cred(c), &c->where, flags, &c->file) :
			 vfs_open(create_vfs(c), create_cred(c), c->where.path, flags, 0, &c->file);
}

static struct ntstatus open_existing(struct create *c)
{
	uint32_t d = c->in.disposition;
	struct ntstatus s = check_type(c);
	bool directory = c->where.st.type == VFS_DIR;
	unsigned int flags;
	int r;

	if (!ntstatus_is_ok(s))
		return s;
	/* A replayed request may have made it itself: the owner will tell. */
	if (d == SMB2_FILE_CREATE && !(c->req->replay && (c->ctx.present & SMB2_CTX_DH2Q)))
		return refuse(c, NT_STATUS_OBJECT_NAME_COLLISION, "exists");
	c->overwrite = d != SMB2_FILE_OPEN && d != SMB2_FILE_OPEN_IF && d != SMB2_FILE_CREATE;
	s = check_past(c);
	if (ntstatus_is_ok(s))
		s = check_attributes(c);
	if (!ntstatus_is_ok(s))
		return s;
	flags = flags_for(c, c->in.desired_access & ~(uint32_t)SMB2_MAXIMUM_ALLOWED, directory);
	r = open_found(c, flags);
	if (r < 0)
		return open_failed(c, r);
	s = decide_access(c);
	if (ntstatus_is_ok(s) && (c->in.desired_access & SMB2_MAXIMUM_ALLOWED))
		s = open_again(c);
	if (!ntstatus_is_ok(s))
		create_undo(c);
	c->action = !c->overwrite	     ? SMB2_FILE_OPENED :
		    d == SMB2_FILE_SUPERSEDE ? SMB2_FILE_SUPERSEDED :
					       SMB2_FILE_OVERWRITTEN;
	return s;
}

/* --- a new file --- */

static struct ntstatus may_make(struct create *c, bool directory)
{
	uint32_t need = directory ? SMB2_FILE_APPEND_DATA : SMB2_FILE_WRITE_DATA;

	if (c->in.disposition == SMB2_FILE_OPEN || c->in.disposition == SMB2_FILE_OVERWRITE)
		return refuse(c, NT_STATUS_OBJECT_NAME_NOT_FOUND, "does not exist");
	if (c->past)
		return refuse(c, NT_STATUS_MEDIA_WRITE_PROTECTED, "in a snapshot");
	if (!(c->req->tree->max_access & need))
		return refuse(c, NT_STATUS_ACCESS_DENIED, "the share is read-only");
	if ((c->in.options & SMB2_FILE_DELETE_ON_CLOSE) &&
	    (c->in.file_attributes & SMB2_FILE_ATTRIBUTE_READONLY))
		return refuse(c, NT_STATUS_CANNOT_DELETE, "write-protected");
	return NT_STATUS_OK;
}

static struct ntstatus make_new(struct create *c)
{
	bool directory = c->in.options & SMB2_FILE_DIRECTORY_FILE;
	struct ntstatus s = may_make(c, directory);
	unsigned int flags;
	int r;

	if (!ntstatus_is_ok(s))
		return s;
	c->maximal = SMB2_FILE_ALL_ACCESS & c->req->tree->max_access;
	c->granted = c->in.desired_access & ~(uint32_t)SMB2_MAXIMUM_ALLOWED;
	if (c->in.desired_access & SMB2_MAXIMUM_ALLOWED)
		c->granted |= c->maximal;
	if ((c->in.options & SMB2_FILE_DELETE_ON_CLOSE) && !(c->granted & SMB2_DELETE))
		return refuse(c, NT_STATUS_INVALID_PARAMETER,
			      "deletion without the right to delete");
	c->created = true; /* for flags_for() */
	flags = flags_for(c, c->granted, directory);
	c->created = false;
	r = req_may_serve(c->req);
	if (r == 0) {
		task_shield_begin();
		r = vfs_open(create_vfs(c), create_cred(c), c->where.path, flags | VFS_CREATE,
			     VFS_MODE_INHERIT, &c->file);
		task_shield_end();
	}
	if (r == -EEXIST)
		return STATUS_AGAIN;
	if (r < 0)
		return status_of_path(c->req, r);
	c->created = true;
	c->action = SMB2_FILE_CREATED;
	return NT_STATUS_OK;
}

struct ntstatus create_open_file(struct create *c)
{
	struct ntstatus s;
	int r;

	for (unsigned int i = 0; i < TRIES; i++) {
		c->overwrite = false;
		r = look_up(c);
		if (r == -ENOENT && c->past) /* 3.3.5.9.4 */
			return refuse(c, NT_STATUS_OBJECT_NAME_NOT_FOUND, "no such snapshot");
		if (r < 0)
			return refuse(c, status_of_path(c->req, r), "path");
		s = c->where.exists ? open_existing(c) : make_new(c);
		if (!ntstatus_eq(s, STATUS_AGAIN))
			return s;
	}
	/* a symlink that leads nowhere, or somebody who is very busy with this name */
	return refuse(c, NT_STATUS_OBJECT_NAME_COLLISION, "the name does not stay the same");
}

/* Whether nobody has a file open that this request made and was not granted. */
static bool forsaken(struct create *c)
{
	struct file_key key = file_key_of(c->file);
	struct lk_file_info info;

	return lockc_query(c->req->worker->lock, &key, &info) == LK_OK && info.opens == 0;
}

void create_undo(struct create *c)
{
	if (!c->file)
		return;
	task_shield_begin();
	if (c->created && forsaken(c))
		(void)vfs_remove(create_vfs(c), create_cred(c), c->where.path,
				 c->file->type == VFS_DIR, &c->file->key);
	c->created = false;
	vfs_close(TAKE_PTR(c->file));
	task_shield_end();
}
