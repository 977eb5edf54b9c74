/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands about records: shares, users, settings. Each is one job for the store (compare-and-set, tried again when
 * somebody else was faster); a change is told to every node, and is in force on this one when the answer comes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "clusterd/client/config_pb.h"
#include "clusterd/oper_priv.h"
#include "node/conf/tunables.h"
#include "node/log/log.h"

#define TRIES 8
#define FIRST_ID 100000 /* uids that are given out */
#define FIRST_RID 1000

enum action {
	ACTION_CREATE,
	ACTION_LIST,
	ACTION_SHOW,
	ACTION_SET,
	ACTION_DELETE,
};

union object {
	struct share_conf share;
	struct user_conf user;
	struct tunables tunables;
};

struct res_job {
	struct store_job job;
	struct oper_request *rq;
	enum action action;
	const struct resource_type *type;
	char *name; /* NULL: ACTION_LIST */
	json_t *set;
	struct store_info info;
	struct arena arena;
	/* the outcome */
	enum oper_status status;
	char error[1024];
	char warning[512];
	bool changed;
	json_t *rows;
};

static int HF_PRINTF(3, 4) fail(struct res_job *j, enum oper_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(j->error, sizeof(j->error), fmt, ap);
	va_end(ap);
	j->status = status;
	return -EINVAL;
}

static int fail_store(struct res_job *j, int r)
{
	return fail(j, OPER_FAILED, "the state store failed (%s); look into the log of clusterd", log_errno(r));
}

static int not_found(struct res_job *j)
{
	return fail(j, OPER_NOT_FOUND, "there is no %s \"%s\"; \"holdfast %s list\" shows those there are",
		    j->type->noun, j->name, j->type->noun);
}

/* --- rows --- */

static json_t *row_of(struct res_job *j, const char *name, uint64_t version, const void *obj)
{
	json_t *row = conf_to_json(j->type->schema, obj), *all = json_object();
	char text[SID_STR_SIZE];
	struct sid sid;
	size_t i;

	json_object_set_new(all, "name", json_string(name));
	if (j->type == &resource_user) {
		cluster_domain_sid(j->info.uuid, &sid);
		if (sid_append(&sid, (uint32_t)((const struct user_conf *)obj)->rid, &sid) == 0)
			json_object_set_new(all, "sid", json_string(sid_format(&sid, text)));
	}
	json_object_update(all, row);
	json_decref(row);
	for (i = 0; i < j->type->schema->count; i++)
		if (!resource_row_shown(j->type, &j->type->schema->rows[i]))
			json_object_del(all, j->type->schema->rows[i].name);
	json_object_set_new(all, "version", json_integer((json_int_t)version));
	return all;
}

/* Settings are shown one per row, with what they can be. */
static void add_settings(struct res_job *j, const void *obj)
{
	struct tunables def;
	size_t i;

	tunables_init(&def);
	for (i = 0; i < tunables_schema.count; i++) {
		const struct conf_row *r = &tunables_schema.rows[i];
		json_t *row;

		if (r->scope == CONF_AT_CREATE || (j->name && *j->name && strcmp(j->name, r->name) != 0))
			continue;
		row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key", r->name, "value",
				conf_format(r, obj, &j->arena) ?: "", "default", conf_format(r, &def, &j->arena) ?: "",
				"allowed", conf_allowed(r, &j->arena) ?: "", "effect",
				r->scope == CONF_AT_ONCE ? "at once" : "at the next start", "about", r->prose);
		json_array_append_new(j->rows, row);
	}
}

/* --- on the store's thread --- */

/* Reads one record. 1: there is none. `obj` is initialised when 0 or 1. */
static int load(struct res_job *j, struct store *s, const char *key, union object *obj, const char **ret_name,
		uint64_t *ret_version)
{
	struct conf_error err;
	struct store_res res;
	int r = store_res_get(s, j->type->kind, key, &j->arena, &res);

	*ret_version = 0;
	if (r == -ENOENT)
		return conf_init(j->type->schema, obj) < 0 ? fail_store(j, -ENOMEM) : 1;
	if (r < 0)
		return fail_store(j, r);
	*ret_version = res.version;
	r = resource_decode(j->type, res.val, obj, &j->arena, ret_name, &err);
	return r == 0 ? 0 : r == -ENOMEM ? fail_store(j, r) : fail(j, OPER_FAILED, "%s", err.text);
}

