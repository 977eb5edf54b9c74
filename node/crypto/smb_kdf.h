/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of a session and its channels: SP800-108 counter mode with HMAC-SHA256 (MS-SMB2 3.1.4.2).
 * Pure. */
#ifndef HF_NODE_CRYPTO_SMB_KDF_H
#define HF_NODE_CRYPTO_SMB_KDF_H

#include "node/crypto/preauth.h"

#define SMB_KEY_LEN 16 /* session, signing and application keys, and the AES-128 ciphers' keys */
#define SMB_KEY_MAX_LEN 32 /* the AES-256 ciphers' keys */

/* What a key is for. The server seals with SERVER_OUT and opens with SERVER_IN. */
enum smb_key_use {
	SMB_KEY_SIGNING,
	SMB_KEY_APPLICATION,
	SMB_KEY_SERVER_IN, /* client to server */
	SMB_KEY_SERVER_OUT, /* server to client */
};

/* The bare function: L is 8 * `key_len` bits (16 or 32 bytes). `label` and `context` go in as they
 * are, with their terminating zero where the specification counts it. -EIO as crypto_hmac_sha256.
 */
int smb_kdf(const uint8_t *ki, size_t ki_len, struct blob label, struct blob context,
	    uint8_t *ret_key, size_t key_len);

/*
 * Derives one key. `session_key` is what GSS gave: its first 16 bytes count (zero-padded when
 * shorter, 3.3.5.5.3), but all of it (Session.FullSessionKey) when key_len is 32. `preauth` is the
 * session's (for a channel's signing key: the channel's) hash on dialect 3.1.1, NULL on 3.0
 * and 3.0.2. `key_len` is 16, or 32 for SERVER_IN/OUT of an AES-256 cipher. Dialects below 3.0
 * derive nothing: they sign with the session key itself. -EINVAL for an empty session key or
 * another length; -EIO.
 */
int smb_derive_key(enum smb_key_use use, struct blob session_key, const struct preauth *preauth,
		   uint8_t *ret_key, size_t key_len);

#endif
