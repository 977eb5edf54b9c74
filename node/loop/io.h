/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * io_uring operations that wait in place. Called from a task; each returns the operation's result
 * (>= 0) or -errno, -ECANCELED when the task was cancelled (the operation has ended by then:
 * buffers are free), -ETIME when `deadline` (loop clock ns, 0: none) passed. `pers` is an io_uring
 * personality registered on this loop, 0 for the process's own credentials.
 */
#ifndef HF_NODE_LOOP_IO_H
#define HF_NODE_LOOP_IO_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "node/loop/task.h"

struct statx;
struct open_how;

int io_recv(int fd, void *buf, size_t n, int flags, uint64_t deadline);
/* Receives exactly `n` bytes. 0, -EPIPE on end of stream at the start, -ECONNRESET inside. */
int io_recv_full(int fd, void *buf, size_t n, uint64_t deadline);
int io_sendmsg(int fd, const struct msghdr *msg, int flags, uint64_t deadline);
/* Sends all bytes of `iov` (which it advances). 0 or -errno. */
int io_send_full(int fd, struct iovec *iov, int iovcnt, uint64_t deadline);
int io_accept(int fd, struct sockaddr *addr, socklen_t *len);
int io_connect(int fd, const struct sockaddr *addr, socklen_t len, uint64_t deadline);
int io_poll(int fd, short events, uint64_t deadline);

int io_readv(int fd, const struct iovec *iov, int iovcnt, uint64_t off);
int io_writev(int fd, const struct iovec *iov, int iovcnt, uint64_t off, int rwf_flags);
int io_read(int fd, void *buf, size_t n, uint64_t off);
int io_write(int fd, const void *buf, size_t n, uint64_t off);
int io_fsync(int fd, bool datasync);
int io_fallocate(int fd, int mode, uint64_t off, uint64_t len);
int io_close(int fd);

int io_openat2(int dirfd, const char *path, struct open_how *how, int pers);
int io_statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *ret,
	     int pers);
int io_unlinkat(int dirfd, const char *path, int flags, int pers);
int io_renameat2(int odirfd, const char *opath, int ndirfd, const char *npath, unsigned int flags,
		 int pers);
int io_mkdirat(int dirfd, const char *path, mode_t mode, int pers);
int io_linkat(int odirfd, const char *opath, int ndirfd, const char *npath, int flags, int pers);
int io_symlinkat(const char *target, int dirfd, const char *path, int pers);
int io_fgetxattr(int fd, const char *name, void *val, size_t n, int pers);
int io_fsetxattr(int fd, const char *name, const void *val, size_t n, int flags, int pers);

/* Registers the calling thread's present credentials with this loop's ring. >= 1 or -errno. */
int io_register_personality(struct loop *l);
void io_unregister_personality(struct loop *l, int pers);

#endif
