/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Responses: header, credits, compound links, signature, encryption, and the message that goes to
 * the sender (MS-SMB2 3.3.4.1). Home worker's thread; large messages are signed and sealed on the
 * offload pool.
 */
#include "node/log/log.h"
#include "smbd/proto/chain.h"
#include "smbd/wire/error.h"

/* Statuses that are errors by severity and yet carry a body of their own (3.3.4.4) do so by
 * req_error_body(). */
static bool needs_error_body(const struct smb_req *req)
{
	if (req->error_body)
		return false;
	if (ntstatus_eq(req->status, NT_STATUS_MORE_PROCESSING_REQUIRED) &&
	    req->hdr.command == SMB2_SESSION_SETUP)
		return false;
	return ntstatus_is_error(req->status) || req->out.len <= SMB2_HDR_LEN;
}

static void forget_data(struct smb_req *req)
{
	if (req->data.free)
		req->data.free(req->data.arg);
	req->data = (struct req_data){ .iov = { NULL, 0 } };
}

static void header_encode(struct smb_req *req, uint8_t *out, struct ntstatus status,
			  uint16_t credits, bool async)
{
	struct smb2_hdr h = {
		.command = req->hdr.command,
		.credit_charge = req->hdr.credit_charge,
		.credits = credits,
		.status = status,
		.flags =
			SMB2_FLAGS_SERVER_TO_REDIR |
			(req->hdr.flags & (SMB2_FLAGS_RELATED_OPERATIONS |
					   SMB2_FLAGS_PRIORITY_MASK | SMB2_FLAGS_REPLAY_OPERATION)),
		.message_id = req->hdr.message_id,
		.process_id = req->hdr.process_id,
		.tree_id = req->tree_id ? req->tree_id : req->hdr.tree_id,
		.session_id = req->session ? req->session->id : req->hdr.session_id,
	};
	struct wr w = wr_fixed(out, SMB2_HDR_LEN);

	if (async) {
		h.flags |= SMB2_FLAGS_ASYNC_COMMAND;
		h.async_id = req->async_id;
	}
	(void)smb2_hdr_encode(&w, &h);
}

static uint16_t grant(struct smb_req *req)
{
	struct conn *c = req->conn;
	uint16_t charge = c->multi_credit ? MAX(req->hdr.credit_charge, (uint16_t)1) : 1;

	return credit_grant(&c->credits, req->hdr.credits, charge);
}

void reply_finish(struct smb_req *req)
{
	if (req->out.err) {
		req->status = NT_STATUS_INSUFFICIENT_RESOURCES;
		req->error_body = false;
		req->out.err = false;
		req->out.len = MIN(req->out.len, (size_t)SMB2_HDR_LEN);
	}
	if (needs_error_body(req)) {
		forget_data(req);
		req->out.len = SMB2_HDR_LEN;
		smb2_error_resp_encode_plain(&req->out, 0);
	}
	header_encode(req, req->out.base, req->status, req->interim_sent ? 0 : grant(req),
		      req->interim_sent);
}

/* What the response is signed with (3.3.4.1.1); NULL: it is not. A channel that is being bound has
 * no key yet: until the exchange has ended well, the session's stands in. With AES-GMAC no other
 * message than SESSION_SETUP may be signed with the key of another connection: the nonce is made of
 * the message id. */
static struct sign_key *signature_key(const struct smb_req *req)
{
	const struct channel *ch = req->channel;

	if (req->encrypted)
		return NULL;
	if (req->bind && !(ch && ch->valid))
		return req->bind->sign;
	if (!req->session || !ch)
		return NULL;
	if (ch->binding)
		return req->signed_ok ? req->session->sign : NULL;
	if (req->sign || (ch->valid && (req->signed_ok || req->session->sign_required)))
		return ch->sign;
	return NULL;
}

void reply_choose_key(struct smb_req *req)
{
	req->sign_key = signature_key(req);
}

