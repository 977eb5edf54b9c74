/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SESSION_SETUP, LOGOFF, TREE_CONNECT and TREE_DISCONNECT of the test client. One thread. */
#include "tests/client/login.h"

#include <stdio.h>

#include "node/auth/auth_client.h"
#include "node/base/utf.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/session_setup.h"

enum setup_kind {
	SETUP_NEW,
	SETUP_AGAIN,
	SETUP_BIND,
};

/* One exchange of tokens. */
struct setup {
	struct conn *c;
	const struct login *l;
	enum setup_kind kind;
	struct sess *s;
	struct chan *ch;
	struct auth_client *auth;
	struct arena a;
	struct ntstatus status;
};

static int hash(struct setup *u, struct blob msg)
{
	struct iovec iov = { (void *)msg.data, msg.len };

	if (u->kind == SETUP_AGAIN || u->c->dialect != SMB2_DIALECT_311)
		return 0;
	return preauth_update(&u->ch->preauth, &iov, 1);
}

/* Sends one token and waits; the reply is call's. */
static int exchange(struct setup *u, struct blob token, struct call *call)
{
	struct smb2_session_setup_req req = {
		.flags = u->kind == SETUP_BIND ? SMB2_SESSION_FLAG_BINDING : 0,
		.security_mode = (uint8_t)u->c->config.security_mode,
		.capabilities = u->c->config.capabilities & SMB2_GLOBAL_CAP_DFS,
		.previous_session_id = u->l->previous_session,
		.token = token,
	};
	struct msg_lies plain = { .plain = true };
	struct msg_head h = { .command = SMB2_SESSION_SETUP, .sess = u->s, .lies = u->l->lies };
	struct msg m;
	size_t hdr;
	int r;

	if (u->kind == SETUP_BIND) {
		h.sign = true;
		if (!h.lies)
			h.lies = &plain;
	}
	msg_begin(&m, u->c);
	hdr = msg_add(&m, call, &h);
	smb2_session_setup_req_encode(&m.w, hdr, &req);
	r = msg_send(&m);
	if (r == 0 && !m.seal)
		r = hash(u, msg_bytes(&m));
	if (r == 0)
		r = conn_wait(u->c, call, false, conn_deadline(u->c));
	return r;
}

static int make_sign_key(struct setup *u, struct sign_key **ret)
{
	const struct preauth *pre = u->c->dialect == SMB2_DIALECT_311 ? &u->ch->preauth : NULL;
	struct blob full = auth_client_session_key(u->auth);
	uint8_t key[SMB_KEY_LEN] = { 0 };
	int r = 0;

	if (u->c->dialect < SMB2_DIALECT_300)
		memcpy(key, full.data, MIN(full.len, sizeof(key)));
	else
		r = smb_derive_key(SMB_KEY_SIGNING, full, pre, key, sizeof(key));
	if (r == 0)
		r = sign_key_new(u->c->sign_alg, key, ret);
	crypto_wipe(key, sizeof(key));
	return r;
}

static int make_seal_key(struct setup *u, enum smb_key_use use, struct seal_key **ret)
{
	const struct preauth *pre = u->c->dialect == SMB2_DIALECT_311 ? &u->ch->preauth : NULL;
	uint8_t key[SMB_KEY_MAX_LEN];
	int r;

	r = smb_derive_key(use, auth_client_session_key(u->auth), pre, key,
			   seal_key_len(u->c->cipher));
	if (r == 0)
		r = seal_key_new(u->c->cipher, key, ret);
	crypto_wipe(key, sizeof(key));
	return r;
}

static int make_keys(struct setup *u)
{
	int r;

	if (u->kind == SETUP_AGAIN || u->s->anonymous)
		return 0;
	r = make_sign_key(u, &u->ch->sign);
	if (r < 0 || u->kind == SETUP_BIND)
		return r;
	r = make_sign_key(u, &u->s->sign);
	if (r == 0 && u->c->cipher)
		r = make_seal_key(u, SMB_KEY_SERVER_IN, &u->s->seal_out);
	if (r == 0 && u->c->cipher)
		r = make_seal_key(u, SMB_KEY_SERVER_OUT, &u->s->seal_in);
	return r;
}

