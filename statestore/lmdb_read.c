/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads of an LMDB store: short read transactions on the caller's thread; long scans go page by page.
 *
 * LMDB hands out the entries of its reader table under a mutex which all processes share. A process that is stopped there
 * would stop every node, so entries are taken under our own writer lock, whose stopped holder is killed, and kept for reuse.
 */
#include "statestore/lmdb_priv.h"

#include "node/wire/rd.h"

#define LMDB_OF(s) container_of((s), struct lmdb_store, store)
#define LMDB_PAGE_RECORDS 256

static int reader_new(struct lmdb_store *s, MDB_txn **ret)
{
	int dead, rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, ret);

	if (rc == MDB_READERS_FULL && mdb_reader_check(s->env, &dead) == 0 && dead > 0)
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, ret);
	return lmdb_errno(rc);
}

int lmdb_readers_open(struct lmdb_store *s)
{
	MDB_txn *txn;
	int r;

	while (s->n_readers < LMDB_IDLE_READERS) {
		r = reader_new(s, &txn);
		if (r < 0)
			return r;
		mdb_txn_reset(txn);
		s->readers[s->n_readers++] = txn;
	}
	return 0;
}

void lmdb_readers_close(struct lmdb_store *s)
{
	while (s->n_readers)
		mdb_txn_abort(s->readers[--s->n_readers]);
}

static int read_begin(struct lmdb_store *s, MDB_txn **ret)
{
	MDB_txn *txn = NULL;
	int r;

	pthread_mutex_lock(&s->mutex);
	if (s->n_readers)
		txn = s->readers[--s->n_readers];
	pthread_mutex_unlock(&s->mutex);
	if (txn) {
		r = lmdb_errno(mdb_txn_renew(txn));
		if (r < 0)
			mdb_txn_abort(txn);
		else
			*ret = txn;
		return r;
	}
	r = lmdb_writer_lock(s->writer);
	if (r < 0)
		return r;
	r = reader_new(s, ret);
	lmdb_writer_unlock(s->writer);
	return r;
}

static void read_end(struct lmdb_store *s, MDB_txn *txn)
{
	mdb_txn_reset(txn);
	pthread_mutex_lock(&s->mutex);
	if (s->n_readers < LMDB_IDLE_READERS) {
		s->readers[s->n_readers++] = txn;
		txn = NULL;
	}
	pthread_mutex_unlock(&s->mutex);
	if (txn)
		mdb_txn_abort(txn);
}

int lmdb_slot_owner(struct store *st, uint32_t slot, struct store_owner *ret)
{
	struct lmdb_store *s = LMDB_OF(st);
	MDB_txn *txn;
	int r = read_begin(s, &txn);

	if (r < 0)
		return r;
	r = lmdb_errno(lmdb_owner_get(s, txn, slot, ret));
	read_end(s, txn);
	return r;
}

static int val_dup(struct arena *a, const MDB_val *v, struct blob *ret)
{
	void *p = arena_memdup(a, v->mv_data, v->mv_size);

	if (!p)
		return -ENOMEM;
	*ret = BLOB(p, v->mv_size);
	return 0;
}

int lmdb_get(struct store *st, uint32_t slot, struct blob key, struct arena *a, struct blob *ret)
{
	struct lmdb_store *s = LMDB_OF(st);
	uint8_t buf[LMDB_REC_PREFIX + STORE_KEY_MAX];
	MDB_val k = { LMDB_REC_PREFIX + key.len, buf }, v;
	MDB_txn *txn;
	int r;

	if (key.len == 0 || key.len > STORE_KEY_MAX)
		return -EINVAL;
	lmdb_slot_key(slot, buf);
	memcpy(buf + LMDB_REC_PREFIX, key.data, key.len);
	r = read_begin(s, &txn);
	if (r < 0)
		return r;
	r = lmdb_errno(mdb_get(txn, s->rec, &k, &v));
	if (r == 0)
		r = val_dup(a, &v, ret);
	read_end(s, txn);
	return r;
}

struct page_rec {
	struct blob key, val;
};

