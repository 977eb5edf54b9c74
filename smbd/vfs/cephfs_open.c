/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening files: by name, by stored handle, in a snapshot, and once more. */
#include "smbd/vfs/cephfs_priv.h"

#include <fcntl.h>

#include "node/wire/rd.h"
#include "node/wire/wr.h"
#include "smbd/vfs/perm.h"

#define HANDLE_TAG 0x31534643u /* "CFS1" */
#define HANDLE_LEN 28

struct open_call {
	struct ceph_call call;
	const char *path;
	unsigned int flags;
	uint32_t mode;
	uint64_t ino, snap, parent;
	Inode *in; /* results */
	Fh *fh;
	struct ceph_statx sx;
};

/* --- handles: le32 tag, le64 inode, le64 snapshot, le64 the directory's inode (a hint; 0: unknown) --- */

struct vfs_handle cephfs_handle(uint64_t ino, uint64_t snap, uint64_t parent)
{
	struct vfs_handle h = { .len = HANDLE_LEN };
	struct wr w = wr_fixed(h.data, sizeof(h.data));

	wr_le32(&w, HANDLE_TAG);
	wr_le64(&w, ino);
	wr_le64(&w, snap);
	wr_le64(&w, parent);
	assert(w.len == HANDLE_LEN);
	return h;
}

static int handle_parse(const struct vfs_handle *h, struct open_call *o)
{
	struct rd r = rd_init(h->data, MIN(h->len, (uint16_t)VFS_HANDLE_MAX));
	uint32_t tag = rd_le32(&r);

	o->ino = rd_le64(&r);
	o->snap = rd_le64(&r);
	o->parent = rd_le64(&r);
	return rd_end(&r) < 0 || rd_left(&r) > 0 || tag != HANDLE_TAG ? -ESTALE : 0;
}

/* --- on the pool --- */

static int open_flags(unsigned int flags)
{
	if (flags & VFS_WRITE)
		return flags & VFS_READ ? O_RDWR : O_WRONLY;
	return O_RDONLY;
}

/* Opens o->in, whose attributes are in o->sx. */
static int open_inode(struct open_call *o)
{
	struct ceph_call *call = &o->call;

	if (!S_ISREG(o->sx.stx_mode) && !S_ISDIR(o->sx.stx_mode))
		return -EACCES; /* devices, sockets, FIFOs: nothing that a client has to do with */
	if ((o->flags & VFS_DIRECTORY) && !S_ISDIR(o->sx.stx_mode))
		return -ENOTDIR;
	if (o->flags & VFS_PATH)
		return 0;
	if (!S_ISDIR(o->sx.stx_mode))
		return ceph_ll_open(call->cm, o->in, open_flags(o->flags), &o->fh, call->perm);
	if (o->flags & VFS_WRITE)
		return -EISDIR;
	return o->flags & VFS_READ ? cephfs_may(call, o->in, &o->sx, PERM_READ) : 0;
}

/* Takes a reference of its own to what a walk found. */
static int keep(struct open_call *o, const struct cephfs_walk *w)
{
	vinodeno_t vino;
	int r;

	o->sx = *cephfs_walk_stat(w);
	vino = (vinodeno_t){ .ino = { o->sx.stx_ino }, .snapid = { CEPHFS_LIVE } };
	o->parent = w->n > 1 ? w->sx[w->n - 2].stx_ino : 0;
	r = ceph_ll_lookup_vino(o->call.cm, vino, &o->in);
	return r < 0 ? r : open_inode(o);
}

static uint32_t inherited_mode(const struct ceph_statx *dir, bool directory)
{
	return directory ? (dir->stx_mode & 0777u) | 0700u : (dir->stx_mode & 0666u) | 0600u;
}

static int create(struct open_call *o, struct cephfs_walk *w)
{
	struct ceph_call *call = &o->call;
	bool directory = o->flags & VFS_DIRECTORY;
	const char *name;
	uint32_t mode;
	int r = cephfs_walk_parent(w, o->path, &name);

	if (r < 0)
		return r;
	mode = o->mode == VFS_MODE_INHERIT ? inherited_mode(cephfs_walk_stat(w), directory) : o->mode;
	o->parent = cephfs_walk_stat(w)->stx_ino;
	if (directory) {
		r = ceph_ll_mkdir(call->cm, cephfs_walk_inode(w), name, mode, &o->in, &o->sx, CEPHFS_WANT, 0, call->perm);
		return r < 0 ? r : open_inode(o);
	}
	/* what was just made may be opened in any way */
	return ceph_ll_create(call->cm, cephfs_walk_inode(w), name, mode, O_CREAT | O_EXCL | open_flags(o->flags), &o->in,
			      &o->fh, &o->sx, CEPHFS_WANT, 0, call->perm);
}

static void open_blocking(void *arg)
{
	struct open_call *o = arg;
	struct cephfs_walk w;
	int r = cephfs_walk_begin(&w, &o->call);

	if (r == 0 && (o->flags & VFS_CREATE))
		r = create(o, &w);
	else if (r == 0)
		r = cephfs_walk_path(&w, o->path, true) ?: keep(o, &w);
	cephfs_walk_end(&w);
	o->call.result = r;
}

