/* SPDX-License-Identifier: GPL-3.0-or-later */
/* holdfast-noded: starts, watches and restarts the daemons of a node. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "node/base/clock.h"
#include "node/conf/node_conf.h"
#include "node/log/log.h"
#include "node/loop/heartbeat.h"
#include "node/loop/io.h"
#include "node/noded/noded_priv.h"
#include "node/rpc/rpc.h"

/* In the order of starting; stopped in reverse, so that smbd gives its slots back while clusterd
 * still runs. */
static const struct {
	const char *name, *program;
} daemons[] = { { "clusterd", "clusterd" }, { "smbd", "smbd" }, { "smbd2", "smbd" } };
#define SMBD 1 /* the first one */

struct noded {
	struct loop *loop;
	struct node_conf *conf;
	const char *config_path;
	char dir[PATH_MAX];
	struct child *children[ARRAY_SIZE(daemons)];
	size_t n; /* of them */
	struct rpc_server *public;
	struct timer watchdog;
	uint64_t watchdog_ns;
	unsigned int silent_ms;
	int sigfd;
	bool ready;
	bool stopping;
	struct task *main;
	int result;
};

/* --- systemd --- */

static void daemon_changed(void *arg)
{
	struct noded *n = arg;
	char one[128], all[512] = "";
	bool ready = true;

	for (size_t i = 0; i < n->n; i++) {
		if (!n->children[i])
			return; /* the others are about to be started, or were stopped */
		if (child_gave_up(n->children[i])) {
			n->result = -EINVAL;
			task_wake(n->main);
			return;
		}
		child_describe(n->children[i], one, sizeof(one));
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? "; " : "", one);
		ready = ready && child_ready(n->children[i]);
	}
	sd_notifyf(0, "STATUS=%s", all);
	if (!ready || n->ready || n->stopping)
		return;
	n->ready = true;
	sd_notify(0, "READY=1");
	log_info("noded: all daemons are running");
}

static void watchdog_fire(struct timer *t)
{
	struct noded *n = container_of(t, struct noded, watchdog);

	sd_notify(0, "WATCHDOG=1");
	timer_set(t, loop_now(n->loop) + n->watchdog_ns);
}

static void watchdog_start(struct noded *n)
{
	uint64_t usec;

	timer_init(&n->watchdog, n->loop, watchdog_fire);
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	n->watchdog_ns = usec * NSEC_PER_USEC / 2;
	watchdog_fire(&n->watchdog);
}

/* --- running --- */

static void stop_all(struct noded *n)
{
	struct child *c;

	/* Who stands by is to go before his turn comes. */
	for (size_t i = SMBD; i < n->n; i++)
		child_stop_begin(n->children[i]);
	for (size_t i = n->n; i-- > 0;) {
		c = n->children[i];
		child_stop(c);
		n->children[i] = NULL;
	}
	public_stop(n->public);
	n->public = NULL;
}

static void on_signal(struct noded *n, int sig)
{
	if (sig == SIGHUP) {
		log_reopen();
		for (size_t i = 0; i < n->n; i++)
			child_signal(n->children[i], SIGHUP);
		return;
	}
	log_info("noded: stopping: signal=%s", sigabbrev_np(sig));
	if (n->stopping) {
		for (size_t i = 0; i < n->n; i++)
			child_hurry(n->children[i]);
		return;
	}
	n->stopping = true;
	sd_notify(0, "STOPPING=1");
	task_wake(n->main);
}

static void signals_main(void *arg)
{
	struct signalfd_siginfo si;
	struct noded *n = arg;

	while (io_poll(n->sigfd, POLLIN, 0) >= 0)
		while (read(n->sigfd, &si, sizeof(si)) == sizeof(si))
			on_signal(n, (int)si.ssi_signo);
}

/* A connection to Ceph takes several times as long as a failover may: a second smbd stands by with its own. */
static size_t how_many(const struct node_conf *conf)
{
	return strncmp(conf->store, "rados:", strlen("rados:")) == 0 ? ARRAY_SIZE(daemons) : SMBD + 1;
}

static int start_all(struct noded *n)
{
	struct child_config cfg = {
		.dir = n->dir,
		.config = n->config_path,
		.run_dir = n->conf->run_dir,
		.stop_ms = 10000,
		.silent_ms = n->silent_ms,
	};
	int r = public_start(n->loop, n->conf->run_dir, &n->public);

	n->n = how_many(n->conf);
	if (r < 0)
		log_err("noded: cannot listen, is another one running: dir=%s error=%s",
			log_esc(n->conf->run_dir), log_errno(r));
	for (size_t i = 0; i < n->n && r == 0; i++) {
		cfg.name = daemons[i].name;
		cfg.program = daemons[i].program;
		r = child_new(&cfg, daemon_changed, n, &n->children[i]);
	}
	if (r == 0 && n->n > SMBD + 1)
		child_pair(n->children[SMBD], n->children[SMBD + 1]);
	return r;
}

