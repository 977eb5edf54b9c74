/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random bytes of the kernel. Any thread. */
#ifndef HF_NODE_BASE_RANDOM_H
#define HF_NODE_BASE_RANDOM_H

#include "node/base/util.h"

/* Fills `n` bytes with random ones fit for keys (getrandom); aborts when the kernel has none to
 * give. */
void random_bytes(void *buf, size_t n);
/* A random 64-bit number fit for keys. */
uint64_t random_u64(void);

#endif
