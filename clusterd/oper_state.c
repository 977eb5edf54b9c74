/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "state check" and "state repair": every slot is looked at, a few per job, so that views do not wait for it. On
 * clusterd's loop; run_*() on the store's thread.
 *
 * A repair changes nothing that somebody serves. Records of a slot whose last owner is no member of the view are moved
 * aside under that owner's epoch: whoever claims the slot meanwhile has another one, and the write fails. Where the
 * owner is alive, it is asked to do it itself (smbd/lock/aside.c), which it does while it cannot open the slot.
 */
#include <stdio.h>

#include "clusterd/client/view_pb.h"
#include "clusterd/fsck.h"
#include "clusterd/oper_priv.h"
#include "node/base/clock.h"
#include "node/log/log.h"
#include "statestore/aside.h"

#define JOB_NS (20 * NSEC_PER_MSEC)
#define ASKED_MS 250
#define ASKED_TRIES 24 /* 6 s: an owner looks every second */

struct state_run {
	struct store_job job;
	struct oper_request *rq;
	bool repair;
	int error;
	struct view *view;
	struct fsck fsck;
	uint32_t slot, n_slots; /* next one; 0 slots: not begun */
	json_t *rows;           /* to be sent */
	json_t *here;           /* findings of the present slot */
	json_t *asked;          /* findings that an owner was asked to see to */
	unsigned int tries;
	uint64_t findings, left, moved;
	qb_loop_timer_handle timer;
};

static const struct oper_column columns[] = {
	{ "slot", "SLOT" }, { "key", "KEY" }, { "problem", "PROBLEM" }, { "detail", "DETAIL" }, { "action", "ACTION" },
};

/* --- on the store's thread --- */

int state_read_view(struct store *s, struct view **ret)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct store_res res;
	int r = store_res_get(s, STORED_VIEW_KIND, STORED_VIEW_NAME, &a, &res);

	if (r == 0)
		return view_decode(res.val, ret);
	if (r != -ENOENT)
		return r;
	*ret = view_new(0);
	return *ret ? 0 : -ENOMEM;
}

static json_t *hex_of(struct blob b)
{
	_cleanup_free_ char *text = malloc(2 * b.len + 1);
	size_t i;

	for (i = 0; text && i < b.len; i++)
		snprintf(text + 2 * i, 3, "%02x", b.data[i]);
	return text ? json_stringn(text, 2 * b.len) : NULL;
}

static int on_found(void *arg, const struct fsck_finding *x)
{
	struct state_run *j = arg;
	char key[REC_KEY_TEXT_SIZE];
	json_t *row;

	j->findings++;
	row = json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:b, s:I, s:i}", "slot", (int)x->slot, "key",
			rec_key_text(x->key, key), "problem", fsck_problem_name(x->problem), "detail", x->detail,
			"action", "", "key_bytes", hex_of(x->key), "owned", x->live, "epoch", (json_int_t)x->epoch,
			"number", (int)x->problem);
	return row && json_array_append_new(j->here, row) == 0 ? 0 : -ENOMEM;
}

static void act(json_t *row, const char *action)
{
	json_object_set_new(row, "action", json_string(action));
}

static struct blob key_of(const json_t *row, uint8_t buf[STORE_KEY_MAX])
{
	const char *hex = json_string_value(json_object_get(row, "key_bytes")) ?: "";
	unsigned int v;
	size_t n = 0;

	while (n < STORE_KEY_MAX && sscanf(hex + 2 * n, "%2x", &v) == 1)
		buf[n++] = (uint8_t)v;
	return BLOB(buf, n);
}

static int ask_owner(struct store *s, uint32_t slot)
{
	char name[REC_REPAIR_NAME_SIZE];
	int r;

	rec_repair_name(slot, name);
	r = store_res_put(s, REC_REPAIR_KIND, name, BLOB("", 0), 0, NULL);
	return r == -EEXIST ? 0 : r;
}