static int apply_set(struct res_job *j, union object *obj)
{
	struct conf_error err;
	const char *key;
	json_t *v;

	json_object_foreach(j->set, key, v) {
		const struct conf_row *row = conf_find(j->type->schema, key);

		if (row && row->scope == CONF_AT_CREATE)
			return fail(j, OPER_USAGE, "%s is fixed when the cluster is created; it cannot be changed", key);
		if (row && !resource_row_settable(j->type, row) && strcmp(key, "nt_hash") != 0)
			return fail(j, OPER_USAGE, "%s is given by the cluster; it cannot be changed", key);
		if (conf_set(j->type->schema, obj, NULL, key, json_string_value(v) ?: "", &err) < 0)
			return fail(j, OPER_USAGE, "%s", err.text);
	}
	return 0;
}

/* Looks whether some user has this uid. */
static bool uid_taken(struct res_job *j, const struct store_res *list, size_t n, int uid)
{
	struct user_conf u;
	struct conf_error err;
	const char *name;
	bool taken = false;
	size_t i;

	for (i = 0; i < n && !taken; i++) {
		if (resource_decode(&resource_user, list[i].val, &u, &j->arena, &name, &err) < 0)
			continue;
		taken = u.uid == uid;
		conf_done(resource_user.schema, &u);
	}
	return taken;
}

static int give_ids(struct res_job *j, struct store *s, struct user_conf *u)
{
	struct store_res *list;
	uint64_t n;
	size_t count;
	int r;

	r = store_counter_next(s, "rid", &n);
	if (r == 0 && n > INT32_MAX - FIRST_RID)
		r = -ERANGE;
	if (r == 0) {
		u->rid = FIRST_RID - 1 + (int)n;
		r = store_res_list(s, resource_user.kind, &j->arena, &list, &count);
	}
	while (r == 0 && u->uid == 0) {
		r = store_counter_next(s, "uid", &n);
		if (r == 0 && n > INT32_MAX - FIRST_ID)
			r = -ERANGE;
		if (r == 0 && !uid_taken(j, list, count, FIRST_ID - 1 + (int)n))
			u->uid = FIRST_ID - 1 + (int)n;
	}
	if (u->gid == 0)
		u->gid = u->uid;
	return r < 0 ? fail_store(j, r) : 0;
}

static void look_at_path(struct res_job *j, const struct share_conf *s)
{
	struct stat st;

	if (s->path[0] == '/' && (stat(s->path, &st) < 0 || !S_ISDIR(st.st_mode)))
		snprintf(j->warning, sizeof(j->warning),
			 "%.300s is not a directory on this node; make it there on every node", s->path);
}

static int store_object(struct res_job *j, struct store *s, const char *key, const char *name, union object *obj,
			uint64_t version)
{
	struct conf_error err;
	uint64_t now;
	struct blob b;
	int r;

	if (j->type->check(obj, &err) < 0)
		return fail(j, OPER_USAGE, "%s", err.text);
	r = resource_encode(j->type, name, obj, &j->arena, &b);
	if (r == 0)
		r = store_res_put(s, j->type->kind, key, b, version, &now);
	if (r == -ESTALE || r == -EEXIST)
		return -EAGAIN;
	if (r < 0)
		return fail_store(j, r);
	j->changed = true;
	if (j->type == &resource_share)
		look_at_path(j, &obj->share);
	if (j->type == &resource_tunables)
		return 0;
	json_array_append_new(j->rows, row_of(j, name, now, obj));
	return 0;
}

