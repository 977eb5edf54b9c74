/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Search patterns, as a set of positions that advances with each character of the name: no
 * recursion, no name makes it slow. Pure; any thread.
 */
#include "smbd/op/pattern.h"

#include "node/base/utf.h"

#define NAME_MAX_CHARS 1024

struct pattern {
	bool all, wild;
	char *literal; /* behind `c` */
	size_t n;
	uint32_t c[]; /* folded */
};

/* MS-FSA 2.1.4.4 */
enum {
	STAR = '*', /* any characters */
	QMARK = '?', /* one character */
	DOS_STAR = '<', /* any characters up to the last dot */
	DOS_QM = '>', /* one character, or nothing before a dot or at the end */
	DOS_DOT = '"', /* a dot, or nothing at the end */
};

static bool is_wild(uint32_t c)
{
	return c == STAR || c == QMARK || c == DOS_STAR || c == DOS_QM || c == DOS_DOT;
}

/* Code points of `s`, folded, into `out`; their number, or -EILSEQ. */
static ssize_t fold_chars(const char *s, size_t len, uint32_t *out, size_t max)
{
	size_t pos = 0, n = 0;

	while (pos < len) {
		int32_t c = utf8_next(s, len, &pos);

		if (c < 0 || n == max)
			return -EILSEQ;
		out[n++] = fold_codepoint((uint32_t)c);
	}
	return (ssize_t)n;
}

static int pattern_fill(struct pattern *p, const char *s, size_t len)
{
	ssize_t n = fold_chars(s, len, p->c, len);

	if (n < 0)
		return (int)n;
	p->n = (size_t)n;
	for (size_t i = 0; i < p->n; i++) {
		if (p->c[i] < 0x20 || p->c[i] == '/' || p->c[i] == '\\' || p->c[i] == ':' ||
		    p->c[i] == '|')
			return -EINVAL;
		p->wild = p->wild || is_wild(p->c[i]);
	}
	p->all = p->n == 0 || (p->n == 1 && p->c[0] == STAR) ||
		 (p->n == 3 && p->c[0] == DOS_STAR && p->c[1] == DOS_DOT && p->c[2] == STAR);
	return 0;
}

int pattern_new(struct blob utf16, struct pattern **ret)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct pattern *p;
	size_t len;
	char *s;
	int r;

	arena_init(&a, 0);
	r = utf8_from_utf16(&a, utf16, &s);
	if (r < 0)
		return r;
	len = strlen(s);
	p = calloc(1, sizeof(*p) + len * sizeof(p->c[0]) + len + 1);
	if (!p)
		return -ENOMEM;
	p->literal = (char *)&p->c[len];
	memcpy(p->literal, s, len + 1);
	r = pattern_fill(p, s, len);
	if (r < 0) {
		free(p);
		return r;
	}
	*ret = p;
	return 0;
}

bool pattern_is_all(const struct pattern *p)
{
	return p->all;
}

const char *pattern_literal(const struct pattern *p)
{
	return p->wild || p->all ? NULL : p->literal;
}

/* One name being matched: bit i of `at` says that the first i characters of the pattern are used
 * up. */
struct match {
	const struct pattern *p;
	const uint32_t *name;
	size_t n;
	size_t last_dot; /* index; n: none */
	bool *at, *next;
};

/* Positions that are reached without a character. `i` characters of the name are used up. */
static void skip_empty(const struct match *m, bool *at, size_t i)
{
	bool end = i == m->n;

	for (size_t k = 0; k < m->p->n; k++) {
		uint32_t c = m->p->c[k];

		if (!at[k])
			continue;
		if (c == STAR || c == DOS_STAR || (c == DOS_QM && (end || m->name[i] == '.')) ||
		    (c == DOS_DOT && end))
			at[k + 1] = true;
	}
}

static void take_char(struct match *m, size_t i)
{
	uint32_t ch = m->name[i];

	memset(m->next, 0, (m->p->n + 1) * sizeof(bool));
	for (size_t k = 0; k < m->p->n; k++) {
		uint32_t c = m->p->c[k];

		if (!m->at[k])
			continue;
		if (c == STAR || (c == DOS_STAR && i != m->last_dot))
			m->next[k] = true; /* stays: it may take more; a DOS_STAR ends with the last
					      dot */
		else if (c == DOS_STAR || c == QMARK || (c == DOS_QM && ch != '.') ||
			 (c == DOS_DOT && ch == '.') || c == ch)
			m->next[k + 1] = true;
	}
}

static bool run(struct match *m)
{
	bool *t;

	memset(m->at, 0, (m->p->n + 1) * sizeof(bool));
	m->at[0] = true;
	skip_empty(m, m->at, 0);
	for (size_t i = 0; i < m->n; i++) {
		take_char(m, i);
		t = m->at;
		m->at = m->next;
		m->next = t;
		skip_empty(m, m->at, i + 1);
	}
	return m->at[m->p->n];
}

bool pattern_match(const struct pattern *p, const char *name)
{
	uint32_t chars[NAME_MAX_CHARS];
	bool small[2][64], *big = NULL, ok;
	struct match m = { .p = p, .name = chars, .at = small[0], .next = small[1] };
	ssize_t n;

	if (p->all)
		return true;
	n = fold_chars(name, strlen(name), chars, NAME_MAX_CHARS);
	if (n < 0)
		return false;
	m.n = m.last_dot = (size_t)n;
	for (size_t i = 0; i < m.n; i++)
		m.last_dot = chars[i] == '.' ? i : m.last_dot;
	if (p->n + 1 > ARRAY_SIZE(small[0])) {
		big = calloc(2, p->n + 1);
		if (!big)
			return false;
		m.at = big;
		m.next = big + p->n + 1;
	}
	ok = run(&m);
	free(big);
	return ok;
}
