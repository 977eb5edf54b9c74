/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the decision core share. */
#ifndef HF_SMBD_LOCK_CORE_PRIV_H
#define HF_SMBD_LOCK_CORE_PRIV_H

#include "smbd/lock/core.h"

/* --- file.c --- */
struct lk_file *file_find(const struct lk_core *c, const struct file_key *key);
/* Finds or makes; NULL: no memory. */
struct lk_file *file_get(struct lk_core *c, const struct file_key *key);
/* Frees the files that nothing refers to any more. */
void file_sweep(struct lk_core *c);
/* The state of the file was changed by `by` (may be NULL): raises versions, tells the homes of all
 * others. */
void file_changed(struct lk_core *c, struct lk_file *f, struct lk_ent *by, struct fx *fx);
/* Something that others wait for has happened: runs what is parked, waiting locks, gives permits
 * back. */
void file_kick(struct lk_core *c, struct lk_file *f, uint64_t now, struct fx *fx);
/* Kicks the files of which something was closed in the middle of a decision. */
void file_kick_touched(struct lk_core *c, uint64_t now, struct fx *fx);
/* Puts `m` aside until all notes of the file are acknowledged, then decides it anew. What it points
 * to moves. */
void file_park(struct lk_file *f, struct lk_msg *m);
/* Puts `m` aside until a break of the file has ended, and tells its home that it waits. */
void file_block(struct lk_file *f, struct lk_msg *m, struct fx *fx);
/* Whether `m` is a copy of a request that is put aside, or whose answer is. */
bool file_waits(struct lk_file *f, const struct lk_msg *m, struct fx *fx);
/* Forgets a request that waits for a break. True: it was there; its kind is in `*ret`. */
bool file_unblock(struct lk_file *f, const struct place *from, uint64_t req, uint32_t *ret);
/* Whether the answer to `m` waits for that already. */
bool file_answers(const struct lk_core *c, const struct lk_msg *m);
/* Answers `m` now, or once all notes of the file are acknowledged. Returns the reply to fill in, or
 * NULL. */
struct lk_msg *file_reply_acked(struct lk_file *f, const struct lk_msg *m, int outcome,
				struct fx *fx);
/* What the store refused: such an answer says `status` when it is sent, and those that say that the file is to be deleted. */
void file_refuse_reply(struct lk_file *f, uint64_t id, uint64_t req, int status);
void file_refuse_deletions(struct lk_file *f, int status);

/* --- ent.c --- */
static inline struct place ent_home(const struct lk_ent *e)
{
	return (struct place){ .node = e->rec.home_node,
			       .worker = e->rec.home_worker,
			       .incarnation = e->rec.home_incarnation };
}
static inline void ent_set_home(struct lk_ent *e, struct place p)
{
	e->rec.home_node = p.node;
	e->rec.home_worker = p.worker;
	e->rec.home_incarnation = p.incarnation;
}
static inline bool ent_at(const struct lk_ent *e, const struct place *p)
{
	struct place h = ent_home(e);

	return place_equal(&h, p);
}
/* Whether its home is a member of the view. */
bool ent_home_alive(const struct lk_core *c, const struct lk_ent *e);
/* Adds an open to its file; `rec` moves. NULL: no memory (rec is untouched). */
struct lk_ent *ent_new(struct lk_core *c, struct lk_file *f, struct rec_open *rec);
/* Takes an open out of its file and its record out of the store. While a note to its home is not
 * acknowledged it goes on as a zombie. */