static void open_ino_blocking(void *arg)
{
	struct open_call *o = arg;
	vinodeno_t vino = { .ino = { o->ino }, .snapid = { o->snap } };
	int r = ceph_ll_lookup_vino(o->call.cm, vino, &o->in);

	if (r < 0)
		o->in = NULL;
	if (r == 0)
		r = ceph_ll_getattr(o->call.cm, o->in, &o->sx, CEPHFS_WANT, 0, o->call.perm);
	o->call.result = r < 0 ? r : open_inode(o);
}

static void undo_blocking(void *arg)
{
	struct open_call *o = arg;

	if (o->fh)
		(void)ceph_ll_close(o->call.cm, o->fh);
	if (o->in)
		(void)ceph_ll_put(o->call.cm, o->in);
}

/* --- on the worker --- */

/* Runs the call and makes a file of its results. */
static int open_run(struct open_call *o, void (*fn)(void *call), struct vfs_file **ret)
{
	struct cephfs_file *f = calloc(1, sizeof(*f));
	int r = f ? (int)cephfs_run(&o->call, fn) : -ENOMEM;

	if (r == 0 && o->path) {
		f->path = strdup(o->path);
		r = f->path ? 0 : -ENOMEM;
	}
	if (r < 0) {
		if (o->in)
			(void)cephfs_run(&o->call, undo_blocking);
		free(f);
		return r;
	}
	f->in = o->in;
	f->fh = o->fh;
	f->parent = o->parent;
	f->mount = cephfs_mount_ref(o->call.v->mount);
	f->file = (struct vfs_file){
		.vfs = vfs_ref(&o->call.v->vfs),
		.flags = o->flags & ~(unsigned int)VFS_CREATE,
		/* inode numbers are never used twice, so they need no generation; a snapshot's are the live file's */
		.key = { .volume = o->call.v->vfs.volume, .ino = o->sx.stx_ino,
			 .generation = o->snap == CEPHFS_LIVE ? 0 : o->snap },
		.handle = cephfs_handle(o->sx.stx_ino, o->snap, o->parent),
		.type = S_ISDIR(o->sx.stx_mode) ? VFS_DIR : VFS_FILE,
		.snapshot = o->snap != CEPHFS_LIVE,
	};
	*ret = &f->file;
	return 0;
}

int cephfs_open(struct vfs *v, const struct cred *c, const char *path, unsigned int flags, uint32_t mode,
		struct vfs_file **ret)
{
	struct open_call o = {
		.call = { .v = cephfs_of(v), .c = c }, .path = path, .flags = flags, .mode = mode, .snap = CEPHFS_LIVE,
	};

	return open_run(&o, open_blocking, ret);
}

int cephfs_open_handle(struct vfs *v, const struct vfs_handle *h, const char *path, unsigned int flags,
		       struct vfs_file **ret)
{
	struct open_call o = { .call = { .v = cephfs_of(v) }, .path = path, .flags = flags };
	int r = handle_parse(h, &o);

	if (r == 0)
		r = open_run(&o, open_ino_blocking, ret);
	return r == -ENOENT ? -ESTALE : r;
}

int cephfs_open_at(struct vfs *v, const struct cred *c, const struct vfs_name *n, unsigned int flags,
		   struct vfs_file **ret)
{
	struct open_call o = { .call = { .v = cephfs_of(v), .c = c }, .path = n->path, .flags = flags };
	int r = flags & VFS_WRITE ? -EROFS : handle_parse(&n->snapshot, &o);

	if (r == 0)
		r = open_run(&o, open_ino_blocking, ret);
	return r == -ESTALE ? -ENOENT : r;
}

int cephfs_reopen(struct vfs_file *f, const struct cred *c, unsigned int flags, struct vfs_file **ret)
{
	struct cephfs_file *cf = cephfs_file_of(f);
	struct open_call o = {
		.call = { .v = cephfs_of(f->vfs), .c = c }, .path = cf->path, .flags = flags,
		.ino = f->key.ino, .snap = f->key.generation ?: CEPHFS_LIVE, .parent = cf->parent,
	};

	return open_run(&o, open_ino_blocking, ret);
}

static void close_blocking(void *arg)
{
	struct cephfs_file *f = arg;
	struct ceph_mount_info *cm = cephfs_mount_cm(f->mount);

	if (f->fh)
		(void)ceph_ll_close(cm, f->fh);
	(void)ceph_ll_put(cm, f->in);
	cephfs_mount_unref(f->mount);
	free(f->path);
	free(f);
}

/* The pool does it some time: there is nothing to wait for, since nothing is buffered. */
void cephfs_close(struct vfs_file *f)
{
	struct cephfs_file *cf = cephfs_file_of(f);

	vfs_unref(f->vfs);
	cf->closing = (struct offload_job){ .fn = close_blocking, .arg = cf };
	offload_pool_post(cephfs_pool(), &cf->closing);
}
