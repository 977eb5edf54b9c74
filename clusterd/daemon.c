/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The membership core between corosync, the store and the daemons of the node. On clusterd's loop. */
#include "clusterd/daemon.h"

#include <inttypes.h>
#include <stdio.h>

#include "clusterd/client/view_pb.h"
#include "node/base/clock.h"
#include "node/base/random.h"
#include "node/conf/resource.h"
#include "node/conf/tunables.h"
#include "node/log/log.h"
#include "node/rpc/rpc.h"

#define STORE_RETRY_MS 2000
#define PUBLISH_RETRY_MS 300
#define END_PAUSE_MS 10
#define END_TRIES 100
#define DEFAULT_SLOTS 1024
#define EXIT_CONFIG 78
#define KEY_CHECK_KIND "key"
#define KEY_CHECK_NAME "check"

void clusterd_exit(struct clusterd *d, int status)
{
	d->exit_status = status;
	qb_loop_stop(d->loop);
}

uint64_t clusterd_lease_ns(const struct clusterd *d)
{
	return d->core.lease.length;
}

int clusterd_send(struct clusterd *d, const struct msg *m)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b;
	int r;

	if (!d->cs || !d->core_ready)
		return -ENOTCONN;
	r = msg_encode(m, d->core.view->level, &a, &b);
	return r < 0 ? r : cs_send(d->cs, b);
}

/* --- fencing --- */

struct fence_job {
	struct store_job job;
	uint32_t node;
	uint64_t incarnation;
	int status;
};

static void run_fence(struct store_job *j, struct store *s)
{
	struct fence_job *f = container_of(j, struct fence_job, job);

	f->status = s ? store_fence(s, f->node, f->incarnation) : 0;
}

static void done_fence(struct store_job *j)
{
	struct fence_job *f = container_of(j, struct fence_job, job);

	if (f->status < 0)
		log_warn("a run that is over stays enrolled in the state store: incarnation=%016" PRIx64 " error=%s",
			 f->incarnation, log_errno(f->status));
	free(f);
}

void clusterd_fence(struct clusterd *d, uint64_t incarnation)
{
	struct fence_job *f = calloc(1, sizeof(*f));

	if (!f)
		return;
	*f = (struct fence_job){ .job = { run_fence, done_fence, NULL }, .node = (uint32_t)d->conf->node_id,
				 .incarnation = incarnation };
	storeq_submit(d->storeq, &f->job);
}

/* --- what the core asks for --- */

static void op_send(void *arg, const struct msg *m)
{
	int r = clusterd_send(arg, m);

	if (r < 0 && r != -ENOTCONN)
		log_err("a message to the cluster is lost: type=%d error=%s", (int)m->type, log_errno(r));
}

struct publish_job {
	struct store_job job;
	struct clusterd *d;
	struct view *base, *next, *stored;
	int status;
};

/* Reads the stored view; `*ret_version` 0 and NULL when there is none. `*ret_level` is there, too, when it cannot be read by
 * this build. */
static int read_view(struct store *s, struct arena *a, struct view **ret, uint64_t *ret_version, uint32_t *ret_level)
{
	struct store_res res;
	int r = store_res_get(s, STORED_VIEW_KIND, STORED_VIEW_NAME, a, &res);

	*ret = NULL;
	*ret_version = 0;
	*ret_level = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	*ret_version = res.version;
	*ret_level = view_level(res.val);
	return view_decode(res.val, ret);
}

/* Runs of smbd that the next view is without can write nothing more before anybody gets their slots. Of a node that is
 * gone altogether this includes runs that were in no view yet. */
static int fence_gone(struct store *s, const struct view *base, const struct view *next)
{
	const struct view_member *m;
	uint32_t i;
	int r = 0;

	for (i = 0; i < base->n && r == 0; i++) {
		m = &base->members[i];
		if (!view_find(next, m->node_id))
			r = store_fence(s, m->node_id, STORE_ALL_RUNS);
		else if (m->incarnation && !view_has(next, m->node_id, m->incarnation))
			r = store_fence(s, m->node_id, m->incarnation);
	}
	return r;
}

