/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the clusterds of a cluster multicast through CPG, as structs, and their bytes (clusterd/cpg.proto). Pure; any
 * thread. The order of delivery is the same at every member of a configuration; that is what the view rests on.
 */
#ifndef HF_CLUSTERD_MSG_H
#define HF_CLUSTERD_MSG_H

#include "clusterd/client/view.h"
#include "node/base/arena.h"

enum msg_type {
	MSG_SYNC = 1, /* everything one node knows, once per configuration */
	MSG_NODE,     /* the sender's own state changed */
	MSG_REMOVE,   /* decision: these runs are dead, their leases are over */
	MSG_VIEW,     /* a view that the store has accepted */
	MSG_BEAT,     /* heartbeat, with the echo of everybody else's */
	MSG_KICK,     /* the configuration in the store changed */
	MSG_ASK,      /* an operator's question to one node */
	MSG_ANSWER,
	MSG_RAISE,    /* the operator wants another level */
};

/* One run of a node's smbd. */
struct msg_run {
	uint32_t node_id;
	uint64_t incarnation;
};

struct msg_node {
	struct view_member member;
	bool entered; /* this incarnation was in a view: when it is in none any more, it is over */
	bool unsure;  /* clusterd was restarted and has not heard yet whether its smbd lives: leave the view's word */
};

struct msg_remaining {
	uint32_t node_id;
	uint64_t ns; /* how long, at most, that node may still serve on the sender's echo, as of sending */
};

struct msg_sync {
	uint64_t config; /* see vcore_config_id(): the configuration this belongs to */
	struct msg_node node;
	struct view *view; /* owned */
	uint32_t n_condemned, n_remaining;
	struct msg_run condemned[VIEW_MEMBERS_MAX];
	struct msg_remaining remaining[VIEW_MEMBERS_MAX];
};

struct msg_remove {
	uint64_t config;
	uint32_t n;
	struct msg_run runs[VIEW_MEMBERS_MAX];
};

struct msg_echo {
	uint32_t node_id;
	uint64_t boot; /* of the clusterd that sent what is echoed */
	uint64_t seq;
};

struct msg_beat {
	uint64_t boot; /* random, one per run of clusterd */
	uint64_t seq;
	uint64_t lease_ns; /* length of the sender's lease */
	uint32_t n;
	struct msg_echo echoes[VIEW_MEMBERS_MAX];
};

struct msg_ask {
	uint64_t id;
	uint32_t node_id; /* who is asked */
	uint32_t kind;    /* enum cluster_query_kind */
	uint64_t cursor;
	uint32_t limit;
};

struct msg_answer {
	uint64_t id;
	uint32_t node_id; /* who asked */
	uint32_t status;  /* 0 or a positive errno */
	uint64_t next;
	struct blob rows; /* a JSON array; msg_decode: in the arena */
};

struct msg_raise {
	uint32_t level;
	bool without_absent; /* although configured nodes are away */
};

struct msg {
	enum msg_type type;
	union {
		struct msg_sync sync;
		struct msg_node node;
		struct msg_remove remove;
		struct view *view; /* owned */
		struct msg_beat beat;
		uint64_t kick; /* revision */
		struct msg_ask ask;
		struct msg_answer answer;
		struct msg_raise raise;
	};
};

/* Frees what the message owns. */
void msg_done(struct msg *m);
/* As a cluster of `level` has it; bytes in the arena. -ENOMEM. */
int msg_encode(const struct msg *m, uint32_t level, struct arena *a, struct blob *ret);
/* -EBADMSG: not a message, or one whose fields contradict the limits; or one of an
 * older level than this build speaks; -EPROTONOSUPPORT: of a newer one; -ENOMEM.
 * End with msg_done(). */
int msg_decode(struct blob b, struct arena *a, struct msg *ret);

#endif
