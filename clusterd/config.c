/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cluster's configuration: read from the store as a whole and handed to the daemons. On clusterd's loop. */
#include "clusterd/client/cluster.pb-c.h"
#include "clusterd/daemon.h"
#include "node/base/clock.h"
#include "node/conf/resource.h"
#include "node/log/log.h"

#define RETRY_MS 1000
#define WAITERS_MAX 256

struct waiter {
	void (*done)(void *arg);
	void *arg;
	bool served; /* by the read under way */
};

struct config_push {
	struct clusterd *d;
	bool reading, again;
	qb_loop_timer_handle retry;
	size_t n_waiters;
	struct waiter waiters[WAITERS_MAX];
};

struct read_job {
	struct store_job job;
	struct config_push *c;
	struct store_info info;
	struct arena arena;
	struct blob message;
	const char *node;
	bool drained;
	int status;
};

static int pack(struct read_job *j, Hfc__Config *config)
{
	Hfc__ToDaemon m = HFC__TO_DAEMON__INIT;
	uint8_t *p;

	m.m_case = HFC__TO_DAEMON__M_CONFIG;
	m.config = config;
	p = arena_alloc(&j->arena, hfc__to_daemon__get_packed_size(&m));
	if (!p)
		return -ENOMEM;
	j->message = BLOB(p, hfc__to_daemon__pack(&m, p));
	return 0;
}

static int read_all(struct read_job *j, struct store *s)
{
	Hfc__Config config = HFC__CONFIG__INIT;
	struct store_res *list;
	size_t n, i;
	int r;

	/* The number first: a change in between is read again, never missed. */
	r = store_res_revision(s, &config.revision);
	if (r == 0)
		r = store_res_list(s, NULL, &j->arena, &list, &n);
	if (r < 0)
		return r;
	config.cluster = j->info.cluster;
	config.id = (ProtobufCBinaryData){ sizeof(j->info.uuid), j->info.uuid };
	config.slots = j->info.slots;
	config.resources = arena_calloc(&j->arena, n, sizeof(*config.resources));
	if (!config.resources)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		Hfc__Resource *pb;

		if (strcmp(list[i].kind, DRAIN_KIND) == 0 && strcmp(list[i].name, j->node) == 0)
			j->drained = true;
		if (!resource_find_type(list[i].kind))
			continue;
		pb = arena_new(&j->arena, Hfc__Resource);
		if (!pb)
			return -ENOMEM;
		hfc__resource__init(pb);
		pb->kind = (char *)list[i].kind;
		pb->name = (char *)list[i].name;
		pb->version = list[i].version;
		pb->value = (ProtobufCBinaryData){ list[i].val.len, (uint8_t *)list[i].val.data };
		config.resources[config.n_resources++] = pb;
	}
	return pack(j, &config);
}

static void run_read(struct store_job *job, struct store *s)
{
	struct read_job *j = container_of(job, struct read_job, job);

	j->status = s ? read_all(j, s) : -ENOTCONN;
}

static void start_read(struct config_push *c);

static void on_retry(void *arg)
{
	struct config_push *c = arg;

	c->retry = 0;
	start_read(c);
}

static void tell_waiters(struct config_push *c)
{
	struct waiter w;
	size_t i = 0;

	while (i < c->n_waiters) {
		if (!c->waiters[i].served) {
			i++;
			continue;
		}
		w = c->waiters[i];
		c->waiters[i] = c->waiters[--c->n_waiters];
		w.done(w.arg);
	}
}

static void done_read(struct store_job *job)
{
	struct read_job *j = container_of(job, struct read_job, job);
	struct config_push *c = j->c;

	c->reading = false;
	if (j->status == 0) {
		local_config(c->d->local, j->message);
		local_drain(c->d->local, j->drained);
	} else {
		log_err("the configuration cannot be read from the state store, trying again: error=%s",
			log_errno(j->status));
		if (!c->retry)
			qb_loop_timer_add(c->d->loop, QB_LOOP_MED, RETRY_MS * NSEC_PER_MSEC, c, on_retry, &c->retry);
	}
	arena_reset(&j->arena);
	free(j);
	/* Whoever waits does so for the sake of order only: a failed read is tried again without him. */
	tell_waiters(c);
	if (c->again)
		start_read(c);
}

static void start_read(struct config_push *c)
{
	struct read_job *j;
	size_t i;

	if (c->reading || !c->d->core_ready) {
		c->again = true;
		return;
	}
	c->again = false;
	j = calloc(1, sizeof(*j));
	if (!j) {
		if (!c->retry)
			qb_loop_timer_add(c->d->loop, QB_LOOP_MED, RETRY_MS * NSEC_PER_MSEC, c, on_retry, &c->retry);
		return;
	}
	j->job = (struct store_job){ run_read, done_read, NULL };
	j->c = c;
	j->info = c->d->info;
	j->node = c->d->conf->name;
	c->reading = true;
	for (i = 0; i < c->n_waiters; i++)
		c->waiters[i].served = true;
	storeq_submit(c->d->storeq, &j->job);
}

void config_push_read(struct config_push *c, void (*done)(void *arg), void *arg)
{
	if (done && c->n_waiters == WAITERS_MAX) {
		done(arg);
		done = NULL;
	}
	if (done)
		c->waiters[c->n_waiters++] = (struct waiter){ done, arg, false };
	start_read(c);
}

int config_push_new(struct clusterd *d, struct config_push **ret)
{
	struct config_push *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->d = d;
	*ret = c;
	return 0;
}

void config_push_free(struct config_push *c)
{
	if (!c)
		return;
	if (c->retry)
		qb_loop_timer_del(c->d->loop, c->retry);
	free(c);
}
