/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pools of threads for blocking and heavy work. A pool's lock guards its queue only. */
#include "node/loop/loop_priv.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#define THREADS_MAX 256u

/* A job that a task waits for. */
struct awaited {
	struct offload_job job;
	struct mail mail; /* comes back to the loop when it is done */
	void (*fn)(void *arg);
	void *arg;
	struct task *task;
};

struct offload_pool {
	char name[16];
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list queue;
	pthread_t *threads;
	unsigned int nthreads, max;
	unsigned int idle; /* threads that wait */
	unsigned int queued;
	bool stopping;
	_Atomic(bool) on;
};

/* The process-wide one. */
static struct offload_pool pool = {
	.name = "offload",
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.queue = LIST_INIT(pool.queue),
};

static void job_done(struct mail *m)
{
	struct awaited *j = container_of(m, struct awaited, mail);

	task_ready(j->task, 0);
}

static void job_run(void *arg)
{
	struct awaited *j = arg;

	j->fn(j->arg);
	loop_post(j->task->loop, &j->mail);
}

static void *worker(void *arg)
{
	struct offload_pool *p = arg;
	struct offload_job *j;

	prctl(PR_SET_NAME, p->name);
	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (list_empty(&p->queue) && !p->stopping) {
			p->idle++;
			pthread_cond_wait(&p->more, &p->lock);
			p->idle--;
		}
		j = list_first(&p->queue, struct offload_job, link);
		if (!j)
			break;
		list_remove(&j->link);
		p->queued--;
		pthread_mutex_unlock(&p->lock);
		j->fn(j->arg);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* One thread more; signals are for the other threads. */
static int start_thread(struct offload_pool *p)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&p->threads[p->nthreads], NULL, worker, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		p->nthreads++;
	return r;
}

static void stop_threads(struct offload_pool *p)
{
	atomic_store(&p->on, false);
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	while (p->nthreads)
		pthread_join(p->threads[--p->nthreads], NULL);
	free(TAKE_PTR(p->threads));
}

int offload_start(unsigned int threads)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int r = 0;

	assert(!atomic_load(&pool.on));
	if (!threads)
		threads = cpus > 0 ? (unsigned int)cpus : 1;
	pool.max = MIN(threads, THREADS_MAX);
	pool.threads = calloc(pool.max, sizeof(*pool.threads));
	if (!pool.threads)
		return -ENOMEM;
	pool.stopping = false;
	while (r == 0 && pool.nthreads < pool.max)
		r = start_thread(&pool);
	if (r < 0)
		offload_stop();
	else
		atomic_store(&pool.on, true);
	return r;
}

void offload_stop(void)
{
	stop_threads(&pool);
}

int offload_pool_new(const char *name, unsigned int max_threads, struct offload_pool **ret)
{
	struct offload_pool *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	strncpy(p->name, name, sizeof(p->name) - 1);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	list_init(&p->queue);
	p->max = MIN(MAX(max_threads, 1u), THREADS_MAX);
	p->threads = calloc(p->max, sizeof(*p->threads));
	r = p->threads ? start_thread(p) : -ENOMEM;
	if (r < 0) {
		free(p->threads);
		free(p);
		return r;
	}
	atomic_store(&p->on, true);
	*ret = p;
	return 0;
}

void offload_pool_free(struct offload_pool *p)
{
	if (!p)
		return;
	stop_threads(p);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void offload_pool_post(struct offload_pool *p, struct offload_job *job)
{
	pthread_mutex_lock(&p->lock);
	list_append(&p->queue, &job->link);
	/* one that cannot be started is not missed: those that there are come to it */
	if (++p->queued > p->idle && p->nthreads < p->max && !p->stopping)
		(void)start_thread(p);
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
}

void offload_pool_run(struct offload_pool *p, void (*fn)(void *arg), void *arg)
{
	struct task *t = task_current();
	struct awaited j = { .mail.run = job_done, .fn = fn, .arg = arg, .task = t };

	if (!t || !atomic_load(&p->on)) {
		fn(arg);
		return;
	}
	j.job.fn = job_run;
	j.job.arg = &j;
	offload_pool_post(p, &j.job);
	task_wait(WAIT_OFFLOAD, 0, false);
}

void offload_run(void (*fn)(void *arg), void *arg)
{
	offload_pool_run(&pool, fn, arg);
}
