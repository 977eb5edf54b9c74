/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Corosync: the process group (CPG), votes (votequorum) and the configured nodes (cmap), on a qb_loop. Connects, and
 * connects again when corosync dies. Nodes are known by their node ids; cmap's own indexes shift on reload. One thread.
 */
#ifndef HF_CLUSTERD_CS_H
#define HF_CLUSTERD_CS_H

#include <qb/qbloop.h>

#include "clusterd/vcore.h"

struct cs;

#define CS_NODES_MAX VIEW_MEMBERS_MAX

/* A node of corosync's nodelist. */
struct cs_node {
	uint32_t node_id;
	uint32_t votes;
	char name[VIEW_NAME_MAX + 1];
	char addr[VIEW_ADDR_MAX + 1];
};

/* What corosync is configured to, as read when it was connected and at each change of the quorum. */
struct cs_info {
	uint32_t node_id;
	uint32_t token_ms;
	bool two_node;
	char cluster[64];
	uint32_t n;
	struct cs_node nodes[CS_NODES_MAX];
	bool quorate;
	uint32_t expected, quorum; /* votes; quorum: the majority that counts for the right to serve */
};

struct cs_ops {
	/* Connected; cs_join() is next. */
	void (*up)(void *arg);
	/* Corosync is gone. */
	void (*down)(void *arg);
	/* As vcore_config(), vcore_quorum(). */
	void (*config)(void *arg, const struct vcore_ring *ring, const struct vcore_proc *procs, uint32_t n);
	void (*quorum)(void *arg, const struct cs_info *info);
	void (*message)(void *arg, uint32_t from, uint32_t pid, struct blob b);
	/* All that was waiting is told. */
	void (*settled)(void *arg);
};

/* Starts to connect. -ENOMEM. */
int cs_new(qb_loop_t *loop, const struct cs_ops *ops, void *arg, struct cs **ret);
/* Leaves the group in order. NULL is allowed. */
void cs_free(struct cs *c);
/* Joins the group; from up() or later. A failure is treated like the death of corosync. */
void cs_join(struct cs *c);
/* Multicasts in order of the calls; what does not go now goes later. -ENOTCONN, -EMSGSIZE, -ENOMEM. */
int cs_send(struct cs *c, struct blob b);
bool cs_is_up(const struct cs *c);
const struct cs_info *cs_info(const struct cs *c);

#endif
