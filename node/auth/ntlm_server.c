/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NTLMv2's server side (MS-NLMP 3.2.5). NTLMv1, LM and anonymous are refused. A user that does not
 * exist costs the same computations as one that does, and fails in the same way. A context belongs
 * to one thread at a time.
 */
#include "node/auth/auth_priv.h"
#include "node/auth/ntlm_crypt.h"
#include "node/base/clock.h"
#include "node/base/utf.h"
#include "node/log/log.h"

#define NEGOTIATE_MAX 4096 /* bytes of a NEGOTIATE message; real ones have about 100 */
#define CHALLENGE_MAX 8192
#define PROOF_LEN NTLM_KEY_LEN
#define V1_RESPONSE_LEN 24

/* What we agree to when the client offers it. */
#define FLAGS_ECHOED                                                                        \
	(NTLM_UNICODE | NTLM_SIGN | NTLM_SEAL | NTLM_ALWAYS_SIGN | NTLM_EXTENDED_SECURITY | \
	 NTLM_128 | NTLM_56 | NTLM_KEY_EXCH)

/* An AUTHENTICATE message, checked as far as that goes without the user. */
struct claim {
	struct ntlm_authenticate m;
	struct blob message;
	struct blob temp; /* the response without its proof */
	bool mic; /* the client says that it sent a MIC */
	const char *user, *domain; /* UTF-8, as sent */
};

static int refuse(const struct claim *q, const char *reason)
{
	static struct log_rl rl;

	if (log_ratelimit(&rl, AUTH_LOG_PER_SECOND))
		log_info("authentication refused: mech=ntlm user=%s domain=%s reason=\"%s\"",
			 log_esc(q->user), log_esc(q->domain), reason);
	return -EACCES;
}

static int keep(struct arena *a, struct blob b, struct blob *ret)
{
	void *p = arena_memdup(a, b.data, b.len);

	if (!p)
		return -ENOMEM;
	*ret = BLOB(p, b.len);
	return 0;
}

static int target_info(struct auth_context *c, struct blob *ret_info)
{
	struct wr w = wr_arena(&c->arena, CHALLENGE_MAX);
	uint8_t now[8];
	struct wr t = wr_fixed(now, sizeof(now));

	wr_le64(&t, nttime_now());
	wr_put(&w, c->server->av_names);
	ntlm_av_put(&w, NTLM_AV_TIMESTAMP, BLOB(now, sizeof(now)));
	ntlm_av_put(&w, NTLM_AV_EOL, BLOB(NULL, 0));
	if (wr_end(&w) < 0)
		return -ENOMEM;
	*ret_info = wr_blob(&w);
	return 0;
}

static int step_negotiate(struct auth_context *c, struct blob in, struct arena *a,
			  struct blob *ret_out)
{
	struct ntlm_exchange *x = &c->ntlm;
	struct ntlm_negotiate n;
	struct ntlm_challenge m = { 0 };
	struct wr w = wr_arena(&c->arena, CHALLENGE_MAX);
	int r = in.len <= NEGOTIATE_MAX ? ntlm_decode_negotiate(in, &n) : -EBADMSG;

	if (r < 0)
		return r;
	if (!(n.flags & NTLM_UNICODE))
		return refuse(&(struct claim){ 0 }, "client does not speak Unicode");
	r = keep(&c->arena, in, &x->negotiate);
	if (r == 0)
		r = target_info(c, &m.target_info);
	if (r < 0)
		return r;
	crypto_random(x->server_challenge, sizeof(x->server_challenge));
	x->flags = (n.flags & FLAGS_ECHOED) | NTLM_NTLM | NTLM_TARGET_INFO | NTLM_VERSION;
	if (n.flags & NTLM_REQUEST_TARGET) {
		x->flags |= NTLM_REQUEST_TARGET | NTLM_TARGET_TYPE_SERVER;
		m.target_name = c->server->nb_name;
	}
	m.flags = x->flags;
	memcpy(m.challenge, x->server_challenge, sizeof(m.challenge));
	ntlm_encode_challenge(&w, &m);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	x->challenge = wr_blob(&w);
	r = keep(a, x->challenge, ret_out);
	return r < 0 ? r : 1;
}

static int take_text(struct arena *a, struct blob utf16, const char **ret)
{
	char *s;
	int r = utf8_from_utf16(a, utf16, &s);

	if (r == 0)
		*ret = s;
	return r == -EILSEQ ? -EBADMSG : r;
}

/* Whether the response is one that we compute at all. */
static int check_response(struct claim *q)
{
	struct ntlm_v2_client v2;
	struct blob value;
	struct rd r;
	int ret;

	if (q->m.flags & NTLM_ANONYMOUS || q->m.user.len == 0)
		return refuse(q, "anonymous");
	if (q->m.nt.len == 0)
		return refuse(q, "no NT response");
	if (q->m.nt.len == V1_RESPONSE_LEN)
		return refuse(q, "NTLMv1");
	if (q->m.nt.len < PROOF_LEN)
		return -EBADMSG;
	q->temp = BLOB(q->m.nt.data + PROOF_LEN, q->m.nt.len - PROOF_LEN);
	ret = ntlm_decode_v2_client(q->temp, &v2);
	if (ret < 0)
		return ret;
	ret = ntlm_av_find(v2.av_pairs, NTLM_AV_FLAGS, &value);
	if (ret < 0)
		return ret;
	if (ret == 0) {
		r = rd_of(value);
		q->mic = rd_le32(&r) & NTLM_AV_FLAG_MIC;
		if (!rd_ok(&r))
			return -EBADMSG;
	}
	if (q->mic && !q->m.has_mic)
		return -EBADMSG;
	return 0;
}

