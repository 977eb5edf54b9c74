/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's end of the lock layer: how smbd/lock is joined with workers, opens and the network. */
#ifndef HF_SMBD_OP_LOCK_LAYER_H
#define HF_SMBD_OP_LOCK_LAYER_H

#include "clusterd/client/view.h"
#include "node/rpc/rpc.h"
#include "smbd/proto/worker.h"

/* Lets the other nodes' workers in at `rpc_address`, as smbd->rpc: node_id and incarnation are
 * known, worker 0's thread. `key` lives as long. -errno as rpc_listen(), -EINVAL for a bad address.
 */
int lock_layer_listen(struct smbd *s, const struct rpc_key *key, const char *rpc_address);
/* Makes the worker's links and its lock module, on its thread. `key` may be NULL when there are no
 * other nodes. `lost(w)` is called when this incarnation has to end. -ENOMEM. */
int lock_layer_start(struct worker *w, const struct rpc_key *key, void (*lost)(void *arg));
/* The next view, on the worker's thread. -ENOMEM: this incarnation has to end. */
int lock_layer_view(struct worker *w, const struct view *v);
/* Before clients end: what closing their opens asks of other nodes gets a limited time, since they
 * may be gone. On the worker's thread. */
void lock_layer_hurry(struct worker *w);
/* [task] No node is let in any more; on worker 0's thread, the other workers still run. */
void lock_layer_deafen(struct smbd *s);
/* [task] Ends it, on the worker's thread. */
void lock_layer_stop(struct worker *w);

#endif
