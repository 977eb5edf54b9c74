/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemons of this node on RUN_DIR/cluster.sock. Exactly one of them is smbd: it has an incarnation, which begins
 * with its first HELLO and ends when its process does (a pidfd tells within a moment) or when the others have gone on
 * without it. A connection that breaks while the process lives ends nothing: smbd comes back with its incarnation, also
 * to a clusterd that was started anew. Another smbd may stand by: it begins at the moment at which the first one has
 * ended. On clusterd's loop.
 */
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "clusterd/client/cluster_client.h"
#include "clusterd/client/view_pb.h"
#include "clusterd/local_priv.h"
#include "node/base/clock.h"
#include "node/base/random.h"
#include "node/log/log.h"

#define FRAME_MAX (16u << 20)
#define OUT_MAX (64u << 20)
#define PEERS_MAX 32

/* --- sending --- */

static void send_pb(struct conn *c, const Hfc__ToDaemon *m)
{
	size_t n = hfc__to_daemon__get_packed_size(m);
	uint8_t *p = malloc(n ?: 1);

	if (!p)
		return;
	hfc__to_daemon__pack(m, p);
	conn_send(c, BLOB(p, n));
	free(p);
}

void local_send(struct conn *c, const Hfc__ToDaemon *m)
{
	send_pb(c, m);
}

static void send_welcome(struct local *l, struct conn *c, uint64_t incarnation)
{
	Hfc__ToDaemon m = HFC__TO_DAEMON__INIT;
	Hfc__Welcome w = HFC__WELCOME__INIT;

	w.version = 1;
	w.node_id = (uint32_t)l->d->conf->node_id;
	w.incarnation = incarnation;
	m.m_case = HFC__TO_DAEMON__M_WELCOME;
	m.welcome = &w;
	send_pb(c, &m);
}

static void send_view(struct conn *c, const struct view *v)
{
	_cleanup_arena_ struct arena a = { 0 };
	Hfc__ToDaemon m = HFC__TO_DAEMON__INIT;

	m.m_case = HFC__TO_DAEMON__M_VIEW;
	m.view = view_to_pb(v, &a);
	if (m.view)
		send_pb(c, &m);
}

static void send_lease(struct conn *c, uint64_t deadline)
{
	Hfc__ToDaemon m = HFC__TO_DAEMON__INIT;
	Hfc__Lease lease = HFC__LEASE__INIT;

	lease.deadline = deadline;
	m.m_case = HFC__TO_DAEMON__M_LEASE;
	m.lease = &lease;
	send_pb(c, &m);
}

static void send_evicted(struct conn *c)
{
	Hfc__ToDaemon m = HFC__TO_DAEMON__INIT;
	Hfc__Evicted e = HFC__EVICTED__INIT;

	m.m_case = HFC__TO_DAEMON__M_EVICTED;
	m.evicted = &e;
	send_pb(c, &m);
	conn_close(c);
}

/* What every daemon gets first, and again when it reconnects. The configuration comes before the view. */
static void send_state(struct local *l, struct conn *c)
{
	if (l->config_len)
		conn_send(c, BLOB(l->config, l->config_len));
	if (l->config_len && l->view && l->view->epoch)
		send_view(c, l->view);
	/* A clusterd that was just started has no right to give yet; the one that smbd has may not be over. */
	if (c == l->smbd && l->config_len && l->deadline)
		send_lease(c, l->deadline);
}

/* --- the run of smbd --- */

static void tell_core(struct local *l)
{
	if (!l->d->core_ready)
		return;
	vcore_self(&l->d->core, &l->self);
	clusterd_step(l->d);
}

static void set_state(struct local *l)
{
	l->self.member.state = l->drained || l->leaving ? VIEW_DRAINING : VIEW_UP;
}

void local_drain(struct local *l, bool on)
{
	if (l->drained == on)
		return;
	log_info("this node %s", on ? "is drained: it is to own no slots" : "takes slots again");
	l->drained = on;
	set_state(l);
	tell_core(l);
}

static void smbd_leaves(struct local *l)
{
	log_info("smbd is about to end, its slots go to others first: incarnation=%016" PRIx64, l->run.incarnation);
	l->leaving = true;
	set_state(l);
	tell_core(l);
}

