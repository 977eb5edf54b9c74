/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of the test client: headers, credits, signatures, sealing. One thread. */
#include "tests/client/msg.h"

#include <sys/uio.h>

#include "smbd/wire/empty.h"

/* Room before the first header for the frame and a transform header. */
#define HEADROOM 64

void msg_begin(struct msg *m, struct conn *c)
{
	*m = (struct msg){ .c = c, .w = wr_fixed(c->out, c->out_cap) };
	wr_zero(&m->w, HEADROOM);
	c->error[0] = 0;
}

/* MS-SMB2 3.1.5.2 */
static uint16_t credit_charge(const struct conn *c, size_t payload)
{
	if (!c->large_mtu || payload <= 65536)
		return 1;
	return (uint16_t)((payload - 1) / 65536 + 1);
}

static int take_credits(struct conn *c, uint16_t charge)
{
	uint64_t deadline = conn_deadline(c);
	int r;

	while (c->credits < charge && !c->ignore_credits) {
		if (list_empty(&c->calls))
			return conn_fail(
				c, -EPROTO,
				"the server left the client with %u credits, %u are needed",
				c->credits, charge);
		r = conn_receive(c, deadline);
		if (r < 0)
			return r;
	}
	c->credits -= MIN((uint32_t)charge, c->credits);
	return 0;
}

/* The key for a request: the channel's, and the session's while the channel is being bound
 * (3.2.4.1.1). */
static struct sign_key *signing_key(struct conn *c, struct sess *s)
{
	struct chan *ch = conn_find_chan(c, s);

	return ch && ch->valid ? ch->sign : s->sign;
}

static void start_call(struct msg *m, struct call *call, const struct msg_head *h)
{
	struct conn *c = m->c;
	const struct msg_lies *lies = h->lies;

	call->command = h->command;
	call->sess = h->sess;
	call->charge = credit_charge(c, h->payload);
	if (lies && lies->has_mid) {
		call->message_id = lies->mid;
		return;
	}
	if (!(lies && lies->quiet) && m->err == 0)
		m->err = take_credits(c, call->charge);
	call->message_id = c->next_mid;
	c->next_mid += call->charge;
}

size_t msg_add(struct msg *m, struct call *call, const struct msg_head *h)
{
	struct conn *c = m->c;
	struct smb2_hdr hdr = { .command = h->command,
				.tree_id = h->tree_id,
				.process_id = 0xfeff };
	struct sess *s = h->sess;
	bool protect = s && s->established && !s->anonymous;
	size_t at;

	if (m->n == MSG_MAX_ELEMENTS) {
		m->err = conn_fail(c, -E2BIG, "a compound has at most %d requests",
				   MSG_MAX_ELEMENTS);
		return m->el[m->n - 1].hdr;
	}
	if (m->n)
		smb2_compound_link(&m->w, m->el[m->n - 1].hdr);
	start_call(m, call, h);
	hdr.credit_charge = c->large_mtu ? call->charge : 0;
	hdr.credits = (uint16_t)MAX(c->want_credits, call->charge);
	hdr.flags = h->flags;
	hdr.message_id = call->message_id;
	hdr.session_id = s ? s->id : 0;
	hdr.channel_sequence = h->channel_sequence;
	if (protect &&
	    ((s->want_seal && !(h->lies && h->lies->plain)) || (h->lies && h->lies->seal)))
		m->seal = s;
	if (protect && (s->want_sign || h->sign) && !m->seal && !(h->lies && h->lies->no_sign)) {
		m->el[m->n].sign = signing_key(c, s);
		hdr.flags |= SMB2_FLAGS_SIGNED;
	}
	if (m->n)
		m->el[m->n - 1].end = wr_mark(&m->w);
	at = smb2_hdr_encode(&m->w, &hdr);
	m->el[m->n].hdr = at;
	m->el[m->n].call = call;
	m->el[m->n].lies = h->lies;
	m->n++;
	return at;
}

static void tell_lies(struct msg *m, size_t hdr, const struct msg_lies *lies)
{
	unsigned int i, k;
	size_t at;

	for (i = 0; i < lies->n; i++)
		for (k = 0; k < lies->v[i].width; k++) {
			at = hdr + lies->v[i].off + k;
			if (at < m->w.len)
				m->w.base[at] = (uint8_t)(lies->v[i].value >> (8 * k));
		}
}

/* The answer is to what was sent, lies and all. */
static void believe(struct msg *m, size_t hdr, struct call *call)
{
	struct rd r = rd_init(m->w.base + hdr, SMB2_HDR_LEN);
	uint16_t command;

	rd_skip(&r, 12);
	command = rd_le16(&r);
	rd_skip(&r, 10);
	call->other_command = command != call->command;
	call->command = command;
	call->message_id = rd_le64(&r);
}

static int sign_elements(struct msg *m)
{
	struct iovec iov[2];
	unsigned int i;
	int r;

	for (i = 0; i < m->n; i++) {
		bool last = i + 1 == m->n;

		if (m->el[i].lies && m->el[i].lies->n) {
			tell_lies(m, m->el[i].hdr, m->el[i].lies);
			believe(m, m->el[i].hdr, m->el[i].call);
		}
		if (!m->el[i].sign || m->seal)
			continue;
		iov[0] = (struct iovec){ m->w.base + m->el[i].hdr, m->el[i].end - m->el[i].hdr };
		iov[1] = (struct iovec){ (void *)m->tail.data, m->tail.len };
		r = sign_message(m->el[i].sign, iov, last && m->tail.len ? 2 : 1);
		if (r < 0)
			return r;
		if (m->el[i].lies && m->el[i].lies->bad_sign)
			m->w.base[m->el[i].hdr + SMB2_HDR_OFF_SIGNATURE + 3] ^= 0x10;
	}
	return 0;
}

