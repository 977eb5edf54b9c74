/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte-range locks. Pure; any thread. */
#include "smbd/lock/brl.h"

bool brl_overlap(uint64_t off_a, uint64_t len_a, uint64_t off_b, uint64_t len_b)
{
	if (len_a == 0 && len_b == 0)
		return false;
	if (len_a == 0)
		return off_a > off_b && off_a - off_b < len_b;
	if (len_b == 0)
		return off_b > off_a && off_b - off_a < len_a;
	return off_a <= off_b ? off_b - off_a < len_a : off_a - off_b < len_b;
}

bool brl_excludes_lock(const struct rec_lock *held, bool own, uint64_t offset, uint64_t length,
		       bool exclusive)
{
	if (!exclusive && (own || !held->exclusive))
		return false;
	return brl_overlap(held->offset, held->length, offset, length);
}

bool brl_excludes_io(const struct rec_lock *held, bool own, uint64_t offset, uint64_t length,
		     bool write)
{
	if (length == 0)
		return false;
	if (held->exclusive ? own : !write)
		return false;
	return brl_overlap(held->offset, held->length, offset, length);
}

int brl_find(const struct rec_lock *locks, uint32_t n, uint64_t offset, uint64_t length)
{
	for (uint32_t i = 0; i < n; i++)
		if (locks[i].offset == offset && locks[i].length == length)
			return (int)i;
	return -1;
}

bool brl_seq_replayed(uint8_t seq[static REC_LOCK_SEQS], uint8_t index, uint8_t number)
{
	uint8_t *e;

	if (index < 1 || index > REC_LOCK_SEQS)
		return false;
	e = &seq[index - 1];
	if (*e == number + 1)
		return true;
	*e = 0;
	return false;
}

void brl_seq_done(uint8_t seq[static REC_LOCK_SEQS], uint8_t index, uint8_t number)
{
	if (index >= 1 && index <= REC_LOCK_SEQS)
		seq[index - 1] = (uint8_t)((number & 0xf) + 1);
}
