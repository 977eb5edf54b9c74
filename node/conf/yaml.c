/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The events of libyaml as a tree in an arena. No state: any thread. */
#include "node/conf/yaml.h"

#include <yaml.h>

#include "node/base/utf.h"
#include "node/conf/conf_priv.h"

#define DEPTH_MAX 16
#define ITEMS_MAX 10000 /* of one collection; looking for a second key is linear */

struct builder {
	yaml_parser_t parser;
	struct arena *arena;
	const char *where;
	struct conf_error *err;
	unsigned int depth;
};

static int build_node(struct builder *b, const yaml_event_t *event, struct yaml_node **ret);

static int fail_at(struct builder *b, size_t line, const char *what)
{
	char where[256];

	snprintf(where, sizeof(where), "%s:%zu", b->where, line);
	return conf_fail(b->err, where, NULL, "%s", what);
}

/* The next event; the caller deletes it. */
static int next_event(struct builder *b, yaml_event_t *ret)
{
	if (yaml_parser_parse(&b->parser, ret))
		return 0;
	if (b->parser.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	return fail_at(b, b->parser.problem_mark.line + 1, b->parser.problem ?: "this is not YAML");
}

static bool is_null(const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value;

	return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*s || strcmp(s, "~") == 0 || strcmp(s, "null") == 0);
}

static int build_scalar(struct builder *b, const yaml_event_t *e, struct yaml_node *node)
{
	const char *s = (const char *)e->data.scalar.value;

	if (e->data.scalar.anchor || e->data.scalar.tag)
		return fail_at(b, node->line, "anchors and tags are not supported");
	if (strlen(s) != e->data.scalar.length || !utf8_valid(s, e->data.scalar.length))
		return fail_at(b, node->line, "a value holds a NUL byte or is not UTF-8");
	if (is_null(e))
		return 0;
	node->kind = YAML_TEXT;
	node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = arena_strdup(b->arena, s);
	return node->text ? 0 : -ENOMEM;
}

/* Reads a key from the event into the item: 0, or an error. */
static int build_key(struct builder *b, const yaml_event_t *e, const struct yaml_node *mapping,
		     struct yaml_item *item)
{
	struct yaml_node key = { .line = (unsigned int)e->start_mark.line + 1 };
	int r;

	if (e->type != YAML_SCALAR_EVENT)
		return fail_at(b, key.line, "a key must be a text");
	r = build_scalar(b, e, &key);
	if (r < 0)
		return r;
	if (key.kind != YAML_TEXT)
		return fail_at(b, key.line, "a key is empty");
	if (yaml_find(mapping, key.text)) {
		char what[128];

		snprintf(what, sizeof(what), "the key \"%.64s\" stands here a second time",
			 key.text);
		return fail_at(b, key.line, what);
	}
	item->key = key.text;
	item->key_line = key.line;
	return 0;
}

static int build_items(struct builder *b, struct yaml_node *node, yaml_event_type_t end)
{
	struct yaml_item **tail = &node->items;
	int r;

	for (;;) {
		_cleanup_(yaml_event_delete) yaml_event_t e = { 0 }, value = { 0 };
		struct yaml_item *item;

		r = next_event(b, &e);
		if (r < 0 || e.type == end)
			return r;
		if (node->count == ITEMS_MAX)
			return fail_at(b, e.start_mark.line + 1, "there are too many items");
		item = arena_new(b->arena, struct yaml_item);
		if (!item)
			return -ENOMEM;
		if (node->kind == YAML_MAPPING) {
			r = build_key(b, &e, node, item);
			if (r == 0)
				r = next_event(b, &value);
		}
		if (r == 0)
			r = build_node(b, node->kind == YAML_MAPPING ? &value : &e, &item->node);
		if (r < 0)
			return r;
		*tail = item;
		tail = &item->next;
		node->count++;
	}
}

