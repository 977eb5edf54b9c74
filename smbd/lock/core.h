/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The decisions of a slot's owner: (state, message, time) -> (state, messages, records to write).
 * No I/O, no clock, no waiting: a decision that needs others first (a recalled permit, an
 * acknowledged note) is parked in the file and run again when the last acknowledgement has come.
 * Belongs to the owner's worker.
 */
#ifndef HF_SMBD_LOCK_CORE_H
#define HF_SMBD_LOCK_CORE_H

#include "smbd/lock/counts.h"
#include "smbd/lock/lease.h"
#include "smbd/lock/msg.h"

/* --- effects --- */

/* A message to be sent once everything that was decided before it is durable. */
struct fx_out {
	struct list link;
	struct place to;
	struct lk_msg msg; /* owns what it points to */
};

/* What a decision gave away, which must be taken back when its records cannot be written; those of other opens, maybe: who waited for
 * somebody's close is told with him. */
enum undo {
	UNDO_OPEN, /* the open itself */
	UNDO_ATTACH, /* it was given to the home that asked in `req` */
	UNDO_LOCKS, /* those granted to `req` */
	UNDO_DELETION, /* its file is to be deleted because it asked for that */
	UNDO_REPLY, /* the answer to `req`, which waits for acknowledgements */
};

struct fx_undo {
	struct list link;
	enum undo what;
	uint64_t id;
	uint64_t req;
};

/* A closed open whose file is to be unlinked by the owner. */
struct fx_unlink {
	struct list link;
	struct rec_open rec;
};

/* Effects of one decision. */
struct fx {
	struct list outs, undos, unlinks;
	uint64_t *ids; /* opens whose records changed */
	size_t n_ids, cap_ids;
	int err; /* -ENOMEM: a record change was not noted */
};

void fx_init(struct fx *fx);
void fx_done(struct fx *fx);
/* Queues a message; what `m` points to moves. A message that cannot be queued is a message lost. */
struct lk_msg *fx_send(struct fx *fx, struct place to, struct lk_msg *m);
/* The record of this open is to be written (or removed when it is gone or not persistent any more).
 */
void fx_put(struct fx *fx, uint64_t id);
bool fx_puts(const struct fx *fx, uint64_t id);
/* Whether it gave this open away. */
bool fx_gives(const struct fx *fx, uint64_t id);
/* Whether it left the answer to this request of an open waiting. */
bool fx_owes(const struct fx *fx, uint64_t id, uint64_t req);
void fx_add_undo(struct fx *fx, enum undo what, uint64_t id, uint64_t req);
void fx_add_unlink(struct fx *fx, const struct rec_open *rec);

/* --- state --- */

struct lk_file;
struct lk_ent;

/* Lease (MS-SMB2 3.3.1.12) with its opens on one file, or the oplock of one open. */
struct lk_lease {
	struct list in_file;
	struct list breaking; /* core.breaking while an acknowledgement is to come */
	struct list ents; /* lk_ent.in_lease */
	struct lk_file *file;
	struct guid client;
	struct list in_dirs; /* core.dirs: on a directory */
	struct rec_lease m; /* rec.lease of each of its opens */
	uint64_t deadline; /* core.mono from which on the acknowledgement is too late */
	bool behind; /* a home re-asserted what it was before */
	bool unsaid; /* its break began while no client could hear of it */
	bool refused; /* while its client was away, somebody else was turned away */
};

/* Open as the owner knows it. */
struct lk_ent {
	struct rec_open rec;
	struct lk_file *file;
	struct list in_file; /* opens or zombies of the file */
	struct lk_lease *lease; /* NULL: no caching asked for */
	struct list in_lease;
	struct lk_node *node; /* the directory of rec.path; NULL: none */
	struct list in_node;
	struct list noted; /* core.noted while a note is not acknowledged */
	struct hnode by_id;
	uint64_t note; /* the note that is not acknowledged; 0: none */
	uint32_t note_flags;
	int note_why;
	bool permit; /* its home need not ask */
	bool write_permit; /* nor before it writes; never without `permit` */
	bool io; /* its home may be at an I/O that it asked for */
	bool zombie; /* closed; only its home has to acknowledge that, or it is the file's mark */
	bool asserted; /* its home named it since this owner took the slot */
	bool unlinking; /* the owner's own unlink runs */
	/* Its record, as it was loaded or last handed to the store, has a deadline. Without one the record says: at a home. If
	 * that home is gone, whoever loads it disconnects the open by himself. */
	bool deadline_stored;
	uint64_t store_by; /* wall clock, ns: disconnected without a stored deadline, it gets one then; 0: no need */
};

