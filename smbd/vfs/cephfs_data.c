/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading, writing, flushing and sizing of open files. Nothing is buffered (client_oc is off): when a write returns, its bytes
 * are on the OSDs, and the size can be found by the MDS from the objects if this client dies before it has told it.
 */
#include "smbd/vfs/cephfs_priv.h"

#include <fcntl.h>

struct io_call {
	struct ceph_call call;
	uint8_t *to;
	const uint8_t *from;
	size_t n;
	uint64_t off;
};

static void read_blocking(void *arg)
{
	struct io_call *io = arg;
	size_t done = 0;
	int r;

	while (done < io->n) {
		r = ceph_ll_read(io->call.cm, io->call.f->fh, (int64_t)(io->off + done), io->n - done,
				 (char *)io->to + done);
		if (r < 0 && done == 0)
			io->call.result = r;
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	if (io->call.result == 0)
		io->call.result = (int64_t)done;
}

int64_t cephfs_read(struct vfs_file *f, void *buf, size_t n, uint64_t off)
{
	struct io_call io = {
		.call = { .v = cephfs_of(f->vfs), .f = cephfs_file_of(f) }, .to = buf, .n = n, .off = off,
	};

	if (!(f->flags & VFS_READ) || f->flags & VFS_PATH || !io.call.f->fh)
		return -EBADF;
	if (off > INT64_MAX || n > INT64_MAX - off)
		return -EINVAL;
	return cephfs_run(&io.call, read_blocking);
}

static void write_blocking(void *arg)
{
	struct io_call *io = arg;
	size_t done = 0;
	int r;

	while (done < io->n) {
		r = ceph_ll_write(io->call.cm, io->call.f->fh, (int64_t)(io->off + done), io->n - done,
				  (const char *)io->from + done);
		if (r <= 0) {
			io->call.result = r < 0 ? r : -EIO;
			return;
		}
		done += (size_t)r;
	}
	io->call.result = (int64_t)done;
}

int64_t cephfs_write(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through)
{
	struct io_call io = {
		.call = { .v = cephfs_of(f->vfs), .f = cephfs_file_of(f) }, .from = buf, .n = n, .off = off,
	};

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH || !io.call.f->fh)
		return -EBADF;
	if (off > INT64_MAX || n > INT64_MAX - off)
		return -EFBIG;
	return cephfs_run(&io.call, write_blocking);
}

/* fsync of a client that was shut out succeeds, with what it had to say lost: so the MDS is asked something afterwards. */
static void flush_blocking(void *arg)
{
	struct ceph_call *call = arg;
	struct ceph_statx sx;

	call->result = call->f->fh ? ceph_ll_fsync(call->cm, call->f->fh, 0) :
				     ceph_ll_sync_inode(call->cm, call->f->in, 0);
	if (call->result == 0)
		call->result = ceph_ll_getattr(call->cm, call->f->in, &sx, CEPHFS_WANT, 0, call->perm);
}

int cephfs_flush(struct vfs_file *f)
{
	struct ceph_call call = { .v = cephfs_of(f->vfs), .f = cephfs_file_of(f) };

	return (int)cephfs_run(&call, flush_blocking);
}

/* As the user; the right was granted with the open, so a file that lost its write permission since is cut as the process. */
static void truncate_blocking(void *arg)
{
	struct io_call *io = arg;
	struct ceph_statx sx = { .stx_size = io->off };
	struct ceph_call *call = &io->call;

	call->result = ceph_ll_setattr(call->cm, call->f->in, &sx, CEPH_SETATTR_SIZE, call->perm);
	if (call->result == -EACCES)
		call->result = ceph_ll_setattr(call->cm, call->f->in, &sx, CEPH_SETATTR_SIZE,
					       ceph_mount_perms(call->cm));
}

int cephfs_truncate(struct vfs_file *f, const struct cred *c, uint64_t size)
{
	struct io_call io = { .call = { .v = cephfs_of(f->vfs), .c = c, .f = cephfs_file_of(f) }, .off = size };

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	if (size > INT64_MAX)
		return -EFBIG;
	return (int)cephfs_run(&io.call, truncate_blocking);
}

/* CephFS reserves nothing. */
int cephfs_allocate(struct vfs_file *f, uint64_t size)
{
	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH)
		return -EBADF;
	return size > INT64_MAX ? -EFBIG : 0;
}

/* A hole reads as zeroes: there is no other way to make them in one go, and space is not reserved anyway. */
static void zero_blocking(void *arg)
{
	struct io_call *io = arg;

	io->call.result = ceph_ll_fallocate(io->call.cm, io->call.f->fh, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					    (int64_t)io->off, (int64_t)io->n);
}

int cephfs_zero(struct vfs_file *f, uint64_t off, uint64_t n, bool hole)
{
	struct io_call io = {
		.call = { .v = cephfs_of(f->vfs), .f = cephfs_file_of(f) }, .off = off, .n = n,
	};

	if (!(f->flags & VFS_WRITE) || f->flags & VFS_PATH || !io.call.f->fh)
		return -EBADF;
	return (int)cephfs_run(&io.call, zero_blocking);
}

/* libcephfs does not say where a file has holes: all of it is data. */
int cephfs_next_data(struct vfs_file *f, uint64_t off, struct vfs_range *ret)
{
	struct vfs_stat st;
	int r = cephfs_stat(f, &st);

	if (r < 0)
		return r;
	if (off >= st.size)
		return 0;
	*ret = (struct vfs_range){ off, st.size };
	return 1;
}
