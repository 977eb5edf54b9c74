/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lk_net of a running smbd: mail between the workers of this node, RPC (node/rpc) to each worker of the other
 * nodes. Every worker keeps one connection to each worker of each other member, and sends on those only; what it gets
 * comes in on theirs.
 */
#ifndef HF_SMBD_LOCK_LOCK_NET_H
#define HF_SMBD_LOCK_LOCK_NET_H

#include "node/net/addr.h"
#include "smbd/lock/lock.h"

struct lock_net;
struct rpc_key;

struct lock_net_config {
	const struct rpc_key *key;     /* the cluster's; outlives the lock_net */
	struct loop *const *loops;     /* of the workers, [0] is the listener's; copied */
	unsigned int n_workers;
	uint32_t node;
	uint64_t incarnation;
	const char *name;              /* node's, for the logs of others */
	struct net_addr listen;        /* where the other nodes reach it: view_member.rpc_addr */
};

/* Listens. Needs no task, but the thread of loops[0] or that loop not running yet. -errno as rpc_listen(), -ENOMEM. */
int lock_net_new(const struct lock_net_config *cfg, struct lock_net **ret) HF_MUST_CHECK;
/* [task] On loops[0], with the other loops still running and every worker detached. NULL is fine. */
void lock_net_free(struct lock_net *n);
/* The address in use. */
void lock_net_addr(const struct lock_net *n, struct net_addr *ret);

/* What goes into lockc_config.net of that worker. */
struct lk_net *lock_net_worker(struct lock_net *n, unsigned int worker);
/* On that worker's thread: from now on `c` gets what comes in. */
void lock_net_attach(struct lock_net *n, unsigned int worker, struct lockc *c);
/* On that worker's thread, before lockc_view(): connects to the workers of a new view, drops those that are gone.
 * -ENOMEM. */
int lock_net_view(struct lock_net *n, unsigned int worker, const struct view *v);
/* [task] On that worker's thread, before lockc_free(): nothing comes in any more, its connections are closed. */
void lock_net_detach(struct lock_net *n, unsigned int worker);

#endif
