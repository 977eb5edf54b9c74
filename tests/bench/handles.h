/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hfhandles: many persistent opens, each with a byte-range lock or a lease or both, that are reclaimed from another node. A
 * holder is one client (one ClientGuid, one connection, one thread) with its share of them.
 */
#ifndef HF_TESTS_BENCH_HANDLES_H
#define HF_TESTS_BENCH_HANDLES_H

#include <pthread.h>

#include "node/base/guid.h"
#include "smbd/wire/create.h"
#include "tests/client/login.h"

struct plan {
	struct net_addr first, next; /* where they are opened, where they are reclaimed */
	const char *user, *password, *share;
	unsigned int handles, clients, depth;
	uint64_t patience_ns; /* how long a client tries to come back */
	uint32_t lease; /* SMB2_LEASE_*: what each open caches, by a lease of its own; 0: nothing */
	bool directories; /* the opens are of directories, and have no locks */
};

struct held_open {
	struct guid create_guid;
	struct guid lease_key;
	struct smb2_fileid id;
	struct smb2_fileid again; /* what its lease was asked for again with */
	bool held;
	bool broken; /* its client has heard that the lease is taken back */
};

struct holder;

/* One request on its way. */
struct lift {
	struct call call;
	struct holder *h;
	unsigned int index;
	bool busy;
};

struct holder {
	const struct plan *plan;
	unsigned int number, n;
	pthread_t thread;
	struct guid client_guid;
	struct conn *c;
	struct sess *s;
	uint32_t tree;
	struct held_open *opens;
	struct lift *lifts;
	unsigned int busy;
	uint64_t lost_ns, first_ns, all_ns; /* CLOCK_MONOTONIC: the connection broke, first and last reclaim */
	_Atomic(uint64_t) *lost; /* where the first one to lose its connection says so */
	char error[256]; /* empty: all is well */
};

/* Each of these works through all opens of a holder; 0, or a negative errno with h->error. */
int holder_init(struct holder *h, const struct plan *p, unsigned int number, unsigned int n);
void holder_done(struct holder *h);
/* Connects to the first node, opens and locks. */
int holder_open(struct holder *h);
/* Waits until the connection is gone, comes to the next node and reclaims. */
int holder_reclaim(struct holder *h);
/* Leases on directories: hears that each is taken back, gives it up, and asks for it again. Others: nothing. */
int holder_regain(struct holder *h);
/* Comes to the next node once `*lost` is set (CLOCK_MONOTONIC; a connection broke), opens a new file for each of its opens
 * (they are spread over all slots), and closes them. all_ns: when the last one was opened. */
int holder_probe(struct holder *h, const _Atomic(uint64_t) *lost);
/* Wants, as another client, what at most `max` of its opens have: a lock must be refused; a lease that caches writes, and a
 * new name in a directory that is cached, must reach the holder as a break first, which it acknowledges. */
int holder_check(struct holder *h, struct holder *other, unsigned int max);
int holder_close(struct holder *h);

#endif
