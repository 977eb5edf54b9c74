/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file that says which process is which incarnation. No state; any thread. */
#include "clusterd/run_file.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define RUN_FILE "smbd.run"

int run_start_time(pid_t pid, uint64_t *ret)
{
	char path[64], line[1024];
	const char *p;
	size_t n;
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = '\0';
	/* The name in parentheses may hold anything: fields count from behind the last one. */
	p = strrchr(line, ')');
	for (i = 2; p && i < 22; i++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p || sscanf(p, "%" SCNu64, ret) != 1)
		return -ESRCH;
	return 0;
}

int run_file_write(const char *run_dir, const struct run *r)
{
	char path[PATH_MAX], tmp[PATH_MAX];
	FILE *f;
	int e;

	snprintf(path, sizeof(path), "%s/" RUN_FILE, run_dir);
	snprintf(tmp, sizeof(tmp), "%s/" RUN_FILE ".new", run_dir);
	f = fopen(tmp, "we");
	if (!f)
		return -errno;
	e = fprintf(f, "%016" PRIx64 " %d %" PRIu64 "\n", r->incarnation, (int)r->pid, r->start) < 0 ? -EIO : 0;
	if (fclose(f) != 0 && e == 0)
		e = -errno;
	if (e == 0 && rename(tmp, path) < 0)
		e = -errno;
	return e;
}

int run_file_read(const char *run_dir, struct run *ret)
{
	char path[PATH_MAX];
	struct run r;
	int pid, n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/" RUN_FILE, run_dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fscanf(f, "%" SCNx64 " %d %" SCNu64, &r.incarnation, &pid, &r.start);
	fclose(f);
	if (n != 3 || pid <= 0 || !r.incarnation)
		return -EBADMSG;
	r.pid = pid;
	*ret = r;
	return 0;
}

bool run_alive(const struct run *r)
{
	uint64_t start;

	return run_start_time(r->pid, &start) == 0 && start == r->start;
}
