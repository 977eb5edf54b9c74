/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of "holdfast" and its main function. One thread. */
#include <limits.h>
#include <locale.h>

#include "node/ctl/ctl.h"

#define DEFAULT_RUN_DIR "/run/holdfast"

const struct ctl_command ctl_commands[] = {
	{ .words = "cluster status", .about = "how this node sees the cluster", .shape = CTL_STATUS },
	{ .words = "node list", .about = "every node of the cluster", .shape = CTL_TABLE },
	{ .words = "node drain", .args = "NAME", .about = "let a node own no slots: before it is stopped for long",
	  .name = true, .shape = CTL_QUIET },
	{ .words = "node resume", .args = "NAME", .about = "let it own slots again", .name = true, .shape = CTL_QUIET },
	{ .words = "level show", .about = "which release each node has, and whether the cluster's level may be raised",
	  .shape = CTL_STATUS },
	{ .words = "level raise", .args = "[--without-absent]", .about = "after an upgrade of all nodes: there is no way back",
	  .flag = "--without-absent", .shape = CTL_STATUS },
	{ .words = "share create", .args = "NAME --path DIRECTORY [OPTION...]", .about = "make a share",
	  .type = &resource_share, .name = true, .shape = CTL_QUIET },
	{ .words = "share list", .about = "every share", .shape = CTL_TABLE },
	{ .words = "share show", .args = "NAME", .about = "one share", .name = true, .shape = CTL_RECORD },
	{ .words = "share set", .args = "NAME OPTION...", .about = "change a share", .type = &resource_share,
	  .name = true, .shape = CTL_QUIET },
	{ .words = "share delete", .args = "NAME", .about = "stop serving a directory; its files stay", .name = true,
	  .shape = CTL_QUIET },
	{ .words = "user add", .args = "NAME [--password-stdin] [OPTION...]", .about = "add a user",
	  .type = &resource_user, .name = true, .password = true, .shape = CTL_QUIET },
	{ .words = "user list", .about = "every user", .shape = CTL_TABLE },
	{ .words = "user show", .args = "NAME", .about = "one user", .name = true, .shape = CTL_RECORD },
	{ .words = "user set", .args = "NAME OPTION...", .about = "change a user", .type = &resource_user,
	  .name = true, .shape = CTL_QUIET },
	{ .words = "user passwd", .request = "user set", .args = "NAME [--password-stdin]",
	  .about = "change a password", .name = true, .password = true, .shape = CTL_QUIET },
	{ .words = "user disable", .request = "user set", .args = "NAME", .about = "refuse a user's logons",
	  .name = true, .set_key = "disabled", .set_value = "true", .shape = CTL_QUIET },
	{ .words = "user enable", .request = "user set", .args = "NAME", .about = "admit a user again", .name = true,
	  .set_key = "disabled", .set_value = "false", .shape = CTL_QUIET },
	{ .words = "user delete", .args = "NAME", .about = "remove a user", .name = true, .shape = CTL_QUIET },
	{ .words = "session list", .about = "sessions on every node", .shape = CTL_TABLE },
	{ .words = "open list", .about = "open files on every node", .shape = CTL_TABLE },
	{ .words = "lock list", .about = "byte-range locks on every node", .shape = CTL_TABLE },
	{ .words = "lease list", .about = "leases and oplocks on every node", .shape = CTL_TABLE },
	{ .words = "lease stats", .about = "how many were granted and broken, and how", .shape = CTL_COUNTS },
	{ .words = "state check", .about = "look for what is wrong with the records in the state store",
	  .shape = CTL_REPORT },
	{ .words = "state repair", .about = "move aside records that nobody can read",
	  .shape = CTL_REPORT },
	{ .words = "state dump", .about = "every record in the state store", .shape = CTL_PAGES },
	{ .words = "state aside", .about = "the records that were moved aside", .shape = CTL_PAGES },
	{ .words = "state restore", .args = "KEY", .about = "put back a record that was moved aside", .name = true,
	  .shape = CTL_QUIET },
	{ .words = "config list", .request = "config show", .about = "every setting of the cluster",
	  .shape = CTL_TABLE },
	{ .words = "config get", .request = "config show", .args = "KEY", .about = "one setting", .name = true,
	  .shape = CTL_VALUE },
	{ .words = "config set", .args = "KEY=VALUE...", .about = "change settings", .pairs = true,
	  .shape = CTL_QUIET },
	{ .words = NULL },
};

static void print_help(FILE *f)
{
	const struct ctl_command *c;

	fputs("usage: holdfast [--run-dir DIRECTORY] [--json] COMMAND\n\n", f);
	for (c = ctl_commands; c->words; c++)
		fprintf(f, "  %-14s %-38s %s\n", c->words, c->args ?: "", c->about);
	fputs("\n\"holdfast COMMAND --help\" shows the options of a command.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 clusterd not reachable, 4 not found, 5 conflict,\n"
	      "6 something is wrong with the records.\n",
	      f);
}