static void forget_run(struct local *l)
{
	l->leaving = false;
	set_state(l);
	if (l->pidfd >= 0) {
		qb_loop_poll_del(l->d->loop, l->pidfd);
		close(l->pidfd);
		l->pidfd = -1;
	}
	if (l->unsure_timer)
		qb_loop_timer_del(l->d->loop, l->unsure_timer);
	l->unsure_timer = 0;
	l->run = (struct run){ 0 };
	l->deadline = 0;
	l->self.member.incarnation = 0;
	l->self.member.workers = 0;
	l->self.member.rpc_addr[0] = '\0';
	l->self.member.n_smb_addrs = 0;
	memset(l->self.member.smb_addrs, 0, sizeof(l->self.member.smb_addrs));
	l->self.member.levels = level_own();
	l->self.entered = l->self.unsure = false;
}

static bool next_begins(struct local *l);

static void run_ended(struct local *l, const char *why)
{
	/* Who publishes a view without a run fences it; of one that was in no view nobody else will. */
	if (l->d->core_ready && !l->self.entered)
		clusterd_fence(l->d, l->run.incarnation);
	log_info("smbd has ended: incarnation=%016" PRIx64 " pid=%d reason=%s", l->run.incarnation, (int)l->run.pid,
		 why);
	forget_run(l);
	if (l->smbd)
		conn_close(l->smbd);
	l->smbd = NULL;
	/* The others hear of both at once: one view, and no slot goes anywhere else in between. */
	if (!next_begins(l))
		tell_core(l);
}

static int32_t on_pidfd(int32_t fd, int32_t revents, void *arg)
{
	run_ended(arg, "process-ended");
	return 0;
}

/* -errno; -ESRCH: there is no such process any more. */
static int watch_run(struct local *l)
{
	int fd = (int)syscall(SYS_pidfd_open, l->run.pid, 0), r;

	if (fd < 0)
		return -errno;
	r = qb_loop_poll_add(l->d->loop, QB_LOOP_HIGH, fd, POLLIN, l, on_pidfd);
	if (r < 0) {
		close(fd);
		return r;
	}
	l->pidfd = fd;
	return 0;
}

/* smbd did not come back to this clusterd while its right to serve lasted: it cannot be serving now. */
static void on_unsure(void *arg)
{
	struct local *l = arg;

	l->unsure_timer = 0;
	run_ended(l, "did-not-come-back");
}

/* At start: an smbd may be left from the clusterd before. */
static void inherit(struct local *l)
{
	if (run_file_read(l->d->conf->run_dir, &l->run) < 0 || !run_alive(&l->run) || watch_run(l) < 0) {
		l->run = (struct run){ 0 };
		return;
	}
	l->self.member.incarnation = l->run.incarnation;
	l->self.entered = l->self.unsure = true;
	log_info("an smbd runs already, waiting for it: incarnation=%016" PRIx64 " pid=%d", l->run.incarnation,
		 (int)l->run.pid);
}

void local_core_ready(struct local *l)
{
	if (l->self.unsure)
		qb_loop_timer_add(l->d->loop, QB_LOOP_MED, clusterd_lease_ns(l->d), l, on_unsure, &l->unsure_timer);
}

/* --- what the daemons say --- */

static void set_addrs(struct view_member *m, const struct view_member *from)
{
	memcpy(m->smb_addrs, from->smb_addrs, sizeof(m->smb_addrs));
	m->n_smb_addrs = from->n_smb_addrs;
	memcpy(m->rpc_addr, from->rpc_addr, sizeof(m->rpc_addr));
	m->workers = from->workers;
}

static int copy_hello(const Hfc__Hello *h, struct view_member *m)
{
	size_t i;

	if (strlen(h->rpc_addr) > VIEW_ADDR_MAX || h->n_smb_addrs > VIEW_ADDRS_MAX || h->workers > 4096)
		return -EBADMSG;
	for (i = 0; i < h->n_smb_addrs; i++)
		if (strlen(h->smb_addrs[i]) > VIEW_ADDR_MAX)
			return -EBADMSG;
	memset(m->smb_addrs, 0, sizeof(m->smb_addrs));
	for (i = 0; i < h->n_smb_addrs; i++)
		strcpy(m->smb_addrs[i], h->smb_addrs[i]);
	m->n_smb_addrs = (uint32_t)h->n_smb_addrs;
	memset(m->rpc_addr, 0, sizeof(m->rpc_addr));
	strcpy(m->rpc_addr, h->rpc_addr);
	m->workers = h->workers;
	m->levels = levels_from_pb(h->level_min, h->level_max);
	return 0;
}

