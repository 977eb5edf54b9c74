/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File names of the load generators: ASCII only, they make them themselves. */
#ifndef HF_TESTS_BENCH_NAMES_H
#define HF_TESTS_BENCH_NAMES_H

#include "node/base/util.h"

/* `name` in UTF-16; returns the bytes, twice its length. */
static inline size_t widen(const char *name, uint8_t *out)
{
	size_t n;

	for (n = 0; name[n]; n++) {
		out[2 * n] = (uint8_t)name[n];
		out[2 * n + 1] = 0;
	}
	return 2 * n;
}

#endif
