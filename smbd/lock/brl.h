/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Byte-range locks: which ranges meet and which requests exclude each other
 * (MS-FSA 2.1.5.8, 2.1.5.9). Ranges end before 2^64; a range of length 0 has a position but no
 * byte. Pure; any thread.
 */
#ifndef HF_SMBD_LOCK_BRL_H
#define HF_SMBD_LOCK_BRL_H

#include "statestore/record.h"

/* Whether offset + length stays within 2^64. */
static inline bool brl_range_valid(uint64_t offset, uint64_t length)
{
	return length == 0 || offset <= UINT64_MAX - (length - 1);
}

/* Whether two valid ranges meet. An empty range meets another only strictly inside of it; two empty
 * ones never. */
bool brl_overlap(uint64_t off_a, uint64_t len_a, uint64_t off_b, uint64_t len_b);
/* Whether `held`, a lock of the same open (`own`) or of another, excludes a new lock of this range: an
 * exclusive one is excluded by every lock, a shared one by the exclusive locks of others. */
bool brl_excludes_lock(const struct rec_lock *held, bool own, uint64_t offset, uint64_t length,
		       bool exclusive);
/* Whether `held` denies a READ or WRITE of these bytes; `own`: by the open that holds it. A shared
 * lock denies every write, an exclusive one all others. */
bool brl_excludes_io(const struct rec_lock *held, bool own, uint64_t offset, uint64_t length,
		     bool write);

/* The first of `n` locks with exactly this range, -1: none. */
int brl_find(const struct rec_lock *locks, uint32_t n, uint64_t offset, uint64_t length);

/* Lock sequences (MS-SMB2 3.3.5.14): `seq` is Open.LockSequenceArray, index 1..REC_LOCK_SEQS. */
/* Whether the request with this number was executed already. Otherwise its entry is invalid from
 * now on. */
bool brl_seq_replayed(uint8_t seq[static REC_LOCK_SEQS], uint8_t index, uint8_t number);
/* The request with this number was executed. */
void brl_seq_done(uint8_t seq[static REC_LOCK_SEQS], uint8_t index, uint8_t number);

#endif
