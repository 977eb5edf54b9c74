/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IP addresses with ports: parsing, printing, comparing. Pure. */
#ifndef HF_NODE_NET_ADDR_H
#define HF_NODE_NET_ADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "node/base/util.h"

/* Room for "[v6%scope]:65535". */
#define NET_ADDR_STR 80

struct net_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage ss;
	};
	socklen_t len; /* 0: no address */
};

/* Reads "10.0.0.1", "10.0.0.1:445", "::1", "[::1]", "[::1]:445", "fe80::1%eth0", or "*" / "*:445"
 * (any IPv6 and IPv4); a missing port becomes `default_port`. Never resolves names. -EINVAL. */
int net_addr_parse(const char *text, uint16_t default_port, struct net_addr *ret) HF_MUST_CHECK;
/* As net_addr_parse(), and "host" or "host:port" is looked up (blocking). -EINVAL, -ENOENT (no such
 * host), -EAGAIN. */
int net_addr_resolve(const char *text, uint16_t default_port, struct net_addr *ret) HF_MUST_CHECK;
/* Reads "10.0.0.1/24" or "fd00::1/64"; without a length it is 32 or 128. -EINVAL. */
int net_addr_parse_prefix(const char *text, struct net_addr *ret,
			  unsigned int *ret_prefixlen) HF_MUST_CHECK;
/* Makes an address from a socket address; -EAFNOSUPPORT when it is not IP. */
int net_addr_from_sockaddr(const struct sockaddr *sa, struct net_addr *ret) HF_MUST_CHECK;
/* Prints into buf[NET_ADDR_STR] and returns it: "10.0.0.1:445", "[::1]:445". */
const char *net_addr_format(const struct net_addr *a, char *buf);
/* Prints without brackets and port. */
const char *net_addr_format_ip(const struct net_addr *a, char *buf);
uint16_t net_addr_port(const struct net_addr *a);
void net_addr_set_port(struct net_addr *a, uint16_t port);
/* Compares address and port; an IPv4-mapped IPv6 address equals its IPv4 address. */
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
/* Compares without the port. */
bool net_addr_equal_ip(const struct net_addr *a, const struct net_addr *b);
/* Turns an IPv4-mapped IPv6 address into the IPv4 address; leaves others alone. */
void net_addr_unmap(struct net_addr *a);

#endif
