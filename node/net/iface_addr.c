/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adding, removing and announcing this node's public addresses. Any thread; blocking but short. */
#include "node/net/iface.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <sys/ioctl.h>

static int nl_error(int r)
{
	switch (-r) {
	case NLE_SUCCESS:
		return 0;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_OBJ_NOTFOUND:
	case NLE_NOADDR:
		return -EADDRNOTAVAIL;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_INVAL:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static int make_addr(unsigned int index, const struct net_addr *addr, unsigned int prefixlen,
		     struct rtnl_addr **ret)
{
	bool v4 = addr->sa.sa_family == AF_INET;
	const void *bytes =
		v4 ? (const void *)&addr->in.sin_addr : (const void *)&addr->in6.sin6_addr;
	struct rtnl_addr *a = rtnl_addr_alloc();
	struct nl_addr *local = nl_addr_build(addr->sa.sa_family, bytes, v4 ? 4 : 16);
	int r = -ENOMEM;

	if (a && local) {
		nl_addr_set_prefixlen(local, (int)prefixlen);
		rtnl_addr_set_ifindex(a, (int)index);
		r = nl_error(rtnl_addr_set_local(a, local));
		rtnl_addr_set_prefixlen(a, (int)prefixlen);
		/* Ours at once: a duplicate must not keep a failover waiting. */
		if (!v4)
			rtnl_addr_set_flags(a, IFA_F_NODAD);
	}
	nl_addr_put(local);
	if (r < 0) {
		rtnl_addr_put(a);
		return r;
	}
	*ret = a;
	return 0;
}

static int change(const char *ifname, const struct net_addr *addr, unsigned int prefixlen, bool add)
{
	unsigned int index = if_nametoindex(ifname);
	struct nl_sock *sk;
	struct rtnl_addr *a;
	int r;

	if (!index)
		return -ENODEV;
	r = make_addr(index, addr, prefixlen, &a);
	if (r < 0)
		return r;
	sk = nl_socket_alloc();
	r = sk ? nl_error(nl_connect(sk, NETLINK_ROUTE)) : -ENOMEM;
	if (r == 0)
		r = nl_error(add ? rtnl_addr_add(sk, a, 0) : rtnl_addr_delete(sk, a, 0));
	nl_socket_free(sk);
	rtnl_addr_put(a);
	if (r == (add ? -EEXIST : -EADDRNOTAVAIL))
		r = 0;
	return r;
}

int net_iface_add_addr(const char *ifname, const struct net_addr *addr, unsigned int prefixlen)
{
	return change(ifname, addr, prefixlen, true);
}

int net_iface_del_addr(const char *ifname, const struct net_addr *addr, unsigned int prefixlen)
{
	return change(ifname, addr, prefixlen, false);
}

static int hardware_addr(int fd, const char *ifname, uint8_t mac[ETH_ALEN])
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EOPNOTSUPP; /* no neighbours to tell */
	memcpy(mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	return 0;
}

/* RFC 5227, section 3: an ARP request for our own address, to everybody. */
static int announce_arp(const char *ifname, unsigned int index, const struct in_addr *ip)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_ifindex = (int)index,
		.sll_halen = ETH_ALEN,
	};
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t p[28] = { 0, 1, 8, 0, ETH_ALEN, 4, 0, ARPOP_REQUEST };
	int r;

	if (fd < 0)
		return -errno;
	r = hardware_addr(fd, ifname, p + 8);
	if (r < 0)
		return r;
	memset(to.sll_addr, 0xff, ETH_ALEN);
	memcpy(p + 14, ip, 4);
	memcpy(p + 24, ip, 4);
	return sendto(fd, p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

/* RFC 4861, section 7.2.6: an unsolicited neighbour advertisement to all nodes, with the override
 * flag. */
static int announce_na(const char *ifname, unsigned int index, const struct in6_addr *ip)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = index };
	struct sockaddr_in6 from = { .sin6_family = AF_INET6, .sin6_addr = *ip };
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	uint8_t p[32] = { ND_NEIGHBOR_ADVERT, 0, 0, 0, 0x20 };
	int hops = 255, r;

	if (fd < 0)
		return -errno;
	r = hardware_addr(fd, ifname, p + 26);
	if (r < 0)
		return r;
	memcpy(p + 8, ip, 16);
	p[24] = ND_OPT_TARGET_LINKADDR;
	p[25] = 1; /* in units of 8 bytes */
	to.sin6_addr = (struct in6_addr){ .s6_addr = { 0xff, 2, [15] = 1 } };
	if (IN6_IS_ADDR_LINKLOCAL(ip))
		from.sin6_scope_id = index;
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return -errno;
	return sendto(fd, p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

int net_iface_announce(const char *ifname, const struct net_addr *addr)
{
	unsigned int index = if_nametoindex(ifname);

	if (!index)
		return -ENODEV;
	if (addr->sa.sa_family == AF_INET)
		return announce_arp(ifname, index, &addr->in.sin_addr);
	return announce_na(ifname, index, &addr->in6.sin6_addr);
}
