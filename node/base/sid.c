/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Security identifiers and their text form. No state: any thread. */
#include "node/base/sid.h"

#include <stdio.h>

bool sid_valid(const struct sid *s)
{
	return s->revision == 1 && s->sub_count <= SID_MAX_SUB;
}

bool sid_equal(const struct sid *a, const struct sid *b)
{
	if (a->revision != b->revision || a->sub_count != b->sub_count ||
	    memcmp(a->authority, b->authority, sizeof(a->authority)) != 0)
		return false;
	return memcmp(a->sub, b->sub, MIN(a->sub_count, SID_MAX_SUB) * sizeof(a->sub[0])) == 0;
}

static uint64_t sid_authority(const struct sid *s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < sizeof(s->authority); i++)
		v = v << 8 | s->authority[i];
	return v;
}

char *sid_format(const struct sid *s, char buf[static SID_STR_SIZE])
{
	uint64_t authority = sid_authority(s);
	size_t n;

	n = (size_t)snprintf(buf, SID_STR_SIZE, authority >> 32 ? "S-%u-0x%012llx" : "S-%u-%llu",
			     s->revision, (unsigned long long)authority);
	for (int i = 0; i < MIN(s->sub_count, SID_MAX_SUB); i++)
		n += (size_t)snprintf(buf + n, SID_STR_SIZE - n, "-%u", s->sub[i]);
	return buf;
}

/* Any number of 16 and above is no digit. */
static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Reads digits of `base` up to `max` and moves *p behind them; strtoull would take signs and
 * blanks. */
static bool take_number(const char **p, int base, uint64_t max, uint64_t *ret)
{
	const char *start = *p;
	uint64_t v = 0;

	for (;; (*p)++) {
		int digit = digit_of(**p);

		if (digit >= base)
			break;
		v = v * (uint64_t)base + (uint64_t)digit;
		if (v > max)
			return false;
	}
	*ret = v;
	return *p != start;
}

int sid_parse(const char *text, struct sid *ret)
{
	struct sid s = { .revision = 1 };
	const char *p = text;
	uint64_t v;
	bool hex;

	if ((*p | 0x20) != 's' || strncmp(p + 1, "-1-", 3) != 0)
		return -EINVAL;
	p += 4;
	hex = p[0] == '0' && (p[1] | 0x20) == 'x';
	p += hex ? 2 : 0;
	if (!take_number(&p, hex ? 16 : 10, hex ? (UINT64_C(1) << 48) - 1 : UINT32_MAX, &v))
		return -EINVAL;
	for (int i = 5; i >= 0; i--, v >>= 8)
		s.authority[i] = (uint8_t)v;
	while (*p == '-') {
		p++;
		if (s.sub_count == SID_MAX_SUB || !take_number(&p, 10, UINT32_MAX, &v))
			return -EINVAL;
		s.sub[s.sub_count++] = (uint32_t)v;
	}
	if (*p)
		return -EINVAL;
	*ret = s;
	return 0;
}

int sid_append(const struct sid *domain, uint32_t rid, struct sid *ret)
{
	struct sid s = *domain;

	if (s.sub_count >= SID_MAX_SUB)
		return -EOVERFLOW;
	s.sub[s.sub_count++] = rid;
	*ret = s;
	return 0;
}