static int change(struct res_job *j, struct store *s, const char *key)
{
	const char *name = j->type == &resource_tunables ? RESOURCE_TUNABLES_NAME : j->name;
	union object obj;
	uint64_t version;
	int r = load(j, s, key, &obj, &name, &version);

	if (r < 0)
		return r;
	if (r == 1 && j->action == ACTION_SET && j->type != &resource_tunables)
		r = not_found(j);
	else if (r == 0 && j->action == ACTION_CREATE)
		r = fail(j, OPER_CONFLICT, "there is a %s \"%s\" already; change it with \"holdfast %s set\"",
			 j->type->noun, name, j->type->noun);
	else
		r = apply_set(j, &obj);
	if (r == 0 && j->action == ACTION_CREATE && j->type == &resource_user)
		r = give_ids(j, s, &obj.user);
	if (r == 0)
		r = store_object(j, s, key, name, &obj, version);
	conf_done(j->type->schema, &obj);
	return r;
}

static int delete(struct res_job *j, struct store *s, const char *key)
{
	struct store_res res;
	int r = store_res_get(s, j->type->kind, key, &j->arena, &res);

	/* Also what cannot be read can be deleted. */
	if (r == 0)
		r = store_res_put(s, j->type->kind, key, BLOB(NULL, 0), res.version, NULL);
	if (r == -ENOENT)
		return not_found(j);
	if (r == -ESTALE)
		return -EAGAIN;
	if (r < 0)
		return fail_store(j, r);
	j->changed = true;
	return 0;
}

static int show(struct res_job *j, struct store *s, const char *key)
{
	const char *name = j->name;
	union object obj;
	uint64_t version;
	int r = load(j, s, key, &obj, &name, &version);

	if (r < 0)
		return r;
	if (j->type == &resource_tunables)
		add_settings(j, &obj);
	else if (r == 0)
		json_array_append_new(j->rows, row_of(j, name, version, &obj));
	conf_done(j->type->schema, &obj);
	if (j->type == &resource_tunables && json_array_size(j->rows) == 0)
		return fail(j, OPER_NOT_FOUND, "there is no setting \"%s\"; \"holdfast config list\" shows all", j->name);
	return r == 1 && j->type != &resource_tunables ? not_found(j) : 0;
}

static int list(struct res_job *j, struct store *s)
{
	struct store_res *all;
	struct conf_error err;
	union object obj;
	const char *name;
	size_t n, i;
	int r = store_res_list(s, j->type->kind, &j->arena, &all, &n);

	if (r < 0)
		return fail_store(j, r);
	for (i = 0; i < n; i++) {
		r = resource_decode(j->type, all[i].val, &obj, &j->arena, &name, &err);
		if (r < 0) {
			snprintf(j->warning, sizeof(j->warning), "left out: %.400s", err.text);
			continue;
		}
		json_array_append_new(j->rows, row_of(j, name, all[i].version, &obj));
		conf_done(j->type->schema, &obj);
	}
	return 0;
}

static void run_res(struct store_job *job, struct store *s)
{
	struct res_job *j = container_of(job, struct res_job, job);
	const char *name = j->type == &resource_tunables ? RESOURCE_TUNABLES_NAME : j->name;
	char *key = NULL;
	int tries, r = -EAGAIN;

	if (!s || (name && resource_key(&j->arena, name, &key) < 0)) {
		fail_store(j, s ? -ENOMEM : -ENOTCONN);
		return;
	}
	for (tries = 0; r == -EAGAIN && tries < TRIES; tries++) {
		if (j->action == ACTION_LIST)
			r = list(j, s);
		else if (j->action == ACTION_SHOW)
			r = show(j, s, key);
		else if (j->action == ACTION_DELETE)
			r = delete(j, s, key);
		else
			r = change(j, s, key);
	}
	if (r == -EAGAIN)
		fail(j, OPER_CONFLICT, "others are changing the same %s; try again", j->type->noun);
}

/* --- on the loop --- */