static int decode_claim(struct auth_context *c, struct blob in, struct claim *q)
{
	int r = ntlm_decode_authenticate(in, &q->m);

	if (r < 0)
		return r;
	q->message = in;
	if (!(q->m.flags & NTLM_UNICODE))
		return -EBADMSG;
	if ((r = take_text(&c->arena, q->m.user, &q->user)) < 0 ||
	    (r = take_text(&c->arena, q->m.domain, &q->domain)) < 0)
		return r;
	c->ntlm.flags &= q->m.flags | NTLM_TARGET_INFO;
	if (c->ntlm.flags & NTLM_KEY_EXCH && q->m.session_key.len != NTLM_KEY_LEN)
		return -EBADMSG;
	return check_response(q);
}

/* Asks for the user; `alice@example` without a domain is alice of example. */
static int lookup(struct auth_context *c, const struct claim *q, struct auth_user *ret_user)
{
	const char *at = strrchr(q->user, '@'), *domain = q->domain, *user = q->user;
	char *copy;

	if (at && at != user && !domain[0]) {
		copy = arena_strdup(&c->arena, user);
		if (!copy)
			return -ENOMEM;
		copy[at - user] = '\0';
		user = copy;
		domain = at + 1;
	}
	return c->server->conf.lookup(c->server->conf.lookup_ctx, domain, user, ret_user);
}

/* Whether the proof is right for this hash. Clients that leave the domain out of the computation
 * are supported (3.2.5.1.2); both ways are always computed. */
static int check_proof(struct auth_context *c, const struct claim *q, const uint8_t *nt_hash,
		       bool *ret_right, uint8_t ret_base_key[NTLM_KEY_LEN])
{
	const struct blob domains[2] = { q->m.domain, { 0 } };
	uint8_t key[NTLM_KEY_LEN], proof[PROOF_LEN], base_key[NTLM_KEY_LEN];
	bool right = false;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(domains) && r == 0; i++) {
		r = ntlm_v2_response_key(nt_hash, q->m.user, domains[i], key);
		if (r < 0)
			break;
		ntlm_v2_proof(key, c->ntlm.server_challenge, q->temp, proof, base_key);
		if (crypto_equal(proof, q->m.nt.data, PROOF_LEN)) {
			right = true;
			memcpy(ret_base_key, base_key, NTLM_KEY_LEN);
		}
	}
	crypto_wipe(key, sizeof(key));
	crypto_wipe(base_key, sizeof(base_key));
	*ret_right = right;
	return r;
}

static bool check_mic_field(struct auth_context *c, const struct claim *q,
			    const uint8_t *exported_key)
{
	uint8_t mic[NTLM_MIC_LEN];

	if (!q->mic)
		return true;
	ntlm_mic(exported_key, c->ntlm.negotiate, c->ntlm.challenge, q->message, mic);
	return crypto_equal(mic, q->m.mic, sizeof(mic));
}

static int verify(struct auth_context *c, const struct claim *q, struct auth_user *user)
{
	uint8_t key[NTLM_KEY_LEN] = { 0 };
	bool right, mic_right, known;
	int r = lookup(c, q, user);

	if (r < 0)
		return r;
	known = r == 0 && user->has_nt_hash;
	r = check_proof(c, q, known ? user->nt_hash : c->server->no_user_hash, &right, key);
	if (r < 0)
		return r;
	if (c->ntlm.flags & NTLM_KEY_EXCH)
		crypto_rc4(key, sizeof(key), q->m.session_key.data, sizeof(key), key);
	mic_right = check_mic_field(c, q, key);
	if (known && right && mic_right)
		auth_establish(c, q->user, q->domain, user, BLOB(key, sizeof(key)), 0);
	else
		r = refuse(q, !known ? "unknown user" : !right ? "wrong password" : "wrong MIC");
	crypto_wipe(key, sizeof(key));
	return r;
}

static int ntlm_step(struct auth_context *c, struct blob in, struct arena *a, struct blob *ret_out)
{
	struct auth_user user = { 0 };
	struct claim q = { 0 };
	int r;

	if (c->ntlm.challenge.len == 0)
		return step_negotiate(c, in, a, ret_out);
	r = decode_claim(c, in, &q);
	if (r < 0)
		return r;
	r = verify(c, &q, &user);
	auth_user_done(&user);
	return r;
}

static int ntlm_get_mic(struct auth_context *c, struct blob message, struct arena *a,
			struct blob *ret_mic)
{
	uint8_t *mic = arena_alloc(a, NTLM_SEAL_SIGNATURE_LEN);

	if (!mic)
		return -ENOMEM;
	ntlm_signature(c->session_key, c->ntlm.flags, true, message, mic);
	*ret_mic = BLOB(mic, NTLM_SEAL_SIGNATURE_LEN);
	return 0;
}

static int ntlm_check_mic(struct auth_context *c, struct blob message, struct blob mic)
{
	uint8_t want[NTLM_SEAL_SIGNATURE_LEN];

	ntlm_signature(c->session_key, c->ntlm.flags, false, message, want);
	if (mic.len == sizeof(want) && crypto_equal(mic.data, want, sizeof(want)))
		return 0;
	return refuse(&(struct claim){ .user = c->result.user, .domain = c->result.domain },
		      "wrong mechListMIC");
}

static void ntlm_done(struct auth_context *c)
{
	(void)c;
}

const struct mech_ops ntlm_mech = {
	.mech = AUTH_MECH_NTLM,
	.step = ntlm_step,
	.get_mic = ntlm_get_mic,
	.check_mic = ntlm_check_mic,
	.done = ntlm_done,
};