static int try_publish(struct publish_job *p, struct store *s)
{
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_view_ struct view *found = NULL;
	struct published *last = &p->d->published;
	bool ours = last->epoch && last->epoch == p->base->epoch;
	uint64_t version = last->version;
	uint32_t level;
	struct blob b;
	int r = ours ? 0 : read_view(s, &a, &found, &version, &level);

	last->epoch = 0;
	if (r < 0)
		return r;
	if (found && found->epoch > p->base->epoch) {
		p->stored = TAKE_PTR(found);
		return -ESTALE;
	}
	r = fence_gone(s, p->base, p->next);
	if (r == 0)
		r = view_encode(p->next, &a, &b);
	if (r == 0)
		r = store_res_put(s, STORED_VIEW_KIND, STORED_VIEW_NAME, b, version, &version);
	if (r == 0) {
		p->stored = view_ref(p->next);
		*last = (struct published){ p->next->epoch, version };
	}
	return r == -EEXIST || r == -ESTALE ? -EAGAIN : r;
}

static void run_publish(struct store_job *j, struct store *s)
{
	struct publish_job *p = container_of(j, struct publish_job, job);

	do
		p->status = s ? try_publish(p, s) : -ENOTCONN;
	while (p->status == -EAGAIN);
}

static void give_published(void *arg)
{
	struct clusterd *d = arg;
	struct view *v = TAKE_PTR(d->publish_view);

	d->publish_timer = 0;
	vcore_published(&d->core, d->publish_status, v);
	view_unref(v);
	clusterd_step(d);
}

static void done_publish(struct store_job *j)
{
	struct publish_job *p = container_of(j, struct publish_job, job);
	struct clusterd *d = p->d;
	bool fault = p->status < 0 && p->status != -ESTALE;

	d->publish_status = p->status;
	d->publish_view = p->stored;
	if (fault) {
		log_err("the next view cannot be stored, trying again: epoch=%" PRIu64 " error=%s", p->next->epoch,
			log_errno(p->status));
		qb_loop_timer_add(d->loop, QB_LOOP_MED, PUBLISH_RETRY_MS * NSEC_PER_MSEC, d, give_published,
				  &d->publish_timer);
	} else {
		give_published(d);
	}
	view_unref(p->base);
	view_unref(p->next);
	free(p);
}

static void op_publish(void *arg, const struct view *base, const struct view *next)
{
	struct publish_job *p = calloc(1, sizeof(*p));
	struct clusterd *d = arg;

	if (!p) {
		/* Not at once: the core is not to be called back from here. */
		d->publish_status = -ENOMEM;
		qb_loop_timer_add(d->loop, QB_LOOP_MED, PUBLISH_RETRY_MS * NSEC_PER_MSEC, d, give_published,
				  &d->publish_timer);
		return;
	}
	*p = (struct publish_job){ .job = { run_publish, done_publish, NULL }, .d = d,
				   .base = view_ref(base), .next = view_ref(next) };
	storeq_submit(d->storeq, &p->job);
}

static void op_view(void *arg, const struct view *v)
{
	struct clusterd *d = arg;
	char text[512] = "";
	size_t used = 0;
	uint32_t i;

	for (i = 0; i < v->n && used < sizeof(text) - 1; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, " %u:%016" PRIx64, v->members[i].node_id,
					 v->members[i].incarnation);
	log_info("view: epoch=%" PRIu64 " level=%u members=%u%s", v->epoch, v->level, v->n, text);
	local_view(d->local, v);
}

static void op_lease(void *arg, uint64_t deadline)
{
	struct clusterd *d = arg;

	local_lease(d->local, deadline);
}

static void op_evicted(void *arg, uint64_t incarnation)
{
	struct clusterd *d = arg;

	log_warn("the cluster went on without this node's smbd, it must start anew: incarnation=%016" PRIx64,
		 incarnation);
	local_evicted(d->local, incarnation);
}

/* One sentence on a cluster whose level this build does not speak. 0: all that is known is that it is another one. */
static void say_outdated(uint32_t level, char *ret, size_t n)
{
	char own[LEVEL_TEXT_SIZE], have[16] = "another one";

	if (level)
		snprintf(have, sizeof(have), "%u", level);
	snprintf(ret, n, "this node's release has level %s, the cluster has %s: install the release that the other nodes "
			 "have (\"holdfast level show\" on one of them)", level_text(level_own(), own), have);
}

/* The successor of this process finds it in the store, and says it to whoever asks. */
static void op_outdated(void *arg, uint32_t level)
{
	struct clusterd *d = arg;
	char text[256];

	if (d->exit_status)
		return; /* said already */
	say_outdated(level, text, sizeof(text));
	log_err("this node must leave the cluster: %s", text);
	clusterd_exit(d, EXIT_FAILURE);
}

static const struct vcore_ops core_ops = { op_send, op_publish, op_view, op_lease, op_evicted, op_outdated };

