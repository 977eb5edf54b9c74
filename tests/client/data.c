/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes as a scenario writes them. Pure. */
#include <ctype.h>
#include <stdio.h>

#include "node/base/utf.h"
#include "tests/client/step.h"

static int hex(struct arena *a, const char *s, struct blob *ret)
{
	uint8_t *p = arena_alloc(a, strlen(s) / 2 + 1);
	unsigned int v;
	size_t n = 0;

	if (!p)
		return -ENOMEM;
	while (*s) {
		if (*s == ' ' || *s == '.') {
			s++;
			continue;
		}
		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]) ||
		    sscanf(s, "%2x", &v) != 1)
			return -EINVAL;
		p[n++] = (uint8_t)v;
		s += 2;
	}
	*ret = BLOB(p, n);
	return 0;
}

/* Bytes that depend on seed and position only and do not repeat. */
static void scatter(uint8_t *p, size_t n, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	size_t i;

	for (i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (uint8_t)(x >> 24);
	}
}

static int sized(struct arena *a, const char *s, bool random, struct blob *ret)
{
	unsigned long long n, more = random ? 1 : 0;
	uint8_t *p;
	char *end;

	n = strtoull(s, &end, 0);
	if (*end == 'k' || *end == 'm')
		n <<= *end++ == 'k' ? 10 : 20;
	if (*end == ':')
		more = strtoull(end + 1, &end, 0);
	if (*end || end == s || n > (64u << 20))
		return -EINVAL;
	p = arena_alloc(a, n);
	if (!p)
		return -ENOMEM;
	if (random)
		scatter(p, n, more);
	else
		memset(p, (int)more, n);
	*ret = BLOB(p, n);
	return 0;
}

static int number(struct arena *a, const char *s, size_t width, struct blob *ret)
{
	unsigned long long v;
	uint8_t *p = arena_alloc(a, 8);
	char *end;
	size_t i;

	v = strtoull(s, &end, 0);
	if (!p || *end || end == s)
		return -EINVAL;
	for (i = 0; i < width; i++)
		p[i] = (uint8_t)(v >> (8 * i));
	*ret = BLOB(p, width);
	return 0;
}

static int file(struct arena *a, const char *path, struct blob *ret)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	long n;

	if (!f)
		return -errno;
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	p = n >= 0 ? arena_alloc(a, (size_t)n) : NULL;
	if (!p || fread(p, 1, (size_t)n, f) != (size_t)n) {
		fclose(f);
		return -EIO;
	}
	fclose(f);
	*ret = BLOB(p, (size_t)n);
	return 0;
}

int data_parse(struct arena *a, const char *spec, struct blob *ret)
{
	const char *colon = strchr(spec, ':');
	size_t n = colon ? (size_t)(colon - spec) : 0;

#define IS(word) (n == sizeof(word) - 1 && strncmp(spec, word, n) == 0)
	if (IS("hex"))
		return hex(a, colon + 1, ret);
	if (IS("fill"))
		return sized(a, colon + 1, false, ret);
	if (IS("random"))
		return sized(a, colon + 1, true, ret);
	if (IS("u64"))
		return number(a, colon + 1, 8, ret);
	if (IS("u32"))
		return number(a, colon + 1, 4, ret);
	if (IS("u16"))
		return number(a, colon + 1, 2, ret);
	if (IS("u8"))
		return number(a, colon + 1, 1, ret);
	if (IS("file"))
		return file(a, colon + 1, ret);
	if (IS("utf16"))
		return utf16_from_utf8(a, colon + 1, ret);
#undef IS
	*ret = BLOB(arena_strdup(a, spec), strlen(spec));
	return ret->data ? 0 : -ENOMEM;
}
