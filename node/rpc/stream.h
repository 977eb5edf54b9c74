/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A byte stream to a peer: TLS over TCP, or a bare unix socket. GnuTLS works on memory buffers
 * only, so that it never waits inside: one task may read while another writes. Belongs to one loop
 * at a time.
 */
#ifndef HF_NODE_RPC_STREAM_H
#define HF_NODE_RPC_STREAM_H

#include <gnutls/gnutls.h>

#include "node/rpc/rpc.h"

#define RPC_PSK_SIZE 32u

struct rpc_key {
	uint8_t psk[RPC_PSK_SIZE];
	gnutls_psk_server_credentials_t server;
	gnutls_psk_client_credentials_t client;
	gnutls_priority_t priority;
};

/* Growing bytes: data[pos..len) is what is in it. */
struct buf {
	uint8_t *data;
	size_t pos, len, cap;
};
void buf_done(struct buf *b);
/* Makes room for `n` bytes behind `len`. -ENOMEM. */
int buf_room(struct buf *b, size_t n) HF_MUST_CHECK;
int buf_add(struct buf *b, const void *p, size_t n) HF_MUST_CHECK;
/* Forgets the first `n` bytes; memory beyond 256 KiB is given back when it is empty. */
void buf_consume(struct buf *b, size_t n);
static inline size_t buf_used(const struct buf *b)
{
	return b->len - b->pos;
}

struct rpc_stream {
	int fd;
	gnutls_session_t tls; /* NULL: bare */
	struct buf in; /* from the socket, not decrypted yet */
	struct buf out; /* encrypted, not sent yet */
	bool eof;
};

/* Takes over `fd`; `key` NULL: bare. -ENOMEM; the fd is closed then too. */
int stream_init(struct rpc_stream *s, int fd, const struct rpc_key *key, bool server) HF_MUST_CHECK;
void stream_done(struct rpc_stream *s);
/* TLS handshake. 0, -EKEYREJECTED (the keys differ), -EPROTO (not our TLS), -ETIME, or the socket's
 * error. */
int stream_handshake(struct rpc_stream *s, uint64_t deadline) HF_MUST_CHECK;
/* Reads up to `n` bytes. > 0, 0 at the end, -EPROTO (broken TLS), -ETIME, -ECANCELED, the socket's
 * error. */
int stream_read(struct rpc_stream *s, void *buf, size_t n, uint64_t deadline) HF_MUST_CHECK;
/* Sends all bytes, and what TLS itself has to say. One task at a time. 0 or as stream_read(). */
int stream_write(struct rpc_stream *s, const void *p, size_t n, uint64_t deadline) HF_MUST_CHECK;
/* Whether TLS has something to send by itself (call stream_write() with nothing). */
static inline bool stream_wants_write(const struct rpc_stream *s)
{
	return buf_used(&s->out) > 0;
}

#endif
