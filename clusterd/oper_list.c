/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "session list", "open list", "lock list", "lease list": the rows of every node that serves, one node after the other, page by page,
 * asked for by multicast. A node that does not answer costs a warning, not the listing. "lease stats" is the same with one row
 * a node, and a last one for all of them. On clusterd's loop.
 */
#include <stdio.h>

#include "clusterd/client/cluster_client.h"
#include "clusterd/oper_priv.h"
#include "node/base/clock.h"
#include "node/base/level.h"

#define PAGE_ROWS 100
#define ANSWER_MS 3000

struct listing {
	struct list link;
	struct oper_request *rq;
	enum cluster_query_kind kind;
	struct view *view; /* as it was at the start */
	uint32_t member;   /* index of who is being asked */
	uint64_t id;
	qb_loop_timer_handle timer;
	struct lease_stats total; /* CLUSTER_QUERY_LEASE_STATS */
};

#define ALL_NODES "(all)" /* no node is named so */

#define LISTING_STR(field, heading) { #field, heading },
#define LISTING_U64(field, heading) { #field, heading },
#define LISTING_BOOL(field, heading) { #field, heading },
static const struct oper_column session_columns[] = {
	{ "node", "NODE" },
#define LISTING_SESSIONS
#include "clusterd/client/listing.def"
};
#define LISTING_STR(field, heading) { #field, heading },
#define LISTING_U64(field, heading) { #field, heading },
#define LISTING_BOOL(field, heading) { #field, heading },
static const struct oper_column open_columns[] = {
	{ "node", "NODE" },
#define LISTING_OPENS
#include "clusterd/client/listing.def"
};
#define LISTING_STR(field, heading) { #field, heading },
#define LISTING_U64(field, heading) { #field, heading },
#define LISTING_BOOL(field, heading) { #field, heading },
static const struct oper_column lock_columns[] = {
	{ "node", "NODE" },
#define LISTING_LOCKS
#include "clusterd/client/listing.def"
};

#define LISTING_STR(field, heading) { #field, heading },
#define LISTING_U64(field, heading) { #field, heading },
#define LISTING_BOOL(field, heading) { #field, heading },
static const struct oper_column lease_columns[] = {
	{ "node", "NODE" },
#define LISTING_LEASES
#include "clusterd/client/listing.def"
};

static const struct oper_column lease_stats_columns[] = {
	{ "node", "COUNT" },
	{ "age_s", "age" },
#define LEASE_STAT(field, join, name, about) { #field, name },
#include "clusterd/client/lease_stats.def"
};
static const char *const lease_stats_about[ARRAY_SIZE(lease_stats_columns)] = {
	"MEANING",
	"seconds since that smbd began, and its counts",
#define LEASE_STAT(field, join, name, about) about,
#include "clusterd/client/lease_stats.def"
};

static const struct listing_kind {
	const char *command;
	const struct oper_column *columns;
	size_t n;
	uint32_t level; /* of the cluster: below it there is nothing to list */
	const char *const *about; /* each column; NULL: nothing is said */
} kinds[] = {
	[CLUSTER_QUERY_SESSIONS] = { "session list", session_columns, ARRAY_SIZE(session_columns), 1, NULL },
	[CLUSTER_QUERY_OPENS] = { "open list", open_columns, ARRAY_SIZE(open_columns), 1, NULL },
	[CLUSTER_QUERY_LOCKS] = { "lock list", lock_columns, ARRAY_SIZE(lock_columns), 1, NULL },
	[CLUSTER_QUERY_LEASES] = { "lease list", lease_columns, ARRAY_SIZE(lease_columns), LEVEL_LEASES, NULL },
	[CLUSTER_QUERY_LEASE_STATS] = { "lease stats", lease_stats_columns, ARRAY_SIZE(lease_stats_columns), LEVEL_LEASES,
				      lease_stats_about },
};

static void listing_free(struct listing *l)
{
	if (l->timer)
		qb_loop_timer_del(l->rq->oper->d->loop, l->timer);
	l->rq->data = NULL;
	list_remove(&l->link);
	view_unref(l->view);
	free(l);
}

static void finish(struct listing *l)
{
	struct oper_request *rq = l->rq;

	listing_free(l);
	oper_end(rq, OPER_OK, NULL);
}

/* --- counts of all nodes --- */

static void add_counts(struct lease_stats *total, const json_t *row)
{
	struct lease_stats s = {
#define LEASE_STAT(field, join, name, about) .field = (uint64_t)json_integer_value(json_object_get(row, #field)),
#include "clusterd/client/lease_stats.def"
	};

	lease_stats_add(total, &s);
}

