/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of holdfast-noded share. One thread, one loop. */
#ifndef HF_NODE_NODED_NODED_PRIV_H
#define HF_NODE_NODED_NODED_PRIV_H

#include "node/loop/task.h"

/* --- child.c: one daemon, kept running by two tasks --- */

struct child_config {
	const char *name; /* for the log, and NAME.pid */
	const char *program; /* "smbd": DIR/holdfast-smbd */
	const char *dir;
	const char *config; /* its --config */
	const char *run_dir; /* NAME.pid goes there */
	unsigned int stop_ms; /* from SIGTERM to SIGKILL */
	unsigned int silent_ms; /* who beat once and then is silent for so long is killed */
};

struct child;

/* Starts the daemon and keeps it running. `changed` is called when its state has changed. Strings
 * must outlive it. */
int child_new(const struct child_config *cfg, void (*changed)(void *arg), void *arg,
	      struct child **ret) HF_MUST_CHECK;
/* Two that do the same, one of which stands by: when one ends while the other one runs, it is started again only after
 * the other one has had some seconds to take over. */
void child_pair(struct child *a, struct child *b);
/* SIGTERM: as child_stop(), which is to follow, but does not wait. */
void child_stop_begin(struct child *c);
/* SIGTERM, waits for the end (SIGKILL after stop_ms), frees; in a task. NULL is fine. */
void child_stop(struct child *c);
/* Passes a signal on. */
void child_signal(struct child *c, int sig);
/* Kills what child_stop() waits for. */
void child_hurry(struct child *c);
/* Runs and has given a sign of life, or has run for 2 s. */
bool child_ready(const struct child *c);
/* It ended before it was ever ready, with EX_CONFIG (sysexits.h): to start it again would be of no
 * use. */
bool child_gave_up(const struct child *c);
/* "smbd: running, pid 12, 3 restarts", for the status line. */
void child_describe(const struct child *c, char *buf, size_t n);

/* --- backoff.c: when to start again; pure --- */

struct backoff {
	unsigned int quick; /* deaths in a row that came too early */
};
/* A run of `ran_ms` ended: milliseconds to wait until the next start. A first death is forgiven at
 * once; only those that follow one another within 5 s wait, 50 ms and then twice as long each time,
 * up to 5 s. */
unsigned int backoff_next(struct backoff *b, uint64_t ran_ms);

/* --- public.c: public addresses --- */

struct rpc_server;
/* Serves address requests on RUN_DIR/noded.sock. */
int public_start(struct loop *l, const char *run_dir, struct rpc_server **ret) HF_MUST_CHECK;
/* Stops serving and removes the addresses that were added; in a task. */
void public_stop(struct rpc_server *s);

#endif
