/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running scenario files. One thread. */
#ifndef HF_TESTS_CLIENT_RUN_H
#define HF_TESTS_CLIENT_RUN_H

#include "tests/client/world.h"

struct run {
	struct world *w;
	struct arena script; /* statements */
	struct arena words; /* of the present test */
	bool tap, verbose;
	const char *only; /* run only tests whose name contains it; NULL: all */
	unsigned int passed, failed, skipped, depth;
	char why_skipped[128];
};

int run_init(struct run *r);
void run_done(struct run *r);
/* Runs a file. 0: all that ran was right; 1: some test failed (said on standard output). */
int run_file(struct run *r, const char *path);
/* The same with statements from `text`. */
int run_text(struct run *r, const char *name, const char *text);
/* What follows the last test: TAP's plan, or the counts. */
void run_summary(const struct run *r);

/* Runs a block's statements. 0; 1: skipped; -EINVAL with the sentence in w->err. For sweep.c. */
int run_block(struct run *r, const struct stmt *s);
/* Splits a statement into words that live as long as the test. */
int run_words(struct run *r, const struct stmt *s, struct words *ret);

/* sweep.c: `sweep [options] { ... mutant STATEMENT }` */
int run_sweep(struct run *r, const struct stmt *s, const struct words *words);

#endif