static int build_collection(struct builder *b, const yaml_event_t *e, struct yaml_node *node)
{
	bool mapping = e->type == YAML_MAPPING_START_EVENT;
	int r;

	if (mapping ? e->data.mapping_start.anchor || e->data.mapping_start.tag :
		      e->data.sequence_start.anchor || e->data.sequence_start.tag)
		return fail_at(b, node->line, "anchors and tags are not supported");
	if (++b->depth > DEPTH_MAX)
		return fail_at(b, node->line, "this is nested too deeply");
	node->kind = mapping ? YAML_MAPPING : YAML_SEQUENCE;
	r = build_items(b, node, mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT);
	b->depth--;
	return r;
}

static int build_node(struct builder *b, const yaml_event_t *event, struct yaml_node **ret)
{
	struct yaml_node *node = arena_new(b->arena, struct yaml_node);
	int r;

	if (!node)
		return -ENOMEM;
	node->line = (unsigned int)event->start_mark.line + 1;
	if (event->type == YAML_SCALAR_EVENT)
		r = build_scalar(b, event, node);
	else if (event->type == YAML_MAPPING_START_EVENT ||
		 event->type == YAML_SEQUENCE_START_EVENT)
		r = build_collection(b, event, node);
	else
		r = fail_at(b, node->line, "aliases are not supported");
	if (r == 0)
		*ret = node;
	return r;
}

/* Stream start, then per document: start, one node, end. */
static int build_stream(struct builder *b, struct yaml_node *stream)
{
	struct yaml_item **tail = &stream->items;
	int r;

	for (;;) {
		_cleanup_(yaml_event_delete) yaml_event_t e = { 0 };

		r = next_event(b, &e);
		if (r < 0 || e.type == YAML_STREAM_END_EVENT)
			return r;
		if (e.type == YAML_STREAM_START_EVENT || e.type == YAML_DOCUMENT_START_EVENT ||
		    e.type == YAML_DOCUMENT_END_EVENT)
			continue;
		*tail = arena_new(b->arena, struct yaml_item);
		if (!*tail)
			return -ENOMEM;
		r = build_node(b, &e, &(*tail)->node);
		if (r < 0)
			return r;
		tail = &(*tail)->next;
		stream->count++;
	}
}

int yaml_parse(struct arena *a, const char *where, const char *text, size_t n,
	       struct yaml_node **ret, struct conf_error *err)
{
	struct builder b = { .arena = a, .where = where, .err = err };
	struct yaml_node *stream = arena_new(a, struct yaml_node);
	int r;

	if (!stream || !yaml_parser_initialize(&b.parser))
		return -ENOMEM;
	stream->kind = YAML_SEQUENCE;
	stream->line = 1;
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, n);
	r = build_stream(&b, stream);
	yaml_parser_delete(&b.parser);
	if (r == 0)
		*ret = stream;
	return r;
}

struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key)
{
	for (struct yaml_item *i = mapping->kind == YAML_MAPPING ? mapping->items : NULL; i;
	     i = i->next)
		if (strcmp(i->key, key) == 0)
			return i->node;
	return NULL;
}

static json_t *scalar_to_json(const struct yaml_node *node)
{
	char *end;
	json_int_t v;

	if (node->kind == YAML_NULL)
		return json_null();
	if (!node->plain)
		return json_string(node->text);
	if (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)
		return json_boolean(node->text[0] == 't');
	errno = 0;
	v = strtoll(node->text, &end, 10);
	if (*end == '\0' && errno == 0 && strspn(node->text, "-0123456789") == strlen(node->text))
		return json_integer(v);
	return json_string(node->text);
}

json_t *yaml_to_json(const struct yaml_node *node)
{
	json_t *json, *value;
	int r;

	if (node->kind == YAML_NULL || node->kind == YAML_TEXT)
		return scalar_to_json(node);
	json = node->kind == YAML_MAPPING ? json_object() : json_array();
	for (struct yaml_item *i = node->items; json && i; i = i->next) {
		value = yaml_to_json(i->node);
		r = node->kind == YAML_MAPPING ? json_object_set_new(json, i->key, value) :
						 json_array_append_new(json, value);
		if (r < 0) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}
