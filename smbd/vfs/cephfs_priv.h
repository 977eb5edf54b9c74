/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of vfs_cephfs share. libcephfs blocks and has no form that does not, so that every call runs on the threads of
 * a pool: functions with `struct ceph_call` are run there (cephfs_run), the rest is the worker's. What several
 * threads use at once (a mount, an inode, a file's handle) is immutable here and locked inside of libcephfs.
 */
#ifndef HF_SMBD_VFS_CEPHFS_PRIV_H
#define HF_SMBD_VFS_CEPHFS_PRIV_H

#include <cephfs/libcephfs.h>
#include <pthread.h>

#include "node/loop/task.h"
#include "smbd/vfs/vfs_priv.h"

#define CEPHFS_WANT (CEPH_STATX_BASIC_STATS | CEPH_STATX_BTIME)
#define CEPHFS_LIVE UINT64_C(0xfffffffffffffffe) /* CEPH_NOSNAP: not in a snapshot */
#define CEPHFS_ROOT_INO 1
#define CEPHFS_LINKS_MAX 40
#define CEPHFS_MOUNTS_MAX 4u /* of a process */
/* The directory with the snapshots of a directory, found in any but listed in none: no way in by name. */
#define CEPHFS_SNAPDIR ".snap"

/* One mount serves all shares and workers of the process that name the same file system in the same way. */
struct cephfs_mount;

struct cephfs {
	struct vfs vfs;
	struct cephfs_mount *mount; /* referenced */
	struct ceph_mount_info *cm; /* the mount's */
	Inode *root;                /* of the share; referenced */
	uint64_t root_ino;
	uint64_t serial;
};

struct cephfs_file {
	struct vfs_file file;
	Inode *in;           /* referenced */
	Fh *fh;              /* NULL: for attributes only, and directories */
	uint64_t parent;     /* inode number of the directory in which it was found; 0: unknown */
	char *path;          /* where it was last; NULL: unknown. Worker's */
	struct cephfs_dir *listing; /* the one whose entries dir_stat() may take; worker's */
	struct cephfs_mount *mount; /* these two and the rest are for closing on the pool */
	struct offload_job closing;
};

/* A call on the pool. */
struct ceph_call {
	struct cephfs *v;
	struct ceph_mount_info *cm; /* v's */
	const struct cred *c;       /* NULL: as the process */
	UserPerm *perm;             /* of `c` */
	struct cephfs_file *f;
	int64_t result;
};

static inline struct cephfs *cephfs_of(const struct vfs *v)
{
	return container_of(v, struct cephfs, vfs);
}

static inline struct cephfs_file *cephfs_file_of(const struct vfs_file *f)
{
	return container_of(f, struct cephfs_file, file);
}

/* --- mounts: cephfs_mount.c, cephfs_fence.c --- */

/* [blocking] Finds or makes the mount. 0 or the errno of libcephfs, logged. */
int cephfs_mount_get(const struct share_path *p, struct cephfs_mount **ret);
struct cephfs_mount *cephfs_mount_ref(struct cephfs_mount *m);
/* Unmounts with the last reference, on the pool. */
void cephfs_mount_unref(struct cephfs_mount *m);
struct ceph_mount_info *cephfs_mount_cm(const struct cephfs_mount *m);
const struct guid *cephfs_mount_volume(const struct cephfs_mount *m);
/* The threads; made at first use. NULL: no memory. */
struct offload_pool *cephfs_pool(void);
/* A handle of libcephfs for `p`, configured and not mounted. Free with ceph_release(). */
int cephfs_handle_new(const struct share_path *p, struct ceph_mount_info **ret);
/* The mounts in use, each with a reference for the caller; at most `max`. */
size_t cephfs_mounts(struct cephfs_mount **ret, size_t max);
const struct share_path *cephfs_mount_path(const struct cephfs_mount *m);
/* [blocking] Before `cm` is mounted: ends the sessions of runs that are over, and names ours, which is the process's number
 * `index` (no two sessions may have one name). */
void cephfs_fence_before_mount(const struct share_path *p, struct ceph_mount_info *cm, unsigned int index);
/* libcephfs said that we are shut out: ends the process. */
void cephfs_fenced(void);

/* --- calls: cephfs.c --- */

/* [task] Runs fn(call) on the pool as call->c; returns call->result. */
int64_t cephfs_run(struct ceph_call *call, void (*fn)(void *call));

/* --- on the pool --- */

/* A walk beneath the root of a share: its directories from the root to where it is. */
struct cephfs_walk {
	struct ceph_call *call;
	Inode **at; /* each referenced */
	struct ceph_statx *sx;
	size_t n, cap;
	unsigned int links;
};

int cephfs_walk_begin(struct cephfs_walk *w, struct ceph_call *call);
/* The same beneath another directory, which stays the caller's. */
int cephfs_walk_begin_at(struct cephfs_walk *w, struct ceph_call *call, Inode *top);
void cephfs_walk_end(struct cephfs_walk *w);
/* One component; a symlink is followed beneath the root when `follow`. -ENOENT, -ENOTDIR, -EXDEV, -ELOOP, -EACCES. */
int cephfs_walk_step(struct cephfs_walk *w, const char *name, bool follow);
/* All components of `path` in any spelling, with symlinks followed; appends them to `*disk` as they are on disk, in `a`. 1:
 * gone there; 0: the last one does not exist, or leads nowhere; -ENOENT: one before it. */
int cephfs_walk_folded(struct cephfs_walk *w, const char *path, struct arena *a, const char **disk);
/* All components of `path`; the last one is followed when `follow`. */
int cephfs_walk_path(struct cephfs_walk *w, const char *path, bool follow);
static inline Inode *cephfs_walk_inode(const struct cephfs_walk *w)
{
	return w->at[w->n - 1];
}
static inline const struct ceph_statx *cephfs_walk_stat(const struct cephfs_walk *w)
{
	return &w->sx[w->n - 1];
}
/* Walks to the directory of the last component, which `ret_name` points to. -EBUSY: the root has none. */
int cephfs_walk_parent(struct cephfs_walk *w, const char *path, const char **ret_name);

/* Attributes with the record of dos.h. */
void cephfs_stat_fill(struct ceph_call *call, Inode *in, const struct ceph_statx *sx, struct vfs_stat *ret);
int cephfs_stat_inode(struct ceph_call *call, Inode *in, struct vfs_stat *ret);
/* Whether the user may do `want` (4 read, 2 write, 1 search) by permission bits and POSIX ACL. 0, -EACCES. */
int cephfs_may(struct ceph_call *call, Inode *in, const struct ceph_statx *sx, unsigned int want);
struct vfs_handle cephfs_handle(uint64_t ino, uint64_t snap, uint64_t parent);
/* Finds the name of inode number `ino` in a directory. 1: in ret_name; 0: not there. */
int cephfs_name_of(struct ceph_call *call, Inode *dir, uint64_t ino, char ret_name[static VFS_NAME_MAX + 1]);

/* [any thread] A result of lookups, for the path `disk`. -ENOMEM. */
int cephfs_name_make(struct arena *a, const char *disk, bool exists, const struct vfs_stat *st, struct vfs_name *ret);
/* The times of snapshots, which never change: asking the MDS for one is a round trip. A mount has them by the snapshot's id,
 * with the newest one of those that share a place. */
#define CEPHFS_SNAP_TIMES 8192u
struct cephfs_snap_times {
	pthread_mutex_t lock;
	struct {
		uint64_t id;  /* 0: none */
		int64_t time; /* seconds since 1970 */
	} at[CEPHFS_SNAP_TIMES];
};
struct cephfs_snap_times *cephfs_mount_snap_times(struct cephfs_mount *m);

/* The members of vfs_ops that are not in cephfs.c. */
int cephfs_lookup(struct vfs *v, const struct cred *c, const char *path, struct arena *a, struct vfs_name *ret);
int cephfs_open(struct vfs *v, const struct cred *c, const char *path, unsigned int flags, uint32_t mode,
		struct vfs_file **ret);
int cephfs_open_handle(struct vfs *v, const struct vfs_handle *h, const char *path, unsigned int flags,
		       struct vfs_file **ret);
int cephfs_reopen(struct vfs_file *f, const struct cred *c, unsigned int flags, struct vfs_file **ret);
void cephfs_close(struct vfs_file *f);
int cephfs_snapshots(const struct vfs_file *f, struct arena *a, int64_t **ret, size_t *ret_n);
int cephfs_lookup_at(struct vfs *v, const struct cred *c, const char *path, int64_t time, struct arena *a,
		     struct vfs_name *ret);
int cephfs_open_at(struct vfs *v, const struct cred *c, const struct vfs_name *n, unsigned int flags,
		   struct vfs_file **ret);
int cephfs_access(struct vfs *v, const struct cred *c, const struct vfs_file *f, unsigned int *ret);
int cephfs_may_delete(struct vfs *v, const struct cred *c, const char *path);
int64_t cephfs_read(struct vfs_file *f, void *buf, size_t n, uint64_t off);
int64_t cephfs_write(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through);
int cephfs_flush(struct vfs_file *f);
int cephfs_truncate(struct vfs_file *f, const struct cred *c, uint64_t size);
int cephfs_allocate(struct vfs_file *f, uint64_t size);
int cephfs_zero(struct vfs_file *f, uint64_t off, uint64_t n, bool hole);
int cephfs_next_data(struct vfs_file *f, uint64_t off, struct vfs_range *ret);
int cephfs_stat(const struct vfs_file *f, struct vfs_stat *ret);
int cephfs_setattr(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s);
int cephfs_chmod(struct vfs_file *f, const struct cred *c, uint32_t mode);
int cephfs_remove(struct vfs *v, const struct cred *c, const char *path, bool directory, const struct vfs_key *key);
int cephfs_rename(struct vfs *v, const struct cred *c, const char *from, const char *to, bool replace);
int cephfs_link(struct vfs *v, const struct cred *c, struct vfs_file *f, const char *to);
int cephfs_path_of(const struct vfs_file *f, struct arena *a, const char **ret);
int cephfs_dir_new(struct vfs_file *f, struct vfs_dir **ret);
void cephfs_dir_free(struct vfs_dir *d);
int cephfs_dir_next(struct vfs_dir *d, struct vfs_dirent *ret);
void cephfs_dir_unget(struct vfs_dir *d);
void cephfs_dir_rewind(struct vfs_dir *d);
int cephfs_dir_stat(struct vfs_file *dir, const struct cred *c, const char *name, struct vfs_stat *ret);

#endif
