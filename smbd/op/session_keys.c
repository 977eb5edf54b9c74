/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identity, credentials and keys of a session whose exchange of tokens has ended well. Home
 * worker's thread. */
#include "smbd/op/session_keys.h"

#include "node/base/clock.h"
#include "node/log/log.h"
#include "smbd/proto/previous.h"
#include "smbd/vfs/cred.h"

/* Who the exchange found. */
struct who {
	struct auth_user user;
	struct sid sid;
	struct cred *cred;
	char *domain;
};

static void who_done(struct who *w)
{
	auth_user_done(&w->user);
	if (w->cred)
		cred_unref(w->cred);
	free(w->domain);
}

static int who_get(struct smb_req *req, struct who *ret)
{
	const struct auth_result *res = auth_result(req->channel->auth);

	ret->domain = strdup(res->domain ? res->domain : "");
	if (!ret->domain)
		return -ENOMEM;
	auth_take_identity(req->channel->auth, &ret->user);
	ret->sid = ret->user.sid;
	return cred_get(req->worker->creds, ret->user.uid, ret->user.gid, ret->user.groups,
			ret->user.ngroups, &ret->cred);
}

/* The first 16 bytes of the session key, zero-padded (3.3.5.5.3). */
static void short_key(struct blob full, uint8_t key[SMB_KEY_LEN])
{
	memset(key, 0, SMB_KEY_LEN);
	memcpy(key, full.data, MIN(full.len, (size_t)SMB_KEY_LEN));
}

static int signing_key(struct smb_req *req, struct blob full, struct sign_key **ret)
{
	const struct preauth *pre = req->conn->preauth_integrity ? &req->channel->preauth : NULL;
	uint8_t key[SMB_KEY_LEN];
	int r = 0;

	if (req->conn->dialect < SMB2_DIALECT_300)
		short_key(full, key);
	else
		r = smb_derive_key(SMB_KEY_SIGNING, full, pre, key, sizeof(key));
	if (r == 0)
		r = sign_key_new(req->conn->sign_alg, key, ret);
	crypto_wipe(key, sizeof(key));
	return r;
}

static int seal_key(struct smb_req *req, enum smb_key_use use, struct blob full,
		    struct seal_key **ret)
{
	const struct preauth *pre = req->conn->preauth_integrity ? &req->channel->preauth : NULL;
	enum seal_alg alg = req->conn->cipher;
	uint8_t key[SMB_KEY_MAX_LEN];
	int r;

	r = smb_derive_key(use, full, pre, key, seal_key_len(alg));
	if (r == 0)
		r = seal_key_new(alg, key, ret);
	crypto_wipe(key, sizeof(key));
	return r;
}

static int session_keys(struct smb_req *req, struct blob full)
{
	const struct preauth *pre = req->conn->preauth_integrity ? &req->channel->preauth : NULL;
	struct session *s = req->session;
	int r;

	r = signing_key(req, full, &req->channel->sign);
	if (r == 0)
		r = signing_key(req, full, &s->sign);
	if (r < 0)
		return r;
	s->sign_alg = req->conn->sign_alg;
	if (req->conn->dialect < SMB2_DIALECT_300) {
		short_key(full, s->application_key);
		return 0;
	}
	r = smb_derive_key(SMB_KEY_APPLICATION, full, pre, s->application_key,
			   sizeof(s->application_key));
	if (r < 0 || !req->conn->encryption)
		return r;
	s->cipher = req->conn->cipher;
	r = seal_key(req, SMB_KEY_SERVER_IN, full, &s->seal_in);
	return r < 0 ? r : seal_key(req, SMB_KEY_SERVER_OUT, full, &s->seal_out);
}

static void take_identity(struct session *s, struct who *w)
{
	auth_user_done(&s->user);
	if (s->cred)
		cred_unref(s->cred);
	free(s->domain);
	s->user = w->user;
	s->cred = w->cred;
	s->domain = w->domain;
	s->owner_sid = w->sid;
	*w = (struct who){ .cred = NULL };
}

static struct ntstatus established_new(struct smb_req *req, struct who *w,
				       const struct smb2_session_setup_req *args)
{
	const struct auth_result *res = auth_result(req->channel->auth);
	struct session *s = req->session;
	int r;

	if (req->worker->tunables.encryption_required && !req->conn->encryption) {
		log_info("session refused: client=%s user=%s rule=encryption_required",
			 req->conn->name, log_esc(w->user.name));
		return NT_STATUS_ACCESS_DENIED;
	}
	r = session_keys(req, res->session_key);
	if (r < 0)
		return req_fail(req, r);
	s->mech = res->mech;
	s->sign_required =
		req->conn->sign_required || (args->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED);
	s->encrypt = req->worker->tunables.encryption_required;
	take_identity(s, w);
	if (args->previous_session_id && args->previous_session_id != s->id)
		previous_session_end(req->worker, args->previous_session_id, &s->owner_sid);
	if (s->state == SESSION_CLOSING || !req->channel->conn)
		return NT_STATUS_USER_SESSION_DELETED;
	s->state = SESSION_VALID;
	req->channel->valid = true;
	session_set_expiry(s, res->expires);
	conn_channels_changed(req->conn);
	log_info("session established: client=%s user=%s dialect=%x.%x.%x mech=%s", req->conn->name,
		 log_esc(s->user.name), s->dialect >> 8, s->dialect >> 4 & 15, s->dialect & 15,
		 s->mech == AUTH_MECH_KRB5 ? "krb5" : "ntlm");
	return NT_STATUS_OK;
}

/* The user stays the same; keys do too (3.3.5.5.2). */
static struct ntstatus established_again(struct smb_req *req, struct who *w)
{
	const struct auth_result *res = auth_result(req->channel->auth);
	struct session *s = req->session;

	if (!sid_equal(&w->sid, &s->owner_sid))
		return NT_STATUS_ACCESS_DENIED;
	take_identity(s, w);
	session_set_expiry(s, res->expires);
	if (s->state == SESSION_EXPIRED)
		s->state = SESSION_VALID;
	return NT_STATUS_OK;
}

static struct ntstatus established_channel(struct smb_req *req, const struct who *w)
{
	const struct auth_result *res = auth_result(req->channel->auth);
	int r;

	if (!sid_equal(&w->sid, &req->session->owner_sid))
		return NT_STATUS_ACCESS_DENIED;
	r = signing_key(req, res->session_key, &req->channel->sign);
	if (r < 0)
		return req_fail(req, r);
	req->channel->valid = true;
	req->channel->binding = false;
	conn_channels_changed(req->conn);
	log_info("channel bound: client=%s user=%s", req->conn->name,
		 log_esc(req->session->user.name));
	return NT_STATUS_OK;
}

struct ntstatus session_established(struct smb_req *req, const struct smb2_session_setup_req *args)
{
	struct who w = { .cred = NULL };
	struct ntstatus status;
	int r;

	r = who_get(req, &w);
	if (r < 0)
		status = r == -EPERM ? NT_STATUS_LOGON_FAILURE : req_fail(req, r);
	else if (req->channel->binding)
		status = established_channel(req, &w);
	else if (req->channel->valid)
		status = established_again(req, &w);
	else
		status = established_new(req, &w, args);
	who_done(&w);
	return status;
}