/* The last response must bear the new key's signature in 3.1.1 (3.2.5.3.1), and of a bound channel
 * always. */
static int check_signature(struct setup *u, const struct call *call)
{
	struct iovec iov = { (void *)call->reply.data, call->reply.len };
	bool must = u->c->dialect == SMB2_DIALECT_311 || u->kind == SETUP_BIND;
	int r;

	if (u->s->anonymous || u->s->want_seal || !u->c->check || u->kind == SETUP_AGAIN)
		return 0;
	if (!(call->hdr.flags & SMB2_FLAGS_SIGNED))
		return must ? conn_fail(u->c, -EPROTO,
					"the last SESSION_SETUP response is not signed") :
			      0;
	r = sign_verify(u->ch->sign, &iov, 1);
	if (r == -EBADMSG && u->kind == SETUP_BIND)
		r = sign_verify(u->s->sign, &iov, 1);
	return r < 0 ? conn_fail(u->c, -EPROTO,
				 "the last SESSION_SETUP response has a wrong signature") :
		       0;
}

static int finish(struct setup *u, const struct call *call,
		  const struct smb2_session_setup_resp *resp)
{
	struct blob nothing;
	int r = 0;

	u->s->anonymous =
		resp->session_flags & (SMB2_SESSION_FLAG_IS_GUEST | SMB2_SESSION_FLAG_IS_NULL);
	if (resp->token.len && !u->s->anonymous)
		r = auth_client_step(u->auth, resp->token, &u->a, &nothing);
	if (r == 0)
		r = make_keys(u);
	else
		r = conn_fail(u->c, -EPROTO, "the server's last token is wrong: %s",
			      strerror(r < 0 ? -r : EPROTO));
	if (r == 0)
		r = check_signature(u, call);
	if (r < 0)
		return r;
	if (u->kind != SETUP_BIND)
		u->s->flags = resp->session_flags;
	if (u->kind == SETUP_NEW) {
		u->s->want_sign =
			u->l->sign || (u->c->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED);
		u->s->want_seal =
			(u->l->seal || (resp->session_flags & SMB2_SESSION_FLAG_ENCRYPT_DATA)) &&
			u->c->cipher;
		if (u->l->seal && !u->c->cipher)
			return conn_fail(u->c, -EPROTO, "the server negotiated no cipher");
		u->s->established = true;
	}
	u->ch->valid = true;
	return 0;
}

/* One round. 1: another one; 0: the end, see u->status. */
static int one_round(struct setup *u, struct blob *token)
{
	struct smb2_session_setup_resp resp;
	struct call call = { 0 };
	struct blob in;
	int r;

	r = exchange(u, *token, &call);
	if (r < 0)
		goto out;
	u->status = call.hdr.status;
	if (u->status.v != NTSTATUS_OK && u->status.v != NTSTATUS_MORE_PROCESSING_REQUIRED) {
		r = 0;
		goto out;
	}
	if (smb2_session_setup_resp_decode(call.reply, &resp) < 0) {
		r = conn_fail(u->c, -EPROTO, "a SESSION_SETUP response is malformed");
		goto out;
	}
	if (u->kind == SETUP_NEW)
		u->s->id = call.hdr.session_id;
	if (u->status.v == NTSTATUS_OK) {
		r = finish(u, &call, &resp);
		goto out;
	}
	r = hash(u, call.reply);
	in = BLOB(arena_memdup(&u->a, resp.token.data, resp.token.len), resp.token.len);
	if (r == 0)
		r = auth_client_step(u->auth, in, &u->a, token);
	if (r <= 0)
		r = conn_fail(u->c, -EPROTO, "the server's token is wrong: %s",
			      strerror(r < 0 ? -r : EPROTO));
out:
	call_done(&call);
	return r;
}

static int set_up(struct setup *u, struct ntstatus *ret_status)
{
	struct blob token = BLOB(NULL, 0);
	int r;

	arena_init(&u->a, 0);
	r = auth_client_new(u->l->user, u->l->domain, u->l->password, &u->auth);
	if (r == 0) {
		auth_client_set_raw(u->auth, u->l->raw);
		r = auth_client_step(u->auth, BLOB(NULL, 0), &u->a, &token);
	}
	if (r < 0)
		conn_fail(u->c, r, "starting to authenticate: %s", strerror(-r));
	while (r > 0)
		r = one_round(u, &token);
	auth_client_free(u->auth);
	arena_reset(&u->a);
	if (r == 0)
		*ret_status = u->status;
	return r;
}

