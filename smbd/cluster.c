/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between clusterd and the workers: views, leases and configurations go out by mail, in order. */
#include "smbd/cluster.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "clusterd/client/cluster_client.h"
#include "node/base/clock.h"
#include "node/conf/node_conf.h"
#include "node/log/log.h"
#include "smbd/listing.h"
#include "smbd/op/lock_layer.h"
#include "statestore/store.h"
#include "smbd/vfs/fence.h"

/* The process's name, for ps and for tests that mean the one that serves. */
#define CLUSTER_STANDS_BY "smbd-stands-by"
#define CLUSTER_SERVES "holdfast-smbd"

#define STOP_LOOK_NS (10 * NSEC_PER_MSEC)

/* How long an orderly end waits for a view without our slots; and then until the new owners have heard all that we
 * hold, so that they serve before our clients come to them. */
#define LEAVE_MS 2000
#define SETTLE_MS 200

struct cluster {
	struct smbd *smbd;
	const struct rpc_key *key;
	const struct net_addr *addrs;
	size_t n_addrs;
	struct cluster_client *client;
	pthread_t main; /* its name is the process's */
	struct list waiting; /* views that wait until the runs that they are without are fenced */
	bool handing_out;    /* a task sees to them */
	bool stopping;
	bool configured, listening;
	bool leaving;             /* worker 0's */
	atomic_bool handed_over;  /* our slots are other nodes' */
};

struct waiting_view {
	struct list link;
	struct view *view; /* referenced */
};

/* The others went on without this process: what it holds belongs to them. No cleaning up, it would
 * only disturb. */
static _Noreturn void evicted(void)
{
	log_err("this incarnation is over, ending at once");
	_exit(CLUSTER_EXIT_EVICTED);
}

/* Nothing works without it; noded starts the process anew. */
static _Noreturn void fatal(const char *what, int err)
{
	log_err("%s: error=%s", what, log_errno(err));
	_exit(EXIT_FAILURE);
}

/* --- mails to every worker --- */

struct note {
	struct mail mail;
	struct worker *w;
	struct cluster *cluster;
	struct view *view; /* referenced; NULL: the worker's lock layer is to be made */
};

static void lost(void *arg)
{
	evicted();
}

static void note_run(struct mail *m)
{
	struct note *n = container_of(m, struct note, mail);

	if (!n->view) {
		if (lock_layer_start(n->w, n->cluster->key, lost) < 0)
			fatal("cannot start a worker's lock layer", -ENOMEM);
	} else if (n->w->lock && lock_layer_view(n->w, n->view) < 0) {
		evicted();
	}
	view_unref(n->view);
	free(n);
}

static void note_all(struct cluster *c, const struct view *v)
{
	unsigned int i;

	for (i = 0; i < c->smbd->n_workers; i++) {
		struct note *n = calloc(1, sizeof(*n));

		if (!n)
			fatal("cannot hand out a view", -ENOMEM); /* a view must not be missed */
		n->mail.run = note_run;
		n->w = &c->smbd->workers[i];
		n->cluster = c;
		n->view = v ? view_ref(v) : NULL;
		loop_post(n->w->loop, &n->mail);
	}
}

/* --- what clusterd says --- */

static void on_ready(void *arg, uint32_t node_id, uint64_t incarnation)
{
	struct cluster *c = arg;
	int r;

	if (node_id != c->smbd->node_id)
		fatal("clusterd is another node's than node.yaml says", -EINVAL);
	c->smbd->incarnation = incarnation;
	(void)pthread_setname_np(c->main, CLUSTER_SERVES);
	log_info("known to the cluster: node=%u incarnation=%llx", node_id,
		 (unsigned long long)incarnation);
	/* Before anything is claimed: so that the others can fence this run. In no view yet, it may wait. */
	r = store_enroll(c->smbd->store, node_id, incarnation, NULL);
	if (r < 0)
		fatal("cannot leave this run's address in the state store", r);
	vfs_fence_self(&(struct vfs_run){ node_id, incarnation }, c->smbd->conf->state_dir, evicted);
	r = lock_layer_listen(c->smbd, c->key, c->smbd->conf->rpc_address);
	if (r < 0)
		fatal("cannot listen for other nodes at rpc_address", r);
	note_all(c, NULL);
}