static int move(struct store *s, json_t *row, uint32_t slot)
{
	uint8_t buf[STORE_KEY_MAX];
	uint64_t epoch = (uint64_t)json_integer_value(json_object_get(row, "epoch"));
	int r = aside_move(s, slot, epoch, key_of(row, buf));

	if (r == 0 || r == -ENOENT) {
		act(row, r == 0 ? "moved aside" : "gone meanwhile");
		log_warn("state repair: a record was moved aside: slot=%u key=%s", slot,
			 json_string_value(json_object_get(row, "key")));
		return 1;
	}
	if (r != -ESTALE)
		return r;
	act(row, "left: a node has taken the slot over meanwhile; run this command again");
	return 0;
}

/* 1: done; 0: left as it is; 2: its owner was asked; or a fault. */
static int repair(struct store *s, json_t *row)
{
	enum fsck_problem p = (enum fsck_problem)json_integer_value(json_object_get(row, "number"));
	uint32_t slot = (uint32_t)json_integer_value(json_object_get(row, "slot"));
	bool owned = json_is_true(json_object_get(row, "owned"));
	int r;

	if (p == FSCK_ORPHAN) {
		act(row, "left: the owner of its slot closes it");
	} else if (!fsck_movable(p)) {
		act(row, "left: nothing here is safe to change");
	} else if (!owned) {
		return move(s, row, slot);
	} else if (p == FSCK_DAMAGED || p == FSCK_NEWER) {
		r = ask_owner(s, slot);
		return r < 0 ? r : 2;
	} else {
		act(row, "left: the slot is served; stop smbd on all nodes, start clusterd alone, run this command again");
	}
	return 0;
}

static int finish_slot(struct state_run *j, struct store *s)
{
	json_t *row;
	size_t i;
	int r = 0;

	json_array_foreach(j->here, i, row) {
		r = j->repair ? repair(s, row) : 0;
		if (r < 0)
			return r;
		if (r == 2)
			json_array_append(j->asked, row);
		else
			json_array_append(j->rows, row);
		j->left += r == 0;
		j->moved += r == 1;
	}
	json_array_clear(j->here);
	return 0;
}

static int begin(struct state_run *j, struct store *s)
{
	int r = state_read_view(s, &j->view);

	if (r < 0)
		return r;
	fsck_init(&j->fsck, j->view, clock_real_ns(), on_found, j);
	j->n_slots = store_info(s)->slots;
	return 0;
}

static void run_slots(struct store_job *job, struct store *s)
{
	struct state_run *j = container_of(job, struct state_run, job);
	uint64_t end = clock_mono_ns() + JOB_NS;

	j->error = !s ? -ENOTCONN : j->n_slots ? 0 : begin(j, s);
	while (j->error == 0 && j->slot < j->n_slots && clock_mono_ns() < end) {
		j->error = fsck_slot(&j->fsck, s, j->slot);
		if (j->error == 0)
			j->error = finish_slot(j, s);
		j->slot++;
	}
}

/* Whether the owners have done what they were asked to; in the end the request is taken back. */
static void run_asked(struct store_job *job, struct store *s)
{
	struct state_run *j = container_of(job, struct state_run, job);
	_cleanup_arena_ struct arena a = { 0 };
	char name[REC_REPAIR_NAME_SIZE];
	struct store_res res;
	bool last = ++j->tries == ASKED_TRIES || !j->rq->conn;
	size_t i = json_array_size(j->asked);
	int r;

	j->error = s ? 0 : -ENOTCONN;
	while (j->error == 0 && i-- > 0) {
		json_t *row = json_array_get(j->asked, i);

		rec_repair_name((uint32_t)json_integer_value(json_object_get(row, "slot")), name);
		r = store_res_get(s, REC_REPAIR_KIND, name, &a, &res);
		if (r == 0 && last)
			r = store_res_put(s, REC_REPAIR_KIND, name, BLOB(NULL, 0), res.version, NULL);
		if (r == 0 && last) {
			act(row, "left: its owner serves the slot and writes this record anew at its next change");
			j->left++;
		} else if (r == -ENOENT || r == -ESTALE) {
			act(row, "moved aside by the owner of the slot");
			j->moved++;
		} else if (r < 0) {
			j->error = r;
		} else {
			continue;
		}
		json_array_append(j->rows, row);
		json_array_remove(j->asked, i);
	}
}

