/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements of scenario files that are no operation of a client, and the running of tests. One
 * thread. */
#include "tests/client/run.h"

#include <libgen.h>
#include <sys/wait.h>

#include "node/base/clock.h"
#include "tests/client/step.h"

enum { SKIP = 1 };

/* --- steps --- */

static int run_step(struct run *r, const struct stmt *s, const struct words *words)
{
	struct step *st = NULL;
	int e = step_parse(r->w, s, words, NULL, &st);

	if (e < 0)
		return e;
	e = step_run(st);
	step_free(st);
	return e;
}

/* client NAME connect ... */
static int do_client(struct run *r, const struct stmt *s, const struct words *words)
{
	struct words rest = { .n = words->n - 1 };
	struct client *c, *old;

	if (words->n < 4 || strcmp(words->v[2].text, "connect") != 0)
		return world_fail(r->w, s, "client NAME connect ADDRESS ...");
	old = world_client(r->w, words->v[1].text);
	if (old)
		client_disconnect(r->w, old, false);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	world_add(r->w, &c->obj, OBJ_CLIENT, words->v[1].text);
	memcpy(rest.v, words->v + 1, rest.n * sizeof(rest.v[0]));
	return run_step(r, s, &rest);
}

/* async NAME CLIENT VERB ... */
static int do_async(struct run *r, const struct stmt *s, const struct words *words)
{
	struct words rest = { .n = words->n - 2 };
	struct step *st = NULL;
	int e;

	if (words->n < 4)
		return world_fail(r->w, s, "async NAME CLIENT VERB ...");
	memcpy(rest.v, words->v + 2, rest.n * sizeof(rest.v[0]));
	e = step_parse(r->w, s, &rest, NULL, &st);
	if (e < 0)
		return e;
	if (st->verb->run)
		e = step_fail(st, "%s cannot be asynchronous", st->verb->name);
	else
		e = step_send(st);
	if (e < 0)
		step_free(st);
	else
		world_add(r->w, &st->obj, OBJ_ASYNC, words->v[1].text);
	return e;
}

static int find_async(struct run *r, const struct stmt *s, const struct words *words,
		      struct step **ret)
{
	struct obj *o = words->n > 1 ? world_find(r->w, OBJ_ASYNC, words->v[1].text) : NULL;

	if (!o)
		return world_fail(r->w, s, "nothing called '%s' is on its way",
				  words->n > 1 ? words->v[1].text : "");
	*ret = container_of(o, struct step, obj);
	return 0;
}

/* wait NAME expect ... */
static int do_wait(struct run *r, const struct stmt *s, const struct words *words)
{
	struct step *st = NULL;
	int e = find_async(r, s, words, &st);

	if (e < 0)
		return e;
	st->s = s;
	e = expect_parse(st, words, 2);
	if (e == 0)
		e = step_end(st);
	world_remove(r->w, &st->obj);
	return e;
}

static int do_pending(struct run *r, const struct stmt *s, const struct words *words)
{
	struct step *st = NULL;
	int e = find_async(r, s, words, &st);

	if (e < 0)
		return e;
	st->s = s;
	return step_wait_pending(st);
}

/* CLIENT compound { VERB ... } */
static int do_compound(struct run *r, const struct stmt *s, struct client *c)
{
	struct step *steps[MSG_MAX_ELEMENTS];
	const struct stmt *b;
	struct words words;
	size_t n = 0, i;
	int e = 0, first = 0;

	for (b = s->body; b && e == 0; b = b->next) {
		if (n == ARRAY_SIZE(steps))
			e = world_fail(r->w, b, "a compound has at most %zu requests",
				       ARRAY_SIZE(steps));
		if (e == 0)
			e = run_words(r, b, &words);
		if (e == 0)
			e = step_parse(r->w, b, &words, c, &steps[n]);
		if (e < 0)
			break;
		if (steps[n++]->verb->run)
			e = world_fail(r->w, b, "this cannot be part of a compound");
	}
	if (e == 0 && n)
		e = step_send_compound(steps, n);
	for (i = 0; i < n; i++) {
		if (e == 0 && first == 0)
			first = step_end(steps[i]);
		step_free(steps[i]);
	}
	return e < 0 ? e : first;
}

/* --- variables, time, other programs --- */

