/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a frame to its requests: decrypts, splits the compound, uses up the message ids and handles
 * the elements one after the other in one task. Home worker's thread.
 */
#include "smbd/proto/chain.h"

#include "node/log/log.h"
#include "node/wire/rd.h"

/* What a chain may take besides the largest response: headers, decoded arrays, names. */
#define CHAIN_ARENA_EXTRA (4u << 20)

static void chain_forget(struct chain *ch)
{
	open_unref(TAKE_PTR(ch->open));
	tree_unref(TAKE_PTR(ch->tree));
	channel_unref(TAKE_PTR(ch->channel));
	session_unref(TAKE_PTR(ch->session));
}

void chain_unref(struct chain *ch)
{
	struct conn *c;

	if (--ch->refs > 0)
		return;
	c = ch->conn;
	chain_forget(ch);
	session_unref(ch->sealed);
	free(ch->frame);
	arena_reset(&ch->arena);
	free(ch);
	conn_unref(c);
}

struct unseal {
	struct seal_key *key;
	const uint8_t *header;
	struct iovec iov;
	int result;
};

static void unseal_run(void *arg)
{
	struct unseal *u = arg;

	u->result = seal_decrypt(u->key, u->header, &u->iov, 1);
}

/* Decrypts in place (MS-SMB2 3.3.5.2.1.1). Returns NULL, or the rule that was broken. */
static const char *chain_unseal(struct chain *ch)
{
	struct smb2_transform t;
	struct blob cipher;
	struct session *s;
	struct unseal u;

	if (smb2_transform_decode(ch->msg, &t, &cipher) < 0 ||
	    t.flags != SMB2_TRANSFORM_FLAG_ENCRYPTED)
		return "malformed transform header";
	s = session_find(ch->conn->worker, t.session_id);
	if (!s || !session_channel(s, ch->conn) || !s->seal_in)
		return "encrypted message for an unknown session";
	ch->sealed = session_ref(s);
	u = (struct unseal){ .key = s->seal_in,
			     .header = ch->msg.data,
			     .iov = { (void *)(uintptr_t)cipher.data, cipher.len } };
	if (cipher.len >= CHAIN_OFFLOAD_BYTES)
		offload_run(unseal_run, &u);
	else
		unseal_run(&u);
	if (u.result < 0)
		return "decryption failed";
	ch->msg = cipher;
	if (smb2_kind_of(ch->msg) != SMB2_KIND_SMB2)
		return "encrypted message is not SMB2";
	return NULL;
}

/* Message ids of one element (3.3.5.2.3); CANCEL uses none. */
static const char *element_ids(struct conn *c, struct blob elem)
{
	uint32_t charge = 1;
	struct smb2_hdr h;

	if (smb2_hdr_decode(elem, &h) < 0)
		return "malformed header";
	if (h.flags & SMB2_FLAGS_SERVER_TO_REDIR)
		return "a response was sent as a request";
	if (h.command == SMB2_CANCEL)
		return NULL;
	if (c->multi_credit && h.credit_charge > 1)
		charge = h.credit_charge;
	if (credit_consume(&c->credits, h.message_id, charge) < 0)
		return "message id outside of the window or used twice";
	return NULL;
}

/* Finds the elements of the chain before any of them is handled. */
static const char *chain_split(struct chain *ch)
{
	unsigned int max = (unsigned int)ch->conn->worker->tunables.max_compound;
	struct rd r = rd_of(ch->msg);
	const char *rule;
	struct blob elem;
	int more;

	ch->elems =
		arena_calloc(&ch->arena, MIN(max, (unsigned int)(ch->msg.len / SMB2_HDR_LEN) + 1),
			     sizeof(*ch->elems));
	if (!ch->elems)
		return "out of memory";
	while ((more = smb2_compound_next(&r, &elem)) > 0) {
		if (ch->n_elems == max)
			return "too many requests in a compound";
		rule = element_ids(ch->conn, elem);
		if (rule)
			return rule;
		ch->elems[ch->n_elems++] = elem;
	}
	if (more < 0 || ch->n_elems == 0)
		return "malformed compound";
	return NULL;
}

