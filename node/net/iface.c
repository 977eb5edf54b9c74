/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which interfaces and addresses this node has. Any thread. */
#include "node/net/iface.h"

#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SPEED_DEFAULT UINT64_C(1000000000)
#define SPEED_LOOPBACK UINT64_C(10000000000)
#define MBIT UINT64_C(1000000)

/* Link speed by ETHTOOL_GLINKSETTINGS: the first call says how long the masks are. */
static uint64_t link_speed(int sock, const char *name)
{
	struct {
		struct ethtool_link_settings s;
		uint32_t masks[3 * 127];
	} req = { .s.cmd = ETHTOOL_GLINKSETTINGS };
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_data = (char *)&req;
	if (ioctl(sock, SIOCETHTOOL, &ifr) < 0 || req.s.link_mode_masks_nwords >= 0)
		return SPEED_DEFAULT;
	req.s.link_mode_masks_nwords = (int8_t)-req.s.link_mode_masks_nwords;
	req.s.cmd = ETHTOOL_GLINKSETTINGS;
	if (ioctl(sock, SIOCETHTOOL, &ifr) < 0 || !req.s.speed ||
	    req.s.speed == (uint32_t)SPEED_UNKNOWN)
		return SPEED_DEFAULT;
	return req.s.speed * MBIT;
}

static unsigned int rx_queues(const char *name)
{
	char path[64 + IF_NAMESIZE];
	unsigned int n = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/class/net/%s/queues", name);
	d = opendir(path);
	if (!d)
		return 1;
	while ((e = readdir(d)))
		n += strncmp(e->d_name, "rx-", 3) == 0;
	closedir(d);
	return MAX(n, 1u);
}

static unsigned int prefix_of(const struct sockaddr *mask)
{
	const uint8_t *p;
	unsigned int n = 0;
	size_t len;

	if (!mask)
		return 0;
	if (mask->sa_family == AF_INET) {
		p = (const uint8_t *)&((const struct sockaddr_in *)(const void *)mask)->sin_addr;
		len = 4;
	} else {
		p = (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)mask)->sin6_addr;
		len = 16;
	}
	for (size_t i = 0; i < len; i++)
		n += (unsigned int)__builtin_popcount(p[i]);
	return n;
}

static bool is_link_local(const struct net_addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return (ntohl(a->in.sin_addr.s_addr) >> 16) == 0xa9fe;
	return IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr);
}

static void fill(struct net_iface *i, const struct ifaddrs *ifa, const struct net_addr *addr,
		 int sock)
{
	*i = (struct net_iface){
		.index = if_nametoindex(ifa->ifa_name),
		.addr = *addr,
		.prefixlen = prefix_of(ifa->ifa_netmask),
		.up = (ifa->ifa_flags & IFF_UP) && (ifa->ifa_flags & IFF_RUNNING),
		.loopback = !!(ifa->ifa_flags & IFF_LOOPBACK),
		.link_local = is_link_local(addr),
		.rx_queues = rx_queues(ifa->ifa_name),
	};
	snprintf(i->name, sizeof(i->name), "%s", ifa->ifa_name);
	i->speed = i->loopback ? SPEED_LOOPBACK : link_speed(sock, i->name);
}

int net_ifaces(struct net_iface **ret, size_t *ret_n)
{
	_cleanup_close_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct net_iface *list = NULL, *grown;
	struct ifaddrs *all;
	struct net_addr addr;
	size_t n = 0;
	int r = 0;

	if (sock < 0)
		return -errno;
	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *ifa = all; ifa; ifa = ifa->ifa_next) {
		if (!ifa->ifa_addr || net_addr_from_sockaddr(ifa->ifa_addr, &addr) < 0)
			continue;
		grown = realloc(list, (n + 1) * sizeof(*list));
		if (!grown) {
			r = -ENOMEM;
			break;
		}
		list = grown;
		fill(&list[n++], ifa, &addr, sock);
	}
	freeifaddrs(all);
	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}
