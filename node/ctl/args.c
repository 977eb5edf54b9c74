/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines to requests. The options of a command are the rows of its table. One thread. */
#include "node/auth/auth.h"
#include "node/ctl/ctl.h"

#define PASSWORD_MAX 1024

/* "without_absent" for the option "--without-absent". */
static void flag_key(const char *flag, char *buf, size_t n)
{
	snprintf(buf, n, "%s", flag + 2);
	for (; *buf; buf++)
		if (*buf == '-')
			*buf = '_';
}

/* "--continuously-available" for the row "continuously_available". */
static void option_name(const struct conf_row *row, char *buf, size_t n)
{
	size_t i;

	snprintf(buf, n, "--%s", row->name);
	for (i = 2; buf[i]; i++)
		if (buf[i] == '_')
			buf[i] = '-';
}

void ctl_usage(const struct ctl_command *c, FILE *f)
{
	_cleanup_arena_ struct arena a = { 0 };
	char name[80];
	size_t i;

	fprintf(f, "usage: holdfast [--run-dir DIRECTORY] [--json] %s %s\n\n%s\n", c->words, c->args ?: "", c->about);
	if (c->password)
		fputs("\n  --password-stdin\n      Read the password from standard input (one line); else it is asked "
		      "for.\n",
		      f);
	for (i = 0; c->type && i < c->type->schema->count; i++) {
		const struct conf_row *row = &c->type->schema->rows[i];

		if (!resource_row_settable(c->type, row))
			continue;
		option_name(row, name, sizeof(name));
		if (row->type == CONF_BOOL)
			fprintf(f, "\n  %s, --no-%s\n", name, name + 2);
		else
			fprintf(f, "\n  %s VALUE   (%s)\n", name, conf_allowed(row, &a) ?: "");
		fprintf(f, "      %s", row->prose);
		if (row->def && *row->def)
			fprintf(f, " Default: %s.", row->def);
		fputs("\n", f);
	}
}

static int say(FILE *err, const struct ctl_command *c, const char *what, const char *which)
{
	fprintf(err, "holdfast: %s%s%s; \"holdfast %s --help\" shows how\n", what, which ? " " : "", which ?: "",
		c->words);
	return -EINVAL;
}

static int set_row(const struct ctl_command *c, json_t *set, const struct conf_row *row, const char *value, FILE *err)
{
	if (json_object_set_new(set, row->name, json_string(value)) < 0)
		return say(err, c, "this value is not UTF-8:", row->name);
	return 0;
}

/* The row that an option names, by "--x", or "--no-x" (then `*ret_no`). */
static const struct conf_row *find_row(const struct ctl_command *c, const char *option, size_t len, bool *ret_no)
{
	char name[80];
	size_t i;

	*ret_no = false;
	for (i = 0; c->type && i < c->type->schema->count; i++) {
		const struct conf_row *row = &c->type->schema->rows[i];

		if (!resource_row_settable(c->type, row))
			continue;
		option_name(row, name, sizeof(name));
		if (strlen(name) == len && strncmp(name, option, len) == 0)
			return row;
		if (row->type == CONF_BOOL && len == strlen(name) + 3 && strncmp(option, "--no-", 5) == 0 &&
		    strncmp(option + 5, name + 2, len - 5) == 0) {
			*ret_no = true;
			return row;
		}
	}
	return NULL;
}

/* Takes one option and, when it has one in a word of its own, its value. Returns how many words, -EINVAL. */
static int take_option(const struct ctl_command *c, int argc, char **argv, json_t *set, FILE *err)
{
	const char *eq = strchr(argv[0], '=');
	size_t len = eq ? (size_t)(eq - argv[0]) : strlen(argv[0]);
	const struct conf_row *row;
	const char *value;
	bool no;

	row = find_row(c, argv[0], len, &no);
	if (!row)
		return say(err, c, "this command has no option", argv[0]);
	if (row->type == CONF_BOOL) {
		if (no && eq)
			return say(err, c, "this option takes no value:", argv[0]);
		return set_row(c, set, row, eq ? eq + 1 : no ? "false" : "true", err) < 0 ? -EINVAL : 1;
	}
	if (!eq && argc < 2)
		return say(err, c, "this option needs a value:", argv[0]);
	value = eq ? eq + 1 : argv[1];
	return set_row(c, set, row, value, err) < 0 ? -EINVAL : eq ? 1 : 2;
}

