/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations on sockets. In tasks, on their loop's thread. */
#include "node/loop/io.h"

#include "node/loop/loop_priv.h"

int io_recv(int fd, void *buf, size_t n, int flags, uint64_t deadline)
{
	struct io_uring_sqe *sqe;
	struct op op;
	int r;

	sqe = op_begin(&op, deadline, true, &r);
	if (!sqe)
		return r;
	io_uring_prep_recv(sqe, fd, buf, MIN(n, (size_t)INT32_MAX), flags);
	return op_wait(&op, sqe);
}

int io_recv_full(int fd, void *buf, size_t n, uint64_t deadline)
{
	size_t got = 0;
	int r;

	while (got < n) {
		r = io_recv(fd, (uint8_t *)buf + got, n - got, MSG_WAITALL, deadline);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r < 0)
			return r;
		if (r == 0)
			return got ? -ECONNRESET : -EPIPE;
		got += (size_t)r;
	}
	return 0;
}

int io_sendmsg(int fd, const struct msghdr *msg, int flags, uint64_t deadline)
{
	struct io_uring_sqe *sqe;
	struct op op;
	int r;

	sqe = op_begin(&op, deadline, true, &r);
	if (!sqe)
		return r;
	io_uring_prep_sendmsg(sqe, fd, msg, (unsigned int)(flags | MSG_NOSIGNAL));
	return op_wait(&op, sqe);
}

int io_send_full(int fd, struct iovec *iov, int iovcnt, uint64_t deadline)
{
	struct msghdr msg;
	size_t n;
	int r;

	for (;;) {
		while (iovcnt && !iov->iov_len) {
			iov++;
			iovcnt--;
		}
		if (!iovcnt)
			return 0;
		msg = (struct msghdr){ .msg_iov = iov, .msg_iovlen = (size_t)iovcnt };
		r = io_sendmsg(fd, &msg, MSG_WAITALL, deadline);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r < 0)
			return r;
		for (n = (size_t)r; n;) {
			size_t k = MIN(n, iov->iov_len);

			iov->iov_base = (uint8_t *)iov->iov_base + k;
			iov->iov_len -= k;
			n -= k;
			if (!iov->iov_len && n) {
				iov++;
				iovcnt--;
			}
		}
	}
}

int io_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	struct io_uring_sqe *sqe;
	struct op op;
	int r;

	sqe = op_begin(&op, 0, true, &r);
	if (!sqe)
		return r;
	io_uring_prep_accept(sqe, fd, addr, len, SOCK_CLOEXEC);
	return op_wait(&op, sqe);
}

int io_connect(int fd, const struct sockaddr *addr, socklen_t len, uint64_t deadline)
{
	struct io_uring_sqe *sqe;
	struct op op;
	int r;

	sqe = op_begin(&op, deadline, true, &r);
	if (!sqe)
		return r;
	io_uring_prep_connect(sqe, fd, addr, len);
	return op_wait(&op, sqe);
}

int io_poll(int fd, short events, uint64_t deadline)
{
	struct io_uring_sqe *sqe;
	struct op op;
	int r;

	sqe = op_begin(&op, deadline, true, &r);
	if (!sqe)
		return r;
	io_uring_prep_poll_add(sqe, fd, (unsigned int)(unsigned short)events);
	return op_wait(&op, sqe);
}