struct page {
	struct arena arena;
	struct page_rec recs[LMDB_PAGE_RECORDS];
	unsigned int n;
	uint8_t after[LMDB_REC_PREFIX + STORE_KEY_MAX]; /* the last key that was read */
	size_t after_len;
};

static int page_add(struct page *p, const MDB_val *k, const MDB_val *v)
{
	struct page_rec *rec = &p->recs[p->n];
	const MDB_val key = { k->mv_size - LMDB_REC_PREFIX, (uint8_t *)k->mv_data + LMDB_REC_PREFIX };
	int r = val_dup(&p->arena, &key, &rec->key);

	if (r == 0)
		r = val_dup(&p->arena, v, &rec->val);
	if (r < 0)
		return r;
	memcpy(p->after, k->mv_data, k->mv_size);
	p->after_len = k->mv_size;
	p->n++;
	return 0;
}

static bool key_is(const MDB_val *k, const uint8_t *p, size_t n)
{
	return k->mv_size == n && memcmp(k->mv_data, p, n) == 0;
}

/* Fills a page with the records of the slot behind `p->after`. */
static int page_fill(struct lmdb_store *s, struct page *p)
{
	MDB_val k = { p->after_len, p->after }, v;
	uint8_t start[sizeof(p->after)];
	size_t start_len = p->after_len;
	MDB_cursor *cur;
	MDB_txn *txn;
	int rc, r = read_begin(s, &txn);

	if (r < 0)
		return r;
	memcpy(start, p->after, start_len);
	k.mv_data = start;
	r = lmdb_errno(mdb_cursor_open(txn, s->rec, &cur));
	if (r < 0)
		goto out;
	rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
	if (rc == 0 && key_is(&k, start, start_len))
		rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
	while (rc == 0 && r == 0 && p->n < LMDB_PAGE_RECORDS && k.mv_size > LMDB_REC_PREFIX &&
	       k.mv_size <= sizeof(p->after) && memcmp(k.mv_data, start, LMDB_REC_PREFIX) == 0) {
		r = page_add(p, &k, &v);
		if (r == 0)
			rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
	}
	if (rc && rc != MDB_NOTFOUND)
		r = lmdb_errno(rc);
	mdb_cursor_close(cur);
out:
	read_end(s, txn);
	return r;
}

int lmdb_scan(struct store *st, uint32_t slot, store_each_fn *each, void *arg)
{
	_cleanup_free_ struct page *p = calloc(1, sizeof(*p));
	unsigned int i;
	bool more;
	int r;

	if (!p)
		return -ENOMEM;
	lmdb_slot_key(slot, p->after);
	p->after_len = LMDB_REC_PREFIX;
	do {
		arena_init(&p->arena, 0);
		p->n = 0;
		r = page_fill(LMDB_OF(st), p);
		for (i = 0; r == 0 && i < p->n; i++)
			r = each(arg, p->recs[i].key, p->recs[i].val);
		more = p->n == LMDB_PAGE_RECORDS;
		arena_reset(&p->arena);
	} while (r == 0 && more);
	return r;
}

int lmdb_used_slots(struct store *st, bool *ret_has)
{
	struct lmdb_store *s = LMDB_OF(st);
	uint8_t key[LMDB_REC_PREFIX];
	MDB_val k, v;
	MDB_cursor *cur;
	MDB_txn *txn;
	uint32_t slot = 0;
	struct rd rd;
	int rc, r = read_begin(s, &txn);

	if (r < 0)
		return r;
	r = lmdb_errno(mdb_cursor_open(txn, s->rec, &cur));
	if (r < 0)
		goto out;
	memset(ret_has, 0, s->store.info.slots * sizeof(bool));
	for (;;) {
		lmdb_slot_key(slot, key);
		k = (MDB_val){ sizeof(key), key };
		rc = mdb_cursor_get(cur, &k, &v, MDB_SET_RANGE);
		if (rc)
			break;
		rd = rd_init(k.mv_data, k.mv_size);
		slot = rd_be32(&rd);
		if (rd_end(&rd) < 0 || slot >= s->store.info.slots)
			break;
		ret_has[slot++] = true;
	}
	r = rc == MDB_NOTFOUND ? 0 : rc ? lmdb_errno(rc) : -EUCLEAN;
	mdb_cursor_close(cur);
out:
	read_end(s, txn);
	return r;
}