/* One response within a message. */
struct piece {
	struct smb_req *req;
	int first, count; /* of out->iov */
};

struct assembly {
	struct smb_out *out;
	struct piece *pieces;
	unsigned int n;
	struct seal_key *seal;
	int result;
};

/* What the response adds to a hash: as it is sent, with its signature. It is alone in its message.
 */
static void preauth_take(struct smb_req *req, const struct smb_out *out)
{
	if (req->preauth && preauth_update(req->preauth, out->iov + 1, out->iovcnt - 1) < 0)
		log_err("preauthentication hash failed: client=%s", req->conn->name);
	req->preauth = NULL;
}

static void assembly_protect(void *arg)
{
	struct assembly *a = arg;
	unsigned int i;

	for (i = 0; i < a->n && a->result == 0; i++) {
		struct piece *p = &a->pieces[i];
		struct sign_key *key = p->req->sign_key;

		if (key)
			a->result = sign_message(key, a->out->iov + p->first, p->count);
		preauth_take(p->req, a->out);
	}
	if (a->seal && a->result == 0)
		a->result = seal_encrypt(a->seal, a->out->head + SMB2_FRAME_LEN, a->out->iov + 1,
					 a->out->iovcnt - 1);
}

/* Writes frame (and transform) header into `out->head`; out->bytes is the sum of what follows it.
 */
static void head_encode(struct smb_out *out, const struct session *sealed)
{
	struct smb2_transform t;
	size_t n = SMB2_FRAME_LEN;

	if (sealed) {
		t = (struct smb2_transform){ .original_size = (uint32_t)out->bytes,
					     .flags = SMB2_TRANSFORM_FLAG_ENCRYPTED,
					     .session_id = sealed->id };
		smb2_transform_encode(out->head + SMB2_FRAME_LEN, &t);
		n += SMB2_TRANSFORM_LEN;
	}
	out->bytes += n;
	smb2_frame_encode(out->head, (uint32_t)(out->bytes - SMB2_FRAME_LEN));
	out->iov[0] = (struct iovec){ out->head, n };
}

/* Adds a response; all but the last one are padded to 8 bytes and linked. */
static void piece_add(struct assembly *a, struct smb_req *req, bool last)
{
	struct smb_out *out = a->out;
	struct piece *p = &a->pieces[a->n++];
	size_t len = req->out.len + req->data.iov.iov_len;
	size_t pad = last ? 0 : -len & 7;
	uint32_t flags = 0;
	struct rd r = rd_init(req->out.base, req->out.len);

	*p = (struct piece){ .req = req, .first = out->iovcnt };
	if (!last)
		wr_patch_le32(&req->out, SMB2_HDR_OFF_NEXT, (uint32_t)(len + pad));
	if (req->sign_key) {
		rd_skip(&r, SMB2_HDR_OFF_FLAGS);
		flags = rd_le32(&r) | SMB2_FLAGS_SIGNED;
		wr_patch_le32(&req->out, SMB2_HDR_OFF_FLAGS, flags);
	}
	if (pad && req->data.iov.iov_len == 0)
		wr_zero(&req->out, pad);
	out->iov[out->iovcnt++] = (struct iovec){ req->out.base, req->out.len };
	if (req->data.iov.iov_len > 0) {
		out->iov[out->iovcnt++] = req->data.iov;
		if (pad)
			out->iov[out->iovcnt++] = (struct iovec){ req->pad, pad };
	}
	if (req->data.free || req->data.iov.iov_len > 0)
		out->datas[out->n_datas++] = req->data;
	p->count = out->iovcnt - p->first;
	out->bytes += len + pad;
}

/* Everything is in the chain's arena, so that it lives until the message was sent. */
static struct smb_out *out_new(struct chain *ch, unsigned int n, struct piece **ret_pieces)
{
	struct smb_out *out = arena_new(&ch->arena, struct smb_out);

