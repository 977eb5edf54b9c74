/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The record of an open: what the owner of a file knows about one open, as C struct and as bytes
 * (protobuf, record.proto). The same bytes are the value in the state store and the payload that
 * crosses between nodes when an open is asked for, re-asserted or reclaimed. Pure; any thread.
 */
#ifndef HF_STATESTORE_RECORD_H
#define HF_STATESTORE_RECORD_H

#include "node/base/arena.h"
#include "node/base/level.h"
#include "node/base/sid.h"
#include "statestore/file_key.h"

#define REC_HANDLE_MAX 160
#define REC_PATH_MAX 32767 /* bytes of UTF-8 */
#define REC_NAME_MAX 512 /* share and user names, bytes */
#define REC_CLIENT_SIZE 96
#define REC_LOCKS_MAX 8192
#define REC_LOCK_SEQS 64

/* One byte-range lock that was granted. */
struct rec_lock {
	uint64_t offset, length;
	uint64_t req; /* the request that was granted: recognises a retry */
	bool exclusive;
};

/* A lease or an oplock as a client asks for it, and as granted: the same in all opens of a lease. State bits are those
 * of MS-SMB2 2.2.13.2.8; an oplock has no key, and R, RW, RWH for level II, exclusive, batch. */
struct rec_lease {
	bool present;
	struct guid key;
	struct guid parent_key;
	bool has_parent;
	uint32_t state;
	bool breaking; /* an acknowledgement is to come */
	uint32_t breaking_to;
	uint32_t required; /* what may stay in the end; not kept: who waits for it asks its next owner again */
	uint16_t epoch; /* version 2 */
	uint8_t version; /* 1, 2; 0: an oplock */
	uint64_t change; /* grows with each change by the owner */
	uint64_t ack_req; /* the last acknowledgement that was executed: recognises a retry */
};
/* Whether the open was made with a lease, not an oplock or nothing. */
static inline bool rec_lease_keyed(const struct rec_lease *l)
{
	return l->present && l->version > 0;
}

enum rec_phase {
	REC_OPEN = 0,
	REC_DELETING = 1, /* the last one closed with the file's deletion pending: its unlink is to
			     be done */
};

/* Strings are malloc'ed and owned by the struct, or NULL. */
struct rec_open {
	uint32_t encoding; /* the version that it was decoded from; 0: it was not */
	/* who and what: never changes after the grant */
	uint64_t id; /* persistent id: random in the upper 48 bits, slot in the lower 16 */
	struct file_key key;
	bool directory;
	struct guid client_guid;
	bool has_create_guid; /* a durable v2 or persistent open */
	struct guid create_guid;
	bool has_app_id;
	struct guid app_id;
	bool has_app_version;
	uint64_t app_version_high, app_version_low;
	bool has_owner; /* Open.DurableOwner is known */
	struct sid owner;
	uint32_t access; /* granted access mask */
	uint32_t share; /* FILE_SHARE_* */
	uint32_t options; /* create options as asked */
	uint32_t action; /* CreateAction, and 1: what its CREATE was answered, and each replay of it is; 0: not known */
	bool persistent, durable;
	bool durable_v2; /* asked for by DH2Q */
	uint32_t timeout_ms; /* how long it is kept when disconnected */
	char *share_name;
	char *user; /* for listings */
	uint8_t handle[REC_HANDLE_MAX]; /* of the VFS: opens the file whatever its name is now */
	uint16_t handle_len;
	uint64_t opened_at; /* wall clock, ns */

	/* changes, each change by its owner raises `version` */
	uint64_t version;
	char *path; /* relative to the share, UTF-8, '/' between */
	bool delete_on_close;
	bool delete_pending; /* of the file: the same in all its opens */
	uint64_t
		file_version; /* grows with each change of `path` or `delete_pending` of the file */
	bool consumed; /* the client has used the handle: a replayed CREATE comes too late */
	enum rec_phase phase;
	struct rec_lease lease;
	struct rec_lock *locks; /* malloc'ed */
	uint32_t n_locks;
	uint64_t unlock_req; /* the last unlock that was executed, and its outcome: recognises a
				retry */
	uint32_t unlock_outcome;
	uint8_t lock_seq[REC_LOCK_SEQS]; /* Open.LockSequenceArray (MS-SMB2 3.3.1.10): number + 1;
					    0: not valid */

