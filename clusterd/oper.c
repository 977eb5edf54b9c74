/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RUN_DIR/clusterd.sock: takes requests, finds their command, sends answers. On clusterd's loop. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "clusterd/oper_priv.h"
#include "node/base/clock.h"
#include "node/log/log.h"

#define SOCKET "clusterd.sock"
#define FRAME_MAX (1u << 20)
#define OUT_MAX (64u << 20)
#define OPERATORS_MAX 64
#define WAIT_MS 50
#define WAIT_TRIES 100

static const struct oper_command commands[] = {
	{ "cluster status", oper_cluster_status, false },
	{ "node list", oper_node_list, false },
	{ "node drain", oper_node_drain, true },
	{ "node resume", oper_node_drain, true },
	{ "level show", oper_level_show, true },
	{ "level raise", oper_level_raise, true },
	{ "share create", oper_res_create, true },
	{ "share list", oper_res_list, true },
	{ "share show", oper_res_show, true },
	{ "share set", oper_res_set, true },
	{ "share delete", oper_res_delete, true },
	{ "user add", oper_res_create, true },
	{ "user list", oper_res_list, true },
	{ "user show", oper_res_show, true },
	{ "user set", oper_res_set, true },
	{ "user delete", oper_res_delete, true },
	{ "config show", oper_res_show, true },
	{ "config set", oper_res_set, true },
	{ "session list", oper_list, true },
	{ "open list", oper_list, true },
	{ "lock list", oper_list, true },
	{ "lease list", oper_list, true },
	{ "lease stats", oper_list, true },
	{ "state check", oper_state, true },
	{ "state repair", oper_state, true },
	{ "state dump", oper_state_dump, true },
	{ "state aside", oper_state_dump, true },
	{ "state restore", oper_state_restore, true },
};

void oper_send(struct oper_request *rq, json_t *part)
{
	char *text = part ? json_dumps(part, JSON_COMPACT) : NULL;

	if (text && rq->conn)
		conn_send(rq->conn, BLOB(text, strlen(text)));
	free(text);
	json_decref(part);
}

static void request_free(struct oper_request *rq)
{
	list_remove(&rq->link);
	json_decref(rq->json);
	free(rq);
}

void oper_end(struct oper_request *rq, enum oper_status status, const char *fmt, ...)
{
	json_t *part = json_object();
	char text[1024];
	va_list ap;

	json_object_set_new(part, "status", json_integer(status));
	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		json_object_set_new(part, "error", json_string_nocheck(text));
	}
	oper_send(rq, part);
	request_free(rq);
}

void oper_warn(struct oper_request *rq, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	oper_send(rq, json_pack("{s:[s]}", "warnings", text));
}

static void look_again(void *arg)
{
	struct oper_request *rq = arg;
	bool in_time = rq->wait.look(rq);

	rq->wait.timer = 0;
	if (in_time || ++rq->wait.tries == WAIT_TRIES)
		rq->wait.done(rq, in_time);
	else
		qb_loop_timer_add(rq->oper->d->loop, QB_LOOP_MED, WAIT_MS * NSEC_PER_MSEC, rq, look_again, &rq->wait.timer);
}

void oper_wait(struct oper_request *rq, bool (*look)(const struct oper_request *rq),
	       void (*done)(struct oper_request *rq, bool in_time))
{
	rq->wait.look = look;
	rq->wait.done = done;
	look_again(rq);
}

json_t *oper_columns(const struct oper_column *cols, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(a, json_pack("{s:s, s:s?}", "key", cols[i].key, "heading", cols[i].heading));
	return a;
}

const char *oper_text(const struct oper_request *rq, const char *key)
{
	return json_string_value(json_object_get(rq->json, key));
}

static void start(struct oper_request *rq)
{
	const char *name = oper_text(rq, "command");
	struct clusterd *d = rq->oper->d;
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			rq->command = &commands[i];
	if (!rq->command) {
		oper_end(rq, OPER_USAGE, "clusterd of this node does not know this command; it may be older than "
					 "the program \"holdfast\"");
		return;
	}
	if (rq->command->needs_store && !d->core_ready) {
		oper_end(rq, OPER_FAILED, "this node is not in the cluster yet: %s", d->store_error);
		return;
	}
	rq->command->run(rq);
}

static int on_frame(void *arg, struct conn *c, struct blob b)
{
	json_t *j = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	struct oper_request *rq = json_is_object(j) ? calloc(1, sizeof(*rq)) : NULL;
	struct oper *o = arg;

	if (!rq) {
		json_decref(j);
		return -EBADMSG;
	}
	*rq = (struct oper_request){ .oper = o, .conn = c, .json = j };
	list_append(&o->requests, &rq->link);
	start(rq);
	return 0;
}

static int on_open(void *arg, struct conn *c)
{
	return 0;
}

static void on_closed(void *arg, struct conn *c)
{
	struct oper_request *rq, *tmp;
	struct oper *o = arg;

	/* What works on the store goes on to its end, for nobody. */
	list_foreach_safe(rq, tmp, &o->requests, link)
		if (rq->conn == c) {
			rq->conn = NULL;
			oper_list_forget(rq);
		}
}

static const struct conn_ops ops = { on_open, on_frame, on_closed };

int oper_new(struct clusterd *d, struct oper **ret)
{
	struct oper *o = calloc(1, sizeof(*o));
	char path[PATH_MAX];
	struct conn_config cfg = {
		.loop = d->loop, .path = path, .mode = 0600, .frame_max = FRAME_MAX, .out_max = OUT_MAX,
		.conns_max = OPERATORS_MAX, .ops = &ops, .arg = o,
	};
	int r;

	if (!o)
		return -ENOMEM;
	o->d = d;
	list_init(&o->requests);
	list_init(&o->listings);
	snprintf(path, sizeof(path), "%s/" SOCKET, d->conf->run_dir);
	r = conn_listen(&cfg, &o->server);
	if (r < 0) {
		free(o);
		return r;
	}
	*ret = o;
	return 0;
}

/* Stops listening. */
static void oper_close(struct oper *o)
{
	conn_server_free(o->server);
	o->server = NULL;
}

void oper_free(struct oper *o)
{
	struct oper_request *rq, *tmp;

	if (!o)
		return;
	if (o->server)
		oper_close(o);
	list_foreach_safe(rq, tmp, &o->requests, link) {
		if (rq->wait.timer)
			qb_loop_timer_del(o->d->loop, rq->wait.timer);
		if (rq->forget && rq->data)
			rq->forget(rq);
		request_free(rq);
	}
	free(o);
}
