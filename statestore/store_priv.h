/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a backend of the state store fills in. Semantics are those of store.h, function by function. */
#ifndef HF_STATESTORE_STORE_PRIV_H
#define HF_STATESTORE_STORE_PRIV_H

#include "node/wire/wr.h"
#include "statestore/store.h"

struct store_ops {
	const char *scheme; /* "lmdb": what stands before the colon of the URL */
	uint32_t claim_batch; /* 0: all at once */
	/* `rest` is what stands behind the colon. */
	int (*open)(const char *rest, const struct store_info *create, struct store **ret, char *errbuf,
		    size_t errlen);
	void (*close)(struct store *s);
	void (*submit)(struct store *s, struct store_write *w);
	int (*claim)(struct store *s, const uint32_t *slots, unsigned int n, const struct store_owner *owner,
		     bool *ret_ok);
	int (*slot_owner)(struct store *s, uint32_t slot, struct store_owner *ret);
	int (*scan)(struct store *s, uint32_t slot, store_each_fn *each, void *arg);
	int (*get)(struct store *s, uint32_t slot, struct blob key, struct arena *a, struct blob *ret);
	int (*used_slots)(struct store *s, bool *ret_has);
	int (*res_get)(struct store *s, const char *kind, const char *name, struct arena *a,
		       struct store_res *ret);
	int (*res_put)(struct store *s, const char *kind, const char *name, struct blob val, uint64_t expect,
		       uint64_t *ret_version);
	int (*res_list)(struct store *s, const char *kind, struct arena *a, struct store_res **ret,
			size_t *ret_n);
	int (*res_revision)(struct store *s, uint64_t *ret);
	int (*counter)(struct store *s, const char *name, uint64_t at_least, uint64_t add, uint64_t *ret);
	/* NULL: nothing to do. */
	int (*enroll)(struct store *s, uint32_t node, uint64_t incarnation, const char *addr);
	int (*fence)(struct store *s, uint32_t node, uint64_t incarnation);
};

/* First member of every backend's own struct. */
struct store {
	const struct store_ops *ops;
	struct store_info info;
};

extern const struct store_ops store_lmdb_ops, store_rados_ops;

#define STORE_FORMAT 1

/* What describes a store, as bytes: the same in every backend. -EMEDIUMTYPE: not ours; -EPROTONOSUPPORT: of a newer release;
 * -EUCLEAN: damaged. */
#define STORE_INFO_MAX 128
void store_info_pack(const struct store_info *i, struct wr *w);
int store_info_unpack(struct blob b, struct store_info *ret) HF_MUST_CHECK;

/* Whether keys and values have lengths that a record may have. */
bool store_muts_ok(const struct store_write *w);

/* A list of resources that grows in an arena. */
struct store_res_list {
	struct arena *a;
	struct store_res *res;
	size_t n, cap;
};
/* The place behind the last one; raise `n` once it is filled. -ENOMEM. */
int store_res_list_next(struct store_res_list *l, struct store_res **ret) HF_MUST_CHECK;

/* Writes one sentence for the operator into the caller's buffer. */
void store_say(char *errbuf, size_t errlen, const char *fmt, ...) HF_PRINTF(3, 4);

#endif
