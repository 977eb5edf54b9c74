/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of the name space, cluster-wide: who makes one raises one event, it goes to the owner of
 * the directory (the owner of the slot of its file key, as for opens), and the owner tells those who
 * watch the directory, wherever their home is. One `struct ntf` per worker, on the worker's loop: the
 * home of watches, the owner of directories, and what changes are raised at.
 *
 * Leases on directories are broken by the same events: whoever grants them, as the owner of a slot,
 * says that it wants the events of that slot, and grants none before everybody knows
 * (ntf_slot_armed()).
 *
 * Nobody watches: nothing is sent. Every worker knows which slots have watches (two bits a slot,
 * told by their owners; a slot of which it has not heard yet counts as watched), and a watch counts
 * as armed once every worker knows.
 *
 * A tree is watched at the owner of its top. Who makes a change further down looks up the keys of
 * the directories above it, as long as anybody watches any tree, and tells the owners of those in
 * whose slots a tree is watched.
 *
 * Nothing is lost in silence. Messages between two workers are counted, and the count is asked for
 * again until the other end has confirmed it; who finds a gap, sees a member leave, or a watch come to another owner, tells the watches that are concerned that
 * something was missed: their clients hear STATUS_NOTIFY_ENUM_DIR and list the directory.
 */
#ifndef HF_SMBD_NOTIFY_NOTIFY_H
#define HF_SMBD_NOTIFY_NOTIFY_H

#include "node/loop/task.h"
#include "smbd/notify/msg.h"

struct ntf;
struct ntf_watch;

/* How messages get to the same module on another worker. As lk_net: keeps the order between two
 * ends, may lose anything. */
struct ntf_net {
	/* Sends a copy of `msg` to worker `worker` of `node`, which shall get it by ntf_receive().
	 * On the sending worker's thread; must not wait. */
	void (*send)(struct ntf_net *net, uint32_t node, uint32_t worker, struct blob msg);
};

struct ntf_config {
	struct loop *loop;
	struct ntf_net *net;
	struct place self; /* node, worker, incarnation */
	uint32_t n_slots; /* of the store */
	/* To who said ntf_slot_want(): an entry of a directory of such a slot changed; any of them
	 * may have, unheard. On the worker's thread; must not wait. May be NULL. */
	void (*changed)(void *arg, const struct file_key *dir, const struct ntf_by *by);
	void (*missed)(void *arg);
	void *arg;
};

/* -ENOMEM. */
int ntf_new(const struct ntf_config *cfg, struct ntf **ret) HF_MUST_CHECK;
/* Ends it; no watch may be left. NULL is fine. */
void ntf_free(struct ntf *n);
/* Takes the next view (a reference of it): every one in which this incarnation is a member, in
 * order. Below LEVEL_NOTIFY nothing is watched, and nothing sent. -ENOMEM: this incarnation has to
 * end. */
int ntf_view(struct ntf *n, const struct view *v) HF_MUST_CHECK;
/* Takes a message that ntf_net.send() of another one sent. Bytes are not trusted. */
void ntf_receive(struct ntf *n, uint32_t from_node, struct blob msg);
/* The way to another worker works again: what was lost on it comes out. */
void ntf_linked(struct ntf *n, const struct place *to);

/* Whether the cluster has the level for it. */
bool ntf_active(const struct ntf *n);

/* --- watching --- */

struct ntf_want {
	struct file_key dir;
	uint32_t filter; /* SMB2_NOTIFY_CHANGE_* */
	bool tree;
	uint32_t max; /* bytes of entries that are kept between requests */
	struct limit *limit; /* what they are charged to; outlives the watch */
	/* There is something to take, or the directory is being deleted (`gone`). On the worker's
	 * thread; must not wait, and calls nothing of here but ntf_watch_take(). */
	void (*ready)(void *arg, bool gone);
	void *arg;
};

/* Begins to watch; nothing is missed once it is armed. -ENOMEM. */
int ntf_watch_new(struct ntf *n, const struct ntf_want *want, struct ntf_watch **ret) HF_MUST_CHECK;
/* NULL is fine. */
void ntf_watch_free(struct ntf_watch *w);
/* [task] Waits until it is armed. 0, -ETIME at `deadline` (loop clock), -ECANCELED. */
int ntf_watch_wait(struct ntf_watch *w, uint64_t deadline);
/* The client counts on it from now on: when it is not armed yet, it will have missed something. */
void ntf_watch_counts(struct ntf_watch *w);
/* Something happened that it does not know of. Does not call ready(). */
void ntf_watch_lose(struct ntf_watch *w);
/* As ntf_buf_take(). */
enum ntf_got ntf_watch_take(struct ntf_watch *w, size_t limit, struct wr *wr);

/* --- the owner of a slot, for itself --- */

/* It wants, or does not want any more, what happens in the directories of a slot of its own.
 * Forgotten when the slot goes to another owner: then changes may be missed before the next one
 * says so. */
void ntf_slot_want(struct ntf *n, uint32_t slot, bool on);
/* Whether everybody who may make a change knows that events of this slot, which is ours, are
 * wanted, be it by watches: then ntf_slot_want() goes on from there without a gap. */
bool ntf_slot_armed(struct ntf *n, uint32_t slot);

/* --- changes --- */

/* Whom a change concerns. */
enum ntf_audience {
	NTF_ALL = 0,
	NTF_WATCHES, /* those who watch; leases are not broken by it */
	NTF_LEASES, /* those who cache the directory (ntf_config.changed) */
};

struct ntf_event {
	struct file_key dir; /* whose entries changed */
	bool deep; /* ... or things further down: only for those who watch the tree */
	bool gone; /* no entry, but the directory itself: it is being deleted */
	uint32_t filter; /* the SMB2_NOTIFY_CHANGE_* that it answers to; 0 with `gone` */
	struct ntf_change changes[2]; /* relative to `dir` */
	unsigned int n_changes;
	struct ntf_by by;
	enum ntf_audience audience;
};

/* Whether any directory, or any tree, may be watched anywhere: when not, events need not be made. */
bool ntf_wanted(const struct ntf *n);
bool ntf_wanted_tree(const struct ntf *n);
/* Tells who watches. Never waits. */
void ntf_raise(struct ntf *n, const struct ntf_event *e);
/* There was a change, and it could not be found out where: everybody who watches has missed
 * something. */
void ntf_raise_unknown(struct ntf *n);

/* For tests. */
struct ntf_stats {
	size_t watches; /* of this home */
	size_t registered; /* at this owner */
	uint64_t sent; /* messages to other workers */
	uint64_t missed; /* times that something was told to be missed */
	uint32_t slots_wanted, slots_tree; /* as this worker knows them */
};
void ntf_stats(const struct ntf *n, struct ntf_stats *ret);

#endif
