/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File state as the rest of smbd sees it: opens with their share modes, byte-range locks and
 * deletion, decided by the one owner of a file's slot, wherever that is. One `struct lockc` per
 * worker, on the worker's loop; it is both the home side (the calls below) and the owner of the
 * slots that the view gives to this worker.
 *
 * Calls marked [task] wait in place: for the owner's reply, a view change, a blocking lock. They
 * return 0    done > 0  an enum lk_outcome; the prototype names those that are possible besides
 * LK_GONE < 0  a fault: -ETIME no owner answered in time, -ENOSPC/-EIO the state store refused
 * (nothing was granted), -ENOMEM, -ESHUTDOWN; -ECANCELED is only returned where the prototype says
 * so (other waits are shielded).
 */
#ifndef HF_SMBD_LOCK_LOCK_H
#define HF_SMBD_LOCK_LOCK_H

#include "clusterd/client/place.h"
#include "node/base/arena.h"
#include "node/base/htable.h"
#include "node/base/list.h"
#include "node/loop/task.h"
#include "smbd/lock/counts.h"
#include "statestore/record.h"

struct store;
struct lockc;

enum lk_outcome {
	LK_OK = 0,
	LK_SHARING_VIOLATION = 1,
	LK_DELETE_PENDING,
	LK_FILE_NOT_AVAILABLE, /* a disconnected persistent open is in the way, or a replay comes
				  too late */
	LK_NOT_FOUND, /* reclaim: STATUS_OBJECT_NAME_NOT_FOUND */
	LK_ACCESS_DENIED, /* reclaim, replay: another owner */
	LK_INVALID_PARAMETER, /* reclaim: another name */
	LK_DUPLICATE_OBJECTID, /* same ClientGuid and CreateGuid without the replay flag */
	LK_FORCED_CLOSED, /* app instance version too low: STATUS_FILE_FORCED_CLOSED */
	LK_LOCK_NOT_GRANTED, /* lock that does not wait */
	LK_LOCK_CONFLICT, /* READ, WRITE: STATUS_FILE_LOCK_CONFLICT */
	LK_RANGE_NOT_LOCKED,
	LK_INVALID_RANGE, /* offset + length wraps past 2^64: STATUS_INVALID_LOCK_RANGE */
	LK_CANCELLED, /* blocking lock: cancelled, not granted */
	LK_LIMIT, /* too many opens, locks or waiters: STATUS_INSUFFICIENT_RESOURCES */
	LK_REPLAYED, /* open: the existing open of the replayed request */
	LK_UNLINK, /* close: last one of a file to be deleted; unlink it, then lockc_unlinked() */
	LK_GONE, /* the open is closed already (displaced, scavenged, moved): STATUS_FILE_CLOSED */
	LK_CONFIRM, /* between home and owner: another home has the open, does this client still wait? */
	LK_NOT_BREAKING, /* acknowledgement of no break */
	LK_NOT_ACCEPTED, /* acknowledgement with more than may be kept: STATUS_REQUEST_NOT_ACCEPTED */
	LK_OPENS_BELOW, /* of a directory */
	LK_OUTCOME_LAST = LK_OPENS_BELOW,
};

/* The home's handle of one open. Everything is read-only for users of this header but `user`;
 * strings in `rec` may be replaced while a call waits. */
struct lk_open {
	struct rec_open rec; /* as agreed with the owner: what is re-asserted */
	void *user; /* smbd's own Open, or NULL */
	uint64_t position; /* smbd's own, too: FilePositionInformation while the client is away */
	bool permit; /* READ need not ask: there are no byte-range locks of others */
	bool write_permit; /* nor WRITE: nobody else caches the file; never without `permit` */
	bool own_shared; /* own shared locks: they deny own writes too */
	bool gone; /* closed from elsewhere; calls return LK_GONE */
	bool closing;
	uint32_t io; /* READs and WRITEs between lockc_io_begin() and lockc_io_end() */
	/* private */
	uint32_t refs;
	struct list acks; /* acknowledgements that wait for the end of I/O */
	struct list in_io; /* in the worker's list of those that have some */
	struct task_mutex
		unlocking; /* one UNLOCK at a time: the owner recognises only the last one */
	struct hnode by_id, by_create, by_lease;
	bool in_lease; /* in the table of leases */
	uint64_t told; /* the client has heard of changes of its lease up to this one */
};

