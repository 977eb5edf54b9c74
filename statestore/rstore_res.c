/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Resources and counters. Each kind is one object whose revision grows with every change: a change is computed from what
 * was read and written under the condition that the revision is still the same, else it is computed again.
 */
#include "statestore/rstore_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define PAGE_RES 256
#define REVISION_MAX 24
/* A list that the object's changes interrupt is begun again, so often. */
#define LIST_TRIES 100

/* What one read found. */
struct seen {
	bool exists;       /* the object */
	uint64_t revision; /* 0: no object */
	rados_omap_iter_t iter;
	unsigned char more;
};

static int seen_result(struct seen *n, rados_xattrs_iter_t xattrs, int r)
{
	char text[REVISION_MAX];
	bool found = rstore_xattr(xattrs, RSTORE_REVISION, text, sizeof(text));

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return rstore_errno(r);
	if (!found || sscanf(text, "%" SCNu64, &n->revision) != 1)
		return -EUCLEAN;
	n->exists = true;
	return 0;
}

/* Reads the revision and one entry, or (`key` NULL) a page of entries with `prefix` behind `after`. The iterator is the
 * caller's to end, also on failure. */
static int look(struct rstore *s, const char *oid, const char *key, const char *after, const char *prefix,
		struct seen *n)
{
	rados_read_op_t op = rados_create_read_op();
	rados_xattrs_iter_t xattrs = NULL;
	int xattr_val, omap_val;
	size_t len = key ? strlen(key) : 0;

	*n = (struct seen){ 0 };
	rados_read_op_getxattrs(op, &xattrs, &xattr_val);
	if (key)
		rados_read_op_omap_get_vals_by_keys2(op, &key, 1, &len, &n->iter, &omap_val);
	else
		rados_read_op_omap_get_vals2(op, after, prefix, PAGE_RES, &n->iter, &n->more, &omap_val);
	return seen_result(n, xattrs, rstore_read(s, oid, op));
}

/* The next entry; false: there is none. */
static bool next(struct seen *n, struct blob *ret_key, struct blob *ret_val)
{
	char *key = NULL, *val;
	size_t key_len, val_len;

	if (rados_omap_get_next2(n->iter, &key, &val, &key_len, &val_len) < 0 || !key)
		return false;
	*ret_key = BLOB(key, key_len);
	*ret_val = BLOB(val, val_len);
	return true;
}

static int look_one(struct rstore *s, const char *oid, const char *key, struct seen *n, struct blob *ret_val)
{
	int r = look(s, oid, key, NULL, NULL, n);
	struct blob k;

	*ret_val = BLOB(NULL, 0);
	if (r == 0 && n->exists)
		(void)next(n, &k, ret_val);
	return r;
}

/* Writes an entry (val.data NULL: removes it) and the next revision, if the revision is still the one that was seen.
 * -EAGAIN: it is not. */
static int change(struct rstore *s, const char *oid, const struct seen *n, const char *key, struct blob val)
{
	rados_write_op_t op = rados_create_write_op();
	char old[REVISION_MAX], new[REVISION_MAX];
	const char *v = (const char *)val.data;
	size_t key_len = strlen(key);
	int r;

	snprintf(old, sizeof(old), "%" PRIu64, n->revision);
	snprintf(new, sizeof(new), "%" PRIu64, n->revision + 1);
	if (n->exists)
		rados_write_op_cmpxattr(op, RSTORE_REVISION, LIBRADOS_CMPXATTR_OP_EQ, old, strlen(old));
	else
		rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
	rados_write_op_setxattr(op, RSTORE_REVISION, new, strlen(new));
	if (val.data)
		rados_write_op_omap_set2(op, &key, &v, &key_len, &val.len, 1);
	else
		rados_write_op_omap_rm_keys2(op, &key, &key_len, 1);
	r = rstore_write(s, oid, op);
	return r == -ECANCELED || r == -EEXIST ? -EAGAIN : rstore_errno(r);
}

/* --- counters --- */