static void noded_main(void *arg)
{
	struct noded *n = arg;
	struct task *signals;

	n->main = task_current();
	n->result = task_spawn(n->loop, signals_main, n, &signals);
	if (n->result < 0) {
		loop_stop(n->loop);
		return;
	}
	watchdog_start(n);
	n->result = start_all(n);
	while (!n->stopping && n->result == 0)
		task_park();
	n->stopping = true;
	stop_all(n);
	timer_cancel(&n->watchdog);
	task_cancel(signals);
	while (loop_tasks(n->loop) > 1)
		task_yield();
	loop_stop(n->loop);
}

/* --- starting --- */

static int make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	fprintf(stderr, "holdfast-noded: cannot make the directory %s: %s\n", path,
		strerror(errno));
	return -errno;
}

/* The other programs are beside this one unless --libexec says otherwise. */
static int find_dir(struct noded *n, const char *libexec)
{
	char *slash;
	ssize_t len;

	if (libexec) {
		if (!realpath(libexec, n->dir)) {
			fprintf(stderr, "holdfast-noded: %s: %s\n", libexec, strerror(errno));
			return -errno;
		}
		return 0;
	}
	len = readlink("/proc/self/exe", n->dir, sizeof(n->dir) - 1);
	if (len < 0)
		return -errno;
	n->dir[len] = 0;
	slash = strrchr(n->dir, '/');
	*(slash == n->dir ? slash + 1 : slash) = 0;
	return 0;
}

static int signals_open(struct noded *n)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	n->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return n->sigfd < 0 ? -errno : 0;
}

static int run(struct noded *n)
{
	const struct loop_config cfg = { .entries = 64 };
	int r;

	r = loop_new(&cfg, &n->loop);
	if (r < 0) {
		log_err("noded: cannot make an io_uring, is the kernel 6.1 or newer: error=%s",
			log_errno(r));
		return r;
	}
	r = task_spawn(n->loop, noded_main, n, NULL);
	if (r == 0)
		r = loop_run(n->loop);
	loop_free(n->loop);
	return r < 0 ? r : n->result;
}

static int usage(FILE *to, int status)
{
	fprintf(to,
		"usage: holdfast-noded --config FILE [--libexec DIR] [--silent-ms N]\n"
		"Starts, watches and restarts the daemons of a node.\n"
		"  --config FILE   node.yaml (default " NODE_CONF_PATH ")\n"
		"  --libexec DIR   where holdfast-clusterd and holdfast-smbd are (default: beside this program)\n"
		"  --silent-ms N   kill a daemon that gives no sign of life for N ms (default %u)\n",
		HEARTBEAT_LIMIT_MS);
	return status;
}

static int parse_ms(const char *text, unsigned int *ret)
{
	unsigned long v;
	char *end;

	v = strtoul(text, &end, 10);
	if (*end || end == text || v < 100 || v > 3600000)
		return -EINVAL;
	*ret = (unsigned int)v;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "libexec", required_argument, NULL, 'l' },
		{ "silent-ms", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct noded n = { .sigfd = -1, .silent_ms = HEARTBEAT_LIMIT_MS };
	const char *config = NODE_CONF_PATH, *libexec = NULL;
	_cleanup_node_conf_ struct node_conf *conf = NULL;
	_cleanup_free_ char *path = NULL;
	struct conf_error err;
	int opt, r;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			config = optarg;
			break;
		case 'l':
			libexec = optarg;
			break;
		case 's':
			if (parse_ms(optarg, &n.silent_ms) < 0)
				return usage(stderr, 2);
			break;
		case 'h':
			return usage(stdout, 0);
		default:
			return usage(stderr, 2);
		}
	}
	if (optind < argc)
		return usage(stderr, 2);
	if (node_conf_load(config, &conf, &err) < 0) {
		fprintf(stderr, "holdfast-noded: %s\n", err.text);
		return 1;
	}
	path = realpath(config, NULL);
	n.conf = conf;
	n.config_path = path ? path : config;
	if (find_dir(&n, libexec) < 0 || make_dir(conf->run_dir, 0755) < 0 ||
	    make_dir(conf->state_dir, 0700) < 0)
		return 1;
	r = log_open(conf->log, "noded", conf->name, (enum log_level)conf->log_level);
	if (r < 0)
		fprintf(stderr, "holdfast-noded: cannot open the log %s: %s\n", conf->log,
			strerror(-r));
	r = r < 0 ? r : signals_open(&n);
	r = r < 0 ? r : run(&n);
	cleanup_close(&n.sigfd);
	log_close();
	return r < 0 ? 1 : 0;
}
