/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The shell around the decision core: who owns which slot, messages in and out, records to the
 * store. Everything belongs to one worker; only the store's completion comes from another thread,
 * by mail.
 */
#ifndef HF_SMBD_LOCK_LOCKC_PRIV_H
#define HF_SMBD_LOCK_LOCKC_PRIV_H

#include "node/base/clock.h"
#include "node/loop/task.h"
#include "smbd/lock/core.h"
#include "statestore/store.h"

/* A message in bytes that waits for its time. */
struct held {
	struct list link;
	size_t len;
	uint8_t data[];
};

/* --- owner side --- */

enum oslot_phase {
	SLOT_LOADING, /* being claimed, records being read */
	SLOT_ASSERTING, /* homes name the opens that they hold */
	SLOT_SERVING,
};

struct oslot {
	struct lk_core core;
	enum oslot_phase phase;
	uint64_t epoch; /* under which it was acquired: guards its records */
	struct takeover *takeover; /* SLOT_LOADING: who will come to it, as long as nobody has */
	struct list link; /* lockc.owned */
	struct list held; /* requests that wait for SLOT_SERVING or for the right to serve */
	uint32_t n_held;
	struct list asserts; /* LKM_REASSERT that came while loading */
	struct list batches; /* decided, in order; the first is not durable yet or may not be told
				yet */
	bool dirs_wanted; /* as was said last */
	struct fx dirty; /* opens whose records have to be written again */
};

/* One decision on its way: told once its records are durable and everything before it was told. */
struct batch {
	struct list link;
	struct lockc *c;
	struct oslot *slot; /* NULL: the slot was lost meanwhile */
	struct fx fx;
	bool writing;
	int status;
	struct store_write w;
	struct arena arena;
	struct mail mail;
};

/* --- home side --- */

/* Who owns a slot in the present view. */
struct hslot {
	struct place owner;
	bool owned;
	uint64_t moved; /* epoch of the view in which that began */
};

/* Another end: a worker of a member, also this one. */
struct peer {
	struct hnode node;
	struct place place;
	uint64_t acked; /* it has our opens of every slot that it got up to this view */
	uint64_t round; /* of the last re-assertion sent to it */
	uint64_t sent_at;
	uint64_t done; /* we have its opens of every slot that we got up to this view */
	uint64_t in_round; /* re-assertion coming in */
	uint32_t in_count;
	bool listed; /* scratch */
};

/* A call that waits. Lives on the calling task's stack. */
struct hreq {
	struct hnode by_req;
	struct lk_msg *m;
	struct task *task;
	struct lk_open *open; /* OPEN, RECLAIM: prepared; else the open it is about */
	struct lk_open *result; /* OPEN, RECLAIM */
	uint64_t sent_at;
	bool done;
	bool waiting; /* LOCK: the owner says that it has to wait */
	bool cancelled; /* LOCK: the owner was asked to forget it */
	void (*pending)(void *arg); /* to be called once when it waits */
	void *arg;
	int outcome;
	struct lk_file_info info; /* QUERY */
	uint64_t version; /* OPEN, RECLAIM, LK_CONFIRM: of the open that another home has; BELOW: the view of who answers */
};

struct lockc {
	struct lockc_config cfg;
	uint32_t n_slots;
	struct view *view;
	uint64_t prev_epoch; /* of the view before `view`; 0: `view` is the first */

	struct oslot **oslots; /* [n_slots], NULL: not ours */
	struct list owned;

	struct hslot *hslots; /* [n_slots] */
	struct htable reqs; /* struct hreq */
	struct htable peers;
	struct htable by_id, by_create, by_lease; /* struct lk_open */
	struct list in_io; /* struct lk_open that hold acks back, also those that are gone */
	uint64_t next_req, next_round;

	struct list early; /* messages of a view that has not come yet */
	uint32_t n_early;
	struct timer tick;
	uint64_t slow_tick;
	struct list batches_lost; /* batches in the store whose slot was lost */
	uint32_t writes, tasks, calls;
	uint32_t n_self; /* messages to this worker itself on their way: what comes later may not overtake them */
	bool stopping, lost;
	uint64_t hurry; /* no call waits longer; 0: not set */
	struct gate idle;
	struct lk_stats stats;
};

/* --- lockc.c --- */
/* Sends; takes nothing of `m` but a copy. To this worker itself too (in the loop's next round). */
void lockc_send(struct lockc *c, const struct place *to, struct lk_msg *m);
/* Hands a message, which it may plunder, to who it is for on this worker. */
void lockc_deliver(struct lockc *c, struct lk_msg *m);
bool lockc_may_serve(const struct lockc *c);
void lockc_lost(struct lockc *c, const char *why);
struct peer *peer_find(struct lockc *c, const struct place *p);
/* NULL: no memory. */
struct peer *peer_get(struct lockc *c, const struct place *p);
/* Copies into a list of held messages. False: no memory or too long. */
bool hold(struct list *to, const struct lk_msg *m);
void held_free_all(struct list *l);
/* Starts a task that lockc_free() waits for; `fn` ends with lockc_task_done(). */
int lockc_spawn(struct lockc *c, void (*fn)(void *arg), void *arg);
void lockc_task_done(struct lockc *c);
/* When it ends: whether nothing of it runs any more. */
void lockc_check_idle(struct lockc *c);

