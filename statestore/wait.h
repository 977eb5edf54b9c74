/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a completion that comes from a store's thread: parks the task, or blocks a plain thread. */
#ifndef HF_STATESTORE_WAIT_H
#define HF_STATESTORE_WAIT_H

#include <pthread.h>

#include "node/loop/task.h"

struct store_wait {
	struct mail mail; /* used when a task waits */
	struct loop *loop;
	struct task *task;
	pthread_mutex_t mutex; /* used when a thread waits */
	pthread_cond_t cond;
	bool done;
	int status;
};

void store_wait_init(struct store_wait *w);
/* Ends the wait with `status`. Any thread, once. */
void store_wait_done(struct store_wait *w, int status);
/* Waits (not interruptible) for store_wait_done() and returns its status. */
int store_wait(struct store_wait *w);

#endif
