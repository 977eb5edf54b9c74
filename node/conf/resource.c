/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shares, users and settings as records. No state: any thread. */
#include "node/conf/resource.h"

#include "node/base/utf.h"
#include "node/conf/conf_priv.h"
#include "node/conf/share_path.h"
#include "node/conf/tunables.h"

#define SHARE(field) .offset = offsetof(struct share_conf, field), .scope = CONF_AT_ONCE
#define USER(field) .offset = offsetof(struct user_conf, field), .scope = CONF_AT_ONCE

static const struct conf_row share_rows[] = {
	{ "path", CONF_STRING, SHARE(path), .min = 1, .max = 4095, .required = true,
	  .prose = "The directory that is served, the same on every node: an absolute path, or "
		   "cephfs:[FS]/DIR[?conf=FILE][&id=NAME][&keyring=FILE] for one of a CephFS." },
	{ "comment", CONF_STRING, SHARE(comment), .min = 0, .max = 255,
	  .prose = "What clients show beside the name." },
	{ "continuously_available", CONF_BOOL, SHARE(continuously_available), .def = "false",
	  .prose = "Grant persistent handles: open files survive the death of their node." },
	{ "read_only", CONF_BOOL, SHARE(read_only), .def = "false", .prose = "Refuse every change." },
	{ "encrypt", CONF_BOOL, SHARE(encrypt), .def = "false",
	  .prose = "Refuse access that is not encrypted." },
	{ "browseable", CONF_BOOL, SHARE(browseable), .def = "true",
	  .prose = "Show the share in lists of shares." },
	{ "users", CONF_LIST, SHARE(users), .item = CONF_STRING, .min = 0, .max = 1024, .def = "",
	  .prose = "The only users who may connect; empty for every user of the cluster." },
};

static const struct conf_row user_rows[] = {
	{ "nt_hash", CONF_STRING, USER(nt_hash), .min = 32, .max = 32, .required = true,
	  .prose = "MD4 of the password, in hexadecimal." },
	{ "uid", CONF_INT, USER(uid), .min = 0, .max = INT32_MAX, .def = "0",
	  .prose = "The user id for files; 0 when adding a user takes the next free one from 100000 up." },
	{ "gid", CONF_INT, USER(gid), .min = 0, .max = INT32_MAX, .def = "0",
	  .prose = "The primary group id; 0 when adding a user takes the number of the uid." },
	{ "groups", CONF_LIST, USER(groups), .item = CONF_STRING, .min = 0, .max = 1024, .def = "",
	  .prose = "Supplementary group ids." },
	{ "rid", CONF_INT, USER(rid), .min = 0, .max = INT32_MAX, .def = "0",
	  .prose = "The last part of the user's SID." },
	{ "disabled", CONF_BOOL, USER(disabled), .def = "false", .prose = "Refuse every logon." },
};

static const struct conf_schema share_schema = {
	.name = "share", .rows = share_rows, .count = ARRAY_SIZE(share_rows), .size = sizeof(struct share_conf),
};
static const struct conf_schema user_schema = {
	.name = "user", .rows = user_rows, .count = ARRAY_SIZE(user_rows), .size = sizeof(struct user_conf),
};

static int check_share(const void *obj, struct conf_error *err)
{
	_cleanup_share_path_ struct share_path p = { 0 };
	const struct share_conf *s = obj;

	return share_path_parse(s->path, &p, err);
}

static int check_user(const void *obj, struct conf_error *err)
{
	const struct user_conf *u = obj;
	char *end;
	size_t i;

	if (!u->nt_hash || strspn(u->nt_hash, "0123456789abcdefABCDEF") != 32)
		return conf_fail(err, NULL, "nt_hash", "it is not 32 hexadecimal digits");
	for (i = 0; i < u->groups.count; i++) {
		unsigned long v = strtoul(u->groups.items[i], &end, 10);

		if (*end || end == u->groups.items[i] || u->groups.items[i][0] == '-' || v == 0 || v > INT32_MAX)
			return conf_fail(err, NULL, "groups", "\"%.64s\" is not a group id (1 to 2147483647)",
					 u->groups.items[i]);
	}
	return 0;
}

static int check_tunables(const void *obj, struct conf_error *err)
{
	return tunables_check(obj, err);
}

const struct resource_type resource_share = { "share", "share", &share_schema, check_share };
const struct resource_type resource_user = { "user", "user", &user_schema, check_user };
const struct resource_type resource_tunables = { "tunables", "settings", &tunables_schema, check_tunables };

const struct resource_type *resource_find_type(const char *kind)
{
	static const struct resource_type *const all[] = { &resource_share, &resource_user, &resource_tunables };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (strcmp(all[i]->kind, kind) == 0)
			return all[i];
	return NULL;
}

