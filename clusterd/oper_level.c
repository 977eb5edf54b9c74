/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "level show" and "level raise": the level of the cluster, which an operator raises once every node has a release that
 * speaks the next one. The core decides (clusterd/outlook.h); the command returns when the view has it. On clusterd's loop.
 */
#include <stdio.h>

#include "clusterd/oper_priv.h"
#include "node/log/log.h"

/* "n3", or "node 3" when no nodelist has its name. */
static const char *name_of(const struct clusterd *d, uint32_t node_id, char *buf, size_t n)
{
	const struct msg_node *m = vcore_node(&d->core, node_id);
	const struct cs_info *info = cs_info(d->cs);
	uint32_t i;

	snprintf(buf, n, "node %u", node_id);
	if (m && m->member.name[0])
		snprintf(buf, n, "%s", m->member.name);
	for (i = 0; i < info->n; i++)
		if (info->nodes[i].node_id == node_id && info->nodes[i].name[0])
			snprintf(buf, n, "%s", info->nodes[i].name);
	return buf;
}

/* One sentence on what stands against raising the level, or on how to do it. */
static void say(const struct clusterd *d, const struct outlook *o, char *ret, size_t n)
{
	char node[VIEW_NAME_MAX + 1];

	name_of(d, o->node_id, node, sizeof(node));
	switch (o->bar) {
	case OUTLOOK_FREE:
		snprintf(ret, n, "may be raised to %u: \"holdfast level raise\"; older releases cannot join any more then", o->next);
		break;
	case OUTLOOK_HIGHEST:
		snprintf(ret, n, "is the highest that the installed releases have");
		break;
	case OUTLOOK_OLD:
		snprintf(ret, n, "may be raised once every node has a release with %u: %s has an older one", o->highest, node);
		break;
	case OUTLOOK_AWAY:
		snprintf(ret, n, "may be raised to %u once every node is there: %s is away; start it, take it out of corosync.conf, "
				 "or leave it behind (--without-absent)", o->next, node);
		break;
	case OUTLOOK_NOBODY:
		snprintf(ret, n, "is not known: the nodes that are there have no level in common");
		break;
	}
}

void oper_level_add(const struct clusterd *d, json_t *object)
{
	char own[LEVEL_TEXT_SIZE], text[256];
	struct outlook o;

	json_object_set_new(object, "own_levels", json_string(level_text(level_own(), own)));
	if (!d->core_ready)
		return;
	vcore_outlook(&d->core, false, &o);
	say(d, &o, text, sizeof(text));
	json_object_set_new(object, "level", json_integer(d->core.view->level));
	json_object_set_new(object, "level_outlook", json_string(vcore_synced(&d->core) ? text : "is not known: not all have told"));
	json_object_set_new(object, "level_may_be_raised_to", o.bar == OUTLOOK_FREE ? json_integer(o.next) : json_null());
}

static void give(struct oper_request *rq)
{
	const struct clusterd *d = rq->oper->d;
	json_t *object = json_object();

	oper_level_add(d, object);
	if (level_fits(level_own(), d->core.view->level))
		json_object_set_new(object, "level_brings", json_string(level_row(d->core.view->level)->brings));
	oper_send(rq, json_pack("{s:o, s:o, s:o}", "object", object, "columns", oper_node_columns(), "rows",
				oper_node_rows(d)));
}

void oper_level_show(struct oper_request *rq)
{
	give(rq);
	oper_end(rq, OPER_OK, NULL);
}

/* `data` is the level that is waited for. */
static bool view_has_it(const struct oper_request *rq)
{
	return rq->oper->d->core.view->level >= (uintptr_t)rq->data;
}

static void waited(struct oper_request *rq, bool in_time)
{
	if (in_time) {
		give(rq);
		oper_end(rq, OPER_OK, NULL);
	} else {
		oper_end(rq, OPER_CONFLICT, "no view came that has the level; a node came or went meanwhile, or there is no quorum: "
					    "look at \"holdfast cluster status\" and run this command again");
	}
}

void oper_level_raise(struct oper_request *rq)
{
	bool without_absent = json_is_true(json_object_get(rq->json, "without_absent"));
	struct clusterd *d = rq->oper->d;
	struct msg m = { .type = MSG_RAISE };
	char text[256];
	struct outlook o;

	vcore_outlook(&d->core, without_absent, &o);
	if (!d->core.quorate || !vcore_synced(&d->core)) {
		oper_end(rq, OPER_CONFLICT, "this node is not in a quorate partition whose nodes know of each other; look at "
					    "\"holdfast cluster status\"");
		return;
	}
	if (o.bar != OUTLOOK_FREE) {
		say(d, &o, text, sizeof(text));
		oper_end(rq, OPER_CONFLICT, "the level of the cluster, %u, %s", d->core.view->level, text);
		return;
	}
	rq->data = (void *)(uintptr_t)o.next;
	m.raise = (struct msg_raise){ o.next, without_absent };
	log_info("the operator raises the level of the cluster: from=%u to=%u without-absent=%s", d->core.view->level, o.next,
		 without_absent ? "yes" : "no");
	clusterd_send(d, &m);
	oper_wait(rq, view_has_it, waited);
}
