/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of levels. Pure; any thread. */
#include "node/base/level.h"

#include <stdio.h>

static const struct level_row rows[] = {
#define LEVEL(number, rpc_version, record_version, cpg_version, text) \
	{ .level = number, .rpc = rpc_version, .record = record_version, .cpg = cpg_version, .brings = text },
#include "node/base/level.def"
#undef LEVEL
};

struct level_range level_own(void)
{
	return (struct level_range){ rows[0].level, rows[ARRAY_SIZE(rows) - 1].level };
}

const struct level_row *level_row(uint32_t level)
{
	if (!level)
		return &rows[0];
	assert(level_fits(level_own(), level));
	return &rows[level - rows[0].level];
}

bool level_fits(struct level_range r, uint32_t level)
{
	return !level || (r.min <= level && level <= r.max);
}

struct level_range level_meet(struct level_range a, struct level_range b)
{
	return (struct level_range){ MAX(a.min, b.min), MIN(a.max, b.max) };
}

char *level_text(struct level_range r, char buf[static LEVEL_TEXT_SIZE])
{
	if (r.min > r.max)
		snprintf(buf, LEVEL_TEXT_SIZE, "none");
	else if (r.min == r.max)
		snprintf(buf, LEVEL_TEXT_SIZE, "%u", r.min);
	else
		snprintf(buf, LEVEL_TEXT_SIZE, "%u-%u", r.min, r.max);
	return buf;
}
