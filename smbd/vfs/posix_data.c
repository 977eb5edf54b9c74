/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading, writing, flushing and sizing of open files. */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>

#include "node/loop/io.h"

int64_t posix_read(struct vfs_file *f, void *buf, size_t n, uint64_t off)
{
	size_t done = 0;
	int r;

	if (!(f->flags & VFS_READ) || f->flags & VFS_PATH)
		return -EBADF;
	while (done < n) {
		r = io_read(posix_fd(f), (uint8_t *)buf + done, n - done, off + done);
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

int64_t posix_write(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through)
{
	int flags = through || f->flags & VFS_SYNC ? RWF_DSYNC : 0;
	struct iovec iov;
	size_t done = 0;
	int r;

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	while (done < n) {
		iov = (struct iovec){ (uint8_t *)buf + done, n - done };
		r = io_writev(posix_fd(f), &iov, 1, off + done, flags);
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

int posix_flush(struct vfs_file *f)
{
	return f->flags & VFS_PATH ? 0 : io_fsync(posix_fd(f), false);
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

int posix_truncate(struct vfs_file *f, const struct cred *c, uint64_t size)
{
	struct truncate_args t = { .fd = posix_fd(f), .size = size };

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	if (size > INT64_MAX)
		return -EFBIG;
	offload_run(truncate_blocking, &t);
	return t.result;
}

int posix_allocate(struct vfs_file *f, uint64_t size)
{
	int r;

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	if (size == 0)
		return 0;
	if (size > INT64_MAX)
		return -EFBIG;
	r = io_fallocate(posix_fd(f), FALLOC_FL_KEEP_SIZE, 0, size);
	return r == -EOPNOTSUPP ? 0 : r;
}

int posix_zero(struct vfs_file *f, uint64_t off, uint64_t n, bool hole)
{
	return io_fallocate(posix_fd(f), (hole ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) | FALLOC_FL_KEEP_SIZE,
			    off, n);
}

struct seek_args {
	int fd;
	int64_t off;
	int64_t data, hole; /* data < 0: -errno */
};

static void seek_blocking(void *arg)
{
	struct seek_args *s = arg;

	s->data = lseek(s->fd, s->off, SEEK_DATA);
	if (s->data < 0) {
		s->data = -errno;
		return;
	}
	s->hole = lseek(s->fd, s->data, SEEK_HOLE);
	if (s->hole < 0)
		s->data = -errno;
}

int posix_next_data(struct vfs_file *f, uint64_t off, struct vfs_range *ret)
{
	struct seek_args s = { .fd = posix_fd(f), .off = (int64_t)off };

	offload_run(seek_blocking, &s);
	if (s.data < 0)
		return s.data == -ENXIO ? 0 : (int)s.data;
	*ret = (struct vfs_range){ (uint64_t)s.data, (uint64_t)s.hole };
	return 1;
}
