/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading, writing, flushing and sizing of open files. */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>

#include "node/loop/io.h"

int64_t vfs_read(struct vfs_file *f, void *buf, size_t n, uint64_t off)
{
	size_t done = 0;
	int r;

	if (!(f->flags & VFS_READ) || f->flags & VFS_PATH)
		return -EBADF;
	while (done < n) {
		r = io_read(f->fd, (uint8_t *)buf + done, n - done, off + done);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r < 0)
			return done ? (int64_t)done : r;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (int64_t)done;
}

int64_t vfs_write(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through)
{
	int flags = through || f->flags & VFS_SYNC ? RWF_DSYNC : 0;
	struct iovec iov;
	size_t done = 0;
	int r;

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	while (done < n) {
		iov = (struct iovec){ (uint8_t *)buf + done, n - done };
		r = io_writev(f->fd, &iov, 1, off + done, flags);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r < 0)
			return r;
		if (r == 0)
			return -EIO;
		done += (size_t)r;
	}
	return (int64_t)done;
}

int vfs_flush(struct vfs_file *f)
{
	return f->flags & VFS_PATH ? 0 : io_fsync(f->fd, false);
}

struct truncate_args {
	int fd;
	uint64_t size;
	int result;
};

static void truncate_blocking(void *arg)
{
	struct truncate_args *t = arg;

	t->result = ftruncate(t->fd, (off_t)t->size) < 0 ? -errno : 0;
}

int vfs_truncate(struct vfs_file *f, const struct cred *c, uint64_t size)
{
	struct truncate_args t = { .fd = f->fd, .size = size };

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	if (size > INT64_MAX)
		return -EFBIG;
	offload_run(truncate_blocking, &t);
	return t.result;
}

int vfs_allocate(struct vfs_file *f, uint64_t size)
{
	int r;

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	if (size == 0)
		return 0;
	if (size > INT64_MAX)
		return -EFBIG;
	r = io_fallocate(f->fd, FALLOC_FL_KEEP_SIZE, 0, size);
	return r == -EOPNOTSUPP ? 0 : r;
}
