/* SPDX-License-Identifier: GPL-3.0-or-later */
/* This node's interfaces and addresses. Blocking system calls, short; any thread. */
#ifndef HF_NODE_NET_IFACE_H
#define HF_NODE_NET_IFACE_H

#include <net/if.h>

#include "node/net/addr.h"

/* One address of one interface. */
struct net_iface {
	char name[IF_NAMESIZE];
	unsigned int index;
	struct net_addr addr; /* port 0 */
	unsigned int prefixlen;
	uint64_t speed; /* bits per second; 1 Gbit/s when the driver does not tell */
	unsigned int rx_queues; /* > 1: receive side scaling */
	bool up, loopback, link_local;
};

/* Lists every address of every interface, in the kernel's order; the caller frees *ret with free().
 * -errno. */
int net_ifaces(struct net_iface **ret, size_t *ret_n) HF_MUST_CHECK;

/* Adds an address to an interface (needs CAP_NET_ADMIN). 0 also when it is there already. -errno.
 */
int net_iface_add_addr(const char *ifname, const struct net_addr *addr,
		       unsigned int prefixlen) HF_MUST_CHECK;
/* Removes an address. 0 also when it was not there. -errno. */
int net_iface_del_addr(const char *ifname, const struct net_addr *addr,
		       unsigned int prefixlen) HF_MUST_CHECK;
/* Tells the neighbours that this interface has the address: gratuitous ARP or unsolicited neighbour
 * advertisement (needs CAP_NET_RAW). -errno. */
int net_iface_announce(const char *ifname, const struct net_addr *addr) HF_MUST_CHECK;

#endif
