/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker's life, its right to serve and its copy of the configuration. */
#include "smbd/proto/worker.h"

#include "clusterd/client/cluster_config.h"
#include "node/auth/auth.h"
#include "node/base/clock.h"
#include "node/base/fault.h"
#include "node/log/log.h"
#include "smbd/proto/conn.h"
#include "smbd/vfs/cred.h"

static __thread struct worker *current;

struct worker *worker_current(void)
{
	return current;
}

bool worker_may_serve(const struct worker *w)
{
	return clock_mono_ns() < atomic_load_explicit(&w->smbd->lease_until, memory_order_relaxed) ||
	       fault(FAULT_NO_LEASE_EXPIRY);
}

static void lease_mail(struct mail *m)
{
	struct worker *w = container_of(m, struct worker, lease_mail);

	atomic_store(&w->lease_posted, false);
	if (worker_may_serve(w))
		gate_open(&w->serve);
}

void smbd_set_lease(struct smbd *s, uint64_t deadline)
{
	unsigned int i;

	atomic_store(&s->lease_until, deadline);
	for (i = 0; i < s->n_workers; i++) {
		if (atomic_load(&s->workers[i].serve_waiters) &&
		    !atomic_exchange(&s->workers[i].lease_posted, true))
			loop_post(s->workers[i].loop, &s->workers[i].lease_mail);
	}
}

int worker_wait_serve(struct worker *w, uint64_t deadline)
{
	int r = 0;

	atomic_fetch_add(&w->serve_waiters, 1);
	while (r == 0 && !worker_may_serve(w)) {
		gate_close(&w->serve);
		if (worker_may_serve(w)) /* renewed in between: nobody would have told */
			break;
		r = gate_wait(&w->serve, deadline);
	}
	atomic_fetch_sub(&w->serve_waiters, 1);
	return r;
}

void worker_set_config(struct worker *w, const struct cluster_config *c, struct auth_server *auth)
{
	if (share_table_update(w, c) < 0) {
		log_err("new configuration not taken: no memory");
		return;
	}
	cluster_config_unref(w->config);
	w->config = cluster_config_ref(c);
	w->tunables = c->tunables;
	auth_server_unref(w->auth);
	w->auth = auth_server_ref(auth);
}

int worker_init(struct worker *w, struct smbd *s, unsigned int index)
{
	char name[16];
	struct loop_config lc = { .name = name };
	int r;

	*w = (struct worker){ .smbd = s, .index = index };
	snprintf(name, sizeof(name), "smbd-%u", index);
	list_init(&w->conns);
	list_init(&w->shares);
	list_init(&w->written);
	gate_init(&w->serve);
	w->lease_mail.run = lease_mail;
	tunables_init(&w->tunables);
	r = loop_new(&lc, &w->loop);
	if (r < 0)
		log_err("cannot start a worker: error=%s", log_errno(r));
	return r;
}

void worker_done(struct worker *w)
{
	share_table_done(w);
	cluster_config_unref(w->config);
	auth_server_unref(w->auth);
	if (w->creds)
		cred_table_free(w->creds);
	htable_done(&w->sessions);
	htable_done(&w->opens);
	loop_free(w->loop);
}

int worker_run(struct worker *w)
{
	current = w;
	return loop_run(w->loop);
}

void worker_conn_ended(struct worker *w)
{
	if (w->stopping && w->stopper)
		task_wake(w->stopper);
}

void worker_drop_conns(struct worker *w)
{
	struct conn *c, *tmp;

	w->stopping = true;
	w->stopper = task_current();
	list_foreach_safe(c, tmp, &w->conns, link)
		conn_drop(c, NULL);
	task_shield_begin();
	while (!list_empty(&w->conns))
		(void)task_park();
	task_shield_end();
	w->stopper = NULL;
}
