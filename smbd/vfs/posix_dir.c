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
	struct posix_fd fd;
	struct vfs_handle handle;
	int64_t off;           /* of the directory: where the next batch begins */
	int now;               /* the descriptor while a batch is read */
	bool rewound;
	size_t pos, len, last; /* in buf: next entry, end, the entry returned last */
	int result;
	_Alignas(8) uint8_t buf[DIR_BUF];
};

static int open_dot(int fd)
{
	int r = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return r < 0 ? -errno : r;
}

int posix_dir_new(struct vfs_file *f, struct vfs_dir **ret)
{
	_cleanup_pin_ struct posix_pin pin = POSIX_NO_PIN;
	struct posix_dir *d;
	int fd;

	if (!(f->flags & VFS_READ) || f->flags & VFS_PATH)
		return -EACCES; /* whoever may list it opened it for reading */
	pin = posix_pin(f);
	if (pin.fd < 0)
		return pin.fd;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	fd = POSIX_FD_OF(open_dot(pin.fd));
	if (fd < 0) {
		free(d);
		return fd;
	}
	d->pos = d->len = d->last = 0;
	d->off = 0;
	d->rewound = false;
	d->handle = f->handle;
	posix_fd_init(&d->fd, fd, posix_root(f->vfs), O_RDONLY | O_DIRECTORY, posix_again_by(f->vfs, &d->handle));
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

	posix_fd_close(&d->fd);
	free(d);
}

/* Begins anew on a descriptor that has not been read: ext4 stays at the end when one that was opened again and sought to
 * the end is sought to the start. */
static void renew(struct posix_dir *d)
{
	_cleanup_close_ int fd = open_dot(d->now);

	if (fd >= 0 && dup3(fd, d->now, O_CLOEXEC) >= 0)
		d->rewound = false;
}

static void dir_fill_blocking(void *arg)
{
	struct posix_dir *d = arg;
	long n = -1;

	if (d->rewound)
		renew(d);
	/* it may be another descriptor than that of the last batch, and starts at 0 then */
	if (lseek(d->now, d->off, SEEK_SET) >= 0)
		n = syscall(SYS_getdents64, d->now, d->buf, sizeof(d->buf));
	d->result = n < 0 ? -errno : (int)n;
	if (n >= 0)
		d->off = lseek(d->now, 0, SEEK_CUR);
}

static int dir_fill(struct posix_dir *d)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin_fd(&d->fd);

	if (pin.fd < 0)
		return pin.fd;
	d->now = pin.fd;
	offload_run(dir_fill_blocking, d);
	return d->result;
}

int posix_dir_next(struct vfs_dir *dir, struct vfs_dirent *ret)
{
	struct posix_dir *d = posix_dir(dir);
	const struct linux_dirent64_head *e;

	if (d->pos == d->len) {
		int r = dir_fill(d);

		if (r <= 0)
			return r;
		d->pos = 0;
		d->len = (size_t)r;
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

	d->off = 0;
	d->rewound = true;
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
	_cleanup_pin_ struct posix_pin pin = posix_pin(dir);
	char path[sizeof(struct fd_path) + VFS_NAME_MAX + 2];
	_cleanup_close_ int fd = -1;
	struct statx sx;

	if (pin.fd < 0)
		return pin.fd;
	if (statx(pin.fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	fd = S_ISLNK(sx.stx_mode) ? follow(dir, c, name) : -1;
	if (fd >= 0)
		return posix_stat_fd(fd, ret);
	posix_stat_from_statx(&sx, ret);
	snprintf(path, sizeof(path), "%s/%s", posix_fd_path(pin.fd).s, name);
	posix_dos_load(path, ret);
	return 0;
}
