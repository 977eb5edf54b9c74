/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One exchange of tokens: SPNEGO's acceptor above the mechanisms. A context belongs to one thread
 * at a time. */
#include "node/auth/auth_priv.h"

#include "node/auth/spnego.h"
#include "node/crypto/crypto.h"

#define CONTEXT_BYTES_MAX (1 << 20)

void auth_user_done(struct auth_user *u)
{
	free(u->name);
	free(u->groups);
	crypto_wipe(u->nt_hash, sizeof(u->nt_hash));
	memset(u, 0, sizeof(*u));
}

int auth_new(struct auth_server *s, struct auth_context **ret_context)
{
	struct auth_context *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->server = auth_server_ref(s);
	arena_init(&c->arena, CONTEXT_BYTES_MAX);
	*ret_context = c;
	return 0;
}

void auth_free(struct auth_context *c)
{
	if (!c)
		return;
	if (c->ops)
		c->ops->done(c);
	auth_user_done(&c->user);
	crypto_wipe(c->session_key, sizeof(c->session_key));
	arena_reset(&c->arena);
	auth_server_unref(c->server);
	free(c);
}

void auth_establish(struct auth_context *c, const char *user, const char *domain,
		    struct auth_user *identity, struct blob session_key, int64_t expires)
{
	assert(session_key.len && session_key.len <= sizeof(c->session_key));
	memcpy(c->session_key, session_key.data, session_key.len);
	auth_user_done(&c->user);
	c->user = *identity;
	memset(identity, 0, sizeof(*identity));
	crypto_wipe(c->user.nt_hash, sizeof(c->user.nt_hash));
	c->user.has_nt_hash = false;
	c->result = (struct auth_result){
		.mech = c->ops->mech,
		.user = user,
		.domain = domain,
		.session_key = BLOB(c->session_key, session_key.len),
		.identity = &c->user,
		.expires = expires,
	};
}

const struct auth_result *auth_result(const struct auth_context *c)
{
	assert(c->phase == PHASE_DONE);
	return &c->result;
}

void auth_take_identity(struct auth_context *c, struct auth_user *ret_user)
{
	assert(c->phase == PHASE_DONE);
	*ret_user = c->user;
	memset(&c->user, 0, sizeof(c->user));
}

static int respond(struct auth_context *c, enum spnego_state state, struct blob token,
		   struct blob mic, struct arena *a, struct blob *ret_out)
{
	struct spnego_resp resp = {
		.state = state,
		.mech = c->mech_told ? BLOB(NULL, 0) : c->mech_oid,
		.has_token = token.len > 0,
		.token = token,
		.has_mic = mic.len > 0,
		.mic = mic,
	};
	struct wr w = wr_arena(a, 2 * AUTH_TOKEN_MAX);

	spnego_encode_resp(&w, &resp);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	c->mech_told = true;
	*ret_out = wr_blob(&w);
	return 0;
}

/* The mechanism is done: what is left is to protect the list that it was chosen from (RFC 4178 5).
 */
static int finish(struct auth_context *c, struct blob token, const struct spnego_resp *from_client,
		  struct arena *a, struct blob *ret_out)
{
	bool has_mic = from_client && from_client->has_mic;
	struct blob mic = { 0 };
	int r;

	if (!has_mic && !c->mic_needed)
		return respond(c, SPNEGO_ACCEPT_COMPLETED, token, mic, a, ret_out);
	if (has_mic) {
		r = c->ops->check_mic(c, c->mech_list, from_client->mic);
		if (r < 0)
			return r;
	}
	r = c->ops->get_mic(c, c->mech_list, a, &mic);
	if (r < 0)
		return r;
	if (has_mic)
		return respond(c, SPNEGO_ACCEPT_COMPLETED, token, mic, a, ret_out);
	r = respond(c, SPNEGO_ACCEPT_INCOMPLETE, token, mic, a, ret_out);
	if (r < 0)
		return r;
	c->phase = PHASE_MECH_MIC;
	return 1;
}

