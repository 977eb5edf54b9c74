/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep { ... mutant STATEMENT }: runs the block again and again, each time with one field of the
 * mutant's request holding a value that it should not, or with its end cut off. The server may
 * answer anything or close the connection; it must not hang, break the protocol or stop serving.
 * One thread.
 */
#include <stdio.h>

#include "tests/client/run.h"
#include "tests/client/step.h"

/* Values for each place; a place is two or four bytes wide. */
static const uint64_t values[] = { 0,	       1,	   0x7f,       0xffff, 0x8000,
				   0xffffffff, 0x7fffffff, 0x80000000, 0x40,   0x1000 };

struct mutation {
	char text[48]; /* what is added to the mutant's words */
};

/* The i-th mutation of a request of `len` bytes; false: there are no more. Its header is left alone
 * but for a few fields, as wrong ids have tests of their own. */
static bool mutation(unsigned int i, size_t len, struct mutation *ret)
{
	static const char *const header[] = { "hdr.size", "hdr.next", "hdr.charge", "hdr.command",
					      "hdr.tid" };
	unsigned int places = (unsigned int)(len - 64) / 2, nvalues = ARRAY_SIZE(values), off;

	if (i < ARRAY_SIZE(header) * nvalues) {
		snprintf(ret->text, sizeof(ret->text), "@%s=%#llx", header[i / nvalues],
			 (unsigned long long)values[i % nvalues]);
		return true;
	}
	i -= (unsigned int)ARRAY_SIZE(header) * nvalues;
	if (i < places * nvalues) {
		off = 64 + i / nvalues * 2;
		snprintf(ret->text, sizeof(ret->text), "@%u:%d=%#llx", off, off % 4 ? 2 : 4,
			 (unsigned long long)values[i % nvalues]);
		return true;
	}
	i -= places * nvalues;
	if (i < len) {
		snprintf(ret->text, sizeof(ret->text), "cut=%u", i + 1);
		return true;
	}
	return false;
}

/* Runs the mutant. 0 with the length of its request, or -EINVAL. */
static int run_mutant(struct run *r, const struct stmt *s, const char *more, size_t *ret_len)
{
	struct stmt with = *s;
	struct words words;
	struct step *st = NULL;
	int e;

	with.text = arena_printf(&r->words, "%s %s", strchr(s->text, ' ') + 1, more);
	e = run_words(r, &with, &words);
	if (e == 0)
		e = step_parse(r->w, &with, &words, NULL, &st);
	if (e < 0)
		return e;
	st->mutant = *more != 0;
	e = step_send(st);
	if (e == 0) {
		st->expect = *more ? "ANY|CLOSED" : "ANY";
		e = step_end(st);
		*ret_len = st->conn && st->sent_len ? st->sent_len : 64;
	}
	if (e < 0) {
		char *why = arena_strdup(&r->words, r->w->err.text);

		world_fail(r->w, s, "with %s: %s", *more ? more : "nothing changed", why);
	}
	step_free(st);
	return e;
}

static int one_pass(struct run *r, const struct stmt *body, const char *more, size_t *ret_len)
{
	const struct stmt *s;
	int e = 0;

	for (s = body; s && e == 0; s = s->next) {
		struct stmt one = *s;

		one.next = NULL;
		if (strncmp(s->text, "mutant ", 7) == 0)
			e = run_mutant(r, s, more, ret_len);
		else
			e = run_block(r, &one);
	}
	return e;
}

int run_sweep(struct run *r, const struct stmt *s, const struct words *words)
{
	unsigned int step = 1, start = 0, i;
	struct arena outer;
	struct mutation m;
	size_t len = 64, k, ignored;
	int e;

	if (!s->block)
		return world_fail(r->w, s, "sweep [every=N] [from=N] { ... mutant STATEMENT }");
	for (k = 1; k < words->n; k++)
		if (sscanf(words->v[k].text, "every=%u", &step) != 1 &&
		    sscanf(words->v[k].text, "from=%u", &start) != 1)
			return world_fail(r->w, s, "'%s' is no option of sweep", words->v[k].text);
	e = one_pass(r, s->body, "", &len);
	for (i = start; e == 0 && mutation(i, len, &m); i += step ? step : 1) {
		outer = r->words;
		arena_init(&r->words, 0);
		world_clear(r->w);
		e = one_pass(r, s->body, m.text, &ignored);
		world_clear(r->w);
		arena_reset(&r->words);
		r->words = outer;
	}
	if (r->verbose)
		fprintf(stderr, "%s:%d: %u mutations\n", s->file, s->line, i);
	return e;
}
