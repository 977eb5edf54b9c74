/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing a store in RADOS, and what the operator reads when that fails. */
#include "statestore/rstore_priv.h"

#include <stdarg.h>
#include <stdio.h>

#include "node/base/random.h"
#include "node/log/log.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

/* Everything that opening does gives up after so many seconds. */
#define OPEN_TIMEOUT "10"

/* Where opening failed; the sentence depends on it. */
struct opening {
	struct rstore *s;
	const struct store_info *create;
	char *errbuf;
	size_t errlen;
};

/* Says the sentence and returns the error. */
static int say(const struct opening *o, int r, const char *fmt, ...) HF_PRINTF(3, 4);
static int say(const struct opening *o, int r, const char *fmt, ...)
{
	va_list ap;

	if (o->errbuf && o->errlen) {
		va_start(ap, fmt);
		vsnprintf(o->errbuf, o->errlen, fmt, ap);
		va_end(ap);
	}
	return r;
}

/* --- the connection --- */

static const char *conf_name(const struct rstore *s)
{
	return s->url.conf ? s->url.conf : "the default ceph.conf";
}

static const char *client_id(const struct rstore *s)
{
	return s->url.id ? s->url.id : "admin";
}

static int configure(const struct opening *o)
{
	const struct {
		const char *name, *value;
	} ours[] = {
		{ "client_mount_timeout", OPEN_TIMEOUT },
		{ "rados_mon_op_timeout", OPEN_TIMEOUT },
		{ "rados_osd_op_timeout", OPEN_TIMEOUT },
		/* An OSD that came back elsewhere is looked for soon. */
		{ "objecter_tick_interval", "1" },
		{ "objecter_timeout", "2" },
		/* To submit must never wait; what may be on its way is bounded elsewhere. */
		{ "objecter_inflight_ops", "0" },
		{ "objecter_inflight_op_bytes", "0" },
		/* What it has to say comes back as errors, and our log says it. */
		{ "log_to_stderr", "false" },
		{ "err_to_stderr", "false" },
	};
	struct rstore *s = o->s;
	size_t i;
	int r = rados_conf_read_file(s->cluster, s->url.conf);

	if (r < 0)
		return say(o, r == -ENOENT ? -EINVAL : r, "%s cannot be read as Ceph's configuration: %s: name it in the store's URL (conf=PATH)",
			   conf_name(s), strerror(-r));
	for (i = 0; i < ARRAY_SIZE(ours); i++) {
		r = rados_conf_set(s->cluster, ours[i].name, ours[i].value);
		if (r < 0)
			return say(o, r, "librados does not take its setting %s: %s", ours[i].name, strerror(-r));
	}
	if (s->url.keyring && access(s->url.keyring, R_OK) < 0)
		return say(o, -EACCES, "the keyring %s cannot be read: %s", s->url.keyring, strerror(errno));
	return s->url.keyring ? rados_conf_set(s->cluster, "keyring", s->url.keyring) : 0;
}

static int connect_ceph(const struct opening *o)
{
	struct rstore *s = o->s;
	char name[256];
	int r;

	snprintf(name, sizeof(name), "client.%s", client_id(s));
	r = rados_create2(&s->cluster, "ceph", name, 0);
	if (r < 0)
		return say(o, r, "librados cannot be started: %s", strerror(-r));
	r = configure(o);
	if (r < 0)
		return r;
	r = rados_connect(s->cluster);
	if (r == 0) {
		s->connected = true;
		return 0;
	}
	if (r == -ETIMEDOUT)
		return say(o, r, "no monitor of Ceph answers: check mon_host in %s and the network", conf_name(s));
	if (r == -ENOENT)
		return say(o, -EACCES, "there is no key for client.%s: name its keyring in the store's URL (keyring=PATH) or in %s",
			   client_id(s), conf_name(s));
	if (r == -EACCES || r == -EPERM || r == -EINVAL || r == -ENOTSUP)
		return say(o, -EACCES, "Ceph refuses the key of client.%s: check its keyring", client_id(s));
	return say(o, r, "Ceph cannot be reached as client.%s: %s", client_id(s), strerror(-r));
}

