/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects and variables of a running scenario. One thread. */
#include "tests/client/world.h"

#include <stdarg.h>

#include "node/base/guid.h"
#include "tests/client/step.h"

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	list_init(&w->objs);
	list_init(&w->vars);
	return w;
}

static void client_done(struct world *w, struct client *c)
{
	client_disconnect(w, c, false);
	conn_free(c->conn);
	free(c->user);
	free(c->password);
	free(c->domain);
}

void client_disconnect(struct world *w, struct client *c, bool reset)
{
	conn_close(c->conn, reset);
}

void world_remove(struct world *w, struct obj *o)
{
	struct tree *t;
	struct handle *h;

	list_remove(&o->link);
	switch (o->kind) {
	case OBJ_CLIENT:
		client_done(w, container_of(o, struct client, obj));
		break;
	case OBJ_SESSION:
		sess_unref(container_of(o, struct session, obj)->sess);
		break;
	case OBJ_TREE:
		t = container_of(o, struct tree, obj);
		free(t->share);
		break;
	case OBJ_HANDLE:
		h = container_of(o, struct handle, obj);
		free(h->path);
		break;
	case OBJ_ASYNC:
		step_free(container_of(o, struct step, obj));
		return;
	case OBJ_TIMER:
		break;
	}
	free(o);
}

/* Requests first, as they point to connections; clients last. */
void world_clear(struct world *w)
{
	static const enum obj_kind order[] = { OBJ_ASYNC,  OBJ_HANDLE,	OBJ_TREE,
					       OBJ_CLIENT, OBJ_SESSION, OBJ_TIMER };
	struct obj *o, *tmp;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		list_foreach_safe(o, tmp, &w->objs, link)
			if (o->kind == order[i])
				world_remove(w, o);
}

void world_free(struct world *w)
{
	struct var *v, *tmp;

	if (!w)
		return;
	world_clear(w);
	list_foreach_safe(v, tmp, &w->vars, link) {
		free(v->name);
		free(v->value);
		free(v);
	}
	if (w->history)
		fclose(w->history);
	free(w);
}

static struct var *find_var(const struct world *w, const char *name)
{
	struct var *v;

	list_foreach(v, &w->vars, link)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

int world_set_var(struct world *w, const char *name, const char *value)
{
	struct var *v = find_var(w, name);
	char *text = strdup(value);

	if (!text)
		return -ENOMEM;
	if (!v) {
		v = calloc(1, sizeof(*v));
		if (!v || !(v->name = strdup(name))) {
			free(v);
			free(text);
			return -ENOMEM;
		}
		list_append(&w->vars, &v->link);
	}
	free(v->value);
	v->value = text;
	return 0;
}

struct obj *world_find(const struct world *w, enum obj_kind kind, const char *name)
{
	struct obj *o;

	list_foreach(o, &w->objs, link)
		if (o->kind == kind && strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

void world_add(struct world *w, struct obj *o, enum obj_kind kind, const char *name)
{
	struct obj *old = world_find(w, kind, name);

	/* Others may point to it: it is only forgotten by name, and ends with the rest. */
	if (old && kind != OBJ_ASYNC && kind != OBJ_TIMER)
		old->name[0] = 0;
	else if (old)
		world_remove(w, old);
	o->kind = kind;
	snprintf(o->name, sizeof(o->name), "%s", name);
	list_append(&w->objs, &o->link);
}

int world_fail(struct world *w, const struct stmt *s, const char *fmt, ...)
{
	int n = snprintf(w->err.text, sizeof(w->err.text), "%s:%d: ", s->file, s->line);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(w->err.text))
		vsnprintf(w->err.text + n, sizeof(w->err.text) - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* --- attributes of objects as variables --- */

static const char *show(const char *fmt, uint64_t v)
{
	static char buf[4][40];
	static unsigned int i;

	i = (i + 1) % ARRAY_SIZE(buf);
	snprintf(buf[i], sizeof(buf[i]), fmt, (unsigned long long)v);
	return buf[i];
}

static const char *client_attr(const struct client *c, const char *attr)
{
	static char guid[GUID_STR_SIZE];

	if (strcmp(attr, "guid") == 0)
		return guid_format(&c->cfg.client_guid, guid);
	if (strcmp(attr, "session") == 0 && c->session)
		return show("%#llx", c->session->sess->id);
	if (!c->conn)
		return NULL;
	if (strcmp(attr, "mid") == 0)
		return show("%llu", c->conn->next_mid);
	if (strcmp(attr, "credits") == 0)
		return show("%llu", c->conn->credits);
	if (strcmp(attr, "dialect") == 0)
		return show("%#llx", c->conn->dialect);
	if (strcmp(attr, "cipher") == 0)
		return show("%llu", c->conn->cipher);
	if (strcmp(attr, "signing") == 0)
		return show("%llu", c->conn->sign_alg);
	if (strcmp(attr, "max_read") == 0)
		return show("%llu", c->conn->max_read);
	if (strcmp(attr, "max_write") == 0)
		return show("%llu", c->conn->max_write);
	if (strcmp(attr, "max_transact") == 0)
		return show("%llu", c->conn->max_transact);
	return NULL;
}

static const char *handle_attr(const struct handle *h, const char *attr)
{
	static char guid[GUID_STR_SIZE];

	if (strcmp(attr, "persistent") == 0)
		return show("%#llx", h->id.persistent_id);
	if (strcmp(attr, "volatile") == 0)
		return show("%#llx", h->id.volatile_id);
	if (strcmp(attr, "guid") == 0)
		return guid_format(&h->create_guid, guid);
	if (strcmp(attr, "path") == 0)
		return h->path;
	return NULL;
}

static const char *attribute(const struct world *w, const char *name)
{
	const char *dot = strchr(name, '.');
	const struct tree *t;
	const struct client *c;
	const struct handle *h;
	char obj[32];

	if (!dot || (size_t)(dot - name) >= sizeof(obj))
		return NULL;
	snprintf(obj, sizeof(obj), "%.*s", (int)(dot - name), name);
	c = world_client(w, obj);
	if (c)
		return client_attr(c, dot + 1);
	h = world_handle(w, obj);
	if (h)
		return handle_attr(h, dot + 1);
	t = world_tree(w, obj);
	if (t && strcmp(dot + 1, "id") == 0)
		return show("%#llx", t->id);
	return NULL;
}

const char *world_var(void *world, const char *name)
{
	struct world *w = world;
	struct var *v = find_var(w, name);
	const char *value;

	if (v)
		return v->value;
	value = attribute(w, name);
	return value ? value : getenv(name);
}