void ent_remove(struct lk_core *c, struct lk_ent *e, struct fx *fx);
/* From now on it stands for the deletion of its file only. */
void ent_deleting(struct lk_core *c, struct lk_ent *e, struct fx *fx);
/* As ent_remove(), but its record stays as the file's mark, which must have none. */
void ent_mark(struct lk_core *c, struct lk_ent *e, struct fx *fx);
/* A change of its record: raises the version and has it written. */
void ent_changed(struct lk_ent *e, struct fx *fx);
/* Tells the home something that it has to acknowledge. */
void ent_note(struct lk_core *c, struct lk_ent *e, uint32_t flags, int why, struct fx *fx);
/* Says again what is not acknowledged. */
void ent_renote(struct lk_core *c, struct lk_ent *e, struct fx *fx);
/* The home acknowledged note `req`, or died. */
void ent_acked(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx);
/* Marks as disconnected, with a deadline unless it has one. */
void ent_disconnect(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx);
/* The same when its home died: that is in no need of a write, as long as the record says that it is at a home: many die
 * at once, and most come back soon. Who does not has the deadline stored a while later. */
void ent_orphaned(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx);
/* A home has it (again). Written when the record has a deadline, which must not pass; else the home's word tells the next
 * owner. */
void ent_taken(struct lk_ent *e, struct fx *fx);
/* Whether the home may read and write without asking at this moment. */
bool ent_may_have_permit(const struct lk_ent *e);
bool ent_may_write(const struct lk_ent *e);

/* --- mark.c --- */
/* Whether the deletion of the file would be in no record any more without that of this open, which is being closed. */
bool mark_needed(const struct lk_ent *e);
/* The deletion is done, or nobody wants it any more. */
void mark_drop(struct lk_core *c, struct lk_file *f, struct fx *fx);
void mark_renamed(struct lk_file *f, const char *path, struct fx *fx);
/* Every home has re-asserted: which record in REC_DELETING is a mark. */
void mark_settle(struct lk_core *c, struct lk_file *f, struct fx *fx);

/* --- close.c --- */
/* Closes an open, whoever asked for it. True: it was the last one of a file to be deleted, stays
 * and is REC_DELETING. */
bool close_ent(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx);
/* As close_ent(), from the owner's side: tells the home why (0: it is gone), and unlinks if it has
 * to be. */
