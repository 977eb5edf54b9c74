/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Single operations that somebody waits for, and the watcher: a thread that looks once a second whether operations are
 * on their way for too long, and says so when that begins and when it is over.
 */
#include "statestore/rstore_priv.h"

#include <inttypes.h>

#include "node/base/clock.h"
#include "node/log/log.h"
#include "statestore/wait.h"

/* From this age on an operation is worth a line. */
#define SLOW_NS (3 * NSEC_PER_SEC)
/* Slots spread over all OSDs: so many reads meet most of them. Ceph closes a connection that is idle for 15 minutes. */
#define WARM_SLOTS 64
#define WARM_SECS 300

int rstore_errno(int r)
{
	switch (r) {
	case -ECANCELED: /* a guard did not hold */
		return -ESTALE;
	case -EDQUOT:
		return -ENOSPC;
	case -EPERM:
		return -EACCES;
	default:
		return r;
	}
}

void rstore_fenced(struct rstore *s)
{
	if (!atomic_exchange(&s->fenced, true))
		log_err("state store: Ceph has blocklisted this client, nothing that it writes counts any more: pool=%s",
			log_esc(s->url.pool));
}

void rstore_begin(struct rstore *s)
{
	atomic_fetch_add(&s->pending, 1);
}

void rstore_end(struct rstore *s)
{
	/* Who closes looks again by itself: that the flag is seen late here costs it a moment. */
	if (atomic_fetch_sub(&s->pending, 1) != 1 || !atomic_load(&s->closing))
		return;
	pthread_mutex_lock(&s->mutex);
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mutex);
}

/* --- calls --- */

/* On the stack of who waits. */
struct rcall {
	struct list link;
	struct rstore *s;
	uint64_t since;
	struct store_wait wait;
};

static void call_done(rados_completion_t c, void *arg)
{
	struct rcall *call = arg;
	struct rstore *s = call->s;
	int r = rados_aio_get_return_value(c);

	rados_aio_release(c);
	pthread_mutex_lock(&s->mutex);
	list_remove(&call->link);
	pthread_mutex_unlock(&s->mutex);
	if (r == -ESHUTDOWN)
		rstore_fenced(s);
	store_wait_done(&call->wait, r > 0 ? 0 : r);
	rstore_end(s);
}

static rados_completion_t call_begin(struct rstore *s, struct rcall *call)
{
	rados_completion_t c;

	call->s = s;
	call->since = clock_mono_ns();
	store_wait_init(&call->wait);
	rados_aio_create_completion2(call, call_done, &c);
	rstore_begin(s);
	pthread_mutex_lock(&s->mutex);
	list_append(&s->calls, &call->link);
	pthread_mutex_unlock(&s->mutex);
	return c;
}

/* `r`: whether librados took the operation. */
static int call_end(struct rcall *call, rados_completion_t c, int r)
{
	struct rstore *s = call->s;

	if (r < 0) {
		rados_aio_release(c);
		pthread_mutex_lock(&s->mutex);
		list_remove(&call->link);
		pthread_mutex_unlock(&s->mutex);
		store_wait_done(&call->wait, r);
		rstore_end(s);
	}
	return store_wait(&call->wait);
}

int rstore_read(struct rstore *s, const char *oid, rados_read_op_t op)
{
	struct rcall call;
	rados_completion_t c = call_begin(s, &call);
	int r = rados_aio_read_op_operate(op, s->io, c, oid, LIBRADOS_OPERATION_NOFLAG);

	r = call_end(&call, c, r);
	rados_release_read_op(op);
	return r;
}

int rstore_write(struct rstore *s, const char *oid, rados_write_op_t op)
{
	struct rcall call;
	rados_completion_t c = call_begin(s, &call);
	int r = rados_aio_write_op_operate(op, s->io, c, oid, NULL, LIBRADOS_OPERATION_FULL_TRY);

	r = call_end(&call, c, r);
	rados_release_write_op(op);
	return r;
}

static void later_done(rados_completion_t c, void *arg)
{
	struct rstore *s = arg;
	int r = rados_aio_get_return_value(c);

	rados_aio_release(c);
	if (r < 0)
		log_warn("state store: a write that nobody waits for failed: error=%s", log_errno(r));
	rstore_end(s);
}

void rstore_write_later(struct rstore *s, const char *oid, rados_write_op_t op)
{
	rados_completion_t c;

	rados_aio_create_completion2(s, later_done, &c);
	rstore_begin(s);
	if (rados_aio_write_op_operate(op, s->io, c, oid, NULL, LIBRADOS_OPERATION_FULL_TRY) < 0) {
		rados_aio_release(c);
		rstore_end(s);
	}
	rados_release_write_op(op);
}

bool rstore_xattr(rados_xattrs_iter_t iter, const char *name, char *out, size_t size)
{
	const char *key, *val;
	bool found = false;
	size_t len;

	while (!found && rados_getxattrs_next(iter, &key, &val, &len) == 0 && key) {
		found = strcmp(key, name) == 0 && len < size;
		if (found) {
			memcpy(out, val, len);
			out[len] = '\0';
		}
	}
	rados_getxattrs_end(iter);
	return found;
}

struct map_call {
	struct rstore *s;
	int status;
};

