/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What home and owner say to each other: one struct for every message, so that asking is the same
 * on this worker (a pointer), on another worker and on another node (bytes). Pure; a message
 * belongs to whoever holds it.
 */
#ifndef HF_SMBD_LOCK_MSG_H
#define HF_SMBD_LOCK_MSG_H

#include "smbd/lock/lock.h"

#define LK_RANGES_MAX 64

enum lk_kind {
	/* home to owner; each is answered by LKM_REPLY with the same `req`, those marked (-) are
	   not */
	LKM_OPEN = 1, /* rec, F_REPLAY, F_OVERWRITE; version: of LK_CONFIRM */
	LKM_CLOSE, /* id; target: only what this OPEN got */
	LKM_UNLINKED, /* id, F_ON: it was deleted */
	LKM_DISCONNECT, /* id; target: only what this request got */
	LKM_RECLAIM, /* id and what the client says; version: of LK_CONFIRM; F_ON: this home does not have it */
	LKM_LOCK, /* id, ranges, seq, F_WAIT */
	LKM_UNLOCK, /* id, ranges, seq */
	LKM_CANCEL, /* (-) id, or key of an OPEN; target: req; F_ON: undo the LOCK when it was granted */
	LKM_IO, /* id, ranges[0]; exclusive: a write */
	LKM_SET_DELETE, /* id, F_ON */
	LKM_RENAME, /* id, path; F_ON: only what has to come before it */
	LKM_CONSUMED, /* (-) id */
	LKM_QUERY, /* key */
	LKM_REASSERT, /* (-) rec, F_PERMIT, F_WRITE_PERMIT, F_IO, F_CLOSING; target: round */
	LKM_DONE, /* (-) epoch, prev, target: round, count: REASSERTs of the round */
	LKM_NOTE_ACK, /* (-) id, req: of the note */
	/* owner to home */
	LKM_REPLY, /* req, asked, outcome and what it grants */
	LKM_WAITING, /* req: it waits, for a lock or for a break */
	LKM_NOTE, /* id, req, F_RECALL | F_RECALL_WRITE | F_PERMIT | F_STATE | F_GONE (outcome: enum lk_gone) |
		     F_LEASE (lease, client_guid; F_NOTIFY: the client is to hear of it) */
	LKM_DONE_ACK, /* epoch, target: round */
	LKM_MISSED, /* epoch, prev: the receiver of this missed a view */
	/* home to owner again; numbers stay what they were */
	LKM_BREAK_ACK, /* id, count: the state that the client keeps */
	LKM_BELOW, /* path, share_name; F_ON: whether anything stays open below it in this slot, once handles are broken, which F_WAIT
		      waits for, or with F_LATE, were broken before; else which slots of this worker have something (REPLY: ranges, offset is the slot) */
	LKM_KINDS,
};

enum {
	LKF_REPLAY = 1u << 0,
	LKF_ON = 1u << 1,
	LKF_WAIT = 1u << 2,
	LKF_V2 = 1u << 3,
	LKF_PERSISTENT = 1u << 4,
	LKF_HAS_OWNER = 1u << 5,
	LKF_HAS_LEASE = 1u << 6,
	LKF_PERMIT = 1u << 7,
	LKF_CLOSING = 1u << 8,
	LKF_RECALL = 1u << 9,
	LKF_STATE = 1u << 10,
	LKF_GONE = 1u << 11,
	LKF_HAS_REC = 1u << 12,
	LKF_DURABLE = 1u << 13,
	LKF_DELETE_PENDING = 1u << 14,
	LKF_IO = 1u << 15,
	LKF_LEASE = 1u << 16, /* `lease` is there */
	LKF_NOTIFY = 1u << 17,
	LKF_LATE = 1u << 18, /* the client did not acknowledge a break in time; BELOW: no break is begun any more */
	LKF_WRITE_PERMIT = 1u << 19,
	LKF_RECALL_WRITE = 1u << 20,
	LKF_OVERWRITE = 1u << 21, /* OPEN: the file will be emptied */
	LKF_ALL = (1u << 22) - 1,
	LKF_BEFORE_LEASES = (1u << 16) - 1, /* what is understood below LEVEL_LEASES */
};

/* Pointers are owned when the message came out of msg_decode(), else borrowed. */
struct lk_msg {
	enum lk_kind kind;
	uint32_t flags;
	struct place from;
	uint64_t req;
	uint64_t epoch, prev;
	uint32_t slot;
	uint64_t id;
	int outcome; /* REPLY: < 0 fault, else enum lk_outcome */
	enum lk_kind asked; /* REPLY: what was asked */
	struct rec_open rec; /* with LKF_HAS_REC */
	struct lk_range ranges[LK_RANGES_MAX];
	unsigned int n_ranges;
	struct lk_seq seq;
	struct file_key key;
	char *path, *share_name;
	struct sid owner;
	struct guid client_guid, create_guid, lease_key;
	uint64_t session_id, volatile_id;
	struct rec_lease lease; /* with LKF_LEASE */
	char client[REC_CLIENT_SIZE]; /* RECLAIM */
	uint64_t version, file_version;
	uint64_t deadline;
	uint32_t timeout_ms;
	uint32_t count;
	uint64_t target;
};

/* Whether these flags let a home write without asking: before there were leases, the permit did. */
static inline bool lk_write_permit(uint32_t flags, const struct view *v)
{
	return flags & LKF_WRITE_PERMIT || (flags & LKF_PERMIT && v->level < LEVEL_LEASES);
}

/* Whether it tells who asked that the file is to be deleted. */
static inline bool msg_promises_deletion(const struct lk_msg *m)
{
	return m->kind == LKM_REPLY && m->asked == LKM_SET_DELETE && m->outcome == 0 && (m->flags & LKF_DELETE_PENDING);
}

/* Frees what a decoded message owns. */
void msg_done(struct lk_msg *m);
/* Encodes as a cluster of `level` has it; bytes in `a`. -ENOMEM, -EMSGSIZE. */
int msg_encode(const struct lk_msg *m, uint32_t level, struct arena *a, struct blob *ret) HF_MUST_CHECK;
/* Decodes and checks what does not depend on state. -EBADMSG, -EPROTONOSUPPORT, -ENOMEM. */
int msg_decode(struct blob b, struct lk_msg *ret) HF_MUST_CHECK;

#endif