static int use_pool(const struct opening *o)
{
	struct rstore *s = o->s;
	int aligned = 0, r = rados_ioctx_create(s->cluster, s->url.pool, &s->io);

	if (r == -ENOENT)
		return say(o, r, "there is no pool '%s' in Ceph: create it, replicated, and start again or wait", s->url.pool);
	if (r < 0)
		return say(o, rstore_errno(r), "the pool '%s' cannot be used: %s", s->url.pool, strerror(-r));
	if (rados_ioctx_pool_requires_alignment2(s->io, &aligned) == 0 && aligned)
		return say(o, -EOPNOTSUPP, "the pool '%s' is erasure-coded and cannot hold records: name a replicated pool",
			   s->url.pool);
	if (s->url.ns)
		rados_ioctx_set_namespace(s->io, s->url.ns);
	return 0;
}

/* --- what the store is --- */

static int info_read(struct rstore *s)
{
	rados_read_op_t op = rados_create_read_op();
	char buf[STORE_INFO_MAX];
	size_t n = 0;
	int prval = 0, r;

	rados_read_op_read(op, 0, sizeof(buf), buf, &n, &prval);
	r = rstore_read(s, RSTORE_INFO, op);
	if (r == 0)
		r = prval;
	return r < 0 ? r : store_info_unpack(BLOB(buf, n), &s->store.info);
}

/* Whoever is first makes the store. -EEXIST: somebody else was. */
static int info_write(struct rstore *s, const struct store_info *create)
{
	struct store_info i = *create;
	rados_write_op_t op;
	uint8_t buf[STORE_INFO_MAX];
	struct wr w = wr_fixed(buf, sizeof(buf));
	const char *key = "holdfast", *val = "";
	size_t key_len = strlen(key), zero = 0;
	int r;

	random_bytes(i.uuid, sizeof(i.uuid));
	i.format = STORE_FORMAT;
	store_info_pack(&i, &w);
	op = rados_create_write_op();
	rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
	rados_write_op_write_full(op, (const char *)buf, w.len);
	/* Not read by anybody: a pool that cannot hold an omap shows itself here. */
	rados_write_op_omap_set2(op, &key, &val, &key_len, &zero, 1);
	r = rstore_write(s, RSTORE_INFO, op);
	if (r < 0)
		return r;
	s->store.info = i;
	return 0;
}

