/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An lk_net over the real thing: mail between the workers of a node, RPC (node/rpc) to each worker
 * of the other nodes. Every worker keeps one connection to each worker of each other member, and
 * sends on those only; what it gets comes in on theirs.
 */
#ifndef HF_TESTS_UNIT_SMBD_LOCK_RPC_NET_H
#define HF_TESTS_UNIT_SMBD_LOCK_RPC_NET_H

#include "node/net/addr.h"
#include "smbd/lock/lock.h"

struct rpc_net;
struct rpc_key;

struct rpc_net_config {
	const struct rpc_key *key; /* the cluster's; outlives the rpc_net */
	struct loop *const *loops; /* of the workers, [0] is the listener's; copied */
	unsigned int n_workers;
	uint32_t node;
	uint64_t incarnation;
	const char *name; /* node's, for the logs of others */
	struct net_addr listen; /* where the other nodes reach it: view_member.rpc_addr */
};

/* Listens. Needs no task, but the thread of loops[0] or that loop not running yet. -errno as
 * rpc_listen(), -ENOMEM. */
int rpc_net_new(const struct rpc_net_config *cfg, struct rpc_net **ret) HF_MUST_CHECK;
/* [task] On loops[0], with the other loops still running and every worker detached. NULL is fine.
 */
void rpc_net_free(struct rpc_net *n);
/* The address in use. */
void rpc_net_addr(const struct rpc_net *n, struct net_addr *ret);

/* What goes into lockc_config.net of that worker. */
struct lk_net *rpc_net_worker(struct rpc_net *n, unsigned int worker);
/* On that worker's thread: from now on `c` gets what comes in. */
void rpc_net_attach(struct rpc_net *n, unsigned int worker, struct lockc *c);
/* On that worker's thread, before lockc_view(): connects to the workers of a new view, drops those
 * that are gone. -ENOMEM. */
int rpc_net_view(struct rpc_net *n, unsigned int worker, const struct view *v);
/* [task] On that worker's thread, before lockc_free(): nothing comes in any more, its connections
 * are closed. */
void rpc_net_detach(struct rpc_net *n, unsigned int worker);

#endif
