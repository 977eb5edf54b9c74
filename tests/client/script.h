/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The form of a scenario file: one statement per line, blocks in braces, words, quotes, variables.
 *What the words mean is elsewhere. Pure; any thread.
 *
 *	# a comment
 *	word "quoted \"text\" \x41\n" key="value with blanks" $NAME ${NAME} \
 *		continued
 *	word {
 *		...
 *	}
 */
#ifndef HF_TESTS_CLIENT_SCRIPT_H
#define HF_TESTS_CLIENT_SCRIPT_H

#include "node/base/arena.h"

struct stmt {
	const char *file;
	int line;
	const char *text; /* without the brace that opens its block */
	bool block;
	struct stmt *body; /* its block's first statement; NULL: an empty block, or none */
	struct stmt *next;
};

struct word {
	const char *text;
	bool quoted; /* began with a quote: never a keyword */
};

#define SCRIPT_MAX_WORDS 128

struct words {
	struct word v[SCRIPT_MAX_WORDS];
	size_t n;
};

/* A mistake in a script, as one sentence. */
struct script_error {
	char text[256];
};

/* The value of a variable; NULL when there is none. */
typedef const char *script_var_fn(void *arg, const char *name);

/* Reads statements from text into the arena; `file` names it in messages. -EINVAL with `err` set
 * ("file:line: ..."). */
int script_parse(struct arena *a, const char *file, const char *text, struct stmt **ret,
		 struct script_error *err);
/* The same from a file. Also -errno of open(2). */
int script_load(struct arena *a, const char *path, struct stmt **ret, struct script_error *err);
/* Splits a statement into words and puts variables in. -EINVAL: a quote without end, an unknown
 * variable, too many words. */
int script_words(struct arena *a, const struct stmt *s, script_var_fn *var, void *arg,
		 struct words *ret, struct script_error *err);

#endif
