/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS and bare streams. In tasks of the stream's loop. */
#include "node/rpc/stream.h"

#include "node/loop/io.h"

#define READ_CHUNK ((size_t)64 << 10)
#define BUF_KEPT ((size_t)256 << 10)

/* --- buffers --- */

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}

int buf_room(struct buf *b, size_t n)
{
	size_t used = buf_used(b), cap;
	uint8_t *d;

	if (b->cap - b->len >= n)
		return 0;
	if (b->pos) {
		memmove(b->data, b->data + b->pos, used);
		b->pos = 0;
		b->len = used;
	}
	if (b->cap - b->len >= n)
		return 0;
	cap = MAX(b->cap * 2, used + n);
	d = realloc(b->data, cap);
	if (!d)
		return -ENOMEM;
	b->data = d;
	b->cap = cap;
	return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	int r = buf_room(b, n);

	if (r < 0)
		return r;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	return 0;
}

void buf_consume(struct buf *b, size_t n)
{
	b->pos += n;
	if (b->pos < b->len)
		return;
	b->pos = b->len = 0;
	if (b->cap > BUF_KEPT)
		buf_done(b);
}

/* --- what GnuTLS sees as its transport --- */

static ssize_t pull(gnutls_transport_ptr_t p, void *data, size_t n)
{
	struct rpc_stream *s = p;
	size_t k = MIN(n, buf_used(&s->in));

	if (!k) {
		if (s->eof)
			return 0;
		gnutls_transport_set_errno(s->tls, EAGAIN);
		return -1;
	}
	memcpy(data, s->in.data + s->in.pos, k);
	buf_consume(&s->in, k);
	return (ssize_t)k;
}

static ssize_t push(gnutls_transport_ptr_t p, const void *data, size_t n)
{
	struct rpc_stream *s = p;

	if (buf_add(&s->out, data, n) < 0) {
		gnutls_transport_set_errno(s->tls, ENOMEM);
		return -1;
	}
	return (ssize_t)n;
}

static int no_wait(gnutls_transport_ptr_t p, unsigned int ms)
{
	const struct rpc_stream *s = p;

	return buf_used(&s->in) > 0;
}

int stream_init(struct rpc_stream *s, int fd, const struct rpc_key *key, bool server)
{
	unsigned int role = server ? GNUTLS_SERVER : GNUTLS_CLIENT;

	*s = (struct rpc_stream){ .fd = fd };
	if (!key)
		return 0;
	if (gnutls_init(&s->tls, role | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL) <
	    0) {
		s->tls = NULL;
		stream_done(s);
		return -ENOMEM;
	}
	gnutls_session_set_ptr(s->tls, (void *)(uintptr_t)key);
	if (gnutls_priority_set(s->tls, key->priority) < 0 ||
	    gnutls_credentials_set(s->tls, GNUTLS_CRD_PSK,
				   server ? (void *)key->server : (void *)key->client) < 0) {
		stream_done(s);
		return -ENOMEM;
	}
	gnutls_handshake_set_timeout(s->tls, GNUTLS_INDEFINITE_TIMEOUT); /* deadlines are ours */
	gnutls_transport_set_ptr(s->tls, s);
	gnutls_transport_set_pull_function(s->tls, pull);
	gnutls_transport_set_push_function(s->tls, push);
	gnutls_transport_set_pull_timeout_function(s->tls, no_wait);
	return 0;
}

void stream_done(struct rpc_stream *s)
{
	if (s->tls)
		gnutls_deinit(s->tls);
	buf_done(&s->in);
	buf_done(&s->out);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct rpc_stream){ .fd = -1 };
}

/* --- */

/* Reads more for TLS. > 0, 0 at the end, -errno. */
static int fill(struct rpc_stream *s, uint64_t deadline)
{
	int r = buf_room(&s->in, READ_CHUNK);

	if (r < 0)
		return r;
	do {
		r = io_recv(s->fd, s->in.data + s->in.len, READ_CHUNK, 0, deadline);
	} while (r == -EINTR || r == -EAGAIN);
	if (r > 0)
		s->in.len += (size_t)r;
	if (r == 0)
		s->eof = true;
	return r;
}