/* let NAME VALUE [+|-|* VALUE] */
static int do_let(struct run *r, const struct stmt *s, const struct words *words)
{
	unsigned long long a, b, v;
	char buf[24];
	int e;

	if (words->n != 3 && words->n != 5)
		return world_fail(r->w, s, "let NAME VALUE, or let NAME VALUE +|-|* VALUE");
	if (words->n == 3) {
		e = world_set_var(r->w, words->v[1].text, words->v[2].text);
		return e;
	}
	a = strtoull(words->v[2].text, NULL, 0);
	b = strtoull(words->v[4].text, NULL, 0);
	switch (words->v[3].text[0]) {
	case '+':
		v = a + b;
		break;
	case '-':
		v = a - b;
		break;
	case '*':
		v = a * b;
		break;
	default:
		return world_fail(r->w, s, "'%s' is none of + - *", words->v[3].text);
	}
	snprintf(buf, sizeof(buf), "%llu", v);
	return world_set_var(r->w, words->v[1].text, buf);
}

/* shell "COMMAND" [expect STATUS] */
static int do_shell(struct run *r, const struct stmt *s, const struct words *words)
{
	int want = words->n == 4 ? atoi(words->v[3].text) : 0, got;

	if (words->n != 2 && words->n != 4)
		return world_fail(r->w, s, "shell \"COMMAND\" [expect EXIT-STATUS]");
	fflush(stdout);
	got = system(words->v[1].text);
	if (got == -1)
		return world_fail(r->w, s, "the shell cannot be started");
	if (WIFSIGNALED(got))
		return world_fail(r->w, s, "the command died of signal %d", WTERMSIG(got));
	if (WEXITSTATUS(got) != want)
		return world_fail(r->w, s, "the command's exit status is %d, expected %d",
				  WEXITSTATUS(got), want);
	return 0;
}

static int do_delay(struct run *r, const struct stmt *s, const struct words *words)
{
	if (words->n != 2)
		return world_fail(r->w, s, "delay MILLISECONDS");
	usleep((useconds_t)(strtoul(words->v[1].text, NULL, 0) * 1000));
	return 0;
}

static int do_timer(struct run *r, const struct stmt *s, const struct words *words)
{
	struct timer_obj *t;

	if (words->n != 2)
		return world_fail(r->w, s, "timer NAME");
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->start_ns = conn_now();
	world_add(r->w, &t->obj, OBJ_TIMER, words->v[1].text);
	return 0;
}

