/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The right to serve. Quorum alone does not fence: a paused node believes in the quorum of before. So each clusterd
 * multicasts a heartbeat LEASE_BEATS times in a lease, with the newest heartbeat of everyone else that it has seen (the
 * echo). A node may serve until L after it *sent* the newest heartbeat that has come back from members who, with
 * itself, have a majority of all votes. Whoever echoes remembers until when its echo may be used, and nobody takes
 * over from a node before every member of a majority has outlived what it remembers: any two majorities share a member.
 *
 * Pure: time is passed in (clock_mono_ns). One thread.
 */
#ifndef HF_CLUSTERD_LEASE_H
#define HF_CLUSTERD_LEASE_H

#include "clusterd/msg.h"

#define LEASE_RING 64
/* When a member dies unheard, the right of all others is at least the lease less two beats: one until their own next
 * beat, one until it is echoed. */
#define LEASE_BEATS 16

struct lease_peer {
	uint32_t node_id; /* 0: free */
	bool present;     /* in the present configuration: is echoed */
	uint64_t boot;    /* of its clusterd */
	uint64_t seq;     /* its newest heartbeat */
	uint64_t until;   /* it may serve on our echo until then */
	uint64_t acked;   /* our newest heartbeat that it echoed; 0: none */
	uint64_t heard;   /* when its newest heartbeat came */
};

struct lease {
	uint32_t self;
	uint64_t boot;
	uint64_t length; /* L, ns */
	uint64_t seq;    /* of our newest heartbeat */
	uint64_t sent[LEASE_RING]; /* when seq was sent, at seq % LEASE_RING */
	uint64_t start;
	struct lease_peer peers[VIEW_MEMBERS_MAX];
};

/* Votes of a node, as corosync counts them. */
typedef uint32_t lease_votes_fn(void *arg, uint32_t node_id);

/* `boot` is random and not 0; `length` is this node's L. Nodes that were never heard count as echoed at `now`: this
 * process may be the second on its node, and the first one may just have echoed anybody. */
void lease_init(struct lease *l, uint32_t self, uint64_t boot, uint64_t length, uint64_t now);
/* Says who is in the configuration: only these are echoed. */
void lease_set_present(struct lease *l, const uint32_t *nodes, uint32_t n);
/* Makes the next heartbeat; it counts as sent at `now`, so multicast it at once. */
void lease_beat(struct lease *l, uint64_t now, struct msg_beat *ret);
/* A heartbeat of `from` (also one's own) was delivered. */
void lease_heard(struct lease *l, uint32_t from, const struct msg_beat *b, uint64_t now);
/* Until when this node may serve; 0: never had the right. `quorum` is the majority of all votes. */
uint64_t lease_deadline(const struct lease *l, lease_votes_fn *votes, void *arg, uint32_t quorum);
/* For how long yet `node_id` may be serving on an echo of ours, with a margin for clocks that run at different rates. */
uint64_t lease_remaining(const struct lease *l, uint32_t node_id, uint64_t now);
/* Whether every node of the configuration was heard at `since` or later. */
bool lease_heard_all(const struct lease *l, uint64_t since);

#endif
