/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations on files and names. In tasks, on their loop's thread. */
#include "node/loop/io.h"

#include "node/loop/loop_priv.h"

/* Prepares with `prep` (which sees `sqe`), under `pers`, and waits. */
#define FILE_OP(pers, prep)                          \
	do {                                         \
		struct io_uring_sqe *sqe;            \
		struct op op;                        \
		int err;                             \
                                                     \
		sqe = op_begin(&op, 0, true, &err);  \
		if (!sqe)                            \
			return err;                  \
		prep;                                \
		sqe->personality = (uint16_t)(pers); \
		return op_wait(&op, sqe);            \
	} while (0)

#define LEN(n) ((unsigned int)MIN((size_t)(n), (size_t)0x7ffff000))

int io_readv(int fd, const struct iovec *iov, int iovcnt, uint64_t off)
{
	FILE_OP(0, io_uring_prep_readv(sqe, fd, iov, (unsigned int)iovcnt, off));
}

int io_writev(int fd, const struct iovec *iov, int iovcnt, uint64_t off, int rwf_flags)
{
	FILE_OP(0, io_uring_prep_writev2(sqe, fd, iov, (unsigned int)iovcnt, off, rwf_flags));
}

int io_read(int fd, void *buf, size_t n, uint64_t off)
{
	FILE_OP(0, io_uring_prep_read(sqe, fd, buf, LEN(n), off));
}

int io_write(int fd, const void *buf, size_t n, uint64_t off)
{
	FILE_OP(0, io_uring_prep_write(sqe, fd, buf, LEN(n), off));
}

int io_fsync(int fd, bool datasync)
{
	FILE_OP(0, io_uring_prep_fsync(sqe, fd, datasync ? IORING_FSYNC_DATASYNC : 0));
}

/* Lengths beyond 4 GiB: liburing 2.3 takes off_t, the entry has 64 bits for both. */
int io_fallocate(int fd, int mode, uint64_t off, uint64_t len)
{
	FILE_OP(0, io_uring_prep_rw(IORING_OP_FALLOCATE, sqe, fd, (void *)(uintptr_t)len,
				    (unsigned int)mode, off));
}

int io_close(int fd)
{
	struct io_uring_sqe *sqe;
	struct op op;
	int r;

	sqe = op_begin(&op, 0, false, &r);
	if (!sqe)
		return r;
	io_uring_prep_close(sqe, fd);
	return op_wait(&op, sqe);
}

int io_openat2(int dirfd, const char *path, struct open_how *how, int pers)
{
	FILE_OP(pers, io_uring_prep_openat2(sqe, dirfd, path, how));
}

int io_statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *ret, int pers)
{
	FILE_OP(pers, io_uring_prep_statx(sqe, dirfd, path, flags, mask, ret));
}

int io_unlinkat(int dirfd, const char *path, int flags, int pers)
{
	FILE_OP(pers, io_uring_prep_unlinkat(sqe, dirfd, path, flags));
}

int io_renameat2(int odirfd, const char *opath, int ndirfd, const char *npath, unsigned int flags,
		 int pers)
{
	FILE_OP(pers, io_uring_prep_renameat(sqe, odirfd, opath, ndirfd, npath, flags));
}

int io_mkdirat(int dirfd, const char *path, mode_t mode, int pers)
{
	FILE_OP(pers, io_uring_prep_mkdirat(sqe, dirfd, path, mode));
}

int io_linkat(int odirfd, const char *opath, int ndirfd, const char *npath, int flags, int pers)
{
	FILE_OP(pers, io_uring_prep_linkat(sqe, odirfd, opath, ndirfd, npath, flags));
}

int io_symlinkat(const char *target, int dirfd, const char *path, int pers)
{
	FILE_OP(pers, io_uring_prep_symlinkat(sqe, target, dirfd, path));
}

int io_fgetxattr(int fd, const char *name, void *val, size_t n, int pers)
{
	FILE_OP(pers, io_uring_prep_fgetxattr(sqe, fd, name, val, LEN(n)));
}

int io_fsetxattr(int fd, const char *name, const void *val, size_t n, int flags, int pers)
{
	FILE_OP(pers, io_uring_prep_fsetxattr(sqe, fd, name, val, flags, LEN(n)));
}

int io_register_personality(struct loop *l)
{
	loop_assert(l);
	return io_uring_register_personality(&l->ring);
}

void io_unregister_personality(struct loop *l, int pers)
{
	loop_assert(l);
	io_uring_unregister_personality(&l->ring, pers);
}
