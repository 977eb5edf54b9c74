/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between vfs.h and the kinds of file system behind it: each embeds the structs below as its first part and fills the
 * table. What a member does is said at the function of its name in vfs.h.
 */
#ifndef HF_SMBD_VFS_VFS_PRIV_H
#define HF_SMBD_VFS_VFS_PRIV_H

#include "smbd/vfs/vfs.h"

struct vfs_ops {
	void (*free)(struct vfs *v); /* the last reference is gone; any thread */
	int (*fsinfo)(struct vfs *v, struct vfs_fsinfo *ret);
	int (*lookup)(struct vfs *v, const struct cred *c, const char *path, struct arena *a, struct vfs_name *ret);
	int (*open)(struct vfs *v, const struct cred *c, const char *path, unsigned int flags, uint32_t mode,
		    struct vfs_file **ret);
	int (*open_handle)(struct vfs *v, const struct vfs_handle *h, const char *path, unsigned int flags,
			   struct vfs_file **ret);
	int (*reopen)(struct vfs_file *f, const struct cred *c, unsigned int flags, struct vfs_file **ret);
	void (*close)(struct vfs_file *f);
	/* These three are NULL where there are no snapshots. */
	int (*snapshots)(const struct vfs_file *f, struct arena *a, int64_t **ret, size_t *ret_n);
	int (*lookup_at)(struct vfs *v, const struct cred *c, const char *path, int64_t time, struct arena *a,
			 struct vfs_name *ret);
	int (*open_at)(struct vfs *v, const struct cred *c, const struct vfs_name *n, unsigned int flags,
		       struct vfs_file **ret);
	int (*access)(struct vfs *v, const struct cred *c, const struct vfs_file *f, unsigned int *ret);
	int (*may_delete)(struct vfs *v, const struct cred *c, const char *path);
	int64_t (*read)(struct vfs_file *f, void *buf, size_t n, uint64_t off);
	int64_t (*write)(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through);
	int (*flush)(struct vfs_file *f);
	int (*truncate)(struct vfs_file *f, const struct cred *c, uint64_t size);
	int (*allocate)(struct vfs_file *f, uint64_t size);
	int (*zero)(struct vfs_file *f, uint64_t off, uint64_t n, bool hole);
	int (*next_data)(struct vfs_file *f, uint64_t off, struct vfs_range *ret);
	int (*stat)(const struct vfs_file *f, struct vfs_stat *ret);
	int (*setattr)(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s);
	int (*chmod)(struct vfs_file *f, const struct cred *c, uint32_t mode);
	int (*remove)(struct vfs *v, const struct cred *c, const char *path, bool directory,
		      const struct vfs_key *key);
	int (*rename)(struct vfs *v, const struct cred *c, const char *from, const char *to, bool replace);
	int (*link)(struct vfs *v, const struct cred *c, struct vfs_file *f, const char *to);
	int (*path_of)(const struct vfs_file *f, struct arena *a, const char **ret);
	int (*dir_new)(struct vfs_file *f, struct vfs_dir **ret);
	void (*dir_free)(struct vfs_dir *d);
	int (*dir_next)(struct vfs_dir *d, struct vfs_dirent *ret);
	void (*dir_unget)(struct vfs_dir *d);
	void (*dir_rewind)(struct vfs_dir *d);
	int (*dir_stat)(struct vfs_file *dir, const struct cred *c, const char *name, struct vfs_stat *ret);
};

struct vfs {
	const struct vfs_ops *ops;
	unsigned int refs;
	struct guid volume;
};

struct vfs_dir {
	const struct vfs_ops *ops;
};

struct share_path;

/* [task] The roots of shares; as vfs_new(). The caller sets ops and refs. */
int posix_new(const struct share_path *p, struct vfs **ret);
int cephfs_new(const struct share_path *p, struct vfs **ret);
void cephfs_end(void);

/* 0, or -ENAMETOOLONG and -EINVAL for what must never reach a file system: empty components, "." and "..", too long ones. */
int vfs_path_check(const char *path);

#endif
