/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Configuration by table: a schema describes the fields of a struct once, and parser, defaults,
 * ranges, units, output and documentation follow from it. Errors are one sentence with place, key
 * and what is allowed. Any thread; an object belongs to one thread.
 */
#ifndef HF_NODE_CONF_CONF_H
#define HF_NODE_CONF_CONF_H

#include <jansson.h>
#include <stdio.h>

#include "node/base/arena.h"

/* The C type of the field stands behind each. */
enum conf_type {
	CONF_STRING, /* char *, malloc; min/max are its length in bytes. NULL when unset */
	CONF_INT, /* int */
	CONF_SIZE, /* uint64_t, bytes; written "64KiB", "8MiB", "4096" */
	CONF_DURATION, /* uint64_t, milliseconds; written "500ms", "35s", "5min", "1h", "2d" */
	CONF_BOOL, /* bool; true/false, yes/no, on/off */
	CONF_ENUM, /* int, index into `values` */
	CONF_ADDRESS, /* char *, malloc; "192.0.2.1", "192.0.2.1:445", "[2001:db8::1]:445"; NULL
			 when unset */
	CONF_LIST, /* struct conf_list of strings or addresses (`item`); min/max are the number of
		      items */
};

/* When a change takes effect. */
enum conf_scope {
	CONF_AT_CREATE, /* fixed when the cluster is created */
	CONF_AT_START, /* at the next start of the process */
	CONF_AT_ONCE, /* without a restart */
};

struct conf_list {
	char **items; /* malloc, each malloc */
	size_t count;
};

struct conf_row {
	const char *name;
	enum conf_type type;
	enum conf_type item; /* CONF_LIST: CONF_STRING or CONF_ADDRESS */
	size_t offset;
	int64_t min, max; /* inclusive */
	const char *def; /* the default as it would be written, list items separated by commas;
			    NULL: none */
	const char *const *values; /* CONF_ENUM: NULL-terminated */
	const char *unit; /* for people; NULL: none */
	enum conf_scope scope;
	bool required; /* a file must name it */
	const char *prose; /* one or two sentences */
};

struct conf_schema {
	const char *name; /* what it describes, such as "node.yaml" */
	const struct conf_row *rows;
	size_t count;
	size_t size; /* of the struct */
};

struct conf_error {
	char text[640]; /* one sentence without a final newline */
};

/* Zero-fills `obj` and gives every field its default. -ENOMEM. */
int conf_init(const struct conf_schema *s, void *obj);
/* Frees the fields; `obj` is zero afterwards. */
void conf_done(const struct conf_schema *s, void *obj);
/* Makes `ret` a copy of `from` (initialised like conf_init). -ENOMEM. */
int conf_copy(const struct conf_schema *s, const void *from, void *ret);

/* Returns the row, or NULL. */
const struct conf_row *conf_find(const struct conf_schema *s, const char *key);
/* Sets one field from text; list items are separated by commas. `where` ("file:3") starts the
 * sentence, NULL: none. -EINVAL with `err` filled (unknown key, wrong type, bad unit, out of
 * range): the field keeps its value. -ENOMEM. */
int conf_set(const struct conf_schema *s, void *obj, const char *where, const char *key,
	     const char *value, struct conf_error *err);
/* The same from "key=value". */
int conf_set_pair(const struct conf_schema *s, void *obj, const char *pair, struct conf_error *err);

/* Reads a YAML mapping over the values in `obj` (an initialised object). All of it or nothing:
 * `obj` is unchanged on failure. -EINVAL with `err` filled, also for duplicate and missing required
 * keys; the errno of open/read with `err` filled; -ENOMEM. */
int conf_load_file(const struct conf_schema *s, const char *path, void *obj,
		   struct conf_error *err);
/* The same from memory; `where` names it in errors. */
int conf_load_text(const struct conf_schema *s, const char *where, const char *text, size_t n,
		   void *obj, struct conf_error *err);
/* The same from a JSON object (numbers and booleans as such, or anything as text). Required keys
 * are not asked for. */
int conf_load_json(const struct conf_schema *s, const json_t *json, void *obj,
		   struct conf_error *err);

/* Returns the value of one field as it would be written, in the arena; "" for an unset string.
 * NULL: no memory. */
char *conf_format(const struct conf_row *row, const void *obj, struct arena *a);
/* Returns a new JSON object: numbers, booleans and arrays as such (sizes in bytes, durations in
 * milliseconds), unset strings as null. NULL: no memory. */
json_t *conf_to_json(const struct conf_schema *s, const void *obj);
/* Prints "key: value" lines that conf_load_text reads back. */
void conf_print(const struct conf_schema *s, const void *obj, FILE *f);
/* Prints the documentation of all rows as plain text. */
void conf_print_doc(const struct conf_schema *s, FILE *f);
/* One line such as "size, 64KiB to 16MiB": what a row takes. In the arena; NULL: no memory. */
char *conf_allowed(const struct conf_row *row, struct arena *a);

/* Parses "64KiB" to bytes, "35s" to milliseconds. -EINVAL: no number, unknown or missing unit;
 * -ERANGE: too large. */
int conf_parse_size(const char *s, uint64_t *ret);
int conf_parse_duration(const char *s, uint64_t *ret_ms);
/* Parses an IPv4 or IPv6 address with optional port (IPv6 with a port in brackets; `ret_port` 0:
 * none given). `ret_host` holds the address without brackets. -EINVAL. */
int conf_parse_address(const char *s, char ret_host[static 64], uint16_t *ret_port);

#endif
