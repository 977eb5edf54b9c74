/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The link to clusterd: one task that connects, reads and calls back, one that writes. On the client's loop; the right
 * to serve and the incarnation are read from any thread.
 */
#include "clusterd/client/cluster_client.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "clusterd/client/client_priv.h"
#include "clusterd/client/config_pb.h"
#include "clusterd/client/view_pb.h"
#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/io.h"

#define RECONNECT_MIN (5 * NSEC_PER_MSEC)
#define RECONNECT_MAX (200 * NSEC_PER_MSEC)

struct out_frame {
	struct out_frame *next;
	size_t n;
	uint8_t data[];
};

struct cluster_client {
	struct loop *loop;
	struct cluster_client_ops ops;
	void *arg;
	bool observer, waits, stopping, writing, said_failed;
	char process[16];
	struct sockaddr_un addr;
	struct view_member self; /* workers and addresses */
	uint64_t incarnation, deadline; /* atomic */
	bool evicted;
	struct view *view;
	struct cluster_config *config;
	int fd;
	uint32_t generation; /* of the connection */
	struct task *reader, *writer;
	struct out_frame *out, **out_tail;
	struct gate ended;
};

/* --- writing --- */

static void drop_out(struct cluster_client *c)
{
	struct out_frame *f;

	while ((f = c->out)) {
		c->out = f->next;
		free(f);
	}
	c->out_tail = &c->out;
}

static void queue(struct cluster_client *c, const Hfc__ToClusterd *m)
{
	size_t n = hfc__to_clusterd__get_packed_size(m);
	struct out_frame *f = n <= CLUSTER_FRAME_MAX ? malloc(sizeof(*f) + 4 + n) : NULL;
	int i;

	if (!f)
		return;
	for (i = 0; i < 4; i++)
		f->data[i] = (uint8_t)(n >> (8 * i));
	hfc__to_clusterd__pack(m, f->data + 4);
	f->n = 4 + n;
	f->next = NULL;
	*c->out_tail = f;
	c->out_tail = &f->next;
	if (c->writer)
		task_wake(c->writer);
}

static void both_ended(struct cluster_client *c)
{
	if (!c->reader && !c->writer)
		gate_open(&c->ended);
}

static void writer(void *arg)
{
	struct cluster_client *c = arg;

	while (!c->stopping) {
		struct out_frame *f = c->out;

		if (!f || c->fd < 0) {
			task_park();
			continue;
		}
		c->out = f->next;
		if (!c->out)
			c->out_tail = &c->out;
		struct iovec iov = { f->data, f->n };

		/* A failure shows itself to the reader too. */
		c->writing = true;
		io_send_full(c->fd, &iov, 1, 0);
		c->writing = false;
		free(f);
	}
	c->writer = NULL;
	both_ended(c);
}

void cluster_client_send_page(struct cluster_client *c, uint32_t generation, const Hfc__Page *page)
{
	Hfc__ToClusterd m = HFC__TO_CLUSTERD__INIT;

	if (c->fd < 0 || generation != c->generation)
		return;
	m.m_case = HFC__TO_CLUSTERD__M_PAGE;
	m.page = (Hfc__Page *)page;
	queue(c, &m);
}

static void say_hello(struct cluster_client *c)
{
	Hfc__ToClusterd m = HFC__TO_CLUSTERD__INIT;
	Hfc__Hello hello = HFC__HELLO__INIT;
	char *addrs[VIEW_ADDRS_MAX];
	uint32_t i;

	for (i = 0; i < c->self.n_smb_addrs; i++)
		addrs[i] = c->self.smb_addrs[i];
	hello.version = 1;
	hello.process = c->process;
	hello.observer = c->observer;
	hello.incarnation = c->incarnation;
	hello.workers = c->self.workers;
	hello.rpc_addr = c->self.rpc_addr;
	hello.smb_addrs = addrs;
	hello.n_smb_addrs = c->self.n_smb_addrs;
	hello.level_min = level_own().min;
	hello.level_max = level_own().max;
	hello.waits = c->waits;
	m.m_case = HFC__TO_CLUSTERD__M_HELLO;
	m.hello = &hello;
	queue(c, &m);
}

void cluster_client_leave(struct cluster_client *c)
{
	Hfc__ToClusterd m = HFC__TO_CLUSTERD__INIT;
	Hfc__Leaving leaving = HFC__LEAVING__INIT;

	if (c->fd < 0)
		return;
	m.m_case = HFC__TO_CLUSTERD__M_LEAVING;
	m.leaving = &leaving;
	queue(c, &m);
}