static int counter_once(struct rstore *s, const char *name, uint64_t at_least, uint64_t add, uint64_t *ret)
{
	struct blob val;
	struct seen n;
	struct rd rd;
	struct wr w;
	uint8_t buf[8];
	uint64_t old, new;
	int r = look_one(s, RSTORE_COUNTERS, name, &n, &val);

	rd = rd_of(val);
	old = val.data ? rd_le64(&rd) : 0;
	if (r == 0 && rd_end(&rd) < 0)
		r = -EUCLEAN;
	rados_omap_get_end(n.iter);
	if (r < 0)
		return r;
	new = MAX(old, at_least) + add;
	w = wr_fixed(buf, sizeof(buf));
	wr_le64(&w, new);
	if (new != old)
		r = change(s, RSTORE_COUNTERS, &n, name, wr_blob(&w));
	if (r == 0)
		*ret = new;
	return r;
}

int rstore_counter(struct store *st, const char *name, uint64_t at_least, uint64_t add, uint64_t *ret)
{
	int r;

	do
		r = counter_once(RSTORE_OF(st), name, at_least, add, ret);
	while (r == -EAGAIN);
	return r;
}

/* --- resources --- */

static void res_key(const char *kind, const char *name, char out[STORE_KEY_MAX + 1])
{
	snprintf(out, STORE_KEY_MAX + 1, "%s/%s", kind, name);
}

static int res_unpack(struct arena *a, struct blob val, struct store_res *ret)
{
	struct rd rd = rd_of(val);
	struct blob body;
	void *p;

	ret->version = rd_le64(&rd);
	if (rd_end(&rd) < 0)
		return -EUCLEAN;
	body = rd_rest(&rd);
	p = arena_memdup(a, body.data, body.len);
	if (!p)
		return -ENOMEM;
	ret->val = BLOB(p, body.len);
	return 0;
}

static void remember_read(struct rstore *s, const char *key, uint64_t version, uint64_t revision)
{
	pthread_mutex_lock(&s->mutex);
	snprintf(s->read.key, sizeof(s->read.key), "%s", key);
	s->read.version = version;
	s->read.revision = revision;
	pthread_mutex_unlock(&s->mutex);
}

/* Whether this version of the resource was what was read last; with which revision of the whole. Once. */
static bool recall_read(struct rstore *s, const char *key, uint64_t version, struct seen *ret)
{
	bool same;

	pthread_mutex_lock(&s->mutex);
	same = version && s->read.version == version && strcmp(s->read.key, key) == 0;
	if (same)
		*ret = (struct seen){ .exists = true, .revision = s->read.revision };
	s->read.version = 0;
	pthread_mutex_unlock(&s->mutex);
	return same;
}

int rstore_res_get(struct store *st, const char *kind, const char *name, struct arena *a, struct store_res *ret)
{
	char key[STORE_KEY_MAX + 1];
	struct store_res res;
	struct blob val;
	struct seen n;
	int r;

	res_key(kind, name, key);
	r = look_one(RSTORE_OF(st), RSTORE_RESOURCES, key, &n, &val);
	if (r == 0)
		r = val.data ? res_unpack(a, val, &res) : -ENOENT;
	rados_omap_get_end(n.iter);
	if (r < 0)
		return r;
	remember_read(RSTORE_OF(st), key, res.version, n.revision);
	res.kind = arena_strdup(a, kind);
	res.name = arena_strdup(a, name);
	if (!res.kind || !res.name)
		return -ENOMEM;
	*ret = res;
	return 0;
}

/* `expect` against what is there; 0: go on. */
static int res_expected(uint64_t expect, struct blob present)
{
	struct rd rd = rd_of(present);
	uint64_t version = present.data ? rd_le64(&rd) : 0;

	if (rd_end(&rd) < 0)
		return -EUCLEAN;
	if (expect == UINT64_MAX || expect == version)
		return 0;
	return expect == 0 ? -EEXIST : -ESTALE;
}

