/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of verbs, and names of constants. Pure. */
#include "tests/client/verbs.h"

const struct verb *verb_find(const char *name)
{
	static const struct verb *const tables[] = { verbs_connect, verbs_session, verbs_create,
						     verbs_io,	    verbs_info,	   verbs_set,  verbs_break };
	const struct verb *v;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (v = tables[i]; v->name; v++)
			if (strcmp(v->name, name) == 0)
				return v;
	return NULL;
}

int named_find(struct step *st, const char *what, const struct named *table, const char *word,
	       uint32_t *ret)
{
	uint64_t v;

	for (; table->name; table++)
		if (strcmp(table->name, word) == 0) {
			*ret = table->value;
			return 0;
		}
	if (word[0] >= '0' && word[0] <= '9' && step_number(st, word, &v) == 0) {
		*ret = (uint32_t)v;
		return 0;
	}
	return step_fail(st, "there is no %s '%s'", what, word);
}

int named_flags(struct step *st, const char *what, const struct named *table, const char *words,
		uint32_t *ret)
{
	char *list = arena_strdup(&st->a, words), *save, *word;
	uint32_t v;
	int r;

	*ret = 0;
	if (strcmp(words, "-") == 0)
		return 0;
	for (word = strtok_r(list, "|,", &save); word; word = strtok_r(NULL, "|,", &save)) {
		r = named_find(st, what, table, word, &v);
		if (r < 0)
			return r;
		*ret |= v;
	}
	return 0;
}
