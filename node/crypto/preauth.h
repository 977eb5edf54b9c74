/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preauthentication integrity of SMB 3.1.1 (MS-SMB2 3.1.4.4.1 and 3.3.5.4): a SHA-512 chain over
 * the NEGOTIATE messages of a connection, continued per session over its SESSION_SETUP messages. A
 * plain value: copy it to fork the chain.
 */
#ifndef HF_NODE_CRYPTO_PREAUTH_H
#define HF_NODE_CRYPTO_PREAUTH_H

#include "node/crypto/crypto.h"

struct preauth {
	uint8_t hash[SHA512_LEN];
};

/* Sets the chain to its start, 64 zero bytes. */
void preauth_init(struct preauth *p);
/* hash = SHA-512(hash | message). The message runs from the SMB2 header to its end, without the
 * transport's length. -EIO as crypto_sha512, the chain is then unchanged. */
int preauth_update(struct preauth *p, const struct iovec *iov, int iovcnt);

#endif
