/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The core of the membership: from configuration changes and multicast messages to views and the right to serve.
 *
 * How a view comes about. After each configuration change every member multicasts a SYNC: its own state, the newest
 * view it knows, and for how long nodes that are absent may yet serve on its echo. When all SYNCs of the configuration
 * are delivered, everybody knows the same. The lowest node id of a quorate configuration is the publisher. It removes
 * an absent node in two steps: once nobody's echo can be in use, it multicasts REMOVE, which counts only when it is
 * delivered in the very configuration it was sent in (so it is void when the absent node came back in between); and
 * then it computes the next view, puts it into the store by compare-and-set upon the view before, and multicasts it.
 * The store makes the views one line of history, whoever publishes; the multicast makes everybody see them in order.
 *
 * A run of smbd that was in a view and is in none any more (or is condemned by a REMOVE) is over for good: only a new
 * incarnation comes back.
 *
 * The view also names the level of the cluster (node/base/level.h). The first view takes the highest one that all who are there
 * speak; after that only a RAISE changes it. Like REMOVE it counts in the configuration in which it is delivered, where all
 * members know the same of each other. Who does not speak the cluster's level gets no place in a view, publishes none, and
 * leaves as soon as he hears of it.
 *
 * Pure: no input or output but through the ops, time is passed in (clock_mono_ns). One thread; an op must not call back
 * into the core.
 */
#ifndef HF_CLUSTERD_VCORE_H
#define HF_CLUSTERD_VCORE_H

#include "clusterd/lease.h"
#include "clusterd/outlook.h"

struct vcore_ring {
	uint32_t node_id;
	uint64_t seq;
};

/* A process of the CPG group. */
struct vcore_proc {
	uint32_t node_id;
	uint32_t pid;
};

struct vcore_ops {
	/* Multicast `m` (to ourselves too), in the order of the calls. Owns nothing of it. */
	void (*send)(void *arg, const struct msg *m);
	/* Put `next` into the store where it must follow `base`; answer with vcore_published(). One at a time. */
	void (*publish)(void *arg, const struct view *base, const struct view *next);
	/* A view is in force. */
	void (*view)(void *arg, const struct view *v);
	/* Our smbd may serve until `deadline`; 0: not at all. Called when it changes. */
	void (*lease)(void *arg, uint64_t deadline);
	/* The incarnation of our smbd is over: the others went on without it. */
	void (*evicted)(void *arg, uint64_t incarnation);
	/* The cluster has a level that this node does not speak: it must leave. */
	void (*outdated)(void *arg, uint32_t level);
};

struct vcore_member {
	struct vcore_proc proc;
	bool synced;
	uint64_t synced_at;
	struct msg_node node;
	uint32_t n_remaining;
	struct msg_remaining remaining[VIEW_MEMBERS_MAX]; /* as of synced_at */
};

struct vcore {
	const struct vcore_ops *ops;
	void *arg;
	struct msg_node self;
	struct view *view; /* never NULL */
	struct level_range levels; /* of this clusterd */
	struct lease lease;

	/* the configuration */
	struct vcore_ring ring;
	uint64_t config;
	bool quorate;
	uint32_t quorum; /* majority of all votes */
	uint32_t n_votes;
	struct vcore_votes { uint32_t node_id, votes; } votes[VIEW_MEMBERS_MAX];
	uint32_t n;
	struct vcore_member members[VIEW_MEMBERS_MAX]; /* by node id */

	uint32_t n_condemned;
	struct msg_run condemned[VIEW_MEMBERS_MAX];
	bool sync_due;      /* our SYNC for this configuration is not sent yet */
	uint32_t raise;     /* the level that a RAISE wants in this configuration; 0: none does */
	bool removing;      /* a REMOVE of ours is on its way */
	bool publishing;    /* the store works on it */
	uint64_t published; /* epoch that the store has, while its VIEW is on its way; 0: none */
	uint64_t all_synced_at; /* 0: not yet */
	bool second_beat;   /* was sent in this configuration */
	uint64_t last_beat;
	uint64_t deadline;  /* as last reported */
};

/* `self` is copied (the levels that it begins with are those of clusterd itself), `stored` (the view in the store, or NULL) referenced, `lease_ns` is L, `boot` random. */
void vcore_init(struct vcore *c, const struct vcore_ops *ops, void *arg, const struct msg_node *self,
		const struct view *stored, uint64_t lease_ns, uint64_t boot, uint64_t now);
void vcore_done(struct vcore *c);

/* The members of the group, or the ring below it, changed; n == 0: we are in no group (corosync died). Call
 * vcore_step() when everything that belongs to the change was told. */
void vcore_config(struct vcore *c, const struct vcore_ring *ring, const struct vcore_proc *procs, uint32_t n);
/* Votes of all configured nodes, their majority, and whether corosync finds this partition quorate. */
void vcore_quorum(struct vcore *c, bool quorate, uint32_t quorum, const struct vcore_votes *votes, uint32_t n);
/* A message was delivered; those that are not for the core (MSG_KICK ...) do nothing. */
void vcore_deliver(struct vcore *c, uint32_t from, uint32_t from_pid, const struct msg *m, uint64_t now);
/* Our own smbd came, went or changed. */
void vcore_self(struct vcore *c, const struct msg_node *self);
/* The store's answer to publish(): 0: `next` is stored. -ESTALE: it holds `stored`, which does not equal the base.
 * Another error: nothing is known, it is tried again. */
void vcore_published(struct vcore *c, int status, const struct view *stored);
/* Does what is due. Returns when to call again (clock_mono_ns); call it after every other call too. */
uint64_t vcore_step(struct vcore *c, uint64_t now);

/* What stands against raising the level, as far as the present configuration tells. */
void vcore_outlook(const struct vcore *c, bool without_absent, struct outlook *ret);

/* Whether this node publishes views at the moment. */
bool vcore_is_publisher(const struct vcore *c);
/* Whether every member of the configuration has told its state. */
bool vcore_synced(const struct vcore *c);
/* The state of a present member, NULL when it is absent or has not told. */
const struct msg_node *vcore_node(const struct vcore *c, uint32_t node_id);

#endif
