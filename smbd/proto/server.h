/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SMB server of one process: its workers and their threads, what is handed out to all of them,
 * and its end. Called from one thread that is no worker (main's), except where it says otherwise.
 */
#ifndef HF_SMBD_PROTO_SERVER_H
#define HF_SMBD_PROTO_SERVER_H

#include "clusterd/client/cluster_config.h"
#include "node/net/addr.h"
#include "smbd/proto/accept.h"
#include "smbd/proto/call.h"
#include "smbd/proto/worker.h"

/* Starts `n` workers and their threads; `s` is zero-filled but for conf, ops, node_id and
 * incarnation. Each serves once it has a configuration and the process the right to. The offload
 * pool must run. -errno, logged. */
int server_start(struct smbd *s, unsigned int n);
/* Listens at `addrs`. As acceptor_new(). */
int server_listen(struct smbd *s, const struct net_addr *addrs, size_t n);
/* Stops accepting, ends connections and sessions in order, stops the threads. `s` can be freed
 * then. */
void server_stop(struct smbd *s);

/* Hands a configuration out to every worker. Any thread. The one that came last counts; -ENOMEM,
 * -EINVAL (a name that cannot be this server's): logged, the former one stays. */
int server_set_config(struct smbd *s, const struct cluster_config *c);

#endif
