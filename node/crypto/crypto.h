/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Digests, random bytes and comparisons. Pure functions, safe on any thread. MD4, MD5 and RC4 are
 * here for NTLM alone (MS-NLMP); nothing new may use them.
 */
#ifndef HF_NODE_CRYPTO_CRYPTO_H
#define HF_NODE_CRYPTO_CRYPTO_H

#include <sys/uio.h>

#include "node/base/util.h"

#define MD4_LEN 16
#define MD5_LEN 16
#define SHA256_LEN 32
#define SHA512_LEN 64

/* Fills `p[0..n)` with bytes fit for keys and nonces. Ends the process when the system has none. */
void crypto_random(void *p, size_t n);
/* Whether two byte strings of length `n` are equal, in time that depends on `n` alone. */
bool crypto_equal(const void *a, const void *b, size_t n);
/* Overwrites a secret; not optimised away. */
void crypto_wipe(void *p, size_t n);

void crypto_md4(const void *p, size_t n, uint8_t ret_digest[MD4_LEN]);
void crypto_md5(const struct iovec *iov, int iovcnt, uint8_t ret_digest[MD5_LEN]);
void crypto_hmac_md5(const void *key, size_t key_len, const struct iovec *iov, int iovcnt,
		     uint8_t ret_mac[MD5_LEN]);
/* RC4 from the start of its key stream; `out` may be `in`. */
void crypto_rc4(const void *key, size_t key_len, const void *in, size_t n, void *out);

/* -EIO when gnutls refuses (it does not, outside of a broken FIPS set-up). */
int crypto_sha256(const struct iovec *iov, int iovcnt, uint8_t ret_digest[SHA256_LEN]);
int crypto_hmac_sha256(const void *key, size_t key_len, const struct iovec *iov, int iovcnt,
		       uint8_t ret_mac[SHA256_LEN]);
int crypto_sha512(const struct iovec *iov, int iovcnt, uint8_t ret_digest[SHA512_LEN]);

#endif
