/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection from its adoption by the home worker to its end. Home worker's thread. */
#include "smbd/proto/conn.h"

#include <sys/socket.h>

#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/net/sock.h"
#include "smbd/proto/accept.h"
#include "smbd/proto/chain.h"

#define KEEPALIVE_S 60
/* Until NEGOTIATE says more: MS-SMB2 3.3.5.2 for 2.0.2. */
#define INITIAL_MAX_SIZE 65536u

struct conn *conn_ref(struct conn *c)
{
	c->refs++;
	return c;
}

void conn_unref(struct conn *c)
{
	if (!c || --c->refs > 0)
		return;
	assert(list_empty(&c->channels) && list_empty(&c->chains));
	assert(list_empty(&c->out) && list_empty(&c->held));
	credit_done(&c->credits);
	free(c->client_dialects);
	free(c);
}

static void auth_late(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, auth_timer);

	conn_drop(c, "no authenticated session in time");
}

void conn_channels_changed(struct conn *c)
{
	struct channel *ch;
	bool valid = false;

	list_foreach(ch, &c->channels, in_conn)
		valid |= ch->valid;
	if (c->dead || valid)
		timer_cancel(&c->auth_timer);
	else if (!timer_armed(&c->auth_timer))
		timer_set(&c->auth_timer,
			  loop_now(c->worker->loop) +
				  c->worker->tunables.auth_timeout_ms * NSEC_PER_MSEC);
	if (valid && !c->authenticated) {
		c->authenticated = true;
		admission_authenticated(c->admission);
	}
}

static void conn_init(struct conn *c, struct worker *w, int fd, struct admission *adm)
{
	struct net_addr peer = { .len = 0 };

	c->refs = 1;
	c->worker = w;
	c->fd = fd;
	c->admission = adm;
	c->max_transact = c->max_read = c->max_write = INITIAL_MAX_SIZE;
	c->next_async_id = 1;
	list_init(&c->channels);
	list_init(&c->reqs);
	list_init(&c->chains);
	list_init(&c->out);
	list_init(&c->held);
	gate_init(&c->in_room);
	gate_open(&c->in_room);
	preauth_init(&c->preauth);
	timer_init(&c->auth_timer, w->loop, auth_late);
	if (net_sock_peer(fd, &peer) == 0)
		net_addr_unmap(&peer);
	_Static_assert(CONN_NAME_SIZE >= NET_ADDR_STR, "a client's name holds any address");
	net_addr_format(&peer, c->name);
	if (net_sock_local(fd, &c->local) == 0)
		net_addr_unmap(&c->local);
	net_stream_options(fd, KEEPALIVE_S);
	list_append(&w->conns, &c->link);
}

void conn_adopt(struct worker *w, struct conn_handoff *h)
{
	_cleanup_free_ uint8_t *first = TAKE_PTR(h->first);
	struct conn *c = calloc(1, sizeof(*c));

	if (!c || w->stopping ||
	    credit_init(&c->credits, h->first_message_id, (uint32_t)w->tunables.max_credits) < 0) {
		free(c);
		close(h->fd);
		admission_closed(h->admission);
		return;
	}
	conn_init(c, w, h->fd, h->admission);
	c->dialect = h->dialect;
	conn_channels_changed(c);
	conn_ref(c); /* the reader's */
	if (first && chain_start(c, TAKE_PTR(first), h->first_len) < 0)
		c->dead = true;
	if (task_spawn(w->loop, conn_reader, c, NULL) < 0) {
		conn_drop(c, "out of memory");
		conn_unref(c); /* the socket goes with the worker: nothing can wait for the chain
				  here */
	}
	conn_unref(c);
}

void conn_cancel_req(struct smb_req *req)
{
	if (req->cancelled)
		return;
	req->cancelled = true;
	if (req->parked)
		loop_post(req->worker->loop, &req->cancel_mail);
	else if (req->pending || req->conn->dead)
		task_cancel(req->task);
}

/* The session has no connection any more: what outlived a former one ends, too. */
static void cancel_outliving(struct session *s)
{
	struct smb_req *req;

	list_foreach(req, &s->use.reqs, in_session)
		if (req->outlives && req->conn->dead && req->task != task_current())
			conn_cancel_req(req);
}

void conn_drop(struct conn *c, const char *why)
{
	static struct log_rl rl;
	struct channel *ch;
	struct smb_req *req;

	if (c->dead)
		return;
	c->dead = true;
	if (why && log_ratelimit(&rl, 20))
		log_warn("connection dropped: client=%s rule=%s", c->name, log_esc(why));
	else
		log_debug("connection ends: client=%s", c->name);
	timer_cancel(&c->auth_timer);
	gate_open(&c->in_room);
	(void)shutdown(c->fd, SHUT_RDWR);
	list_foreach(req, &c->reqs, in_conn) {
		if (req->outlives && session_connected(req->session))
			continue;
		if (req->parked || req->task != task_current())
			conn_cancel_req(req);
	}
	list_foreach(ch, &c->channels, in_conn)
		if (!session_connected(ch->session))
			cancel_outliving(ch->session);
	if (c->reader && c->reader != task_current())
		task_cancel(c->reader);
	if (c->sender && c->sender != task_current())
		task_cancel(c->sender);
}

/* What was on its way through this connection may have to go through another one. */
static void tell_opens(struct session *s, const struct conn *c)
{
	struct open *o;

	list_foreach(o, &s->opens, in_session)
		if (!o->closing && o->ops && o->ops->channel_lost)
			o->ops->channel_lost(o, c);
}

void conn_teardown(struct conn *c)
{
	struct channel *ch;
	struct session *s;

	task_shield_begin();
	list_foreach(ch, &c->channels, in_conn)
		if (session_connected(ch->session))
			tell_opens(ch->session, c);
	while (c->n_chains > 0 || c->sending)
		(void)task_park();
	while ((ch = list_first(&c->channels, struct channel, in_conn))) {
		s = session_ref(ch->session);
		channel_remove(ch);
		if (list_empty(&s->channels))
			(void)session_close(s, NULL, OPEN_END_DISCONNECT);
		else
			tell_opens(s, c);
		session_unref(s);
	}
	c->reader = NULL;
	task_shield_end();
	timer_cancel(&c->auth_timer);
	close(TAKE_FD(c->fd));
	admission_closed(TAKE_PTR(c->admission));
	list_remove(&c->link);
	worker_conn_ended(c->worker);
}