	if (!out)
		return NULL;
	out->iov = arena_calloc(&ch->arena, 3 * (size_t)n + 1, sizeof(*out->iov));
	out->datas = arena_calloc(&ch->arena, n, sizeof(*out->datas));
	*ret_pieces = arena_calloc(&ch->arena, n, sizeof(**ret_pieces));
	if (!out->iov || !out->datas || !*ret_pieces)
		return NULL;
	out->chain = ch;
	ch->refs++;
	out->iovcnt = 1;
	list_init(&out->link);
	return out;
}

static void release(struct smb_req *req)
{
	list_remove(&req->in_chain);
	channel_unref(TAKE_PTR(req->channel));
	session_unref(TAKE_PTR(req->session));
	session_unref(TAKE_PTR(req->bind));
}

void reply_forget(struct smb_req *req)
{
	forget_data(req);
	release(req);
}

void reply_queue(struct chain *ch, struct list *reqs)
{
	struct assembly a = { 0 };
	struct list mine = LIST_INIT(mine);
	struct smb_req *req, *tmp;
	unsigned int n = 0;

	list_splice(&mine, reqs); /* a timer must not queue them too */
	list_foreach(req, &mine, in_chain)
		n++;
	a.out = out_new(ch, n, &a.pieces);
	if (!a.out) {
		list_foreach_safe(req, tmp, &mine, in_chain)
			reply_forget(req);
		conn_drop(ch->conn, "out of memory for a response");
		return;
	}
	list_foreach(req, &mine, in_chain)
		piece_add(&a, req, req->in_chain.next == &mine);
	a.seal = ch->sealed ? ch->sealed->seal_out : NULL;
	head_encode(a.out, ch->sealed);
	if (a.out->bytes >= CHAIN_OFFLOAD_BYTES && !a.pieces[0].req->preauth &&
	    ch->task && task_current() == ch->task)
		offload_run(assembly_protect, &a);
	else
		assembly_protect(&a);
	list_foreach_safe(req, tmp, &mine, in_chain)
		release(req);
	if (a.result < 0) {
		log_err("response could not be protected: client=%s error=%s", ch->conn->name,
			log_errno(a.result));
		conn_drop(ch->conn, "response could not be protected");
		smb_out_free(a.out);
		return;
	}
	conn_queue(ch->conn, a.out);
}

/* A small message in one malloc: struct, two iovecs, header and error body. */
struct interim {
	struct smb_out out;
	struct iovec iov[2];
	uint8_t body[SMB2_HDR_LEN + 16];
};

void reply_interim(struct smb_req *req)
{
	struct chain *ch = req->chain;
	struct interim *m = calloc(1, sizeof(*m));
	struct wr w;

	if (!m) {
		conn_drop(req->conn, "out of memory for an interim response");
		return;
	}
	chain_flush(ch); /* what was finished before it in the compound */
	w = wr_fixed(m->body, sizeof(m->body));
	wr_zero(&w, SMB2_HDR_LEN);
	smb2_error_resp_encode_plain(&w, 0);
	/* Never signed: with AES-GMAC the final response has the same nonce (MS-SMB2 3.2.5.1.3 has
	 * clients not check it). */
	header_encode(req, m->body, NT_STATUS_PENDING, grant(req), true);
	m->out.iov = m->iov;
	m->out.iovcnt = 2;
	m->iov[1] = (struct iovec){ m->body, w.len };
	m->out.bytes = w.len;
	list_init(&m->out.link);
	head_encode(&m->out, ch->sealed);
	req->interim_sent = true;
	if (ch->sealed && seal_encrypt(ch->sealed->seal_out, m->out.head + SMB2_FRAME_LEN,
				       m->out.iov + 1, 1) < 0) {
		free(m);
		conn_drop(req->conn, "response could not be protected");
		return;
	}
	conn_queue(req->conn, &m->out);
	ch->waits = true;
	conn_let_go(req->conn);
}
