/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "session list", "open list", "lock list", "lease list": the rows of every node that serves, one node after the other, page by page,
 * asked for by multicast. A node that does not answer costs a warning, not the listing. On clusterd's loop.
 */
#include <stdio.h>

#include "clusterd/client/cluster_client.h"
#include "clusterd/oper_priv.h"
#include "node/base/clock.h"

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
};

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

static const struct listing_kind {
	const char *command;
	const struct oper_column *columns;
	size_t n;
} kinds[] = {
	[CLUSTER_QUERY_SESSIONS] = { "session list", session_columns, ARRAY_SIZE(session_columns) },
	[CLUSTER_QUERY_OPENS] = { "open list", open_columns, ARRAY_SIZE(open_columns) },
	[CLUSTER_QUERY_LOCKS] = { "lock list", lock_columns, ARRAY_SIZE(lock_columns) },
	[CLUSTER_QUERY_LEASES] = { "lease list", lease_columns, ARRAY_SIZE(lease_columns) },
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
		finish(l);
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

	json_array_foreach(a, i, row)
		json_object_set_new(row, "node", json_string(asked(l)->name));
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
	oper_send(rq, json_pack("{s:o, s:[]}", "columns", oper_columns(kinds[l->kind].columns, kinds[l->kind].n),
				"rows"));
	if (!cs_is_up(o->d->cs)) {
		listing_free(l);
		oper_end(rq, OPER_FAILED, "corosync of this node is not reachable; start corosync, or ask another node");
		return;
	}
	ask(l, 0);
}