/* --- lockd.c: the owner --- */
void lockd_take(struct lockc *c, struct lk_msg *m);
/* Before a decision of the core. */
void lockd_begin(struct lockc *c, struct oslot *s, struct fx *fx);
/* Takes what it did: writes, then tells. */
void lockd_commit(struct lockc *c, struct oslot *s, struct fx *fx);
/* Tells what is durable, decides what was held, tries failed writes again. */
void lockd_poll(struct lockc *c, struct oslot *s);
void lockd_tick(struct lockc *c, bool slow);
/* Says again what homes have not acknowledged. */
void lockd_linked(struct lockc *c);
struct oslot *oslot_new(struct lockc *c, uint32_t slot, uint64_t epoch);
/* Forgets a slot: another one owns it. */
void oslot_drop(struct lockc *c, struct oslot *s);
/* Every member has re-asserted: from now on it serves. */
void oslot_serve(struct lockc *c, struct oslot *s);

/* --- takeover.c, takeover_done.c --- */
/* The owner's part of a view change: slots lost, slots gained. */
int takeover_view(struct lockc *c);
/* A home's LKM_DONE. */
void takeover_done(struct lockc *c, const struct lk_msg *m);
/* Somebody waits for a slot that is SLOT_LOADING. */
void takeover_urge(struct lockc *c, struct oslot *s);
/* Counts a home's LKM_REASSERT. */
void takeover_count(struct lockc *c, const struct lk_msg *m);
/* Lets slots serve that everybody has re-asserted for. */
void takeover_check(struct lockc *c);

/* --- aside.c --- */
/* [task] When an operator asked for it ("holdfast state repair"), moves the records of a slot of ours that is being
 * loaded and that nobody can read to where no owner looks for them. How many, 0 also when nobody asked, or a fault. */
int aside_unreadable(struct lockc *c, uint32_t slot, uint64_t epoch);

/* --- home.c --- */
/* [task] Asks the owner and waits. `r` is filled in but for the bookkeeping. Deadline: loop clock,
 * 0: none. */
int home_call(struct lockc *c, struct hreq *r, uint64_t deadline, bool cancellable);
void home_resend(struct lockc *c, struct hreq *r);
/* The call that waits for the reply to `req`, or NULL. */
struct hreq *home_req_find(struct lockc *c, uint64_t req);
void home_wake_all(struct lockc *c);
void home_take(struct lockc *c, struct lk_msg *m);
struct lk_open *home_open_new(const struct rec_open *want);
void home_open_ref(struct lk_open *o);
void home_open_unref(struct lk_open *o);
/* Whether the store would not take a record. */
static inline bool lockc_store_refused(int outcome)
{
	return outcome == -ENOSPC || outcome == -EIO;
}
/* Puts an open that was granted into the tables. */
void home_open_add(struct lockc *c, struct lk_open *o);
/* Takes it out of the tables. */
void home_open_remove(struct lockc *c, struct lk_open *o);
void home_acks(struct lockc *c, struct lk_open *o);
/* Counts an I/O, until lockc_io_end(). */
void home_io_begin(struct lk_open *o);
void home_own_shared(struct lk_open *o);
uint64_t home_req(struct lockc *c);

/* --- home_lease.c --- */
void home_lease_add(struct lockc *c, struct lk_open *o);
void home_lease_remove(struct lockc *c, struct lk_open *o);
uint64_t home_lease_hash(const struct guid *client, const struct guid *key);
/* Whether the client has, or asks for, the lease of this key on another file (3.3.5.9.8, .11). */
bool home_lease_elsewhere(struct lockc *c, const struct rec_open *want);
/* The owner says what the lease of `client` with l->key, or the oplock of open `id`, is now. `flags`: LKF_NOTIFY, LKF_LATE. */
void home_lease(struct lockc *c, const struct guid *client, uint64_t id, const struct rec_lease *l, uint32_t flags);

/* --- home_note.c --- */
void home_note(struct lockc *c, struct lk_msg *m);

/* --- home_view.c --- */
/* The home's part of a view change: who owns what now, re-assertions, calls that have to ask anew.
 */
int home_view(struct lockc *c);
void home_done_ack(struct lockc *c, const struct lk_msg *m);
void home_tick(struct lockc *c, bool slow);

#endif
