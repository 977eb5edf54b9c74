/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accepting connections, on worker 0: reads exactly one NEGOTIATE with bounds on time, size and
 * number, and hands the socket to the client's home worker. Counts of connections live here too;
 * other workers report by mail.
 */
#ifndef HF_SMBD_PROTO_ACCEPT_H
#define HF_SMBD_PROTO_ACCEPT_H

#include "node/net/addr.h"
#include "smbd/proto/worker.h"

struct acceptor;
struct admission; /* one connection in the counts */

/* Starts listening at `addrs` on worker 0 `w`, on its thread. One sentence in the log per address
 * that cannot be had; -errno when there is none at all. */
int acceptor_new(struct worker *w, const struct net_addr *addrs, size_t n, struct acceptor **ret);
/* [task] Stops accepting and ends the connections that were not handed over yet. NULL is allowed.
 */
void acceptor_free(struct acceptor *a);
/* The port of the first listener (tests listen at port 0). */
uint16_t acceptor_port(const struct acceptor *a);

/* Any worker: the connection has a valid session now. NULL is allowed. */
void admission_authenticated(struct admission *adm);
/* Any worker: the connection is gone; `adm` is freed. NULL is allowed. */
void admission_closed(struct admission *adm);

/* The home worker of a client. */
unsigned int home_worker(const struct smbd *s, const struct guid *client_guid);

#endif
