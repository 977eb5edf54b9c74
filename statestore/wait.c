/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See wait.h. The task form crosses by mail, so that the task is woken on its own loop. */
#include "statestore/wait.h"

static void store_wait_mail(struct mail *m)
{
	struct store_wait *w = container_of(m, struct store_wait, mail);

	w->done = true;
	task_wake(w->task);
}

void store_wait_init(struct store_wait *w)
{
	*w = (struct store_wait){ .mail.run = store_wait_mail, .loop = loop_current(), .task = task_current() };
	if (w->task)
		return;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->cond, NULL);
}

void store_wait_done(struct store_wait *w, int status)
{
	w->status = status;
	if (w->task) {
		loop_post(w->loop, &w->mail);
		return;
	}
	pthread_mutex_lock(&w->mutex);
	w->done = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->mutex);
}

int store_wait(struct store_wait *w)
{
	if (w->task) {
		task_shield_begin();
		while (!w->done)
			(void)task_park();
		task_shield_end();
		return w->status;
	}
	pthread_mutex_lock(&w->mutex);
	while (!w->done)
		pthread_cond_wait(&w->cond, &w->mutex);
	pthread_mutex_unlock(&w->mutex);
	pthread_cond_destroy(&w->cond);
	pthread_mutex_destroy(&w->mutex);
	return w->status;
}
