/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPNEGO's client side with NTLMv2 as the only mechanism. One thread at a time. */
#include "node/auth/auth_client.h"

#include "node/auth/auth.h"
#include "node/auth/ntlm_client.h"
#include "node/auth/spnego.h"

enum client_phase {
	CLIENT_START,
	CLIENT_NEGOTIATED,
	CLIENT_AUTHENTICATED,
	CLIENT_DONE,
	CLIENT_FAILED
};

struct auth_client {
	struct ntlm_client ntlm;
	enum client_phase phase;
	bool raw;
	struct blob mech_list; /* in ntlm.arena */
};

int auth_client_new(const char *user, const char *domain, const char *password,
		    struct auth_client **ret_client)
{
	struct auth_client *c = calloc(1, sizeof(*c));
	struct wr w;
	int r;

	if (!c)
		return -ENOMEM;
	r = ntlm_client_init(&c->ntlm, user, domain, password);
	if (r < 0) {
		free(c);
		return r;
	}
	w = wr_arena(&c->ntlm.arena, 256);
	spnego_encode_mech_list(&w, &oid_ntlmssp, 1);
	if (wr_end(&w) < 0) {
		auth_client_free(c);
		return -ENOMEM;
	}
	c->mech_list = wr_blob(&w);
	*ret_client = c;
	return 0;
}

void auth_client_set_raw(struct auth_client *c, bool raw)
{
	c->raw = raw;
}

void auth_client_free(struct auth_client *c)
{
	if (!c)
		return;
	ntlm_client_done(&c->ntlm);
	free(c);
}

struct blob auth_client_session_key(const struct auth_client *c)
{
	return BLOB(c->ntlm.key, sizeof(c->ntlm.key));
}

static int start(struct auth_client *c, struct arena *a, struct blob *ret_out)
{
	struct spnego_init init = { .mechs = { oid_ntlmssp }, .nmechs = 1, .has_token = true };
	struct wr w = wr_arena(a, AUTH_TOKEN_MAX);
	int r = ntlm_client_negotiate(&c->ntlm, a, &init.token);

	if (r < 0)
		return r;
	c->phase = CLIENT_NEGOTIATED;
	*ret_out = init.token;
	if (c->raw)
		return 1;
	spnego_encode_init(&w, &init, false);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	*ret_out = wr_blob(&w);
	return 1;
}

static int authenticate(struct auth_client *c, struct blob in, struct arena *a,
			struct blob *ret_out)
{
	struct spnego_resp from,
		to = { .state = SPNEGO_STATE_NONE, .has_token = true, .has_mic = true };
	uint8_t mic[NTLM_SEAL_SIGNATURE_LEN];
	struct wr w = wr_arena(a, 2 * AUTH_TOKEN_MAX);
	int r;

	if (!c->raw) {
		r = spnego_decode_resp(in, &from);
		if (r < 0)
			return r;
		if (from.state == SPNEGO_REJECT)
			return -EACCES;
		if (!from.has_token)
			return -EBADMSG;
		in = from.token;
	}
	r = ntlm_client_authenticate(&c->ntlm, in, a, &to.token);
	if (r < 0)
		return r;
	c->phase = CLIENT_AUTHENTICATED;
	*ret_out = to.token;
	if (c->raw)
		return 1;
	ntlm_signature(c->ntlm.key, c->ntlm.flags, false, c->mech_list, mic);
	to.mic = BLOB(mic, sizeof(mic));
	spnego_encode_resp(&w, &to);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	*ret_out = wr_blob(&w);
	return 1;
}

static int conclude(struct auth_client *c, struct blob in)
{
	uint8_t mic[NTLM_SEAL_SIGNATURE_LEN];
	struct spnego_resp from;
	int r;

	if (in.len == 0)
		return 0;
	if (c->raw)
		return -EBADMSG;
	r = spnego_decode_resp(in, &from);
	if (r < 0)
		return r;
	if (from.state != SPNEGO_ACCEPT_COMPLETED)
		return -EACCES;
	if (!from.has_mic)
		return 0;
	ntlm_signature(c->ntlm.key, c->ntlm.flags, true, c->mech_list, mic);
	return from.mic.len == sizeof(mic) && crypto_equal(from.mic.data, mic, sizeof(mic)) ?
		       0 :
		       -EACCES;
}

int auth_client_step(struct auth_client *c, struct blob in, struct arena *a, struct blob *ret_out)
{
	struct blob out = { 0 };
	int r = -EINVAL;

	if (c->phase == CLIENT_START)
		r = start(c, a, &out);
	else if (c->phase == CLIENT_NEGOTIATED)
		r = authenticate(c, in, a, &out);
	else if (c->phase == CLIENT_AUTHENTICATED)
		r = conclude(c, in);
	if (r == 0)
		c->phase = CLIENT_DONE;
	if (r < 0)
		c->phase = CLIENT_FAILED;
	else
		*ret_out = out;
	return r;
}
