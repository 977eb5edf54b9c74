/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes of files: those of CephFS, and the record of dos.h in an extended attribute. */
#include "smbd/vfs/cephfs_priv.h"

#include "smbd/vfs/dos.h"
#include "smbd/vfs/perm.h"

#define ACL_XATTR "system.posix_acl_access"
#define ACL_MAX 4096

void cephfs_stat_fill(struct ceph_call *call, Inode *in, const struct ceph_statx *sx, struct vfs_stat *ret)
{
	enum vfs_type type = dos_type(sx->stx_mode);
	uint8_t record[DOS_LEN];
	int n;

	*ret = (struct vfs_stat){
		.type = type,
		.mode = sx->stx_mode & 07777u,
		.nlink = sx->stx_nlink,
		.uid = sx->stx_uid,
		.gid = sx->stx_gid,
		.ino = sx->stx_ino,
		.size = type == VFS_FILE ? sx->stx_size : 0,
		.allocated = type == VFS_FILE ? sx->stx_blocks * 512 : 0,
		.atime = sx->stx_atime,
		.mtime = sx->stx_mtime,
		.ctime = sx->stx_ctime,
		.btime = sx->stx_mask & CEPH_STATX_BTIME ? sx->stx_btime : sx->stx_mtime,
		.dos_attrs = dos_default(type),
	};
	if (type != VFS_FILE && type != VFS_DIR)
		return;
	n = ceph_ll_getxattr(call->cm, in, DOS_XATTR, record, sizeof(record), ceph_mount_perms(call->cm));
	if (n >= 0)
		dos_load(BLOB(record, n), ret);
}

int cephfs_stat_inode(struct ceph_call *call, Inode *in, struct vfs_stat *ret)
{
	struct ceph_statx sx;
	int r = ceph_ll_getattr(call->cm, in, &sx, CEPHFS_WANT, 0, call->perm);

	if (r == 0)
		cephfs_stat_fill(call, in, &sx, ret);
	return r;
}

int cephfs_may(struct ceph_call *call, Inode *in, const struct ceph_statx *sx, unsigned int want)
{
	struct perm_of of = { .mode = sx->stx_mode, .uid = sx->stx_uid, .gid = sx->stx_gid };
	uint8_t acl[ACL_MAX];
	int n = ceph_ll_getxattr(call->cm, in, ACL_XATTR, acl, sizeof(acl), ceph_mount_perms(call->cm));

	if (n > 0)
		of.acl = BLOB(acl, n);
	return perm_allows(&of, call->c, want) ? 0 : -EACCES;
}

struct stat_call {
	struct ceph_call call;
	struct vfs_stat st;
};

static void stat_blocking(void *arg)
{
	struct stat_call *s = arg;

	s->call.result = cephfs_stat_inode(&s->call, s->call.f->in, &s->st);
}

int cephfs_stat(const struct vfs_file *f, struct vfs_stat *ret)
{
	struct stat_call s = { .call = { .v = cephfs_of(f->vfs), .f = container_of(f, struct cephfs_file, file) } };
	int r = (int)cephfs_run(&s.call, stat_blocking);

	if (r == 0)
		*ret = s.st;
	return r;
}

struct setattr_call {
	struct ceph_call call;
	const struct vfs_setattr *s;
};

/* The record that the change makes of what the file has now. */
static int store_record(struct setattr_call *s)
{
	struct ceph_call *call = &s->call;
	uint8_t record[DOS_LEN];
	struct vfs_stat st;
	int r = cephfs_stat_inode(call, call->f->in, &st);

	if (r < 0)
		return r;
	dos_make(&st, s->s, record);
	return ceph_ll_setxattr(call->cm, call->f->in, DOS_XATTR, record, sizeof(record), 0, call->perm);
}

