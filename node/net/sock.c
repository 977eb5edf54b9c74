/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stream sockets. Any thread. */
#include "node/net/sock.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define BACKLOG 1024

static void set(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

/* bind() and listen(), once more every 2 ms while the address is in use, for `wait_ms`. */
static int bind_listen(int fd, const struct net_addr *addr, unsigned int wait_ms)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (;; wait_ms -= 2) {
		if (bind(fd, &addr->sa, addr->len) == 0 && listen(fd, BACKLOG) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return -errno;
		if (wait_ms < 2)
			return -EADDRINUSE;
		nanosleep(&pause, NULL);
	}
}

int net_listen(const struct net_addr *addr, unsigned int flags, int *ret_fd)
{
	_cleanup_close_ int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (flags & NET_FREEBIND)
		set(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (addr->sa.sa_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	r = bind_listen(fd, addr, flags & NET_WAIT ? NET_WAIT_MS : 0);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Removes a socket file that nobody listens on. */
static int remove_stale(const struct sockaddr_un *un)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (lstat(un->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return errno == ENOENT ? 0 : -errno;
	return unlink(un->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int net_listen_unix(const char *path, mode_t mode, int *ret_fd)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	int r;

	if (strlen(path) >= sizeof(un.sun_path))
		return -ENAMETOOLONG;
	strcpy(un.sun_path, path);
	r = remove_stale(&un);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Nobody can connect before listen(), so the mode is right from the start. */
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || chmod(path, mode) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

void net_stream_options(int fd, unsigned int keepalive_s)
{
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!keepalive_s)
		return;
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)keepalive_s);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)MAX(keepalive_s / 4, 1u));
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
	/* Unacknowledged data ends the connection as fast as unanswered probes do. */
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)(keepalive_s * 2000));
}

int net_stream_socket(const struct net_addr *addr, int *ret_fd)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	net_stream_options(fd, 0);
	*ret_fd = fd;
	return 0;
}

static int name_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *), struct net_addr *ret)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (get(fd, (struct sockaddr *)&ss, &len) < 0)
		return -errno;
	return net_addr_from_sockaddr((struct sockaddr *)&ss, ret);
}

static int get_local(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getsockname(fd, sa, len);
}

static int get_peer(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getpeername(fd, sa, len);
}

int net_sock_local(int fd, struct net_addr *ret)
{
	return name_of(fd, get_local, ret);
}

int net_sock_peer(int fd, struct net_addr *ret)
{
	return name_of(fd, get_peer, ret);
}
