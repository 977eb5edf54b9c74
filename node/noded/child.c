/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A daemon: one task starts it, waits for its end and starts it again; another listens for its
 * heartbeat and kills it when it hangs.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/heartbeat.h"
#include "node/loop/io.h"
#include "node/noded/noded_priv.h"

#define READY_MS 2000u
#define TWIN_MS 3000u /* what a start costs is the other one's for so long */
#define ABORT_MS 2000u /* from SIGABRT to SIGKILL */

struct child {
	struct child_config cfg;
	struct loop *loop;
	void (*changed)(void *arg);
	void *arg;
	char program[4096], pid_path[4096];
	struct task *keeper, *listener;
	struct child *twin; /* child_pair() */
	struct task *stopper; /* in child_stop() */
	struct timer ready_timer;
	pid_t pid; /* 0: not running */
	int pidfd, beats; /* beats: our end of the heartbeat pipe */
	uint64_t started;
	unsigned int restarts;
	struct backoff backoff;
	bool alive; /* has given a sign of life, or has run long enough */
	bool proven; /* was alive once */
	bool gave_up;
	bool stopping;
	bool waits_for_twin;
};

static void changed(struct child *c)
{
	if (c->changed)
		c->changed(c->arg);
}

static void send_signal(struct child *c, int sig)
{
	if (c->pid > 0)
		kill(c->pid, sig);
}

/* --- starting --- */