/* elapsed NAME [min=MS] [max=MS] [print=TEXT] [let=VARIABLE] */
static int do_elapsed(struct run *r, const struct stmt *s, const struct words *words)
{
	struct obj *o = words->n > 1 ? world_find(r->w, OBJ_TIMER, words->v[1].text) : NULL;
	unsigned long long ms;
	char buf[24];
	size_t i;

	if (!o)
		return world_fail(r->w, s, "there is no such timer");
	ms = (conn_now() - container_of(o, struct timer_obj, obj)->start_ns) / NSEC_PER_MSEC;
	for (i = 2; i < words->n; i++) {
		const char *t = words->v[i].text;

		if (strncmp(t, "max=", 4) == 0 && ms > strtoull(t + 4, NULL, 0))
			return world_fail(r->w, s, "it took %llu ms, at most %s are allowed", ms,
					  t + 4);
		if (strncmp(t, "min=", 4) == 0 && ms < strtoull(t + 4, NULL, 0))
			return world_fail(r->w, s, "it took %llu ms, at least %s are expected", ms,
					  t + 4);
		if (strncmp(t, "print=", 6) == 0)
			printf("%s%s %llu ms\n", r->tap ? "# " : "", t + 6, ms);
		if (strncmp(t, "let=", 4) == 0) {
			snprintf(buf, sizeof(buf), "%llu", ms);
			if (world_set_var(r->w, t + 4, buf) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static int do_print(struct run *r, const struct stmt *s, const struct words *words)
{
	size_t i;

	printf("%s", r->tap ? "# " : "");
	for (i = 1; i < words->n; i++)
		printf("%s%s", i > 1 ? " " : "", words->v[i].text);
	putchar('\n');
	return 0;
}

static int do_history(struct run *r, const struct stmt *s, const struct words *words)
{
	int e;

	if (words->n != 2)
		return world_fail(r->w, s, "history FILE");
	e = history_open(r->w, words->v[1].text);
	return e < 0 ? world_fail(r->w, s, "%s: %s", words->v[1].text, strerror(-e)) : 0;
}

/* --- control --- */

/* require VARIABLE ...: each must have a value */
static int do_require(struct run *r, const struct stmt *s, const struct words *words)
{
	const char *v;
	size_t i;

	for (i = 1; i < words->n; i++) {
		v = world_var(r->w, words->v[i].text);
		if (!v || !*v) {
			snprintf(r->why_skipped, sizeof(r->why_skipped), "needs %s",
				 words->v[i].text);
			return SKIP;
		}
	}
	return 0;
}

/* repeat VARIABLE COUNT { ... }: 0, 1, ... */
static int do_repeat(struct run *r, const struct stmt *s, const struct words *words)
{
	unsigned long i, n = words->n == 3 ? strtoul(words->v[2].text, NULL, 0) : 0;
	char buf[24];
	int e = 0;

	if (words->n != 3 || !s->block)
		return world_fail(r->w, s, "repeat VARIABLE COUNT { ... }");
	for (i = 0; i < n && e == 0; i++) {
		snprintf(buf, sizeof(buf), "%lu", i);
		e = world_set_var(r->w, words->v[1].text, buf);
		if (e == 0)
			e = run_block(r, s->body);
	}
	return e;
}

/* for VARIABLE in WORD ... { ... } */
static int do_for(struct run *r, const struct stmt *s, const struct words *words)
{
	size_t i;
	int e = 0;

	if (words->n < 3 || strcmp(words->v[2].text, "in") != 0 || !s->block)
		return world_fail(r->w, s, "for VARIABLE in WORD ... { ... }");
	for (i = 3; i < words->n && e == 0; i++) {
		e = world_set_var(r->w, words->v[1].text, words->v[i].text);
		if (e == 0)
			e = run_block(r, s->body);
	}
	return e;
}

/* if A = B { ... }, if A != B { ... } */
static int do_if(struct run *r, const struct stmt *s, const struct words *words)
{
	bool equal;

	if (words->n != 4 || !s->block ||
	    (strcmp(words->v[2].text, "=") != 0 && strcmp(words->v[2].text, "!=") != 0))
		return world_fail(r->w, s, "if A = B { ... }, or if A != B { ... }");
	equal = strcmp(words->v[1].text, words->v[3].text) == 0;
	return equal == (words->v[2].text[0] == '=') ? run_block(r, s->body) : 0;
}

/* eventually MILLISECONDS { ... }: again until it succeeds */
static int do_eventually(struct run *r, const struct stmt *s, const struct words *words)
{
	uint64_t end;
	int e;

	if (words->n != 2 || !s->block)
		return world_fail(r->w, s, "eventually MILLISECONDS { ... }");
	end = conn_now() + strtoul(words->v[1].text, NULL, 0) * NSEC_PER_MSEC;
	while ((e = run_block(r, s->body)) < 0 && conn_now() < end)
		usleep(20000);
	return e;
}

static int do_include(struct run *r, const struct stmt *s, const struct words *words)
{
	char *dir = arena_strdup(&r->words, s->file), *path;
	struct stmt *first;
	int e;

	if (words->n != 2)
		return world_fail(r->w, s, "include FILE");
	path = words->v[1].text[0] == '/' ?
		       arena_strdup(&r->script, words->v[1].text) :
		       arena_printf(&r->script, "%s/%s", dirname(dir), words->v[1].text);
	e = script_load(&r->script, path, &first, &r->w->err);
	return e < 0 ? -EINVAL : run_block(r, first);
}

static void report(struct run *r, const char *name, int e)
{
	unsigned int n = r->passed + r->failed + r->skipped + 1;

	if (e < 0) {
		r->failed++;
		printf(r->tap ? "not ok %u - %s\n# %s\n" : "FAILED %u %s\n    %s\n", n, name,
		       r->w->err.text);
	} else if (e == SKIP) {
		r->skipped++;
		printf(r->tap ? "ok %u - %s # SKIP %s\n" : "skip   %u %s: %s\n", n, name,
		       r->why_skipped);
	} else {
		r->passed++;
		printf(r->tap ? "ok %u - %s\n" : "ok     %u %s\n", n, name);
	}
	fflush(stdout);
}

/* test "NAME" { ... }: begins and ends without connections; its failure is its own */
static int do_test(struct run *r, const struct stmt *s, const struct words *words)
{
	struct arena outer = r->words;
	char name[128];
	int e;

	if (words->n != 2 || !s->block)
		return world_fail(r->w, s, "test \"NAME\" { ... }");
	if (r->depth)
		return world_fail(r->w, s, "a test cannot be inside of another one");
	snprintf(name, sizeof(name), "%s", words->v[1].text);
	if (r->only && !strstr(name, r->only))
		return 0;
	arena_init(&r->words, 0);
	world_clear(r->w);
	r->depth++;
	e = run_block(r, s->body);
	r->depth--;
	report(r, name, e);
	world_clear(r->w);
	arena_reset(&r->words);
	r->words = outer;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct run *r, const struct stmt *s, const struct words *words);
} statements[] = {
	{ "test", do_test },
	{ "client", do_client },
	{ "async", do_async },
	{ "wait", do_wait },
	{ "pending", do_pending },
	{ "let", do_let },
	{ "shell", do_shell },
	{ "delay", do_delay },
	{ "timer", do_timer },
	{ "elapsed", do_elapsed },
	{ "print", do_print },
	{ "history", do_history },
	{ "require", do_require },
	{ "repeat", do_repeat },
	{ "for", do_for },
	{ "if", do_if },
	{ "include", do_include },
	{ "sweep", run_sweep },
	{ "eventually", do_eventually },
};

int run_words(struct run *r, const struct stmt *s, struct words *ret)
{
	return script_words(&r->words, s, world_var, r->w, ret, &r->w->err);
}

static int run_statement(struct run *r, const struct stmt *s)
{
	struct words words;
	struct client *c;
	size_t i;
	int e = run_words(r, s, &words);

	if (e < 0)
		return e;
	if (r->verbose)
		fprintf(stderr, "%s:%d: %s\n", s->file, s->line, s->text);
	if (words.n == 0)
		return run_block(r, s->body);
	for (i = 0; i < ARRAY_SIZE(statements); i++)
		if (strcmp(words.v[0].text, statements[i].name) == 0)
			return statements[i].run(r, s, &words);
	c = world_client(r->w, words.v[0].text);
	if (c && words.n == 2 && strcmp(words.v[1].text, "compound") == 0 && s->block)
		return do_compound(r, s, c);
	if (s->block)
		return world_fail(r->w, s, "'%s' has no block", words.v[0].text);
	return run_step(r, s, &words);
}

int run_block(struct run *r, const struct stmt *s)
{
	int e = 0;

	for (; s && e == 0; s = s->next)
		e = run_statement(r, s);
	return e;
}

/* --- files --- */

int run_init(struct run *r)
{
	*r = (struct run){ .w = world_new() };
	arena_init(&r->script, 0);
	arena_init(&r->words, 0);
	return r->w ? 0 : -ENOMEM;
}

void run_done(struct run *r)
{
	world_free(r->w);
	arena_reset(&r->words);
	arena_reset(&r->script);
}

static int finish(struct run *r, const char *name, int e)
{
	unsigned int before = r->failed;

	if (e < 0)
		report(r, name, e);
	if (e == SKIP && !r->tap)
		printf("skip   %s: %s\n", name, r->why_skipped);
	world_clear(r->w);
	return r->failed > before;
}

int run_file(struct run *r, const char *path)
{
	unsigned int before = r->failed;
	struct stmt *first;
	int e = script_load(&r->script, path, &first, &r->w->err);

	if (e == 0)
		e = run_block(r, first);
	return finish(r, path, e) || r->failed > before;
}

int run_text(struct run *r, const char *name, const char *text)
{
	unsigned int before = r->failed;
	struct stmt *first;
	int e = script_parse(&r->script, name, text, &first, &r->w->err);

	if (e == 0)
		e = run_block(r, first);
	return finish(r, name, e) || r->failed > before;
}

void run_summary(const struct run *r)
{
	unsigned int n = r->passed + r->failed + r->skipped;

	if (r->tap)
		printf("1..%u\n", n);
	else if (n)
		printf("%u passed, %u failed, %u skipped\n", r->passed, r->failed, r->skipped);
}
