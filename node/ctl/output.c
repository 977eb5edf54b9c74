/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers as tables, lines or JSON. One thread. */
#include <wchar.h>

#include "node/ctl/ctl.h"

void ctl_collect(void *answer, json_t *part)
{
	struct ctl_answer *a = answer;
	json_t *v, *w;
	size_t i;

	if ((v = json_object_get(part, "columns")) && !a->columns)
		a->columns = json_incref(v);
	if ((v = json_object_get(part, "object")) && !a->object)
		a->object = json_incref(v);
	if (json_is_array(v = json_object_get(part, "rows"))) {
		if (!a->rows)
			a->rows = json_array();
		json_array_extend(a->rows, v);
	}
	if ((v = json_object_get(part, "next"))) {
		free(a->next);
		a->next = strdup(json_string_value(v) ?: "");
	}
	json_array_foreach(json_object_get(part, "warnings"), i, w)
		fprintf(a->err, "holdfast: warning: %s\n", json_string_value(w) ?: "");
	if ((v = json_object_get(part, "status"))) {
		a->status = (int)json_integer_value(v);
		v = json_object_get(part, "error");
		a->error = v ? strdup(json_string_value(v) ?: "") : NULL;
	}
}

void ctl_answer_done(struct ctl_answer *a)
{
	json_decref(a->columns);
	json_decref(a->rows);
	json_decref(a->object);
	free(a->error);
	free(a->next);
	a->columns = a->rows = a->object = NULL;
	a->error = a->next = NULL;
}

