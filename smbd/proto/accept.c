/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listeners, and the counts of connections: in all, not authenticated, and not authenticated per
 * address (IPv6: per /64). Worker 0's thread; admission_*() post to it from the others. What
 * happens before the hand-over is in greet.c.
 */
#include <sys/socket.h>

#include "node/base/clock.h"
#include "node/base/hash.h"
#include "node/base/random.h"
#include "node/log/log.h"
#include "node/loop/io.h"
#include "node/net/sock.h"
#include "smbd/proto/accept_priv.h"

/* accept(2) fails for good reasons (no descriptors): how long to wait before the next one. */
#define ACCEPT_BACKOFF (100 * NSEC_PER_MSEC)

static void acceptor_unref(struct acceptor *a)
{
	if (--a->refs > 0)
		return;
	htable_done(&a->peers);
	free(a->listeners);
	free(a);
}

/* --- counts --- */

struct peer {
	struct hnode node;
	uint8_t key[16];
	unsigned int n; /* connections without a session */
};

struct admission {
	struct mail authenticated, closed;
	struct acceptor *acceptor; /* referenced */
	struct peer *peer; /* counted there; NULL: authenticated */
};

static void peer_key(const struct net_addr *addr, uint8_t key[16])
{
	memset(key, 0, 16);
	if (addr->sa.sa_family == AF_INET6) {
		memcpy(key, &addr->in6.sin6_addr, 8);
	} else {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &addr->in.sin_addr, 4);
	}
}

static struct peer *peer_get(struct acceptor *a, const struct net_addr *addr)
{
	uint8_t key[16];
	struct hnode *n;
	struct peer *p;
	uint64_t h;

