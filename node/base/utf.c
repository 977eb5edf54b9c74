/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8, UTF-16LE and case. No state: any thread. */
#include "node/base/utf.h"

#include "node/base/hash.h"
#include "node/base/utf_tables.h"

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

static bool is_high_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdbff;
}

static bool is_low_surrogate(uint32_t c)
{
	return c >= 0xdc00 && c <= 0xdfff;
}

static uint32_t map_codepoint(uint32_t c, const uint8_t *page, const int32_t (*delta)[256])
{
	if (c > 0x10ffff)
		return c;
	return (uint32_t)((int32_t)c + delta[page[c >> 8]][c & 0xff]);
}

uint32_t fold_codepoint(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	return map_codepoint(c, fold_page, fold_delta);
}

uint32_t upcase_codepoint(uint32_t c)
{
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c & ~0x20u : c;
	return map_codepoint(c, upper_page, upper_delta);
}

int32_t utf8_next(const char *s, size_t n, size_t *pos)
{
	const uint8_t *p = (const uint8_t *)s + *pos;
	size_t left = n - *pos, more;
	uint32_t c = p[0], least;

	if (c < 0x80) {
		(*pos)++;
		return (int32_t)c;
	}
	if (c >= 0xc2 && c <= 0xdf)
		more = 1, least = 0x80, c &= 0x1f;
	else if (c >= 0xe0 && c <= 0xef)
		more = 2, least = 0x800, c &= 0x0f;
	else if (c >= 0xf0 && c <= 0xf4)
		more = 3, least = 0x10000, c &= 0x07;
	else
		return -EILSEQ;
	if (left <= more)
		return -EILSEQ;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -EILSEQ;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || is_surrogate(c))
		return -EILSEQ;
	*pos += more + 1;
	return (int32_t)c;
}