/* Sends what TLS wrote. Takes the buffer away first: a reader may make TLS write more meanwhile. */
static int flush(struct rpc_stream *s, uint64_t deadline)
{
	struct buf b = s->out;
	struct iovec iov = { b.data + b.pos, buf_used(&b) };
	int r;

	if (!iov.iov_len)
		return 0;
	s->out = (struct buf){ 0 };
	r = io_send_full(s->fd, &iov, 1, deadline);
	if (!s->out.data && b.cap <= BUF_KEPT) {
		b.pos = b.len = 0;
		s->out = b;
	} else {
		buf_done(&b);
	}
	return r;
}

static bool again(int r)
{
	return r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED;
}

/* A wrong key fails the check of the binder at the server, which tells the client by an alert. */
static int handshake_error(struct rpc_stream *s, int r)
{
	if (r == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		switch (gnutls_alert_get(s->tls)) {
		case GNUTLS_A_ILLEGAL_PARAMETER:
		case GNUTLS_A_DECRYPT_ERROR:
		case GNUTLS_A_BAD_RECORD_MAC:
		case GNUTLS_A_UNKNOWN_PSK_IDENTITY:
			return -EKEYREJECTED;
		default:
			return -EPROTO;
		}
	}
	switch (r) {
	case GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER:
	case GNUTLS_E_DECRYPTION_FAILED:
		return -EKEYREJECTED;
	case GNUTLS_E_MEMORY_ERROR:
		return -ENOMEM;
	case GNUTLS_E_PREMATURE_TERMINATION:
		return -ECONNRESET;
	default:
		return -EPROTO;
	}
}

int stream_handshake(struct rpc_stream *s, uint64_t deadline)
{
	int r, e;

	if (!s->tls)
		return 0;
	for (;;) {
		r = gnutls_handshake(s->tls);
		if (r < 0 && !again(r) && !gnutls_error_is_fatal(r))
			continue;
		if (r < 0 && !again(r) && r != GNUTLS_E_FATAL_ALERT_RECEIVED)
			gnutls_alert_send_appropriate(s->tls, r);
		e = flush(s, deadline);
		if (r < 0 && !again(r))
			return handshake_error(s, r);
		if (e < 0)
			return e;
		if (r == 0)
			return gnutls_auth_get_type(s->tls) == GNUTLS_CRD_PSK ? 0 : -EPROTO;
		if (s->eof)
			return -ECONNRESET;
		e = fill(s, deadline);
		if (e < 0)
			return e;
	}
}

int stream_read(struct rpc_stream *s, void *buf, size_t n, uint64_t deadline)
{
	ssize_t k;
	int r;

	if (!s->tls) {
		do {
			r = io_recv(s->fd, buf, n, 0, deadline);
		} while (r == -EINTR || r == -EAGAIN);
		return r;
	}
	for (;;) {
		k = gnutls_record_recv(s->tls, buf, n);
		if (k > 0)
			return (int)k;
		if (k == 0 || k == GNUTLS_E_PREMATURE_TERMINATION)
			return 0;
		if (!again((int)k)) {
			if (gnutls_error_is_fatal((int)k))
				return -EPROTO;
			continue;
		}
		r = fill(s, deadline);
		if (r < 0)
			return r;
	}
}

int stream_write(struct rpc_stream *s, const void *p, size_t n, uint64_t deadline)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };
	const uint8_t *d = p;
	ssize_t k;
	int r;

	if (!s->tls)
		return io_send_full(s->fd, &iov, 1, deadline);
	while (n) {
		k = gnutls_record_send(s->tls, d, n);
		if (k < 0)
			return k == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EPROTO;
		d += k;
		n -= (size_t)k;
		if (n && buf_used(&s->out) >= BUF_KEPT / 2 && (r = flush(s, deadline)) < 0)
			return r;
	}
	return flush(s, deadline);
}
