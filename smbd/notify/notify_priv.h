/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The notify module's inside: who is where, messages in and out. On the worker's loop. */
#ifndef HF_SMBD_NOTIFY_NOTIFY_PRIV_H
#define HF_SMBD_NOTIFY_NOTIFY_PRIV_H

#include "node/base/clock.h"
#include "node/base/htable.h"
#include "smbd/notify/msg.h"
#include "smbd/notify/notify.h"

/* What a slot's watches are, in INTEREST. */
enum ntf_interest {
	WANT_PLAIN = 1 << 0,
	WANT_TREE = 1 << 1,
	WANT_ALL = WANT_PLAIN | WANT_TREE,
};

/* A slot as everybody sees it, and as its owner does. */
struct ntf_slot {
	struct place owner;
	bool owned;
	uint64_t moved; /* epoch of the view in which that began */
	uint8_t interest; /* what its owner says, or WANT_ALL before it has said anything */
	/* the owner's */
	uint8_t said; /* in the statement `version` */
	uint64_t said_at; /* version in which the last bit of `said` came */
	uint32_t n_regs, n_trees;
	bool leases; /* ntf_slot_want() */
};

/* Another end: a worker of a member. */
struct ntf_peer {
	struct hnode node;
	struct place place;
	uint64_t sent, heard; /* EVENTs and TELLs: to it, and how many it said it has sent to us */
	uint64_t confirmed; /* of `sent`: it knows that there were so many */
	uint64_t told, acked; /* versions of our interest that it was sent, and that it has */
	uint64_t told_at;
	uint64_t version; /* of its interest */
};

/* A directory with watches, at its owner. */
struct ntf_dir {
	struct hnode by_key;
	struct file_key key;
	uint32_t slot;
	struct list regs; /* ntf_reg.in_dir */
};

/* A watch as the owner of its directory knows it. */
struct ntf_reg {
	struct hnode by_id;
	struct list in_dir;
	struct list waiting; /* in ntf.waiting: not everybody knows of it yet */
	struct ntf_dir *dir;
	struct place home;
	uint64_t id;
	uint32_t round;
	uint32_t filter;
	bool tree;
};

/* A watch at its home. */
struct ntf_watch {
	struct hnode by_id;
	struct list unarmed; /* in ntf.unarmed */
	struct ntf *ntf;
	struct ntf_want want;
	struct ntf_buf buf;
	uint64_t id;
	uint32_t slot;
	uint32_t round;
	bool armed;
	bool late; /* something may have been missed before it is armed */
	uint64_t asked_at;
	struct gate gate;
};

struct ntf {
	struct ntf_config cfg;
	struct view *view; /* the last one, of a level that has notifications; or NULL */
	bool asleep; /* the cluster's level is too low */
	bool raised_early; /* there were changes before the first view */
	struct ntf_slot *slots; /* [n_slots] */
	uint32_t n_interest, n_tree; /* slots with any bit, with WANT_TREE */
	struct htable peers;

	struct htable watches; /* ntf_watch */
	struct list unarmed;

	struct htable dirs, regs;
	struct list waiting; /* ntf_reg */
	uint64_t version; /* of what we say about our slots */

	struct list early; /* messages of a view that has not come yet */
	uint32_t n_early;
	struct timer tick;
	uint64_t slow_tick;
	struct ntf_stats stats;
};

/* --- notify.c --- */
static inline uint32_t ntf_slot_of(const struct ntf *n, const struct file_key *key)
{
	return place_slot_of_file(key, n->cfg.n_slots);
}
static inline bool ntf_is_self(const struct ntf *n, const struct place *p)
{
	return place_equal(p, &n->cfg.self);
}
/* Sends `m`; to this worker itself it is handed at once. */
void ntf_send(struct ntf *n, const struct place *to, struct ntm *m);
/* NULL: no member, or no memory. */
struct ntf_peer *ntf_peer_get(struct ntf *n, const struct place *p);
/* Something from there is missing: whatever it may have been. */
void ntf_gap(struct ntf *n, const struct place *from);

/* --- watch.c: the home --- */
void watch_take(struct ntf *n, const struct ntm *m);
/* Watches whose owner changed in this view begin anew; `died`: a member is not there any more. */
void watch_view(struct ntf *n, bool died);
/* Messages from this owner (NULL: from anywhere) are missing. */
void watch_lose(struct ntf *n, const struct place *owner);
void watch_tick(struct ntf *n);

/* --- registry.c: the owner --- */
void registry_take(struct ntf *n, const struct ntm *m);
void registry_view(struct ntf *n);
/* An event may be missing: everybody who is registered hears it. */
void registry_lose(struct ntf *n);
/* ... and who wants slots. */
void registry_missed(struct ntf *n);
void registry_tick(struct ntf *n, bool slow);
void registry_free(struct ntf *n);
/* What is to be told to it was lost, maybe. */
void registry_linked(struct ntf *n, struct ntf_peer *p);

/* --- raise.c: who makes changes --- */
/* What an owner says about its slots. */
void interest_take(struct ntf *n, const struct ntm *m);
/* Slots that have another owner count as watched. */
void interest_moved(struct ntf *n, struct ntf_slot *s);
void interest_set(struct ntf *n, struct ntf_slot *s, uint8_t bits);

#endif
