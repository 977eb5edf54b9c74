/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of vfs_posix share. */
#ifndef HF_SMBD_VFS_POSIX_PRIV_H
#define HF_SMBD_VFS_POSIX_PRIV_H

#include "smbd/vfs/vfs.h"

struct statx;

struct vfs {
	unsigned int refs;
	int root;            /* a directory, open for reading: open_by_handle_at(2) does not take O_PATH */
	struct guid volume;
	uint64_t serial;
	bool handles;
};

/* "/proc/self/fd/N": a path to whatever an fd (O_PATH too) is open on. */
struct fd_path {
	char s[32];
};
struct fd_path vfs_fd_path(int fd);

static inline int vfs_pers(const struct cred *c)
{
	return c ? c->pers : 0;
}

/* openat2(2) beneath the root as the user; "" is the root itself. */
int vfs_openat(struct vfs *v, const struct cred *c, const char *path, int oflags, uint32_t mode);
/* The directory that holds the last component of `path`, as O_PATH fd; `ret_name` points into `path`. */
int vfs_open_parent(struct vfs *v, const struct cred *c, const char *path, const char **ret_name);
/* Attributes of what `fd` (O_PATH too) is open on. */
int vfs_stat_fd(int fd, struct vfs_stat *ret);
/* File handle of fd or of `name` below it (NULL: fd itself); len 0 when the file system has none. */
int vfs_handle_of(int fd, const char *name, struct vfs_handle *ret);
/* The file's key, from its handle and inode number. */
struct vfs_key vfs_key_of(const struct vfs *v, uint64_t ino, const struct vfs_handle *h);
/* Fills st->dos_attrs and st->btime from the attribute record of the file at `path` (NULL: from fd itself). */
void vfs_dos_load(const char *path, struct vfs_stat *st);
void vfs_stat_from_statx(const struct statx *sx, struct vfs_stat *ret);

#endif
