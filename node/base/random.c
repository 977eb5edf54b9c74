/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random bytes. No state: any thread. */
#include "node/base/random.h"

#include <sys/random.h>

void random_bytes(void *buf, size_t n)
{
	uint8_t *p = buf;
	ssize_t got;

	while (n > 0) {
		got = getrandom(p, n, 0);
		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort(); /* going on with guessable keys would be worse */
		}
		p += got;
		n -= (size_t)got;
	}
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}
