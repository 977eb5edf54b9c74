/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options by which a request differs from what is right: @field=value, mid=, cut=, unsigned, ...
 * Pure. */
#include <stdio.h>

#include "tests/client/step.h"

static const struct {
	const char *name;
	uint32_t off;
	uint8_t width;
} fields[] = {
#define FIELD(name, off, width) { name, off, width },
#include "tests/client/fields.def"
#undef FIELD
};

int lies_field(const char *name, uint32_t *ret_off, uint8_t *ret_width)
{
	unsigned int off, width, i;
	char end;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].name, name) == 0) {
			*ret_off = fields[i].off;
			*ret_width = fields[i].width;
			return 0;
		}
	if (sscanf(name, "%u:%u%c", &off, &width, &end) != 2)
		return -ENOENT;
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return -ENOENT;
	*ret_off = off;
	*ret_width = (uint8_t)width;
	return 0;
}

static int field_lie(struct step *st, const char *name, const char *value)
{
	struct msg_lies *l = &st->lies;
	struct msg_lie *lie;

	if (l->n == MSG_MAX_LIES)
		return step_fail(st, "one request can carry %d lies", MSG_MAX_LIES);
	lie = &l->v[l->n++];
	if (lies_field(name, &lie->off, &lie->width) < 0)
		return step_fail(st, "there is no field '%s'", name);
	return value ? step_number(st, value, &lie->value) :
		       step_fail(st, "@%s needs a value", name);
}

static bool flag_lie(struct msg_lies *l, const char *key)
{
	struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "unsigned", &l->no_sign }, { "badsign", &l->bad_sign }, { "plain", &l->plain },
		{ "sealed", &l->seal },	     { "badseal", &l->bad_seal }, { "quiet", &l->quiet },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(key, flags[i].name) == 0)
			return *flags[i].flag = true;
	return false;
}

int lies_option(struct step *st, const char *key, const char *value, bool *ret_taken)
{
	struct msg_lies *l = &st->lies;
	uint64_t v;
	int r;

	*ret_taken = true;
	if (key[0] == '@')
		return field_lie(st, key + 1, value);
	if (!value) {
		*ret_taken = flag_lie(l, key);
		return 0;
	}
	if (strcmp(key, "append") == 0)
		return data_parse(&st->a, value, &l->append) < 0 ?
			       step_fail(st, "'%s' is no data", value) :
			       0;
	if (strcmp(key, "mid") != 0 && strcmp(key, "frame") != 0 && strcmp(key, "cut") != 0) {
		*ret_taken = false;
		return 0;
	}
	r = step_number(st, value, &v);
	if (r < 0)
		return r;
	if (key[0] == 'm') {
		l->has_mid = true;
		l->mid = v;
	} else if (key[0] == 'f') {
		l->has_frame = true;
		l->frame = (uint32_t)v;
	} else {
		l->cut = v;
	}
	return 0;
}
