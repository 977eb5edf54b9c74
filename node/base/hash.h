/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hashing. The values are part of the on-disk and on-wire format: slots are chosen by them, so they
 * are the same on every node, every byte order and every release. Any thread.
 */
#ifndef HF_NODE_BASE_HASH_H
#define HF_NODE_BASE_HASH_H

#include "node/base/util.h"

/* SipHash-2-4 (Aumasson, Bernstein 2012) of `n` bytes under the 128-bit key (k0, k1). */
uint64_t siphash24(const void *data, size_t n, uint64_t k0, uint64_t k1);
/* SipHash-2-4 under the key (seed, ~seed). A table that a client may fill takes a random seed; a
 * slot number takes the cluster's constant one. */
uint64_t hash64(const void *data, size_t n, uint64_t seed);
/* hash64 of a C string without its NUL. */
uint64_t hash64_str(const char *s, uint64_t seed);
/* Mixes one 64-bit number; a bijection (finalizer of SplitMix64). Not for input that a client
 * chooses freely. */
uint64_t hash64_u64(uint64_t v);

#endif
