/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smbd/wire/snapshots.h"

#include <stdio.h>
#include <time.h>

#define FIXED_LEN 12 /* three numbers */
#define TOKEN_BYTES (2u * (GMT_TOKEN_LEN + 1)) /* in UTF-16, with its end */
#define N_MAX (1u << 26)

bool gmt_token_format(int64_t time, char out[static GMT_TOKEN_LEN + 1])
{
	char buf[96]; /* for any struct tm */
	time_t t = time;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year < 1601 - 1900 || tm.tm_year > 9999 - 1900)
		return false;
	snprintf(buf, sizeof(buf), "@GMT-%04d.%02d.%02d-%02d.%02d.%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(out, buf, GMT_TOKEN_LEN + 1);
	return true;
}

static bool has_form(const char *s)
{
	static const char form[] = "@GMT-dddd.dd.dd-dd.dd.dd";

	for (size_t i = 0; i < sizeof(form); i++) {
		if (form[i] == 'd' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
			return false;
	}
	return true;
}

static int number(const char *s, int digits)
{
	int v = 0;

	while (digits-- > 0)
		v = 10 * v + (*s++ - '0');
	return v;
}

int gmt_token_parse(const char *s, int64_t *ret)
{
	char again[GMT_TOKEN_LEN + 1];
	struct tm tm;
	int64_t t;

	if (!has_form(s))
		return -EINVAL;
	tm = (struct tm){ .tm_year = number(s + 5, 4) - 1900, .tm_mon = number(s + 10, 2) - 1, .tm_mday = number(s + 13, 2),
			  .tm_hour = number(s + 16, 2), .tm_min = number(s + 19, 2), .tm_sec = number(s + 22, 2) };
	t = timegm(&tm);
	/* the 31st of February is another day, and another token */
	if (!gmt_token_format(t, again) || strcmp(again, s) != 0)
		return -EINVAL;
	*ret = t;
	return 0;
}

/* Bytes of the array: tokens, each with its end, and the end of them all. */
static size_t array_size(size_t n)
{
	return n * TOKEN_BYTES + 2;
}

static void put_token(struct wr *w, int64_t time)
{
	char token[GMT_TOKEN_LEN + 1];
	bool ok = gmt_token_format(time, token);

	assert(ok);
	(void)ok;
	for (size_t i = 0; i < sizeof(token); i++)
		wr_le16(w, (uint8_t)token[i]);
}

void snapshots_encode(struct wr *w, const int64_t *times, size_t n, size_t max)
{
	bool fits = n > 0 && array_size(n) <= max - FIXED_LEN;

	assert(n <= N_MAX && max >= SNAPSHOTS_MIN_LEN);
	wr_le32(w, (uint32_t)n);
	wr_le32(w, fits ? (uint32_t)n : 0);
	wr_le32(w, (uint32_t)array_size(n));
	for (size_t i = 0; fits && i < n; i++)
		put_token(w, times[i]);
	wr_zero(w, fits ? 2 : SNAPSHOTS_MIN_LEN - FIXED_LEN);
}

static int read_token(struct rd *r, int64_t *ret)
{
	char token[GMT_TOKEN_LEN + 1];
	uint16_t c;

	for (size_t i = 0; i < sizeof(token); i++) {
		c = rd_le16(r);
		if (c > 0x7f)
			return -EBADMSG;
		token[i] = (char)c;
	}
	if (!rd_ok(r) || token[GMT_TOKEN_LEN] || gmt_token_parse(token, ret) < 0)
		return -EBADMSG;
	return 0;
}

int snapshots_decode(struct arena *a, struct blob out, struct snapshots *ret)
{
	struct snapshots v = { 0 };
	struct rd r = rd_of(out);

	v.n = rd_le32(&r);
	v.n_returned = rd_le32(&r);
	v.size = rd_le32(&r);
	if (!rd_ok(&r) || (v.n_returned && v.n_returned != v.n) || v.n_returned > rd_left(&r) / TOKEN_BYTES)
		return -EBADMSG;
	v.times = arena_calloc(a, v.n_returned, sizeof(*v.times));
	if (!v.times)
		return -ENOMEM;
	for (uint32_t i = 0; i < v.n_returned; i++) {
		if (read_token(&r, &v.times[i]) < 0)
			return -EBADMSG;
	}
	if (v.n_returned && (rd_le16(&r) != 0 || rd_end(&r) < 0 || v.size != array_size(v.n_returned)))
		return -EBADMSG;
	*ret = v;
	return 0;
}
