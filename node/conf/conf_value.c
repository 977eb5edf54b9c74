/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of single fields as text: numbers with units, addresses, and what a row allows. No state:
 * any thread. */
#include "node/conf/conf_priv.h"

#include <arpa/inet.h>
#include <inttypes.h>

static const struct conf_unit size_units[] = {
	{ "TiB", UINT64_C(1) << 40 }, { "GiB", 1 << 30 }, { "MiB", 1 << 20 },
	{ "KiB", 1 << 10 },	      { "B", 1 },
};
static const struct conf_unit duration_units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 }, { "ms", 1 },
};

/* Parses digits only (no sign, no blanks) and moves *s behind them. */
static int take_digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	*s = p;
	*ret = v;
	return 0;
}

static int parse_unit(const char *s, const struct conf_unit *units, size_t count, bool bare,
		      uint64_t *ret)
{
	uint64_t v;
	int r;

	r = take_digits(&s, &v);
	if (r < 0)
		return r;
	if (*s == '\0' && (bare || v == 0)) {
		*ret = v;
		return 0;
	}
	if (*s == ' ')
		s++;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(s, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].factor, &v) || v > INT64_MAX)
			return -ERANGE;
		*ret = v;
		return 0;
	}
	return -EINVAL;
}

int conf_parse_size(const char *s, uint64_t *ret)
{
	return parse_unit(s, size_units, ARRAY_SIZE(size_units), true, ret);
}

int conf_parse_duration(const char *s, uint64_t *ret_ms)
{
	return parse_unit(s, duration_units, ARRAY_SIZE(duration_units), false, ret_ms);
}

int conf_parse_int(const char *s, int *ret)
{
	bool negative = *s == '-';
	uint64_t v;
	int r;

	s += negative;
	r = take_digits(&s, &v);
	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	if (v > INT32_MAX)
		return -ERANGE;
	*ret = negative ? -(int)v : (int)v;
	return 0;
}

int conf_parse_bool(const char *s, bool *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(s, words[i]) == 0) {
			*ret = i % 2;
			return 0;
		}
	return -EINVAL;
}

static int parse_port(const char *s, uint16_t *ret)
{
	uint64_t v;

	if (take_digits(&s, &v) < 0 || *s || v == 0 || v > UINT16_MAX)
		return -EINVAL;
	*ret = (uint16_t)v;
	return 0;
}

/* A link-local address may name its interface ("fe80::1%eth0"); inet_pton does not know about it.
 */
static bool is_address(const char *host)
{
	struct in6_addr in6;
	struct in_addr in4;
	char plain[64];
	size_t n = strcspn(host, "%");

	if (inet_pton(AF_INET, host, &in4) == 1)
		return true;
	if (n >= sizeof(plain) || (host[n] && strlen(host + n) < 2))
		return false;
	memcpy(plain, host, n);
	plain[n] = '\0';
	return inet_pton(AF_INET6, plain, &in6) == 1;
}

int conf_parse_address(const char *s, char ret_host[static 64], uint16_t *ret_port)
{
	const char *host = s, *colon = strchr(s, ':'), *end = s + strlen(s), *port = NULL;
	uint16_t number = 0;
	char copy[64];

	if (*s == '[') {
		host = s + 1;
		end = strchr(s, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		port = end[1] ? end + 2 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		end = colon;
		port = colon + 1;
	}
	if ((size_t)(end - host) >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, host, (size_t)(end - host));
	copy[end - host] = '\0';
	if (!is_address(copy) || (*s == '[' && !strchr(copy, ':')))
		return -EINVAL;
	if (port && parse_port(port, &number) < 0)
		return -EINVAL;
	memcpy(ret_host, copy, sizeof(copy));
	*ret_port = number;
	return 0;
}

/* The value in the largest unit that divides it. */
static char *format_unit(uint64_t v, const struct conf_unit *units, size_t count, struct arena *a)
{
	size_t i = 0;

	while (i < count - 1 && (v == 0 || v % units[i].factor != 0))
		i++;
	return arena_printf(a, "%" PRIu64 "%s", v / units[i].factor, units[i].name);
}

char *conf_format_size(uint64_t v, struct arena *a)
{
	return format_unit(v, size_units, ARRAY_SIZE(size_units), a);
}

char *conf_format_duration(uint64_t ms, struct arena *a)
{
	return format_unit(ms, duration_units, ARRAY_SIZE(duration_units), a);
}

static char *join_values(const char *const *values, struct arena *a)
{
	char *s = arena_strdup(a, values[0]);

	for (size_t i = 1; s && values[i]; i++)
		s = arena_printf(a, values[i + 1] ? "%s, %s" : "%s or %s", s, values[i]);
	return s;
}

char *conf_allowed(const struct conf_row *row, struct arena *a)
{
	const char *gap = row->unit ? " " : "", *unit = row->unit ?: "", *s;

	switch (row->type) {
	case CONF_STRING:
		return arena_printf(a, "text of %" PRId64 " to %" PRId64 " bytes", row->min,
				    row->max);
	case CONF_INT:
		return arena_printf(a, "a number from %" PRId64 " to %" PRId64 "%s%s", row->min,
				    row->max, gap, unit);
	case CONF_SIZE:
		return arena_printf(a, "a size from %s to %s (units: B, KiB, MiB, GiB, TiB)",
				    conf_format_size((uint64_t)row->min, a) ?: "",
				    conf_format_size((uint64_t)row->max, a) ?: "");
	case CONF_DURATION:
		return arena_printf(a, "a duration from %s to %s (units: ms, s, min, h, d)",
				    conf_format_duration((uint64_t)row->min, a) ?: "",
				    conf_format_duration((uint64_t)row->max, a) ?: "");
	case CONF_BOOL:
		return arena_strdup(a, "true or false");
	case CONF_ENUM:
		s = join_values(row->values, a);
		return s ? arena_printf(a, "one of %s", s) : NULL;
	case CONF_ADDRESS:
		return arena_strdup(
			a,
			"an IPv4 or IPv6 address with an optional port, such as 192.0.2.1:445 or "
			"[2001:db8::1]:445");
	case CONF_LIST:
		return arena_printf(
			a, "a list of %" PRId64 " to %" PRId64 " %s", row->min, row->max,
			row->item == CONF_ADDRESS ? "IPv4 or IPv6 addresses with optional ports" :
						    "texts");
	}
	return NULL;
}
