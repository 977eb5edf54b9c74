/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Digests and random bytes, from gnutls; MD4, MD5 and RC4 from nettle. No state; any thread. */
#include "node/crypto/crypto.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <nettle/arcfour.h>
#include <nettle/hmac.h>
#include <nettle/md4.h>
#include <nettle/md5.h>

void crypto_random(void *p, size_t n)
{
	/* GNUTLS_RND_RANDOM reseeds itself from the kernel, also after fork. */
	if (gnutls_rnd(GNUTLS_RND_RANDOM, p, n) < 0)
		abort();
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return gnutls_memcmp(a, b, n) == 0;
}

void crypto_wipe(void *p, size_t n)
{
	if (n)
		gnutls_memset(p, 0, n);
}

void crypto_md4(const void *p, size_t n, uint8_t ret_digest[MD4_LEN])
{
	struct md4_ctx c;

	md4_init(&c);
	md4_update(&c, n, p);
	md4_digest(&c, MD4_LEN, ret_digest);
	crypto_wipe(&c, sizeof(c));
}

void crypto_md5(const struct iovec *iov, int iovcnt, uint8_t ret_digest[MD5_LEN])
{
	struct md5_ctx c;

	md5_init(&c);
	for (int i = 0; i < iovcnt; i++)
		md5_update(&c, iov[i].iov_len, iov[i].iov_base);
	md5_digest(&c, MD5_LEN, ret_digest);
	crypto_wipe(&c, sizeof(c));
}

void crypto_hmac_md5(const void *key, size_t key_len, const struct iovec *iov, int iovcnt,
		     uint8_t ret_mac[MD5_LEN])
{
	struct hmac_md5_ctx c;

	hmac_md5_set_key(&c, key_len, key);
	for (int i = 0; i < iovcnt; i++)
		hmac_md5_update(&c, iov[i].iov_len, iov[i].iov_base);
	hmac_md5_digest(&c, MD5_LEN, ret_mac);
	crypto_wipe(&c, sizeof(c));
}

void crypto_rc4(const void *key, size_t key_len, const void *in, size_t n, void *out)
{
	struct arcfour_ctx c;

	arcfour_set_key(&c, key_len, key);
	arcfour_crypt(&c, n, out, in);
	crypto_wipe(&c, sizeof(c));
}

static int digest(gnutls_digest_algorithm_t alg, const struct iovec *iov, int iovcnt,
		  uint8_t *ret_digest)
{
	gnutls_hash_hd_t h;
	int r = 0;

	if (gnutls_hash_init(&h, alg) < 0)
		return -EIO;
	for (int i = 0; i < iovcnt && r >= 0; i++)
		r = gnutls_hash(h, iov[i].iov_base, iov[i].iov_len);
	gnutls_hash_deinit(h, r < 0 ? NULL : ret_digest);
	return r < 0 ? -EIO : 0;
}

int crypto_sha256(const struct iovec *iov, int iovcnt, uint8_t ret_digest[SHA256_LEN])
{
	return digest(GNUTLS_DIG_SHA256, iov, iovcnt, ret_digest);
}

int crypto_sha512(const struct iovec *iov, int iovcnt, uint8_t ret_digest[SHA512_LEN])
{
	return digest(GNUTLS_DIG_SHA512, iov, iovcnt, ret_digest);
}

int crypto_hmac_sha256(const void *key, size_t key_len, const struct iovec *iov, int iovcnt,
		       uint8_t ret_mac[SHA256_LEN])
{
	gnutls_hmac_hd_t h;
	int r = 0;

	if (gnutls_hmac_init(&h, GNUTLS_MAC_SHA256, key, key_len) < 0)
		return -EIO;
	for (int i = 0; i < iovcnt && r >= 0; i++)
		r = gnutls_hmac(h, iov[i].iov_base, iov[i].iov_len);
	gnutls_hmac_deinit(h, r < 0 ? NULL : ret_mac);
	return r < 0 ? -EIO : 0;
}