static const char *chain_open(struct chain *ch)
{
	const char *rule;

	switch (smb2_kind_of(ch->msg)) {
	case SMB2_KIND_SMB2:
		break;
	case SMB2_KIND_TRANSFORM:
		rule = chain_unseal(ch);
		if (rule)
			return rule;
		break;
	default:
		return "not an SMB2 message";
	}
	return chain_split(ch);
}

/* Its outcome is known: it uses nothing any more. */
static void element_end(struct smb_req *req)
{
	req_pend_end(req);
	list_remove(&req->in_conn);
	reply_choose_key(req);
	req_unuse(req);
}

static bool changes_names(uint16_t command)
{
	return command == SMB2_CREATE || command == SMB2_CLOSE || command == SMB2_SET_INFO;
}

static const char *chain_element(struct chain *ch, struct blob elem)
{
	struct smb_req *req = arena_new(&ch->arena, struct smb_req);
	const char *drop = NULL;

	if (!req)
		return "out of memory";
	req->chain = ch;
	req->task = ch->task;
	req->arena = &ch->arena;
	req->worker = ch->conn->worker;
	req->conn = ch->conn;
	req->in = elem;
	req->encrypted = ch->sealed != NULL;
	list_init(&req->in_session);
	list_init(&req->in_tree);
	list_init(&req->in_open);
	(void)smb2_hdr_decode(elem, &req->hdr);
	ch->changes |= changes_names(req->hdr.command);
	req->out = wr_arena(&ch->arena, (size_t)ch->conn->max_transact + CHAIN_ARENA_EXTRA / 2);
	wr_zero(&req->out, SMB2_HDR_LEN);
	if (!wr_ok(&req->out))
		return "out of memory";
	list_append(&ch->conn->reqs, &req->in_conn);
	list_init(&req->in_chain);

	req->status = dispatch(req, &drop);
	ch->first = false;
	if (req->parked) {
		req->task = NULL;
		ch->refs++; /* chain_unpark()'s */
		return NULL;
	}
	element_end(req);
	if (drop || req->no_response) {
		reply_forget(req);
		return drop;
	}
	reply_finish(req);
	list_append(&ch->done, &req->in_chain);
	return NULL;
}

void chain_unpark(struct chain *ch, struct smb_req *req)
{
	element_end(req);
	reply_finish(req);
	list_append(&ch->done, &req->in_chain);
	chain_flush(ch);
	chain_unref(ch);
}

void chain_flush(struct chain *ch)
{
	if (!list_empty(&ch->done))
		reply_queue(ch, &ch->done);
}

static void chain_main(void *arg)
{
	struct chain *ch = arg;
	struct conn *c = ch->conn;
	const char *rule = NULL;
	unsigned int i;

	ch->task = task_current();
	if (!c->dead)
		rule = chain_open(ch);
	for (i = 0; !rule && !c->dead && i < ch->n_elems; i++)
		rule = chain_element(ch, ch->elems[i]);
	if (rule)
		conn_drop(c, rule);
	chain_flush(ch);
	chain_forget(ch);
	ch->task = NULL;
	list_remove(&ch->link);
	c->n_chains--;
	conn_let_go(c);
	c->in_flight_bytes -= ch->frame_len;
	conn_check_room(c);
	if (c->dead && c->reader)
		task_wake(c->reader);
	chain_unref(ch);
}

int chain_start(struct conn *c, uint8_t *frame, size_t n)
{
	struct chain *ch = calloc(1, sizeof(*ch));
	int r;

	if (!ch) {
		free(frame);
		return -ENOMEM;
	}
	ch->refs = 1;
	ch->conn = conn_ref(c);
	ch->frame = frame;
	ch->frame_len = n;
	ch->msg = BLOB(frame, n);
	ch->first = true;
	ch->serial = c->next_chain++;
	ch->create_status = NT_STATUS_OK;
	list_init(&ch->done);
	arena_init(&ch->arena, 2 * (size_t)c->max_transact + CHAIN_ARENA_EXTRA);
	list_append(&c->chains, &ch->link);
	c->n_chains++;
	c->in_flight_bytes += n;
	r = task_spawn(c->worker->loop, chain_main, ch, NULL);
	if (r < 0) {
		list_remove(&ch->link);
		c->n_chains--;
		c->in_flight_bytes -= n;
		chain_unref(ch);
		return r;
	}
	conn_check_room(c);
	return 0;
}
