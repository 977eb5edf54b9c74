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
	bool handles;        /* files can be opened by them */
};

/* --- posix_fd.c: descriptors that come back --- */

/* A descriptor that may be closed while nobody uses it, and is opened again when somebody does. Belongs to one thread. */
struct posix_fd {
	int fd;               /* -1: given back */
	unsigned int pins;    /* users at this moment */
	int root, oflags;     /* what it is opened again with */
	const struct vfs_handle *handle; /* NULL: cannot be opened again, keeps its descriptor */
	struct list idle;
};

/* [task] Takes over `fd`. `h` (NULL: it has none) has to live as long as `d`. */
void posix_fd_init(struct posix_fd *d, int fd, int root, int oflags, const struct vfs_handle *h);
/* [task] The descriptor, which stays until posix_fd_unpin(); or -errno, and nothing is to be undone. -EIDRM: somebody has
 * removed the file. */
int posix_fd_pin(struct posix_fd *d);
void posix_fd_unpin(struct posix_fd *d);
/* Closes; not pinned. In a task or at the end of a thread. */
void posix_fd_close(struct posix_fd *d);
/* [task] Whether what failed with `err` (others than EMFILE and ENFILE: no) is to be tried once more: unused descriptors
 * were given back. */
bool posix_fd_retry(int err);
/* The descriptor or -errno of `expr`, which is evaluated once more after a shortage. */
#define POSIX_FD_OF(expr)                          \
	({                                         \
		int fd_of_ = (expr);               \
		if (posix_fd_retry(fd_of_))        \
			fd_of_ = (expr);           \
		fd_of_;                            \
	})

struct posix_file {
	struct vfs_file file;
	struct posix_fd fd;
};

/* Use of an open file's descriptor, until the end of the block:
 *	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
 *	if (pin.fd < 0)
 *		return pin.fd; */
struct posix_pin {
	struct posix_fd *of;
	int fd;
};

static inline struct posix_pin posix_pin_fd(struct posix_fd *d)
{
	return (struct posix_pin){ d, posix_fd_pin(d) };
}

static inline struct posix_pin posix_pin(const struct vfs_file *f)
{
	return posix_pin_fd(&((struct posix_file *)(uintptr_t)container_of(f, struct posix_file, file))->fd);
}

static inline void cleanup_pin(struct posix_pin *p)
{
	if (p->fd >= 0)
		posix_fd_unpin(p->of);
}
#define _cleanup_pin_ _cleanup_(cleanup_pin)
#define POSIX_NO_PIN { NULL, -1 }

static inline int posix_root(const struct vfs *v)
{
	return container_of(v, struct posix, vfs)->root;
}

/* "/proc/self/fd/N": a path to whatever an fd (O_PATH too) is open on. */
struct fd_path {
	char s[32];
};
struct fd_path posix_fd_path(int fd);

/* What files of this share can be opened again by; NULL: nothing. */
static inline const struct vfs_handle *posix_again_by(const struct vfs *v, const struct vfs_handle *h)
{
	return container_of(v, struct posix, vfs)->handles && h->len > 4 ? h : NULL;
}

static inline int posix_pers(const struct cred *c)
{
	return c ? c->pers : 0;
}

/* openat2(2) beneath the root as the user; "" is the root itself. */
int posix_openat(struct vfs *v, const struct cred *c, const char *path, int oflags, uint32_t mode);
/* open_by_handle_at(2) as the process, on the file system of `root`. The first one: [task], not in the way of others. */
int posix_by_handle(int root, const struct vfs_handle *h, int oflags);
int posix_by_handle_now(int root, const struct vfs_handle *h, int oflags);
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
