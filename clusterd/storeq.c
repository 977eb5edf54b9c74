/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs for the state store. The loop's side and the thread's side are marked; between them are two pipes. */
#include "clusterd/storeq.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#include "node/log/log.h"

struct storeq {
	qb_loop_t *loop;
	int to[2], back[2];
	pthread_t thread;
	struct store *store; /* the thread's */
	unsigned int pending; /* the loop's: jobs that are not done */
	bool closing;
};

/* Pointers are written whole: a pipe takes at least PIPE_BUF bytes at once. */
static bool put(int fd, void *p)
{
	ssize_t n;

	do
		n = write(fd, &p, sizeof(p));
	while (n < 0 && errno == EINTR);
	return n == sizeof(p);
}

static bool take(int fd, struct store_job **ret)
{
	ssize_t n;

	do
		n = read(fd, ret, sizeof(*ret));
	while (n < 0 && errno == EINTR);
	return n == sizeof(*ret);
}

/* --- the thread --- */

static void *thread(void *arg)
{
	struct storeq *q = arg;
	struct store_job *j;

	pthread_setname_np(pthread_self(), "store");
	while (take(q->to[0], &j)) {
		j->run(j, q->store);
		put(q->back[1], j);
	}
	store_close(q->store);
	return NULL;
}

void storeq_set_store(struct storeq *q, struct store *s)
{
	q->store = s;
}

/* --- the loop --- */

static int32_t on_back(int32_t fd, int32_t revents, void *arg)
{
	struct storeq *q = arg;
	struct store_job *j;

	if (!take(fd, &j))
		return 0;
	q->pending--;
	j->done(j);
	return 0;
}

void storeq_submit(struct storeq *q, struct store_job *j)
{
	j->q = q;
	if (q->closing) {
		j->run(j, NULL);
		j->done(j);
		return;
	}
	q->pending++;
	/* The pipe holds thousands; the operator's requests are bounded well below by their connections. */
	if (!put(q->to[1], j))
		log_err("the queue of the state store is full: error=%s", log_errno(errno));
}

int storeq_new(qb_loop_t *loop, struct storeq **ret)
{
	struct storeq *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->loop = loop;
	if (pipe2(q->to, O_CLOEXEC) < 0)
		goto fail;
	if (pipe2(q->back, O_CLOEXEC) < 0)
		goto fail_to;
	if (qb_loop_poll_add(loop, QB_LOOP_HIGH, q->back[0], POLLIN, q, on_back) < 0)
		goto fail_back;
	r = pthread_create(&q->thread, NULL, thread, q);
	if (r == 0) {
		*ret = q;
		return 0;
	}
	errno = r;
	qb_loop_poll_del(loop, q->back[0]);
fail_back:
	close(q->back[0]);
	close(q->back[1]);
fail_to:
	close(q->to[0]);
	close(q->to[1]);
fail:
	r = -errno;
	free(q);
	return r;
}

void storeq_free(struct storeq *q)
{
	if (!q)
		return;
	q->closing = true;
	close(q->to[1]);
	while (q->pending)
		on_back(q->back[0], POLLIN, q);
	pthread_join(q->thread, NULL);
	qb_loop_poll_del(q->loop, q->back[0]);
	close(q->back[0]);
	close(q->back[1]);
	close(q->to[0]);
	free(q);
}
