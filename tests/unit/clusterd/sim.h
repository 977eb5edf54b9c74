/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A simulated cluster around the membership core: rings with total order, partitions, late and paused processes, a
 * store with latency, and an smbd on each node that obeys the right to serve. Everything follows from one seed. After
 * each event the rules are checked; the first one that is broken is in `broken`.
 */
#ifndef HF_TESTS_UNIT_CLUSTERD_SIM_H
#define HF_TESTS_UNIT_CLUSTERD_SIM_H

#include "clusterd/vcore.h"

#define SIM_NODES 7

struct sim_event;

struct sim_node {
	struct sim *sim;
	uint32_t id, pid;
	bool up;         /* clusterd runs */
	bool cut_off;    /* its corosync is down */
	uint32_t group;  /* nodes of one group hear each other */
	uint64_t paused_until;   /* of clusterd */
	uint64_t ring_seq;
	struct vcore core;
	bool running;    /* core is initialised */
	struct level_range levels; /* of the release that it starts with next */
	bool outdated;   /* clusterd must end */
	struct sim_event *inbox, **inbox_tail;
	uint64_t inbox_at; /* when the process looks at it */
	uint64_t step_at;
	uint64_t epoch;
	uint32_t level;
	/* the CAS under way */
	struct view *cas_base, *cas_next;
	uint64_t cas_at, cas_done_at;
	int cas_status;
	struct view *cas_stored;
	/* smbd */
	uint64_t inc;       /* 0: does not run */
	uint64_t deadline;  /* as smbd knows it */
	uint64_t lease_msg, lease_msg_at; /* on its way to smbd */
	uint64_t last_view_inc; /* incarnation the newest view of this clusterd gives it */
	bool smbd_linked;
};

struct sim {
	uint64_t now, seed, lease_ns;
	uint32_t n;
	uint64_t ring_seq;
	struct sim_node nodes[SIM_NODES];
	struct view *stored;
	struct view *by_epoch[4096];
	struct sim_event *wire; /* sent, not ordered yet */
	uint64_t installed; /* views installed in all */
	char broken[256];
};

void sim_init(struct sim *s, uint32_t nodes, uint64_t seed);
void sim_done(struct sim *s);
uint32_t sim_random(struct sim *s, uint32_t below);
/* Runs for `ns`. */
void sim_run(struct sim *s, uint64_t ns);
/* Puts each node into a group; nodes of different groups do not hear each other from now on (detected at once). */
void sim_partition(struct sim *s, const uint32_t *groups);
/* A node whose release does not speak the level of the stored view does not start. */
void sim_start(struct sim *s, uint32_t i);
/* The operator at node `i` raises the level. */
void sim_raise(struct sim *s, uint32_t i, uint32_t level, bool without_absent);
/* clusterd dies; `corosync`: the whole node, smbd too. */
void sim_kill(struct sim *s, uint32_t i, bool node);
void sim_pause(struct sim *s, uint32_t i, uint64_t ns);
void sim_smbd_start(struct sim *s, uint32_t i);
void sim_smbd_kill(struct sim *s, uint32_t i);
/* Whether smbd of node `i` would answer a client now. */
bool sim_serves(const struct sim *s, uint32_t i);

#endif
