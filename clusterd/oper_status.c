/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "cluster status" and "node list". On clusterd's loop. */
#include <inttypes.h>
#include <stdio.h>

#include "clusterd/oper_priv.h"
#include "node/base/clock.h"
#include "node/base/guid.h"

static const struct oper_column node_columns[] = {
	{ "node_id", "ID" },	    { "name", "NAME" },	       { "state", "STATE" },
	{ "smbd", "SMBD" },	    { "workers", "WORKERS" },  { "levels", "LEVELS" },
	{ "rpc_address", "RPC ADDRESS" }, { "addresses", "SMB ADDRESSES" }, { "incarnation", NULL },
	{ "votes", NULL },	    { "in_view", NULL },
};

static json_t *addresses(const struct view_member *m)
{
	json_t *a = json_array();
	uint32_t i;

	for (i = 0; m && i < m->n_smb_addrs; i++)
		json_array_append_new(a, json_string(m->smb_addrs[i]));
	return a;
}

static json_t *hex(uint64_t v)
{
	return v ? json_sprintf("%016" PRIx64, v) : json_null();
}

/* "up": its clusterd is in our group; "draining": and it is to own no slots; "joining": but has not told its state; "lost": it is in the view only, its right to
 * serve may not be over; "down". */
static const char *node_state(const struct clusterd *d, uint32_t node_id)
{
	uint32_t i;

	for (i = 0; d->core_ready && i < d->core.n; i++)
		if (d->core.members[i].proc.node_id == node_id)
			return !d->core.members[i].synced ? "joining" :
			       d->core.members[i].node.member.state == VIEW_DRAINING ? "draining" : "up";
	return d->core_ready && view_find(d->core.view, node_id) ? "lost" : "down";
}

/* What its clusterd and its smbd both speak; empty while it is away. */
static char *node_levels(const struct clusterd *d, uint32_t node_id, char buf[static LEVEL_TEXT_SIZE])
{
	const struct msg_node *n = d->core_ready ? vcore_node(&d->core, node_id) : NULL;

	buf[0] = '\0';
	return n ? level_text(n->member.levels, buf) : buf;
}

static json_t *node_row(const struct clusterd *d, uint32_t node_id, const char *name, uint32_t votes)
{
	const struct view_member *m = d->core_ready ? view_find(d->core.view, node_id) : NULL;
	const char *state = node_state(d, node_id);
	char levels[LEVEL_TEXT_SIZE];

	return json_pack("{s:i, s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:i, s:b}", "node_id", (int)node_id, "name",
			 m && m->name[0] ? m->name : name, "state", state, "smbd",
			 m && m->incarnation ? (strcmp(state, "lost") == 0 ? "unknown" : "running") : "stopped",
			 "workers", m ? (int)m->workers : 0, "levels", node_levels(d, node_id, levels), "rpc_address", m ? m->rpc_addr : "", "addresses",
			 addresses(m), "incarnation", hex(m ? m->incarnation : 0), "votes", (int)votes, "in_view",
			 m != NULL);
}

json_t *oper_node_columns(void)
{
	return oper_columns(node_columns, ARRAY_SIZE(node_columns));
}

json_t *oper_node_rows(const struct clusterd *d)
{
	const struct cs_info *info = cs_info(d->cs);
	json_t *rows = json_array();
	uint32_t i, k;

	for (i = 0; i < info->n; i++)
		json_array_append_new(rows, node_row(d, info->nodes[i].node_id, info->nodes[i].name,
						     info->nodes[i].votes));
	/* In the view, but in no nodelist that we know. */
	for (i = 0; d->core_ready && i < d->core.view->n; i++) {
		for (k = 0; k < info->n; k++)
			if (info->nodes[k].node_id == d->core.view->members[i].node_id)
				break;
		if (k == info->n)
			json_array_append_new(rows, node_row(d, d->core.view->members[i].node_id, "", 0));
	}
	return rows;
}

void oper_node_list(struct oper_request *rq)
{
	struct clusterd *d = rq->oper->d;

	oper_send(rq, json_pack("{s:o, s:o}", "columns", oper_node_columns(), "rows", oper_node_rows(d)));
	if (!cs_is_up(d->cs))
		oper_warn(rq, "corosync of this node is not reachable: this is what was known before; start corosync");
	oper_end(rq, OPER_OK, NULL);
}

static json_t *view_members(const struct clusterd *d)
{
	json_t *a = json_array();
	uint32_t i;

	for (i = 0; d->core_ready && i < d->core.view->n; i++) {
		const struct view_member *m = &d->core.view->members[i];

		json_array_append_new(a, json_pack("{s:i, s:s, s:s, s:o, s:i, s:s, s:o}", "node_id", (int)m->node_id,
						   "name", m->name, "state",
						   m->state == VIEW_DRAINING ? "draining" : "up", "incarnation",
						   hex(m->incarnation), "workers", (int)m->workers, "rpc_address",
						   m->rpc_addr, "addresses", addresses(m)));
	}
	return a;
}

static json_t *status_object(const struct clusterd *d)
{
	const struct cs_info *info = cs_info(d->cs);
	uint64_t now = clock_mono_ns(), deadline = local_deadline(d->local);
	char id[GUID_STR_SIZE] = "";
	struct guid guid;
	json_t *j;

	if (d->core_ready) {
		memcpy(guid.b, d->info.uuid, sizeof(guid.b));
		guid_format(&guid, id);
	}
	j = json_pack("{s:s, s:s, s:i, s:s}", "cluster", d->core_ready ? d->info.cluster : info->cluster, "id", id,
		      "node_id", d->conf->node_id, "node", d->conf->name);
	json_object_set_new(j, "corosync", json_string(cs_is_up(d->cs) ? "connected" : "not reachable"));
	json_object_set_new(j, "store", json_string(d->core_ready ? "open" : d->store_error));
	json_object_set_new(j, "quorate", json_boolean(cs_is_up(d->cs) && info->quorate));
	json_object_set_new(j, "votes_expected", json_integer(info->expected));
	json_object_set_new(j, "votes_needed", json_integer(info->quorum));
	json_object_set_new(j, "epoch", json_integer(d->core_ready ? (json_int_t)d->core.view->epoch : 0));
	json_object_set_new(j, "publisher", json_boolean(d->core_ready && vcore_is_publisher(&d->core)));
	json_object_set_new(j, "slots", json_integer(d->core_ready ? d->info.slots : 0));
	json_object_set_new(j, "serving", json_boolean(deadline > now));
	json_object_set_new(j, "lease_left_ms",
			    json_integer(deadline > now ? (json_int_t)((deadline - now) / NSEC_PER_MSEC) : 0));
	json_object_set_new(j, "lease_ms",
			    json_integer(d->core_ready ? (json_int_t)(clusterd_lease_ns(d) / NSEC_PER_MSEC) : 0));
	oper_level_add(d, j);
	json_object_set_new(j, "members", view_members(d));
	return j;
}

void oper_cluster_status(struct oper_request *rq)
{
	struct clusterd *d = rq->oper->d;

	oper_send(rq, json_pack("{s:o, s:o, s:o}", "object", status_object(d), "columns",
				oper_node_columns(), "rows", oper_node_rows(d)));
	oper_end(rq, OPER_OK, NULL);
}