	uint64_t allocated; /* of the file, bytes, as the home saw it when it asked for the open; not kept */

	/* where it is held */
	uint32_t home_node, home_worker;
	uint64_t home_incarnation; /* 0: nowhere */
	uint64_t open_req; /* the home's request that made or reclaimed it */
	uint64_t session_id;
	char client[REC_CLIENT_SIZE]; /* its client's address and port, for listings; may be empty */
	uint64_t volatile_id; /* SMB2 FileId.Volatile at the home */
	bool disconnected;
	uint64_t deadline; /* wall clock ns after which a disconnected open is closed */
};

/* Frees what the struct owns; it is zero afterwards. */
void rec_open_done(struct rec_open *r);
/* Copies `from` into `ret` (which owns nothing yet). -ENOMEM. */
int rec_open_copy(const struct rec_open *from, struct rec_open *ret) HF_MUST_CHECK;
/* Whether two records of one open differ in nothing but where it is held, and their version. */
bool rec_open_same_state(const struct rec_open *a, const struct rec_open *b);
/* Replaces one owned string by a copy of `s` (may be NULL). -ENOMEM: unchanged. */
int rec_set_str(char **field, const char *s) HF_MUST_CHECK;

/* Encodes `r` as a cluster of `level` has it (node/base/level.h); bytes in `a`. -ENOMEM; -EMSGSIZE when a field is longer
 * than its limit. */
int rec_open_encode(const struct rec_open *r, uint32_t level, struct arena *a, struct blob *ret) HF_MUST_CHECK;
/* Decodes and checks every field. The result owns its memory.
 * -EBADMSG damaged; -EPROTONOSUPPORT written by a newer release; -ENOMEM. */
int rec_open_decode(struct blob b, struct rec_open *ret) HF_MUST_CHECK;

/* A lease alone, as rec_open_encode() and rec_open_decode() have it. */
int rec_lease_encode(const struct rec_lease *l, struct arena *a, struct blob *ret) HF_MUST_CHECK;
int rec_lease_decode(struct blob b, struct rec_lease *ret) HF_MUST_CHECK;

/* The store's key of an open's record: 'o' and the id, big-endian. */
#define REC_OPEN_KEY_SIZE 9
void rec_open_key(uint64_t id, uint8_t out[static REC_OPEN_KEY_SIZE]);
/* -EBADMSG when the key is not one of an open's record. */
int rec_open_key_parse(struct blob key, uint64_t *ret_id);

/* Records that nobody could read and that an operator had moved aside: 'q' and the key that they had.
 * Nobody but "holdfast state" looks at them. */
#define REC_ASIDE_PREFIX 'q'
/* Reads a record far enough to tell whether an owner can take it: 0, -EBADMSG damaged or under the key
 * of another open, -EPROTONOSUPPORT of a newer release, -ENOMEM. `ret` as rec_open_decode(). */
int rec_open_check(struct blob key, struct blob val, struct rec_open *ret) HF_MUST_CHECK;

/* The resource by which an operator lets the owner of a slot move records aside, and its name. */
#define REC_REPAIR_KIND "repair"
#define REC_REPAIR_NAME_SIZE 24
void rec_repair_name(uint32_t slot, char out[static REC_REPAIR_NAME_SIZE]);
/* "o00112233..." : a key as an operator reads it. `out` has REC_KEY_TEXT_SIZE bytes, longer keys are cut. */
#define REC_KEY_TEXT_SIZE 64
char *rec_key_text(struct blob key, char out[static REC_KEY_TEXT_SIZE]);

#endif
