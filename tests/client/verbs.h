/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of verbs share. Each table ends with a verb without a name. */
#ifndef HF_TESTS_CLIENT_VERBS_H
#define HF_TESTS_CLIENT_VERBS_H

#include "tests/client/step.h"

extern const struct verb verbs_connect[], verbs_session[], verbs_create[], verbs_io[], verbs_info[],
	verbs_set[], verbs_break[];

/* A word of a table; its value, or -EINVAL with the sentence "there is no WHAT 'WORD'". */
struct named {
	const char *name;
	uint32_t value;
};
int named_find(struct step *st, const char *what, const struct named *table, const char *word,
	       uint32_t *ret);
/* Several, separated by '|' or ',': or-ed together. Numbers are allowed. "-": 0. */
int named_flags(struct step *st, const char *what, const struct named *table, const char *words,
		uint32_t *ret);

static inline bool step_answered(const struct step *st)
{
	return !st->res.fault;
}
static inline bool step_ok(const struct step *st)
{
	return step_answered(st) && !ntstatus_is_error(st->res.status);
}

#endif