/* Clients are let in once there is somebody to ask about files. */
static void maybe_listen(struct cluster *c)
{
	int r;

	if (c->listening)
		return;
	r = acceptor_new(&c->smbd->workers[0], c->addrs, c->n_addrs, &c->smbd->acceptor);
	if (r < 0)
		fatal("cannot listen for clients", r);
	c->listening = true;
}

static void hand_out(struct cluster *c, const struct view *v)
{
	note_all(c, v);
	if (c->leaving && view_find(v, c->smbd->node_id)->state == VIEW_DRAINING)
		atomic_store(&c->handed_over, true);
	if (c->configured)
		maybe_listen(c);
}

/* [task] Views go on, in order, once what the dead have on its way to the files cannot arrive any more. */
static void hand_out_task(void *arg)
{
	struct cluster *c = arg;
	struct waiting_view *w;

	while ((w = list_first(&c->waiting, struct waiting_view, link))) {
		if (!c->stopping)
			vfs_fence_wait();
		list_remove(&w->link);
		if (!c->stopping)
			hand_out(c, w->view);
		view_unref(w->view);
		free(w);
	}
	c->handing_out = false;
}

static void hand_out_later(struct cluster *c, const struct view *v)
{
	struct waiting_view *w = calloc(1, sizeof(*w));

	if (!w)
		fatal("cannot hand out a view", -ENOMEM);
	w->view = view_ref(v);
	list_append(&c->waiting, &w->link);
	if (c->handing_out)
		return;
	c->handing_out = true;
	if (task_spawn(c->smbd->workers[0].loop, hand_out_task, c, NULL) < 0)
		fatal("cannot hand out a view", -ENOMEM);
}

static void fence_missing(const struct view *v)
{
	struct vfs_run live[VIEW_MEMBERS_MAX];
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < v->n; i++)
		if (v->members[i].incarnation)
			live[n++] = (struct vfs_run){ v->members[i].node_id, v->members[i].incarnation };
	vfs_fence_view(live, n);
}

static void on_view(void *arg, const struct view *v)
{
	struct cluster *c = arg;
	struct smbd *s = c->smbd;

	log_info("view: epoch=%llu members=%u", (unsigned long long)v->epoch, v->n);
	atomic_store(&s->epoch, v->epoch);
	if (!view_has(v, s->node_id, s->incarnation))
		return;
	fence_missing(v);
	if (c->handing_out || vfs_fence_pending())
		hand_out_later(c, v);
	else
		hand_out(c, v);
}

static void on_lease(void *arg, uint64_t deadline)
{
	struct cluster *c = arg;

	smbd_set_lease(c->smbd, deadline);
}

static void on_config(void *arg, const struct cluster_config *cfg)
{
	struct cluster *c = arg;

	if (server_set_config(c->smbd, cfg) < 0)
		return;
	log_debug("configuration: revision=%llu shares=%zu users=%zu",
		  (unsigned long long)cfg->revision, cfg->n_shares, cfg->n_users);
	c->configured = true;
}

static void on_query(void *arg, struct cluster_query *q)
{
	struct cluster *c = arg;

	listing_answer(c->smbd, q);
}

static void on_evicted(void *arg)
{
	evicted();
}

/* --- life --- */

struct link_call {
	struct cluster *cluster;
	int result;
};

