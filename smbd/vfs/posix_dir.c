/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listing a directory: large getdents64(2) batches, read on the offload pool. */
#include "smbd/vfs/posix_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "node/loop/io.h"

#define DIR_BUF 65536

struct linux_dirent64_head {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __attribute__((packed));

struct posix_dir {
	struct vfs_dir dir;
	int fd;
	size_t pos, len, last; /* in buf: next entry, end, the entry returned last */
	int result;
	_Alignas(8) uint8_t buf[DIR_BUF];
};

int posix_dir_new(struct vfs_file *f, struct vfs_dir **ret)
{
	struct posix_dir *d;
	int r;

	if (!(f->flags & VFS_READ) || f->flags & VFS_PATH)
		return -EACCES; /* whoever may list it opened it for reading */
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->pos = d->len = d->last = 0;
	d->fd = openat(posix_fd(f), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0) {
		r = -errno;
		free(d);
		return r;
	}
	d->dir.ops = f->vfs->ops;
	*ret = &d->dir;
	return 0;
}

static struct posix_dir *posix_dir(struct vfs_dir *d)
{
	return container_of(d, struct posix_dir, dir);
}

void posix_dir_free(struct vfs_dir *dir)
{
	struct posix_dir *d = posix_dir(dir);

	close(d->fd);
	free(d);
}

static void dir_fill_blocking(void *arg)
{
	struct posix_dir *d = arg;
	long n = syscall(SYS_getdents64, d->fd, d->buf, sizeof(d->buf));

	d->result = n < 0 ? -errno : (int)n;
}

int posix_dir_next(struct vfs_dir *dir, struct vfs_dirent *ret)
{
	struct posix_dir *d = posix_dir(dir);
	const struct linux_dirent64_head *e;

	if (d->pos == d->len) {
		offload_run(dir_fill_blocking, d);
		if (d->result <= 0)
			return d->result;
		d->pos = 0;
		d->len = (size_t)d->result;
	}
	e = (const struct linux_dirent64_head *)(d->buf + d->pos);
	d->last = d->pos;
	d->pos += e->reclen;
	*ret = (struct vfs_dirent){ .name = e->name, .ino = e->ino, .type = e->type };
	return 1;
}

void posix_dir_unget(struct vfs_dir *dir)
{
	struct posix_dir *d = posix_dir(dir);

	d->pos = d->last;
}

void posix_dir_rewind(struct vfs_dir *dir)
{
	struct posix_dir *d = posix_dir(dir);

	(void)lseek(d->fd, 0, SEEK_SET);
	d->pos = d->len = d->last = 0;
}

/* Opens what a symlink of the directory leads to, as long as that is beneath the share. */
static int follow(struct vfs_file *dir, const struct cred *c, const char *name)
{
	_cleanup_arena_ struct arena a = { 0 };
	const char *where;
	int r;

	arena_init(&a, 0);
	r = posix_path_of(dir, &a, &where);
	if (r < 0)
		return r;
	where = *where ? arena_printf(&a, "%s/%s", where, name) : name;
	return where ? posix_openat(dir->vfs, c, where, O_PATH, 0) : -ENOMEM;
}

int posix_dir_stat(struct vfs_file *dir, const struct cred *c, const char *name, struct vfs_stat *ret)
{
	char path[sizeof(struct fd_path) + VFS_NAME_MAX + 2];
	_cleanup_close_ int fd = -1;
	struct statx sx;

	if (statx(posix_fd(dir), name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	fd = S_ISLNK(sx.stx_mode) ? follow(dir, c, name) : -1;
	if (fd >= 0)
		return posix_stat_fd(fd, ret);
	posix_stat_from_statx(&sx, ret);
	snprintf(path, sizeof(path), "%s/%s", posix_fd_path(posix_fd(dir)).s, name);
	posix_dos_load(path, ret);
	return 0;
}
