/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading, writing, flushing and sizing of open files. */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>

#include "node/loop/io.h"

int64_t posix_read(struct vfs_file *f, void *buf, size_t n, uint64_t off)
{
	_cleanup_pin_ struct posix_pin pin = POSIX_NO_PIN;
	size_t done = 0;
	int r;

	if (!(f->flags & VFS_READ) || f->flags & VFS_PATH)
		return -EBADF;
	pin = posix_pin(f);
	if (pin.fd < 0)
		return pin.fd;
	while (done < n) {
		r = io_read(pin.fd, (uint8_t *)buf + done, n - done, off + done);
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
	_cleanup_pin_ struct posix_pin pin = POSIX_NO_PIN;
	struct iovec iov;
	size_t done = 0;
	int r;

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	pin = posix_pin(f);
	if (pin.fd < 0)
		return pin.fd;
	while (done < n) {
		iov = (struct iovec){ (uint8_t *)buf + done, n - done };
		r = io_writev(pin.fd, &iov, 1, off + done, flags);
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
	_cleanup_pin_ struct posix_pin pin = POSIX_NO_PIN;

	if (f->flags & VFS_PATH)
		return 0;
	pin = posix_pin(f);
	return pin.fd < 0 ? pin.fd : io_fsync(pin.fd, false);
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
	_cleanup_pin_ struct posix_pin pin = POSIX_NO_PIN;
	struct truncate_args t = { .size = size };

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	if (size > INT64_MAX)
		return -EFBIG;
	pin = posix_pin(f);
	if (pin.fd < 0)
		return pin.fd;
	t.fd = pin.fd;
	offload_run(truncate_blocking, &t);
	return t.result;
}

int posix_allocate(struct vfs_file *f, uint64_t size)
{
	_cleanup_pin_ struct posix_pin pin = POSIX_NO_PIN;
	int r;

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	if (size == 0)
		return 0;
	if (size > INT64_MAX)
		return -EFBIG;
	pin = posix_pin(f);
	if (pin.fd < 0)
		return pin.fd;
	r = io_fallocate(pin.fd, FALLOC_FL_KEEP_SIZE, 0, size);
	return r == -EOPNOTSUPP ? 0 : r;
}

int posix_zero(struct vfs_file *f, uint64_t off, uint64_t n, bool hole)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);

	if (pin.fd < 0)
		return pin.fd;
	return io_fallocate(pin.fd, (hole ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) | FALLOC_FL_KEEP_SIZE, off,
			    n);
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
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
	struct seek_args s = { .fd = pin.fd, .off = (int64_t)off };

	if (pin.fd < 0)
		return pin.fd;
	offload_run(seek_blocking, &s);
	if (s.data < 0)
		return s.data == -ENXIO ? 0 : (int)s.data;
	*ret = (struct vfs_range){ (uint64_t)s.data, (uint64_t)s.hole };
	return 1;
}
