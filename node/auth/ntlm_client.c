/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTLMv2's client side. One thread at a time. */
#include "node/auth/ntlm_client.h"

#include "node/auth/auth.h"
#include "node/base/clock.h"
#include "node/base/utf.h"

#define MESSAGE_MAX 65536
#define FLAGS                                                                            \
	(NTLM_UNICODE | NTLM_REQUEST_TARGET | NTLM_SIGN | NTLM_NTLM | NTLM_ALWAYS_SIGN | \
	 NTLM_EXTENDED_SECURITY | NTLM_VERSION | NTLM_128 | NTLM_KEY_EXCH | NTLM_56)

int ntlm_client_init(struct ntlm_client *c, const char *user, const char *domain,
		     const char *password)
{
	int r;

	memset(c, 0, sizeof(*c));
	arena_init(&c->arena, 0);
	if ((r = utf16_from_utf8(&c->arena, user, &c->user)) < 0 ||
	    (r = utf16_from_utf8(&c->arena, domain ? domain : "", &c->domain)) < 0 ||
	    (r = nt_hash_from_password(password, c->nt_hash)) < 0)
		ntlm_client_done(c);
	return r;
}

void ntlm_client_done(struct ntlm_client *c)
{
	crypto_wipe(c->nt_hash, sizeof(c->nt_hash));
	crypto_wipe(c->key, sizeof(c->key));
	arena_reset(&c->arena);
}

int ntlm_client_negotiate(struct ntlm_client *c, struct arena *a, struct blob *ret_out)
{
	struct ntlm_negotiate m = { .flags = FLAGS };
	struct wr w = wr_arena(&c->arena, MESSAGE_MAX);
	void *copy;

	ntlm_encode_negotiate(&w, &m);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	c->negotiate = wr_blob(&w);
	copy = arena_memdup(a, c->negotiate.data, c->negotiate.len);
	if (!copy)
		return -ENOMEM;
	*ret_out = BLOB(copy, c->negotiate.len);
	return 0;
}

/* The server's AV_PAIRs with our flags added. Returns whether a MIC is due. */
static int own_target_info(struct blob theirs, struct wr *w, uint64_t *ret_time)
{
	uint8_t flags[4] = { NTLM_AV_FLAG_MIC };
	struct rd r = rd_of(theirs);
	struct blob time;
	int has_time = ntlm_av_find(theirs, NTLM_AV_TIMESTAMP, &time);

	if (has_time < 0)
		return has_time;
	while (rd_left(&r) >= 4) {
		uint16_t id = rd_le16(&r);
		struct blob value = rd_blob(&r, rd_le16(&r));

		if (id == NTLM_AV_EOL)
			break;
		if (id != NTLM_AV_FLAGS)
			ntlm_av_put(w, id, value);
	}
	if (has_time == 0) {
		r = rd_of(time);
		*ret_time = rd_le64(&r);
		ntlm_av_put(w, NTLM_AV_FLAGS, BLOB(flags, sizeof(flags)));
	} else {
		*ret_time = nttime_now();
	}
	ntlm_av_put(w, NTLM_AV_EOL, BLOB(NULL, 0));
	return has_time == 0;
}

/* Makes the NT response and the key that goes with it. Returns whether a MIC is due. */
static int make_response(struct ntlm_client *c, const struct ntlm_challenge *ch, struct arena *a,
			 struct blob *ret_nt, uint8_t ret_base_key[NTLM_KEY_LEN])
{
	struct wr av = wr_arena(a, MESSAGE_MAX), w = wr_arena(a, MESSAGE_MAX);
	struct ntlm_v2_client v2 = { 0 };
	uint8_t key[NTLM_KEY_LEN], proof[NTLM_KEY_LEN] = { 0 };
	int mic = own_target_info(ch->target_info, &av, &v2.time), r;

	if (mic < 0)
		return mic;
	crypto_random(v2.challenge, sizeof(v2.challenge));
	v2.av_pairs = wr_blob(&av);
	wr_bytes(&w, proof, sizeof(proof));
	ntlm_encode_v2_client(&w, &v2);
	if (wr_end(&w) < 0 || wr_end(&av) < 0)
		return -ENOMEM;
	r = ntlm_v2_response_key(c->nt_hash, c->user, c->domain, key);
	if (r < 0)
		return r;
	ntlm_v2_proof(key, ch->challenge, BLOB(w.base + sizeof(proof), w.len - sizeof(proof)),
		      proof, ret_base_key);
	wr_patch(&w, 0, proof, sizeof(proof));
	*ret_nt = wr_blob(&w);
	return mic;
}

int ntlm_client_authenticate(struct ntlm_client *c, struct blob challenge, struct arena *a,
			     struct blob *ret_out)
{
	struct ntlm_authenticate m = { .user = c->user, .domain = c->domain };
	struct wr w = wr_arena(a, MESSAGE_MAX);
	uint8_t base_key[NTLM_KEY_LEN], encrypted[NTLM_KEY_LEN], mic[NTLM_MIC_LEN];
	struct ntlm_challenge ch;
	int r = ntlm_decode_challenge(challenge, &ch);

	if (r < 0)
		return r;
	r = make_response(c, &ch, a, &m.nt, base_key);
	if (r < 0)
		return r;
	c->flags = m.flags = FLAGS & ch.flags;
	if (m.flags & NTLM_KEY_EXCH) {
		crypto_random(c->key, sizeof(c->key));
		crypto_rc4(base_key, sizeof(base_key), c->key, sizeof(c->key), encrypted);
		m.session_key = BLOB(encrypted, sizeof(encrypted));
	} else {
		memcpy(c->key, base_key, sizeof(c->key));
	}
	ntlm_encode_authenticate(&w, &m);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	if (r == 1) {
		ntlm_mic(c->key, c->negotiate, challenge, wr_blob(&w), mic);
		wr_patch(&w, NTLM_MIC_AT, mic, sizeof(mic));
	}
	crypto_wipe(base_key, sizeof(base_key));
	*ret_out = wr_blob(&w);
	return 0;
}
