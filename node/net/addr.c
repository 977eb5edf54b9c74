/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IP addresses. Pure, but for net_addr_resolve(), which asks the resolver. Any thread. */
#include "node/net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>

static int parse_port(const char *s, uint16_t *ret)
{
	unsigned long v = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -EINVAL;
		v = v * 10 + (unsigned long)(*s - '0');
		if (v > UINT16_MAX)
			return -EINVAL;
	}
	*ret = (uint16_t)v;
	return 0;
}

/* Splits "host", "host:port", "v6", "[v6]", "[v6]:port"; the host goes to `host[n]`. */
static int split(const char *text, char *host, size_t n, uint16_t *ret_port)
{
	const char *start = text, *end, *colon = strchr(text, ':');
	size_t len;

	if (*text == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		colon = end[1] ? end + 1 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
	} else {
		end = text + strlen(text);
		colon = NULL;
	}
	len = (size_t)(end - start);
	if (!len || len >= n)
		return -EINVAL;
	memcpy(host, start, len);
	host[len] = 0;
	return colon ? parse_port(colon + 1, ret_port) : 0;
}

static int parse_scope(const char *s, uint32_t *ret)
{
	unsigned int index = if_nametoindex(s);
	uint32_t v = 0;

	if (!index) {
		for (const char *p = s; *p; p++) {
			if (*p < '0' || *p > '9' || v > UINT32_MAX / 10 - 9)
				return -EINVAL;
			v = v * 10 + (uint32_t)(*p - '0');
		}
		index = v;
	}
	if (!index)
		return -EINVAL;
	*ret = index;
	return 0;
}

static int parse_host(char *host, struct net_addr *ret)
{
	struct net_addr a = { .len = 0 };
	char *scope = strchr(host, '%');

	if (strcmp(host, "*") == 0) {
		a.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					       .sin6_addr = IN6ADDR_ANY_INIT };
		a.len = sizeof(a.in6);
		*ret = a;
		return 0;
	}
	if (!scope && inet_pton(AF_INET, host, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		a.len = sizeof(a.in);
		*ret = a;
		return 0;
	}
	if (scope) {
		*scope = 0;
		if (parse_scope(scope + 1, &a.in6.sin6_scope_id) < 0)
			return -EINVAL;
	}
	if (inet_pton(AF_INET6, host, &a.in6.sin6_addr) != 1)
		return -EINVAL;
	a.in6.sin6_family = AF_INET6;
	a.len = sizeof(a.in6);
	*ret = a;
	return 0;
}

int net_addr_parse(const char *text, uint16_t default_port, struct net_addr *ret)
{
	uint16_t port = default_port;
	struct net_addr a;
	char host[NET_ADDR_STR];
	int r;

	r = split(text, host, sizeof(host), &port);
	if (r == 0)
		r = parse_host(host, &a);
	if (r < 0)
		return r;
	net_addr_set_port(&a, port);
	*ret = a;
	return 0;
}

int net_addr_resolve(const char *text, uint16_t default_port, struct net_addr *ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *ai;
	uint16_t port = default_port;
	struct net_addr a;
	char host[256];
	int r;

	if (net_addr_parse(text, default_port, ret) == 0)
		return 0;
	r = split(text, host, sizeof(host), &port);
	if (r < 0)
		return r;
	r = getaddrinfo(host, NULL, &hints, &ai);
	if (r)
		return r == EAI_AGAIN ? -EAGAIN : -ENOENT;
	r = net_addr_from_sockaddr(ai->ai_addr, &a);
	freeaddrinfo(ai);
	if (r < 0)
		return r;
	net_addr_set_port(&a, port);
	*ret = a;
	return 0;
}

int net_addr_parse_prefix(const char *text, struct net_addr *ret, unsigned int *ret_prefixlen)
{
	const char *slash = strchr(text, '/');
	char host[NET_ADDR_STR];
	struct net_addr a;
	uint16_t len = 0;
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int max;
	int r;

	if (!n || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = 0;
	if (strcmp(host, "*") == 0)
		return -EINVAL;
	r = parse_host(host, &a);
	if (r < 0)
		return r;
	max = a.sa.sa_family == AF_INET ? 32 : 128;
	if (slash && (parse_port(slash + 1, &len) < 0 || len > max))
		return -EINVAL;
	*ret = a;
	*ret_prefixlen = slash ? len : max;
	return 0;
}

int net_addr_from_sockaddr(const struct sockaddr *sa, struct net_addr *ret)
{
	struct net_addr a = { .len = 0 };

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&a.in, sa, sizeof(a.in));
		a.len = sizeof(a.in);
		break;
	case AF_INET6:
		memcpy(&a.in6, sa, sizeof(a.in6));
		a.len = sizeof(a.in6);
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*ret = a;
	return 0;
}

const char *net_addr_format_ip(const struct net_addr *a, char *buf)
{
	char scope[IF_NAMESIZE];
	size_t n;

	switch (a->len ? a->sa.sa_family : AF_UNSPEC) {
	case AF_INET:
		inet_ntop(AF_INET, &a->in.sin_addr, buf, NET_ADDR_STR);
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->in6.sin6_addr, buf, NET_ADDR_STR);
		n = strlen(buf);
		if (a->in6.sin6_scope_id && if_indextoname(a->in6.sin6_scope_id, scope))
			snprintf(buf + n, NET_ADDR_STR - n, "%%%s", scope);
		else if (a->in6.sin6_scope_id)
			snprintf(buf + n, NET_ADDR_STR - n, "%%%u", a->in6.sin6_scope_id);
		break;
	default:
		snprintf(buf, NET_ADDR_STR, "-");
		break;
	}
	return buf;
}

const char *net_addr_format(const struct net_addr *a, char *buf)
{
	char ip[NET_ADDR_STR];

	net_addr_format_ip(a, ip);
	if (!a->len)
		return strcpy(buf, ip);
	/* An address with its scope takes at most 62 bytes. */
	snprintf(buf, NET_ADDR_STR, a->sa.sa_family == AF_INET6 ? "[%.70s]:%u" : "%.70s:%u", ip,
		 net_addr_port(a));
	return buf;
}

uint16_t net_addr_port(const struct net_addr *a)
{
	if (!a->len)
		return 0;
	return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

void net_addr_set_port(struct net_addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else
		a->in6.sin6_port = htons(port);
}

void net_addr_unmap(struct net_addr *a)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	if (!a->len || a->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return;
	memcpy(&in.sin_addr, &a->in6.sin6_addr.s6_addr[12], 4);
	in.sin_port = a->in6.sin6_port;
	memset(&a->ss, 0, sizeof(a->ss));
	a->in = in;
	a->len = sizeof(a->in);
}

bool net_addr_equal_ip(const struct net_addr *a, const struct net_addr *b)
{
	struct net_addr x = *a, y = *b;

	net_addr_unmap(&x);
	net_addr_unmap(&y);
	if (!x.len || !y.len)
		return x.len == y.len;
	if (x.sa.sa_family != y.sa.sa_family)
		return false;
	if (x.sa.sa_family == AF_INET)
		return x.in.sin_addr.s_addr == y.in.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&x.in6.sin6_addr, &y.in6.sin6_addr) &&
	       x.in6.sin6_scope_id == y.in6.sin6_scope_id;
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
	return net_addr_equal_ip(a, b) && net_addr_port(a) == net_addr_port(b);
}
