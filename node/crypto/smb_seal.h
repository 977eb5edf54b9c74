/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encryption of SMB2 messages behind an SMB2 TRANSFORM_HEADER (MS-SMB2 2.2.41, 3.1.4.3). One key
 * serves one direction of one session; several threads may use it at once. The nonce is the key's
 * own: a random prefix and a 64-bit counter, so that none comes twice under a key.
 */
#ifndef HF_NODE_CRYPTO_SMB_SEAL_H
#define HF_NODE_CRYPTO_SMB_SEAL_H

#include "node/crypto/smb_kdf.h"

#define SEAL_HEADER_LEN 52 /* SMB2 TRANSFORM_HEADER */
#define SEAL_TAG_LEN 16

/* Values of SMB2_ENCRYPTION_CAPABILITIES (MS-SMB2 2.2.3.1.2). */
enum seal_alg {
	SEAL_AES128_CCM = 1, /* also 3.0 and 3.0.2 */
	SEAL_AES128_GCM = 2,
	SEAL_AES256_CCM = 3,
	SEAL_AES256_GCM = 4,
};

struct seal_key;

/* Key length in bytes, 16 or 32; 0 for an unknown cipher. */
size_t seal_key_len(enum seal_alg alg);

/* Makes a key; seal_key_len(alg) bytes are copied. -ENOMEM; -EINVAL for an unknown cipher; -EIO. */
int seal_key_new(enum seal_alg alg, const uint8_t *key, struct seal_key **ret_key);
/* Wipes and frees it; no thread may be using it. NULL is allowed. */
void seal_key_free(struct seal_key *k);
DEFINE_CLEANUP(struct seal_key, seal_key, seal_key_free)

/*
 * Encrypts the message in `iov` in place and completes its transform header: the caller has written
 * ProtocolId, OriginalMessageSize (the sum of `iov`), Flags and SessionId; this writes Nonce and
 * Signature. -EOVERFLOW when the key has no nonce left (the session must end); -ENOMEM; -EIO; the
 * content is then undefined.
 */
int seal_encrypt(struct seal_key *k, uint8_t header[SEAL_HEADER_LEN], const struct iovec *iov,
		 int iovcnt);
/* Same, but reads from `iov` and writes the cipher text to `out` (the sum of `iov` bytes, not
 * overlapping). */
int seal_encrypt_to(struct seal_key *k, uint8_t header[SEAL_HEADER_LEN], const struct iovec *iov,
		    int iovcnt, uint8_t *out);
/*
 * Checks and decrypts in place what follows `header`. The caller has checked ProtocolId, Flags and
 * that OriginalMessageSize is the sum of `iov`. 0, or -EBADMSG when the signature is wrong (the
 * content is then undefined and must be dropped); -ENOMEM; -EIO.
 */
int seal_decrypt(struct seal_key *k, const uint8_t header[SEAL_HEADER_LEN], const struct iovec *iov,
		 int iovcnt);

#endif
