/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "state restore": finds a record that was moved aside by its key, as "state aside" prints it, and puts it back. On clusterd's
 * loop; run_*() on the store's thread.
 */
#include "clusterd/oper_priv.h"
#include "clusterd/restore.h"
#include "node/base/clock.h"
#include "node/log/log.h"
#include "statestore/record.h"

#define JOB_NS (20 * NSEC_PER_MSEC)

struct restore_job {
	struct store_job job;
	struct oper_request *rq;
	char text[REC_KEY_TEXT_SIZE]; /* of the key that is looked for */
	uint32_t slot;                /* the next one to look at */
	unsigned int n_found;
	uint32_t found_slot;
	uint8_t found[STORE_KEY_MAX];
	size_t found_len;
	bool complete;
	enum restore_verdict verdict;
	int error;
};

static int look_at(void *arg, struct blob key, struct blob val)
{
	struct restore_job *j = arg;
	char text[REC_KEY_TEXT_SIZE];

	if (key.data[0] != REC_ASIDE_PREFIX || key.len > sizeof(j->found) || strcmp(rec_key_text(key, text), j->text) != 0)
		return 0;
	j->n_found++;
	j->found_slot = j->slot;
	memcpy(j->found, key.data, key.len);
	j->found_len = key.len;
	return 0;
}

static int restore(struct restore_job *j, struct store *s)
{
	struct view *view = NULL;
	int r = state_read_view(s, &view);

	if (r == 0)
		r = restore_record(s, view, j->found_slot, BLOB(j->found, j->found_len), clock_real_ns(), &j->verdict);
	view_unref(view);
	return r;
}

static void run_restore(struct store_job *job, struct store *s)
{
	struct restore_job *j = container_of(job, struct restore_job, job);
	uint64_t end = clock_mono_ns() + JOB_NS;

	j->error = s ? 0 : -ENOTCONN;
	while (j->error == 0 && j->slot < store_info(s)->slots && clock_mono_ns() < end) {
		j->error = store_scan(s, j->slot, look_at, j);
		j->slot++;
	}
	j->complete = j->error < 0 || j->slot >= store_info(s)->slots;
	if (j->error == 0 && j->complete && j->n_found == 1)
		j->error = restore(j, s);
}

static void done_restore(struct store_job *job)
{
	struct restore_job *j = container_of(job, struct restore_job, job);
	struct oper_request *rq = j->rq;

	if (!j->complete) {
		storeq_submit(rq->oper->d->storeq, &j->job);
		return;
	}
	if (j->error == -ENOENT || (j->error == 0 && j->n_found == 0)) {
		oper_end(rq, OPER_NOT_FOUND, "no record with this key was moved aside; \"holdfast state aside\" shows those there are");
	} else if (j->error < 0) {
		oper_end(rq, OPER_FAILED, "the state store failed (%s); look into the log of clusterd", log_errno(j->error));
	} else if (j->n_found > 1) {
		oper_end(rq, OPER_CONFLICT, "%u slots have a record with this key that was moved aside; none was put back", j->n_found);
	} else if (j->verdict != RESTORE_DONE) {
		oper_end(rq, OPER_CONFLICT, "the record was left aside: %s", restore_verdict_text(j->verdict));
	} else {
		log_warn("state restore: a record was put back: slot=%u key=%s", j->found_slot, j->text);
		oper_end(rq, OPER_OK, NULL);
	}
	free(j);
}

void oper_state_restore(struct oper_request *rq)
{
	const char *name = oper_text(rq, "name");
	struct restore_job *j;

	if (!name || name[0] != REC_ASIDE_PREFIX || strlen(name) >= REC_KEY_TEXT_SIZE) {
		oper_end(rq, OPER_NOT_FOUND, "this is no key of a record that was moved aside; \"holdfast state aside\" shows those "
					     "there are");
		return;
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		oper_end(rq, OPER_FAILED, "clusterd is out of memory; try again");
		return;
	}
	j->job = (struct store_job){ run_restore, done_restore, NULL };
	j->rq = rq;
	strcpy(j->text, name);
	storeq_submit(rq->oper->d->storeq, &j->job);
}