static json_t *total_row(const struct lease_stats *total)
{
	json_t *row = json_pack("{s:s}", "node", ALL_NODES);

#define LEASE_STAT(field, join, name, about) json_object_set_new(row, #field, json_integer((json_int_t)total->field));
#include "clusterd/client/lease_stats.def"
	return row;
}

/* Every node has been asked. */
static void end(struct listing *l)
{
	if (l->kind == CLUSTER_QUERY_LEASE_STATS)
		oper_send(l->rq, json_pack("{s:[o]}", "rows", total_row(&l->total)));
	finish(l);
}

/* --- asking --- */

/* The operator has gone away. */
void oper_list_forget(struct oper_request *rq)
{
	if (rq->command && rq->command->run == oper_list && rq->data)
		finish(rq->data);
}

static void ask(struct listing *l, uint64_t cursor);

static const struct view_member *asked(const struct listing *l)
{
	return &l->view->members[l->member];
}

static void next_node(struct listing *l)
{
	l->member++;
	ask(l, 0);
}

static void on_timeout(void *arg)
{
	struct listing *l = arg;

	l->timer = 0;
	oper_warn(l->rq, "node %s did not answer: what it holds is missing here", asked(l)->name);
	next_node(l);
}

static void ask(struct listing *l, uint64_t cursor)
{
	struct clusterd *d = l->rq->oper->d;
	struct msg m = { .type = MSG_ASK };
	int r;

	while (l->member < l->view->n && !asked(l)->incarnation)
		l->member++;
	if (l->member == l->view->n) {
		end(l);
		return;
	}
	l->id = ++l->rq->oper->next_id;
	m.ask = (struct msg_ask){ l->id, asked(l)->node_id, l->kind, cursor, PAGE_ROWS };
	r = clusterd_send(d, &m);
	qb_loop_timer_add(d->loop, QB_LOOP_MED, r < 0 ? 0 : ANSWER_MS * NSEC_PER_MSEC, l, on_timeout, &l->timer);
}

static void give_rows(struct listing *l, struct blob rows)
{
	json_t *a = json_loadb((const char *)rows.data, rows.len, 0, NULL), *row;
	size_t i;

	json_array_foreach(a, i, row) {
		json_object_set_new(row, "node", json_string(asked(l)->name));
		if (l->kind == CLUSTER_QUERY_LEASE_STATS)
			add_counts(&l->total, row);
	}
	if (json_is_array(a))
		oper_send(l->rq, json_pack("{s:O}", "rows", a));
	json_decref(a);
}

void oper_answer(struct oper *o, uint32_t from, const struct msg_answer *a)
{
	struct listing *l;

	list_foreach(l, &o->listings, link)
		if (l->id == a->id && asked(l)->node_id == from)
			break;
	if (&l->link == &o->listings)
		return;
	if (l->timer)
		qb_loop_timer_del(o->d->loop, l->timer);
	l->timer = 0;
	if (a->status) {
		oper_warn(l->rq, a->status == ENOTCONN ?
					 "smbd of node %s does not run: what it held is missing here" :
					 "node %s could not answer: what it holds is missing here",
			  asked(l)->name);
		next_node(l);
		return;
	}
	give_rows(l, a->rows);
	if (a->next)
		ask(l, a->next);
	else
		next_node(l);
}

static json_t *columns_of(const struct listing_kind *k)
{
	json_t *a = oper_columns(k->columns, k->n), *column;
	size_t i;

	json_array_foreach(a, i, column)
		if (k->about)
			json_object_set_new(column, "about", json_string(k->about[i]));
	return a;
}

void oper_list(struct oper_request *rq)
{
	struct listing *l = calloc(1, sizeof(*l));
	struct oper *o = rq->oper;
	size_t i;

	if (!l) {
		oper_end(rq, OPER_FAILED, "clusterd is out of memory; try again");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].command, rq->command->name) == 0)
			l->kind = (enum cluster_query_kind)i;
	l->rq = rq;
	rq->data = l;
	l->view = view_ref(o->d->core.view);
	list_append(&o->listings, &l->link);
	oper_send(rq, json_pack("{s:o, s:[]}", "columns", columns_of(&kinds[l->kind]), "rows"));
	if (!cs_is_up(o->d->cs)) {
		listing_free(l);
		oper_end(rq, OPER_FAILED, "corosync of this node is not reachable; start corosync, or ask another node");
		return;
	}
	/* Whoever is of a release without it does not know the question either. */
	if (l->view->level < kinds[l->kind].level)
		l->member = l->view->n;
	ask(l, 0);
}
