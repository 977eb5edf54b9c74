/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes into lines: escaped values, error texts, and how often. Buffers belong to the calling
 * thread. */
#include "node/log/log.h"

#include <stdio.h>
#include <time.h>

#include "node/base/clock.h"
#include "node/base/utf.h"

#define ESC_BUFFERS 8
#define ESC_BYTES 256
#define ESC_CUT 200

static char *next_buffer(void)
{
	static _Thread_local char buffers[ESC_BUFFERS][ESC_BYTES];
	static _Thread_local unsigned int turn;

	return buffers[turn++ % ESC_BUFFERS];
}

/* Characters that may stand in a value without quotes: nothing that ends a value or starts another
 * key. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("._-+/:@$#%,()[]{}~*?!;<>|&^", c));
}

/* Code points that a terminal or a reader could be misled by: C1 controls, line separators, text
 * direction. */
static bool is_deceptive(int32_t c)
{
	return (c >= 0x80 && c <= 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* Writes the escaped form of what stands at `*pos` and returns its length, at most 4. */
static size_t escape_one(const char *s, size_t n, size_t *pos, char *out)
{
	uint8_t b = (uint8_t)s[*pos];
	size_t start = *pos;
	int32_t c;

	if (b == '"' || b == '\\') {
		out[0] = '\\';
		out[1] = (char)b;
		(*pos)++;
		return 2;
	}
	c = utf8_next(s, n, pos);
	if (c >= 0x20 && c != 0x7f && !is_deceptive(c)) {
		memcpy(out, s + start, *pos - start);
		return *pos - start;
	}
	*pos = start + 1;
	if (b == '\n') {
		memcpy(out, "\\n", 2);
		return 2;
	}
	snprintf(out, 5, "\\x%02x", b);
	return 4;
}

const char *log_esc_n(const void *s, size_t n)
{
	char *buf = next_buffer();
	const char *p = s;
	size_t i = 0, len = 0;

	while (i < n && is_plain(p[i]))
		i++;
	if (i == n && n > 0 && n <= ESC_CUT) {
		memcpy(buf, p, n);
		buf[n] = '\0';
		return buf;
	}
	buf[len++] = '"';
	for (i = 0; i < n && len <= ESC_CUT;)
		len += escape_one(p, n, &i, buf + len);
	buf[len++] = '"';
	if (i < n) {
		memcpy(buf + len, "...", 3);
		len += 3;
	}
	buf[len] = '\0';
	return buf;
}

const char *log_esc(const char *s)
{
	return s ? log_esc_n(s, strlen(s)) : "-";
}

const char *log_errno(int err)
{
	const char *name = strerrorname_np(abs(err)), *text = strerrordesc_np(abs(err));
	char *buf = next_buffer();

	if (name && text)
		snprintf(buf, ESC_BYTES, "%s(%s)", name, text);
	else
		snprintf(buf, ESC_BYTES, "errno(%d)", abs(err));
	for (char *p = buf; *p; p++)
		if (*p == ' ')
			*p = '_';
	return buf;
}

bool log_ratelimit(struct log_rl *rl, uint32_t per_second)
{
	uint64_t now = clock_mono_ns() / NSEC_PER_SEC + 1; /* 0 means never */
	uint64_t second = __atomic_load_n(&rl->second, __ATOMIC_RELAXED);
	uint32_t held;

	if (second != now && __atomic_compare_exchange_n(&rl->second, &second, now, false,
							 __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
		__atomic_store_n(&rl->count, 0, __ATOMIC_RELAXED);
		held = __atomic_exchange_n(&rl->suppressed, 0, __ATOMIC_RELAXED);
		if (held)
			log_warn("lines suppressed: count=%u", held);
	}
	if (__atomic_add_fetch(&rl->count, 1, __ATOMIC_RELAXED) <= per_second)
		return true;
	__atomic_add_fetch(&rl->suppressed, 1, __ATOMIC_RELAXED);
	return false;
}
