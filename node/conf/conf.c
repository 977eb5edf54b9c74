/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects described by a schema: defaults, assignment with checks, copies. No state: any thread. */
#include "node/conf/conf_priv.h"

#include <stdarg.h>

int conf_fail(struct conf_error *err, const char *where, const char *key, const char *fmt, ...)
{
	size_t n = 0, size = sizeof(err->text);
	va_list ap;

	err->text[0] = '\0';
	if (where)
		n += (size_t)snprintf(err->text, size, "%s: ", where);
	if (key && n < size)
		n += (size_t)snprintf(err->text + n, size - n, "%s: ", key);
	if (n < size) {
		va_start(ap, fmt);
		vsnprintf(err->text + n, size - n, fmt, ap);
		va_end(ap);
	}
	for (char *p = err->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return -EINVAL;
}

int conf_fail_unknown(const struct conf_schema *s, struct conf_error *err, const char *where,
		      const char *key)
{
	_cleanup_arena_ struct arena a = { 0 };
	char *names;

	arena_init(&a, 0);
	names = arena_strdup(&a, s->count ? s->rows[0].name : "none");
	for (size_t i = 1; names && i < s->count; i++)
		names = arena_printf(&a, "%s, %s", names, s->rows[i].name);
	return conf_fail(err, where, NULL, "unknown key \"%.64s\"; known keys are %s", key,
			 names ?: "");
}

const struct conf_row *conf_find(const struct conf_schema *s, const char *key)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->rows[i].name, key) == 0)
			return &s->rows[i];
	return NULL;
}

static int fail_value(const struct conf_row *row, struct conf_error *err, const char *where,
		      const char *value, const char *what)
{
	_cleanup_arena_ struct arena a = { 0 };

	arena_init(&a, 0);
	return conf_fail(err, where, row->name, "\"%.100s\" %s; allowed is %s", value, what,
			 conf_allowed(row, &a) ?: "something else");
}

static int assign_text(const struct conf_row *row, void *field, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*(char **)field);
	*(char **)field = copy;
	return 0;
}

static int assign_u64(const struct conf_row *row, void *field, const char *value)
{
	uint64_t v;
	int r = row->type == CONF_SIZE ? conf_parse_size(value, &v) :
					 conf_parse_duration(value, &v);

	if (r < 0)
		return r;
	if (v < (uint64_t)row->min || v > (uint64_t)row->max)
		return -ERANGE;
	*(uint64_t *)field = v;
	return 0;
}

static int assign_int(const struct conf_row *row, void *field, const char *value)
{
	int v, r = conf_parse_int(value, &v);

	if (r < 0)
		return r;
	if (v < row->min || v > row->max)
		return -ERANGE;
	*(int *)field = v;
	return 0;
}

static int assign_enum(const struct conf_row *row, void *field, const char *value)
{
	for (int i = 0; row->values[i]; i++)
		if (strcmp(row->values[i], value) == 0) {
			*(int *)field = i;
			return 0;
		}
	return -EINVAL;
}

/* -EINVAL: malformed, -ERANGE: not within min and max. */
static int assign_value(const struct conf_row *row, void *field, const char *value)
{
	char host[64];
	uint16_t port;

	switch (row->type) {
	case CONF_STRING:
		if (strlen(value) < (size_t)row->min || strlen(value) > (size_t)row->max)
			return -ERANGE;
		return assign_text(row, field, value);
	case CONF_ADDRESS:
		if (conf_parse_address(value, host, &port) < 0)
			return -EINVAL;
		return assign_text(row, field, value);
	case CONF_INT:
		return assign_int(row, field, value);
	case CONF_SIZE:
	case CONF_DURATION:
		return assign_u64(row, field, value);
	case CONF_BOOL:
		return conf_parse_bool(value, field);
	case CONF_ENUM:
		return assign_enum(row, field, value);
	case CONF_LIST:
		break;
	}
	return -EINVAL;
}

int conf_assign(const struct conf_row *row, void *obj, const char *where, const char *value,
		struct conf_error *err)
{
	static const char *const malformed[] = {
		[CONF_STRING] = "is not a text",
		[CONF_INT] = "is not a number",
		[CONF_SIZE] = "is not a size",
		[CONF_DURATION] = "is not a duration with a unit",
		[CONF_BOOL] = "is neither true nor false",
		[CONF_ENUM] = "is not known",
		[CONF_ADDRESS] = "is not an address",
		[CONF_LIST] = "is not a list",
	};
	int r = assign_value(row, conf_field(row, obj), value);

	if (r == -EINVAL)
		return fail_value(row, err, where, value, malformed[row->type]);
	if (r == -ERANGE)
		return fail_value(row, err, where, value, "is out of range");
	return r;
}

static void free_list(struct conf_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i]);
	free(l->items);
	*l = (struct conf_list){ 0 };
}