enum lk_gone {
	LK_GONE_DISPLACED = 1, /* same app instance opened it from another client */
	LK_GONE_SCAVENGED, /* disconnected past its deadline */
	LK_GONE_CONTENDED, /* disconnected durable open that a new open conflicted with */
	LK_GONE_MOVED, /* reclaimed through another node */
	LK_GONE_LOST, /* the owner does not know it (any more) */
};

struct lk_limits {
	uint32_t opens_per_file; /* 0: 16384 */
	uint32_t locks_per_open; /* 0: 4096; at most REC_LOCKS_MAX */
	uint32_t waiters_per_session; /* blocking locks that wait; 0: 256 */
	uint32_t break_ms; /* how long a client may take to acknowledge a break; 0: 35000 (MS-SMB2 3.3.2.5) */
	uint32_t requests_per_slot; /* that wait while a slot changes hands; 0: 16384 */
	uint32_t owner_wait_ms; /* how long a call waits for an owner; 0: 30000 */
};

/*
 * How messages get to the same module on another worker of this node or on another node. Any
 * transport that keeps the order between two ends while it loses nothing will do; it may lose
 * messages (with a connection).
 */
struct lk_net {
	/* Sends a copy of `msg` to worker `worker` of `node`, which shall get it by
	 * lockc_receive(). Any failure is a loss. On the sending worker's thread; must not wait. */
	void (*send)(struct lk_net *net, uint32_t node, uint32_t worker, struct blob msg);
};

/* [task] Deletes the file of a closed open by its stored handle and path (the home that closed it
 * last is gone, or nobody came back in time). On the owner's worker. 0 also when it is gone
 * already; else it is tried again. */
typedef int lk_unlink_fn(void *arg, const struct rec_open *rec);

/* A break as the client hears of it (MS-SMB2 2.2.23); states are LEASE_*. */
struct lk_break {
	uint32_t from, to;
	uint16_t epoch;
	bool ack; /* to be acknowledged */
};

struct lockc_config {
	struct loop *loop;
	struct store *store;
	struct lk_net *net;
	struct place self; /* node, worker, incarnation */
	struct lk_limits limits;
	void *arg; /* of the functions below */
	/* Whether this node's right to serve is fresh at this moment; NULL: always. Cheap. */
	bool (*may_serve)(void *arg);
	lk_unlink_fn *unlink;
	/* `o` was closed from elsewhere. On the worker's thread, not inside a task, must not wait,
	 * must not call lockc_*. Start nothing on `o` any more and forget it: it is freed once
	 * running calls and I/O have ended. */
	void (*gone)(void *arg, struct lk_open *o, enum lk_gone why);
	/* Before an open is taken from another home that has it connected: whether the client of this session, which asked for
	 * it here, still has a connection. It may have gone to that home meanwhile. Cheap; NULL: always. */
	bool (*connected)(void *arg, uint64_t session_id);
	/* The caching of `o` is being broken: tells its client. On the worker's thread, must not wait. False: there is no way to the
	 * client now, or it does not know of the open yet; lockc_tell_break() tries again. NULL: nobody is told. */
	bool (*broken)(void *arg, struct lk_open *o, const struct lk_break *b);
	/* For leases on directories: whether everybody who may change a directory of this slot,
	 * which is ours, knows that we want to hear of it (lockc_dir_changed()), and that we do
	 * from now on, or not any more. NULL: none are granted. */
	bool (*dirs_armed)(void *arg, uint32_t slot);
	void (*dirs_wanted)(void *arg, uint32_t slot, bool on);
	/* This incarnation missed a view or was deposed: the process has to end
	 * (CLUSTER_EXIT_EVICTED). */
	void (*lost)(void *arg);
};