/* The command that the first two words name. */
static const struct ctl_command *find_command(int argc, char **argv)
{
	const struct ctl_command *c;
	char words[64];

	if (argc < 2)
		return NULL;
	snprintf(words, sizeof(words), "%s %s", argv[0], argv[1]);
	for (c = ctl_commands; c->words; c++)
		if (strcmp(c->words, words) == 0)
			return c;
	return NULL;
}

static int unknown_command(int argc, char **argv, FILE *err)
{
	const struct ctl_command *c;
	bool known = false;

	for (c = ctl_commands; argc && c->words; c++)
		if (strncmp(c->words, argv[0], strlen(argv[0])) == 0 && c->words[strlen(argv[0])] == ' ') {
			if (!known)
				fprintf(err, "holdfast: \"%s\" takes one of:", argv[0]);
			fprintf(err, " %s", c->words + strlen(argv[0]) + 1);
			known = true;
		}
	if (known)
		fputs("\n", err);
	else if (argc)
		fprintf(err, "holdfast: there is no command \"%s\"; \"holdfast --help\" shows all\n", argv[0]);
	else
		print_help(err);
	return CTL_USAGE;
}

static int not_reachable(const char *run_dir, int r, FILE *err)
{
	if (r == -EACCES || r == -EPERM)
		fprintf(err, "holdfast: access to clusterd of this node is denied; run this command as root\n");
	else if (r == -ECONNRESET || r == -EPIPE)
		fprintf(err, "holdfast: clusterd went away before it answered; whether the command was carried out "
			     "is not known, look and run it again\n");
	else
		fprintf(err, "holdfast: clusterd of this node is not reachable at %s/clusterd.sock (%s); start "
			     "holdfast-noded, or name its run directory with --run-dir\n",
			run_dir, strerror(-r));
	return CTL_NOT_REACHABLE;
}

/* Asks and prints; `a` has a cursor afterwards when there is more. */
static int ask_and_print(const struct ctl_command *c, const json_t *request, struct ctl_answer *a, bool json, FILE *out)
{
	int r = ctl_ask(a->run_dir, request, ctl_collect, a);

	if (r < 0)
		return not_reachable(a->run_dir, r, a->err);
	if (a->status == CTL_OK || a->status == CTL_FINDINGS)
		ctl_print(a, c->shape, json, out);
	else
		fprintf(a->err, "holdfast: %s\n", a->error ?: "the command failed; look into the log of clusterd");
	return a->status;
}

static int run_command(const struct ctl_command *c, int argc, char **argv, const char *run_dir, bool json, FILE *out,
		       FILE *err)
{
	struct ctl_answer a = { .status = CTL_FAILED, .err = err, .run_dir = run_dir };
	json_t *request = NULL;
	int r = ctl_request(c, argc, argv, err, &request);
	bool more = true;

	if (r < 0)
		return CTL_USAGE;
	while (more) {
		r = ask_and_print(c, request, &a, json, out);
		more = r == CTL_OK && a.next;
		a.paged = a.paged || json_array_size(a.rows) > 0;
		if (more)
			json_object_set_new(request, "cursor", json_string(a.next));
		ctl_answer_done(&a);
	}
	if (r == CTL_OK && c->shape == CTL_PAGES)
		ctl_print_end(&a, json, out);
	json_decref(request);
	return r;
}

/* Takes --json and --run-dir from anywhere in front of "--"; returns the new argc, -1 when misused. */
static int take_globals(int argc, char **argv, const char **run_dir, bool *json, FILE *err)
{
	int i, n = 0;

	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[n++] = argv[i++];
			break;
		}
		if (strcmp(argv[i], "--json") == 0)
			*json = true;
		else if (strncmp(argv[i], "--run-dir=", 10) == 0)
			*run_dir = argv[i] + 10;
		else if (strcmp(argv[i], "--run-dir") == 0) {
			if (++i == argc) {
				fprintf(err, "holdfast: --run-dir takes a directory\n");
				return -1;
			}
			*run_dir = argv[i];
		} else {
			argv[n++] = argv[i];
		}
	}
	return n;
}

int ctl_main(int argc, char **argv, FILE *out, FILE *err)
{
	const char *run_dir = DEFAULT_RUN_DIR;
	const struct ctl_command *c;
	bool json = false;
	int i;

	setlocale(LC_CTYPE, "C.UTF-8");
	argc = take_globals(argc - 1, argv + 1, &run_dir, &json, err);
	argv++;
	if (argc < 0)
		return CTL_USAGE;
	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0)) {
		print_help(out);
		return CTL_OK;
	}
	if (argc > 0 && strcmp(argv[0], "--version") == 0) {
		fputs("holdfast " PACKAGE_VERSION "\n", out);
		return CTL_OK;
	}
	c = find_command(argc, argv);
	if (!c)
		return unknown_command(argc, argv, err);
	for (i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0) {
			ctl_usage(c, out);
			return CTL_OK;
		}
	return run_command(c, argc - 2, argv + 2, run_dir, json, out, err);
}