bool resource_row_shown(const struct resource_type *t, const struct conf_row *row)
{
	return t != &resource_user || strcmp(row->name, "nt_hash") != 0;
}

bool resource_row_settable(const struct resource_type *t, const struct conf_row *row)
{
	if (row->scope == CONF_AT_CREATE)
		return false;
	return t != &resource_user || (strcmp(row->name, "nt_hash") != 0 && strcmp(row->name, "rid") != 0);
}

static bool reserved_share(const char *name)
{
	static const char *const names[] = { "ipc$", "admin$", "print$", "global", "pipe", "mailslot", "." , ".." };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (utf8_casecmp(name, names[i]) == 0)
			return true;
	return false;
}

int resource_check_name(const struct resource_type *t, const char *name, struct conf_error *err)
{
	/* MS-FSCC 2.1.6 for shares; for users the characters that Windows refuses in account names. */
	const char *bad = t == &resource_share ? "\"/\\[]:|<>+=;,*?" : "\"/\\[]:|<>+=;,*?@%";
	size_t n = strlen(name), i;
	ssize_t units = utf16_units(name, n);

	if (n == 0 || units < 0 || units > RESOURCE_NAME_MAX)
		return conf_fail(err, NULL, "name", "a %s needs a name of 1 to %d characters in UTF-8", t->noun,
				 RESOURCE_NAME_MAX);
	for (i = 0; i < n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || strchr(bad, name[i]))
			return conf_fail(err, NULL, "name",
					 "the name of a %s must not hold control characters or any of %s", t->noun,
					 bad);
	if (name[0] == ' ' || name[n - 1] == ' ' || (t == &resource_user && name[n - 1] == '.'))
		return conf_fail(err, NULL, "name", "the name of a %s must not begin or end with a space%s",
				 t->noun, t == &resource_user ? " or end with a dot" : "");
	if (t == &resource_share && reserved_share(name))
		return conf_fail(err, NULL, "name", "\"%s\" is a name that clients use for something else", name);
	return 0;
}

int resource_key(struct arena *a, const char *name, char **ret)
{
	return utf8_casefold(a, name, ret);
}

static void *json_arena_dump(json_t *j, struct arena *a, size_t *ret_n)
{
	size_t n = json_dumpb(j, NULL, 0, JSON_COMPACT);
	char *p = n ? arena_alloc(a, n) : NULL;

	if (p)
		json_dumpb(j, p, n, JSON_COMPACT);
	*ret_n = n;
	return p;
}

int resource_encode(const struct resource_type *t, const char *name, const void *obj, struct arena *a,
		    struct blob *ret)
{
	json_t *j = json_object(), *rows = conf_to_json(t->schema, obj);
	void *p = NULL;
	size_t n;

	if (j && rows && json_object_set_new(j, "format", json_integer(RESOURCE_FORMAT)) == 0 &&
	    json_object_set_new(j, "name", json_string(name)) == 0 && json_object_update(j, rows) == 0)
		p = json_arena_dump(j, a, &n);
	json_decref(j);
	json_decref(rows);
	if (!p)
		return -ENOMEM;
	*ret = BLOB(p, n);
	return 0;
}

/* Loads the rows of `j`; fields that are null are left at their default. */
static int load_rows(const struct resource_type *t, json_t *j, void *obj, struct conf_error *err)
{
	const char *key;
	json_t *v;
	void *tmp;
	int r;

	json_object_del(j, "format");
	json_object_del(j, "name");
	json_object_foreach_safe(j, tmp, key, v)
		if (json_is_null(v))
			json_object_del(j, key);
	r = conf_init(t->schema, obj);
	if (r < 0)
		return r;
	r = conf_load_json(t->schema, j, obj, err);
	if (r == 0)
		r = t->check(obj, err);
	if (r < 0)
		conf_done(t->schema, obj);
	return r == -EINVAL ? -EBADMSG : r;
}

int resource_decode(const struct resource_type *t, struct blob value, void *obj, struct arena *a,
		    const char **ret_name, struct conf_error *err)
{
	json_t *j = json_loadb((const char *)value.data, value.len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *format = json_object_get(j, "format");
	const char *name = json_string_value(json_object_get(j, "name"));
	int r;

	name = name ? arena_strdup(a, name) : NULL;
	if (!json_is_integer(format) || !name) {
		snprintf(err->text, sizeof(err->text), "a record of kind %s in the state store is damaged", t->kind);
		r = -EBADMSG;
	} else if (json_integer_value(format) != RESOURCE_FORMAT) {
		snprintf(err->text, sizeof(err->text),
			 "the record of %s %s was written by a newer release of Holdfast", t->noun, name);
		r = -EPROTONOSUPPORT;
	} else {
		r = load_rows(t, j, obj, err);
		if (r == 0)
			*ret_name = name;
	}
	json_decref(j);
	return r;
}
