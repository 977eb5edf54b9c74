/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `expect STATUS|STATUS field=value ...` and `save VARIABLE=field ...`. One thread. */
#include <ctype.h>
#include <fnmatch.h>
#include <inttypes.h>

#include "tests/client/step.h"

static int parse_condition(struct step *st, const char *text)
{
	size_t n = strcspn(text, "=!<>~");
	struct cond *c;

	if (st->nconds == STEP_MAX_CONDS || n == 0 || n >= sizeof(c->name))
		return step_fail(st, "'%s' is no condition", text);
	c = &st->cond[st->nconds++];
	memcpy(c->name, text, n);
	text += n;
	n = text[1] == '=' || text[1] == '~' ? 2 : 1;
	memcpy(c->op, text, n);
	c->value = text + n;
	if (strcmp(c->op, "!") == 0)
		return step_fail(st, "'%s' is no condition", text);
	return 0;
}

static int parse_save(struct step *st, const char *text)
{
	const char *eq = strchr(text, '=');

	if (!eq || eq == text || st->nsaves == ARRAY_SIZE(st->save))
		return step_fail(st, "save needs VARIABLE=field");
	st->save[st->nsaves].var = arena_printf(&st->a, "%.*s", (int)(eq - text), text);
	st->save[st->nsaves++].field = eq + 1;
	return 0;
}

int expect_parse(struct step *st, const struct words *words, size_t i)
{
	bool saving = false;
	int r = 0;

	for (; i < words->n && r == 0; i++) {
		const char *t = words->v[i].text;

		if (strcmp(t, "expect") == 0)
			saving = false;
		else if (strcmp(t, "save") == 0)
			saving = true;
		else if (saving)
			r = parse_save(st, t);
		else if (strpbrk(t, "=<>~"))
			r = parse_condition(st, t);
		else if (st->expect)
			r = step_fail(st, "two statuses are expected; use A|B");
		else
			st->expect = t;
	}
	return r;
}

static bool status_matches(const struct step *st, const char *name)
{
	struct ntstatus s;

	if (st->res.fault)
		return strcmp(name, st->res.fault) == 0;
	if (strcmp(name, "ANY") == 0)
		return true;
	if (strcmp(name, "ERROR") == 0)
		return ntstatus_is_error(st->res.status);
	if (strncmp(name, "0x", 2) == 0)
		return strtoul(name, NULL, 16) == st->res.status.v;
	return ntstatus_parse(name, &s) == 0 && ntstatus_eq(s, st->res.status);
}

static bool known(const char *name)
{
	static const char *const words[] = { "CLOSED",	 "TIMEOUT", "REFUSED",
					     "PROTOCOL", "ANY",	    "ERROR" };
	struct ntstatus s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return strncmp(name, "0x", 2) == 0 || ntstatus_parse(name, &s) == 0;
}

/* 1 when one of the statuses is what came, 0 when not. */
static int check_status(struct step *st)
{
	char *list = arena_strdup(&st->a, st->expect ? st->expect : "OK"), *save, *name;

	for (name = strtok_r(list, "|", &save); name; name = strtok_r(NULL, "|", &save)) {
		if (!known(name))
			return step_fail(st, "there is no status '%s'", name);
		if (status_matches(st, name))
			return 1;
	}
	return 0;
}

static bool to_number(const char *s, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(s, &end, 0);
	if (*end == 'k' || *end == 'm' || *end == 'g') {
		*ret <<= *end == 'k' ? 10 : *end == 'm' ? 20 : 30;
		end++;
	}
	return end != s && *end == 0 && errno == 0 && (isdigit((unsigned char)*s) || *s == '-');
}

static bool compare(const char *have, const char *op, const char *want)
{
	uint64_t a, b;
	bool numbers = to_number(have, &a) && to_number(want, &b);
	int d = numbers ? (a > b) - (a < b) : strcmp(have, want);

	if (op[0] == '~')
		return fnmatch(want, have, 0) == 0;
	if (strcmp(op, "!~") == 0)
		return fnmatch(want, have, 0) != 0;
	if (op[0] == '=')
		return d == 0;
	if (op[0] == '!')
		return d != 0;
	if (op[0] == '<')
		return d < 0 || (op[1] && d == 0);
	return d > 0 || (op[1] && d == 0);
}

static const char *printable(struct arena *a, struct blob b)
{
	char *text = arena_alloc(a, 16 * 3 + 64), *p = text;
	size_t i;

	p += sprintf(p, "%zu bytes:", b.len);
	for (i = 0; i < b.len && i < 16; i++)
		p += sprintf(p, " %02x", b.data[i]);
	if (b.len > 16)
		strcpy(p, " ...");
	return text;
}

static int check_bytes(struct step *st, const struct cond *c, struct blob have)
{
	struct blob want;
	size_t i;

	if (data_parse(&st->a, c->value, &want) < 0)
		return step_fail(st, "'%s' is no data", c->value);
	if (blob_equal(have, want) == (c->op[0] == '='))
		return 0;
	for (i = 0; i < have.len && i < want.len && have.data[i] == want.data[i]; i++)
		;
	return step_fail(st, "%s: expected %s%s, got %s (they differ at %zu)", c->name,
			 c->op[0] == '!' ? "not " : "", printable(&st->a, want),
			 printable(&st->a, have), i);
}

static int check_condition(struct step *st, const struct cond *c)
{
	const struct field *f = result_find(&st->res, c->name);

	if (!f)
		return step_fail(st, "%s gave no field '%s'", st->verb->name, c->name);
	if (!f->text)
		return check_bytes(st, c, f->bytes);
	if (!compare(f->text, c->op, c->value))
		return step_fail(st, "%s is %s, expected %s%s", c->name, f->text, c->op, c->value);
	return 0;
}

static int save_fields(struct step *st)
{
	const struct field *f;
	size_t i;
	int r = 0;

	for (i = 0; i < st->nsaves && r == 0; i++) {
		f = result_find(&st->res, st->save[i].field);
		if (!f || !f->text)
			return step_fail(st, "%s gave no field '%s'", st->verb->name,
					 st->save[i].field);
		r = world_set_var(st->w, st->save[i].var, f->text);
	}
	return r;
}

int expect_judge(struct step *st)
{
	char buf[11];
	size_t i;
	int r = check_status(st);

	if (r < 0)
		return r;
	if (r == 0 && st->res.fault)
		return step_fail(st, "%s: %s (%s), expected %s", st->verb->name, st->res.fault,
				 st->res.why, st->expect ? st->expect : "OK");
	if (r == 0)
		return step_fail(st, "%s: %s, expected %s", st->verb->name,
				 ntstatus_str(st->res.status, buf), st->expect ? st->expect : "OK");
	for (i = 0; i < st->nconds; i++) {
		r = check_condition(st, &st->cond[i]);
		if (r < 0)
			return r;
	}
	return save_fields(st);
}
