/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "node drain" and "node resume": a resource names the nodes that are to own no slots. Each clusterd reads its own with
 * the configuration and says so to the others; the next view has it. On clusterd's loop.
 */
#include "clusterd/oper_priv.h"
#include "node/log/log.h"

struct drain_job {
	struct store_job job;
	struct oper_request *rq;
	char name[VIEW_NAME_MAX + 1];
	bool on;
	int status;
};

static const struct view_member *member_named(const struct clusterd *d, const char *name)
{
	uint32_t i;

	for (i = 0; i < d->core.view->n; i++)
		if (strcmp(d->core.view->members[i].name, name) == 0)
			return &d->core.view->members[i];
	return NULL;
}

static bool known(const struct clusterd *d, const char *name)
{
	const struct cs_info *info = cs_info(d->cs);
	uint32_t i;

	for (i = 0; i < info->n; i++)
		if (strcmp(info->nodes[i].name, name) == 0)
			return true;
	return member_named(d, name) != NULL;
}

static void run_drain(struct store_job *job, struct store *s)
{
	struct drain_job *j = container_of(job, struct drain_job, job);

	j->status = s ? store_res_put(s, DRAIN_KIND, j->name, j->on ? BLOB("1", 1) : BLOB(NULL, 0), UINT64_MAX, NULL) :
			-ENOTCONN;
}

static void finish(struct drain_job *j, const char *warning)
{
	struct oper_request *rq = j->rq;

	rq->data = NULL;
	if (warning)
		oper_warn(rq, "%s", warning);
	if (j->status < 0)
		oper_end(rq, OPER_FAILED, "the state store failed (%s); look into the log of clusterd", log_errno(j->status));
	else
		oper_end(rq, OPER_OK, NULL);
	free(j);
}

/* The command returns when it does. */
static bool view_says_it(const struct oper_request *rq)
{
	const struct drain_job *j = rq->data;
	const struct view_member *m = member_named(rq->oper->d, j->name);

	return !m || (m->state == VIEW_DRAINING) == j->on;
}

static void waited(struct oper_request *rq, bool in_time)
{
	finish(rq->data, in_time ? NULL : "the node has not heard of it yet, or is stopping; \"holdfast node list\" shows its state");
}

static void done_drain(struct store_job *job)
{
	struct drain_job *j = container_of(job, struct drain_job, job);
	struct msg kick = { .type = MSG_KICK };

	if (j->status < 0) {
		finish(j, NULL);
		return;
	}
	log_info("node %s: name=%s", j->on ? "drain" : "resume", log_esc(j->name));
	clusterd_send(j->rq->oper->d, &kick);
	oper_wait(j->rq, view_says_it, waited);
}

static void forget(struct oper_request *rq)
{
	free(rq->data);
}

void oper_node_drain(struct oper_request *rq)
{
	const char *name = oper_text(rq, "name");
	struct drain_job *j;

	if (!name || strlen(name) > VIEW_NAME_MAX || !known(rq->oper->d, name)) {
		oper_end(rq, OPER_NOT_FOUND, "there is no such node; \"holdfast node list\" shows those there are");
		return;
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		oper_end(rq, OPER_FAILED, "clusterd is out of memory; try again");
		return;
	}
	j->job = (struct store_job){ run_drain, done_drain, NULL };
	j->rq = rq;
	rq->data = j;
	rq->forget = forget;
	j->on = strcmp(rq->command->name, "node drain") == 0;
	strcpy(j->name, name);
	storeq_submit(rq->oper->d->storeq, &j->job);
}