static int run_mech(struct auth_context *c, struct blob token,
		    const struct spnego_resp *from_client, struct arena *a, struct blob *ret_out)
{
	struct blob out = { 0 };
	int r = c->ops->step(c, token, a, &out);

	if (r < 0)
		return r;
	if (r == 0)
		return finish(c, out, from_client, a, ret_out);
	r = respond(c, SPNEGO_ACCEPT_INCOMPLETE, out, BLOB(NULL, 0), a, ret_out);
	return r < 0 ? r : 1;
}

/* Takes the first mechanism of the client's list that we have. Returns its place; -EACCES when
 * there is none. */
static int choose_mech(struct auth_context *c, const struct spnego_init *init)
{
	for (size_t i = 0; i < init->nmechs; i++) {
		if (blob_equal(init->mechs[i], oid_ntlmssp)) {
			c->ops = &ntlm_mech;
			c->mech_oid = oid_ntlmssp;
			return (int)i;
		}
		if (!c->server->conf.keytab)
			continue;
		if (blob_equal(init->mechs[i], oid_krb5) ||
		    blob_equal(init->mechs[i], oid_ms_krb5)) {
			c->ops = &krb5_mech;
			c->mech_oid = blob_equal(init->mechs[i], oid_krb5) ? oid_krb5 : oid_ms_krb5;
			return (int)i;
		}
	}
	return -EACCES;
}

static int step_first(struct auth_context *c, struct blob in, struct arena *a, struct blob *ret_out)
{
	struct spnego_init init;
	const uint8_t *list;
	int r, place;

	r = spnego_decode_init(in, &init);
	if (r < 0)
		return r;
	place = choose_mech(c, &init);
	if (place < 0)
		return place;
	list = arena_memdup(&c->arena, init.mech_list.data, init.mech_list.len);
	if (!list)
		return -ENOMEM;
	c->mech_list = BLOB(list, init.mech_list.len);
	c->mic_needed = place > 0;
	c->phase = PHASE_MECH;
	if (place == 0 && init.has_token)
		return run_mech(c, init.token, NULL, a, ret_out);
	/* The optimistic token is for another mechanism. */
	r = respond(c, c->mic_needed ? SPNEGO_REQUEST_MIC : SPNEGO_ACCEPT_INCOMPLETE, BLOB(NULL, 0),
		    BLOB(NULL, 0), a, ret_out);
	return r < 0 ? r : 1;
}

static int step_next(struct auth_context *c, struct blob in, struct arena *a, struct blob *ret_out)
{
	struct spnego_resp resp;
	int r = spnego_decode_resp(in, &resp);

	if (r < 0)
		return r;
	if (resp.state == SPNEGO_REJECT)
		return -EACCES;
	if (c->phase == PHASE_MECH)
		return resp.has_token ? run_mech(c, resp.token, &resp, a, ret_out) : -EBADMSG;
	if (!resp.has_mic)
		return -EBADMSG;
	r = c->ops->check_mic(c, c->mech_list, resp.mic);
	if (r < 0)
		return r;
	return respond(c, SPNEGO_ACCEPT_COMPLETED, BLOB(NULL, 0), BLOB(NULL, 0), a, ret_out);
}

static bool is_ntlmssp(struct blob in)
{
	return in.len >= sizeof(NTLM_SIGNATURE) &&
	       memcmp(in.data, NTLM_SIGNATURE, sizeof(NTLM_SIGNATURE)) == 0;
}

int auth_step(struct auth_context *c, struct blob in, struct arena *a, struct blob *ret_out)
{
	struct blob out = { 0 };
	int r;

	if (c->phase == PHASE_DONE || c->phase == PHASE_FAILED)
		return -EINVAL;
	if (in.len == 0 || in.len > AUTH_TOKEN_MAX) {
		r = -EBADMSG;
	} else if (c->phase == PHASE_START && is_ntlmssp(in)) {
		c->ops = &ntlm_mech;
		c->phase = PHASE_RAW;
		r = c->ops->step(c, in, a, &out);
	} else if (c->phase == PHASE_START) {
		r = step_first(c, in, a, &out);
	} else if (c->phase == PHASE_RAW) {
		r = c->ops->step(c, in, a, &out);
	} else {
		r = step_next(c, in, a, &out);
	}
	if (r == 0)
		c->phase = PHASE_DONE;
	else if (r < 0)
		c->phase = PHASE_FAILED;
	if (r >= 0)
		*ret_out = out;
	return r;
}