static void setattr_blocking(void *arg)
{
	struct setattr_call *s = arg;
	struct ceph_call *call = &s->call;
	struct ceph_statx sx = { .stx_atime = s->s->atime, .stx_mtime = s->s->mtime };
	int mask = (dos_time_given(s->s->atime) ? CEPH_SETATTR_ATIME : 0) |
		   (dos_time_given(s->s->mtime) ? CEPH_SETATTR_MTIME : 0);

	if (dos_wanted(s->s))
		call->result = store_record(s);
	if (call->result == 0 && mask)
		call->result = ceph_ll_setattr(call->cm, call->f->in, &sx, mask, call->perm);
}

int cephfs_setattr(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s)
{
	struct setattr_call call = { .call = { .v = cephfs_of(f->vfs), .c = c, .f = cephfs_file_of(f) }, .s = s };

	return (int)cephfs_run(&call.call, setattr_blocking);
}

struct mode_call {
	struct ceph_call call;
	uint32_t mode;
};

static void chmod_blocking(void *arg)
{
	struct mode_call *m = arg;
	struct ceph_statx sx = { .stx_mode = (uint16_t)(m->mode & 07777) };

	m->call.result = ceph_ll_setattr(m->call.cm, m->call.f->in, &sx, CEPH_SETATTR_MODE, m->call.perm);
}

int cephfs_chmod(struct vfs_file *f, const struct cred *c, uint32_t mode)
{
	struct mode_call m = { .call = { .v = cephfs_of(f->vfs), .c = c, .f = cephfs_file_of(f) }, .mode = mode };

	return (int)cephfs_run(&m.call, chmod_blocking);
}

/* --- what a user may do --- */

struct access_call {
	struct ceph_call call;
	const char *path;
	unsigned int got;
};

static void access_blocking(void *arg)
{
	struct access_call *a = arg;
	struct ceph_call *call = &a->call;
	unsigned int search = call->f->file.type == VFS_DIR ? PERM_SEARCH : 0;
	struct ceph_statx sx;

	call->result = ceph_ll_getattr(call->cm, call->f->in, &sx, CEPHFS_WANT, 0, call->perm);
	if (call->result < 0)
		return;
	if (cephfs_may(call, call->f->in, &sx, PERM_READ | search) == 0)
		a->got |= VFS_READ;
	if (cephfs_may(call, call->f->in, &sx, PERM_WRITE | search) == 0)
		a->got |= VFS_WRITE;
}

int cephfs_access(struct vfs *v, const struct cred *c, const struct vfs_file *f, unsigned int *ret)
{
	struct access_call a = {
		.call = { .v = cephfs_of(v), .c = c, .f = container_of(f, struct cephfs_file, file) },
	};
	int r = (int)cephfs_run(&a.call, access_blocking);

	if (r == 0)
		*ret = a.got;
	return r;
}

static int may_delete(struct access_call *a, struct cephfs_walk *w)
{
	struct ceph_call *call = &a->call;
	struct ceph_statx dir;
	const char *name;
	int r = cephfs_walk_parent(w, a->path, &name);

	if (r < 0)
		return r;
	dir = *cephfs_walk_stat(w);
	r = cephfs_may(call, cephfs_walk_inode(w), &dir, PERM_WRITE | PERM_SEARCH);
	if (r < 0 || !(dir.stx_mode & S_ISVTX) || !call->c)
		return r;
	r = cephfs_walk_step(w, name, false);
	if (r < 0)
		return r;
	return call->c->uid == 0 || call->c->uid == dir.stx_uid || call->c->uid == cephfs_walk_stat(w)->stx_uid ?
		       0 :
		       -EACCES;
}

static void may_delete_blocking(void *arg)
{
	struct access_call *a = arg;
	struct cephfs_walk w;

	a->call.result = cephfs_walk_begin(&w, &a->call);
	if (a->call.result == 0)
		a->call.result = may_delete(a, &w);
	cephfs_walk_end(&w);
}

int cephfs_may_delete(struct vfs *v, const struct cred *c, const char *path)
{
	struct access_call a = { .call = { .v = cephfs_of(v), .c = c }, .path = path };

	return (int)cephfs_run(&a.call, may_delete_blocking);
}
