/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every request goes through before its command runs (MS-SMB2 3.3.5.2): order of negotiation,
 * session, signature, encryption, tree, open, channel sequence. One walk over the table of
 * commands. Home worker's thread, in the chain's task.
 */
#include "node/base/clock.h"
#include "node/log/log.h"
#include "smbd/proto/chain.h"

/* How far a check got. */
enum verdict {
	GO_ON,
	ANSWER, /* with req->status */
	DROP, /* the connection, with `rule` */
};

struct check {
	struct smb_req *req;
	const char *rule;
};

static enum verdict answer(struct check *k, struct ntstatus s)
{
	k->req->status = s;
	return ANSWER;
}

static enum verdict drop(struct check *k, const char *rule)
{
	k->rule = rule;
	return DROP;
}

static enum verdict check_command(struct check *k)
{
	struct smb_req *req = k->req;
	struct conn *c = req->conn;

	if (req->hdr.command >= SMB2_COMMAND_COUNT)
		return c->dialect ? answer(k, NT_STATUS_INVALID_PARAMETER) :
				    drop(k, "unknown command before NEGOTIATE");
	req->row = &req->worker->smbd->ops->rows[req->hdr.command];
	if (c->dialect == 0 && req->hdr.command != SMB2_NEGOTIATE)
		return drop(k, "request before NEGOTIATE");
	if (c->dialect != 0 && req->hdr.command == SMB2_NEGOTIATE)
		return drop(k, "second NEGOTIATE");
	if ((req->row->flags & OP_ALONE) && req->chain->n_elems > 1)
		return drop(k, "NEGOTIATE or SESSION_SETUP in a compound");
	return GO_ON;
}

/* Session and tree of the former request, for a related one; nothing for others (3.3.5.2.7). */
static enum verdict check_related(struct check *k)
{
	struct smb_req *req = k->req;
	struct chain *ch = req->chain;

	req->related = req->hdr.flags & SMB2_FLAGS_RELATED_OPERATIONS;
	req->replay = req->hdr.flags & SMB2_FLAGS_REPLAY_OPERATION;
	if (!req->related) {
		open_unref(TAKE_PTR(ch->open));
		tree_unref(TAKE_PTR(ch->tree));
		channel_unref(TAKE_PTR(ch->channel));
		session_unref(TAKE_PTR(ch->session));
		ch->create_status = NT_STATUS_OK;
		ch->no_session = false;
		return GO_ON;
	}
	if (ch->first || (!ch->session && ch->no_session))
		return answer(k, NT_STATUS_INVALID_PARAMETER);
	return GO_ON;
}

static void find_session(struct smb_req *req)
{
	struct chain *ch = req->chain;
	struct session *s;
	struct channel *chan;

	if (req->related) {
		s = ch->session;
		chan = ch->channel;
		if (s && (s->state == SESSION_CLOSING || !chan || !chan->conn))
			s = NULL;
	} else {
		s = req->hdr.session_id ? session_find(req->worker, req->hdr.session_id) : NULL;
		chan = s ? session_channel(s, req->conn) : NULL;
	}
	if (s && chan)
		req_use_session(req, s, chan);
}

/* A request that was refused before its session was looked for: its answer is signed all the same.
 */
static void find_session_of_refused(struct smb_req *req)
{
	struct session *s =
		req->hdr.session_id ? session_find(req->worker, req->hdr.session_id) : NULL;
	struct channel *chan = s ? session_channel(s, req->conn) : NULL;

	if (chan)
		req_use_session(req, s, chan);
}

void req_use_session(struct smb_req *req, struct session *s, struct channel *chan)
{
	req->session = session_ref(s);
	req->channel = chan ? channel_ref(chan) : NULL;
	use_begin(&s->use, &req->in_session);
	s->last_used = loop_now(req->worker->loop);
}

struct verify {
	struct sign_key *key;
	struct iovec iov;
	int result;
};

static void verify_run(void *arg)
{
	struct verify *v = arg;

	v->result = sign_verify(v->key, &v->iov, 1);
}

static bool signature_right(struct smb_req *req, struct sign_key *key)
{
	struct verify v = { .key = key, .iov = { (void *)(uintptr_t)req->in.data, req->in.len } };

	if (req->in.len >= CHAIN_OFFLOAD_BYTES)
		offload_run(verify_run, &v);
	else
		verify_run(&v);
	return v.result == 0;
}

/* 3.3.5.2.4 */
static enum verdict check_signature(struct check *k)
{
	static struct log_rl rl;
	struct smb_req *req = k->req;
	struct session *s = req->session, *bound = NULL;
	struct sign_key *key = NULL;