/* Copies the tail behind the rest, so that lies, cuts and sealing see one piece of memory. */
static int join_tail(struct msg *m)
{
	struct conn *c = m->c;
	uint8_t *p;

	if (c->out_cap - m->w.len < m->tail.len) {
		p = realloc(c->out, m->w.len + m->tail.len);
		if (!p)
			return -ENOMEM;
		c->out = p;
		c->out_cap = m->w.len + m->tail.len;
		m->w.base = p;
		m->w.cap = m->w.limit = c->out_cap;
	}
	wr_put(&m->w, m->tail);
	m->el[m->n - 1].end = m->w.len;
	m->tail = BLOB(NULL, 0);
	return wr_end(&m->w);
}

static int seal(struct msg *m, uint8_t *transform)
{
	struct smb2_transform t = {
		.original_size = (uint32_t)(m->w.len - HEADROOM),
		.flags = SMB2_TRANSFORM_FLAG_ENCRYPTED,
		.session_id = m->seal->id,
	};
	struct iovec iov = { m->w.base + HEADROOM, m->w.len - HEADROOM };

	if (!m->seal->seal_out)
		return conn_fail(m->c, -EINVAL, "the session has no keys to seal with");
	smb2_transform_encode(transform, &t);
	return seal_encrypt(m->seal->seal_out, transform, &iov, 1);
}

static int send_bytes(struct msg *m, const struct msg_lies *lies)
{
	uint8_t *start = m->w.base + HEADROOM;
	size_t len = m->w.len - HEADROOM;
	struct iovec iov[2];
	int r;

	if (m->seal) {
		start -= SMB2_TRANSFORM_LEN;
		len += SMB2_TRANSFORM_LEN;
		r = seal(m, start);
		if (r < 0)
			return r;
		if (lies && lies->bad_seal)
			start[len - 1] ^= 1;
	}
	if (lies && lies->cut)
		len -= MIN(lies->cut, len);
	smb2_frame_encode(start - SMB2_FRAME_LEN,
			  lies && lies->has_frame ? lies->frame : (uint32_t)(len + m->tail.len));
	iov[0] = (struct iovec){ start - SMB2_FRAME_LEN, len + SMB2_FRAME_LEN };
	iov[1] = (struct iovec){ (void *)m->tail.data, m->tail.len };
	return conn_send(m->c, iov, m->tail.len ? 2 : 1);
}

int msg_send(struct msg *m)
{
	const struct msg_lies *lies = m->n ? m->el[m->n - 1].lies : NULL;
	unsigned int i;
	int r = m->err;

	if (r < 0 || m->n == 0)
		return r;
	if (lies)
		wr_put(&m->w, lies->append);
	m->el[m->n - 1].end = m->w.len;
	if (wr_end(&m->w) < 0)
		return conn_fail(m->c, -E2BIG, "the message is too long for the client");
	if (m->tail.len && (m->seal || lies))
		r = join_tail(m);
	if (r == 0)
		r = sign_elements(m);
	for (i = 0; i < m->n && r == 0; i++)
		if (m->el[i].call->command != SMB2_CANCEL)
			conn_add_call(m->c, m->el[i].call);
	return r < 0 ? r : send_bytes(m, lies);
}

struct blob msg_bytes(const struct msg *m)
{
	size_t hdr = m->el[m->n - 1].hdr;

	return BLOB(m->w.base + hdr, m->w.len - hdr);
}

int msg_cancel(struct conn *c, const struct call *call)
{
	struct msg_lies mid = { .has_mid = true, .mid = call->message_id };
	struct msg_head h = { .command = SMB2_CANCEL, .sess = call->sess, .lies = &mid };
	struct call none = { 0 };
	struct msg m;
	size_t hdr;

	msg_begin(&m, c);
	hdr = msg_add(&m, &none, &h);
	smb2_empty_encode(&m.w);
	if (call->state == CALL_PENDING) {
		uint32_t flags = SMB2_FLAGS_ASYNC_COMMAND | (m.el[0].sign ? SMB2_FLAGS_SIGNED : 0);

		wr_patch_le32(&m.w, hdr + SMB2_HDR_OFF_FLAGS, flags);
		wr_patch_le32(&m.w, hdr + 32, (uint32_t)call->async_id);
		wr_patch_le32(&m.w, hdr + 36, (uint32_t)(call->async_id >> 32));
	}
	return msg_send(&m);
}

int msg_raw(struct conn *c, struct blob bytes, bool frame, uint32_t frame_len)
{
	uint8_t f[SMB2_FRAME_LEN];
	struct iovec iov[2] = { { f, sizeof(f) }, { (void *)bytes.data, bytes.len } };

	/* Not smb2_frame_encode(): the length may be one that no frame can have. */
	f[0] = (uint8_t)(frame_len >> 24);
	f[1] = (uint8_t)(frame_len >> 16);
	f[2] = (uint8_t)(frame_len >> 8);
	f[3] = (uint8_t)frame_len;
	return frame ? conn_send(c, iov, 2) : conn_send(c, iov + 1, 1);
}

int msg_call(struct conn *c, const struct msg_head *h, msg_encode_fn *encode, const void *req,
	     struct call *call)
{
	struct msg m;
	size_t hdr;
	int r;

	msg_begin(&m, c);
	hdr = msg_add(&m, call, h);
	encode(&m.w, hdr, req);
	r = msg_send(&m);
	if (r == 0)
		r = conn_wait(c, call, false, conn_deadline(c));
	if (r < 0)
		call_done(call);
	return r;
}
