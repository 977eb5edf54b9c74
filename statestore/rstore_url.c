/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The URL of a store in RADOS, and how names and keys look there. Pure. */
#include "statestore/rstore_priv.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

void rstore_url_done(struct rstore_url *u)
{
	free(u->pool);
	free(u->ns);
	free(u->conf);
	free(u->id);
	free(u->keyring);
	*u = (struct rstore_url){ 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A part of the URL with its %XX resolved. -EINVAL: a bad escape, or nothing in it. */
static int part(const char *p, size_t n, char **ret)
{
	_cleanup_free_ char *s = malloc(n + 1);
	size_t i, k = 0;

	if (!s)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		int hi, lo;

		if (p[i] != '%') {
			s[k++] = p[i];
			continue;
		}
		hi = n - i > 2 ? hex_digit(p[i + 1]) : -1;
		lo = hi >= 0 ? hex_digit(p[i + 2]) : -1;
		if (lo < 0 || hi * 16 + lo == 0)
			return -EINVAL;
		s[k++] = (char)(hi * 16 + lo);
		i += 2;
	}
	if (k == 0)
		return -EINVAL;
	s[k] = '\0';
	free(*ret);
	*ret = TAKE_PTR(s);
	return 0;
}

static int option(struct rstore_url *u, const char *p, size_t n)
{
	const struct {
		const char *name;
		char **to;
	} known[] = { { "conf=", &u->conf }, { "id=", &u->id }, { "keyring=", &u->keyring } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		size_t k = strlen(known[i].name);

		if (n >= k && strncmp(p, known[i].name, k) == 0)
			return part(p + k, n - k, known[i].to);
	}
	return -EINVAL;
}

int rstore_url_parse(const char *rest, struct rstore_url *ret, char *errbuf, size_t errlen)
{
	size_t pool = strcspn(rest, "/?"), n;
	struct rstore_url u = { 0 };
	const char *p = rest + pool;
	int r = part(rest, pool, &u.pool);

	if (r == 0 && *p == '/') {
		n = strcspn(p + 1, "?");
		r = part(p + 1, n, &u.ns);
		p += 1 + n;
	}
	while (r == 0 && *p) {
		n = strcspn(p + 1, "&");
		r = option(&u, p + 1, n);
		p += 1 + n;
	}
	if (r == 0) {
		*ret = u;
		return 0;
	}
	rstore_url_done(&u);
	if (r == -EINVAL)
		store_say(errbuf, errlen,
			  "store 'rados:%s' is not understood: write rados:POOL[/NAMESPACE][?conf=PATH&id=NAME&keyring=PATH]",
			  rest);
	return r;
}

void rstore_slot_oid(uint32_t slot, char out[RSTORE_OID_MAX])
{
	snprintf(out, RSTORE_OID_MAX, "slot.%04" PRIx32, slot);
}

void rstore_epoch_text(uint64_t epoch, char out[RSTORE_EPOCH_LEN + 1])
{
	snprintf(out, RSTORE_EPOCH_LEN + 1, "%016" PRIx64, epoch);
}

void rstore_hex(struct blob key, char out[RSTORE_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < key.len; i++) {
		out[2 * i] = digits[key.data[i] >> 4];
		out[2 * i + 1] = digits[key.data[i] & 15];
	}
	out[2 * key.len] = '\0';
}

int rstore_unhex(const char *text, size_t len, uint8_t out[STORE_KEY_MAX], size_t *ret_len)
{
	size_t i;

	if (len % 2 || len == 0 || len > 2 * STORE_KEY_MAX)
		return -EUCLEAN;
	for (i = 0; i < len / 2; i++) {
		int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -EUCLEAN;
		out[i] = (uint8_t)(hi * 16 + lo);
	}
	*ret_len = len / 2;
	return 0;
}
