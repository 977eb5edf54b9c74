/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One message of the test client, with one request or a compound of several: put together in the
 *connection's buffer, signed or sealed, and sent. A request may carry lies, for servers that must
 *not believe them.
 *
 *	msg_begin(&m, conn);
 *	hdr = msg_add(&m, &call, &head);
 *	smb2_echo_encode(&m.w, ...);        the body, by a codec of smbd/wire
 *	msg_send(&m);
 *	conn_wait(conn, &call, false, deadline);
 */
#ifndef HF_TESTS_CLIENT_MSG_H
#define HF_TESTS_CLIENT_MSG_H

#include "tests/client/conn.h"

#define MSG_MAX_ELEMENTS 64
#define MSG_MAX_LIES 16

/* `width` bytes (1, 2, 4, 8) at `off` from the request's header become `value`. */
struct msg_lie {
	uint32_t off;
	uint8_t width;
	uint64_t value;
};

/* What one request does differently from what is right. All zero: nothing. */
struct msg_lies {
	struct msg_lie v[MSG_MAX_LIES];
	unsigned int n;
	bool no_sign; /* send unsigned */
	bool bad_sign; /* a signature with one wrong bit */
	bool plain; /* do not seal although the session wants it */
	bool seal; /* seal although nobody asks */
	bool bad_seal; /* one wrong bit of cipher text */
	bool has_mid, has_frame;
	bool quiet; /* do not wait for credits */
	uint64_t mid; /* this message id, which need not be in sequence */
	uint32_t frame; /* this length in the frame */
	size_t cut; /* so many bytes fewer at the end of the message */
	struct blob append; /* these bytes more */
};

struct msg_head {
	uint16_t command;
	struct sess *sess; /* NULL: session id 0 */
	uint32_t tree_id;
	uint32_t flags; /* RELATED_OPERATIONS, REPLAY_OPERATION, DFS_OPERATIONS */
	size_t payload; /* bytes sent or expected, whichever is more: gives the credit charge */
	uint16_t channel_sequence;
	bool sign; /* although the session does not want it */
	const struct msg_lies *lies; /* may be NULL; lives until the message is sent */
};

struct msg {
	struct conn *c;
	struct wr w;
	struct {
		size_t hdr, end;
		struct call *call;
		struct sign_key *sign; /* NULL: unsigned */
		const struct msg_lies *lies;
	} el[MSG_MAX_ELEMENTS];
	unsigned int n;
	struct sess *seal; /* NULL: plain */
	struct blob tail; /* data of the last element, sent from where it is */
	int err;
};

/* Starts a message; the connection's last one is gone then. */
void msg_begin(struct msg *m, struct conn *c);
/* Adds a request and returns the mark of its header for the body's codec. Takes a message id and
 * credits: waits for answers when there are too few credits. `call` starts to wait when the message
 * is sent. */
size_t msg_add(struct msg *m, struct call *call, const struct msg_head *h);
/* Signs or seals and sends. 0 or a fault of conn.h. */
int msg_send(struct msg *m);
/* The bytes of the last element as they were sent, when the message was not sealed; until the next
 * msg_begin(). */
struct blob msg_bytes(const struct msg *m);
/* Sends CANCEL for a call (which may be unsigned only when its session is). */
int msg_cancel(struct conn *c, const struct call *call);
/* Sends bytes, with a frame that says `frame_len`, or without a frame. */
int msg_raw(struct conn *c, struct blob bytes, bool frame, uint32_t frame_len);

/* Sends one request whose body `encode` makes and waits for its answer. 0 with call->hdr and
 * call->reply. */
typedef void msg_encode_fn(struct wr *w, size_t hdr, const void *req);
int msg_call(struct conn *c, const struct msg_head *h, msg_encode_fn *encode, const void *req,
	     struct call *call);

#endif