static void link_start(struct worker *w, void *arg)
{
	struct link_call *lc = arg;
	struct cluster *c = lc->cluster;
	const struct node_conf *conf = w->smbd->conf;
	struct cluster_client_config cfg = {
		.loop = w->loop,
		.run_dir = conf->run_dir,
		.process = "smbd",
		.waits = true,
		.workers = w->smbd->n_workers,
		.rpc_addr = conf->rpc_address,
		.smb_addrs = (const char *const *)conf->addresses.items,
		.n_smb_addrs = conf->addresses.count,
		.ops = { .on_ready = on_ready,
			 .on_view = on_view,
			 .on_lease = on_lease,
			 .on_config = on_config,
			 .on_query = on_query,
			 .on_evicted = on_evicted },
		.arg = c,
	};

	w->smbd->cluster = c;
	lc->result = cluster_client_new(&cfg, &c->client);
}

int cluster_start(struct smbd *s, const struct rpc_key *key, const struct net_addr *addrs,
		  size_t n_addrs, struct cluster **ret)
{
	struct cluster *c = calloc(1, sizeof(*c));
	struct link_call lc = { .cluster = c };

	if (!c)
		return -ENOMEM;
	c->smbd = s;
	c->main = pthread_self();
	(void)pthread_setname_np(c->main, CLUSTER_STANDS_BY);
	list_init(&c->waiting);
	c->key = key;
	c->addrs = addrs;
	c->n_addrs = n_addrs;
	server_call(&s->workers[0], link_start, &lc);
	if (lc.result < 0) {
		log_err("cannot start the link to clusterd: error=%s", log_errno(lc.result));
		s->cluster = NULL;
		free(c);
		return lc.result;
	}
	*ret = c;
	return 0;
}

/* --- leaving --- */

static bool others_serve(const struct view *v, uint32_t self)
{
	uint32_t i;

	for (i = 0; v && i < v->n; i++)
		if (v->members[i].node_id != self && v->members[i].incarnation &&
		    v->members[i].state == VIEW_UP)
			return true;
	return false;
}

static void leave(struct worker *w, void *arg)
{
	struct cluster *c = arg;
	const struct view *v = cluster_client_view(c->client);

	c->leaving = view_has(v, c->smbd->node_id, c->smbd->incarnation) &&
		     others_serve(v, c->smbd->node_id) && cluster_client_may_serve(c->client);
	if (!c->leaving)
		return;
	/* When the operator drained the node there is nothing to hand over any more. */
	if (view_find(v, c->smbd->node_id)->state == VIEW_DRAINING)
		atomic_store(&c->handed_over, true);
	else
		cluster_client_leave(c->client);
}

void cluster_leave(struct cluster *c)
{
	const struct timespec pause = { .tv_nsec = 10 * NSEC_PER_MSEC }, settle = { .tv_nsec = SETTLE_MS * NSEC_PER_MSEC };
	unsigned int waited = 0;

	server_call(&c->smbd->workers[0], leave, c);
	if (!c->leaving)
		return;
	while (!atomic_load(&c->handed_over) && waited < LEAVE_MS) {
		nanosleep(&pause, NULL);
		waited += 10;
	}
	log_info("%s: waited-ms=%u", atomic_load(&c->handed_over) ? "slots are handed over" :
									"slots are not handed over, ending all the same",
		 waited);
	if (atomic_load(&c->handed_over))
		nanosleep(&settle, NULL);
}

void cluster_worker_stop(struct worker *w)
{
	struct cluster *c = w->smbd->cluster;

	if (w->index == 0 && w->smbd->heartbeat)
		task_cancel(w->smbd->heartbeat);
	while (w->index == 0 && w->smbd->heartbeat)
		task_yield();
	if (w->index == 0 && c)
		c->stopping = true;
	while (w->index == 0 && c && c->handing_out)
		(void)task_sleep(STOP_LOOK_NS);
	lock_layer_stop(w);
	if (w->index == 0 && c)
		cluster_client_free(TAKE_PTR(c->client));
}

void cluster_free(struct cluster *c)
{
	free(c);
}