static int take_pair(const struct ctl_command *c, const char *word, json_t *set, FILE *err)
{
	const char *eq = strchr(word, '=');
	char key[64];

	if (!eq || eq == word || (size_t)(eq - word) >= sizeof(key))
		return say(err, c, "this is not KEY=VALUE:", word);
	memcpy(key, word, (size_t)(eq - word));
	key[eq - word] = '\0';
	if (json_object_set_new(set, key, json_string(eq + 1)) < 0)
		return say(err, c, "this is not UTF-8:", "the value");
	return 0;
}

struct parsed {
	const char *name;
	bool password_stdin, no_more_options, flag;
	json_t *set;
};

static int take_word(const struct ctl_command *c, int argc, char **argv, struct parsed *p, FILE *err)
{
	if (!p->no_more_options && strcmp(argv[0], "--") == 0) {
		p->no_more_options = true;
		return 1;
	}
	if (!p->no_more_options && c->password && strcmp(argv[0], "--password-stdin") == 0) {
		p->password_stdin = true;
		return 1;
	}
	if (!p->no_more_options && c->flag && strcmp(argv[0], c->flag) == 0) {
		p->flag = true;
		return 1;
	}
	if (!p->no_more_options && argv[0][0] == '-' && argv[0][1])
		return take_option(c, argc, argv, p->set, err);
	if (c->pairs)
		return take_pair(c, argv[0], p->set, err) < 0 ? -EINVAL : 1;
	if (!c->name || p->name)
		return say(err, c, "this is one word too many:", argv[0]);
	p->name = argv[0];
	return 1;
}

static int add_password(struct parsed *p, FILE *err)
{
	char password[PASSWORD_MAX], hex[2 * AUTH_NT_HASH_LEN + 1];
	uint8_t hash[AUTH_NT_HASH_LEN];
	int r = ctl_password(p->password_stdin, password, sizeof(password), err), i;

	if (r < 0)
		return r;
	r = nt_hash_from_password(password, hash);
	explicit_bzero(password, sizeof(password));
	if (r < 0) {
		fprintf(err, "holdfast: the password is not UTF-8\n");
		return -EINVAL;
	}
	for (i = 0; i < AUTH_NT_HASH_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	json_object_set_new(p->set, "nt_hash", json_string(hex));
	explicit_bzero(hex, sizeof(hex));
	return 0;
}

/* What must be there at the end. */
static int complete(const struct ctl_command *c, struct parsed *p, FILE *err)
{
	struct conf_error e;
	size_t i;

	if (c->name && !p->name)
		return say(err, c, "the name is missing", NULL);
	if ((c->pairs || strcmp(c->words, "share set") == 0 || strcmp(c->words, "user set") == 0) &&
	    json_object_size(p->set) == 0)
		return say(err, c, "there is nothing to change", NULL);
	if (strcmp(c->words, "share create") != 0 && strcmp(c->words, "user add") != 0)
		return c->password ? add_password(p, err) : 0;
	if (resource_check_name(c->type, p->name, &e) < 0) {
		fprintf(err, "holdfast: %s\n", e.text);
		return -EINVAL;
	}
	for (i = 0; i < c->type->schema->count; i++) {
		const struct conf_row *row = &c->type->schema->rows[i];

		if (row->required && resource_row_settable(c->type, row) && !json_object_get(p->set, row->name)) {
			char name[80];

			option_name(row, name, sizeof(name));
			return say(err, c, "this option is missing:", name);
		}
	}
	return c->password ? add_password(p, err) : 0;
}

int ctl_request(const struct ctl_command *c, int argc, char **argv, FILE *err, json_t **ret)
{
	struct parsed p = { .set = json_object() };
	int i = 0, n, r = 0;
	char key[64];
	json_t *rq;

	while (i < argc && r == 0) {
		n = take_word(c, argc - i, argv + i, &p, err);
		if (n < 0)
			r = n;
		else
			i += n;
	}
	if (r == 0 && c->set_key)
		json_object_set_new(p.set, c->set_key, json_string(c->set_value));
	if (r == 0)
		r = complete(c, &p, err);
	rq = r == 0 ? json_pack("{s:s, s:O}", "command", c->request ?: c->words, "set", p.set) : NULL;
	if (rq && p.name && json_object_set_new(rq, "name", json_string(p.name)) < 0)
		r = say(err, c, "the name is not UTF-8", NULL);
	if (rq && p.flag) {
		flag_key(c->flag, key, sizeof(key));
		json_object_set_new(rq, key, json_true());
	}
	json_decref(p.set);
	if (r == 0)
		*ret = rq;
	else
		json_decref(rq);
	return r;
}
