/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The history of a scenario's operations, one JSON object per line as
 * tests/cluster/check-history.py reads it: locks, closes, and reads and writes of one 64-bit
 * number. One thread.
 */
#include <inttypes.h>

#include "tests/client/step.h"

int history_open(struct world *w, const char *path)
{
	if (w->history)
		fclose(w->history);
	w->history = fopen(path, "a");
	return w->history ? 0 : -errno;
}

/* File names come from the scenario's author; only what JSON forbids must go. */
static void put_string(FILE *f, const char *key, const char *s)
{
	fprintf(f, "\"%s\":\"", key);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		if ((unsigned char)*s >= 0x20)
			fputc(*s, f);
	}
	fputs("\",", f);
}

static void put_common(FILE *f, const struct step *st, const char *op, const struct handle *h)
{
	fputc('{', f);
	put_string(f, "client", st->c->obj.name);
	put_string(f, "open", h->story);
	put_string(f, "file", h->path);
	put_string(f, "op", op);
}

void history_op(struct step *st, const char *op, const struct handle *h)
{
	FILE *f = st->w->history;
	const struct field *v;
	uint64_t end = st->call.state == CALL_DONE ? st->call.done_ns : conn_now();
	const char *result = st->res.fault		    ? "unknown" :
			     ntstatus_is_ok(st->res.status) ? "ok" :
							      "fail";

	if (!f || !h || !st->call.sent_ns)
		return;
	v = result_find(&st->res, "u64");
	if ((strcmp(op, "read") == 0 || strcmp(op, "write") == 0) && !v)
		return;
	put_common(f, st, op, h);
	if (strcmp(op, "close") != 0)
		fprintf(f, "\"offset\":%" PRIu64 ",", st->n[0]);
	if (v)
		fprintf(f, "\"value\":%s,", v->text);
	if (strcmp(op, "lock") == 0 || strcmp(op, "unlock") == 0)
		fprintf(f, "\"length\":%" PRIu64 ",\"exclusive\":%s,", st->n[1],
			st->n[2] ? "true" : "false");
	fprintf(f, "\"begin\":%" PRIu64 ",\"end\":%" PRIu64 ",\"result\":\"%s\"}\n",
		st->call.sent_ns, end, result);
	fflush(f);
}

void history_lost(struct step *st, const struct handle *h)
{
	uint64_t now = conn_now();

	if (!st->w->history)
		return;
	put_common(st->w->history, st, "lost", h);
	fprintf(st->w->history, "\"begin\":%" PRIu64 ",\"end\":%" PRIu64 ",\"result\":\"ok\"}\n",
		now, now);
	fflush(st->w->history);
}