/* A namespace that holds objects but no description belongs to something else. 1: it does. */
static int holds_objects(struct rstore *s)
{
	rados_list_ctx_t list;
	const char *entry;
	int r = rados_nobjects_list_open(s->io, &list);

	if (r < 0)
		return r;
	r = rados_nobjects_list_next(list, &entry, NULL, NULL);
	rados_nobjects_list_close(list);
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int describe(struct rstore *s, const struct store_info *create)
{
	int r = info_read(s);

	if (r != -ENOENT || !create)
		return r;
	r = holds_objects(s);
	if (r < 0)
		return r;
	if (r > 0) {
		r = info_read(s); /* made meanwhile */
		return r == -ENOENT ? -EMEDIUMTYPE : r;
	}
	r = info_write(s, create);
	return r == -EEXIST ? info_read(s) : r;
}

static int explain(const struct opening *o, int r)
{
	const char *pool = o->s->url.pool, *ns = o->s->url.ns ? o->s->url.ns : "";

	r = rstore_errno(r);
	switch (r) {
	case -EMEDIUMTYPE:
		return say(o, r, "the pool '%s', namespace '%s', holds objects that are not a Holdfast state store: name another namespace",
			   pool, ns);
	case -EPROTONOSUPPORT:
		return say(o, r, "the state store in pool '%s', namespace '%s', was written by a newer release of Holdfast: upgrade this node",
			   pool, ns);
	case -EUCLEAN:
		return say(o, r, "the state store in pool '%s', namespace '%s', is damaged: its object " RSTORE_INFO " cannot be read",
			   pool, ns);
	case -ENOENT:
		return say(o, r, "the pool '%s', namespace '%s', holds no state store yet: start holdfast-clusterd first",
			   pool, ns);
	case -EOPNOTSUPP:
		return say(o, r, "the pool '%s' is erasure-coded and cannot hold records: name a replicated pool", pool);
	case -ENOSPC:
		return say(o, r, "the pool '%s' is full: give Ceph more space, or raise the pool's quota", pool);
	case -ETIMEDOUT:
		return say(o, r, "the pool '%s' does not answer: its placement groups are not active (see \"ceph health detail\")",
			   pool);
	case -EACCES:
		return say(o, r, "client.%s may not read and write the pool '%s', namespace '%s': give it the osd capability \"allow rw pool=%s\"",
			   client_id(o->s), pool, ns, pool);
	default:
		return say(o, r, "the pool '%s' cannot be used as state store: %s", pool, strerror(-r));
	}
}

/* --- life --- */

static int check_fencing(const struct opening *o)
{
	int r = rstore_may_fence(o->s);

	if (r == -EACCES)
		return say(o, r, "client.%s may not fence other clients: give it the mon capability 'allow r, allow command \"osd blocklist\"'",
			   client_id(o->s));
	return r < 0 ? say(o, r, "Ceph's monitor does not answer a command: %s", strerror(-r)) : 0;
}

static int open_all(const struct opening *o)
{
	struct rstore *s = o->s;
	int r = connect_ceph(o);

	if (r == 0)
		r = use_pool(o);
	if (r < 0)
		return r;
	r = describe(s, o->create);
	if (r < 0)
		return explain(o, r);
	r = check_fencing(o);
	if (r < 0)
		return r;
	/* From now on writes wait for as long as it takes: the watcher says so. */
	r = rados_conf_set(s->cluster, "rados_osd_op_timeout", "0");
	if (r == 0)
		r = rstore_slots_init(s);
	if (r == 0)
		r = rstore_watch_start(s);
	return r < 0 ? explain(o, r) : 0;
}

static void rstore_free(struct rstore *s)
{
	rstore_watch_stop(s);
	if (s->io)
		rados_ioctx_destroy(s->io);
	if (s->cluster)
		rados_shutdown(s->cluster); /* its threads end */
	rstore_slots_done(s);
	rstore_url_done(&s->url);
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}

static int rstore_open(const char *rest, const struct store_info *create, struct store **ret, char *errbuf,
		       size_t errlen)
{
	struct rstore *s = calloc(1, sizeof(*s));
	struct opening o = { s, create, errbuf, errlen };
	int r;

	if (!s)
		return -ENOMEM;
	s->store.ops = &store_rados_ops;
	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->cond, NULL);
	list_init(&s->calls);
	list_init(&s->map.waiters);
	r = rstore_url_parse(rest, &s->url, errbuf, errlen);
	if (r == 0)
		r = open_all(&o);
	if (r < 0) {
		rstore_free(s);
		return r;
	}
	*ret = &s->store;
	return 0;
}

static void rstore_close(struct store *s)
{
	rstore_free(RSTORE_OF(s));
}

const struct store_ops store_rados_ops = {
	.scheme = "rados",
	.claim_batch = 1,
	.open = rstore_open,
	.close = rstore_close,
	.submit = rstore_submit,
	.claim = rstore_claim,
	.slot_owner = rstore_slot_owner,
	.scan = rstore_scan,
	.get = rstore_get,
	.used_slots = rstore_used_slots,
	.res_get = rstore_res_get,
	.res_put = rstore_res_put,
	.res_list = rstore_res_list,
	.res_revision = rstore_res_revision,
	.counter = rstore_counter,
	.enroll = rstore_enroll,
	.fence = rstore_fence,
};
