/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The computations of NTLMv2. No state; any thread. */
#include "node/auth/ntlm_crypt.h"

#include "node/auth/auth.h"
#include "node/base/utf.h"

#define IOV(p, n)                \
	{                        \
		(void *)(p), (n) \
	}

int nt_hash_from_password(const char *password, uint8_t ret_hash[AUTH_NT_HASH_LEN])
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob wide;
	int r;

	arena_init(&a, 0);
	r = utf16_from_utf8(&a, password, &wide);
	if (r < 0)
		return r;
	crypto_md4(wide.data, wide.len, ret_hash);
	crypto_wipe((void *)wide.data, wide.len);
	return 0;
}

int ntlm_v2_response_key(const uint8_t nt_hash[NTLM_KEY_LEN], struct blob user, struct blob domain,
			 uint8_t ret_key[NTLM_KEY_LEN])
{
	_cleanup_free_ uint8_t *upper = malloc(user.len + 1);

	if (!upper)
		return -ENOMEM;
	if (user.len)
		memcpy(upper, user.data, user.len);
	utf16_upper(upper, user.len);
	crypto_hmac_md5(nt_hash, NTLM_KEY_LEN,
			(struct iovec[]){ IOV(upper, user.len), IOV(domain.data, domain.len) }, 2,
			ret_key);
	return 0;
}

void ntlm_v2_proof(const uint8_t response_key[NTLM_KEY_LEN],
		   const uint8_t challenge[NTLM_CHALLENGE_LEN], struct blob temp,
		   uint8_t ret_proof[NTLM_KEY_LEN], uint8_t ret_session_base_key[NTLM_KEY_LEN])
{
	crypto_hmac_md5(
		response_key, NTLM_KEY_LEN,
		(struct iovec[]){ IOV(challenge, NTLM_CHALLENGE_LEN), IOV(temp.data, temp.len) }, 2,
		ret_proof);
	crypto_hmac_md5(response_key, NTLM_KEY_LEN, &(struct iovec)IOV(ret_proof, NTLM_KEY_LEN), 1,
			ret_session_base_key);
}

void ntlm_mic(const uint8_t exported_key[NTLM_KEY_LEN], struct blob negotiate,
	      struct blob challenge, struct blob authenticate, uint8_t ret_mic[NTLM_MIC_LEN])
{
	static const uint8_t zero[NTLM_MIC_LEN];
	const uint8_t *after = authenticate.data + NTLM_MIC_AT + NTLM_MIC_LEN;

	assert(authenticate.len >= NTLM_MIC_AT + NTLM_MIC_LEN);
	crypto_hmac_md5(
		exported_key, NTLM_KEY_LEN,
		(struct iovec[]){ IOV(negotiate.data, negotiate.len),
				  IOV(challenge.data, challenge.len),
				  IOV(authenticate.data, NTLM_MIC_AT), IOV(zero, sizeof(zero)),
				  IOV(after, authenticate.len - NTLM_MIC_AT - NTLM_MIC_LEN) },
		5, ret_mic);
}

/* MD5 of a key and one of the specification's magic constants, with its NUL (3.4.5.2, 3.4.5.3). */
static void magic_key(const uint8_t *key, size_t key_len, bool from_server, const char *what,
		      uint8_t ret_key[NTLM_KEY_LEN])
{
	const char *direction = from_server ? "server-to-client" : "client-to-server";

	crypto_md5((struct iovec[]){ IOV(key, key_len), IOV("session key to ", 15),
				     IOV(direction, strlen(direction)), IOV(what, strlen(what)),
				     IOV(" key magic constant", 20) },
		   5, ret_key);
}

void ntlm_signature(const uint8_t exported_key[NTLM_KEY_LEN], uint32_t flags, bool from_server,
		    struct blob message, uint8_t ret_signature[NTLM_SEAL_SIGNATURE_LEN])
{
	size_t seal_len = (flags & NTLM_128) ? 16 : (flags & NTLM_56) ? 7 : 5;
	uint8_t sign_key[NTLM_KEY_LEN], seal_key[NTLM_KEY_LEN], mac[MD5_LEN];
	static const uint8_t sequence[4] = { 0 };
	struct wr w = wr_fixed(ret_signature, NTLM_SEAL_SIGNATURE_LEN);

	magic_key(exported_key, NTLM_KEY_LEN, from_server, " signing", sign_key);
	magic_key(exported_key, seal_len, from_server, " sealing", seal_key);
	crypto_hmac_md5(
		sign_key, sizeof(sign_key),
		(struct iovec[]){ IOV(sequence, sizeof(sequence)), IOV(message.data, message.len) },
		2, mac);
	if (flags & NTLM_KEY_EXCH)
		crypto_rc4(seal_key, sizeof(seal_key), mac, 8, mac);
	wr_le32(&w, 1);
	wr_bytes(&w, mac, 8);
	wr_bytes(&w, sequence, sizeof(sequence));
	crypto_wipe(sign_key, sizeof(sign_key));
	crypto_wipe(seal_key, sizeof(seal_key));
}