static void on_step_timer(void *arg)
{
	struct clusterd *d = arg;

	d->step_timer = 0;
	clusterd_step(d);
}

void clusterd_step(struct clusterd *d)
{
	uint64_t now = clock_mono_ns(), next;
	bool was_synced = d->core.all_synced_at != 0;

	if (!d->core_ready)
		return;
	next = vcore_step(&d->core, now);
	if (!was_synced && d->core.all_synced_at)
		config_push_read(d->config, NULL, NULL);
	if (d->step_timer)
		qb_loop_timer_del(d->loop, d->step_timer);
	d->step_timer = 0;
	if (next == UINT64_MAX)
		return;
	qb_loop_timer_add(d->loop, QB_LOOP_HIGH, next > now ? next - now : 0, d, on_step_timer, &d->step_timer);
}

/* --- the store --- */

struct open_job {
	struct store_job job;
	struct clusterd *d;
	bool may_create; /* the name of the cluster is known */
	struct store_info create, info;
	struct view *view;
	uint64_t lease_ms;
	int status;
	char error[512];
};

/* The length of the lease, as the cluster's settings have it. A record that cannot be read leaves the default. */
static uint64_t read_lease_ms(struct store *s)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct conf_error err;
	struct store_res res;
	struct tunables t;
	const char *name;

	if (store_res_get(s, resource_tunables.kind, RESOURCE_TUNABLES_NAME, &a, &res) < 0 ||
	    resource_decode(&resource_tunables, res.val, &t, &a, &name, &err) < 0)
		tunables_init(&t);
	return t.lease_ms;
}

/* A node with another cluster key can speak to no other one: it must not take a share of the slots. The first node of a
 * cluster leaves a check of its key in the store, every other one is measured by it. */
static int check_key(struct store *s, const char *file, char *error, size_t len)
{
	uint8_t check[RPC_KEY_CHECK_SIZE];
	_cleanup_arena_ struct arena a = { 0 };
	struct rpc_key *key = NULL;
	struct store_res res;
	int r = rpc_key_load(file, &key);

	if (r == 0)
		r = rpc_key_check(key, check);
	rpc_key_free(key);
	if (r == 0)
		r = store_res_put(s, KEY_CHECK_KIND, KEY_CHECK_NAME, BLOB(check, sizeof(check)), 0, NULL);
	if (r == -EEXIST)
		r = store_res_get(s, KEY_CHECK_KIND, KEY_CHECK_NAME, &a, &res);
	else if (r == 0)
		return 0;
	if (r < 0) {
		snprintf(error, len, "the cluster key %s cannot be used: %s", file, log_errno(r));
		return r;
	}
	if (blob_equal(res.val, BLOB(check, sizeof(check))))
		return 0;
	snprintf(error, len, "the cluster key %s is not the one of this cluster: copy it from another node", file);
	return -EKEYREJECTED;
}

int clusterd_forget_key(const struct node_conf *conf)
{
	struct store *s = NULL;
	char error[512];
	int r = store_open(conf->store, NULL, &s, error, sizeof(error));

	if (r < 0) {
		log_err("the state store cannot be used: %s", error);
		return r;
	}
	r = store_res_put(s, KEY_CHECK_KIND, KEY_CHECK_NAME, BLOB(NULL, 0), UINT64_MAX, NULL);
	store_close(s);
	if (r == 0)
		log_info("the state store has forgotten the cluster key; the next node that starts says which one counts");
	return r;
}

static void run_open(struct store_job *j, struct store *unused)
{
	struct open_job *o = container_of(j, struct open_job, job);
	_cleanup_arena_ struct arena a = { 0 };
	struct store *s;
	uint64_t version;
	uint32_t level;

	o->status = store_open(o->d->conf->store, o->may_create ? &o->create : NULL, &s, o->error,
			       sizeof(o->error));
	if (o->status < 0)
		return;
	o->status = check_key(s, o->d->conf->cluster_key_file, o->error, sizeof(o->error));
	if (o->status < 0) {
		store_close(s);
		return;
	}
	o->status = read_view(s, &a, &o->view, &version, &level);
	if (o->status < 0) {
		if (!level_fits(level_own(), level))
			say_outdated(level, o->error, sizeof(o->error));
		else
			snprintf(o->error, sizeof(o->error), "the view in the state store cannot be read: %s",
				 log_errno(o->status));
		store_close(s);
		return;
	}
	o->info = *store_info(s);
	o->lease_ms = read_lease_ms(s);
	storeq_set_store(j->q, s);
}

