/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share. */
#ifndef HF_NODE_CONF_CONF_PRIV_H
#define HF_NODE_CONF_CONF_PRIV_H

#include "node/conf/conf.h"

struct conf_unit {
	const char *name;
	uint64_t factor;
};

/* Decimal, with sign. -EINVAL, -ERANGE. */
int conf_parse_int(const char *s, int *ret);
int conf_parse_bool(const char *s, bool *ret);
/* In the largest unit that divides it, in the arena; NULL: no memory. */
char *conf_format_size(uint64_t v, struct arena *a);
char *conf_format_duration(uint64_t ms, struct arena *a);

/* Fills in one sentence: "where: key: ...". Control characters become '?'. Returns -EINVAL. */
int conf_fail(struct conf_error *err, const char *where, const char *key, const char *fmt, ...)
	HF_PRINTF(4, 5);
/* "unknown key" with the keys there are. Returns -EINVAL. */
int conf_fail_unknown(const struct conf_schema *s, struct conf_error *err, const char *where,
		      const char *key);
/* Sets one field from one text that is not split, or a list from its items. Errors as conf_set. */
int conf_assign(const struct conf_row *row, void *obj, const char *where, const char *value,
		struct conf_error *err);
int conf_assign_list(const struct conf_row *row, void *obj, const char *where, char *const *items,
		     size_t count, struct conf_error *err);

static inline void *conf_field(const struct conf_row *row, void *obj)
{
	return (char *)obj + row->offset;
}
static inline const void *conf_field_of(const struct conf_row *row, const void *obj)
{
	return (const char *)obj + row->offset;
}

#endif