/* While a release is being installed, smbd and clusterd may be of two. Whether both speak the cluster's level. */
static bool levels_meet(struct local *l, const struct peer *p)
{
	struct level_range both = level_meet(level_own(), p->self.levels);
	uint32_t level = l->d->core_ready ? l->d->core.view->level : 0;
	static struct log_rl rl;

	l->self.member.levels = both;
	if (both.min <= both.max && level_fits(both, level))
		return true;
	if (log_ratelimit(&rl, 1))
		log_err("smbd is refused, its release does not speak the level of the cluster or of clusterd; install one release "
			"and start holdfast-noded anew: pid=%d levels=%u-%u clusterd=%u-%u cluster=%u",
			(int)conn_pid(p->conn), p->self.levels.min, p->self.levels.max, level_own().min, level_own().max, level);
	return false;
}

/* -errno: it cannot be watched. -EPROTONOSUPPORT: it does not speak the cluster's level. */
static int smbd_begins(struct local *l, struct peer *p)
{
	struct view_member *me = &l->self.member;
	pid_t pid = conn_pid(p->conn);
	int r;

	forget_run(l);
	if (!levels_meet(l, p)) {
		forget_run(l);
		return -EPROTONOSUPPORT;
	}
	l->run = (struct run){ .incarnation = random_u64() | 1, .pid = pid };
	r = run_start_time(pid, &l->run.start);
	if (r == 0)
		r = watch_run(l);
	if (r == 0)
		r = run_file_write(l->d->conf->run_dir, &l->run);
	if (r < 0) {
		log_err("smbd cannot be admitted: pid=%d error=%s", (int)pid, log_errno(r));
		forget_run(l);
		return r;
	}
	set_addrs(me, &p->self);
	me->incarnation = l->run.incarnation;
	l->smbd = p->conn;
	log_info("smbd begins: incarnation=%016" PRIx64 " pid=%d workers=%u", l->run.incarnation, (int)pid, me->workers);
	send_welcome(l, p->conn, l->run.incarnation);
	send_state(l, p->conn);
	tell_core(l);
	return 0;
}

/* One begins, or waits for the end of the one that is there. */
static int smbd_comes(struct local *l, struct peer *p, bool waits)
{
	pid_t pid = conn_pid(p->conn);

	if (!l->run.pid || l->run.pid == pid || !run_alive(&l->run))
		return smbd_begins(l, p);
	if (!waits) {
		log_err("a second smbd is refused, end the first one: first-pid=%d pid=%d", (int)l->run.pid, (int)pid);
		return -EBUSY;
	}
	log_info("an smbd stands by: pid=%d serving-pid=%d", (int)pid, (int)l->run.pid);
	p->waits = true;
	return 0;
}

static struct peer *next_waiting(const struct local *l)
{
	struct peer *p;

	list_foreach(p, &l->peers, link)
		if (p->waits)
			return p;
	return NULL;
}

/* Whether one that waited has begun. Who cannot is sent away, and comes again. */
static bool next_begins(struct local *l)
{
	struct peer *p;

	while ((p = next_waiting(l))) {
		p->waits = false;
		if (smbd_begins(l, p) == 0)
			return true;
		conn_close(p->conn);
	}
	return false;
}

static int smbd_returns(struct local *l, struct peer *p, const Hfc__Hello *h)
{
	struct conn *c = p->conn;

	if (h->incarnation != l->run.incarnation || conn_pid(c) != l->run.pid ||
	    l->self.member.incarnation != l->run.incarnation || !levels_meet(l, p)) {
		log_warn("an smbd whose time is over came back: incarnation=%016" PRIx64 " pid=%d", h->incarnation,
			 (int)conn_pid(c));
		send_evicted(c);
		return 0;
	}
	if (l->unsure_timer)
		qb_loop_timer_del(l->d->loop, l->unsure_timer);
	l->unsure_timer = 0;
	if (l->smbd)
		conn_close(l->smbd);
	set_addrs(&l->self.member, &p->self);
	l->smbd = c;
	l->self.unsure = false;
	log_info("smbd is back: incarnation=%016" PRIx64 " pid=%d", l->run.incarnation, (int)l->run.pid);
	send_welcome(l, c, l->run.incarnation);
	send_state(l, c);
	tell_core(l);
	return 0;
}

static int on_hello(struct local *l, struct conn *c, const Hfc__Hello *h)
{
	struct peer *p = conn_data(c);
	int r;

	if (p->introduced || h->version != 1)
		return -EBADMSG;
	p->introduced = true;
	p->observer = h->observer;
	if (!h->observer) {
		r = copy_hello(h, &p->self);
		if (r < 0)
			return r;
		return h->incarnation ? smbd_returns(l, p, h) : smbd_comes(l, p, h->waits);
	}
	send_welcome(l, c, 0);
	send_state(l, c);
	return 0;
}

