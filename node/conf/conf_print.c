/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects as text, YAML, JSON, and a schema as documentation. No state: any thread. */
#include "node/conf/conf_priv.h"

static char *join_list(const struct conf_list *l, struct arena *a)
{
	char *s = arena_strdup(a, l->count ? l->items[0] : "");

	for (size_t i = 1; s && i < l->count; i++)
		s = arena_printf(a, "%s, %s", s, l->items[i]);
	return s;
}

char *conf_format(const struct conf_row *row, const void *obj, struct arena *a)
{
	const void *field = conf_field_of(row, obj);

	switch (row->type) {
	case CONF_STRING:
	case CONF_ADDRESS:
		return arena_strdup(a, *(char *const *)field ?: "");
	case CONF_INT:
		return arena_printf(a, "%d", *(const int *)field);
	case CONF_SIZE:
		return conf_format_size(*(const uint64_t *)field, a);
	case CONF_DURATION:
		return conf_format_duration(*(const uint64_t *)field, a);
	case CONF_BOOL:
		return arena_strdup(a, *(const bool *)field ? "true" : "false");
	case CONF_ENUM:
		return arena_strdup(a, row->values[*(const int *)field]);
	case CONF_LIST:
		return join_list(field, a);
	}
	return NULL;
}

static json_t *list_to_json(const struct conf_list *l)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < l->count; i++)
		if (json_array_append_new(array, json_string(l->items[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *field_to_json(const struct conf_row *row, const void *obj)
{
	const void *field = conf_field_of(row, obj);

	switch (row->type) {
	case CONF_STRING:
	case CONF_ADDRESS:
		return *(char *const *)field ? json_string(*(char *const *)field) : json_null();
	case CONF_INT:
		return json_integer(*(const int *)field);
	case CONF_SIZE:
	case CONF_DURATION:
		return json_integer((json_int_t) * (const uint64_t *)field);
	case CONF_BOOL:
		return json_boolean(*(const bool *)field);
	case CONF_ENUM:
		return json_string(row->values[*(const int *)field]);
	case CONF_LIST:
		return list_to_json(field);
	}
	return NULL;
}

json_t *conf_to_json(const struct conf_schema *s, const void *obj)
{
	json_t *json = json_object();

	for (size_t i = 0; json && i < s->count; i++)
		if (json_object_set_new(json, s->rows[i].name, field_to_json(&s->rows[i], obj)) <
		    0) {
			json_decref(json);
			return NULL;
		}
	return json;
}

/* A text in double quotes as YAML wants it. */
static void print_quoted(const char *s, FILE *f)
{
	fputc('"', f);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\x%02X", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void print_list(const struct conf_list *l, FILE *f)
{
	fputc('[', f);
	for (size_t i = 0; i < l->count; i++) {
		if (i > 0)
			fputs(", ", f);
		print_quoted(l->items[i], f);
	}
	fputc(']', f);
}

void conf_print(const struct conf_schema *s, const void *obj, FILE *f)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct conf_row *row = &s->rows[i];
		_cleanup_arena_ struct arena a = { 0 };

		arena_init(&a, 0);
		if (row->type == CONF_STRING || row->type == CONF_ADDRESS) {
			const char *text = *(char *const *)conf_field_of(row, obj);

			if (!text)
				continue;
			fprintf(f, "%s: ", row->name);
			print_quoted(text, f);
		} else {
			fprintf(f, "%s: ", row->name);
			if (row->type == CONF_LIST)
				print_list(conf_field_of(row, obj), f);
			else
				fputs(conf_format(row, obj, &a) ?: "", f);
		}
		fputc('\n', f);
	}
}

/* Prints prose in lines of about 76 columns behind four blanks. */
static void print_wrapped(const char *s, FILE *f)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " ");

		if (column > 0 && column + 1 + n > 72) {
			fputc('\n', f);
			column = 0;
		}
		fprintf(f, "%s%.*s", column ? " " : "    ", (int)n, s);
		column += n + (column ? 1 : 0);
		s += n + strspn(s + n, " ");
	}
	fputc('\n', f);
}

void conf_print_doc(const struct conf_schema *s, FILE *f)
{
	static const char *const scopes[] = {
		[CONF_AT_CREATE] = "fixed when the cluster is created",
		[CONF_AT_START] = "takes effect at the next start",
		[CONF_AT_ONCE] = "takes effect at once",
	};

	for (size_t i = 0; i < s->count; i++) {
		const struct conf_row *row = &s->rows[i];
		_cleanup_arena_ struct arena a = { 0 };

		arena_init(&a, 0);
		fprintf(f, "%s%s\n", i ? "\n" : "", row->name);
		print_wrapped(row->prose, f);
		print_wrapped(
			arena_printf(&a, "Takes %s.", conf_allowed(row, &a) ?: "a value") ?: "", f);
		if (row->required)
			fprintf(f, "    Required; %s.\n", scopes[row->scope]);
		else
			fprintf(f, "    Default: %s; %s.\n",
				row->def && *row->def ? row->def : "none", scopes[row->scope]);
	}
}