int conf_assign_list(const struct conf_row *row, void *obj, const char *where, char *const *items,
		     size_t count, struct conf_error *err)
{
	_cleanup_(free_list) struct conf_list l = { 0 };
	struct conf_list *field = conf_field(row, obj);
	uint16_t port;
	char host[64];

	if (row->type != CONF_LIST)
		return fail_value(row, err, where, count ? items[0] : "[]", "is in a list");
	if (count < (size_t)row->min || count > (size_t)row->max)
		return conf_fail(err, where, row->name, "has %zu items; allowed are %lld to %lld",
				 count, (long long)row->min, (long long)row->max);
	l.items = calloc(count + 1, sizeof(*l.items));
	if (!l.items)
		return -ENOMEM;
	for (; l.count < count; l.count++) {
		const char *item = items[l.count];

		if (!*item ||
		    (row->item == CONF_ADDRESS && conf_parse_address(item, host, &port) < 0))
			return fail_value(row, err, where, item,
					  row->item == CONF_ADDRESS ? "is not an address" :
								      "is empty");
		l.items[l.count] = strdup(item);
		if (!l.items[l.count])
			return -ENOMEM;
	}
	free_list(field);
	*field = l;
	l = (struct conf_list){ 0 };
	return 0;
}

/* Splits at commas, cuts blanks, and assigns. An empty text is an empty list. */
static int assign_commas(const struct conf_row *row, void *obj, const char *where,
			 const char *value, struct conf_error *err)
{
	_cleanup_arena_ struct arena a = { 0 };
	size_t count = 0, room = 1;
	char *copy, *item, **items;

	arena_init(&a, 0);
	for (const char *p = value; *p; p++)
		room += *p == ',';
	copy = arena_strdup(&a, value);
	items = arena_calloc(&a, room, sizeof(*items));
	if (!copy || !items)
		return -ENOMEM;
	while (*value && (item = strsep(&copy, ","))) {
		item += strspn(item, " \t");
		for (size_t n = strlen(item); n > 0 && strchr(" \t", item[n - 1]); n--)
			item[n - 1] = '\0';
		items[count++] = item;
	}
	return conf_assign_list(row, obj, where, items, count, err);
}

int conf_set(const struct conf_schema *s, void *obj, const char *where, const char *key,
	     const char *value, struct conf_error *err)
{
	const struct conf_row *row = conf_find(s, key);

	if (!row)
		return conf_fail_unknown(s, err, where, key);
	if (row->type == CONF_LIST)
		return assign_commas(row, obj, where, value, err);
	return conf_assign(row, obj, where, value, err);
}

int conf_set_pair(const struct conf_schema *s, void *obj, const char *pair, struct conf_error *err)
{
	const char *equals = strchr(pair, '=');
	_cleanup_free_ char *key = NULL;

	if (!equals)
		return conf_fail(err, NULL, NULL, "\"%.100s\" is not key=value", pair);
	key = strndup(pair, (size_t)(equals - pair));
	if (!key)
		return -ENOMEM;
	return conf_set(s, obj, NULL, key, equals + 1, err);
}

int conf_init(const struct conf_schema *s, void *obj)
{
	struct conf_error err;
	int r;

	memset(obj, 0, s->size);
	for (size_t i = 0; i < s->count; i++) {
		if (!s->rows[i].def)
			continue;
		r = conf_set(s, obj, NULL, s->rows[i].name, s->rows[i].def, &err);
		assert(r != -EINVAL); /* no row refuses its own default: test_conf */
		if (r < 0) {
			conf_done(s, obj);
			return r;
		}
	}
	return 0;
}

void conf_done(const struct conf_schema *s, void *obj)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct conf_row *row = &s->rows[i];

		if (row->type == CONF_STRING || row->type == CONF_ADDRESS)
			free(*(char **)conf_field(row, obj));
		else if (row->type == CONF_LIST)
			free_list(conf_field(row, obj));
	}
	memset(obj, 0, s->size);
}

int conf_copy(const struct conf_schema *s, const void *from, void *ret)
{
	struct conf_error err;
	int r = 0;

	memcpy(ret, from, s->size);
	for (size_t i = 0; i < s->count; i++) /* no pointer may be shared, whatever happens below */
		if (s->rows[i].type == CONF_STRING || s->rows[i].type == CONF_ADDRESS)
			*(char **)conf_field(&s->rows[i], ret) = NULL;
		else if (s->rows[i].type == CONF_LIST)
			*(struct conf_list *)conf_field(&s->rows[i], ret) = (struct conf_list){ 0 };
	for (size_t i = 0; r == 0 && i < s->count; i++) {
		const struct conf_row *row = &s->rows[i];
		const void *field = conf_field_of(row, from);

		if (row->type == CONF_LIST && ((const struct conf_list *)field)->count > 0)
			r = conf_assign_list(row, ret, NULL,
					     ((const struct conf_list *)field)->items,
					     ((const struct conf_list *)field)->count, &err);
		else if ((row->type == CONF_STRING || row->type == CONF_ADDRESS) &&
			 *(char *const *)field)
			r = assign_text(row, conf_field(row, ret), *(char *const *)field);
	}
	if (r < 0)
		conf_done(s, ret);
	return r;
}
