/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements, blocks, words and variables of scenario files. Pure; any thread. */
#include "tests/client/script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

static int HF_PRINTF(4, 5)
	mistake(struct script_error *err, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(err->text, sizeof(err->text), "%s:%d: ", file, line);

	va_start(ap, fmt);
	if (n > 0 && (size_t)n < sizeof(err->text))
		vsnprintf(err->text + n, sizeof(err->text) - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* --- lines and blocks --- */

struct source {
	struct arena *a;
	const char *file, *pos;
	int line;
	struct script_error *err;
};

/* Ends the text at a comment that is not inside quotes. */
static void strip_comment(char *s)
{
	bool quote = false;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '"')
			quote = !quote;
		else if (*s == '#' && !quote) {
			*s = 0;
			return;
		}
	}
}

static char *trim(char *s)
{
	size_t n;

	while (isspace((unsigned char)*s))
		s++;
	for (n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
		s[n - 1] = 0;
	return s;
}

/* The next line without comment and blanks around it, continuations joined; NULL at the end. */
static char *next_line(struct source *src, int *ret_line)
{
	char *whole = NULL, *part;
	const char *nl;
	size_t n;

	while (*src->pos) {
		nl = strchr(src->pos, '\n');
		n = nl ? (size_t)(nl - src->pos) : strlen(src->pos);
		part = arena_printf(src->a, "%.*s", (int)n, src->pos);
		src->pos += n + (nl ? 1 : 0);
		src->line++;
		if (!part)
			return NULL;
		strip_comment(part);
		part = trim(part);
		if (!whole)
			*ret_line = src->line;
		whole = whole ? arena_printf(src->a, "%s %s", whole, part) : part;
		if (!whole)
			return NULL;
		n = strlen(whole);
		if (n && whole[n - 1] == '\\') {
			whole[n - 1] = 0;
			continue;
		}
		if (*whole)
			return whole;
		whole = NULL;
	}
	return whole;
}

/* Statements up to the brace that closes the block that began in `open_line` (0: up to the end). */
static int parse_block(struct source *src, int open_line, int depth, struct stmt **ret)
{
	struct stmt *first = NULL, **tail = &first, *s;
	char *text;
	int line, r;
	size_t n;

	if (depth > 16)
		return mistake(src->err, src->file, open_line, "blocks are nested too deep");
	while ((text = next_line(src, &line))) {
		if (strcmp(text, "}") == 0) {
			if (!open_line)
				return mistake(src->err, src->file, line, "a brace closes nothing");
			*ret = first;
			return 0;
		}
		s = arena_new(src->a, struct stmt);
		if (!s)
			return -ENOMEM;
		s->file = src->file;
		s->line = line;
		n = strlen(text);
		if (text[n - 1] == '{' && (n == 1 || isspace((unsigned char)text[n - 2]))) {
			s->block = true;
			text[n - 1] = 0;
			text = trim(text);
			r = parse_block(src, line, depth + 1, &s->body);
			if (r < 0)
				return r;
		}
		s->text = text;
		*tail = s;
		tail = &s->next;
	}
	if (open_line)
		return mistake(src->err, src->file, open_line, "this block is not closed");
	*ret = first;
	return 0;
}

int script_parse(struct arena *a, const char *file, const char *text, struct stmt **ret,
		 struct script_error *err)
{
	struct source src = { .a = a, .file = arena_strdup(a, file), .pos = text, .err = err };

	return src.file ? parse_block(&src, 0, 0, ret) : -ENOMEM;
}

int script_load(struct arena *a, const char *path, struct stmt **ret, struct script_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *f = fopen(path, "r");

	if (!f) {
		int e = errno;

		snprintf(err->text, sizeof(err->text), "%s: %s", path, strerror(e));
		return -e;
	}
	n = getdelim(&text, &size, 0, f);
	if (ferror(f)) {
		fclose(f);
		snprintf(err->text, sizeof(err->text), "%s: cannot be read", path);
		return -EIO;
	}
	fclose(f);
	return script_parse(a, path, n > 0 ? text : "", ret, err);
}

/* --- words --- */

struct lexer {
	struct arena *a;
	const struct stmt *s;
	const char *pos;
	script_var_fn *var;
	void *arg;
	struct script_error *err;
	char *buf; /* the word so far */
	size_t len, cap;
};

static int put(struct lexer *x, const char *s, size_t n)
{
	char *p;

	if (x->len + n + 1 > x->cap) {
		x->cap = (x->len + n + 1) * 2;
		p = arena_alloc(x->a, x->cap);
		if (!p)
			return -ENOMEM;
		if (x->len)
			memcpy(p, x->buf, x->len);
		x->buf = p;
	}
	memcpy(x->buf + x->len, s, n);
	x->len += n;
	x->buf[x->len] = 0;
	return 0;
}

static bool name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* $NAME or ${NAME}; in braces a name may have dots. */
static int put_variable(struct lexer *x)
{
	const char *start = ++x->pos, *value;
	size_t n = 0;
	char *name;

	if (*start == '{') {
		start++;
		n = strcspn(start, "}");
		if (!start[n])
			return mistake(x->err, x->s->file, x->s->line, "${ is not closed");
		x->pos = start + n + 1;
	} else {
		while (name_char(start[n]))
			n++;
		x->pos = start + n;
	}
	name = arena_printf(x->a, "%.*s", (int)n, start);
	if (!name)
		return -ENOMEM;
	value = n ? x->var(x->arg, name) : NULL;
	if (!value)
		return mistake(x->err, x->s->file, x->s->line, "there is no variable '%s'", name);
	return put(x, value, strlen(value));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Inside quotes: \n \t \\ \" \$ \xHH. */
static int put_escape(struct lexer *x)
{
	char c = x->pos[1];

	if (c == 'x' && hex_digit(x->pos[2]) >= 0 && hex_digit(x->pos[3]) >= 0) {
		c = (char)(hex_digit(x->pos[2]) << 4 | hex_digit(x->pos[3]));
		x->pos += 4;
		return put(x, &c, 1);
	}
	if (c == '"' || c == '\\' || c == '$') {
		x->pos += 2;
		return put(x, &c, 1);
	}
	if (c == 'n' || c == 't') {
		x->pos += 2;
		return put(x, c == 'n' ? "\n" : "\t", 1);
	}
	return mistake(x->err, x->s->file, x->s->line,
		       "there is no escape \\%c (a backslash is \\\\)", c);
}

static int put_quoted(struct lexer *x)
{
	int r = 0;

	x->pos++;
	while (*x->pos && *x->pos != '"' && r == 0) {
		if (*x->pos == '$')
			r = put_variable(x);
		else if (*x->pos == '\\')
			r = put_escape(x);
		else
			r = put(x, x->pos++, 1);
	}
	if (r == 0 && *x->pos != '"')
		return mistake(x->err, x->s->file, x->s->line, "a quote is not closed");
	x->pos++;
	return r;
}

static int one_word(struct lexer *x, struct word *ret)
{
	int r = 0;

	x->buf = NULL;
	x->len = x->cap = 0;
	ret->quoted = *x->pos == '"';
	while (*x->pos && !isspace((unsigned char)*x->pos) && r == 0) {
		if (*x->pos == '"')
			r = put_quoted(x);
		else if (*x->pos == '$')
			r = put_variable(x);
		else
			r = put(x, x->pos++, 1);
	}
	ret->text = x->buf ? x->buf : "";
	return r;
}

int script_words(struct arena *a, const struct stmt *s, script_var_fn *var, void *arg,
		 struct words *ret, struct script_error *err)
{
	struct lexer x = { .a = a, .s = s, .pos = s->text, .var = var, .arg = arg, .err = err };
	int r;

	ret->n = 0;
	for (;;) {
		while (isspace((unsigned char)*x.pos))
			x.pos++;
		if (!*x.pos)
			return 0;
		if (ret->n == SCRIPT_MAX_WORDS)
			return mistake(err, s->file, s->line, "a statement has at most %d words",
				       SCRIPT_MAX_WORDS);
		r = one_word(&x, &ret->v[ret->n]);
		if (r < 0)
			return r;
		ret->n++;
	}
}
