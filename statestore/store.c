/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The face of the state store: picks the backend by URL, checks arguments once for all of them. */
#include "statestore/store_priv.h"

#include <stdarg.h>
#include <stdio.h>

#include "node/wire/rd.h"
#include "statestore/wait.h"

#define INFO_MAGIC "HOLDFAST"

static const struct store_ops *const backends[] = { &store_lmdb_ops, &store_rados_ops };

void store_say(char *errbuf, size_t errlen, const char *fmt, ...)
{
	va_list ap;

	if (!errbuf || errlen == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(errbuf, errlen, fmt, ap);
	va_end(ap);
}

void store_info_pack(const struct store_info *i, struct wr *w)
{
	wr_bytes(w, INFO_MAGIC, 8);
	wr_le32(w, i->format);
	wr_le32(w, i->slots);
	wr_bytes(w, i->uuid, sizeof(i->uuid));
	wr_bytes(w, i->cluster, sizeof(i->cluster));
}

int store_info_unpack(struct blob b, struct store_info *ret)
{
	struct rd r = rd_of(b);
	const uint8_t *magic = rd_bytes(&r, 8);
	struct store_info i = { 0 };

	if (!magic || memcmp(magic, INFO_MAGIC, 8) != 0)
		return -EMEDIUMTYPE;
	i.format = rd_le32(&r);
	i.slots = rd_le32(&r);
	rd_copy(&r, i.uuid, sizeof(i.uuid));
	rd_copy(&r, i.cluster, sizeof(i.cluster));
	i.cluster[sizeof(i.cluster) - 1] = '\0';
	if (i.format > STORE_FORMAT)
		return -EPROTONOSUPPORT;
	if (rd_end(&r) < 0 || i.slots == 0 || i.slots > 65536)
		return -EUCLEAN;
	*ret = i;
	return 0;
}

int store_open(const char *url, const struct store_info *create, struct store **ret, char *errbuf, size_t errlen)
{
	const char *colon = strchr(url, ':');
	size_t i;

	for (i = 0; colon && i < ARRAY_SIZE(backends); i++) {
		if (strlen(backends[i]->scheme) == (size_t)(colon - url) &&
		    strncmp(url, backends[i]->scheme, (size_t)(colon - url)) == 0)
			return backends[i]->open(colon + 1, create, ret, errbuf, errlen);
	}
	store_say(errbuf, errlen, "store '%s' is not understood: write lmdb:/DIRECTORY or rados:POOL", url);
	return -EINVAL;
}

void store_close(struct store *s)
{
	if (s)
		s->ops->close(s);
}

const struct store_info *store_info(const struct store *s)
{
	return &s->info;
}

bool store_muts_ok(const struct store_write *w)
{
	unsigned int i;

	for (i = 0; i < w->n_muts; i++) {
		if (w->muts[i].key.len == 0 || w->muts[i].key.len > STORE_KEY_MAX ||
		    w->muts[i].val.len > STORE_VAL_MAX)
			return false;
	}
	return true;
}

int store_res_list_next(struct store_res_list *l, struct store_res **ret)
{
	size_t cap = MAX(l->cap * 2, (size_t)64);
	struct store_res *res;

	if (l->n == l->cap) {
		res = arena_calloc(l->a, cap, sizeof(*res));
		if (!res)
			return -ENOMEM;
		if (l->n)
			memcpy(res, l->res, l->n * sizeof(*res));
		l->res = res;
		l->cap = cap;
	}
	*ret = &l->res[l->n];
	return 0;
}

void store_submit(struct store *s, struct store_write *w)
{
	assert(w->slot < s->info.slots);
	s->ops->submit(s, w);
}

struct store_write_wait {
	struct store_write w;
	struct store_wait wait;
};

static void store_write_done(struct store_write *w, int status)
{
	store_wait_done(&container_of(w, struct store_write_wait, w)->wait, status);
}

int store_write(struct store *s, uint32_t slot, uint64_t epoch, const struct store_mut *muts, unsigned int n)
{
	struct store_write_wait ww = {
		.w = { .slot = slot, .epoch = epoch, .muts = muts, .n_muts = n, .done = store_write_done },
	};

	store_wait_init(&ww.wait);
	store_submit(s, &ww.w);
	return store_wait(&ww.wait);
}

int store_claim(struct store *s, const uint32_t *slots, unsigned int n, uint64_t epoch, uint32_t node,
		uint64_t incarnation, bool *ret_ok)
{
	const struct store_owner owner = { .epoch = epoch, .incarnation = incarnation, .node = node };

	return n == 0 ? 0 : s->ops->claim(s, slots, n, &owner, ret_ok);
}

uint32_t store_claim_batch(const struct store *s)
{
	return s->ops->claim_batch ? s->ops->claim_batch : UINT32_MAX;
}

int store_slot_owner(struct store *s, uint32_t slot, struct store_owner *ret)
{
	return s->ops->slot_owner(s, slot, ret);
}

int store_scan(struct store *s, uint32_t slot, store_each_fn *each, void *arg)
{
	return s->ops->scan(s, slot, each, arg);
}

int store_get(struct store *s, uint32_t slot, struct blob key, struct arena *a, struct blob *ret)
{
	return s->ops->get(s, slot, key, a, ret);
}

int store_used_slots(struct store *s, bool *ret_has)
{
	return s->ops->used_slots(s, ret_has);
}

static bool res_name_ok(const char *kind, const char *name)
{
	return *kind && *name && strlen(kind) + 1 + strlen(name) <= STORE_KEY_MAX;
}

int store_res_get(struct store *s, const char *kind, const char *name, struct arena *a, struct store_res *ret)
{
	return res_name_ok(kind, name) ? s->ops->res_get(s, kind, name, a, ret) : -ENOENT;
}

int store_res_put(struct store *s, const char *kind, const char *name, struct blob val, uint64_t expect,
		  uint64_t *ret_version)
{
	uint64_t version;

	if (!res_name_ok(kind, name) || val.len > STORE_VAL_MAX)
		return -EINVAL;
	return s->ops->res_put(s, kind, name, val, expect, ret_version ? ret_version : &version);
}

int store_res_list(struct store *s, const char *kind, struct arena *a, struct store_res **ret, size_t *ret_n)
{
	return s->ops->res_list(s, kind, a, ret, ret_n);
}

int store_res_revision(struct store *s, uint64_t *ret)
{
	return s->ops->res_revision(s, ret);
}

int store_counter_raise(struct store *s, const char *name, uint64_t at_least, uint64_t *ret)
{
	return s->ops->counter(s, name, at_least, 0, ret);
}

int store_counter_next(struct store *s, const char *name, uint64_t *ret)
{
	return s->ops->counter(s, name, 0, 1, ret);
}

int store_enroll(struct store *s, uint32_t node, uint64_t incarnation, const char *addr)
{
	return s->ops->enroll ? s->ops->enroll(s, node, incarnation, addr) : 0;
}

int store_fence(struct store *s, uint32_t node, uint64_t incarnation)
{
	return s->ops->fence ? s->ops->fence(s, node, incarnation) : 0;
}
