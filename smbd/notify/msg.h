/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of the notify module, as C struct and as bytes (notify.proto). Pure; any thread. */
#ifndef HF_SMBD_NOTIFY_MSG_H
#define HF_SMBD_NOTIFY_MSG_H

#include "clusterd/client/place.h"
#include "node/base/arena.h"
#include "smbd/notify/buf.h"
#include "statestore/file_key.h"

enum ntm_kind {
	NTM_WATCH = 1, /* home -> owner: this watch wants to hear of the directory `key` */
	NTM_WATCHED, /* owner -> home: from now on it hears of everything */
	NTM_UNWATCH, /* home -> owner */
	NTM_EVENT, /* who made a change -> owner of the directory */
	NTM_TELL, /* owner -> home of a watch */
	NTM_INTEREST, /* owner -> everybody: the slots that somebody watches, all of them */
	NTM_INTEREST_ACK,
	NTM_SYNC, /* says `seq` and nothing else: the link is new, or nothing else would say it */
	NTM_HEARD, /* answer to SYNC: `version` is the `seq` that came with it */
	NTM_KINDS,
};

enum ntm_flags {
	NTMF_TREE = 1 << 0, /* WATCH: the whole tree */
	NTMF_DEEP = 1 << 1, /* EVENT: further down than the directory's own entries */
	NTMF_GONE = 1 << 2, /* EVENT, TELL: the directory itself is being deleted */
	NTMF_LOST = 1 << 3, /* TELL: something was missed */
	NTMF_WATCHES = 1 << 4, /* EVENT: leases on the directory are not broken by it */
	NTMF_LEASES = 1 << 5, /* EVENT: they are, and nobody who watches is told */
	NTMF_ALL = (1 << 6) - 1,
};

/* Who made a change, as far as leases on the directory have to know: ParentLeaseKey of the open
 * (MS-SMB2 2.2.13.2.10). */
struct ntf_by {
	bool known;
	struct guid
		key; /* of leases on the directory that are not broken by it (MS-FSA 2.1.4.12.2) */
};

/* A rename is two changes that belong together. */
#define NTM_CHANGES_MAX 2

/* Pointers are borrowed, or an arena's. */
struct ntm {
	enum ntm_kind kind;
	struct place from;
	uint64_t epoch; /* of the sender's view */
	uint64_t seq; /* counts the EVENTs and TELLs that the sender sent to this receiver, this one included */
	uint32_t flags;
	struct file_key key; /* WATCH, EVENT */
	uint64_t id; /* of a watch: random */
	uint32_t round; /* WATCH, WATCHED: which of its registrations */
	uint32_t filter; /* SMB2_NOTIFY_CHANGE_* */
	struct ntf_change changes[NTM_CHANGES_MAX];
	unsigned int n_changes;
	struct ntf_by by; /* EVENT */
	uint64_t version; /* INTEREST, INTEREST_ACK, HEARD */
	const uint32_t *plain, *tree; /* INTEREST: slots with watches, and with those of trees */
	size_t n_plain, n_tree;
};

/* -ENOMEM. */
int ntm_encode(const struct ntm *m, struct arena *a, struct blob *ret);
/* Bytes are not trusted. -EBADMSG, -ENOMEM. */
int ntm_decode(struct blob b, struct arena *a, struct ntm *ret);

#endif