size_t utf8_put(char out[static 4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool utf8_valid(const char *s, size_t n)
{
	return utf16_units(s, n) >= 0;
}

ssize_t utf16_units(const char *s, size_t n)
{
	size_t pos = 0;
	ssize_t units = 0;

	while (pos < n) {
		int32_t c = utf8_next(s, n, &pos);

		if (c < 0)
			return -EILSEQ;
		units += c > 0xffff ? 2 : 1;
	}
	return units;
}

static uint32_t get_unit(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static void put_unit(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

/* Writes one code point as one or two units and returns the number of bytes. */
static size_t put_units(uint8_t *p, uint32_t c)
{
	if (c <= 0xffff) {
		put_unit(p, c);
		return 2;
	}
	put_unit(p, 0xd7c0 + (c >> 10));
	put_unit(p + 2, 0xdc00 | (c & 0x3ff));
	return 4;
}

/* Decodes at `pos`; *ret_size is 2 or 4. An unpaired surrogate is returned as it is. */
static uint32_t get_units(const uint8_t *p, size_t left, size_t *ret_size)
{
	uint32_t c = get_unit(p), low;

	*ret_size = 2;
	if (!is_high_surrogate(c) || left < 4)
		return c;
	low = get_unit(p + 2);
	if (!is_low_surrogate(low))
		return c;
	*ret_size = 4;
	return 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
}

int utf8_from_utf16(struct arena *a, struct blob utf16, char **ret)
{
	size_t size, n = 0;
	char *out, *p;

	if (utf16.len % 2 != 0)
		return -EILSEQ;
	for (size_t i = 0; i < utf16.len; i += size) {
		uint32_t c = get_units(utf16.data + i, utf16.len - i, &size);

		if (c == 0 || is_surrogate(c))
			return -EILSEQ;
		n += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	}
	out = p = arena_alloc(a, n + 1);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < utf16.len; i += size) {
		char tmp[4];
		size_t k = utf8_put(tmp, get_units(utf16.data + i, utf16.len - i, &size));

		memcpy(p, tmp, k);
		p += k;
	}
	*p = '\0';
	*ret = out;
	return 0;
}

int utf16_from_utf8_n(struct arena *a, const char *s, size_t n, struct blob *ret)
{
	ssize_t units = utf16_units(s, n);
	size_t pos = 0, len = 0;
	uint8_t *out;

	if (units < 0)
		return (int)units;
	out = arena_alloc(a, (size_t)units * 2);
	if (!out)
		return -ENOMEM;
	while (pos < n)
		len += put_units(out + len, (uint32_t)utf8_next(s, n, &pos));
	*ret = BLOB(out, len);
	return 0;
}

int utf16_from_utf8(struct arena *a, const char *s, struct blob *ret)
{
	return utf16_from_utf8_n(a, s, strlen(s), ret);
}

int utf16_from_path(struct arena *a, const char *path, struct blob *ret)
{
	int r = utf16_from_utf8(a, path, ret);
	uint8_t *p;

	if (r < 0)
		return r;
	p = (uint8_t *)(uintptr_t)ret->data;
	for (size_t i = 0; i + 1 < ret->len; i += 2)
		if (p[i] == '/' && p[i + 1] == 0)
			p[i] = '\\';
	return 0;
}

size_t utf8_dir_len(const char *path, size_t n)
{
	while (n > 0 && path[n - 1] != '/')
		n--;
	return n > 0 ? n - 1 : 0;
}

static int map_string(struct arena *a, const char *s, uint32_t (*map)(uint32_t), char **ret)
{
	size_t n = strlen(s), pos = 0, len = 0;
	char tmp[4], *out;

	while (pos < n) {
		int32_t c = utf8_next(s, n, &pos);

		if (c < 0)
			return -EILSEQ;
		len += utf8_put(tmp, map((uint32_t)c));
	}
	out = arena_alloc(a, len + 1);
	if (!out)
		return -ENOMEM;
	len = 0;
	for (pos = 0; pos < n;) {
		size_t k = utf8_put(tmp, map((uint32_t)utf8_next(s, n, &pos)));

		memcpy(out + len, tmp, k);
		len += k;
	}
	out[len] = '\0';
	*ret = out;
	return 0;
}

int utf8_casefold(struct arena *a, const char *s, char **ret)
{
	return map_string(a, s, fold_codepoint, ret);
}

int utf8_upper(struct arena *a, const char *s, char **ret)
{
	return map_string(a, s, upcase_codepoint, ret);
}

/* The next folded code point; a byte that is not UTF-8 becomes a number above every code point. */
static uint32_t next_folded(const char *s, size_t n, size_t *pos)
{
	int32_t c = utf8_next(s, n, pos);

	if (c >= 0)
		return fold_codepoint((uint32_t)c);
	return 0x110000 + (uint8_t)s[(*pos)++];
}

int utf8_casecmp(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), pa = 0, pb = 0;

	while (pa < na && pb < nb) {
		uint32_t ca = next_folded(a, na, &pa), cb = next_folded(b, nb, &pb);

		if (ca != cb)
			return ca < cb ? -1 : 1;
	}
	return pa < na ? 1 : pb < nb ? -1 : 0;
}

uint64_t utf8_casehash(const char *s, uint64_t seed)
{
	size_t n = strlen(s), pos = 0, len = 0;
	uint64_t h = seed;
	uint8_t buf[256];

	while (pos < n) {
		uint32_t c = next_folded(s, n, &pos);

		for (int i = 0; i < 3; i++)
			buf[len++] = (uint8_t)(c >> (8 * i));
		if (len > sizeof(buf) - 3) {
			h = hash64(buf, len, h);
			len = 0;
		}
	}
	return hash64(buf, len, h);
}

static void map_utf16(uint8_t *p, size_t bytes, uint32_t (*map)(uint32_t))
{
	size_t size;

	for (size_t i = 0; i + 2 <= bytes; i += size) {
		uint32_t c = get_units(p + i, bytes - i, &size), m = map(c);

		/* No simple mapping leaves or enters the first plane: test_utf checks all. */
		if (m != c && (m > 0xffff) == (size == 4))
			put_units(p + i, m);
	}
}

void utf16_casefold(void *utf16, size_t bytes)
{
	map_utf16(utf16, bytes, fold_codepoint);
}

void utf16_upper(void *utf16, size_t bytes)
{
	map_utf16(utf16, bytes, upcase_codepoint);
}
