/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test vectors are written in hexadecimal; spaces do not count. */
#ifndef HF_TESTS_UNIT_AUTH_HEX_H
#define HF_TESTS_UNIT_AUTH_HEX_H

#include "node/base/arena.h"

static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) - 'a' + 10;
}

/* Bytes of a hexadecimal string, in the arena. */
static inline struct blob hex(struct arena *a, const char *s)
{
	uint8_t *p = arena_alloc(a, strlen(s) / 2 + 1);
	size_t n = 0;
	bool high = true;

	for (; *s; s++) {
		if (*s == ' ')
			continue;
		if (high)
			p[n] = (uint8_t)(hex_digit(*s) << 4);
		else
			p[n++] |= (uint8_t)hex_digit(*s);
		high = !high;
	}
	return BLOB(p, n);
}

#define assert_hex(a, p, n, s)                                 \
	do {                                                   \
		struct blob want_ = hex(a, s);                 \
		assert_int_equal(n, want_.len);                \
		assert_memory_equal(p, want_.data, want_.len); \
	} while (0)

#endif