static void wait_for_map(void *arg)
{
	struct map_call *m = arg;

	m->status = rados_wait_for_latest_osdmap(m->s->cluster);
}

int rstore_newest_map(struct rstore *s)
{
	struct map_call m = { .s = s };

	offload_run(wait_for_map, &m);
	return rstore_errno(m.status);
}

/* --- connections --- */

struct warm {
	struct rstore *s;
	uint64_t size;
	time_t mtime;
	int prval;
};

static void warm_done(rados_completion_t c, void *arg)
{
	struct warm *w = arg;

	rados_aio_release(c);
	rstore_end(w->s);
	free(w);
}

static void warm_one(struct rstore *s, uint32_t slot)
{
	struct warm *w = calloc(1, sizeof(*w));
	char oid[RSTORE_OID_MAX];
	rados_completion_t c;
	rados_read_op_t op;

	if (!w)
		return;
	w->s = s;
	op = rados_create_read_op();
	rados_read_op_stat(op, &w->size, &w->mtime, &w->prval);
	rstore_slot_oid(slot, oid);
	rados_aio_create_completion2(w, warm_done, &c);
	rstore_begin(s);
	if (rados_aio_read_op_operate(op, s->io, c, oid, LIBRADOS_OPERATION_NOFLAG) < 0) {
		rados_aio_release(c);
		atomic_fetch_sub(&s->pending, 1); /* rstore_end() would want the mutex, which is ours */
		free(w);
	}
	rados_release_read_op(op);
}

/* Connects to the OSDs, by reading here and there, so that the first one who is in a hurry need not. Does not wait. */
static void warm(struct rstore *s)
{
	uint32_t i;

	for (i = 0; i < MIN(s->store.info.slots, (uint32_t)WARM_SLOTS); i++)
		warm_one(s, i);
}

/* --- the watcher --- */

/* Since when the oldest operation is on its way, 0: none; and how many are. */
static uint64_t oldest(struct rstore *s, unsigned int *ret_n)
{
	struct rcall *c;
	uint64_t min = 0;
	unsigned int n = 0;
	uint32_t i;

	pthread_mutex_lock(&s->mutex);
	list_foreach(c, &s->calls, link) {
		min = min ? MIN(min, c->since) : c->since;
		n++;
	}
	pthread_mutex_unlock(&s->mutex);
	for (i = 0; s->slots && i < s->store.info.slots; i++) {
		uint64_t at = rstore_slot_oldest(&s->slots[i], &n);

		if (at && (!min || at < min))
			min = at;
	}
	*ret_n = n;
	return min;
}

static void watch_once(struct rstore *s, uint64_t *slow_since)
{
	uint64_t now = clock_mono_ns(), since = 0;
	unsigned int n = 0;

	if (atomic_load(&s->pending))
		since = oldest(s, &n);
	if (since && now - since >= SLOW_NS) {
		if (!*slow_since)
			log_warn("state store: Ceph does not answer, operations wait: pool=%s operations=%u seconds=%" PRIu64
				 " (see \"ceph health detail\")",
				 log_esc(s->url.pool), n, (now - since) / NSEC_PER_SEC);
		*slow_since = *slow_since ? *slow_since : since;
	} else if (*slow_since) {
		log_info("state store: Ceph answers again: pool=%s after_seconds=%" PRIu64, log_esc(s->url.pool),
			 (now - *slow_since) / NSEC_PER_SEC);
		*slow_since = 0;
	}
}

static void *watch_main(void *arg)
{
	struct rstore *s = arg;
	unsigned int secs = 0;
	uint64_t slow_since = 0;
	struct timespec at;

	pthread_setname_np(pthread_self(), "store-watch");
	pthread_mutex_lock(&s->mutex);
	while (!s->stop) {
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_sec++;
		while (!s->stop && pthread_cond_clockwait(&s->cond, &s->mutex, CLOCK_MONOTONIC, &at) != ETIMEDOUT)
			;
		pthread_mutex_unlock(&s->mutex);
		watch_once(s, &slow_since);
		pthread_mutex_lock(&s->mutex);
		/* With the mutex: who closes must not look before it has begun. */
		if (secs++ % WARM_SECS == 0 && !atomic_load(&s->closing))
			warm(s);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

int rstore_watch_start(struct rstore *s)
{
	int r = -pthread_create(&s->watcher, NULL, watch_main, s);

	s->watching = r == 0;
	return r;
}

/* Waits for what is on its way, too. */
void rstore_watch_stop(struct rstore *s)
{
	struct timespec at;

	atomic_store(&s->closing, true);
	pthread_mutex_lock(&s->mutex);
	while (atomic_load(&s->pending)) {
		clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_nsec += 100 * (long)NSEC_PER_MSEC;
		if (at.tv_nsec >= (long)NSEC_PER_SEC) {
			at.tv_nsec -= (long)NSEC_PER_SEC;
			at.tv_sec++;
		}
		(void)pthread_cond_clockwait(&s->cond, &s->mutex, CLOCK_MONOTONIC, &at);
	}
	s->stop = true;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->mutex);
	if (s->watching)
		pthread_join(s->watcher, NULL);
	s->watching = false;
}
