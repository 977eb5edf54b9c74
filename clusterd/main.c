/* SPDX-License-Identifier: GPL-3.0-or-later */
/* holdfast-clusterd: arguments, the lock that makes it the only one of its node, signals. */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "clusterd/daemon.h"
#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/heartbeat.h"

enum {
	EXIT_USAGE = 2,
	EXIT_CONFIG = 78,
};

struct program {
	struct clusterd d;
	qb_loop_t *loop;
	int heartbeat_fd;
	int lock_fd;
};

static const char usage[] =
	"usage: holdfast-clusterd [--config FILE] [--forget-key]\n"
	"\n"
	"Keeps this node in its cluster: membership by corosync, the right to serve, the cluster's configuration.\n"
	"It is started by holdfast-noded.\n"
	"\n"
	"  --config FILE  the node's configuration (default " NODE_CONF_PATH ")\n"
	"  --forget-key   let the cluster have another key: the first node that starts afterwards brings it. Only\n"
	"                 while no node runs\n"
	"  --help, --version\n";

static void beat(void *arg)
{
	struct program *p = arg;

	heartbeat_beat(p->heartbeat_fd);
	qb_loop_timer_add(p->loop, QB_LOOP_MED, HEARTBEAT_PERIOD_MS * NSEC_PER_MSEC, p, beat, NULL);
}

static int32_t on_stop(int32_t sig, void *arg)
{
	struct program *p = arg;

	log_info("stopping: signal=%s", sigabbrev_np(sig));
	clusterd_end(&p->d);
	return 0;
}

static int32_t on_hangup(int32_t sig, void *arg)
{
	log_reopen();
	return 0;
}

static int lock_run_dir(struct program *p, const char *run_dir)
{
	char path[PATH_MAX];

	if (mkdir(run_dir, 0755) < 0 && errno != EEXIST) {
		log_err("the run directory cannot be made: path=%s error=%s", log_esc(run_dir), log_errno(errno));
		return -errno;
	}
	snprintf(path, sizeof(path), "%s/clusterd.lock", run_dir);
	p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->lock_fd < 0 || flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		log_err("%s: file=%s error=%s",
			errno == EWOULDBLOCK ? "another holdfast-clusterd runs on this node" :
					       "the lock file cannot be used",
			log_esc(path), log_errno(errno));
		return -errno;
	}
	return 0;
}

static int run(struct program *p, struct node_conf *conf)
{
	int r;

	p->loop = qb_loop_create();
	if (!p->loop)
		return 1;
	qb_loop_signal_add(p->loop, QB_LOOP_HIGH, SIGTERM, p, on_stop, NULL);
	qb_loop_signal_add(p->loop, QB_LOOP_HIGH, SIGINT, p, on_stop, NULL);
	qb_loop_signal_add(p->loop, QB_LOOP_HIGH, SIGHUP, p, on_hangup, NULL);
	if (p->heartbeat_fd >= 0)
		beat(p);
	r = clusterd_start(&p->d, p->loop, conf);
	if (r == 0) {
		log_info("clusterd runs: node=%s node-id=%d", log_esc(conf->name), conf->node_id);
		qb_loop_run(p->loop);
	}
	clusterd_stop(&p->d);
	qb_loop_destroy(p->loop);
	return r < 0 ? 1 : p->d.exit_status;
}

static const char *parse_args(int argc, char **argv, bool *ret_forget_key)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "forget-key", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *config = NODE_CONF_PATH;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'c')
			config = optarg;
		else if (o == 'f')
			*ret_forget_key = true;
		else if (o == 'h' || o == 'v') {
			fputs(o == 'h' ? usage : "holdfast-clusterd " PACKAGE_VERSION "\n", stdout);
			exit(0);
		} else {
			exit(EXIT_USAGE);
		}
	}
	if (optind != argc) {
		fprintf(stderr, "holdfast-clusterd: unexpected argument \"%s\"; see --help\n", argv[optind]);
		exit(EXIT_USAGE);
	}
	return config;
}

int main(int argc, char **argv)
{
	bool forget_key = false;
	const char *path = parse_args(argc, argv, &forget_key);
	static struct program p = { .lock_fd = -1 };
	struct node_conf *conf = NULL;
	struct conf_error err;
	int status;

	umask(077);
	p.heartbeat_fd = heartbeat_fd();
	signal(SIGPIPE, SIG_IGN);
	if (node_conf_load(path, &conf, &err) < 0) {
		fprintf(stderr, "holdfast-clusterd: %s\n", err.text);
		return EXIT_CONFIG;
	}
	if (log_open(conf->log, "clusterd", conf->name, (enum log_level)conf->log_level) < 0)
		log_warn("the log cannot be opened, lines go to stderr: log=%s", log_esc(conf->log));
	if (lock_run_dir(&p, conf->run_dir) < 0)
		status = 1;
	else
		status = forget_key ? clusterd_forget_key(conf) < 0 : run(&p, conf);
	log_info("clusterd has ended: status=%d", status);
	log_close();
	node_conf_free(conf);
	return status;
}
