/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signatures of SMB2 messages (MS-SMB2 3.1.4.1, 3.1.5.1). A key may be used by several threads at
 * once.
 *
 * A message is an iovec array; its first element holds at least the whole 64-byte SMB2 header. Each
 * element of a compound chain is a message of its own, with its padding. The Signature field
 * (bytes 48..63) counts as zeros whatever it holds. The nonce of AES-GMAC is made from the header:
 * MessageId, SERVER_TO_REDIR and whether the command is CANCEL.
 */
#ifndef HF_NODE_CRYPTO_SMB_SIGN_H
#define HF_NODE_CRYPTO_SMB_SIGN_H

#include "node/crypto/smb_kdf.h"

#define SMB_SIGNATURE_LEN 16

/* Values of SMB2_SIGNING_CAPABILITIES (MS-SMB2 2.2.3.1.7). */
enum sign_alg {
	SIGN_HMAC_SHA256 = 0, /* 2.0.2 and 2.1 */
	SIGN_AES_CMAC = 1, /* 3.0 and later, unless negotiated otherwise */
	SIGN_AES_GMAC = 2, /* 3.1.1 */
};

struct sign_key;

/* Makes a key; the 16 bytes are copied. -ENOMEM; -EINVAL for an unknown algorithm; -EIO. */
int sign_key_new(enum sign_alg alg, const uint8_t key[SMB_KEY_LEN], struct sign_key **ret_key);
/* Wipes and frees it; no thread may be using it. NULL is allowed. */
void sign_key_free(struct sign_key *k);
DEFINE_CLEANUP(struct sign_key, sign_key, sign_key_free)

/* Computes the signature and writes it into the header's Signature field. The caller sets
 * SMB2_FLAGS_SIGNED before. -EINVAL when the first element is shorter than a header; -ENOMEM; -EIO.
 */
int sign_message(struct sign_key *k, const struct iovec *iov, int iovcnt);
/* Compares the header's Signature with the right one, in constant time; the message is not touched.
 * 0: right. -EBADMSG: wrong. Else as sign_message. */
int sign_verify(struct sign_key *k, const struct iovec *iov, int iovcnt);

#endif
