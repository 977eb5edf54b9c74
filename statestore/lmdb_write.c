/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The jobs of the commit thread: slot writes, claims, resources and counters. */
#include "statestore/lmdb_priv.h"

#include "node/base/fault.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define LMDB_OF(s) container_of((s), struct lmdb_store, store)

int lmdb_owner_get(struct lmdb_store *s, MDB_txn *txn, uint32_t slot, struct store_owner *ret)
{
	uint8_t key[LMDB_REC_PREFIX];
	MDB_val k = { sizeof(key), key }, v;
	int rc;

	lmdb_slot_key(slot, key);
	rc = mdb_get(txn, s->owner, &k, &v);
	if (rc == MDB_NOTFOUND) {
		*ret = (struct store_owner){ 0 };
		return 0;
	}
	if (rc)
		return rc;
	return lmdb_owner_unpack(&v, ret) < 0 ? MDB_CORRUPTED : 0;
}

static int put_or_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *k, struct blob val)
{
	MDB_val v = { val.len, (void *)val.data };
	int rc;

	if (val.data)
		return mdb_put(txn, dbi, k, &v, 0);
	rc = mdb_del(txn, dbi, k, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* --- slot writes --- */

struct slot_job {
	struct lmdb_job job;
	struct store_write *w;
};

static int slot_apply(struct lmdb_store *s, MDB_txn *txn, struct lmdb_job *job)
{
	const struct store_write *w = container_of(job, struct slot_job, job)->w;
	uint8_t key[LMDB_REC_PREFIX + STORE_KEY_MAX];
	struct store_owner owner;
	unsigned int i;
	bool deposed;
	int rc;

	rc = lmdb_owner_get(s, txn, w->slot, &owner);
	if (rc)
		return rc;
	deposed = owner.epoch != w->epoch && !fault(FAULT_NO_EPOCH_GUARD);
	if (deposed || !store_muts_ok(w)) {
		job->status = deposed ? -ESTALE : -EINVAL;
		return 0;
	}
	lmdb_slot_key(w->slot, key);
	for (i = 0; i < w->n_muts && rc == 0; i++) {
		MDB_val k = { LMDB_REC_PREFIX + w->muts[i].key.len, key };

		memcpy(key + LMDB_REC_PREFIX, w->muts[i].key.data, w->muts[i].key.len);
		rc = put_or_del(txn, s->rec, &k, w->muts[i].val);
	}
	return rc;
}

static void slot_done(struct lmdb_job *job, int status)
{
	struct slot_job *j = container_of(job, struct slot_job, job);
	struct store_write *w = j->w;

	free(j);
	w->done(w, status);
}

void lmdb_submit(struct store *s, struct store_write *w)
{
	struct slot_job *j = calloc(1, sizeof(*j));

	if (!j) {
		w->done(w, -ENOMEM);
		return;
	}
	j->job.apply = slot_apply;
	j->job.done = slot_done;
	j->w = w;
	lmdb_job_submit(LMDB_OF(s), &j->job);
}

/* --- claims --- */

struct claim_job {
	struct lmdb_job job;
	const uint32_t *slots;
	unsigned int n;
	const struct store_owner *owner;
	bool *ok;
};

static int claim_apply(struct lmdb_store *s, MDB_txn *txn, struct lmdb_job *job)
{
	struct claim_job *c = container_of(job, struct claim_job, job);
	uint8_t key[LMDB_REC_PREFIX], val[LMDB_OWNER_LEN];
	MDB_val k = { sizeof(key), key }, v = { sizeof(val), val };
	struct store_owner old;
	unsigned int i;
	int rc;

	lmdb_owner_pack(c->owner, val);
	for (i = 0; i < c->n; i++) {
		rc = lmdb_owner_get(s, txn, c->slots[i], &old);
		if (rc)
			return rc;
		c->ok[i] = old.epoch < c->owner->epoch ||
			   (old.epoch == c->owner->epoch && old.node == c->owner->node &&
			    old.incarnation == c->owner->incarnation);
		if (!c->ok[i])
			continue;
		lmdb_slot_key(c->slots[i], key);
		rc = mdb_put(txn, s->owner, &k, &v, 0);
		if (rc)
			return rc;
	}
	return 0;
}

int lmdb_claim(struct store *s, const uint32_t *slots, unsigned int n, const struct store_owner *owner, bool *ret_ok)
{
	struct claim_job c = {
		.job.apply = claim_apply, .slots = slots, .n = n, .owner = owner, .ok = ret_ok,
	};

	return lmdb_job_wait(LMDB_OF(s), &c.job);
}

/* --- counters --- */

struct counter_job {
	struct lmdb_job job;
	const char *name;
	uint64_t at_least, add;
	uint64_t value;
};

int lmdb_ctr_get(struct lmdb_store *s, MDB_txn *txn, const char *name, uint64_t *ret)
{
	MDB_val k = { strlen(name), (void *)name }, v;
	struct rd r;
	int rc = mdb_get(txn, s->ctr, &k, &v);

	if (rc == MDB_NOTFOUND) {
		*ret = 0;
		return 0;
	}
	if (rc)
		return rc;
	r = rd_init(v.mv_data, v.mv_size);
	*ret = rd_le64(&r);
	return rd_end(&r) < 0 ? MDB_CORRUPTED : 0;
}

static int ctr_put(struct lmdb_store *s, MDB_txn *txn, const char *name, uint64_t value)
{
	uint8_t buf[8];
	struct wr w = wr_fixed(buf, sizeof(buf));
	MDB_val k = { strlen(name), (void *)name }, v = { sizeof(buf), buf };

	wr_le64(&w, value);
	return mdb_put(txn, s->ctr, &k, &v, 0);
}

static int counter_apply(struct lmdb_store *s, MDB_txn *txn, struct lmdb_job *job)
{
	struct counter_job *c = container_of(job, struct counter_job, job);
	uint64_t old;
	int rc = lmdb_ctr_get(s, txn, c->name, &old);

	if (rc)
		return rc;
	c->value = MAX(old, c->at_least) + c->add;
	return c->value == old ? 0 : ctr_put(s, txn, c->name, c->value);
}

int lmdb_counter(struct store *s, const char *name, uint64_t at_least, uint64_t add, uint64_t *ret)
{
	struct counter_job c = { .job.apply = counter_apply, .name = name, .at_least = at_least, .add = add };
	int r = lmdb_job_wait(LMDB_OF(s), &c.job);

	if (r == 0)
		*ret = c.value;
	return r;
}

/* --- resources --- */

struct res_job {
	struct lmdb_job job;
	const char *kind, *name;
	struct blob val;
	uint64_t expect, version;
};

/* The present version of a resource; 0 when there is none. */
static int res_version(struct lmdb_store *s, MDB_txn *txn, MDB_val *k, uint64_t *ret)
{
	MDB_val v;
	struct rd r;
	int rc = mdb_get(txn, s->res, k, &v);

	if (rc && rc != MDB_NOTFOUND)
		return rc;
	r = rc ? rd_init(NULL, 0) : rd_init(v.mv_data, v.mv_size);
	*ret = rc ? 0 : rd_le64(&r);
	return rd_end(&r) < 0 ? MDB_CORRUPTED : 0;
}

static int res_store(struct lmdb_store *s, MDB_txn *txn, MDB_val *k, const struct res_job *j)
{
	MDB_val v = { 8 + j->val.len, NULL };
	struct wr w;
	int rc;

	if (!j->val.data)
		return put_or_del(txn, s->res, k, j->val);
	rc = mdb_put(txn, s->res, k, &v, MDB_RESERVE);
	if (rc)
		return rc;
	w = wr_fixed(v.mv_data, v.mv_size);
	wr_le64(&w, j->version);
	wr_put(&w, j->val);
	return 0;
}

/* Versions come from the one revision counter, so a resource that is removed and made anew never reuses one. */
static int res_apply(struct lmdb_store *s, MDB_txn *txn, struct lmdb_job *job)
{
	struct res_job *j = container_of(job, struct res_job, job);
	uint8_t key[STORE_KEY_MAX + 1];
	MDB_val k = { lmdb_res_key(j->kind, j->name, key), key };
	uint64_t old, rev;
	int rc = res_version(s, txn, &k, &old);

	if (rc)
		return rc;
	if (j->expect != UINT64_MAX && old != j->expect) {
		job->status = j->expect == 0 ? -EEXIST : -ESTALE;
		return 0;
	}
	rc = lmdb_ctr_get(s, txn, LMDB_REVISION, &rev);
	if (rc)
		return rc;
	j->version = rev + 1;
	rc = res_store(s, txn, &k, j);
	return rc ? rc : ctr_put(s, txn, LMDB_REVISION, rev + 1);
}

int lmdb_res_put(struct store *s, const char *kind, const char *name, struct blob val, uint64_t expect,
		 uint64_t *ret_version)
{
	struct res_job j = { .job.apply = res_apply, .kind = kind, .name = name, .val = val, .expect = expect };
	int r = lmdb_job_wait(LMDB_OF(s), &j.job);

	if (r == 0)
		*ret_version = j.version;
	return r;
}
