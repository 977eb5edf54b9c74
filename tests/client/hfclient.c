/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hfclient: runs scenario files against an SMB server. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include "tests/client/run.h"

static const char usage[] =
	"usage: hfclient [OPTION]... [FILE.hfs]...\n"
	"Runs scenario files (see tests/scenario/README) against an SMB server.\n"
	"  -D NAME=VALUE   set a variable of the scenarios\n"
	"  -e STATEMENTS   run these (a semicolon is a new line) before the files\n"
	"  -o WORD         only tests whose name contains WORD\n"
	"  --tap           print TAP\n"
	"  -v              print each statement before it runs\n"
	"The exit status is 0 when every test passed, 1 when one failed, 2 for wrong usage.\n";

static int define(struct run *r, char *text)
{
	char *eq = strchr(text, '=');

	if (!eq || eq == text) {
		fprintf(stderr, "hfclient: -D needs NAME=VALUE\n");
		return 2;
	}
	*eq = 0;
	return world_set_var(r->w, text, eq + 1) < 0 ? 1 : 0;
}

static int execute(struct run *r, char *text)
{
	bool quoted = false;
	char *p;

	for (p = text; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == ';' && !quoted)
			*p = '\n';
	}
	return run_text(r, "-e", text);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "tap", no_argument, NULL, 't' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	struct run r;
	int opt, failed = 0;
	bool ran = false;

	signal(SIGPIPE, SIG_IGN);
	if (run_init(&r) < 0)
		return 1;
	while ((opt = getopt_long(argc, argv, "D:e:o:vh", options, NULL)) != -1 && failed != 2) {
		switch (opt) {
		case 'D':
			failed = define(&r, optarg);
			break;
		case 'e':
			failed |= execute(&r, optarg);
			ran = true;
			break;
		case 'o':
			r.only = optarg;
			break;
		case 't':
			r.tap = true;
			break;
		case 'v':
			r.verbose = true;
			break;
		case 'h':
			fputs(usage, stdout);
			run_done(&r);
			return 0;
		default:
			failed = 2;
		}
	}
	if (failed == 2 || (optind == argc && !ran)) {
		fputs(usage, stderr);
		run_done(&r);
		return 2;
	}
	for (; optind < argc; optind++)
		failed |= run_file(&r, argv[optind]);
	run_summary(&r);
	run_done(&r);
	return failed;
}
