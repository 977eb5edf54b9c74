/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process-wide pool of threads for blocking and heavy work. Its lock guards the queue only. */
#include "node/loop/loop_priv.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#define THREADS_MAX 256u

struct job {
	struct mail mail; /* comes back to the loop when it is done */
	struct list link;
	void (*fn)(void *arg);
	void *arg;
	struct task *task;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue;
	pthread_t *threads;
	unsigned int nthreads;
	bool stopping;
	_Atomic(bool) on;
} pool = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.queue = LIST_INIT(pool.queue),
};

static void job_done(struct mail *m)
{
	struct job *j = container_of(m, struct job, mail);

	task_ready(j->task, 0);
}

static void *worker(void *arg)
{
	struct job *j;

	prctl(PR_SET_NAME, "offload");
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		while (list_empty(&pool.queue) && !pool.stopping)
			pthread_cond_wait(&pool.more, &pool.lock);
		j = list_first(&pool.queue, struct job, link);
		if (!j)
			break;
		list_remove(&j->link);
		pthread_mutex_unlock(&pool.lock);
		j->fn(j->arg);
		loop_post(j->task->loop, &j->mail);
		pthread_mutex_lock(&pool.lock);
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

int offload_start(unsigned int threads)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	sigset_t all, old;
	int r = 0;

	assert(!atomic_load(&pool.on));
	if (!threads)
		threads = cpus > 0 ? (unsigned int)cpus : 1;
	threads = MIN(threads, THREADS_MAX);
	pool.threads = calloc(threads, sizeof(*pool.threads));
	if (!pool.threads)
		return -ENOMEM;
	pool.stopping = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the other threads */
	for (pool.nthreads = 0; pool.nthreads < threads && !r; pool.nthreads += !r)
		r = -pthread_create(&pool.threads[pool.nthreads], NULL, worker, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0)
		offload_stop();
	else
		atomic_store(&pool.on, true);
	return r;
}

void offload_stop(void)
{
	atomic_store(&pool.on, false);
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	pthread_cond_broadcast(&pool.more);
	pthread_mutex_unlock(&pool.lock);
	while (pool.nthreads)
		pthread_join(pool.threads[--pool.nthreads], NULL);
	free(pool.threads);
	pool.threads = NULL;
}

void offload_run(void (*fn)(void *arg), void *arg)
{
	struct task *t = task_current();
	struct job j = { .mail.run = job_done, .fn = fn, .arg = arg, .task = t };

	if (!t || !atomic_load(&pool.on)) {
		fn(arg);
		return;
	}
	pthread_mutex_lock(&pool.lock);
	list_append(&pool.queue, &j.link);
	pthread_cond_signal(&pool.more);
	pthread_mutex_unlock(&pool.lock);
	task_wait(WAIT_OFFLOAD, 0, false);
}
