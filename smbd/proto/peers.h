/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One worker's links to the workers of other nodes, and its mail to the workers of this one: what
 * the messages of the lock layer and of the notify module travel by, and the end of a client's former session on another node. On
 * the worker's thread.
 */
#ifndef HF_SMBD_PROTO_PEERS_H
#define HF_SMBD_PROTO_PEERS_H

#include "clusterd/client/view.h"
#include "node/rpc/rpc.h"
#include "smbd/lock/lock.h"
#include "smbd/notify/notify.h"
#include "smbd/proto/worker.h"

struct peers;

/* Methods that workers call on each other. */
extern const struct rpc_method peers_methods[];

/* Makes the links of `w`, none yet. `key` outlives it. -ENOMEM. */
int peers_new(struct worker *w, const struct rpc_key *key, struct peers **ret);
/* Closes all links. [task] NULL is allowed. */
void peers_free(struct peers *p);
/* Connects to every worker of the members and gives up links to those that left. Not waiting. */
void peers_view(struct peers *p, const struct view *v);
/* The lock layer's way out. */
struct lk_net *peers_lk_net(struct peers *p);
/* The notify module's way out. */
struct ntf_net *peers_ntf_net(struct peers *p);
/* [task] Asks another node to end session `id` of `owner`; waits a bounded time. 0; -ENOENT: no
 * such node in the view; as rpc_call(). For smbd.end_session. */
int peers_end_session(struct worker *w, struct session_home home, uint64_t id,
		      const struct sid *owner);

#endif
