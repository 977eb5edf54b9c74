/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RUN_DIR/smbd.run: which process is which incarnation, for a clusterd that is started anew while smbd goes on. One
 * line: incarnation, pid, start time of the process (field 22 of /proc/PID/stat). Any thread.
 */
#ifndef HF_CLUSTERD_RUN_FILE_H
#define HF_CLUSTERD_RUN_FILE_H

#include <sys/types.h>

#include "node/base/util.h"

struct run {
	uint64_t incarnation;
	uint64_t start; /* clock ticks since boot */
	pid_t pid;
};

/* When a process was started. -ESRCH. */
int run_start_time(pid_t pid, uint64_t *ret);
/* Replaces the file. -errno. */
int run_file_write(const char *run_dir, const struct run *r);
/* Reads it. -ENOENT; -EBADMSG: not such a file. */
int run_file_read(const char *run_dir, struct run *ret);
/* Whether the very process still exists. */
bool run_alive(const struct run *r);

#endif
