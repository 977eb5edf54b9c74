/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker: one thread of smbd with its loop, and everything that belongs to the clients whose home
 * it is. Nothing in here is touched by another thread, but for what `struct smbd` says.
 */
#ifndef HF_SMBD_PROTO_WORKER_H
#define HF_SMBD_PROTO_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "node/base/htable.h"
#include "node/conf/tunables.h"
#include "node/loop/task.h"
#include "smbd/proto/op.h"
#include "smbd/proto/share.h"

struct acceptor;
struct cluster;
struct auth_server;
struct cluster_config;
struct cred_table;
struct lockc;
struct node_conf;
struct ntf;
struct peers;
struct rpc_server;
struct session_home;
struct sid;
struct smbd;
struct store;

struct worker {
	struct smbd *smbd;
	unsigned int index;
	struct loop *loop;
	pthread_t thread;

	struct htable sessions; /* session.by_id */
	struct htable opens; /* open.by_volatile */
	struct list conns; /* conn.link */
	struct list shares; /* share.link; replaced as the configuration changes */
	struct cluster_config *config; /* referenced; NULL before the first one */
	struct tunables tunables; /* config's */
	struct auth_server *auth; /* referenced */

	struct peers *peers; /* links to other nodes */
	struct lockc *lock; /* this worker's way to the owners of file state */
	struct ntf *notify; /* who watches directories, here and elsewhere */
	struct list written; /* file_open.written: their events are due */
	bool telling_written; /* a task does so */
	bool scaled_out; /* there has been another node in a view */
	struct cred_table *creds;
	struct gate serve; /* open while this node has the right to serve */
	_Atomic unsigned int serve_waiters; /* tasks that wait for it */
	struct mail lease_mail; /* tells them */
	_Atomic bool lease_posted;
	bool stopping;
	struct task *stopper;
};

/* What all workers share; written before they start, or atomic. */
struct smbd {
	struct node_conf *conf;
	struct guid server_guid;
	const struct smb_op_table *ops;
	struct store *store;
	struct rpc_server *rpc; /* where other nodes reach us, on worker 0; NULL in tests */
	struct acceptor *acceptor; /* worker 0's */
	struct worker *workers;
	unsigned int n_workers;
	uint64_t home_seed; /* random: home workers cannot be chosen by clients */
	uint64_t started_at; /* wall clock ns; ServerStartTime */
	/* Loop clock (CLOCK_BOOTTIME, ns) until which this node may serve; 0: not. */
	_Atomic uint64_t lease_until;
	_Atomic uint64_t epoch;
	uint64_t incarnation;
	uint32_t node_id;
	/* [task] Ends a session that lives on another node; 0, -ENOENT or as rpc_call(). NULL:
	 * there are no other nodes. */
	int (*end_session)(struct worker *w, struct session_home home, uint64_t id,
			   const struct sid *owner);
	struct cluster *cluster; /* smbd/cluster.h; NULL in tests */
	struct task *heartbeat;
	/* [task] Called on each worker before clients end: they get a limited time; NULL: nothing.
	 */
	void (*worker_hurry)(struct worker *w);
	/* [task] Called on worker 0 when clients are gone: lets no other node in any more; NULL:
	 * nothing. */
	void (*deafen)(struct smbd *s);
	/* [task] Called on each worker when clients are gone, before its loop stops; NULL: nothing.
	 */
	void (*worker_stop)(struct worker *w);
};

/* Makes a worker that does not run yet. -errno of loop_new(), logged. */
int worker_init(struct worker *w, struct smbd *s, unsigned int index);
/* Frees what is left of a worker whose loop does not run any more. */
void worker_done(struct worker *w);
/* Makes the calling thread the worker's and runs its loop until loop_stop(). */
int worker_run(struct worker *w);
/* Takes a new configuration over; on the worker's thread, takes references of its own. */
void worker_set_config(struct worker *w, const struct cluster_config *c, struct auth_server *auth);
/* [task] Drops every connection, and returns when their sessions and opens have ended. */
void worker_drop_conns(struct worker *w);
/* The right to serve lasts until `deadline` (clock_mono_ns; 0: none): any thread. */
void smbd_set_lease(struct smbd *s, uint64_t deadline);
/* The worker that runs on this thread. */
struct worker *worker_current(void);
/* Whether this node may answer now. Reads the clock. */
bool worker_may_serve(const struct worker *w);
/* [task] Waits until it may; 0, -ECANCELED, -ETIME. */
int worker_wait_serve(struct worker *w, uint64_t deadline);
/* A connection is gone: a worker that is stopping may be ready. */
void worker_conn_ended(struct worker *w);

#endif