int login_session(struct conn *c, const struct login *l, struct sess **ret,
		  struct ntstatus *ret_status)
{
	struct setup u = { .c = c, .l = l, .kind = SETUP_NEW, .s = sess_new() };
	int r = u.s ? chan_new(c, u.s, &u.ch) : -ENOMEM;

	if (r == 0)
		r = set_up(&u, ret_status);
	if (r == 0 && ntstatus_is_ok(*ret_status)) {
		*ret = u.s;
		return 0;
	}
	chan_free(u.ch);
	sess_unref(u.s);
	return r;
}

int login_again(struct conn *c, const struct login *l, struct sess *s, struct ntstatus *ret_status)
{
	struct setup u = {
		.c = c, .l = l, .kind = SETUP_AGAIN, .s = s, .ch = conn_find_chan(c, s)
	};

	if (!u.ch)
		return conn_fail(c, -ENOENT, "the session is not on this connection");
	return set_up(&u, ret_status);
}

int login_bind(struct conn *c, const struct login *l, struct sess *s, struct ntstatus *ret_status)
{
	struct setup u = { .c = c, .l = l, .kind = SETUP_BIND, .s = s };
	int r;

	r = chan_new(c, s, &u.ch);
	if (r == 0)
		r = set_up(&u, ret_status);
	if (r < 0 || !ntstatus_is_ok(*ret_status))
		chan_free(u.ch);
	return r;
}

static void encode_empty(struct wr *w, size_t hdr, const void *req)
{
	smb2_empty_encode(w);
}

static int call_empty(struct conn *c, const struct msg_head *h, struct ntstatus *ret_status)
{
	struct call call = { 0 };
	int r = msg_call(c, h, encode_empty, NULL, &call);

	if (r == 0)
		*ret_status = call.hdr.status;
	call_done(&call);
	return r;
}

int login_logoff(struct conn *c, struct sess *s, struct ntstatus *ret_status)
{
	struct msg_head h = { .command = SMB2_LOGOFF, .sess = s };

	return call_empty(c, &h, ret_status);
}

int login_tree_disconnect(struct conn *c, struct sess *s, uint32_t tree_id,
			  struct ntstatus *ret_status)
{
	struct msg_head h = { .command = SMB2_TREE_DISCONNECT, .sess = s, .tree_id = tree_id };

	return call_empty(c, &h, ret_status);
}

static void encode_tree(struct wr *w, size_t hdr, const void *req)
{
	smb2_tree_connect_req_encode(w, hdr, req);
}

int login_tree(struct conn *c, struct sess *s, const char *share, uint32_t *ret_tree_id,
	       struct smb2_tree_connect_resp *ret_resp, struct ntstatus *ret_status)
{
	/* 3.1.1 wants it signed or sealed (3.2.4.1.1). */
	struct msg_head h = { .command = SMB2_TREE_CONNECT,
			      .sess = s,
			      .sign = c->dialect == SMB2_DIALECT_311 };
	struct smb2_tree_connect_req req = { 0 };
	struct call call = { 0 };
	struct arena a;
	char *path;
	int r;

	arena_init(&a, 0);
	path = share[0] == '\\' ? arena_strdup(&a, share) :
				  arena_printf(&a, "\\\\%s\\%s", c->server, share);
	r = path ? utf16_from_utf8(&a, path, &req.path) : -ENOMEM;
	if (r == 0)
		r = msg_call(c, &h, encode_tree, &req, &call);
	if (r == 0) {
		*ret_status = call.hdr.status;
		*ret_tree_id = call.hdr.tree_id;
		if (ntstatus_is_ok(call.hdr.status) &&
		    smb2_tree_connect_resp_decode(call.reply, ret_resp) < 0)
			r = conn_fail(c, -EPROTO, "the TREE_CONNECT response is malformed");
		call_done(&call);
	}
	arena_reset(&a);
	return r;
}
