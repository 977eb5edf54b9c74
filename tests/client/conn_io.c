/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes over the socket of a test client's connection, and what must be true of it. One thread.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "node/base/clock.h"
#include "tests/client/conn.h"

#define IN_MAX (32u * 1024 * 1024)

static int in_reserve(struct conn *c, size_t more)
{
	size_t cap = c->in_cap;
	uint8_t *p;

	if (c->in_cap - c->in_end >= more)
		return 0;
	if (c->in_start) {
		memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
		c->in_end -= c->in_start;
		c->in_start = 0;
	}
	while (cap - c->in_end < more)
		cap *= 2;
	if (cap == c->in_cap)
		return 0;
	if (cap > IN_MAX)
		return conn_fail(c, -ENOBUFS, "the server sends more than %u bytes ahead", IN_MAX);
	p = realloc(c->in, cap);
	if (!p)
		return -ENOMEM;
	c->in = p;
	c->in_cap = cap;
	return 0;
}

/* Takes what the socket has. 1: something came; 0: nothing there; negative: see conn.h. */
static int fill(struct conn *c, size_t at_least)
{
	ssize_t n;
	int r;

	if (c->fd < 0)
		return conn_fail(c, -EPIPE, "not connected");
	r = in_reserve(c, MAX(at_least, (size_t)4096));
	if (r < 0)
		return r;
	n = recv(c->fd, c->in + c->in_end, c->in_cap - c->in_end, 0);
	if (n > 0) {
		c->in_end += (size_t)n;
		c->bytes_in += (uint64_t)n;
		return 1;
	}
	if (n == 0)
		return conn_fail(c, -EPIPE, "the server closed the connection");
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return conn_fail(c, errno == ECONNRESET ? -EPIPE : -errno, "receiving: %s",
			 strerror(errno));
}

static int wait_for(struct conn *c, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	uint64_t now = conn_now();
	int r;

	if (c->fd < 0)
		return conn_fail(c, -EPIPE, "not connected");
	if (now >= deadline)
		return conn_fail(c, -ETIME, "no answer in time");
	r = poll(&p, 1, (int)((deadline - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC));
	if (r < 0 && errno != EINTR)
		return conn_fail(c, -errno, "poll: %s", strerror(errno));
	return p.revents;
}

static void iov_advance(struct iovec **iov, int *n, size_t done)
{
	while (*n && done >= (*iov)->iov_len) {
		done -= (*iov)->iov_len;
		(*iov)++;
		(*n)--;
	}
	if (*n) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + done;
		(*iov)->iov_len -= done;
	}
}

