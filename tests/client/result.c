/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields of what an operation gave. One thread. */
#include <inttypes.h>

#include "node/base/guid.h"
#include "node/base/utf.h"
#include "tests/client/world.h"

void result_init(struct result *r)
{
	*r = (struct result){ .status = NT_STATUS_OK };
	arena_init(&r->a, 0);
	list_init(&r->fields);
}

void result_done(struct result *r)
{
	arena_reset(&r->a);
	list_init(&r->fields);
}

static struct field *add(struct result *r, const char *name)
{
	struct field *f = arena_new(&r->a, struct field);

	if (!f)
		abort();
	f->name = name;
	list_append(&r->fields, &f->link);
	return f;
}

void result_num(struct result *r, const char *name, uint64_t v)
{
	add(r, name)->text = arena_printf(&r->a, "%" PRIu64, v);
}

void result_text(struct result *r, const char *name, const char *text)
{
	add(r, name)->text = arena_strdup(&r->a, text);
}

void result_name(struct result *r, const char *name, struct blob utf16)
{
	char *text;

	if (utf8_from_utf16(&r->a, utf16, &text) == 0)
		add(r, name)->text = text;
	else
		result_bytes(r, name, utf16);
}

void result_guid(struct result *r, const char *name, const struct guid *g)
{
	char buf[GUID_STR_SIZE];

	result_text(r, name, guid_format(g, buf));
}

void result_bytes(struct result *r, const char *name, struct blob b)
{
	add(r, name)->bytes = BLOB(arena_memdup(&r->a, b.data, b.len), b.len);
}

const struct field *result_find(const struct result *r, const char *name)
{
	const struct field *f;

	list_foreach(f, &r->fields, link)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}
