/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The RADOS backend: the records of a cluster in one namespace of a replicated pool.
 *
 * Objects, all but the first with an omap:
 *	holdfast    what the store is (bytes, written once); whoever makes it first has made the store
 *	slot.XXXX   a slot: one omap entry per record, key in hex; xattr "epoch" (16 hex digits: guards every write, and
 *	            text of that length compares like the number) and "owner" ("EPOCH NODE INCARNATION")
 *	resources   one omap entry "KIND/NAME" per resource: version, value; xattr "revision": guards every change
 *	counters    one omap entry per counter; xattr "revision" likewise
 *	clients     one omap entry "NODE.INCARNATION ADDRESS" per client of the storage that a run of smbd writes with
 *
 * One decision is one asynchronous operation on one object. librados keeps the order of operations on one object, and
 * sends again by itself whatever an OSD that died had not acknowledged; so a write waits while its OSD is away.
 */
#ifndef HF_STATESTORE_RSTORE_PRIV_H
#define HF_STATESTORE_RSTORE_PRIV_H

#include <pthread.h>
#include <rados/librados.h>
#include <stdatomic.h>

#include "statestore/store_priv.h"

/* What stands behind "rados:". Strings are malloc'ed, NULL when not named. */
struct rstore_url {
	char *pool, *ns;
	char *conf, *id, *keyring;
};

/* "POOL[/NAMESPACE][?conf=PATH&id=NAME&keyring=PATH]", %XX for special characters. -EINVAL with a sentence, -ENOMEM. */
int rstore_url_parse(const char *rest, struct rstore_url *ret, char *errbuf, size_t errlen);
void rstore_url_done(struct rstore_url *u);

/* Writes of one slot. */
struct rslot {
	pthread_mutex_t mutex;
	struct list waiting; /* struct store_write: more than may fly; the next operation takes them together */
	struct list flying;  /* struct rbatch, the oldest first */
	unsigned int n_flying;
};

struct rstore {
	struct store store;
	struct rstore_url url;
	rados_t cluster;
	rados_ioctx_t io;
	bool connected;
	struct rslot *slots; /* [info.slots] */
	atomic_uint pending; /* operations on their way */
	atomic_bool closing, fenced;
	pthread_t watcher;   /* says when operations take too long */
	bool watching;
	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t cond;
	struct list calls;   /* struct rcall on their way, the oldest first */
	struct {
		uint64_t epoch;      /* slots were claimed under it: the newest map of the OSDs was asked for */
		bool asking;
		struct list waiters; /* rstore_claim.c */
	} map;
	struct {
		char key[STORE_KEY_MAX + 1];
		uint64_t version, revision;
	} read;              /* the resource that was read or written last: who writes it next need not read again */
	bool stop;
};

#define RSTORE_OF(s) container_of((s), struct rstore, store)

/* Names of objects and attributes. */
#define RSTORE_INFO "holdfast"
#define RSTORE_RESOURCES "resources"
#define RSTORE_COUNTERS "counters"
#define RSTORE_CLIENTS "clients"
#define RSTORE_REVISION "revision"
#define RSTORE_OID_MAX 16
void rstore_slot_oid(uint32_t slot, char out[RSTORE_OID_MAX]);

/* Owner and epoch of a slot as xattrs hold them. */
#define RSTORE_EPOCH_LEN 16
#define RSTORE_OWNER_MAX 48
void rstore_epoch_text(uint64_t epoch, char out[RSTORE_EPOCH_LEN + 1]);

/* Keys of records in hex: an omap key that pages are read from is text. */
#define RSTORE_HEX_MAX (2 * STORE_KEY_MAX + 1)
void rstore_hex(struct blob key, char out[RSTORE_HEX_MAX]);
/* -EUCLEAN: not hex, or too long. */
int rstore_unhex(const char *text, size_t len, uint8_t out[STORE_KEY_MAX], size_t *ret_len);

/* --- rstore_op.c: single operations --- */

/* Counts an operation on its way, and its end. */
void rstore_begin(struct rstore *s);
void rstore_end(struct rstore *s);
/* [task] Does an operation on an object, releases it and returns its result. */
int rstore_read(struct rstore *s, const char *oid, rados_read_op_t op);
int rstore_write(struct rstore *s, const char *oid, rados_write_op_t op);
/* The same for a write whose result changes nothing for anybody; returns at once. */
void rstore_write_later(struct rstore *s, const char *oid, rados_write_op_t op);
/* What the callers of the store know of a librados error. */
int rstore_errno(int r);
/* Notes that Ceph refuses this client for good; says it once. */
void rstore_fenced(struct rstore *s);
/* [task] Knows, from then on, every change of the cluster's map that was made before. */
int rstore_newest_map(struct rstore *s);
int rstore_watch_start(struct rstore *s);
void rstore_watch_stop(struct rstore *s);

/* The value of one xattr out of an iterator that a read filled; false: it is not there. Ends the iterator. */
bool rstore_xattr(rados_xattrs_iter_t iter, const char *name, char *out, size_t size);

/* --- rstore_slot.c --- */
int rstore_slots_init(struct rstore *s);
void rstore_slots_done(struct rstore *s);
/* When the oldest write of the slot was sent (clock_mono_ns), 0: none; adds how many wait. */
uint64_t rstore_slot_oldest(struct rslot *slot, unsigned int *add);
void rstore_submit(struct store *s, struct store_write *w);

/* --- rstore_claim.c --- */
int rstore_claim(struct store *s, const uint32_t *slots, unsigned int n, const struct store_owner *owner,
		 bool *ret_ok);
int rstore_slot_owner(struct store *s, uint32_t slot, struct store_owner *ret);

/* --- rstore_scan.c --- */
int rstore_scan(struct store *s, uint32_t slot, store_each_fn *each, void *arg);
int rstore_get(struct store *s, uint32_t slot, struct blob key, struct arena *a, struct blob *ret);
int rstore_used_slots(struct store *s, bool *ret_has);

/* --- rstore_res.c --- */
int rstore_res_get(struct store *s, const char *kind, const char *name, struct arena *a, struct store_res *ret);
int rstore_res_put(struct store *s, const char *kind, const char *name, struct blob val, uint64_t expect,
		   uint64_t *ret_version);
int rstore_res_list(struct store *s, const char *kind, struct arena *a, struct store_res **ret, size_t *ret_n);
int rstore_res_revision(struct store *s, uint64_t *ret);
int rstore_counter(struct store *s, const char *name, uint64_t at_least, uint64_t add, uint64_t *ret);

/* --- rstore_fence.c --- */
int rstore_enroll(struct store *s, uint32_t node, uint64_t incarnation, const char *addr);
int rstore_fence(struct store *s, uint32_t node, uint64_t incarnation);
/* Whether this client may fence others. -EACCES. */
int rstore_may_fence(struct rstore *s);

#endif
