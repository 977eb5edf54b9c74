/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fixture as a program, to try other clients against by hand: static_smbd [PORT [WORKERS
 * [name=value ...]]] */
#include <signal.h>
#include <stdio.h>

#include "node/log/log.h"
#include "tests/unit/smbd-proto/fixture.h"

int main(int argc, char **argv)
{
	static struct fixture f;
	struct conf_error ce;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	log_set_level(LOG_LEVEL_DEBUG);
	fixture_start(&f, argc > 2 ? (unsigned int)atoi(argv[2]) : 1,
		      argc > 1 ? (uint16_t)atoi(argv[1]) : 4450);
	f.keep = true;
	for (int i = 3; i < argc; i++) {
		if (conf_set_pair(&tunables_schema, &f.tunables, argv[i], &ce) < 0) {
			fprintf(stderr, "%s\n", ce.text);
			return 1;
		}
	}
	fixture_apply(&f);
	printf("port %u, user %s%%%s, share data at %s\n", f.port, FIXTURE_USER, FIXTURE_PASSWORD,
	       f.dir);
	fflush(stdout);
	(void)sigwait(&set, &sig);
	fixture_stop(&f);
	return 0;
}