	if (req->encrypted)
		return GO_ON;
	if (!(req->hdr.flags & SMB2_FLAGS_SIGNED)) {
		if (s && req->channel->valid && s->sign_required)
			return answer(k, NT_STATUS_ACCESS_DENIED);
		return GO_ON;
	}
	if (s)
		key = req->channel->valid ? req->channel->sign : s->sign;
	else if (req->hdr.command == SMB2_SESSION_SETUP && req->hdr.session_id)
		bound = session_find(req->worker, req->hdr.session_id);
	if (bound)
		key = bound->sign;
	if (!key) {
		/* nobody can check it: an exchange that has no key yet, or no session at all */
		return s || !req->hdr.session_id || req->hdr.command == SMB2_NEGOTIATE ?
			       GO_ON :
			       answer(k, NT_STATUS_USER_SESSION_DELETED);
	}
	if (bound)
		session_ref(bound);
	req->signed_ok = signature_right(req, key);
	if (req->signed_ok) {
		req->bind = bound;
		return GO_ON;
	}
	session_unref(bound);
	if (log_ratelimit(&rl, 5))
		log_warn("request refused: client=%s rule=signature command=%u", req->conn->name,
			 req->hdr.command);
	return answer(k, NT_STATUS_ACCESS_DENIED);
}

/* 3.3.5.2.9, and the rules about encryption. */
static enum verdict check_session(struct check *k)
{
	struct smb_req *req = k->req;
	struct session *s = req->session;

	if (req->encrypted && (!s || s != req->chain->sealed)) {
		if (!s && (req->related || req->hdr.session_id == req->chain->sealed->id))
			return answer(k, NT_STATUS_USER_SESSION_DELETED);
		return drop(k, "encrypted request of another session");
	}
	if (s && s->encrypt && !req->encrypted && req->channel->valid &&
	    req->hdr.command != SMB2_SESSION_SETUP)
		return answer(k, NT_STATUS_ACCESS_DENIED);
	if (!(req->row->flags & OP_SESSION))
		return GO_ON;
	if (!s || !req->channel->valid || s->state == SESSION_IN_PROGRESS)
		return answer(k, NT_STATUS_USER_SESSION_DELETED);
	if (s->state == SESSION_EXPIRED && !(req->row->flags & OP_EXPIRED_OK))
		return answer(k, NT_STATUS_NETWORK_SESSION_EXPIRED);
	return GO_ON;
}

static enum verdict check_size(struct check *k)
{
	struct smb_req *req = k->req;
	uint16_t want = req->row->structure_size;
	struct rd r = rd_of(req->in);
	uint16_t have;

	rd_skip(&r, SMB2_HDR_LEN);
	have = rd_le16(&r);
	if (!rd_ok(&r) || (want && have != want))
		return answer(k, NT_STATUS_INVALID_PARAMETER);
	if (!req->row->op)
		return answer(k, NT_STATUS_NOT_SUPPORTED);
	return GO_ON;
}

/* 3.3.5.2.11 */
static enum verdict check_tree(struct check *k)
{
	struct smb_req *req = k->req;
	struct tree *t;

	if (!(req->row->flags & OP_TREE))
		return GO_ON;
	t = req->related ? req->chain->tree : tree_find(req->session, req->hdr.tree_id);
	if (!t || t->closing)
		return answer(k, NT_STATUS_NETWORK_NAME_DELETED);
	if (t->share->conf->encrypt && !req->encrypted)
		return answer(k, NT_STATUS_ACCESS_DENIED);
	req->tree = tree_ref(t);
	use_begin(&t->use, &req->in_tree);
	return GO_ON;
}

/* The channel sequence of requests that change a file (3.3.5.2.10). */
static bool channel_sequence_ok(struct smb_req *req)
{
	struct open *o = req->open;
	uint16_t seq = req->hdr.channel_sequence;

	if (req->conn->dialect < SMB2_DIALECT_300 || o->kind == OPEN_PIPE)
		return true;
	if (seq != o->channel_sequence) {
		if ((uint16_t)(seq - o->channel_sequence) > 0x7fff) {
			if (req->row->flags & OP_MODIFIES)
				return false;
		} else {
			o->outstanding_previous += o->outstanding;
			o->outstanding = 0;
			o->channel_sequence = seq;
		}
	}
	if ((req->row->flags & OP_MODIFIES) && req->replay && o->outstanding_previous > 0)
		return false;
	req->counted_sequence = seq;
	if (seq == o->channel_sequence) {
		o->outstanding++;
		req->counted = true;
	}
	return true;
}