static void open_store(void *arg);
static void open_free(struct open_job *o);

static void start_core(struct clusterd *d)
{
	struct open_job *o = TAKE_PTR(d->opened);
	/* Corosync finds a dead node after token + consensus time, by default 1.2 tokens; until then nothing can be
	 * proved by anybody. A shorter right would only have the survivors stop meanwhile; a longer one would have
	 * them wait for the dead node's afterwards. */
	uint64_t lease = MIN(o->lease_ms, (uint64_t)cs_info(d->cs)->token_ms * 22 / 10);

	d->info = o->info;
	d->store_error[0] = '\0';
	vcore_init(&d->core, &core_ops, d, local_self(d->local), o->view, lease * NSEC_PER_MSEC, random_u64() | 1,
		   clock_mono_ns());
	d->core_ready = true;
	log_info("the state store is open: cluster=%s slots=%u epoch=%" PRIu64 " lease=%" PRIu64 "ms",
		 log_esc(d->info.cluster), d->info.slots, d->core.view->epoch, lease);
	local_core_ready(d->local);
	if (o->view)
		local_view(d->local, o->view);
	config_push_read(d->config, NULL, NULL);
	cs_join(d->cs);
	open_free(o);
}

static void open_failed(struct clusterd *d, const struct open_job *o)
{
	/* Before corosync is there, a store that does not exist yet is nothing to speak of. */
	if (!o->may_create) {
		if (d->corosync_seen)
			open_store(d);
		return;
	}
	if (strcmp(d->store_error, o->error) != 0)
		log_err("this node cannot join the cluster, trying again: %s", o->error);
	snprintf(d->store_error, sizeof(d->store_error), "%s", o->error);
	qb_loop_timer_add(d->loop, QB_LOOP_MED, STORE_RETRY_MS * NSEC_PER_MSEC, d, open_store, &d->store_timer);
}

static void open_free(struct open_job *o)
{
	if (o)
		view_unref(o->view);
	free(o);
}

static void done_open(struct store_job *j)
{
	struct open_job *o = container_of(j, struct open_job, job);
	struct clusterd *d = o->d;

	d->opening = false;
	if (o->status < 0) {
		open_failed(d, o);
		open_free(o);
		return;
	}
	d->opened = o;
	if (d->corosync_seen)
		start_core(d);
}

/* At start, beside the connection to corosync; and, when that fails, again with the name that corosync gives. */
static void open_store(void *arg)
{
	struct clusterd *d = arg;
	struct open_job *o = calloc(1, sizeof(*o));

	d->store_timer = 0;
	if (!o) {
		clusterd_exit(d, 1);
		return;
	}
	*o = (struct open_job){ .job = { run_open, done_open, NULL }, .d = d, .may_create = d->corosync_seen };
	o->create.slots = DEFAULT_SLOTS;
	if (d->corosync_seen)
		snprintf(o->create.cluster, sizeof(o->create.cluster), "%s", cs_info(d->cs)->cluster);
	d->opening = true;
	storeq_submit(d->storeq, &o->job);
}

/* --- what corosync says --- */

static void on_up(void *arg)
{
	struct clusterd *d = arg;

	if (cs_info(d->cs)->node_id != (uint32_t)d->conf->node_id) {
		log_err("node_id is %d in node.yaml but %u in corosync.conf: make them equal", d->conf->node_id,
			cs_info(d->cs)->node_id);
		clusterd_exit(d, EXIT_CONFIG);
		return;
	}
	d->corosync_seen = true;
	if (d->core_ready)
		cs_join(d->cs);
	else if (d->opened)
		start_core(d);
	else if (!d->store_timer && !d->opening)
		open_store(d);
}

static void on_down(void *arg)
{
	struct clusterd *d = arg;
	struct vcore_ring none = { 0, 0 };

	if (!d->core_ready)
		return;
	d->core.quorate = false;
	vcore_config(&d->core, &none, NULL, 0);
	clusterd_step(d);
}

static void on_config(void *arg, const struct vcore_ring *ring, const struct vcore_proc *procs, uint32_t n)
{
	struct clusterd *d = arg;

	vcore_config(&d->core, ring, procs, n);
}