/* --- on the loop --- */

static void state_free(struct state_run *j)
{
	j->rq->data = NULL;
	if (j->timer)
		qb_loop_timer_del(j->rq->oper->d->loop, j->timer);
	fsck_done(&j->fsck);
	view_unref(j->view);
	json_decref(j->rows);
	json_decref(j->here);
	json_decref(j->asked);
	free(j);
}

static void give_rows(struct state_run *j)
{
	json_t *row;
	size_t i;

	json_array_foreach(j->rows, i, row) {
		json_object_del(row, "number");
		if (!j->repair)
			json_object_del(row, "action");
	}
	if (json_array_size(j->rows))
		oper_send(j->rq, json_pack("{s:O}", "rows", j->rows));
	json_decref(j->rows);
	j->rows = json_array();
}

static void end(struct state_run *j)
{
	struct oper_request *rq = j->rq;
	int error = j->error;
	uint64_t n = j->repair ? j->left : j->findings;

	if (error == 0) {
		oper_send(rq, json_pack("{s:{s:I, s:I, s:I, s:I, s:I}}", "object", "slots", (json_int_t)j->n_slots,
					"records", (json_int_t)j->fsck.records, "aside",
					(json_int_t)(j->fsck.aside + j->moved), "problems", (json_int_t)j->findings,
					"left", (json_int_t)n));
	}
	state_free(j);
	if (error < 0)
		oper_end(rq, OPER_FAILED, "the state store failed (%s); look into the log of clusterd", log_errno(error));
	else
		oper_end(rq, n ? OPER_FINDINGS : OPER_OK, NULL);
}

static void forget(struct oper_request *rq)
{
	state_free(rq->data);
}

static void submit_asked(void *arg)
{
	struct state_run *j = arg;

	j->timer = 0;
	storeq_submit(j->rq->oper->d->storeq, &j->job);
}

static void done_state(struct store_job *job)
{
	struct state_run *j = container_of(job, struct state_run, job);

	give_rows(j);
	if (j->error < 0 || (j->slot >= j->n_slots && json_array_size(j->asked) == 0) ||
	    (!j->rq->conn && json_array_size(j->asked) == 0)) {
		end(j);
	} else if (j->slot < j->n_slots && j->rq->conn) {
		storeq_submit(j->rq->oper->d->storeq, &j->job);
	} else {
		j->slot = j->n_slots;
		j->job.run = run_asked;
		qb_loop_timer_add(j->rq->oper->d->loop, QB_LOOP_LOW, ASKED_MS * NSEC_PER_MSEC, j, submit_asked, &j->timer);
	}
}

void oper_state(struct oper_request *rq)
{
	struct state_run *j = calloc(1, sizeof(*j));

	if (!j) {
		oper_end(rq, OPER_FAILED, "clusterd is out of memory; try again");
		return;
	}
	j->job = (struct store_job){ run_slots, done_state, NULL };
	j->rq = rq;
	rq->data = j;
	rq->forget = forget;
	j->repair = strcmp(rq->command->name, "state repair") == 0;
	j->rows = json_array();
	j->here = json_array();
	j->asked = json_array();
	oper_send(rq, json_pack("{s:o, s:[]}", "columns", oper_columns(columns, ARRAY_SIZE(columns) - !j->repair),
				"rows"));
	storeq_submit(rq->oper->d->storeq, &j->job);
}