static int on_frame(void *arg, struct conn *c, struct blob b)
{
	Hfc__ToClusterd *m = hfc__to_clusterd__unpack(NULL, b.len, b.data);
	struct local *l = arg;
	int r = -EBADMSG;

	if (m && m->m_case == HFC__TO_CLUSTERD__M_HELLO)
		r = on_hello(l, c, m->hello);
	else if (m && m->m_case == HFC__TO_CLUSTERD__M_PAGE && c == l->smbd)
		r = local_page(l, m->page);
	else if (m && m->m_case == HFC__TO_CLUSTERD__M_LEAVING && c == l->smbd) {
		smbd_leaves(l);
		r = 0;
	}
	if (r == -EBADMSG)
		log_warn("a local connection is closed, it does not keep to the protocol: pid=%d", (int)conn_pid(c));
	if (m)
		hfc__to_clusterd__free_unpacked(m, NULL);
	return r;
}

static int on_open(void *arg, struct conn *c)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct local *l = arg;

	if (!p)
		return -ENOMEM;
	p->conn = c;
	list_append(&l->peers, &p->link);
	conn_set_data(c, p);
	return 0;
}

static void on_closed(void *arg, struct conn *c)
{
	struct peer *p = conn_data(c);
	struct local *l = arg;

	if (c == l->smbd) {
		l->smbd = NULL;
		local_fail_asks(l);
	}
	list_remove(&p->link);
	free(p);
}

static const struct conn_ops conn_ops = { on_open, on_frame, on_closed };

/* --- what the core says --- */

void local_view(struct local *l, const struct view *v)
{
	struct peer *p;

	view_unref(l->view);
	l->view = view_ref(v);
	if (view_has(v, l->self.member.node_id, l->self.member.incarnation))
		l->self.entered = true;
	if (!l->config_len)
		return;
	list_foreach(p, &l->peers, link)
		if (p->introduced && (p->observer || p->conn == l->smbd))
			send_view(p->conn, v);
}

void local_lease(struct local *l, uint64_t deadline)
{
	l->deadline = deadline;
	if (l->smbd && l->config_len)
		send_lease(l->smbd, deadline);
}

void local_evicted(struct local *l, uint64_t incarnation)
{
	struct conn *c = l->smbd;

	if (l->run.incarnation != incarnation)
		return;
	l->smbd = NULL;
	if (c)
		send_evicted(c);
	/* The process is still to be watched: no second one may begin beside it. */
	l->deadline = 0;
	l->self.member.incarnation = 0;
	l->self.member.workers = 0;
	l->self.member.rpc_addr[0] = '\0';
	l->self.entered = l->self.unsure = false;
}

void local_config(struct local *l, struct blob b)
{
	bool first = !l->config_len;
	uint8_t *p = malloc(b.len);
	struct peer *peer;

	if (!p)
		return;
	memcpy(p, b.data, b.len);
	free(l->config);
	l->config = p;
	l->config_len = b.len;
	list_foreach(peer, &l->peers, link) {
		if (!peer->introduced || (!peer->observer && peer->conn != l->smbd))
			continue;
		if (first)
			send_state(l, peer->conn);
		else
			conn_send(peer->conn, b);
	}
}

const struct msg_node *local_self(const struct local *l) { return &l->self; }
bool local_leaving(const struct local *l) { return l->leaving; }
uint64_t local_deadline(const struct local *l) { return l->deadline; }

/* --- life --- */

int local_new(struct clusterd *d, struct local **ret)
{
	struct local *l = calloc(1, sizeof(*l));
	char path[PATH_MAX];
	struct conn_config cfg = {
		.loop = d->loop, .path = path, .mode = 0600, .frame_max = FRAME_MAX, .out_max = OUT_MAX,
		.conns_max = PEERS_MAX, .ops = &conn_ops, .arg = l,
	};
	int r;

	if (!l)
		return -ENOMEM;
	l->d = d;
	l->pidfd = -1;
	list_init(&l->peers);
	list_init(&l->asks);
	l->self.member.node_id = (uint32_t)d->conf->node_id;
	l->self.member.levels = level_own();
	snprintf(l->self.member.name, sizeof(l->self.member.name), "%s", d->conf->name);
	inherit(l);
	snprintf(path, sizeof(path), "%s/" CLUSTER_SOCKET, d->conf->run_dir);
	r = conn_listen(&cfg, &l->server);
	if (r < 0) {
		local_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

void local_free(struct local *l)
{
	if (!l)
		return;
	conn_server_free(l->server);
	local_fail_asks(l);
	forget_run(l);
	view_unref(l->view);
	free(l->config);
	free(l);
}