/* A value as people read it; malloc. Control characters (file names come from clients) become '?'. */
static char *text_of(const json_t *v)
{
	char *s = NULL, *p, *grown;
	size_t i, n = 0;
	json_t *item;

	if (json_is_string(v))
		s = strdup(json_string_value(v));
	else if (json_is_boolean(v))
		s = strdup(json_is_true(v) ? "yes" : "no");
	else if (json_is_integer(v)) {
		if (asprintf(&s, "%lld", (long long)json_integer_value(v)) < 0)
			s = NULL;
	} else if (json_is_array(v)) {
		s = strdup("");
		json_array_foreach(v, i, item) {
			p = text_of(item);
			if (s && p && asprintf(&grown, "%s%s%s", s, i ? "," : "", p) >= 0) {
				free(s);
				s = grown;
			}
			free(p);
		}
	} else {
		s = strdup("-");
	}
	for (p = s; p && *p; p++, n++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	if (s && n == 0) {
		free(s);
		s = strdup("-");
	}
	return s;
}

/* Columns on a terminal. */
static size_t width_of(const char *s)
{
	size_t n = strlen(s), used, width = 0;
	mbstate_t state = { 0 };
	wchar_t w;
	int k;

	while (n) {
		used = mbrtowc(&w, s, n, &state);
		if (used == (size_t)-1 || used == (size_t)-2 || used == 0)
			return width + n;
		k = wcwidth(w);
		width += k > 0 ? (size_t)k : 0;
		s += used;
		n -= used;
	}
	return width;
}

static void print_cell(const char *s, size_t width, bool last, FILE *out)
{
	size_t w = width_of(s);

	fputs(s, out);
	if (last)
		return;
	for (; w < width + 2; w++)
		fputc(' ', out);
}

#define COLUMNS_MAX 72 /* a node is one in print_counts() */

/* The columns that have a heading. */
static size_t shown_columns(const json_t *columns, const char *keys[], const char *headings[])
{
	const json_t *c;
	size_t i, n = 0;

	json_array_foreach(columns, i, c) {
		const char *h = json_string_value(json_object_get(c, "heading"));

		if (!h || n == COLUMNS_MAX)
			continue;
		keys[n] = json_string_value(json_object_get(c, "key")) ?: "";
		headings[n++] = h;
	}
	return n;
}

static void print_table(const json_t *columns, const json_t *rows, bool head, FILE *out)
{
	const char *keys[COLUMNS_MAX], *headings[COLUMNS_MAX];
	size_t n = shown_columns(columns, keys, headings), widths[COLUMNS_MAX], i, k;
	const json_t *row;
	char *s;

	for (k = 0; k < n; k++)
		widths[k] = width_of(headings[k]);
	json_array_foreach(rows, i, row)
		for (k = 0; k < n; k++) {
			s = text_of(json_object_get(row, keys[k]));
			widths[k] = s ? MAX(widths[k], width_of(s)) : widths[k];
			free(s);
		}
	for (k = 0; head && k < n; k++)
		print_cell(headings[k], widths[k], k + 1 == n, out);
	if (head)
		fputc('\n', out);
	json_array_foreach(rows, i, row) {
		for (k = 0; k < n; k++) {
			s = text_of(json_object_get(row, keys[k]));
			print_cell(s ?: "", widths[k], k + 1 == n, out);
			free(s);
		}
		fputc('\n', out);
	}
}

static void add_column(json_t *columns, const char *key, const char *heading)
{
	json_array_append_new(columns, json_pack("{s:s, s:s}", "key", key, "heading", heading));
}

/* The table on its side: each row becomes a column that its first value heads, and what a line means stands at its end. */
static void print_counts(const json_t *columns, const json_t *rows, FILE *out)
{
	const json_t *first = json_array_get(columns, 0), *c, *row;
	const char *name = json_string_value(json_object_get(first, "key")) ?: "";
	json_t *heads = json_array(), *lines = json_array(), *line;
	char key[24];
	size_t i, k;

	add_column(heads, "heading", json_string_value(json_object_get(first, "heading")) ?: "");
	json_array_foreach(rows, k, row) {
		snprintf(key, sizeof(key), "%zu", k);
		add_column(heads, key, json_string_value(json_object_get(row, name)) ?: "-");
	}
	add_column(heads, "about", json_string_value(json_object_get(first, "about")) ?: "");
	json_array_foreach(columns, i, c) {
		if (i == 0)
			continue;
		line = json_copy((json_t *)c);
		json_array_foreach(rows, k, row) {
			snprintf(key, sizeof(key), "%zu", k);
			json_object_set(line, key, json_object_get(row, json_string_value(json_object_get(c, "key")) ?: ""));
		}
		json_array_append_new(lines, line);
	}
	print_table(heads, lines, true, out);
	json_decref(heads);
	json_decref(lines);
}

/* "key: value" lines; lists of objects are left to the table. */
static void print_record(const json_t *object, FILE *out)
{
	const char *key;
	json_t *v;
	char *s, *p;

	json_object_foreach((json_t *)object, key, v) {
		if (json_is_object(json_array_get(v, 0)))
			continue;
		s = strdup(key);
		for (p = s; p && *p; p++)
			if (*p == '_')
				*p = ' ';
		fprintf(out, "%s: ", s ?: key);
		free(s);
		s = text_of(v);
		fprintf(out, "%s\n", s ?: "");
		free(s);
	}
}

static void print_json(const json_t *j, FILE *out)
{
	json_dumpf(j, out, JSON_INDENT(2));
	fputc('\n', out);
}

/* One page: the array that JSON is stays open. */
static void print_page(const struct ctl_answer *a, bool json, FILE *out)
{
	json_t *row;
	size_t i;

	if (!json) {
		print_table(a->columns, a->rows, !a->paged, out);
		return;
	}
	json_array_foreach(a->rows, i, row) {
		fputs(i || a->paged ? ",\n" : "[\n", out);
		json_dumpf(row, out, JSON_COMPACT);
	}
}

void ctl_print_end(const struct ctl_answer *a, bool json, FILE *out)
{
	if (json)
		fputs(a->paged ? "\n]\n" : "[]\n", out);
}

static void print_report(const struct ctl_answer *a, bool json, FILE *out)
{
	json_t *none = json_array();

	if (json && a->object) {
		json_object_set(a->object, "findings", a->rows ?: none);
		print_json(a->object, out);
	} else if (!json) {
		if (json_array_size(a->rows))
			print_table(a->columns, a->rows, true, out);
		if (a->object)
			print_record(a->object, out);
	}
	json_decref(none);
}

void ctl_print(const struct ctl_answer *a, enum ctl_shape shape, bool json, FILE *out)
{
	const json_t *first = json_array_get(a->rows, 0);
	char *s;

	if (shape == CTL_PAGES || shape == CTL_REPORT) {
		shape == CTL_PAGES ? print_page(a, json, out) : print_report(a, json, out);
		return;
	}
	if (json) {
		if (shape == CTL_TABLE || shape == CTL_COUNTS) {
			json_t *none = json_array();

			print_json(a->rows ?: none, out);
			json_decref(none);
		} else if (shape == CTL_STATUS && a->object) {
			print_json(a->object, out);
		} else if (first) {
			print_json(first, out);
		}
		return;
	}
	if (shape == CTL_STATUS && a->object) {
		print_record(a->object, out);
		fputc('\n', out);
		print_table(a->columns, a->rows, true, out);
	} else if (shape == CTL_TABLE) {
		print_table(a->columns, a->rows, true, out);
	} else if (shape == CTL_COUNTS) {
		print_counts(a->columns, a->rows, out);
	} else if (shape == CTL_RECORD && first) {
		print_record(first, out);
	} else if (shape == CTL_VALUE && first) {
		s = text_of(json_object_get(first, "value"));
		fprintf(out, "%s\n", s ?: "");
		free(s);
	}
}