static void on_quorum(void *arg, const struct cs_info *info)
{
	struct vcore_votes votes[CS_NODES_MAX];
	struct clusterd *d = arg;
	uint32_t i;

	for (i = 0; i < info->n; i++)
		votes[i] = (struct vcore_votes){ info->nodes[i].node_id, info->nodes[i].votes };
	if (d->core.quorate != info->quorate)
		log_info("this partition is %s: votes-expected=%u majority=%u",
			 info->quorate ? "quorate" : "NOT quorate", info->expected, info->quorum);
	vcore_quorum(&d->core, info->quorate, info->quorum, votes, info->n);
}

static void on_message(void *arg, uint32_t from, uint32_t pid, struct blob b)
{
	_cleanup_arena_ struct arena a = { 0 };
	static struct log_rl rl;
	struct clusterd *d = arg;
	struct msg m;
	int r = msg_decode(b, &a, &m);

	if (r == -EPROTONOSUPPORT) {
		op_outdated(d, 0);
		return;
	}
	if (r < 0) {
		if (log_ratelimit(&rl, 1))
			log_warn("a message of another clusterd cannot be understood: node=%u error=%s", from,
				 log_errno(r));
		return;
	}
	vcore_deliver(&d->core, from, pid, &m, clock_mono_ns());
	if (m.type == MSG_KICK)
		config_push_read(d->config, NULL, NULL);
	else if (m.type == MSG_ASK && m.ask.node_id == (uint32_t)d->conf->node_id)
		local_ask(d->local, from, &m.ask);
	else if (m.type == MSG_ANSWER && m.answer.node_id == (uint32_t)d->conf->node_id)
		oper_answer(d->oper, from, &m.answer);
	msg_done(&m);
}

static void on_settled(void *arg)
{
	clusterd_step(arg);
}

static const struct cs_ops cs_ops = { on_up, on_down, on_config, on_quorum, on_message, on_settled };

/* --- life --- */

static int failed(const char *what, int r)
{
	log_err("clusterd cannot start: what=%s error=%s", what, log_errno(r));
	return r;
}

int clusterd_start(struct clusterd *d, qb_loop_t *loop, struct node_conf *conf)
{
	int r;

	*d = (struct clusterd){ .loop = loop, .conf = conf };
	snprintf(d->store_error, sizeof(d->store_error), "it waits for corosync; start corosync");
	r = storeq_new(loop, &d->storeq);
	if (r < 0)
		return failed("thread", r);
	r = config_push_new(d, &d->config);
	if (r == 0)
		r = local_new(d, &d->local);
	if (r < 0)
		return failed("socket of the daemons", r);
	r = oper_new(d, &d->oper);
	if (r < 0)
		return failed("socket of the operator", r);
	r = cs_new(loop, &cs_ops, d, &d->cs);
	if (r < 0)
		return failed("corosync", r);
	open_store(d);
	return 0;
}

/* The view has a run of our smbd that has ended, or ends. */
static bool owes_view(const struct clusterd *d)
{
	const struct view_member *m = d->core_ready ? view_find(d->core.view, (uint32_t)d->conf->node_id) : NULL;

	return m && m->incarnation && d->core.n && d->core.quorate &&
	       (!local_self(d->local)->member.incarnation || local_leaving(d->local));
}

static void try_end(void *arg)
{
	struct clusterd *d = arg;

	d->end_timer = 0;
	if (owes_view(d) && d->end_tries++ < END_TRIES)
		qb_loop_timer_add(d->loop, QB_LOOP_MED, END_PAUSE_MS * NSEC_PER_MSEC, d, try_end, &d->end_timer);
	else
		qb_loop_stop(d->loop);
}

void clusterd_end(struct clusterd *d)
{
	if (d->end_timer)
		qb_loop_stop(d->loop);
	else
		try_end(d);
}

void clusterd_stop(struct clusterd *d)
{
	if (d->end_timer)
		qb_loop_timer_del(d->loop, d->end_timer);
	d->end_timer = 0;
	cs_free(d->cs);
	d->cs = NULL;
	/* Jobs that come back answer their operators. */
	storeq_free(d->storeq);
	d->storeq = NULL;
	oper_free(d->oper);
	d->oper = NULL;
	open_free(TAKE_PTR(d->opened));
	local_free(d->local);
	d->local = NULL;
	config_push_free(d->config);
	d->config = NULL;
	if (d->step_timer)
		qb_loop_timer_del(d->loop, d->step_timer);
	if (d->store_timer)
		qb_loop_timer_del(d->loop, d->store_timer);
	if (d->publish_timer)
		qb_loop_timer_del(d->loop, d->publish_timer);
	view_unref(d->publish_view);
	if (d->core_ready)
		vcore_done(&d->core);
	d->core_ready = false;
}
