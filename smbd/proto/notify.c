/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Break notifications on their way to a client. Home worker's thread. */
#include "smbd/proto/notify.h"

#include "smbd/proto/chain.h"

#define BREAK_MAX 44

/* A message in one malloc: struct, iovecs, header and body. */
struct notification {
	struct smb_out out;
	struct iovec iov[2];
	uint8_t body[SMB2_HDR_LEN + BREAK_MAX];
};

static struct conn *choose(const struct session *s, const struct conn *not)
{
	struct conn *last = NULL;
	struct channel *ch;

	list_foreach(ch, &s->channels, in_session) {
		if (!ch->valid || !ch->conn || ch->conn->dead)
			continue;
		last = ch->conn;
		if (last != not)
			return last;
	}
	return last;
}

int notify_break(struct session *s, const struct conn *not, const struct smb2_break *b, enum notify_order order,
		 const struct conn **ret)
{
	struct smb2_hdr h = { .command = SMB2_OPLOCK_BREAK,
			      .flags = SMB2_FLAGS_SERVER_TO_REDIR,
			      .message_id = UINT64_MAX };
	struct conn *c = s->state == SESSION_CLOSING ? NULL : choose(s, not);
	struct notification *n;
	struct wr w;

	if (!c)
		return -ENOTCONN;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	w = wr_fixed(n->body, sizeof(n->body));
	(void)smb2_hdr_encode(&w, &h);
	smb2_break_encode(&w, 0, b);
	assert(wr_ok(&w));
	n->iov[1] = (struct iovec){ n->body, w.len };
	n->out.iov = n->iov;
	n->out.iovcnt = 2;
	n->iov[0] = (struct iovec){ n->out.head, SMB2_FRAME_LEN };
	n->out.bytes = SMB2_FRAME_LEN + w.len;
	smb2_frame_encode(n->out.head, (uint32_t)w.len);
	list_init(&n->out.link);
	if (order == NOTIFY_BEHIND)
		conn_queue_behind(c, &n->out);
	else
		conn_queue(c, &n->out);
	*ret = c;
	return 0;
}
