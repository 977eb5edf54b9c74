/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This smbd as a part of its cluster: the link to clusterd, the node-to-node listener, the lock
 * layer of every worker, and when clients are let in. On worker 0's thread, except for start and
 * stop.
 */
#ifndef HF_SMBD_CLUSTER_H
#define HF_SMBD_CLUSTER_H

#include "node/rpc/rpc.h"
#include "smbd/proto/server.h"

struct cluster;

/* Starts the link; the workers run already. From then on everything happens by itself: with the
 * first view of which this incarnation is a member, clients are listened for at `addrs` (which
 * outlive it). `key` outlives it. -errno, logged. */
int cluster_start(struct smbd *s, const struct rpc_key *key, const struct net_addr *addrs,
		  size_t n_addrs, struct cluster **ret);
/* Before server_stop(): has the slots handed over to other nodes while this one still answers, and waits for that; not long,
 * and not at all when there is nobody else. Not on a worker. */
void cluster_leave(struct cluster *c);
/* For smbd.worker_stop: [task] ends what belongs to a worker here; worker 0's ends the link. */
void cluster_worker_stop(struct worker *w);
/* After server_stop(). NULL is allowed. */
void cluster_free(struct cluster *c);

#endif
