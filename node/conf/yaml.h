/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YAML as a tree whose scalars are all text and know their line: what node.yaml and `holdfast
 * apply` read. Anchors, aliases and tags are refused. Any thread.
 */
#ifndef HF_NODE_CONF_YAML_H
#define HF_NODE_CONF_YAML_H

#include "node/conf/conf.h"

enum yaml_kind {
	YAML_NULL, /* nothing, "~" or "null" without quotes */
	YAML_TEXT,
	YAML_SEQUENCE,
	YAML_MAPPING,
};

struct yaml_item {
	struct yaml_item *next;
	const char *key; /* of a mapping, else NULL */
	unsigned int key_line; /* counted from 1 */
	struct yaml_node *node;
};

struct yaml_node {
	enum yaml_kind kind;
	unsigned int line; /* counted from 1 */
	bool plain; /* YAML_TEXT: written without quotes */
	const char *text; /* YAML_TEXT */
	struct yaml_item *items; /* YAML_SEQUENCE, YAML_MAPPING: in the order of the file */
	size_t count;
};

/*
 * Parses all documents of a text into the arena, which bounds the memory: the result is a sequence
 * with one item per document. Keys of a mapping are unique. -EINVAL with one sentence "where:line:
 * ..." in `err`; -ENOMEM.
 */
int yaml_parse(struct arena *a, const char *where, const char *text, size_t n,
	       struct yaml_node **ret, struct conf_error *err);
/* Returns the value of a key of a mapping, or NULL. */
struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key);
/* Returns a new JSON value: plain numbers and booleans as such, everything else text. NULL: no
 * memory. */
json_t *yaml_to_json(const struct yaml_node *node);

#endif
