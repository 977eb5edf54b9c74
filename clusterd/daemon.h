/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * holdfast-clusterd: the parts around the membership core, all on one qb_loop.
 *
 *	daemon.c   the core between corosync, the store and the node's daemons
 *	local.c    the node's daemons: incarnations, the right to serve, the view
 *	config.c   the cluster's configuration, from the store to the daemons
 *	oper*.c    the operator's socket
 */
#ifndef HF_CLUSTERD_DAEMON_H
#define HF_CLUSTERD_DAEMON_H

#include "clusterd/cs.h"
#include "clusterd/storeq.h"
#include "node/conf/node_conf.h"

struct local;
struct oper;
struct config_push;
struct open_job;

/* The resource that holds the newest view. */
#define STORED_VIEW_KIND "view"
#define STORED_VIEW_NAME "current"

/* The resources that name drained nodes. */
#define DRAIN_KIND "drain"

/* The view in the store, as long as it is the one that this node put there last: it need not be read. epoch 0: unknown. */
struct published {
	uint64_t epoch, version;
};

struct clusterd {
	qb_loop_t *loop;
	struct node_conf *conf;
	struct cs *cs;
	struct storeq *storeq;
	struct local *local;
	struct oper *oper;
	struct config_push *config;
	bool core_ready;     /* the store is open and the core runs */
	bool corosync_seen;  /* it was connected at least once */
	bool opening;        /* the store is being opened */
	struct open_job *opened; /* it is open, the core waits for corosync */
	struct store_info info; /* of the store, when core_ready */
	char store_error[512];  /* why it is not open */
	struct vcore core;
	qb_loop_timer_handle step_timer, store_timer, publish_timer, end_timer;
	unsigned int end_tries;
	int publish_status;
	struct published published; /* the store's thread */
	struct view *publish_view;
	int exit_status;
};

/* Starts everything. On failure the errno, and a line is logged. */
int clusterd_start(struct clusterd *d, qb_loop_t *loop, struct node_conf *conf);
/* Ends the loop in order: when smbd has ended before, or is about to, not before the view says so (or a second has
 * passed), since nobody could tell the others any more. At the second call at once. */
void clusterd_end(struct clusterd *d);
/* Leaves the group and frees everything; harmless on a half-started one. */
void clusterd_stop(struct clusterd *d);
/* Lets the core do what is due. */
void clusterd_step(struct clusterd *d);
/* Has a run of this node fenced that is over, later. */
void clusterd_fence(struct clusterd *d, uint64_t incarnation);
/* Multicasts. -ENOTCONN without corosync. */
int clusterd_send(struct clusterd *d, const struct msg *m);
/* Ends the loop with this exit status. */
void clusterd_exit(struct clusterd *d, int status);
/* L of this node. */
uint64_t clusterd_lease_ns(const struct clusterd *d);

/* --- local.c --- */
int local_new(struct clusterd *d, struct local **ret);
void local_free(struct local *l);
/* Our own state, for vcore_init() and vcore_self(). */
const struct msg_node *local_self(const struct local *l);
/* The core runs: what it must be told from now on is told by vcore_self(). */
void local_core_ready(struct local *l);
void local_view(struct local *l, const struct view *v);
void local_lease(struct local *l, uint64_t deadline);
void local_evicted(struct local *l, uint64_t incarnation);
/* A new configuration, as an encoded Hfc__ToDaemon; it is copied. */
void local_config(struct local *l, struct blob b);
/* Whether the operator wants this node to own no slots. */
void local_drain(struct local *l, bool on);
/* A question that came by multicast for this node's smbd. */
void local_ask(struct local *l, uint32_t from, const struct msg_ask *a);
/* Whether smbd has said that it is about to end. */
bool local_leaving(const struct local *l);
/* Until when our smbd may serve, 0: not. */
uint64_t local_deadline(const struct local *l);

/* --- config.c --- */
int config_push_new(struct clusterd *d, struct config_push **ret);
void config_push_free(struct config_push *c);
/* Reads the configuration from the store and hands it to the daemons; `done(arg)` (may be NULL) afterwards. */
void config_push_read(struct config_push *c, void (*done)(void *arg), void *arg);

/* --- oper.c --- */
int oper_new(struct clusterd *d, struct oper **ret);
void oper_free(struct oper *o);
/* An answer to a question that a command asked. */
void oper_answer(struct oper *o, uint32_t from, const struct msg_answer *a);

/* Makes the store forget which cluster key its nodes have, so that another one can be introduced; while no node runs.
 * Called before any loop. -errno, logged. */
int clusterd_forget_key(const struct node_conf *conf);

#endif