int conn_send(struct conn *c, struct iovec *iov, int iovcnt)
{
	uint64_t deadline = conn_deadline(c);
	struct msghdr m = { 0 };
	ssize_t n;
	int r;

	while (iovcnt) {
		if (c->fd < 0)
			return conn_fail(c, -EPIPE, "not connected");
		m.msg_iov = iov;
		m.msg_iovlen = (size_t)iovcnt;
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
		if (n >= 0) {
			c->bytes_out += (uint64_t)n;
			iov_advance(&iov, &iovcnt, (size_t)n);
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return conn_fail(c, -EPIPE, "the server closed the connection");
		if (errno != EAGAIN && errno != EINTR)
			return conn_fail(c, -errno, "sending: %s", strerror(errno));
		r = wait_for(c, POLLIN | POLLOUT, deadline);
		if (r > 0 && (r & POLLIN))
			r = fill(c, 4096);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The length of the message at the front: -EAGAIN while its frame is not there, -EPROTO. */
static ssize_t front_len(const struct conn *c)
{
	uint32_t len;

	if (c->in_end - c->in_start < SMB2_FRAME_LEN)
		return -EAGAIN;
	if (smb2_frame_decode(c->in + c->in_start, &len) < 0)
		return -EPROTO;
	return (ssize_t)len;
}

bool conn_has_message(const struct conn *c)
{
	ssize_t len = front_len(c);

	return len >= 0 && c->in_end - c->in_start - SMB2_FRAME_LEN >= (size_t)len;
}

/* Waits for a whole message; `*ret` lies in the buffer and is writable. */
static int take_message(struct conn *c, uint64_t deadline, struct blob *ret)
{
	ssize_t len;
	size_t have;
	int r;

	for (;;) {
		len = front_len(c);
		if (len == -EPROTO)
			return conn_fail(c, -EPROTO, "a frame does not start with zero");
		have = c->in_end - c->in_start;
		if (len >= 0 && have - SMB2_FRAME_LEN >= (size_t)len)
			break;
		r = fill(c, len >= 0 ? SMB2_FRAME_LEN + (size_t)len - have : SMB2_FRAME_LEN);
		if (r == 0)
			r = wait_for(c, POLLIN, deadline);
		if (r < 0)
			return r;
	}
	*ret = BLOB(c->in + c->in_start + SMB2_FRAME_LEN, (size_t)len);
	c->in_start += SMB2_FRAME_LEN + (size_t)len;
	if (c->in_start == c->in_end)
		c->in_start = c->in_end = 0;
	return 0;
}

static int unseal(struct conn *c, struct blob *msg, struct sess **ret_sealed)
{
	struct smb2_transform t;
	struct chan *ch;
	struct iovec iov;
	struct blob cipher;
	int r;

	if (smb2_transform_decode(*msg, &t, &cipher) < 0 ||
	    !(t.flags & SMB2_TRANSFORM_FLAG_ENCRYPTED))
		return conn_fail(c, -EPROTO, "a transform header is malformed");
	ch = conn_find_chan_id(c, t.session_id);
	if (!ch || !ch->sess->seal_in)
		return conn_fail(c, -EPROTO,
				 "a message is sealed for session %#llx, which has no keys",
				 (unsigned long long)t.session_id);
	iov = (struct iovec){ .iov_base = (void *)cipher.data, .iov_len = cipher.len };
	r = seal_decrypt(ch->sess->seal_in, msg->data, &iov, 1);
	if (r == -EBADMSG)
		return conn_fail(c, -EPROTO, "a sealed message does not open");
	if (r < 0)
		return conn_fail(c, r, "unsealing: %s", strerror(-r));
	*msg = cipher;
	*ret_sealed = ch->sess;
	return 0;
}

static struct call *find_call(struct conn *c, uint64_t mid)
{
	struct call *call;

	list_foreach(call, &c->calls, link)
		if (call->message_id == mid)
			return call;
	return NULL;
}

/* Which key an answer must be signed with: the channel's, or while it is being bound the session's.
 */
static struct sign_key *verify_key(struct conn *c, struct sess *s)
{
	struct chan *ch = conn_find_chan(c, s);

	return ch && ch->sign ? ch->sign : s->sign;
}

static int unprotected(struct conn *c, const struct smb2_hdr *h, const char *what)
{
	char buf[11];

	return conn_fail(c, -EPROTO, "the answer to message %llu (command %u, %s) %s",
			 (unsigned long long)h->message_id, h->command,
			 ntstatus_str(h->status, buf), what);
}

/* MS-SMB2 3.2.5.1.1 to 3.2.5.1.3. */
static int check_protection(struct conn *c, const struct call *call, const struct smb2_hdr *h,
			    struct blob msg, const struct sess *sealed)
{
	struct iovec iov = { .iov_base = (void *)msg.data, .iov_len = msg.len };
	struct sess *s = call->sess;
	struct sign_key *key;
	int r;

	if (sealed) {
		if (s && s != sealed)
			return unprotected(c, h, "is sealed with another session's key");
		return 0;
	}
	/* The answers of SESSION_SETUP are judged by login.c, when the key is there. */
	if (!s || !s->established || s->anonymous || call->command == SMB2_SESSION_SETUP)
		return 0;
	/* A server that no longer knows the session has no key for its answer (3.3.4.1.1). */
	if (h->status.v == NTSTATUS_USER_SESSION_DELETED && !(h->flags & SMB2_FLAGS_SIGNED))
		return 0;
	if (s->want_seal && h->status.v != NTSTATUS_PENDING)
		return unprotected(c, h, "is not sealed");
	if (h->flags & SMB2_FLAGS_SIGNED) {
		key = verify_key(c, s);
		r = key ? sign_verify(key, &iov, 1) : -EBADMSG;
		if (r < 0)
			return unprotected(c, h, "has a wrong signature");
	} else if (s->want_sign && h->status.v != NTSTATUS_PENDING) {
		return unprotected(c, h, "is not signed");
	}
	return 0;
}

static int finish_call(struct conn *c, struct call *call, const struct smb2_hdr *h, struct blob msg)
{
	void *copy;

	list_remove(&call->link);
	call->state = CALL_DONE;
	call->done_ns = conn_now();
	call->hdr = *h;
	if (call->done) {
		call->done(call, h, msg);
		return 0;
	}
	copy = malloc(msg.len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, msg.data, msg.len);
	call->reply = BLOB(copy, msg.len);
	return 0;
}

static int take_break(struct conn *c, struct blob msg)
{
	struct smb2_break b;

	if (smb2_break_resp_decode(msg, &b) < 0 || b.kind == SMB2_BREAK_LEASE_ACK)
		return conn_fail(c, -EPROTO, "the notification of a break is malformed");
	if (c->n_broken == CONN_BROKEN_MAX)
		memmove(&c->broken[0], &c->broken[1], --c->n_broken * sizeof(b));
	c->broken[c->n_broken++] = b;
	return 0;
}

static int take_element(struct conn *c, struct blob msg, const struct sess *sealed)
{
	struct smb2_hdr h;
	struct call *call;
	int r;

	if (smb2_hdr_decode(msg, &h) < 0)
		return conn_fail(c, -EPROTO, "an answer's header is malformed");
	if (!(h.flags & SMB2_FLAGS_SERVER_TO_REDIR))
		return conn_fail(c, -EPROTO, "an answer is marked as a request");
	if (h.message_id == UINT64_MAX) {
		if (h.command != SMB2_OPLOCK_BREAK)
			return conn_fail(c, -EPROTO, "a notification of command %u", h.command);
		return take_break(c, msg);
	}
	c->credits += h.credits;
	call = find_call(c, h.message_id);
	if (!call)
		return conn_fail(c, -EPROTO,
				 "an answer to message %llu, which does not wait for one",
				 (unsigned long long)h.message_id);
	if (call->command != h.command)
		return conn_fail(c, -EPROTO,
				 "message %llu was command %u, its answer is of command %u",
				 (unsigned long long)h.message_id, call->command, h.command);
	if (c->check) {
		r = check_protection(c, call, &h, msg, sealed);
		if (r < 0)
			return r;
	}
	if (h.status.v == NTSTATUS_PENDING && (h.flags & SMB2_FLAGS_ASYNC_COMMAND)) {
		if (call->state == CALL_PENDING)
			return conn_fail(c, -EPROTO, "a second interim response");
		call->state = CALL_PENDING;
		call->async_id = h.async_id;
		call->interims++;
		return 0;
	}
	if (call->state == CALL_PENDING &&
	    (!(h.flags & SMB2_FLAGS_ASYNC_COMMAND) || h.async_id != call->async_id))
		return conn_fail(c, -EPROTO,
				 "the final response has not the async id of the interim one");
	return finish_call(c, call, &h, msg);
}

int conn_receive(struct conn *c, uint64_t deadline)
{
	struct sess *sealed = NULL;
	struct blob msg, element;
	struct rd r;
	int err;

	err = take_message(c, deadline, &msg);
	if (err < 0)
		return err;
	if (msg.len == 0)
		return 0;
	if (smb2_kind_of(msg) == SMB2_KIND_TRANSFORM) {
		err = unseal(c, &msg, &sealed);
		if (err < 0)
			return err;
	}
	if (smb2_kind_of(msg) != SMB2_KIND_SMB2)
		return conn_fail(c, -EPROTO, "what came is no SMB2 message");
	r = rd_of(msg);
	while ((err = smb2_compound_next(&r, &element)) > 0) {
		err = take_element(c, element, sealed);
		if (err < 0)
			return err;
	}
	return err < 0 ? conn_fail(c, -EPROTO, "a compound response is malformed") : 0;
}

int conn_wait(struct conn *c, struct call *call, bool interim, uint64_t deadline)
{
	int r;

	while (call->state != CALL_DONE && !(interim && call->state == CALL_PENDING)) {
		r = conn_receive(c, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

int conn_wait_close(struct conn *c, uint64_t deadline)
{
	int r;

	for (;;) {
		c->in_start = c->in_end = 0;
		r = fill(c, 4096);
		if (r == -EPIPE)
			return 0;
		if (r == 0)
			r = wait_for(c, POLLIN, deadline);
		if (r < 0)
			return r;
	}
}