/* Versions are revisions, so a resource that is removed and made anew never reuses one. */
static int res_put_once(struct rstore *s, const char *key, struct blob val, uint64_t expect, uint64_t *ret_version)
{
	_cleanup_free_ uint8_t *buf = NULL;
	struct blob present, packed = BLOB(NULL, 0);
	struct seen n;
	struct wr w;
	int r = 0;

	/* When the revision is still the same, so is the version: the guard tells. */
	if (!recall_read(s, key, expect, &n)) {
		r = look_one(s, RSTORE_RESOURCES, key, &n, &present);
		if (r == 0)
			r = res_expected(expect, present);
		rados_omap_get_end(n.iter);
	}
	if (r < 0)
		return r;
	if (val.data) {
		buf = malloc(8 + val.len);
		if (!buf)
			return -ENOMEM;
		w = wr_fixed(buf, 8 + val.len);
		wr_le64(&w, n.revision + 1);
		wr_put(&w, val);
		packed = wr_blob(&w);
	}
	r = change(s, RSTORE_RESOURCES, &n, key, packed);
	if (r == 0) {
		*ret_version = n.revision + 1;
		if (val.data)
			remember_read(s, key, n.revision + 1, n.revision + 1);
	}
	return r;
}

int rstore_res_put(struct store *st, const char *kind, const char *name, struct blob val, uint64_t expect,
		   uint64_t *ret_version)
{
	char key[STORE_KEY_MAX + 1];
	int r;

	res_key(kind, name, key);
	do
		r = res_put_once(RSTORE_OF(st), key, val, expect, ret_version);
	while (r == -EAGAIN);
	return r;
}

struct res_list {
	struct store_res_list all;
	char after[STORE_KEY_MAX + 1];
};

static int list_add(struct res_list *l, struct blob key, struct blob val)
{
	const char *slash = memchr(key.data, '/', key.len);
	struct store_res *res;
	int kind_len, r;

	if (!slash || key.len > STORE_KEY_MAX)
		return -EUCLEAN;
	r = store_res_list_next(&l->all, &res);
	if (r < 0)
		return r;
	memcpy(l->after, key.data, key.len);
	l->after[key.len] = '\0';
	kind_len = (int)(slash - (const char *)key.data);
	res->kind = arena_printf(l->all.a, "%.*s", kind_len, l->after);
	res->name = arena_strdup(l->all.a, l->after + kind_len + 1);
	if (!res->kind || !res->name)
		return -ENOMEM;
	l->all.n++;
	return res_unpack(l->all.a, val, res);
}

/* One page. -EAGAIN: the resources changed since the page before. */
static int list_page(struct rstore *s, struct res_list *l, const char *prefix, uint64_t *revision, bool *ret_more)
{
	struct blob key, val;
	struct seen n;
	int r = look(s, RSTORE_RESOURCES, NULL, l->after, prefix, &n);

	if (r == 0 && *l->after && n.revision != *revision)
		r = -EAGAIN;
	*revision = n.revision;
	*ret_more = n.more;
	while (r == 0 && n.exists && next(&n, &key, &val))
		r = list_add(l, key, val);
	rados_omap_get_end(n.iter);
	return r;
}

static int list_once(struct rstore *s, struct res_list *l, const char *prefix)
{
	uint64_t revision = 0;
	bool more;
	int r;

	l->all.n = 0;
	*l->after = '\0';
	do
		r = list_page(s, l, prefix, &revision, &more);
	while (r == 0 && more);
	return r;
}

int rstore_res_list(struct store *st, const char *kind, struct arena *a, struct store_res **ret, size_t *ret_n)
{
	char prefix[STORE_KEY_MAX + 2] = "";
	struct res_list l = { .all.a = a };
	unsigned int tries = 0;
	int r;

	if (kind)
		snprintf(prefix, sizeof(prefix), "%s/", kind);
	do
		r = list_once(RSTORE_OF(st), &l, prefix);
	while (r == -EAGAIN && ++tries < LIST_TRIES);
	if (r < 0)
		return r;
	*ret = l.all.res;
	*ret_n = l.all.n;
	return 0;
}

int rstore_res_revision(struct store *st, uint64_t *ret)
{
	rados_read_op_t op = rados_create_read_op();
	struct rstore *s = RSTORE_OF(st);
	rados_xattrs_iter_t xattrs = NULL;
	struct seen n = { 0 };
	int prval, r;

	rados_read_op_getxattrs(op, &xattrs, &prval);
	r = seen_result(&n, xattrs, rstore_read(s, RSTORE_RESOURCES, op));
	if (r == 0)
		*ret = n.revision;
	return r;
}
