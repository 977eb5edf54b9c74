/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads of records: one, or all of a slot page by page. */
#include "statestore/rstore_priv.h"

#define PAGE_RECORDS 256

/* The records of one page; `after` is the last key that was seen. */
static int page_each(rados_omap_iter_t iter, char after[RSTORE_HEX_MAX], store_each_fn *each, void *arg)
{
	char *key, *val;
	size_t key_len, val_len, len;
	int r;

	for (;;) {
		uint8_t raw[STORE_KEY_MAX];

		r = rados_omap_get_next2(iter, &key, &val, &key_len, &val_len);
		if (r < 0)
			return r;
		if (!key)
			return 0;
		r = rstore_unhex(key, key_len, raw, &len);
		if (r < 0)
			return r;
		memcpy(after, key, key_len);
		after[key_len] = '\0';
		r = each(arg, BLOB(raw, len), BLOB(val, val_len));
		if (r)
			return r;
	}
}

int rstore_scan(struct store *st, uint32_t slot, store_each_fn *each, void *arg)
{
	char oid[RSTORE_OID_MAX], after[RSTORE_HEX_MAX] = "";
	struct rstore *s = RSTORE_OF(st);
	unsigned char more;
	int r;

	rstore_slot_oid(slot, oid);
	do {
		rados_read_op_t op = rados_create_read_op();
		rados_omap_iter_t iter = NULL;
		int prval = 0;

		more = 0;
		rados_read_op_omap_get_vals2(op, after, "", PAGE_RECORDS, &iter, &more, &prval);
		r = rstore_read(s, oid, op);
		if (r == 0)
			r = prval;
		if (r == 0)
			r = page_each(iter, after, each, arg);
		else
			r = r == -ENOENT ? 0 : rstore_errno(r);
		rados_omap_get_end(iter);
	} while (r == 0 && more);
	return r;
}

int rstore_get(struct store *st, uint32_t slot, struct blob key, struct arena *a, struct blob *ret)
{
	rados_read_op_t op;
	char oid[RSTORE_OID_MAX], hex[RSTORE_HEX_MAX], *k = NULL, *val;
	const char *keys[] = { hex };
	size_t lens[] = { 2 * key.len }, key_len, val_len;
	rados_omap_iter_t iter = NULL;
	int prval = 0, r;
	void *p;

	if (key.len == 0 || key.len > STORE_KEY_MAX)
		return -EINVAL;
	rstore_hex(key, hex);
	rstore_slot_oid(slot, oid);
	op = rados_create_read_op();
	rados_read_op_omap_get_vals_by_keys2(op, keys, 1, lens, &iter, &prval);
	r = rstore_read(RSTORE_OF(st), oid, op);
	if (r == 0)
		r = prval;
	if (r == 0)
		r = rados_omap_get_next2(iter, &k, &val, &key_len, &val_len);
	if (r == 0 && !k)
		r = -ENOENT;
	if (r == 0) {
		p = arena_memdup(a, val, val_len);
		if (p)
			*ret = BLOB(p, val_len);
		else
			r = -ENOMEM;
	}
	rados_omap_get_end(iter);
	return rstore_errno(r);
}

/* To look is as dear as to scan, so nothing is ruled out here: a scan of an empty slot is one read. */
int rstore_used_slots(struct store *st, bool *ret_has)
{
	memset(ret_has, true, st->info.slots * sizeof(bool));
	return 0;
}
