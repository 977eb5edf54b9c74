/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Public addresses, added to and removed from this node's interfaces on request of clusterd. */
#include <stdio.h>

#include "node/log/log.h"
#include "node/net/iface.h"
#include "node/noded/noded.h"
#include "node/noded/noded_priv.h"
#include "node/rpc/rpc.h"

#define PUBLIC_MAX 256u

/* An address that we added and must take away again. */
struct public_addr {
	struct list link;
	char ifname[IF_NAMESIZE];
	struct net_addr addr;
	unsigned int prefixlen;
};

static struct list added = LIST_INIT(added);
static unsigned int nadded;

static int parse(struct blob b, struct public_addr *ret)
{
	char text[NET_ADDR_STR + IF_NAMESIZE + 8], *space;
	struct public_addr p = { .prefixlen = 0 };

	if (b.len >= sizeof(text) || memchr(b.data, 0, b.len))
		return -EINVAL;
	memcpy(text, b.data, b.len);
	text[b.len] = 0;
	space = strchr(text, ' ');
	if (!space || space == text || (size_t)(space - text) >= sizeof(p.ifname))
		return -EINVAL;
	memcpy(p.ifname, text, (size_t)(space - text));
	if (net_addr_parse_prefix(space + 1, &p.addr, &p.prefixlen) < 0)
		return -EINVAL;
	*ret = p;
	return 0;
}

static struct public_addr *find(const struct public_addr *p)
{
	struct public_addr *q;

	list_foreach(q, &added, link)
		if (strcmp(q->ifname, p->ifname) == 0 && net_addr_equal_ip(&q->addr, &p->addr))
			return q;
	return NULL;
}

static int add(const struct public_addr *p)
{
	struct public_addr *q = find(p) ? NULL : malloc(sizeof(*q));
	int r;

	if (!q && !find(p))
		return -ENOMEM;
	r = nadded >= PUBLIC_MAX && q ? -ENOSPC :
					net_iface_add_addr(p->ifname, &p->addr, p->prefixlen);
	if (r < 0) {
		free(q);
		return r;
	}
	if (q) {
		*q = *p;
		list_append(&added, &q->link);
		nadded++;
	}
	r = net_iface_announce(p->ifname, &p->addr);
	if (r < 0 && r != -EOPNOTSUPP)
		log_warn("noded: cannot tell the neighbours of an address: interface=%s error=%s",
			 p->ifname, log_errno(r));
	return 0;
}

static int del(const struct public_addr *p)
{
	struct public_addr *q = find(p);
	int r = net_iface_del_addr(p->ifname, &p->addr, p->prefixlen);

	if (r == 0 && q) {
		list_remove(&q->link);
		nadded--;
		free(q);
	}
	return r;
}

static void serve(struct rpc_request *rq)
{
	char buf[NET_ADDR_STR];
	bool adds = rq->method == NODED_ADDR_ADD;
	struct public_addr p;
	int r = parse(rq->payload, &p);

	if (r < 0) {
		rpc_fail(rq, EINVAL);
		return;
	}
	r = adds ? add(&p) : del(&p);
	if (r < 0) {
		log_err("noded: cannot %s an address: interface=%s address=%s error=%s",
			adds ? "add" : "remove", log_esc(p.ifname),
			net_addr_format_ip(&p.addr, buf), log_errno(r));
		rpc_fail(rq, -r);
		return;
	}
	log_info("noded: %s a public address: interface=%s address=%s/%u",
		 adds ? "added" : "removed", log_esc(p.ifname), net_addr_format_ip(&p.addr, buf),
		 p.prefixlen);
	rpc_reply(rq, BLOB("", 0));
}

static const struct rpc_method methods[] = {
	{ NODED_ADDR_ADD, "addr add", serve, true },
	{ NODED_ADDR_DEL, "addr del", serve, true },
	RPC_METHODS_END,
};

int public_start(struct loop *l, const char *run_dir, struct rpc_server **ret)
{
	const struct rpc_listen_config cfg = {
		.loop = l,
		.self.name = "noded",
		.ops.methods = methods,
		.max_conns = 64,
	};
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", run_dir, NODED_SOCKET) >= sizeof(path))
		return -ENAMETOOLONG;
	return rpc_listen_unix(&cfg, path, ret);
}

void public_stop(struct rpc_server *s)
{
	struct public_addr *p;

	rpc_server_free(s);
	while ((p = list_first(&added, struct public_addr, link))) {
		if (del(p) == 0)
			continue;
		list_remove(&p->link);
		free(p);
	}
	nadded = 0;
}