/* A LOCK request that cannot be granted yet. */
struct lk_waiter {
	struct list link;
	struct lk_ent *ent;
	struct place from;
	uint64_t req;
	struct lk_seq seq;
	bool wait; /* else it only waits for permits to come back, and is refused on a conflict */
	bool told;
	unsigned int n;
	struct lk_range ranges[];
};

/* Something that goes on once no note of the file is unacknowledged. */
struct lk_parked {
	struct list link;
	bool reply; /* send `msg` to `to`; else decide it anew */
	struct place to;
	struct lk_msg msg;
};

struct lk_file {
	struct hnode by_key;
	struct file_key key;
	struct list opens, zombies, waiters, parked;
	struct list leases;
	struct list blocked; /* struct lk_parked: until a break has ended */
	struct list touched; /* core.touched: may be empty now */
	struct lk_ent *mark; /* mark.c; NULL: none */
	uint32_t n_opens, n_waiters;
	uint32_t unacked;
	bool delete_pending;
	uint64_t deleter; /* the open that had it deleted by a request, as long as nothing else did; 0: none */
	uint64_t version; /* of path and delete_pending */
	bool kicking, again;
	bool unblock; /* a break has ended since */
};

struct lk_core {
	uint32_t slot;
	const struct lk_limits *limits;
	const struct view *view; /* in force; who is alive */
	struct htable files, ents;
	struct htable nodes; /* struct lk_node, see below.c */
	struct list noted, touched, breaking;
	struct list dirs; /* struct lk_lease */
	/* Whether changes of the slot's directories will be heard of: else no lease is granted on
	 * one. NULL: never. */
	bool (*dirs_armed)(void *arg, uint32_t slot);
	void *dirs_arg;
	uint64_t mono; /* loop clock, ns: the shell sets it before each decision */
	struct lease_stats *counts; /* of the worker */
	uint64_t next_note;
	uint64_t next_deadline; /* no disconnected open ends, or is to have its deadline stored, before */
};

/* `limits` and `counts` stay the caller's, and outlive it. */
void core_init(struct lk_core *c, uint32_t slot, const struct lk_limits *limits, struct lease_stats *counts);
/* Frees all state. */
void core_done(struct lk_core *c);

/* Decides a request or an acknowledgement. `now`: wall clock, ns. `m` stays the caller's, but its
 * rec, path and share_name may be moved out. */
void core_handle(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
/* As core_handle(), for what was parked inside of it. */
void core_redo(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
/* Takes a loaded record, which moves. -EEXIST, -ENOMEM. */
int core_load(struct lk_core *c, struct rec_open *rec) HF_MUST_CHECK;
/* Takes a re-asserted open (LKM_REASSERT). */
void core_assert(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
/* Every member has re-asserted: settles what nobody named. */
void core_serve(struct lk_core *c, uint64_t now, struct fx *fx);
/* c->view has changed: opens of homes that are gone are closed or disconnected. */
void core_view(struct lk_core *c, uint64_t now, struct fx *fx);
/* Closes what is disconnected past its deadline. */
void core_scavenge(struct lk_core *c, uint64_t now, struct fx *fx);
/* Ends the breaks that were not acknowledged in time. */
void core_breaks(struct lk_core *c, uint64_t now, struct fx *fx);
/* An entry of the directory changed: breaks what caches it, but for the lease that `by` (may be
 * NULL) names. */
void core_dir_changed(struct lk_core *c, const struct file_key *dir, const struct guid *by,
		      struct fx *fx);
/* Any directory may have changed. */
void core_dirs_missed(struct lk_core *c, struct fx *fx);
/* Whether anything is open below a directory (share and path as in records). */
bool core_below(const struct lk_core *c, const char *share, const char *path);
/* Whether somebody caches a directory. */
bool core_dirs_wanted(const struct lk_core *c);
/* Sends every note again that is not acknowledged. */
void core_renote(struct lk_core *c, struct fx *fx);
/* The owner's own unlink of a file ended. */
void core_unlinked(struct lk_core *c, uint64_t id, bool done, uint64_t now, struct fx *fx);
/* The records of `failed` could not be written: takes back what it granted; answers that it left waiting say `status`;
 * further effects go to `fx`. */
void core_fail(struct lk_core *c, const struct fx *failed, int status, uint64_t now, struct fx *fx);
/* The same of a later decision, that nobody was told of yet, as far as it gave away again what `failed` did. */
void core_fail_later(struct lk_core *c, const struct fx *failed, const struct fx *later, uint64_t now, struct fx *fx);
/* Whether the deletion of this open's file rests on `failed`. */
bool core_undeletes(const struct lk_core *c, const struct fx *failed, const struct lk_ent *e);

struct lk_ent *core_find(const struct lk_core *c, uint64_t id);
/* The record of this open, as it is now, goes to the store. */
void core_stored(struct lk_ent *e);

#endif
