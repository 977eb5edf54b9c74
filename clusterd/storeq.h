/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state store beside a qb_loop: its calls wait, so a thread of its own makes them, one after the other. Jobs go to
 * it and come back through pipes: a job belongs to one side at a time.
 */
#ifndef HF_CLUSTERD_STOREQ_H
#define HF_CLUSTERD_STOREQ_H

#include <qb/qbloop.h>

#include "statestore/store.h"

struct storeq;

struct store_job {
	/* On the store's thread. `s` is NULL while the store cannot be opened. */
	void (*run)(struct store_job *j, struct store *s);
	/* On the loop, afterwards; frees the job. */
	void (*done)(struct store_job *j);
	struct storeq *q; /* private */
};

/* Starts the thread. -errno. */
int storeq_new(qb_loop_t *loop, struct storeq **ret);
/* Finishes what is queued (done() is called), closes the store. NULL is allowed. */
void storeq_free(struct storeq *q);
/* Hands a job over. While the queue is being freed the job runs at once, without a store. */
void storeq_submit(struct storeq *q, struct store_job *j);
/* On the store's thread, from run(): the store, which jobs see from then on. */
void storeq_set_store(struct storeq *q, struct store *s);

#endif