static const struct oper_column share_columns[] = {
	{ "name", "NAME" },	  { "path", "PATH" },	    { "continuously_available", "CA" },
	{ "read_only", "READ-ONLY" }, { "encrypt", "ENCRYPT" }, { "browseable", NULL },
	{ "users", NULL },	  { "comment", "COMMENT" }, { "version", NULL },
};
static const struct oper_column user_columns[] = {
	{ "name", "NAME" },	{ "uid", "UID" }, { "gid", "GID" }, { "groups", "GROUPS" },
	{ "disabled", "DISABLED" }, { "sid", "SID" }, { "rid", NULL },  { "version", NULL },
};
static const struct oper_column setting_columns[] = {
	{ "key", "KEY" },	  { "value", "VALUE" },	  { "default", "DEFAULT" },
	{ "allowed", "ALLOWED" }, { "effect", "EFFECT" }, { "about", NULL },
};

static json_t *columns_of(const struct resource_type *t)
{
	if (t == &resource_share)
		return oper_columns(share_columns, ARRAY_SIZE(share_columns));
	if (t == &resource_user)
		return oper_columns(user_columns, ARRAY_SIZE(user_columns));
	return oper_columns(setting_columns, ARRAY_SIZE(setting_columns));
}

static void answer(void *arg)
{
	struct res_job *j = arg;
	struct oper_request *rq = j->rq;

	if (j->status == OPER_OK && (j->action != ACTION_DELETE && (j->type != &resource_tunables || !j->changed)))
		oper_send(rq, json_pack("{s:o, s:O}", "columns", columns_of(j->type), "rows", j->rows));
	if (j->warning[0])
		oper_warn(rq, "%s", j->warning);
	if (j->status == OPER_OK)
		oper_end(rq, OPER_OK, NULL);
	else
		oper_end(rq, j->status, "%s", j->error);
	arena_reset(&j->arena);
	json_decref(j->rows);
	json_decref(j->set);
	free(j->name);
	free(j);
}

static void done_res(struct store_job *job)
{
	struct res_job *j = container_of(job, struct res_job, job);
	struct clusterd *d = j->rq->oper->d;
	struct msg kick = { .type = MSG_KICK };

	if (!j->changed) {
		answer(j);
		return;
	}
	log_info("configuration changed: command=\"%s\" name=%s", j->rq->command->name, log_esc(j->name));
	clusterd_send(d, &kick);
	config_push_read(d->config, answer, j);
}

static void submit(struct oper_request *rq, enum action action)
{
	const char *kind = strncmp(rq->command->name, "share", 5) == 0	? "share" :
			   strncmp(rq->command->name, "user", 4) == 0 ? "user" :
									  "tunables";
	const struct resource_type *t = resource_find_type(kind);
	const char *name = oper_text(rq, "name");
	struct conf_error err;
	struct res_job *j;

	if (t != &resource_tunables && action != ACTION_LIST) {
		if (!name || (action == ACTION_CREATE && resource_check_name(t, name, &err) < 0)) {
			oper_end(rq, OPER_USAGE, "%s", name ? err.text : "the name is missing");
			return;
		}
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		oper_end(rq, OPER_FAILED, "clusterd is out of memory; try again");
		return;
	}
	j->job = (struct store_job){ run_res, done_res, NULL };
	j->rq = rq;
	j->action = action;
	j->type = t;
	j->name = name ? strdup(name) : NULL;
	j->set = json_incref(json_object_get(rq->json, "set"));
	j->rows = json_array();
	j->info = rq->oper->d->info;
	storeq_submit(rq->oper->d->storeq, &j->job);
}

void oper_res_create(struct oper_request *rq) { submit(rq, ACTION_CREATE); }
void oper_res_list(struct oper_request *rq) { submit(rq, ACTION_LIST); }
void oper_res_show(struct oper_request *rq) { submit(rq, ACTION_SHOW); }
void oper_res_set(struct oper_request *rq) { submit(rq, ACTION_SET); }
void oper_res_delete(struct oper_request *rq) { submit(rq, ACTION_DELETE); }
