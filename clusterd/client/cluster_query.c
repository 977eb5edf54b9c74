/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages of listings: rows by the tables of listing.def, as JSON. On the client's loop. */
#include "clusterd/client/client_priv.h"

#define PAGE_ROWS_MAX 1000

struct cluster_query *cluster_query_new(struct cluster_client *c, const Hfc__Query *pb, uint32_t generation)
{
	struct cluster_query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	*q = (struct cluster_query){
		.client = c,
		.id = pb->id,
		.kind = (enum cluster_query_kind)pb->kind,
		.cursor = pb->cursor,
		.limit = MIN(MAX(pb->limit, 1u), (uint32_t)PAGE_ROWS_MAX),
		.generation = generation,
		.rows = json_array(),
	};
	if (!q->rows || pb->kind >= CLUSTER_QUERY_KINDS) {
		json_decref(q->rows);
		free(q);
		return NULL;
	}
	return q;
}

enum cluster_query_kind cluster_query_kind(const struct cluster_query *q) { return q->kind; }
uint64_t cluster_query_cursor(const struct cluster_query *q) { return q->cursor; }

uint32_t cluster_query_room(const struct cluster_query *q)
{
	return q->limit - (uint32_t)json_array_size(q->rows);
}

/* A name of a file need not be UTF-8: what is not becomes '?'. */
static json_t *text(const char *s)
{
	json_t *j = json_string(s ?: "");
	char *copy, *p;

	if (j || !s)
		return j;
	copy = strdup(s);
	for (p = copy; p && *p; p++)
		if (*p & 0x80)
			*p = '?';
	j = copy ? json_string(copy) : NULL;
	free(copy);
	return j;
}

/* JSON integers are signed: numbers beyond are texts. */
static json_t *number(uint64_t v)
{
	return v <= INT64_MAX ? json_integer((json_int_t)v) : json_sprintf("%llu", (unsigned long long)v);
}

static int add_row(struct cluster_query *q, enum cluster_query_kind kind, json_t *row, bool ok)
{
	int r = !cluster_query_room(q) ? -ENOSPC : !row || !ok ? -ENOMEM : 0;

	assert(q->kind == kind);
	if (r < 0) {
		json_decref(row);
		return r;
	}
	return json_array_append_new(q->rows, row) == 0 ? 0 : -ENOMEM;
}

#define LISTING_STR(field, heading) ok = json_object_set_new(j, #field, text(row->field)) == 0 && ok;
#define LISTING_U64(field, heading) ok = json_object_set_new(j, #field, number(row->field)) == 0 && ok;
#define LISTING_BOOL(field, heading) ok = json_object_set_new(j, #field, json_boolean(row->field)) == 0 && ok;

int cluster_query_add_session(struct cluster_query *q, const struct cluster_session_row *row)
{
	json_t *j = json_object();
	bool ok = true;

#define LISTING_SESSIONS
#include "clusterd/client/listing.def"
	return add_row(q, CLUSTER_QUERY_SESSIONS, j, ok);
}

#define LISTING_STR(field, heading) ok = json_object_set_new(j, #field, text(row->field)) == 0 && ok;
#define LISTING_U64(field, heading) ok = json_object_set_new(j, #field, number(row->field)) == 0 && ok;
#define LISTING_BOOL(field, heading) ok = json_object_set_new(j, #field, json_boolean(row->field)) == 0 && ok;

int cluster_query_add_open(struct cluster_query *q, const struct cluster_open_row *row)
{
	json_t *j = json_object();
	bool ok = true;

#define LISTING_OPENS
#include "clusterd/client/listing.def"
	return add_row(q, CLUSTER_QUERY_OPENS, j, ok);
}

#define LISTING_STR(field, heading) ok = json_object_set_new(j, #field, text(row->field)) == 0 && ok;
#define LISTING_U64(field, heading) ok = json_object_set_new(j, #field, number(row->field)) == 0 && ok;
#define LISTING_BOOL(field, heading) ok = json_object_set_new(j, #field, json_boolean(row->field)) == 0 && ok;

int cluster_query_add_lock(struct cluster_query *q, const struct cluster_lock_row *row)
{
	json_t *j = json_object();
	bool ok = true;

#define LISTING_LOCKS
#include "clusterd/client/listing.def"
	return add_row(q, CLUSTER_QUERY_LOCKS, j, ok);
}

#define LISTING_STR(field, heading) ok = json_object_set_new(j, #field, text(row->field)) == 0 && ok;
#define LISTING_U64(field, heading) ok = json_object_set_new(j, #field, number(row->field)) == 0 && ok;
#define LISTING_BOOL(field, heading) ok = json_object_set_new(j, #field, json_boolean(row->field)) == 0 && ok;

int cluster_query_add_lease(struct cluster_query *q, const struct cluster_lease_row *row)
{
	json_t *j = json_object();
	bool ok = true;

#define LISTING_LEASES
#include "clusterd/client/listing.def"
	return add_row(q, CLUSTER_QUERY_LEASES, j, ok);
}

int cluster_query_add_lease_stats(struct cluster_query *q, const struct cluster_lease_stats_row *row)
{
	json_t *j = json_object();
	bool ok = json_object_set_new(j, "age_s", number(row->age_s)) == 0;

#define LEASE_STAT(field, join, name, about) ok = json_object_set_new(j, #field, number(row->counts.field)) == 0 && ok;
#include "clusterd/client/lease_stats.def"
	return add_row(q, CLUSTER_QUERY_LEASE_STATS, j, ok);
}

void cluster_query_done(struct cluster_query *q, uint64_t next)
{
	Hfc__Page page = HFC__PAGE__INIT;
	char *rows = json_dumps(q->rows, JSON_COMPACT);

	page.id = q->id;
	page.next = next;
	page.rows.data = (uint8_t *)(rows ?: "[]");
	page.rows.len = strlen(rows ?: "[]");
	cluster_client_send_page(q->client, q->generation, &page);
	free(rows);
	json_decref(q->rows);
	free(q);
}
