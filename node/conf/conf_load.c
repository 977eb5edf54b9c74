/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects from YAML and from JSON, all or nothing. No state: any thread. */
#include "node/conf/conf_priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "node/conf/yaml.h"

#define FILE_MAX_BYTES (1 << 20)

static int check_required(const struct conf_schema *s, const char *where,
			  const struct yaml_node *root, struct conf_error *err)
{
	_cleanup_arena_ struct arena a = { 0 };

	arena_init(&a, 0);
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].required && !yaml_find(root, s->rows[i].name))
			return conf_fail(err, where, s->rows[i].name,
					 "this key is missing; it takes %s",
					 conf_allowed(&s->rows[i], &a) ?: "a value");
	return 0;
}

static int load_sequence(const struct conf_row *row, void *obj, const char *where,
			 const struct yaml_node *node, struct conf_error *err)
{
	_cleanup_arena_ struct arena a = { 0 };
	size_t count = 0;
	char **items;

	arena_init(&a, 0);
	items = arena_calloc(&a, node->count, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (struct yaml_item *i = node->items; i; i = i->next) {
		if (i->node->kind != YAML_TEXT)
			return conf_fail(err, where, row->name, "item %zu is not a text",
					 count + 1);
		items[count++] = (char *)i->node->text;
	}
	return conf_assign_list(row, obj, where, items, count, err);
}

static int load_item(const struct conf_schema *s, const char *file, const struct yaml_item *item,
		     void *obj, struct conf_error *err)
{
	const struct conf_row *row = conf_find(s, item->key);
	_cleanup_arena_ struct arena a = { 0 };
	char where[256];

	snprintf(where, sizeof(where), "%s:%u", file, item->key_line);
	if (!row)
		return conf_fail_unknown(s, err, where, item->key);
	arena_init(&a, 0);
	switch (item->node->kind) {
	case YAML_TEXT:
		if (row->type == CONF_LIST)
			return conf_set(s, obj, where, row->name, item->node->text, err);
		return conf_assign(row, obj, where, item->node->text, err);
	case YAML_SEQUENCE:
		return load_sequence(row, obj, where, item->node, err);
	case YAML_NULL:
	case YAML_MAPPING:
		break;
	}
	return conf_fail(err, where, row->name, "%s; allowed is %s",
			 item->node->kind == YAML_NULL ? "there is no value" :
							 "a mapping stands here",
			 conf_allowed(row, &a) ?: "a value");
}

/* Moves the fields of the loaded copy into `obj`. */
static void replace(const struct conf_schema *s, void *obj, void *loaded)
{
	conf_done(s, obj);
	memcpy(obj, loaded, s->size);
}

static int load_mapping(const struct conf_schema *s, const char *where,
			const struct yaml_node *root, void *obj, struct conf_error *err)
{
	_cleanup_free_ void *copy = malloc(s->size);
	int r;

	if (!copy)
		return -ENOMEM;
	r = conf_copy(s, obj, copy);
	if (r < 0)
		return r;
	for (struct yaml_item *i = root->items; r == 0 && i; i = i->next)
		r = load_item(s, where, i, copy, err);
	if (r == 0)
		r = check_required(s, where, root, err);
	if (r < 0)
		conf_done(s, copy);
	else
		replace(s, obj, copy);
	return r;
}

int conf_load_text(const struct conf_schema *s, const char *where, const char *text, size_t n,
		   void *obj, struct conf_error *err)
{
	static const struct yaml_node empty = { .kind = YAML_MAPPING, .line = 1 };
	_cleanup_arena_ struct arena a = { 0 };
	const struct yaml_node *root;
	struct yaml_node *docs;
	int r;

	arena_init(&a, 64 * FILE_MAX_BYTES);
	r = yaml_parse(&a, where, text, n, &docs, err);
	if (r < 0)
		return r;
	if (docs->count > 1)
		return conf_fail(err, where, NULL, "there is more than one YAML document");
	root = docs->count == 0 || docs->items->node->kind == YAML_NULL ? &empty :
									  docs->items->node;
	if (root->kind != YAML_MAPPING)
		return conf_fail(err, where, NULL, "lines of the form \"key: value\" are expected");
	return load_mapping(s, where, root, obj, err);
}

/* Reads a whole small file; the caller frees it. */
static int read_file(const char *path, char **ret, size_t *ret_n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *buf = NULL;
	struct stat st;
	size_t n = 0;
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	buf = malloc(FILE_MAX_BYTES);
	if (!buf)
		return -ENOMEM;
	while ((got = read(fd, buf + n, FILE_MAX_BYTES - n)) > 0)
		n += (size_t)got;
	if (got < 0)
		return -errno;
	if (n == FILE_MAX_BYTES)
		return -EFBIG;
	*ret = TAKE_PTR(buf);
	*ret_n = n;
	return 0;
}

int conf_load_file(const struct conf_schema *s, const char *path, void *obj, struct conf_error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t n = 0;
	int r;

	r = read_file(path, &text, &n);
	if (r < 0) {
		conf_fail(err, path, NULL, "the file cannot be read: %s", strerrordesc_np(-r));
		return r;
	}
	return conf_load_text(s, path, text, n, obj, err);
}

/* The text that conf_assign takes; NULL: no such text (null, an object) or no memory. */
static char *json_text(const struct conf_row *row, const json_t *v, struct arena *a)
{
	if (json_is_string(v))
		return arena_strdup(a, json_string_value(v));
	if (json_is_boolean(v))
		return arena_strdup(a, json_is_true(v) ? "true" : "false");
	if (json_is_integer(v))
		return arena_printf(a, "%" JSON_INTEGER_FORMAT "%s", json_integer_value(v),
				    row->type == CONF_DURATION ? "ms" : "");
	return NULL;
}

static int load_json_array(const struct conf_row *row, const json_t *v, struct arena *a, void *obj,
			   struct conf_error *err)
{
	size_t n = json_array_size(v);
	char **items = arena_calloc(a, n, sizeof(*items));

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		items[i] = json_text(row, json_array_get(v, i), a);
		if (!items[i])
			return conf_fail(err, NULL, row->name, "item %zu is not a text", i + 1);
	}
	return conf_assign_list(row, obj, NULL, items, n, err);
}