/* Makes a worker's lock module; it serves and asks once the first view is known. -ENOMEM. */
int lockc_new(const struct lockc_config *cfg, struct lockc **ret) HF_MUST_CHECK;
/* The process is about to end: no call waits longer than until `deadline` (loop clock, ns) from now
 * on, those that wait already included; then they return -ESHUTDOWN. On the worker's thread. */
void lockc_hurry(struct lockc *c, uint64_t deadline);
/* [task] Ends it: running calls return -ESHUTDOWN, store writes are waited for. Opens that are left
 * are freed without telling anybody (as in a crash). NULL is fine. */
void lockc_free(struct lockc *c);

/* Takes the next view (a reference of it); on the worker's thread. Every view in which this
 * incarnation is a member is to be given, in order, to every worker. -ENOMEM: this incarnation has
 * to end. */
int lockc_view(struct lockc *c, const struct view *v) HF_MUST_CHECK;
/* Takes a message that lk_net.send() of another one sent; on the worker's thread. Bytes are not
 * trusted. */
void lockc_receive(struct lockc *c, uint32_t from_node, struct blob msg);

/* The way to another worker, or from it, works again: what may have been lost is sent again now rather
 * than by and by. On the worker's thread. */
void lockc_linked(struct lockc *c, const struct place *to);

enum {
	LK_OPEN_REPLAY = 1, /* the request carries SMB2_FLAGS_REPLAY_OPERATION */
	LK_OPEN_OVERWRITE = 2, /* the file will be emptied */
};

/*
 * [task] Asks for an open. Of `want`, which stays the caller's, the fields about identity, access,
 * share, options, durability, path, lease, client, session_id and volatile_id count; id, versions, home,
 * locks are ignored. `how`: LK_OPEN_*. Waits until what others cache is broken, at most LEASE_BREAK_MS per break;
 * task_cancel() ends that with LK_CANCELLED. LK_INVALID_PARAMETER: the lease key is that of another file.
 * LK_SHARING_VIOLATION, LK_DELETE_PENDING, LK_FILE_NOT_AVAILABLE, LK_DUPLICATE_OBJECTID,
 * LK_FORCED_CLOSED, LK_ACCESS_DENIED (replay by another owner), LK_LIMIT; LK_REPLAYED: `*ret` is
 * set too; it is either an open that this worker held already (same pointer, user set), or one that
 * was attached here now (user NULL). On 0 and LK_REPLAYED `*ret` holds what was granted (rec.id,
 * rec.persistent, rec.lease ...). A fresh open is closed with lockc_close() when the rest of CREATE
 * fails. -ECANCELED: a replay whose client has left. (MS-SMB2 3.3.5.9, .10, .13)
 */
int lockc_open(struct lockc *c, const struct rec_open *want, unsigned int how,
	       struct lk_open **ret) HF_MUST_CHECK;
/* [task] The same; `pending` is called once, from this task, when the owner says that it waits for a break. */
int lockc_open_waiting(struct lockc *c, const struct rec_open *want, unsigned int how, void (*pending)(void *arg), void *arg,
		       struct lk_open **ret) HF_MUST_CHECK;

