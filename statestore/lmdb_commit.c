/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commit thread of an LMDB store: takes every job that waits, applies them in one transaction, commits it
 * (durable), then reports. What arrives during a commit is the next batch.
 */
#include "statestore/lmdb_priv.h"

#include <unistd.h>

#include "node/base/fault.h"
#include "node/log/log.h"
#include "statestore/wait.h"

#define SLOW_COMMIT_US 50000

void lmdb_job_submit(struct lmdb_store *s, struct lmdb_job *job)
{
	pthread_mutex_lock(&s->mutex);
	list_append(&s->jobs, &job->link);
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mutex);
}

static void job_wait_done(struct lmdb_job *job, int status)
{
	store_wait_done(job->wait, status);
}

int lmdb_job_wait(struct lmdb_store *s, struct lmdb_job *job)
{
	struct store_wait wait;

	store_wait_init(&wait);
	job->wait = &wait;
	job->done = job_wait_done;
	lmdb_job_submit(s, job);
	return store_wait(&wait);
}

static int commit_batch(struct lmdb_store *s, struct list *batch)
{
	struct lmdb_job *job;
	MDB_txn *txn;
	int rc;

	rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	if (rc)
		return lmdb_errno(rc);
	list_foreach(job, batch, link) {
		job->status = 0;
		rc = job->apply(s, txn, job);
		if (rc) {
			mdb_txn_abort(txn);
			return lmdb_errno(rc);
		}
	}
	return lmdb_errno(mdb_txn_commit(txn));
}

static void run_batch(struct lmdb_store *s, struct list *batch)
{
	struct lmdb_job *job, *tmp;
	int r;

	if (fault(FAULT_SLOW_COMMIT))
		usleep(SLOW_COMMIT_US);
	r = lmdb_writer_lock(s->writer);
	if (r == 0) {
		r = commit_batch(s, batch);
		lmdb_writer_unlock(s->writer);
	}
	if (r < 0)
		log_err("state store: a write failed: error=%s", strerror(-r));
	list_foreach_safe(job, tmp, batch, link) {
		list_remove(&job->link);
		job->done(job, r < 0 ? r : job->status);
	}
}

static void *commit_main(void *arg)
{
	struct lmdb_store *s = arg;
	struct list batch;

	pthread_setname_np(pthread_self(), "store-commit");
	list_init(&batch);
	pthread_mutex_lock(&s->mutex);
	for (;;) {
		while (list_empty(&s->jobs) && !s->stop)
			pthread_cond_wait(&s->cond, &s->mutex);
		if (list_empty(&s->jobs))
			break;
		list_splice(&batch, &s->jobs);
		pthread_mutex_unlock(&s->mutex);
		run_batch(s, &batch);
		pthread_mutex_lock(&s->mutex);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

int lmdb_commit_start(struct lmdb_store *s)
{
	int r;

	pthread_mutex_init(&s->mutex, NULL);
	pthread_cond_init(&s->cond, NULL);
	list_init(&s->jobs);
	r = -pthread_create(&s->thread, NULL, commit_main, s);
	s->started = r == 0;
	return r;
}

void lmdb_commit_stop(struct lmdb_store *s)
{
	if (!s->started)
		return;
	pthread_mutex_lock(&s->mutex);
	s->stop = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->mutex);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->mutex);
	s->started = false;
}
