/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only the tests of smb_seal.h may touch. */
#ifndef HF_NODE_CRYPTO_SMB_SEAL_PRIV_H
#define HF_NODE_CRYPTO_SMB_SEAL_PRIV_H

#include "node/crypto/smb_seal.h"

/* Sets how many nonces the key has given out. */
void seal_key_set_counter(struct seal_key *k, uint64_t used);

#endif
