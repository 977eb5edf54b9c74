/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way into a connection: takes frames from the socket (direct TCP, MS-SMB2 2.1) and starts a
 * task for each. Small frames come out of one buffer, several per system call; a large one is read
 * to where it stays. Home worker's thread.
 */
#include "node/log/log.h"
#include "node/loop/io.h"
#include "smbd/proto/chain.h"

#define READ_BUF_SIZE 16384u
/* What one connection may have read but not answered, and what it may leave unread of its answers,
 * in bytes. */
#define IN_FLIGHT_MAX (64u << 20)
#define OUT_MAX (64u << 20)
/* A request's fixed part and contexts beyond its payload. */
#define FRAME_EXTRA (128u << 10)

struct reader {
	struct conn *conn;
	size_t pos, len;
	uint8_t buf[READ_BUF_SIZE];
};

void conn_check_room(struct conn *c)
{
	bool room = c->in_flight_bytes < IN_FLIGHT_MAX && c->out_bytes < OUT_MAX &&
		    c->n_chains < c->credits.max + 1;

	if (room)
		gate_open(&c->in_room);
	else
		gate_close(&c->in_room);
}

static uint32_t frame_limit(const struct conn *c)
{
	uint64_t n;

	if (!c->authenticated)
		return (uint32_t)MIN(c->worker->tunables.max_unauthenticated_bytes,
				     (uint64_t)SMB2_FRAME_MAX);
	n = (uint64_t)MAX(c->max_write, c->max_transact) + FRAME_EXTRA;
	return (uint32_t)MIN(n, (uint64_t)SMB2_FRAME_MAX);
}

/* Has at least `n` (at most 4) unread bytes in the buffer. */
static int reader_fill(struct reader *rd, size_t n)
{
	int r;

	while (rd->len - rd->pos < n) {
		if (rd->pos > 0) {
			memmove(rd->buf, rd->buf + rd->pos, rd->len - rd->pos);
			rd->len -= rd->pos;
			rd->pos = 0;
		}
		r = io_recv(rd->conn->fd, rd->buf + rd->len, READ_BUF_SIZE - rd->len, 0, 0);
		if (r < 0)
			return r;
		if (r == 0)
			return rd->len == 0 ? -EPIPE : -ECONNRESET;
		rd->len += (size_t)r;
	}
	return 0;
}

/* Reads the body of a frame of `n` bytes into memory of its own. */
static int reader_body(struct reader *rd, uint32_t n, uint8_t **ret)
{
	_cleanup_free_ uint8_t *frame = malloc(n);
	size_t have = MIN((size_t)n, rd->len - rd->pos);
	int r;

	if (!frame)
		return -ENOMEM;
	memcpy(frame, rd->buf + rd->pos, have);
	rd->pos += have;
	if (have < n) {
		r = io_recv_full(rd->conn->fd, frame + have, n - have, 0);
		if (r < 0)
			return r == -EPIPE ? -ECONNRESET : r;
	}
	*ret = TAKE_PTR(frame);
	return 0;
}

/* Takes one frame and starts its task. 0; 1: `*ret_rule` was broken; negative: the socket ended. */
static int reader_frame(struct reader *rd, const char **ret_rule)
{
	struct conn *c = rd->conn;
	uint8_t *frame = NULL;
	uint32_t n;
	int r;

	r = reader_fill(rd, SMB2_FRAME_LEN);
	if (r < 0)
		return r;
	r = smb2_frame_decode(rd->buf + rd->pos, &n);
	if (r < 0) {
		*ret_rule = "malformed frame";
		return 1;
	}
	rd->pos += SMB2_FRAME_LEN;
	if (r > 0) /* NetBIOS keep-alive */
		return 0;
	if (n < SMB2_HDR_LEN - 12u || n > frame_limit(c)) {
		*ret_rule = "frame length";
		return 1;
	}
	r = reader_body(rd, n, &frame);
	if (r < 0)
		return r;
	r = chain_start(c, frame, n);
	if (r < 0) {
		*ret_rule = "out of memory";
		return 1;
	}
	return 0;
}

void conn_reader(void *arg)
{
	struct conn *c = arg;
	struct reader *rd = malloc(sizeof(*rd));
	const char *rule = NULL;
	int r = 0;

	c->reader = task_current();
	if (rd) {
		rd->conn = c;
		rd->pos = rd->len = 0;
	} else {
		rule = "out of memory";
	}
	while (!rule && !c->dead && r >= 0) {
		r = gate_wait(&c->in_room, 0);
		if (r >= 0 && !c->dead)
			r = reader_frame(rd, &rule);
	}
	if (rule)
		conn_drop(c, rule);
	else
		conn_drop(c, NULL);
	free(rd);
	conn_teardown(c);
	conn_unref(c);
}