/* Whether the open is the former request's: with anything in its place, when there is one (3.3.5.2.7.2). */
static bool inherits_open(const struct smb_req *req, struct smb2_fileid id)
{
	return smb2_fileid_is_any(id) ||
	       (req->related && (req->chain->open || !ntstatus_is_ok(req->chain->create_status)));
}

static enum verdict check_open(struct check *k)
{
	struct smb_req *req = k->req;
	struct smb2_fileid id;
	struct open *o;
	struct rd r = rd_of(req->in);

	if (!(req->row->flags & (OP_OPEN | OP_OPEN_OR_NONE)))
		return GO_ON;
	rd_skip(&r, req->row->fileid_off);
	id.persistent_id = rd_le64(&r);
	id.volatile_id = rd_le64(&r);
	if (!rd_ok(&r))
		return answer(k, NT_STATUS_INVALID_PARAMETER);
	if (inherits_open(req, id)) {
		if (req->related && !ntstatus_is_ok(req->chain->create_status))
			return answer(k, req->chain->create_status);
		o = req->related ? req->chain->open : NULL;
		if (!o && (req->row->flags & OP_OPEN_OR_NONE))
			return GO_ON;
		if (o && (o->closing || o->session != req->session))
			o = NULL;
	} else {
		o = open_find(req->session, id);
		if (!o && (req->row->flags & OP_OPEN_OR_NONE))
			return GO_ON;
	}
	if (!o || o->tree != req->tree)
		return answer(k, NT_STATUS_FILE_CLOSED);
	req->open = open_ref(o);
	use_begin(&o->use, &req->in_open);
	if (!channel_sequence_ok(req))
		return answer(k, NT_STATUS_FILE_NOT_AVAILABLE);
	return GO_ON;
}

static enum verdict run(struct check *k)
{
	struct smb_req *req = k->req;
	int r = req->row->op->decode ? req->row->op->decode(req) : 0;

	if (r < 0)
		return answer(k, r == -EBADMSG ? NT_STATUS_INVALID_PARAMETER : req_fail(req, r));
	if (!worker_may_serve(req->worker)) {
		r = req_may_serve(req);
		if (r < 0)
			return answer(k, req_cancelled(req));
	}
	return answer(k, req->row->op->run(req));
}

static void remember(struct smb_req *req)
{
	struct chain *ch = req->chain;

	if (!req->related || !ch->session) {
		if (req->session && !ch->session) {
			ch->session = session_ref(req->session);
			ch->channel = req->channel ? channel_ref(req->channel) : NULL;
		}
		if (!req->session && (req->row && req->row->flags & OP_SESSION))
			ch->no_session = true;
	}
	if (req->tree && !ch->tree)
		ch->tree = tree_ref(req->tree);
	if (req->open && ch->open != req->open) {
		open_unref(ch->open);
		ch->open = open_ref(req->open);
	}
	if (req->hdr.command == SMB2_CREATE)
		ch->create_status = ntstatus_is_error(req->status) ? req->status : NT_STATUS_OK;
}

struct ntstatus dispatch(struct smb_req *req, const char **ret_drop)
{
	static enum verdict (*const steps[])(struct check *) = {
		check_command,
		check_related,
	};
	static enum verdict (*const more[])(struct check *) = {
		check_signature, check_session, check_size, check_tree, check_open, run,
	};
	struct check k = { .req = req };
	enum verdict v = GO_ON;
	unsigned int i;
	bool early;

	for (i = 0; v == GO_ON && i < ARRAY_SIZE(steps); i++)
		v = steps[i](&k);
	early = v == ANSWER;
	if (v == GO_ON)
		find_session(req);
	for (i = 0; v == GO_ON && i < ARRAY_SIZE(more); i++)
		v = more[i](&k);
	if (v == DROP || req->drop) {
		*ret_drop = req->drop ? req->drop : k.rule;
		return NT_STATUS_INVALID_PARAMETER;
	}
	if (req->hdr.command == SMB2_CANCEL)
		req->no_response = true;
	remember(req);
	if (early)
		find_session_of_refused(req);
	return req->status;
}

void req_unuse(struct smb_req *req)
{
	struct open *o = req->open;

	if (o) {
		if (req->counted && req->counted_sequence == o->channel_sequence)
			o->outstanding--;
		else if (req->counted && o->outstanding_previous > 0)
			o->outstanding_previous--;
		use_end(&o->use, &req->in_open);
		open_unref(TAKE_PTR(req->open));
	}
	if (req->tree) {
		use_end(&req->tree->use, &req->in_tree);
		tree_unref(TAKE_PTR(req->tree));
	}
	if (req->session) /* the reference stays: the response is signed with it */
		use_end(&req->session->use, &req->in_session);
}