/* What a DHnC or DH2C context, its request and its connection say. Pointers are borrowed. */
struct lk_reclaim {
	uint64_t id; /* FileId.Persistent */
	bool v2; /* DH2C */
	bool persistent; /* SMB2_DHANDLE_FLAG_PERSISTENT */
	struct guid create_guid; /* v2 */
	struct guid client_guid;
	bool has_owner;
	struct sid owner; /* of the session's user */
	const char *share_name;
	const char *path; /* relative, '/' between */
	bool has_lease;
	struct guid lease_key;
	bool has_epoch; /* of a lease of version 2 */
	uint16_t epoch; /* the newest that the client knows */
	uint64_t session_id, volatile_id;
	const char *client; /* address and port, for listings; may be NULL */
};
/* [task] Takes back a disconnected open. LK_NOT_FOUND, LK_ACCESS_DENIED, LK_INVALID_PARAMETER; -ECANCELED: its client has
 * left.
 * `*ret` was kept by this worker (user may be set) or attached here now (user NULL: open it by
 * rec.handle). (MS-SMB2 3.3.5.9.7, .12) */
int lockc_reclaim(struct lockc *c, const struct lk_reclaim *q, struct lk_open **ret) HF_MUST_CHECK;
/* Whether a lockc_reclaim() of this worker waits for that open: another one meanwhile may be told LK_NOT_FOUND, since the owner has
 * given it to the first. */
bool lockc_reclaims(const struct lockc *c, uint64_t id);

/* The open of this worker with that id, or NULL. */
struct lk_open *lockc_find(struct lockc *c, uint64_t id);
/* The open of this worker that (client_guid, create_guid) made, or NULL: replay without knowing the
 * file. */
struct lk_open *lockc_replay_find(struct lockc *c, const struct guid *client_guid,
				  const struct guid *create_guid);
/* The client has used the handle: a replayed CREATE is too late from now on. Never waits; free when
 * told before. */
void lockc_consumed(struct lockc *c, struct lk_open *o);

/* [task] Closes; as long as the state store refuses that it is asked for again, up to owner_wait_ms. 0 and any fault: `o` is freed.
 * LK_UNLINK: the file is to be deleted now; `o` lives (rec.path is the name to delete) until lockc_unlinked(), others meet
 * LK_DELETE_PENDING until then. LK_GONE: it was closed from elsewhere; `o` must not be used any more. */
int lockc_close(struct lockc *c, struct lk_open *o);
/* [task] Ends a close that returned LK_UNLINK; `o` is freed. `done` false: it could not be deleted,
 * stays and is not pending any more. */
int lockc_unlinked(struct lockc *c, struct lk_open *o, bool done);
/* [task] The connection was lost: keeps the open for rec.timeout_ms; call it when its running
 * requests have ended. Only for durable and persistent opens. `o` lives on until it is reclaimed,
 * closed here, or gone. */
int lockc_disconnect(struct lockc *c, struct lk_open *o);

/* A lease or an oplock, rec.lease (MS-SMB2 3.3.5.9.8, .11; 3.3.5.9): lockc_open() asks for what `want` says, and what was granted
 * is in the open, as are its later states. */
/* Whether leases and oplocks are granted: not before the cluster has the level for them. */
bool lockc_leases(const struct lockc *c);
/* An open of this worker with that lease, or NULL. */
struct lk_open *lockc_lease_find(struct lockc *c, const struct guid *client_guid, const struct guid *key);
/* [task] The client acknowledges a break, and keeps `state` (3.3.5.22). LK_NOT_BREAKING, LK_NOT_ACCEPTED. */
int lockc_break_ack(struct lockc *c, struct lk_open *o, uint32_t state);
/* A break that the client was not told of yet is told now, if it can be: the open has become known to it, or there is another
 * connection. Never waits. */
void lockc_tell_break(struct lockc *c, struct lk_open *o);
/* The connection is lost over which the client was told of a break: it is told again over another one, if there is any. Never
 * waits. */
void lockc_tell_break_again(struct lockc *c, struct lk_open *o);

/* An entry of a directory changed whose slot this worker owns: breaks its leases but for those with
 * the key `by`, the ParentLeaseKey of who made the change; NULL: none (MS-FSA 2.1.4.12,
 * PARENT_OBJECT). Never waits. */
void lockc_dir_changed(struct lockc *c, const struct file_key *dir, const struct guid *by);
/* Any directory may have changed whose slot this worker owns. Never waits. */
void lockc_dirs_missed(struct lockc *c);