static int res_unpack(struct arena *a, const MDB_val *v, struct store_res *ret)
{
	struct rd r = rd_init(v->mv_data, v->mv_size);
	MDB_val body;

	ret->version = rd_le64(&r);
	if (rd_end(&r) < 0)
		return -EUCLEAN;
	body = (MDB_val){ rd_left(&r), (void *)r.pos };
	return val_dup(a, &body, &ret->val);
}

int lmdb_res_get(struct store *st, const char *kind, const char *name, struct arena *a, struct store_res *ret)
{
	struct lmdb_store *s = LMDB_OF(st);
	uint8_t key[STORE_KEY_MAX + 1];
	MDB_val k = { lmdb_res_key(kind, name, key), key }, v;
	struct store_res res;
	MDB_txn *txn;
	int r = read_begin(s, &txn);

	if (r < 0)
		return r;
	r = lmdb_errno(mdb_get(txn, s->res, &k, &v));
	if (r == 0)
		r = res_unpack(a, &v, &res);
	read_end(s, txn);
	if (r < 0)
		return r;
	res.kind = arena_strdup(a, kind);
	res.name = arena_strdup(a, name);
	if (!res.kind || !res.name)
		return -ENOMEM;
	*ret = res;
	return 0;
}

static int res_list_add(struct store_res_list *l, const MDB_val *k, const MDB_val *v)
{
	const char *kind = k->mv_data, *nul = memchr(kind, '\0', k->mv_size);
	struct store_res *res;
	int r;

	if (!nul)
		return -EUCLEAN;
	r = store_res_list_next(l, &res);
	if (r < 0)
		return r;
	res->kind = arena_strdup(l->a, kind);
	res->name = arena_printf(l->a, "%.*s", (int)(k->mv_size - (size_t)(nul + 1 - kind)), nul + 1);
	if (!res->kind || !res->name)
		return -ENOMEM;
	l->n++;
	return res_unpack(l->a, v, res);
}

static int res_list_fill(struct lmdb_store *s, MDB_cursor *cur, const char *kind, struct store_res_list *l)
{
	size_t klen = kind ? strlen(kind) + 1 : 0;
	MDB_val k = { klen, (void *)kind }, v;
	int r = 0, rc = mdb_cursor_get(cur, &k, &v, kind ? MDB_SET_RANGE : MDB_FIRST);

	while (rc == 0 && r == 0 && k.mv_size >= klen && memcmp(k.mv_data, kind ? kind : "", klen) == 0) {
		r = res_list_add(l, &k, &v);
		if (r == 0)
			rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT);
	}
	return rc && rc != MDB_NOTFOUND ? lmdb_errno(rc) : r;
}

int lmdb_res_list(struct store *st, const char *kind, struct arena *a, struct store_res **ret, size_t *ret_n)
{
	struct lmdb_store *s = LMDB_OF(st);
	struct store_res_list l = { .a = a };
	MDB_cursor *cur;
	MDB_txn *txn;
	int r = read_begin(s, &txn);

	if (r < 0)
		return r;
	r = lmdb_errno(mdb_cursor_open(txn, s->res, &cur));
	if (r == 0) {
		r = res_list_fill(s, cur, kind, &l);
		mdb_cursor_close(cur);
	}
	read_end(s, txn);
	if (r < 0)
		return r;
	*ret = l.res;
	*ret_n = l.n;
	return 0;
}

int lmdb_res_revision(struct store *st, uint64_t *ret)
{
	struct lmdb_store *s = LMDB_OF(st);
	MDB_txn *txn;
	int r = read_begin(s, &txn);

	if (r < 0)
		return r;
	r = lmdb_errno(lmdb_ctr_get(s, txn, LMDB_REVISION, ret));
	read_end(s, txn);
	return r;
}
