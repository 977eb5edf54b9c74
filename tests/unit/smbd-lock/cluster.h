/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cluster of lock modules inside one test task: several nodes with several workers on one loop,
 * one store, and a network that delays, and loses what is on its way when it is told to. A node
 * dies by crash(): nothing it does from then on reaches anybody, but for writes that were on their
 * way to the store.
 */
#ifndef HF_TESTS_UNIT_SMBD_LOCK_CLUSTER_H
#define HF_TESTS_UNIT_SMBD_LOCK_CLUSTER_H

#include "node/loop/task.h"
#include "smbd/lock/lock.h"

#define NODES_MAX 5
#define WORKERS_MAX 4

struct cluster;

struct cnode {
	struct cluster *cl;
	uint32_t id, workers;
	uint64_t incarnation; /* 0: down */
	bool stale; /* its right to serve is over */
	bool dirs_armed; /* everybody tells it of changes of directories */
	int dirs_wanted; /* slots of which it wants to hear */
	bool deaf; /* what is sent to it from now on is lost */
	bool left; /* no session of it has a connection */
	unsigned int asked; /* how often that was asked */
	uint32_t links; /* messages that it sent through an older one are lost */
	struct lockc *w[WORKERS_MAX];
	unsigned int gone, lost, unlinks;
	int unlink_result;
	enum lk_gone gone_why;
	void (*on_gone)(struct cnode *n, struct lk_open *o, enum lk_gone why);
};

struct cluster {
	struct store *store;
	uint64_t epoch;
	uint64_t delay; /* largest delay of a message, ns */
	uint64_t view_delay; /* largest delay of a view */
	uint64_t rng;
	uint32_t n;
	struct cnode nodes[NODES_MAX];
	unsigned int in_flight;
	struct lk_limits limits;
};

/* What clusters made from now on have as lockc_config.broken, and as the times for acknowledgements and for owners; 0: as it is. */
extern bool (*cluster_broken)(void *arg, struct lk_open *o, const struct lk_break *b);
extern uint32_t cluster_break_ms, cluster_owner_wait_ms;

/* The parameter of every random choice; printed by cluster_new() so that a failure can be run again
 * (SEED=n). */
uint64_t cluster_seed(void);
uint64_t cluster_random(struct cluster *cl);

/* [task] Starts `n` nodes of `workers` workers on a fresh store with `slots` slots, and the first
 * view. */
struct cluster *cluster_new(uint32_t n, uint32_t workers, uint32_t slots);
/* [task] Ends everything. */
void cluster_free(struct cluster *cl);
/* A node's smbd dies; the others hear nothing before cluster_view(). [task] */
void cluster_crash(struct cluster *cl, uint32_t node);
/* A new run of its smbd; not a member before cluster_view(). */
void cluster_start(struct cluster *cl, uint32_t node);
/* Everyone who runs is in the next view; each worker hears of it after a delay of its own. */
void cluster_view(struct cluster *cl);
/* Loses the messages between everyone that are on their way. */
void cluster_cut(struct cluster *cl);
/* [task] Waits until every slot serves. */
void cluster_settle(struct cluster *cl);

/* A file key, and a key whose slot's owner is (node, worker) in the present view. */
struct file_key key_of(uint64_t inode);
struct file_key key_owned_by(struct cluster *cl, uint32_t node, uint32_t worker);

/* What an open asks for, with sane contents. Free nothing. */
struct rec_open want(const struct file_key *key, uint32_t access, uint32_t share);
struct rec_open want_persistent(const struct file_key *key, uint32_t access, uint32_t share);
/* Asks for a lease, or with version 0 an oplock, as client number `client`, whose lease key has the same number. */
struct rec_open want_leased(const struct file_key *key, uint8_t client, uint8_t version, uint32_t state);
struct lk_reclaim reclaim_of(const struct rec_open *r);
/* [task] Opens; the test fails when it is not granted. */
struct lk_open *must_grant(struct lockc *c, const struct rec_open *w);

#define RD 0x1u
#define WR 0x2u
#define DEL 0x10000u
#define ATTR 0x80u
#define SH_NONE 0u
#define SH_ALL 7u

#endif
