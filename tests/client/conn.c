/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections, sessions and calls of the test client: making and ending them. One thread. */
#include "tests/client/conn.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "node/base/clock.h"
#include "node/base/guid.h"
#include "node/net/sock.h"

#define IN_START (128 * 1024)
#define OUT_CAP (256 * 1024)

static const uint16_t all_dialects[] = { SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
					 SMB2_DIALECT_302, SMB2_DIALECT_311 };
static const uint16_t all_signing[] = { SMB2_SIGNING_AES_GMAC, SMB2_SIGNING_AES_CMAC,
					SMB2_SIGNING_HMAC_SHA256 };
static const uint16_t all_ciphers[] = { SMB2_CIPHER_AES128_GCM, SMB2_CIPHER_AES128_CCM,
					SMB2_CIPHER_AES256_GCM, SMB2_CIPHER_AES256_CCM };

uint64_t conn_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t conn_deadline(const struct conn *c)
{
	return conn_now() + c->config.timeout_ns;
}

int conn_fail(struct conn *c, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, ap);
	va_end(ap);
	return err;
}

const char *conn_error(const struct conn *c)
{
	return c->error[0] ? c->error : "no fault";
}

void conn_config_init(struct conn_config *cfg)
{
	*cfg = (struct conn_config){
		.dialects = all_dialects,
		.n_dialects = ARRAY_SIZE(all_dialects),
		.signing_algs = all_signing,
		.n_signing_algs = ARRAY_SIZE(all_signing),
		.ciphers = all_ciphers,
		.n_ciphers = ARRAY_SIZE(all_ciphers),
		.security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED,
		.capabilities = SMB2_GLOBAL_CAP_LEASING | SMB2_GLOBAL_CAP_LARGE_MTU |
				SMB2_GLOBAL_CAP_MULTI_CHANNEL | SMB2_GLOBAL_CAP_PERSISTENT_HANDLES |
				SMB2_GLOBAL_CAP_DIRECTORY_LEASING | SMB2_GLOBAL_CAP_ENCRYPTION,
		.client_guid = guid_random(),
		.timeout_ns = 10 * NSEC_PER_SEC,
	};
}

static int connect_socket(const struct net_addr *addr, uint64_t timeout_ns, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	struct pollfd p;
	int err = 0;
	socklen_t len = sizeof(err);

	fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	net_stream_options(fd, 0);
	if (connect(fd, &addr->sa, addr->len) < 0) {
		if (errno != EINPROGRESS)
			return -errno;
		p = (struct pollfd){ .fd = fd, .events = POLLOUT };
		if (poll(&p, 1, (int)(timeout_ns / NSEC_PER_MSEC)) == 0)
			return -ETIME;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
			return -errno;
		if (err)
			return -err;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int conn_open(const struct net_addr *addr, const struct conn_config *cfg, struct conn **ret)
{
	char text[NET_ADDR_STR];
	struct conn *c;
	int fd = -1, r;

	r = connect_socket(addr, cfg->timeout_ns, &fd);
	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (c) {
		c->in = malloc(IN_START);
		c->out = malloc(OUT_CAP);
	}
	if (!c || !c->in || !c->out) {
		close(fd);
		if (c) {
			free(c->in);
			free(c->out);
		}
		free(c);
		return -ENOMEM;
	}
	c->fd = fd;
	c->config = *cfg;
	c->in_cap = IN_START;
	c->out_cap = OUT_CAP;
	c->credits = 1;
	c->want_credits = 64;
	c->check = true;
	snprintf(c->server, sizeof(c->server), "%s", net_addr_format_ip(addr, text));
	list_init(&c->calls);
	list_init(&c->chans);
	preauth_init(&c->preauth);
	*ret = c;
	return 0;
}

void conn_close(struct conn *c, bool reset)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	if (!c || c->fd < 0)
		return;
	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(c->fd);
	c->fd = -1;
	conn_fail(c, 0, "the client closed the connection");
}

void conn_free(struct conn *c)
{
	struct call *call, *tmp;
	struct chan *ch;

	if (!c)
		return;
	conn_close(c, false);
	list_foreach_safe(call, tmp, &c->calls, link) {
		list_remove(&call->link);
		call->state = CALL_LOST;
	}
	while ((ch = list_first(&c->chans, struct chan, link)))
		chan_free(ch);
	free(c->in);
	free(c->out);
	free(c);
}

void conn_add_call(struct conn *c, struct call *call)
{
	call->state = CALL_SENT;
	call->interims = 0;
	call->async_id = 0;
	call->sent_ns = conn_now();
	list_append(&c->calls, &call->link);
}

void call_done(struct call *call)
{
	if (call->link.next)
		list_remove(&call->link);
	free((void *)call->reply.data);
	call->reply = BLOB(NULL, 0);
}

struct chan *conn_find_chan(struct conn *c, const struct sess *s)
{
	struct chan *ch;

	list_foreach(ch, &c->chans, link)
		if (ch->sess == s)
			return ch;
	return NULL;
}

struct chan *conn_find_chan_id(struct conn *c, uint64_t session_id)
{
	struct chan *ch;

	list_foreach(ch, &c->chans, link)
		if (ch->sess->id == session_id)
			return ch;
	return NULL;
}

int chan_new(struct conn *c, struct sess *s, struct chan **ret)
{
	struct chan *ch = calloc(1, sizeof(*ch));

	if (!ch)
		return -ENOMEM;
	ch->sess = sess_ref(s);
	ch->preauth = c->preauth;
	list_append(&c->chans, &ch->link);
	*ret = ch;
	return 0;
}

void chan_free(struct chan *ch)
{
	if (!ch)
		return;
	list_remove(&ch->link);
	sign_key_free(ch->sign);
	sess_unref(ch->sess);
	free(ch);
}

struct sess *sess_new(void)
{
	struct sess *s = calloc(1, sizeof(*s));

	if (s)
		s->refs = 1;
	return s;
}

struct sess *sess_ref(struct sess *s)
{
	s->refs++;
	return s;
}

void sess_unref(struct sess *s)
{
	if (!s || --s->refs)
		return;
	sign_key_free(s->sign);
	seal_key_free(s->seal_in);
	seal_key_free(s->seal_out);
	crypto_wipe(s->key, sizeof(s->key));
	free(s);
}