void close_by_owner(struct lk_core *c, struct lk_ent *e, int why, uint64_t now, struct fx *fx);
void do_close(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
void do_unlinked(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
void do_disconnect(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
void do_set_delete(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
/* What it had deleted by a request, which could not be written, is not to be deleted. */
void deletion_undo(struct lk_core *c, struct lk_ent *e, int status, struct fx *fx);
void do_rename(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);

/* --- caching.c --- */
/* A request that may break what others cache. */
struct contender {
	enum lease_op op; /* LEASE_OP_OPEN: what it is follows from the next two */
	uint32_t access;
	bool overwrite;
	const struct lk_lease *own; /* not broken, but for lease_breaks_itself(); NULL: none */
};
/* The lease of the client with the key in `want`, NULL: none. */
struct lk_lease *caching_find(const struct lk_file *f, const struct guid *client, const struct rec_lease *want);
/* Puts an open into the lease that its record names. -ENOMEM. */
int caching_join(struct lk_core *c, struct lk_ent *e);
/* Another source's word on the lease of an open: the newer one counts. */
void caching_merge(struct lk_core *c, struct lk_ent *e, const struct rec_lease *said);
void caching_leave(struct lk_core *c, struct lk_ent *e);
/* Whether the open is kept when it is disconnected (3.3.7.1). */
bool caching_keeps_handle(const struct lk_ent *e);
/* `allocated`: how many bytes the file has; locks behind them contradict no caching. */
void caching_others(const struct lk_file *f, const struct lk_lease *own, uint64_t allocated, struct lease_others *ret);
/* Makes what the open is granted out of what it asks for, w->lease. */
void caching_grant(struct lk_core *c, struct lk_file *f, struct rec_open *w, const struct place *from, struct fx *fx);
/* Whether a write of this open has something to break: what others cache, or its own level II. */
bool caching_asks(const struct lk_ent *e);
/* Before `w` may cache reads: no other open writes without asking. True: it has to wait for notes. */
bool caching_recall_writers(struct lk_core *c, struct lk_file *f, const struct rec_open *w, struct fx *fx);
/* Breaks what contradicts `k`. True: it has to wait until a break has ended (file_block()). It may have closed opens that nobody
 * can be asked about, and so begun the deletion of the file. */
bool caching_contend(struct lk_core *c, struct lk_file *f, const struct contender *k, uint64_t now, struct fx *fx);
/* Somebody does `op` beside this one lease, and does not wait for it. */
void caching_break(struct lk_core *c, struct lk_lease *l, enum lease_op op, struct fx *fx);
/* Whether somebody's home has not heard yet of a break. */
bool caching_untold(const struct lk_file *f, const struct lk_lease *own);
void do_break_ack(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
/* The open has got a home again. */
void caching_attached(struct lk_core *c, struct lk_ent *e, struct fx *fx);
/* A disconnected open keeps somebody out. */
void caching_refused(struct lk_ent *e);
/* Its client takes the open back for `from`, in `said` (version 2; NULL: it says none) the newest epoch it knows. */
void caching_reclaimed(struct lk_core *c, struct lk_ent *e, const struct rec_lease *said, const struct place *from,
		       struct fx *fx);
/* The open has lost its client: a break that nobody can be asked for ends the handles that it would take anyway. */
void caching_disconnected(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx);
/* Every home has re-asserted: those that do not know the state of a lease hear it. */
void caching_settle(struct lk_core *c, struct lk_file *f, struct fx *fx);

/* --- dirs.c --- */
/* What a lease on a directory may be granted at most, in w->lease.state. */
void dirs_limit(const struct lk_core *c, struct rec_open *w);
/* This owner has the slot anew: changes may have been missed. */
void dirs_settle(struct lk_core *c, struct lk_file *f, struct fx *fx);

/* --- below.c --- */
/* Puts an open where its path says. -ENOMEM. */
int below_join(struct lk_core *c, struct lk_ent *e);
void below_leave(struct lk_core *c, struct lk_ent *e);
/* Its path is another one. */
void below_move(struct lk_core *c, struct lk_ent *e);
void below_done(struct lk_core *c);
void do_below(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);

/* --- open.c, reclaim.c --- */
void do_open(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
void do_reclaim(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
/* Answers with the whole open: replayed, reclaimed or recognised. */
void reply_rec(struct lk_ent *e, const struct lk_msg *m, int outcome, struct fx *fx);
/* Whether the open may go to the home that asks in `m`. One that is connected elsewhere may not before that home has said
 * that its client is still there, for the open as it is now: the request may have waited for so long that the client has
 * gone to where the open is. Else answers LK_CONFIRM. */
bool confirmed(const struct lk_ent *e, const struct lk_msg *m, struct fx *fx);
/* Gives an open to the home that asks in `m`: 1: done; 0: the present home was told first, `m` is
 * parked. */
int attach(struct lk_core *c, struct lk_ent *e, struct lk_msg *m, uint64_t now, struct fx *fx);

/* --- locks.c --- */
void do_lock(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
void do_unlock(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
void do_cancel(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
void do_io(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx);
/* Tries the waiting locks of a file in order. True when one was granted or refused. */
bool locks_kick(struct lk_core *c, struct lk_file *f, uint64_t now, struct fx *fx);
/* Ends the waiting locks of an open: with a reply, or silently when its home is gone (`outcome` 0).
 */
void locks_drop_waiters(struct lk_ent *e, int outcome, struct fx *fx);
/* Takes back locks granted to request `req`. */
bool locks_undo(struct lk_ent *e, uint64_t req);

/* Makes the reply to `m`; NULL when it cannot be queued. */
struct lk_msg *reply(struct fx *fx, const struct lk_msg *m, int outcome);
/* The open that `m` is about, when it is held by who asks; else answers LK_GONE and returns NULL.
 */
struct lk_ent *ent_of(struct lk_core *c, const struct lk_msg *m, struct fx *fx);

#endif
