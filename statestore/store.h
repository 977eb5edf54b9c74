/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state store: what must survive the death of a process, a node or the whole cluster.
 *
 * Two kinds of content. *Slot records*: key -> value inside one of N slots, written by the slot's owner only,
 * each write guarded by the owner's epoch; one decision is one atomic store_write. *Resources*: the cluster's
 * configuration, one versioned value per (kind, name), changed by compare-and-set from any node.
 *
 * A call returns only when its effect is durable. Functions marked [task] park the calling task (or block the
 * thread when called outside a task); store_submit() is the form with a completion callback.
 */
#ifndef HF_STATESTORE_STORE_H
#define HF_STATESTORE_STORE_H

#include "node/base/arena.h"
#include "node/base/list.h"

struct store;

/* What a store is: written once when it is made. */
struct store_info {
	uint8_t uuid[16];
	uint32_t slots;      /* N; fixed */
	uint32_t format;     /* version of the layout */
	char cluster[64];    /* cluster name */
};

/* Largest key and value of a record, and of a resource. */
#define STORE_KEY_MAX 255
#define STORE_VAL_MAX (1u << 20)

/* Opens the store at `url` ("lmdb:/dir", "rados:pool[/namespace][?conf=..&id=..&keyring=..]"); makes it when it is empty
 * and `create` is not NULL (its slots and cluster name are used, uuid is drawn). Blocks the thread, not for ever. A
 * process may have a directory of "lmdb:" open once at a time: LMDB's file locks are the process's, not the handle's.
 * -EINVAL unknown scheme, -EMEDIUMTYPE not a Holdfast store, -EPROTONOSUPPORT written by a newer release, -EUCLEAN damaged,
 * -EOPNOTSUPP a pool that cannot hold records, -EACCES, -ENOSPC, -EIO; -ENOENT there is none yet and -ETIMEDOUT the storage
 * does not answer: may be better later. On failure `errbuf` holds one sentence for the operator. */
int store_open(const char *url, const struct store_info *create, struct store **ret, char *errbuf, size_t errlen);
/* Waits for what was submitted, then closes. NULL is allowed. */
void store_close(struct store *s);
const struct store_info *store_info(const struct store *s);

/* --- slot records --- */

/* One change of one record; val.data == NULL removes the key (no error when it is absent). */
struct store_mut {
	struct blob key;
	struct blob val;
};

/* One atomic write to one slot, guarded by the owner's epoch. Everything it points to stays with the caller
 * until `done`. Writes to one slot take effect in order of submission. */
struct store_write {
	uint32_t slot;
	uint64_t epoch;              /* the epoch under which the caller owns the slot */
	const struct store_mut *muts;
	unsigned int n_muts;
	/* On a thread of the store; must not block. 0, -ESTALE (another owner claimed the slot), -ESHUTDOWN (this handle
	 * was fenced: nothing that it writes counts any more), -ENOSPC, -EIO. */
	void (*done)(struct store_write *w, int status);
	struct list link;            /* private */
	int status;                  /* private */
};
void store_submit(struct store *s, struct store_write *w);
/* [task] store_submit and wait. Returns its status. */
int store_write(struct store *s, uint32_t slot, uint64_t epoch, const struct store_mut *muts, unsigned int n);

/* [task] Claims `n` slots: raises each one's owner epoch to `epoch` and names the owner, in as few durable
 * operations as the backend allows. A slot whose epoch is already higher is left alone. `ret_ok[i]` tells whether
 * slots[i] is now owned under `epoch`. 0 or a fault (then any prefix may have been claimed). */
int store_claim(struct store *s, const uint32_t *slots, unsigned int n, uint64_t epoch, uint32_t node,
		uint64_t incarnation, bool *ret_ok);

/* How many slots are best claimed by one call, when more are to be had: where claims are dear, those that are needed first
 * are had first. Not 0. */
uint32_t store_claim_batch(const struct store *s);

struct store_owner {
	uint64_t epoch; /* 0: never claimed */
	uint64_t incarnation;
	uint32_t node;
};
/* [task] Who claimed a slot last. */
int store_slot_owner(struct store *s, uint32_t slot, struct store_owner *ret);

/* Called per record; key and value live until it returns. A non-zero return ends the scan and is passed on. */
typedef int store_each_fn(void *arg, struct blob key, struct blob val);
/* [task] Calls `each` for every record of `slot` in key order, reading page by page: no long read lock. Called on
 * the caller's thread. */
int store_scan(struct store *s, uint32_t slot, store_each_fn *each, void *arg);
/* [task] One record. 0, -ENOENT. Value in `a`. */
int store_get(struct store *s, uint32_t slot, struct blob key, struct arena *a, struct blob *ret);
/* [task] Sets `ret_has[slot]` for every slot (array of store_info.slots) that may hold a record. A backend which would
 * have to look at every slot does not: then only a scan tells, and scans of several slots may run at once. */
int store_used_slots(struct store *s, bool *ret_has);

/* --- resources --- */

struct store_res {
	const char *kind, *name;
	uint64_t version; /* never 0; grows with every put, never the same twice */
	struct blob val;
};
/* [task] 0, -ENOENT. */
int store_res_get(struct store *s, const char *kind, const char *name, struct arena *a, struct store_res *ret);
/* [task] Writes when the present version is `expect` (0: must not exist; UINT64_MAX: any). 0; -ESTALE version differs;
 * -EEXIST expect was 0. `ret_version` may be NULL. val.data == NULL removes. */
int store_res_put(struct store *s, const char *kind, const char *name, struct blob val, uint64_t expect,
		  uint64_t *ret_version);
/* [task] Every resource of `kind` (NULL: all kinds), in name order, as of one moment; array in `a`. */
int store_res_list(struct store *s, const char *kind, struct arena *a, struct store_res **ret, size_t *ret_n);
/* [task] A number that grows with every change of any resource. */
int store_res_revision(struct store *s, uint64_t *ret);
/* [task] Durable cluster-wide counter `name`: raises it to at least `at_least`, returns the resulting value. With
 * at_least 0: reads it (0 when never raised). The view epoch is kept with it. */
int store_counter_raise(struct store *s, const char *name, uint64_t at_least, uint64_t *ret);
/* [task] Adds one to a counter and returns the new value: never the same value twice. */
int store_counter_next(struct store *s, const char *name, uint64_t *ret);

/* --- fencing --- */

/* [task] Names a client of the storage by which run `incarnation` of `node` writes, so that store_fence() reaches it: `addr`
 * as Ceph spells it (of a CephFS client, say), or NULL: this handle itself. Before the run's first claim. */
int store_enroll(struct store *s, uint32_t node, uint64_t incarnation, const char *addr);
#define STORE_ALL_RUNS 0 /* instead of an incarnation: every run of the node */
/* [task] Shuts every client which that run has enrolled out of the storage (its calls end with -ESHUTDOWN): whoever claims
 * a slot afterwards finds nothing of it added later. Before its slots are claimed by others; may be repeated. */
int store_fence(struct store *s, uint32_t node, uint64_t incarnation);

#endif