/* --- what clusterd says --- */

static void set_deadline(struct cluster_client *c, uint64_t deadline)
{
	__atomic_store_n(&c->deadline, deadline, __ATOMIC_RELEASE);
}

static void evicted(struct cluster_client *c)
{
	if (c->evicted)
		return;
	c->evicted = true;
	set_deadline(c, 0);
	if (c->ops.on_evicted)
		c->ops.on_evicted(c->arg);
}

static void on_welcome(struct cluster_client *c, const Hfc__Welcome *w)
{
	if (c->observer || c->incarnation == w->incarnation)
		return;
	if (c->incarnation || !w->incarnation) {
		evicted(c);
		return;
	}
	__atomic_store_n(&c->incarnation, w->incarnation, __ATOMIC_RELEASE);
	if (c->ops.on_ready)
		c->ops.on_ready(c->arg, w->node_id, w->incarnation);
}

static int on_view(struct cluster_client *c, const Hfc__View *pb)
{
	struct view *v;
	int r = view_from_pb(pb, &v);

	if (r < 0)
		return r;
	/* After a reconnect the same one comes again. */
	if (c->view && v->epoch <= c->view->epoch) {
		view_unref(v);
		return 0;
	}
	view_unref(c->view);
	c->view = v;
	if (c->ops.on_view)
		c->ops.on_view(c->arg, v);
	return 0;
}

static int on_config(struct cluster_client *c, const Hfc__Config *pb)
{
	struct cluster_config *n;
	int r;

	if (c->config && pb->revision <= c->config->revision)
		return 0;
	r = cluster_config_from_pb(pb, c->config, &n);
	if (r < 0)
		return r;
	cluster_config_unref(c->config);
	c->config = n;
	if (c->ops.on_config)
		c->ops.on_config(c->arg, n);
	return 0;
}

static void on_query(struct cluster_client *c, const Hfc__Query *pb)
{
	struct cluster_query *q = cluster_query_new(c, pb, c->generation);

	if (!q)
		return;
	if (c->ops.on_query && !c->observer)
		c->ops.on_query(c->arg, q);
	else
		cluster_query_done(q, 0);
}

static int handle(struct cluster_client *c, const Hfc__ToDaemon *m)
{
	switch (m->m_case) {
	case HFC__TO_DAEMON__M_WELCOME:
		on_welcome(c, m->welcome);
		return 0;
	case HFC__TO_DAEMON__M_VIEW:
		return on_view(c, m->view);
	case HFC__TO_DAEMON__M_LEASE:
		if (c->evicted || c->observer)
			return 0;
		set_deadline(c, m->lease->deadline);
		if (c->ops.on_lease)
			c->ops.on_lease(c->arg, m->lease->deadline);
		return 0;
	case HFC__TO_DAEMON__M_CONFIG:
		return on_config(c, m->config);
	case HFC__TO_DAEMON__M_QUERY:
		on_query(c, m->query);
		return 0;
	case HFC__TO_DAEMON__M_EVICTED:
		if (!c->observer)
			evicted(c);
		return 0;
	default:
		return 0; /* of a newer clusterd */
	}
}

