/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long to wait before a daemon that died is started again. Pure. */
#include "node/noded/noded_priv.h"

#define QUICK_MS 1000u /* who lived longer does not burn the processor by dying */
#define FIRST_MS 50u
#define MAX_MS 5000u

unsigned int backoff_next(struct backoff *b, uint64_t ran_ms)
{
	if (ran_ms >= QUICK_MS)
		b->quick = 0;
	b->quick++;
	if (b->quick == 1)
		return 0;
	return MIN(FIRST_MS << MIN(b->quick - 2, 10u), MAX_MS);
}
