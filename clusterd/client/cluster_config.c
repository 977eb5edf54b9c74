/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshot of the configuration: made on one thread, read on any. */
#include "clusterd/client/cluster_config.h"

#include "clusterd/client/config_pb.h"
#include "node/base/arena.h"
#include "node/base/hash.h"
#include "node/base/utf.h"
#include "node/conf/resource.h"
#include "node/log/log.h"

struct config_box {
	struct arena arena;
	struct cluster_config c;
};

struct cluster_config *cluster_config_ref(const struct cluster_config *c)
{
	struct cluster_config *m = (struct cluster_config *)c;

	if (m)
		__atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
	return m;
}

void cluster_config_unref(struct cluster_config *c)
{
	struct config_box *box;

	if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	box = container_of(c, struct config_box, c);
	arena_reset(&box->arena);
	free(box);
}

const struct share *cluster_config_share(const struct cluster_config *c, const char *name)
{
	size_t i;

	for (i = 0; c && i < c->n_shares; i++)
		if (utf8_casecmp(c->shares[i].name, name) == 0)
			return &c->shares[i];
	return NULL;
}

const struct user *cluster_config_user(const struct cluster_config *c, const char *name)
{
	size_t i;

	for (i = 0; c && i < c->n_users; i++)
		if (utf8_casecmp(c->users[i].name, name) == 0)
			return &c->users[i];
	return NULL;
}

void cluster_domain_sid(const uint8_t id[16], struct sid *ret)
{
	uint32_t i;

	*ret = (struct sid){ .revision = 1, .sub_count = 4, .authority = { 0, 0, 0, 0, 0, 5 }, .sub = { 21 } };
	for (i = 0; i < 3; i++)
		ret->sub[1 + i] = (uint32_t)hash64(id, 16, i + 1);
}

/* --- from records --- */

static const char *copy(struct arena *a, const char *s) { return arena_strdup(a, s ?: ""); }

static int make_share(const struct share_conf *s, struct arena *a, struct share *ret)
{
	const char **users = arena_calloc(a, s->users.count, sizeof(*users));
	size_t i;

	if (!users)
		return -ENOMEM;
	for (i = 0; i < s->users.count; i++)
		if (!(users[i] = arena_strdup(a, s->users.items[i])))
			return -ENOMEM;
	ret->path = copy(a, s->path);
	ret->comment = copy(a, s->comment);
	ret->continuously_available = s->continuously_available;
	ret->read_only = s->read_only;
	ret->encrypt = s->encrypt;
	ret->browseable = s->browseable;
	ret->users = users;
	ret->n_users = s->users.count;
	return ret->path && ret->comment ? 0 : -ENOMEM;
}

static uint8_t hex_digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

static int make_user(const struct user_conf *u, const struct sid *domain, struct arena *a, struct user *ret)
{
	gid_t *groups = arena_calloc(a, u->groups.count, sizeof(*groups));
	size_t i;

	if (!groups)
		return -ENOMEM;
	for (i = 0; i < u->groups.count; i++)
		groups[i] = (gid_t)strtoul(u->groups.items[i], NULL, 10);
	for (i = 0; i < 16; i++)
		ret->nt_hash[i] = (uint8_t)(hex_digit(u->nt_hash[2 * i]) << 4 | hex_digit(u->nt_hash[2 * i + 1]));
	ret->uid = (uid_t)u->uid;
	ret->gid = (gid_t)u->gid;
	ret->groups = groups;
	ret->n_groups = u->groups.count;
	ret->disabled = u->disabled;
	return sid_append(domain, (uint32_t)u->rid, &ret->sid);
}

struct build {
	struct cluster_config *c;
	struct arena *arena;
	struct share *shares;
	struct user *users;
};

static int add_record(struct build *b, const Hfc__Resource *r, struct conf_error *err)
{
	union {
		struct share_conf share;
		struct user_conf user;
		struct tunables tunables;
	} obj;
	const struct resource_type *t = resource_find_type(r->kind);
	const char *name;
	int e;

	if (!t)
		return 0;
	e = resource_decode(t, BLOB(r->value.data, r->value.len), &obj, b->arena, &name, err);
	if (e < 0)
		return e;
	if (t == &resource_share) {
		struct share *s = &b->shares[b->c->n_shares];

		s->version = r->version;
		s->name = name;
		e = make_share(&obj.share, b->arena, s);
		b->c->n_shares += e == 0;
	} else if (t == &resource_user) {
		struct user *u = &b->users[b->c->n_users];

		u->version = r->version;
		u->name = name;
		e = make_user(&obj.user, &b->c->domain_sid, b->arena, u);
		b->c->n_users += e == 0;
	} else {
		b->c->tunables = obj.tunables;
	}
	conf_done(t->schema, &obj);
	return e;
}

static int share_order(const void *x, const void *y)
{
	return utf8_casecmp(((const struct share *)x)->name, ((const struct share *)y)->name);
}

static int user_order(const void *x, const void *y)
{
	return utf8_casecmp(((const struct user *)x)->name, ((const struct user *)y)->name);
}

static int add_records(struct build *b, const Hfc__Config *pb)
{
	struct conf_error err;
	size_t i;
	int r;

	b->shares = arena_calloc(b->arena, pb->n_resources, sizeof(*b->shares));
	b->users = arena_calloc(b->arena, pb->n_resources, sizeof(*b->users));
	b->c->cluster = copy(b->arena, pb->cluster);
	if (!b->shares || !b->users || !b->c->cluster)
		return -ENOMEM;
	for (i = 0; i < pb->n_resources; i++) {
		r = add_record(b, pb->resources[i], &err);
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			log_err("a record of the configuration is left out: %s", err.text);
	}
	qsort(b->shares, b->c->n_shares, sizeof(*b->shares), share_order);
	qsort(b->users, b->c->n_users, sizeof(*b->users), user_order);
	b->c->shares = b->shares;
	b->c->users = b->users;
	return 0;
}

int cluster_config_from_pb(const Hfc__Config *pb, const struct cluster_config *before, struct cluster_config **ret)
{
	struct config_box *box;
	struct build b;
	int r;

	if (pb->id.len != sizeof(box->c.id.b) || pb->slots == 0)
		return -EBADMSG;
	box = calloc(1, sizeof(*box));
	if (!box)
		return -ENOMEM;
	box->c.refs = 1;
	box->c.slots = pb->slots;
	box->c.revision = pb->revision;
	memcpy(box->c.id.b, pb->id.data, sizeof(box->c.id.b));
	cluster_domain_sid(box->c.id.b, &box->c.domain_sid);
	if (before)
		box->c.tunables = before->tunables;
	else
		tunables_init(&box->c.tunables);
	b = (struct build){ .c = &box->c, .arena = &box->arena };
	r = add_records(&b, pb);
	if (r < 0) {
		cluster_config_unref(&box->c);
		return r;
	}
	*ret = &box->c;
	return 0;
}
