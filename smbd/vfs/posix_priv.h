/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of vfs_posix share. */
#ifndef HF_SMBD_VFS_POSIX_PRIV_H
#define HF_SMBD_VFS_POSIX_PRIV_H

#include "smbd/vfs/vfs_priv.h"

struct statx;

struct posix {
	struct vfs vfs;
	int root;            /* a directory, open for reading: open_by_handle_at(2) does not take O_PATH */
	uint64_t serial;
	bool handles;
};

struct posix_file {
	struct vfs_file file;
	int fd;
};

static inline int posix_root(const struct vfs *v)
{
	return container_of(v, struct posix, vfs)->root;
}

static inline int posix_fd(const struct vfs_file *f)
{
	return container_of(f, struct posix_file, file)->fd;
}

/* "/proc/self/fd/N": a path to whatever an fd (O_PATH too) is open on. */
struct fd_path {
	char s[32];
};
struct fd_path posix_fd_path(int fd);

static inline int posix_pers(const struct cred *c)
{
	return c ? c->pers : 0;
}

/* openat2(2) beneath the root as the user; "" is the root itself. */
int posix_openat(struct vfs *v, const struct cred *c, const char *path, int oflags, uint32_t mode);
/* The directory that holds the last component of `path`, as O_PATH fd; `ret_name` points into `path`. */
int posix_open_parent(struct vfs *v, const struct cred *c, const char *path, const char **ret_name);
/* Attributes of what `fd` (O_PATH too) is open on. */
int posix_stat_fd(int fd, struct vfs_stat *ret);
/* File handle of fd or of `name` below it (NULL: fd itself); len 0 when the file system has none. */
int posix_handle_of(int fd, const char *name, struct vfs_handle *ret);
/* The file's key, from its handle and inode number. */
struct vfs_key posix_key_of(const struct vfs *v, uint64_t ino, const struct vfs_handle *h);
/* Fills st->dos_attrs and st->btime from the attribute record of the file at `path` (NULL: from fd itself). */
void posix_dos_load(const char *path, struct vfs_stat *st);
void posix_stat_from_statx(const struct statx *sx, struct vfs_stat *ret);

/* The members of vfs_ops that are not in posix.c. */
int posix_lookup(struct vfs *v, const struct cred *c, const char *path, struct arena *a, struct vfs_name *ret);
int posix_open(struct vfs *v, const struct cred *c, const char *path, unsigned int flags, uint32_t mode,
	       struct vfs_file **ret);
int posix_open_handle(struct vfs *v, const struct vfs_handle *h, const char *path, unsigned int flags,
		      struct vfs_file **ret);
int posix_reopen(struct vfs_file *f, const struct cred *c, unsigned int flags, struct vfs_file **ret);
void posix_close(struct vfs_file *f);
int posix_access(struct vfs *v, const struct cred *c, const struct vfs_file *f, unsigned int *ret);
int posix_may_delete(struct vfs *v, const struct cred *c, const char *path);
int64_t posix_read(struct vfs_file *f, void *buf, size_t n, uint64_t off);
int64_t posix_write(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through);
int posix_flush(struct vfs_file *f);
int posix_truncate(struct vfs_file *f, const struct cred *c, uint64_t size);
int posix_allocate(struct vfs_file *f, uint64_t size);
int posix_zero(struct vfs_file *f, uint64_t off, uint64_t n, bool hole);
int posix_next_data(struct vfs_file *f, uint64_t off, struct vfs_range *ret);
int posix_stat(const struct vfs_file *f, struct vfs_stat *ret);
int posix_setattr(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s);
int posix_chmod(struct vfs_file *f, const struct cred *c, uint32_t mode);
int posix_remove(struct vfs *v, const struct cred *c, const char *path, bool directory, const struct vfs_key *key);
int posix_rename(struct vfs *v, const struct cred *c, const char *from, const char *to, bool replace);
int posix_link(struct vfs *v, const struct cred *c, struct vfs_file *f, const char *to);
int posix_path_of(const struct vfs_file *f, struct arena *a, const char **ret);
int posix_dir_new(struct vfs_file *f, struct vfs_dir **ret);
void posix_dir_free(struct vfs_dir *d);
int posix_dir_next(struct vfs_dir *d, struct vfs_dirent *ret);
void posix_dir_unget(struct vfs_dir *d);
void posix_dir_rewind(struct vfs_dir *d);
int posix_dir_stat(struct vfs_file *dir, const struct cred *c, const char *name, struct vfs_stat *ret);

#endif