/* Reads frames until the connection ends. */
static int read_frames(struct cluster_client *c)
{
	Hfc__ToDaemon *m;
	uint8_t head[4], *body;
	size_t n;
	int r;

	while (!c->stopping) {
		r = io_recv_full(c->fd, head, sizeof(head), 0);
		if (r < 0)
			return r;
		n = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
		if (n > CLUSTER_FRAME_MAX)
			return -EBADMSG;
		body = malloc(n ?: 1);
		if (!body)
			return -ENOMEM;
		r = io_recv_full(c->fd, body, n, 0);
		m = r < 0 ? NULL : hfc__to_daemon__unpack(NULL, n, body);
		free(body);
		if (r < 0)
			return r;
		if (!m)
			return -EBADMSG;
		r = handle(c, m);
		hfc__to_daemon__free_unpacked(m, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

static int connect_once(struct cluster_client *c)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	r = io_connect(fd, (struct sockaddr *)&c->addr, sizeof(c->addr), 0);
	if (r < 0) {
		close(fd);
		return r;
	}
	c->fd = fd;
	c->generation++;
	return 0;
}

static void disconnect(struct cluster_client *c)
{
	int fd = TAKE_FD(c->fd);

	/* This ends a write that is under way; only then the number may be used again. */
	shutdown(fd, SHUT_RDWR);
	task_shield_begin();
	while (c->writing)
		task_sleep(NSEC_PER_MSEC);
	task_shield_end();
	close(fd);
	drop_out(c);
}

static void say_lost(struct cluster_client *c, int why, bool was_up)
{
	if (c->stopping)
		return;
	if (was_up)
		log_warn("link to clusterd lost: error=%s", log_errno(why));
	else if (!c->said_failed)
		log_warn("clusterd is not reachable, trying again: socket=%s error=%s", log_esc(c->addr.sun_path),
			 log_errno(why));
	c->said_failed = true;
}

static void reader(void *arg)
{
	struct cluster_client *c = arg;
	uint64_t pause = RECONNECT_MIN;
	int r;

	while (!c->stopping) {
		r = c->writer ? 0 : task_spawn(c->loop, writer, c, &c->writer);
		if (r == 0)
			r = connect_once(c);
		if (r == 0) {
			if (c->said_failed)
				log_info("link to clusterd is up");
			c->said_failed = false;
			pause = RECONNECT_MIN;
			say_hello(c);
			r = read_frames(c);
			disconnect(c);
			say_lost(c, r, true);
		} else {
			say_lost(c, r, false);
		}
		if (!c->stopping)
			task_sleep(pause);
		pause = MIN(2 * pause, (uint64_t)RECONNECT_MAX);
	}
	c->reader = NULL;
	both_ended(c);
}

/* --- the face --- */

static int copy_self(struct cluster_client *c, const struct cluster_client_config *cfg)
{
	size_t i;
	int n;

	if (cfg->n_smb_addrs > VIEW_ADDRS_MAX || (cfg->rpc_addr && strlen(cfg->rpc_addr) > VIEW_ADDR_MAX))
		return -EINVAL;
	c->self.workers = cfg->workers;
	if (cfg->rpc_addr)
		strcpy(c->self.rpc_addr, cfg->rpc_addr);
	for (i = 0; i < cfg->n_smb_addrs; i++) {
		if (strlen(cfg->smb_addrs[i]) > VIEW_ADDR_MAX)
			return -EINVAL;
		strcpy(c->self.smb_addrs[i], cfg->smb_addrs[i]);
	}
	c->self.n_smb_addrs = (uint32_t)cfg->n_smb_addrs;
	c->addr.sun_family = AF_UNIX;
	n = snprintf(c->addr.sun_path, sizeof(c->addr.sun_path), "%s/" CLUSTER_SOCKET, cfg->run_dir);
	if (n < 0 || (size_t)n >= sizeof(c->addr.sun_path))
		return -EINVAL;
	snprintf(c->process, sizeof(c->process), "%s", cfg->process ?: "");
	return 0;
}

int cluster_client_new(const struct cluster_client_config *cfg, struct cluster_client **ret)
{
	struct cluster_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->loop = cfg->loop;
	c->ops = cfg->ops;
	c->arg = cfg->arg;
	c->observer = cfg->observer;
	c->waits = cfg->waits;
	c->fd = -1;
	c->out_tail = &c->out;
	gate_init(&c->ended);
	r = copy_self(c, cfg);
	if (r == 0)
		r = task_spawn(c->loop, reader, c, &c->reader);
	if (r < 0) {
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void cluster_client_free(struct cluster_client *c)
{
	if (!c)
		return;
	c->stopping = true;
	set_deadline(c, 0);
	if (c->fd >= 0)
		shutdown(c->fd, SHUT_RDWR);
	if (c->reader)
		task_cancel(c->reader);
	if (c->writer)
		task_cancel(c->writer);
	task_shield_begin();
	if (c->reader || c->writer)
		gate_wait(&c->ended, 0);
	task_shield_end();
	drop_out(c);
	view_unref(c->view);
	cluster_config_unref(c->config);
	free(c);
}

uint64_t cluster_client_deadline(const struct cluster_client *c)
{
	return __atomic_load_n(&c->deadline, __ATOMIC_ACQUIRE);
}

bool cluster_client_may_serve(const struct cluster_client *c)
{
	return clock_mono_ns() < cluster_client_deadline(c);
}

uint64_t cluster_client_incarnation(const struct cluster_client *c)
{
	return __atomic_load_n(&c->incarnation, __ATOMIC_ACQUIRE);
}

const struct view *cluster_client_view(const struct cluster_client *c) { return c->view; }
const struct cluster_config *cluster_client_config(const struct cluster_client *c) { return c->config; }
