/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules that a test build (configure --enable-fault-points) can be told to break, to prove that tests/chaos notices.
 * The environment's HF_FAULT names those that are broken, separated by commas. In any other build nothing of this
 * exists and fault() is false.
 */
#ifndef HF_NODE_BASE_FAULT_H
#define HF_NODE_BASE_FAULT_H

#include <stdbool.h>

/* Names as in HF_FAULT. */
#define FAULT_NO_EPOCH_GUARD "no-epoch-guard" /* the store takes writes of owners that were deposed */
#define FAULT_NO_LEASE_EXPIRY "no-lease-expiry" /* smbd serves without a fresh right to serve */
#define FAULT_LOST_REASSERTION "lost-reassertion" /* homes do not name their opens to new owners */
#define FAULT_NO_LEASE_BREAK "no-lease-break" /* owners grant opens without breaking the leases of others */
#define FAULT_NO_DIRECTORY_BREAK "no-directory-break" /* owners hear of changes of directories, and leave the leases on them */
/* No rule, but a slow disk: each commit of the LMDB store begins 50 ms late, so that more of them are on their way when
 * their process is stopped. */
#define FAULT_SLOW_COMMIT "slow-commit"

#ifdef HF_FAULT_POINTS
/* Whether the rule is to be broken. Any thread. */
bool fault(const char *name);
#else
static inline bool fault(const char *name)
{
	return false;
}
#endif

#endif