/* In the new process: only what is safe after fork(). */
static void become(const struct child *c, pid_t parent, int beat_fd)
{
	char fd[16];
	char *const argv[] = { (char *)(uintptr_t)c->program, (char *)(uintptr_t) "--config",
			       (char *)(uintptr_t)c->cfg.config, NULL };
	sigset_t none;

	/* Without its supervisor it must not go on: a new one starts a new one. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(125);
	snprintf(fd, sizeof(fd), "%d", beat_fd);
	fcntl(beat_fd, F_SETFD, 0);
	setenv(HEARTBEAT_ENV, fd, 1);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(c->program, argv);
	_exit(126);
}

static void write_pid(const struct child *c)
{
	FILE *f = fopen(c->pid_path, "we");

	if (!f)
		return;
	fprintf(f, "%d\n", c->pid);
	fclose(f);
}

static int start(struct child *c)
{
	pid_t parent = getpid(), pid;
	int p[2], r;

	if (pipe2(p, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		r = -errno;
		close(p[0]);
		close(p[1]);
		return r;
	}
	if (pid == 0)
		become(c, parent, p[1]);
	close(p[1]);
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->pidfd < 0) {
		r = -errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(p[0]);
		return r;
	}
	c->pid = pid;
	c->beats = p[0];
	c->started = loop_now(c->loop);
	c->alive = false;
	timer_set(&c->ready_timer, c->started + READY_MS * NSEC_PER_MSEC);
	write_pid(c);
	log_at(c->restarts ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG,
	       "noded: started: daemon=%s pid=%d restarts=%u", c->cfg.name, pid, c->restarts);
	return 0;
}

static void ready(struct child *c)
{
	timer_cancel(&c->ready_timer);
	c->alive = c->proven = true;
	changed(c);
}

static void ready_fired(struct timer *t)
{
	ready(container_of(t, struct child, ready_timer));
}

/* --- listening --- */

static void hung(struct child *c)
{
	log_err("noded: no sign of life for %u ms, killing it: daemon=%s pid=%d", c->cfg.silent_ms,
		c->cfg.name, c->pid);
	send_signal(c, SIGCONT);
	send_signal(c, SIGABRT);
	if (task_sleep(ABORT_MS * NSEC_PER_MSEC) == 0)
		send_signal(c, SIGKILL);
}

/* Until the pipe is closed (the daemon has ended) or the keeper cancels. Only who has beaten once
 * can be missed. */
static void listener_main(void *arg)
{
	struct child *c = arg;
	uint64_t deadline = 0;
	char buf[64];
	ssize_t n;
	int r;

	for (;;) {
		r = io_poll(c->beats, POLLIN, deadline);
		if (r == -ETIME && !c->stopping)
			hung(c);
		if (r < 0)
			break;
		n = read(c->beats, buf, sizeof(buf));
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			break;
		deadline = loop_now(c->loop) + c->cfg.silent_ms * NSEC_PER_MSEC;
		if (!c->alive)
			ready(c);
	}
	c->listener = NULL;
	task_wake(c->keeper);
}

/* --- keeping --- */

static void log_exit(const struct child *c, int status, uint64_t ran_ms)
{
	const char *name = c->cfg.name;

	if (WIFSIGNALED(status))
		log_at(c->stopping ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERR,
		       "noded: killed by a signal: daemon=%s pid=%d signal=%s%s "
		       "ran_ms=%llu",
		       name, c->pid, sigabbrev_np(WTERMSIG(status)),
		       WCOREDUMP(status) ? " core=yes" : "", (unsigned long long)ran_ms);
	else if (WEXITSTATUS(status) == 126)
		log_err("noded: cannot execute: daemon=%s program=%s", name, log_esc(c->program));
	else if (c->gave_up)
		log_err("noded: a daemon cannot work with this configuration, stopping: daemon=%s",
			name);
	else
		log_at(c->stopping && !WEXITSTATUS(status) ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERR,
		       "noded: ended: daemon=%s pid=%d status=%d ran_ms=%llu", name, c->pid,
		       WEXITSTATUS(status), (unsigned long long)ran_ms);
}

/* Waits for the end of the running daemon. Returns how long it ran, ms. */
static uint64_t wait_end(struct child *c)
{
	uint64_t ran_ms;
	int status = 0;

	task_shield_begin();
	while (waitpid(c->pid, &status, WNOHANG) == 0)
		io_poll(c->pidfd, POLLIN, 0);
	ran_ms = (clock_mono_ns() - c->started) / NSEC_PER_MSEC;
	c->gave_up =
		!c->proven && !c->stopping && WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG;
	log_exit(c, status, ran_ms);
	c->pid = 0;
	c->alive = false;
	timer_cancel(&c->ready_timer);
	unlink(c->pid_path);
	if (c->listener)
		task_cancel(c->listener);
	while (c->listener)
		task_park();
	task_shield_end();
	close(c->pidfd);
	close(c->beats);
	if (c->twin && c->twin->waits_for_twin)
		task_wake(c->twin->keeper); /* there is nobody left */
	return ran_ms;
}

static uint64_t run_once(struct child *c)
{
	int r;

	r = start(c);
	if (r < 0) {
		log_err("noded: cannot start: daemon=%s error=%s", c->cfg.name, log_errno(r));
		return 0;
	}
	if (task_spawn(c->loop, listener_main, c, &c->listener) < 0)
		log_warn("noded: no memory to watch it: daemon=%s", c->cfg.name);
	changed(c);
	return wait_end(c);
}

static void wait_for_twin(struct child *c)
{
	uint64_t until = loop_now(c->loop) + TWIN_MS * NSEC_PER_MSEC;

	c->waits_for_twin = true;
	while (!c->stopping && c->twin && child_ready(c->twin) && loop_now(c->loop) < until)
		(void)task_park_until(until);
	c->waits_for_twin = false;
}

static void keeper_main(void *arg)
{
	struct child *c = arg;
	uint64_t ran_ms;
	unsigned int ms;

	while (!c->stopping) {
		ran_ms = run_once(c);
		if (c->stopping || c->gave_up)
			break;
		c->restarts++;
		changed(c);
		ms = backoff_next(&c->backoff, ran_ms);
		if (ms) {
			log_info("noded: starting it again later: daemon=%s wait_ms=%u",
				 c->cfg.name, ms);
			task_sleep(ms * NSEC_PER_MSEC);
		}
		wait_for_twin(c);
	}
	c->keeper = NULL;
	if (c->gave_up)
		changed(c);
	if (c->stopper)
		task_wake(c->stopper);
}

/* --- the face --- */

int child_new(const struct child_config *cfg, void (*fn)(void *arg), void *arg, struct child **ret)
{
	struct child *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	c->loop = loop_current();
	c->changed = fn;
	c->arg = arg;
	timer_init(&c->ready_timer, c->loop, ready_fired);
	if ((size_t)snprintf(c->program, sizeof(c->program), "%s/holdfast-%s", cfg->dir,
			     cfg->program) >= sizeof(c->program) ||
	    (size_t)snprintf(c->pid_path, sizeof(c->pid_path), "%s/%s.pid", cfg->run_dir,
			     cfg->name) >= sizeof(c->pid_path))
		r = -ENAMETOOLONG;
	else if (access(c->program, X_OK) < 0)
		r = -errno;
	else
		r = task_spawn(c->loop, keeper_main, c, &c->keeper);
	if (r < 0) {
		log_err("noded: cannot run the daemon: program=%s error=%s", log_esc(c->program),
			log_errno(r));
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void child_pair(struct child *a, struct child *b)
{
	a->twin = b;
	b->twin = a;
}

void child_stop_begin(struct child *c)
{
	if (!c || c->stopping)
		return;
	c->stopping = true;
	send_signal(c, SIGTERM);
	send_signal(c, SIGCONT);
	if (c->keeper)
		task_cancel(c->keeper); /* from its pause before a start */
}

void child_stop(struct child *c)
{
	uint64_t deadline;

	if (!c)
		return;
	c->stopper = task_current();
	child_stop_begin(c);
	deadline = loop_now(c->loop) + c->cfg.stop_ms * NSEC_PER_MSEC;
	while (c->keeper) {
		if (task_park_until(deadline) != -ETIME)
			continue;
		log_err("noded: does not stop, killing it: daemon=%s pid=%d", c->cfg.name, c->pid);
		send_signal(c, SIGKILL);
		deadline = 0;
	}
	if (c->twin)
		c->twin->twin = NULL;
	free(c);
}

void child_signal(struct child *c, int sig)
{
	if (c)
		send_signal(c, sig);
}

void child_hurry(struct child *c)
{
	if (c && c->stopping)
		send_signal(c, SIGKILL);
}

bool child_ready(const struct child *c)
{
	return c->pid > 0 && c->alive;
}

bool child_gave_up(const struct child *c)
{
	return c->gave_up;
}

void child_describe(const struct child *c, char *buf, size_t n)
{
	if (c->pid > 0)
		snprintf(buf, n, "%s: running, pid %d, %u restarts", c->cfg.name, c->pid,
			 c->restarts);
	else
		snprintf(buf, n, "%s: down, %u restarts", c->cfg.name, c->restarts);
}
