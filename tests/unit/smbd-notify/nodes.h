/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notify modules of several nodes and workers inside one test task, on one loop, with a network that
 * delays, keeps the order between two ends, and loses what is on its way when it is cut.
 */
#ifndef HF_TESTS_UNIT_SMBD_NOTIFY_NODES_H
#define HF_TESTS_UNIT_SMBD_NOTIFY_NODES_H

#include "tests/unit/loop/loop_test.h"

#include "smbd/notify/notify.h"
#include "smbd/wire/smb2.h"

#define NODES 3
#define WORKERS 2
#define SLOTS 16

struct tnode {
	uint32_t id;
	uint64_t incarnation; /* 0: down */
	struct ntf *w[WORKERS];
};

struct tnet {
	struct tnode nodes[NODES];
	uint64_t epoch;
	uint64_t delay, view_delay; /* the largest, ns */
	uint64_t rng;
	unsigned int links; /* messages that were sent through older ones are lost */
	bool down; /* nothing goes through */
	unsigned int drop; /* so many of the next messages are lost, and nobody is told that a link was */
	uint32_t level; /* of the views */
	unsigned int in_flight;
};

extern struct tnet net;

/* What the owners of directories hear (ntf_config), and the next view of a worker just before it takes it; may be NULL. */
struct thooks {
	void (*changed)(uint32_t node, uint32_t worker, const struct file_key *dir, const struct ntf_by *by);
	void (*missed)(uint32_t node, uint32_t worker);
	void (*view)(uint32_t node, uint32_t worker, const struct view *v);
};
extern struct thooks net_hooks;

/* [task] All nodes up, in the first view, settled. SEED=n repeats a run. */
void net_start(void);
/* The same in a cluster of that level. */
void net_start_level(uint32_t level);
/* [task] Ends all. */
void net_stop(void);
uint64_t net_random(void);
void net_node_start(uint32_t node);
void net_node_crash(uint32_t node);
/* Everyone who runs is in the next view. */
void net_view(void);
/* What is on its way is lost, and what is sent until net_heal(). */
void net_cut(void);
void net_heal(void);
/* [task] Waits until nothing is on its way any more. */
void net_settle(void);

struct file_key dir_key(uint64_t inode);
/* A directory whose owner is that worker in the present view. */
struct file_key dir_owned_by(uint32_t node, uint32_t worker);

#endif