static int load_json_field(const struct conf_schema *s, const char *key, const json_t *v, void *obj,
			   struct conf_error *err)
{
	const struct conf_row *row = conf_find(s, key);
	_cleanup_arena_ struct arena a = { 0 };
	char *text;

	if (!row)
		return conf_fail_unknown(s, err, NULL, key);
	if (json_is_null(v))
		return 0;
	arena_init(&a, 0);
	if (json_is_array(v))
		return load_json_array(row, v, &a, obj, err);
	text = json_text(row, v, &a);
	if (!text)
		return conf_fail(err, NULL, row->name, "this JSON type does not fit; allowed is %s",
				 conf_allowed(row, &a) ?: "a value");
	return row->type == CONF_LIST ? conf_set(s, obj, NULL, key, text, err) :
					conf_assign(row, obj, NULL, text, err);
}

int conf_load_json(const struct conf_schema *s, const json_t *json, void *obj,
		   struct conf_error *err)
{
	_cleanup_free_ void *copy = malloc(s->size);
	const char *key;
	json_t *v;
	int r;

	if (!copy)
		return -ENOMEM;
	if (!json_is_object(json))
		return conf_fail(err, NULL, NULL, "%s: a JSON object is expected", s->name);
	r = conf_copy(s, obj, copy);
	if (r < 0)
		return r;
	json_object_foreach ((json_t *)json, key, v) {
		r = load_json_field(s, key, v, copy, err);
		if (r < 0) {
			conf_done(s, copy);
			return r;
		}
	}
	replace(s, obj, copy);
	return 0;
}
