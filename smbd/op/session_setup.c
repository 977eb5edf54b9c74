/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SESSION_SETUP (MS-SMB2 3.3.5.5): new sessions, reauthentication, and binding of further
 * connections. The token is worked on by the offload pool. What an established exchange leads to is
 * in session_keys.c. Home worker's thread.
 */
#include "smbd/wire/session_setup.h"

#include "node/log/log.h"
#include "smbd/op/ops.h"
#include "smbd/op/session_keys.h"
#include "smbd/proto/req.h"

static int decode(struct smb_req *req)
{
	struct smb2_session_setup_req *args = arena_new(req->arena, struct smb2_session_setup_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_session_setup_req_decode(req->in, args);
}

static struct ntstatus limit_status(struct smb_req *req, int r)
{
	static struct log_rl rl;

	if (r == -EDQUOT && log_ratelimit(&rl, 5))
		log_warn("session refused: client=%s rule=%s", req->conn->name,
			 "\"max_sessions or max_channels\"");
	return r == -EDQUOT ? NT_STATUS_INSUFFICIENT_RESOURCES : req_fail(req, r);
}

static struct ntstatus setup_new(struct smb_req *req)
{
	struct session *s;
	int r;

	r = session_new(req->conn, &s);
	if (r < 0)
		return limit_status(req, r);
	req_use_session(req, s, session_channel(s, req->conn));
	return NT_STATUS_OK;
}

/* Whether the session's and the connection's ways of signing go together: AES-GMAC with nothing
 * else. */
static struct ntstatus bind_signing(const struct session *s, const struct conn *c)
{
	if ((s->sign_alg == SIGN_AES_GMAC) == (c->sign_alg == SIGN_AES_GMAC))
		return NT_STATUS_OK;
	return s->sign_alg == SIGN_AES_GMAC ? NT_STATUS_REQUEST_OUT_OF_SEQUENCE :
					      NT_STATUS_NOT_SUPPORTED;
}

static struct ntstatus bind_allowed(const struct smb_req *req, const struct session *s)
{
	const struct conn *c = req->conn;
	struct ntstatus status;

	/* Another node's sessions are not here, and are not found */
	if (!s || !guid_equal(&s->client_guid, &c->client_guid))
		return c->capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL ?
			       NT_STATUS_USER_SESSION_DELETED :
			       NT_STATUS_REQUEST_NOT_ACCEPTED;
	if (!(req->hdr.flags & SMB2_FLAGS_SIGNED))
		return NT_STATUS_INVALID_PARAMETER;
	status = bind_signing(s, c);
	if (!ntstatus_is_ok(status))
		return status;
	if (!(c->capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL))
		return NT_STATUS_REQUEST_NOT_ACCEPTED;
	if (s->dialect != c->dialect)
		return NT_STATUS_INVALID_PARAMETER;
	if (s->state == SESSION_IN_PROGRESS)
		return NT_STATUS_REQUEST_NOT_ACCEPTED;
	if (s->state == SESSION_EXPIRED)
		return NT_STATUS_NETWORK_SESSION_EXPIRED;
	if (!req->signed_ok)
		return NT_STATUS_ACCESS_DENIED;
	if (s->seal_in && (!c->encryption || c->cipher != s->cipher))
		return NT_STATUS_INVALID_PARAMETER;
	return NT_STATUS_OK;
}

/* A further connection for an existing session (3.3.5.5, step 4). A refusal leaves the session as
 * it is. */
static struct ntstatus setup_bind(struct smb_req *req)
{
	struct conn *c = req->conn;
	struct session *s = session_find(req->worker, req->hdr.session_id);
	struct ntstatus status = bind_allowed(req, s);
	struct channel *ch;
	int r;

	if (!ntstatus_is_ok(status))
		return status;
	r = session_add_channel(s, c, &ch);
	if (r < 0)
		return limit_status(req, r);
	ch->binding = true;
	req_use_session(req, s, ch);
	return NT_STATUS_OK;
}

/* Finds or makes the session and the channel that the request is about. */
static struct ntstatus setup_locate(struct smb_req *req)
{
	const struct smb2_session_setup_req *args = req->args;
	bool bind = args->flags & SMB2_SESSION_FLAG_BINDING;
	struct channel *ch = req->channel;

	if (!req->session) {
		if (bind)
			return setup_bind(req);
		return req->hdr.session_id ? NT_STATUS_USER_SESSION_DELETED : setup_new(req);
	}
	if (ch->busy || (bind && !ch->binding))
		return NT_STATUS_REQUEST_NOT_ACCEPTED;
	if (ch->binding && !bind)
		return NT_STATUS_INVALID_PARAMETER;
	if (ch->binding && !req->signed_ok)
		return NT_STATUS_ACCESS_DENIED;
	return NT_STATUS_OK;
}

struct step {
	struct auth_context *auth;
	struct arena *arena;
	struct blob in, out;
	int result;
};

static void step_run(void *arg)
{
	struct step *st = arg;

	st->result = auth_step(st->auth, st->in, st->arena, &st->out);
}

/* Starts the exchange with its first token. */
static int setup_begin(struct smb_req *req)
{
	struct channel *ch = req->channel;
	int r;

	if (ch->auth)
		return 0;
	r = auth_new(req->worker->auth, &ch->auth);
	if (r == 0)
		ch->preauth = req->conn->preauth;
	return r;
}

static int setup_step(struct smb_req *req, struct blob *ret_token)
{
	const struct smb2_session_setup_req *args = req->args;
	struct iovec in = { (void *)(uintptr_t)req->in.data, req->in.len };
	struct channel *ch = req->channel;
	struct step st = { .arena = req->arena, .in = args->token };
	int r;

	r = setup_begin(req);
	if (r == 0 && req->conn->preauth_integrity)
		r = preauth_update(&ch->preauth, &in, 1);
	if (r < 0)
		return r;
	st.auth = ch->auth;
	ch->busy = true;
	offload_run(step_run, &st);
	ch->busy = false;
	*ret_token = st.out;
	return st.result;
}

/* Undoes what a failed exchange leaves behind; others' channels stay, and so does an established
 * session. */
static void setup_undo(struct smb_req *req)
{
	struct session *s = req->session;
	struct channel *ch = req->channel;

	auth_free(TAKE_PTR(ch->auth));
	if (ch->valid)
		return;
	if (ch->binding)
		channel_remove(ch);
	else
		(void)session_close(s, req, OPEN_END_LOGOFF);
}

static struct ntstatus setup_failed(struct smb_req *req, int r)
{
	static struct log_rl rl;

	/* who cannot prove who they are once more loses the session, as with other servers
	 * (smbtorture: session.reauth6) */
	if (r == -EACCES && req->channel->valid)
		(void)session_close(req->session, req, OPEN_END_LOGOFF);
	setup_undo(req);
	if (r == -EACCES && log_ratelimit(&rl, 10))
		log_info("session refused: client=%s rule=authentication", req->conn->name);
	if (r == -EACCES)
		return NT_STATUS_LOGON_FAILURE;
	return r == -EBADMSG ? NT_STATUS_INVALID_PARAMETER : req_fail(req, r);
}

static void respond(struct smb_req *req, struct blob token, bool final)
{
	struct smb2_session_setup_resp resp = { .token = token };

	if (final && req->session->encrypt)
		resp.session_flags |= SMB2_SESSION_FLAG_ENCRYPT_DATA;
	smb2_session_setup_resp_encode(&req->out, 0, &resp);
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_session_setup_req *args = req->args;
	struct ntstatus status = setup_locate(req);
	struct blob token = { .data = NULL };
	struct channel *ch;
	int r;

	if (!ntstatus_is_ok(status))
		return status;
	ch = req->channel;
	r = setup_step(req, &token);
	/* meanwhile the connection may be lost, or the session ended */
	if (!ch->conn || req->conn->dead || req->session->state == SESSION_CLOSING) {
		auth_free(TAKE_PTR(ch->auth));
		return NT_STATUS_USER_SESSION_DELETED;
	}
	if (r < 0)
		return setup_failed(req, r);
	if (r > 0) {
		if (req->conn->preauth_integrity)
			req->preauth = &ch->preauth;
		respond(req, token, false);
		return NT_STATUS_MORE_PROCESSING_REQUIRED;
	}
	status = session_established(req, args);
	if (!ntstatus_is_ok(status)) {
		setup_undo(req);
		return status;
	}
	auth_free(TAKE_PTR(ch->auth));
	req->sign = !req->encrypted;
	respond(req, token, true);
	return NT_STATUS_OK;
}

const struct smb_op op_session_setup = { .decode = decode, .run = run };
