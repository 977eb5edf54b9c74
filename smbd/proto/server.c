/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workers as threads: start, calls, hand-outs, stop. On a thread that is no worker. */
#include "smbd/proto/server.h"

#include <signal.h>

#include "node/auth/auth.h"
#include "node/base/clock.h"
#include "node/base/hash.h"
#include "node/base/random.h"
#include "node/log/log.h"
#include "smbd/proto/identity.h"
#include "smbd/vfs/cred.h"

/* --- start and stop --- */

static void *thread_main(void *arg)
{
	struct worker *w = arg;
	int r = worker_run(w);

	if (r < 0) {
		log_err("a worker's loop failed: worker=%u error=%s", w->index, log_errno(r));
		abort();
	}
	return NULL;
}

static void worker_setup(struct worker *w, void *arg)
{
	int *r = arg;

	*r = cred_table_new(w->loop, &w->creds);
}

static void worker_hurry(struct worker *w, void *arg)
{
	if (w->smbd->worker_hurry)
		w->smbd->worker_hurry(w);
}

static void clients_end(struct worker *w, void *arg)
{
	worker_drop_conns(w);
}

static void worker_stop(struct worker *w, void *arg)
{
	if (w->smbd->worker_stop)
		w->smbd->worker_stop(w);
	loop_stop(w->loop);
}

static void join_all(struct smbd *s, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		(void)pthread_join(s->workers[i].thread, NULL);
}

/* Threads leave signals to main. */
static int start_threads(struct smbd *s)
{
	sigset_t all, old;
	unsigned int i;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (i = 0; i < s->n_workers && r == 0; i++)
		r = -pthread_create(&s->workers[i].thread, NULL, thread_main, &s->workers[i]);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		log_err("cannot start a worker: error=%s", log_errno(r));
		for (unsigned int k = 0; k + 1 < i; k++)
			loop_stop(s->workers[k].loop);
		join_all(s, i - 1);
	}
	return r;
}

int server_start(struct smbd *s, unsigned int n)
{
	unsigned int i;
	int r = 0, bad = 0;

	s->workers = calloc(n, sizeof(*s->workers));
	if (!s->workers)
		return -ENOMEM;
	s->n_workers = n;
	s->home_seed = random_u64();
	s->started_at = clock_real_ns();
	for (i = 0; i < n && r == 0; i++)
		r = worker_init(&s->workers[i], s, i);
	if (r == 0)
		r = start_threads(s);
	if (r < 0) {
		while (i-- > 0) {
			if (s->workers[i].loop)
				worker_done(&s->workers[i]);
		}
		free(TAKE_PTR(s->workers));
		return r;
	}
	for (i = 0; i < n; i++) {
		server_call(&s->workers[i], worker_setup, &r);
		bad = r < 0 ? r : bad;
	}
	if (bad < 0) {
		log_err("cannot start a worker: error=%s", log_errno(bad));
		server_stop(s);
	}
	return bad;
}

static void stop_accepting(struct worker *w, void *arg)
{
	acceptor_free(TAKE_PTR(w->smbd->acceptor));
}

static void deafen(struct worker *w, void *arg)
{
	if (w->smbd->deafen)
		w->smbd->deafen(w->smbd);
}

void server_stop(struct smbd *s)
{
	unsigned int i;

	if (!s->workers)
		return;
	server_call(&s->workers[0], stop_accepting, NULL);
	for (i = 0; i < s->n_workers; i++)
		server_call(&s->workers[i], worker_hurry, NULL);
	for (i = 0; i < s->n_workers; i++)
		server_call(&s->workers[i], clients_end, NULL);
	server_call(&s->workers[0], deafen, NULL); /* closing asked other nodes: not before */
	/* worker 0 last: the others report to it */
	for (i = s->n_workers; i-- > 0;)
		server_call(&s->workers[i], worker_stop, NULL);
	join_all(s, s->n_workers);
	for (i = s->n_workers; i-- > 0;)
		worker_done(&s->workers[i]);
	free(TAKE_PTR(s->workers));
	s->n_workers = 0;
}

struct listen_call {
	const struct net_addr *addrs;
	size_t n;
	int result;
};

static void start_accepting(struct worker *w, void *arg)
{
	struct listen_call *lc = arg;

	lc->result = acceptor_new(w, lc->addrs, lc->n, &w->smbd->acceptor);
}

int server_listen(struct smbd *s, const struct net_addr *addrs, size_t n)
{
	struct listen_call lc = { .addrs = addrs, .n = n };

	server_call(&s->workers[0], start_accepting, &lc);
	return lc.result;
}

/* --- configuration --- */

struct config_mail {
	struct mail mail;
	struct worker *w;
	struct cluster_config *config;
	struct auth_server *auth;
};

static void config_run(struct mail *m)
{
	struct config_mail *cm = container_of(m, struct config_mail, mail);

	worker_set_config(cm->w, cm->config, cm->auth);
	cluster_config_unref(cm->config);
	auth_server_unref(cm->auth);
	free(cm);
}

static int config_post(struct worker *w, const struct cluster_config *c, struct auth_server *auth)
{
	struct config_mail *cm = calloc(1, sizeof(*cm));

	if (!cm)
		return -ENOMEM;
	cm->mail.run = config_run;
	cm->w = w;
	cm->config = cluster_config_ref(c);
	cm->auth = auth_server_ref(auth);
	loop_post(w->loop, &cm->mail);
	return 0;
}

/* The same on every start of this node, another one on every node. */
static void server_guid(struct smbd *s, const struct cluster_config *c)
{
	uint8_t seed[sizeof(c->id.b) + sizeof(s->node_id)];
	uint64_t v;

	memcpy(seed, c->id.b, sizeof(c->id.b));
	memcpy(seed + sizeof(c->id.b), &s->node_id, sizeof(s->node_id));
	v = hash64(seed, sizeof(seed), 1);
	memcpy(s->server_guid.b, &v, 8);
	v = hash64(seed, sizeof(seed), 2);
	memcpy(s->server_guid.b + 8, &v, 8);
}

int server_set_config(struct smbd *s, const struct cluster_config *c)
{
	struct auth_server *auth = NULL;
	unsigned int i;
	int r;

	if (guid_is_zero(&s->server_guid)) /* before anything is served */
		server_guid(s, c);
	r = identity_server_new(s->conf, c, &auth);
	for (i = 0; r == 0 && i < s->n_workers; i++)
		r = config_post(&s->workers[i], c, auth);
	auth_server_unref(auth);
	if (r < 0)
		log_err("new configuration not taken: error=%s", log_errno(r));
	return r;
}