/* One element of an SMB2 LOCK request. */
struct lk_range {
	uint64_t offset, length;
	bool exclusive; /* ignored by unlock */
};
/* Lock sequence of the request (MS-SMB2 3.3.5.14): index 1..64; 0: none. */
struct lk_seq {
	uint8_t index, number;
};
/* [task] Locks all ranges or none. `wait` (only with n == 1): waits until it is granted;
 * `pending(arg)` is called once when it starts to wait; task_cancel() of the task ends the wait
 * with LK_CANCELLED (then nothing is granted). LK_LOCK_NOT_GRANTED, LK_INVALID_RANGE, LK_LIMIT. */
int lockc_lock(struct lockc *c, struct lk_open *o, const struct lk_range *r, unsigned int n,
	       struct lk_seq seq, bool wait, void (*pending)(void *arg), void *arg);
/* [task] Unlocks each range, which must be one that was locked, in order; stops at the first that
 * is not. LK_RANGE_NOT_LOCKED, LK_INVALID_RANGE. */
int lockc_unlock(struct lockc *c, struct lk_open *o, const struct lk_range *r, unsigned int n,
		 struct lk_seq seq);

/* [task] Before a READ or WRITE of these bytes; does not wait while the open holds its permit. On 0
 * lockc_io_end() must follow, also after lockc_free() (`c` does not count then). LK_LOCK_CONFLICT.
 */
int lockc_io_begin(struct lockc *c, struct lk_open *o, uint64_t offset, uint64_t length,
		   bool write);
void lockc_io_end(struct lockc *c, struct lk_open *o);

/* [task] Sets or clears the pending deletion of the file (FileDispositionInformation); the caller
 * has checked access, attributes and emptiness. What others keep of handles is broken first; task_cancel() ends that wait with
 * LK_CANCELLED. */
int lockc_set_delete(struct lockc *c, struct lk_open *o, bool on);
/* [task] Before a renaming: has others close what they keep of handles of the file. LK_SHARING_VIOLATION, LK_CANCELLED as below. */
int lockc_rename_begin(struct lockc *c, struct lk_open *o);
/* [task] Asks whether the file may be renamed (no other open that does not share deletion), and
 * names it `path` in all its opens. When the rename then fails, call it again with the old path.
 * LK_SHARING_VIOLATION; LK_CANCELLED as above; -ENOSPC, -EIO: it has the old name. */
int lockc_rename(struct lockc *c, struct lk_open *o, const char *path);

/* [task] Whether anything is open below a directory, anywhere in the cluster, `path` as in rec_open; handles that clients only
 * keep for later are closed first. LK_OPENS_BELOW. Below LEVEL_LEASES it is not asked. (MS-FSA 2.1.5.14.11) */
int lockc_below(struct lockc *c, const char *share, const char *path);

struct lk_file_info {
	uint32_t opens;
	bool delete_pending;
};
/* [task] What the owner knows about a file that need not be open here. */
int lockc_query(struct lockc *c, const struct file_key *key, struct lk_file_info *ret);

enum lk_list {
	LK_LIST_OPENS,
	LK_LIST_LEASES, /* one open for each lease and each oplock */
};

/* Opens of the slots that this worker owns, with their locks, with id > `after`, in order of id, at
 * most `max`: for listings. Copies in `a`. -ENOMEM. Never waits. */
int lockc_list(struct lockc *c, enum lk_list what, uint64_t after, uint32_t max, struct arena *a,
	       struct rec_open **ret, uint32_t *ret_n);

/* Where things stand, for tests and metrics. */
struct lk_stats {
	uint32_t slots_owned, slots_loading, slots_asserting;
	uint64_t opens_owned, opens_home, requests, retries, store_writes;
	struct lease_stats leases; /* since the worker began */
};
void lockc_stats(const struct lockc *c, struct lk_stats *ret);

#endif
