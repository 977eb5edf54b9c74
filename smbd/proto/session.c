/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions and channels: tables, references and the order of ending. Home worker's thread. */
#include "smbd/proto/session.h"

#include "node/base/clock.h"
#include "node/base/hash.h"
#include "node/base/random.h"
#include "smbd/proto/req.h"
#include "smbd/vfs/cred.h"

/* Changes that wait for a session's requests to fetch them, all its watches together. */
#define NOTIFY_BYTES_PER_SESSION (16u << 20)

/*
 * SessionId: node (16 bits), worker (8), random (40). Unique over the nodes, not to be guessed, and
 * PreviousSessionId finds its home without a search.
 */
uint64_t session_id_make(uint32_t node, unsigned int worker, uint64_t random)
{
	return (uint64_t)(node & 0xffff) << 48 | (uint64_t)(worker & 0xff) << 40 |
	       (random & UINT64_C(0xffffffffff));
}

struct session_home session_id_home(uint64_t id)
{
	return (struct session_home){ .node = (uint32_t)(id >> 48),
				      .worker = (unsigned int)(id >> 40 & 0xff) };
}

static uint64_t hash_id(uint64_t id)
{
	return hash64_u64(id);
}

struct session *session_find_any(struct worker *w, uint64_t id)
{
	struct hnode *n;
	struct session *s;

	for (n = htable_find(&w->sessions, hash_id(id)); n; n = htable_find_next(n)) {
		s = htable_entry(n, struct session, by_id);
		if (s->id == id)
			return s;
	}
	return NULL;
}

struct session *session_find(struct worker *w, uint64_t id)
{
	struct session *s = session_find_any(w, id);

	return s && s->state != SESSION_CLOSING ? s : NULL;
}

struct channel *session_channel(const struct session *s, const struct conn *c)
{
	struct channel *ch;

	list_foreach(ch, &s->channels, in_session) {
		if (ch->conn == c)
			return ch;
	}
	return NULL;
}

struct channel *channel_ref(struct channel *ch)
{
	ch->refs++;
	return ch;
}

void channel_unref(struct channel *ch)
{
	if (!ch || --ch->refs > 0)
		return;
	auth_free(ch->auth);
	sign_key_free(ch->sign);
	session_unref(ch->session);
	free(ch);
}

void channel_remove(struct channel *ch)
{
	struct conn *c = ch->conn;

	if (!c)
		return;
	list_remove(&ch->in_session);
	list_remove(&ch->in_conn);
	ch->conn = NULL;
	ch->valid = false;
	c->n_channels--;
	conn_channels_changed(c);
	channel_unref(ch);
}

int session_add_channel(struct session *s, struct conn *c, struct channel **ret)
{
	const struct tunables *t = &c->worker->tunables;
	struct channel *ch;
	unsigned int n = 0;

	list_foreach(ch, &s->channels, in_session)
		n++;
	if (n >= (unsigned int)t->max_channels || c->n_channels >= (unsigned int)t->max_sessions)
		return -EDQUOT;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return -ENOMEM;
	ch->refs = 1;
	ch->session = session_ref(s);
	ch->conn = c;
	list_append(&s->channels, &ch->in_session);
	list_append(&c->channels, &ch->in_conn);
	c->n_channels++;
	*ret = ch;
	return 0;
}

static void session_late(struct timer *t)
{
	struct session *s = container_of(t, struct session, expiry);

	if (s->state == SESSION_VALID)
		s->state = SESSION_EXPIRED;
}

int session_new(struct conn *c, struct session **ret)
{
	struct worker *w = c->worker;
	struct session *s = calloc(1, sizeof(*s));
	struct channel *ch;
	int r;

	if (!s)
		return -ENOMEM;
	s->refs = 1;
	do {
		s->id = session_id_make(w->smbd->node_id, w->index, random_u64());
	} while (session_find_any(w, s->id) || (s->id & UINT64_C(0xffffffffff)) == 0);
	s->worker = w;
	s->client_guid = c->client_guid;
	s->dialect = c->dialect;
	list_init(&s->channels);
	list_init(&s->trees);
	list_init(&s->opens);
	use_init(&s->use);
	gate_init(&s->ended);
	s->next_tree_id = 1;
	limit_init(&s->tree_limit, (uint64_t)w->tunables.max_trees_per_session);
	limit_init(&s->open_limit, (uint64_t)w->tunables.max_opens_per_session);
	limit_init(&s->notify_limit, NOTIFY_BYTES_PER_SESSION);
	timer_init(&s->expiry, w->loop, session_late);
	s->created_at = clock_real_ns();
	s->last_used = loop_now(w->loop);
	htable_insert(&w->sessions, &s->by_id, hash_id(s->id));
	r = session_add_channel(s, c, &ch);
	if (r < 0) {
		htable_remove(&w->sessions, &s->by_id);
		session_unref(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct session *session_ref(struct session *s)
{
	s->refs++;
	return s;
}

void session_unref(struct session *s)
{
	if (!s || --s->refs > 0)
		return;
	assert(list_empty(&s->channels) && list_empty(&s->trees) && list_empty(&s->opens));
	timer_cancel(&s->expiry);
	sign_key_free(s->sign);
	seal_key_free(s->seal_in);
	seal_key_free(s->seal_out);
	crypto_wipe(s->application_key, sizeof(s->application_key));
	auth_user_done(&s->user);
	if (s->cred)
		cred_unref(s->cred);
	free(s->domain);
	free(s);
}

bool session_connected(const struct session *s)
{
	const struct channel *ch;

	list_foreach(ch, &s->channels, in_session)
		if (!ch->conn->dead)
			return true;
	return false;
}

void session_set_expiry(struct session *s, int64_t expires)
{
	uint64_t now = clock_real_ns();
	uint64_t at = (uint64_t)expires * NSEC_PER_SEC;

	s->expires = expires;
	timer_cancel(&s->expiry);
	if (expires > 0)
		timer_set(&s->expiry, loop_now(s->worker->loop) + (at > now ? at - now : 0));
}

/* Cancels what uses the session, but for `self`. */
static void cancel_users(struct session *s, struct smb_req *self)
{
	struct smb_req *req;

	list_foreach(req, &s->use.reqs, in_session) {
		if (req != self)
			conn_cancel_req(req);
	}
}

bool session_close(struct session *s, struct smb_req *self, enum open_end why)
{
	struct channel *ch;
	struct tree *t;
	struct open *o;

	if (s->state == SESSION_CLOSING)
		return false;
	s->state = SESSION_CLOSING;
	session_ref(s);
	timer_cancel(&s->expiry);
	cancel_users(s, self);
	use_wait(&s->use, self ? &self->in_session : NULL);
	while ((o = list_first(&s->opens, struct open, in_session)))
		(void)open_close(o, NULL, why);
	while ((t = list_first(&s->trees, struct tree, in_session)))
		(void)tree_close(t, NULL, why);
	while ((ch = list_first(&s->channels, struct channel, in_session)))
		channel_remove(ch);
	htable_remove(&s->worker->sessions, &s->by_id);
	gate_open(&s->ended);
	session_unref(s); /* the table's */
	session_unref(s);
	return true;
}
