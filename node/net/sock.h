/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stream sockets: listening and the options that every connection of ours has. Any thread. */
#ifndef HF_NODE_NET_SOCK_H
#define HF_NODE_NET_SOCK_H

#include "node/net/addr.h"

enum {
	NET_FREEBIND = 1, /* the address need not be on this node (yet) */
	NET_WAIT = 2, /* blocks up to NET_WAIT_MS while another socket listens: the kernel closes those of a
		       * process that was killed one by one, after who watches it has heard of its end */
};

#define NET_WAIT_MS 1000

/* Opens a listening TCP socket (SO_REUSEADDR, close-on-exec). -errno as bind(2)/listen(2). */
int net_listen(const struct net_addr *addr, unsigned int flags, int *ret_fd) HF_MUST_CHECK;
/* Opens a listening unix stream socket of mode `mode`; a socket file that nobody listens on is
 * replaced. -EADDRINUSE when somebody does, -ENAMETOOLONG. */
int net_listen_unix(const char *path, mode_t mode, int *ret_fd) HF_MUST_CHECK;
/* Opens a TCP socket for connecting to `addr`, close-on-exec, with net_stream_options(). */
int net_stream_socket(const struct net_addr *addr, int *ret_fd) HF_MUST_CHECK;
/* TCP_NODELAY, and keepalive probes after `keepalive_s` idle seconds (0: none). Errors are ignored:
 * the socket works. */
void net_stream_options(int fd, unsigned int keepalive_s);
/* The socket's own and the peer's address. -errno. */
int net_sock_local(int fd, struct net_addr *ret) HF_MUST_CHECK;
int net_sock_peer(int fd, struct net_addr *ret) HF_MUST_CHECK;

#endif
