/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A daemon's link to the clusterd of its node: which incarnation it is, the view, the right to serve, the cluster's
 * configuration, and the operator's questions. It reconnects by itself for ever.
 *
 * A client belongs to one loop and runs there as a task. Callbacks are called from that task and must not wait: a
 * callback that parks delays the renewal of the right to serve. Functions marked [any] may be called on any thread.
 */
#ifndef HF_CLUSTERD_CLIENT_CLUSTER_CLIENT_H
#define HF_CLUSTERD_CLIENT_CLUSTER_CLIENT_H

#include "clusterd/client/cluster_config.h"
#include "clusterd/client/lease_stats.h"
#include "clusterd/client/view.h"
#include "node/loop/loop.h"

/* The name of the socket in the run directory. */
#define CLUSTER_SOCKET "cluster.sock"
/* With this status a daemon exits when its incarnation is over: noded starts it anew at once. */
#define CLUSTER_EXIT_EVICTED 75

struct cluster_client;
struct cluster_query;

enum cluster_query_kind {
	CLUSTER_QUERY_SESSIONS,
	CLUSTER_QUERY_OPENS,
	CLUSTER_QUERY_LOCKS,
	CLUSTER_QUERY_LEASES,
	CLUSTER_QUERY_LEASE_STATS,
	CLUSTER_QUERY_KINDS,
};

/* Any callback may be NULL. */
struct cluster_client_ops {
	/* clusterd knows this process as `incarnation` of node `node_id` (once; a reconnect keeps the incarnation). It
	 * is not in a view yet, so this one may wait. Never called for an observer. */
	void (*on_ready)(void *arg, uint32_t node_id, uint64_t incarnation);
	/* The view in force; epochs come in ascending order. The reference is the callee's to take (view_ref). */
	void (*on_view)(void *arg, const struct view *v);
	/* The right to serve was renewed until `deadline` (clock_mono_ns); 0: revoked. */
	void (*on_lease)(void *arg, uint64_t deadline);
	/* A new configuration; the first one comes before the first view. */
	void (*on_config)(void *arg, const struct cluster_config *c);
	/* The operator asks; the callee owns `q` and ends it by cluster_query_done(), now or later. */
	void (*on_query)(void *arg, struct cluster_query *q);
	/* The others went on without this incarnation: what it holds in memory (opens, locks, slots) belongs to others
	 * now. cluster_client_may_serve() is false for ever. The process must end (CLUSTER_EXIT_EVICTED). */
	void (*on_evicted)(void *arg);
};

struct cluster_client_config {
	struct loop *loop;
	const char *run_dir;
	const char *process;  /* "smbd", for the log */
	bool observer;        /* no incarnation, no right to serve: witnessd */
	bool waits;           /* while another process is this node's smbd, stands by until that one has ended; else it is
				 refused. on_ready() is its turn */
	uint32_t workers;     /* what the view tells the others about this smbd */
	const char *rpc_addr;
	const char *const *smb_addrs;
	size_t n_smb_addrs;
	struct cluster_client_ops ops;
	void *arg;
};

/* Starts the link; everything in `cfg` is copied. -ENOMEM, -EINVAL (too many or too long addresses). */
int cluster_client_new(const struct cluster_client_config *cfg, struct cluster_client **ret) HF_MUST_CHECK;
/* Ends the link: the incarnation is over, others take its slots at once. From a task of its loop; queries that
 * were not answered must be done first. NULL is allowed. */
void cluster_client_free(struct cluster_client *c);

/* Loop's thread: this process will end in order. A view follows in which it is VIEW_DRAINING: its slots go to others
 * while it can still name what it holds. Lost when the link is down. */
void cluster_client_leave(struct cluster_client *c);

/* [any] Whether this process may answer a client at this moment: its incarnation is in the view and its right to serve
 * is fresh. To be asked before every answer; costs one clock reading. */
bool cluster_client_may_serve(const struct cluster_client *c);
/* [any] Until when it may serve (clock_mono_ns); 0: not at all. */
uint64_t cluster_client_deadline(const struct cluster_client *c);
/* Loop's thread: the latest of each, NULL before the first; no reference is taken. */
const struct view *cluster_client_view(const struct cluster_client *c);
const struct cluster_config *cluster_client_config(const struct cluster_client *c);
/* [any] 0 before on_ready. */
uint64_t cluster_client_incarnation(const struct cluster_client *c);

/* --- listings --- */

/* One row each; strings are copied by cluster_query_add_*(), NULL is an empty string. */
struct cluster_session_row {
#define LISTING_SESSIONS
#define LISTING_STR(field, heading) const char *field;
#define LISTING_U64(field, heading) uint64_t field;
#define LISTING_BOOL(field, heading) bool field;
#include "clusterd/client/listing.def"
};
/* access "rwd", sharing "rwd", handle "persistent|durable|resilient|-", state "connected|disconnected". */
struct cluster_open_row {
#define LISTING_OPENS
#define LISTING_STR(field, heading) const char *field;
#define LISTING_U64(field, heading) uint64_t field;
#define LISTING_BOOL(field, heading) bool field;
#include "clusterd/client/listing.def"
};
/* type "exclusive|shared", state "held|waiting". */
struct cluster_lock_row {
#define LISTING_LOCKS
#define LISTING_STR(field, heading) const char *field;
#define LISTING_U64(field, heading) uint64_t field;
#define LISTING_BOOL(field, heading) bool field;
#include "clusterd/client/listing.def"
};

/* kind "lease v1|lease v2|oplock", caching "RWH" and parts of it, or "-"; breaking "" when it is not, else the state that the
 * client was told to come down to; state "connected|disconnected". */
struct cluster_lease_row {
#define LISTING_LEASES
#define LISTING_STR(field, heading) const char *field;
#define LISTING_U64(field, heading) uint64_t field;
#define LISTING_BOOL(field, heading) bool field;
#include "clusterd/client/listing.def"
};

/* The one row of a node: what its smbd has counted. */
struct cluster_lease_stats_row {
	uint64_t age_s; /* since that smbd began */
	struct lease_stats counts;
};

enum cluster_query_kind cluster_query_kind(const struct cluster_query *q);
/* Where the page starts: 0, or what cluster_query_done() of the page before it got. */
uint64_t cluster_query_cursor(const struct cluster_query *q);
/* How many rows may still be added to this page. */
uint32_t cluster_query_room(const struct cluster_query *q);
/* Adds a row; the function must fit the kind. -ENOSPC when the page is full, -ENOMEM. */
int cluster_query_add_session(struct cluster_query *q, const struct cluster_session_row *row);
int cluster_query_add_open(struct cluster_query *q, const struct cluster_open_row *row);
int cluster_query_add_lock(struct cluster_query *q, const struct cluster_lock_row *row);
int cluster_query_add_lease(struct cluster_query *q, const struct cluster_lease_row *row);
int cluster_query_add_lease_stats(struct cluster_query *q, const struct cluster_lease_stats_row *row);
/* Sends the page and frees `q`. `next`: the cursor of the next page, 0: this was the last. Loop's thread. */
void cluster_query_done(struct cluster_query *q, uint64_t next);

#endif