	peer_key(addr, key);
	h = hash64(key, sizeof(key), a->seed);
	for (n = htable_find(&a->peers, h); n; n = htable_find_next(n)) {
		p = htable_entry(n, struct peer, node);
		if (memcmp(p->key, key, sizeof(key)) == 0)
			return p;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	memcpy(p->key, key, sizeof(key));
	htable_insert(&a->peers, &p->node, h);
	return p;
}

static void peer_put(struct acceptor *a, struct peer *p)
{
	a->n_unauthenticated--;
	if (--p->n > 0)
		return;
	htable_remove(&a->peers, &p->node);
	free(p);
}

static void on_authenticated(struct mail *m)
{
	struct admission *adm = container_of(m, struct admission, authenticated);

	if (adm->peer)
		peer_put(adm->acceptor, TAKE_PTR(adm->peer));
}

static void on_closed(struct mail *m)
{
	struct admission *adm = container_of(m, struct admission, closed);
	struct acceptor *a = adm->acceptor;

	if (adm->peer)
		peer_put(a, adm->peer);
	a->n_connections--;
	free(adm);
	acceptor_unref(a);
}

void admission_authenticated(struct admission *adm)
{
	if (adm)
		loop_post(adm->acceptor->worker->loop, &adm->authenticated);
}

void admission_closed(struct admission *adm)
{
	if (adm)
		loop_post(adm->acceptor->worker->loop, &adm->closed);
}

/* The rule that keeps a connection from this address out, or NULL with the admission. */
static const char *admit(struct acceptor *a, const struct net_addr *addr, struct admission **ret)
{
	const struct tunables *t = &a->worker->tunables;
	struct admission *adm;
	struct peer *p;

	if (a->n_connections >= (unsigned int)t->max_connections)
		return "max_connections";
	if (a->n_unauthenticated >= (unsigned int)t->unauthenticated_connections)
		return "unauthenticated_connections";
	p = peer_get(a, addr);
	adm = p ? calloc(1, sizeof(*adm)) : NULL;
	if (p && p->n >= MAX((unsigned int)t->unauthenticated_connections / 4, 1u)) {
		free(adm);
		return "unauthenticated_connections of one address";
	}
	if (!adm) {
		if (p && p->n == 0) {
			htable_remove(&a->peers, &p->node);
			free(p);
		}
		return "out of memory";
	}
	p->n++;
	a->n_unauthenticated++;
	a->n_connections++;
	a->refs++;
	adm->acceptor = a;
	adm->peer = p;
	adm->authenticated.run = on_authenticated;
	adm->closed.run = on_closed;
	*ret = adm;
	return NULL;
}

/* --- listeners --- */

static void accepted(struct acceptor *a, int fd)
{
	static struct log_rl rl;
	struct admission *adm = NULL;
	struct net_addr peer = { .len = 0 };
	char name[NET_ADDR_STR];
	const char *rule;

	if (net_sock_peer(fd, &peer) < 0) {
		close(fd);
		return;
	}
	net_addr_unmap(&peer);
	rule = admit(a, &peer, &adm);
	if (!rule && greet_start(a, fd, adm) < 0) {
		admission_closed(adm);
		rule = "out of memory";
	}
	if (!rule)
		return;
	if (log_ratelimit(&rl, 5))
		log_warn("connection refused: client=%s rule=%s", net_addr_format(&peer, name),
			 log_esc(rule));
	close(fd);
}

static void listener_main(void *arg)
{
	struct listener *l = arg;
	struct acceptor *a = l->acceptor;
	static struct log_rl rl;
	int fd;

	l->task = task_current();
	while (!a->stopping) {
		fd = io_accept(l->fd, NULL, NULL);
		if (fd >= 0) {
			accepted(a, fd);
			continue;
		}
		if (fd == -ECANCELED || a->stopping)
			break;
		if (fd != -ECONNABORTED && log_ratelimit(&rl, 1))
			log_warn("accept failed: error=%s", log_errno(fd));
		if (fd != -ECONNABORTED && task_sleep(ACCEPT_BACKOFF) < 0)
			break;
	}
	close(l->fd);
	l->task = NULL;
	acceptor_task_ended(a);
}

void acceptor_task_ended(struct acceptor *a)
{
	a->n_tasks--;
	if (a->closer)
		task_wake(a->closer);
	acceptor_unref(a);
}

static int listener_add(struct acceptor *a, const struct net_addr *addr)
{
	struct listener *l = &a->listeners[a->n_listeners];
	struct net_addr bound;
	int r;

	r = net_listen(addr, NET_FREEBIND | NET_WAIT, &l->fd);
	if (r < 0)
		return r;
	l->acceptor = a;
	if (net_sock_local(l->fd, &bound) == 0)
		l->port = net_addr_port(&bound);
	r = task_spawn(a->worker->loop, listener_main, l, NULL);
	if (r < 0) {
		close(l->fd);
		return r;
	}
	a->n_tasks++;
	a->refs++;
	a->n_listeners++;
	return 0;
}

int acceptor_new(struct worker *w, const struct net_addr *addrs, size_t n, struct acceptor **ret)
{
	struct acceptor *a = calloc(1, sizeof(*a));
	char name[NET_ADDR_STR];
	int r = -EINVAL, bad;
	size_t i;

	if (!a || !(a->listeners = calloc(n ? n : 1, sizeof(*a->listeners)))) {
		free(a);
		return -ENOMEM;
	}
	a->refs = 1;
	a->worker = w;
	a->seed = random_u64();
	list_init(&a->greetings);
	for (i = 0; i < n; i++) {
		bad = listener_add(a, &addrs[i]);
		if (bad < 0) {
			r = bad;
			log_err("cannot listen: address=%s error=%s",
				net_addr_format(&addrs[i], name), log_errno(bad));
			continue;
		}
		log_info("listening: address=%s", net_addr_format(&addrs[i], name));
	}
	if (a->n_listeners == 0) {
		acceptor_unref(a);
		return r;
	}
	*ret = a;
	return 0;
}

void acceptor_free(struct acceptor *a)
{
	size_t i;

	if (!a)
		return;
	a->stopping = true;
	for (i = 0; i < a->n_listeners; i++) {
		if (a->listeners[i].task)
			task_cancel(a->listeners[i].task);
	}
	greet_cancel_all(a);
	task_shield_begin();
	a->closer = task_current();
	while (a->n_tasks > 0)
		(void)task_park();
	a->closer = NULL;
	task_shield_end();
	acceptor_unref(a);
}

uint16_t acceptor_port(const struct acceptor *a)
{
	return a->listeners[0].port;
}

unsigned int home_worker(const struct smbd *s, const struct guid *client_guid)
{
	return (unsigned int)(hash64(client_guid->b, sizeof(client_guid->b), s->home_seed) %
			      s->n_workers);
}
