/* SPDX-License-Identifier: GPL-3.0-or-later */
/* holdfast-smbd: the SMB server of a node. The main thread starts everything and waits for signals.
 */
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "node/base/clock.h"
#include "node/conf/node_conf.h"
#include "node/log/log.h"
#include "node/loop/heartbeat.h"
#include "smbd/cluster.h"
#include "smbd/op/lock_layer.h"
#include "smbd/op/ops.h"
#include "smbd/proto/peers.h"
#include "smbd/vfs/vfs.h"
#include "statestore/store.h"

/* Smaller limits than this refuse clients long before the configuration does. */
#define FILES_WANTED (1u << 20)

struct program {
	const char *conf_path;
	struct node_conf *conf;
	struct smbd smbd;
	struct net_addr *addrs;
	size_t n_addrs;
	struct rpc_key *key;
	struct cluster *cluster;
	int heartbeat;
	int status; /* of the process when it fails; 0: EXIT_FAILURE */
};

static void usage(FILE *f)
{
	fprintf(f, "usage: holdfast-smbd [--config FILE]\n"
		   "Serves SMB on a node of a Holdfast cluster. Started by holdfast-noded.\n"
		   "  --config FILE   default " NODE_CONF_PATH "\n"
		   "  --version\n");
}

/* 0: go on; 1: done. */
static int options(struct program *p, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	p->conf_path = NODE_CONF_PATH;
	while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			p->conf_path = optarg;
			break;
		case 'h':
			usage(stdout);
			return 1;
		case 'V':
			printf("holdfast-smbd %s\n", PACKAGE_VERSION);
			return 1;
		default:
			usage(stderr);
			return -EINVAL;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "holdfast-smbd: unexpected argument \"%s\"\n", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static void raise_file_limit(void)
{
	struct rlimit rl, more = { FILES_WANTED, FILES_WANTED };

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	if (rl.rlim_max != RLIM_INFINITY && rl.rlim_max < FILES_WANTED &&
	    setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	rl.rlim_cur = rl.rlim_max == RLIM_INFINITY ? FILES_WANTED : rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) < 0)
		log_warn("limit of open files stays: error=%s", log_errno(errno));
}

/* Half of the descriptors are for files: connections, pipes and the store need some too. */
static void share_descriptors(unsigned int workers)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY)
		vfs_set_descriptors((unsigned int)(MIN(rl.rlim_cur, (rlim_t)FILES_WANTED) / 2 / MAX(workers, 1u)));
}

static int load(struct program *p)
{
	struct conf_error ce;
	size_t i;
	int r;

	r = node_conf_load(p->conf_path, &p->conf, &ce);
	if (r < 0) {
		fprintf(stderr, "holdfast-smbd: %s\n", ce.text);
		return r;
	}
	r = log_open(p->conf->log, "smbd", p->conf->name, (enum log_level)p->conf->log_level);
	if (r < 0)
		log_warn("logging to stderr, the log cannot be opened: log=%s error=%s",
			 log_esc(p->conf->log), log_errno(r));
	p->addrs =
		calloc(p->conf->addresses.count ? p->conf->addresses.count : 1, sizeof(*p->addrs));
	if (!p->addrs)
		return -ENOMEM;
	for (i = 0; i < p->conf->addresses.count; i++) {
		r = net_addr_parse(p->conf->addresses.items[i], (uint16_t)p->conf->port,
				   &p->addrs[p->n_addrs]);
		if (r < 0) {
			log_err("address of node.yaml cannot be read: address=%s",
				log_esc(p->conf->addresses.items[i]));
			return r;
		}
		p->n_addrs++;
	}
	return rpc_key_load(p->conf->cluster_key_file, &p->key); /* says why itself */
}

/* In a new cluster clusterd makes the store, which takes a moment, and storage may be away: waits for it. 1: a signal
 * came meanwhile. */
static int open_store(struct program *p, const sigset_t *set)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	unsigned int tries = 0;
	char err[512];
	int r;

	for (;;) {
		r = store_open(p->conf->store, NULL, &p->smbd.store, err, sizeof(err));
		if (r != -ENOENT && r != -ETIMEDOUT)
			break;
		if (tries++ == 0)
			log_info("waiting for the store: %s", err);
		if (sigtimedwait(set, NULL, &pause) > 0)
			return 1;
	}
	if (r < 0)
		log_err("store cannot be opened: %s", err);
	return r;
}

/* --- the sign of life: every worker has run a task since the last one --- */

static void nothing(struct worker *w, void *arg) {}

static void heartbeat_main(void *arg)
{
	struct program *p = arg;
	unsigned int i;

	do {
		for (i = 0; i < p->smbd.n_workers && !p->smbd.workers[0].stopping; i++)
			(void)worker_call(&p->smbd.workers[i], nothing, NULL);
		heartbeat_beat(p->heartbeat);
	} while (!p->smbd.workers[0].stopping &&
		 task_sleep(HEARTBEAT_PERIOD_MS * NSEC_PER_MSEC) == 0);
	p->smbd.heartbeat = NULL;
}

static void heartbeat_begin(struct worker *w, void *arg)
{
	struct program *p = arg;

	if (p->heartbeat >= 0 && task_spawn(w->loop, heartbeat_main, p, &w->smbd->heartbeat) < 0)
		log_warn("no sign of life will be given: no memory");
}

static void wait_for_end(sigset_t *set)
{
	int sig;

	for (;;) {
		if (sigwait(set, &sig) != 0)
			continue;
		if (sig != SIGHUP)
			break;
		(void)log_reopen();
	}
	log_info("stopping: signal=%s", sigabbrev_np(sig));
}

static int serve(struct program *p, sigset_t *set)
{
	int r;

	p->smbd.conf = p->conf;
	p->smbd.ops = &smb_ops;
	p->smbd.node_id = (uint32_t)p->conf->node_id;
	p->smbd.end_session = peers_end_session;
	p->smbd.worker_stop = cluster_worker_stop;
	p->smbd.worker_hurry = lock_layer_hurry;
	p->smbd.deafen = lock_layer_deafen;
	r = open_store(p, set);
	if (r < 0)
		p->status = EX_CONFIG;
	if (r)
		return r < 0 ? r : 0;
	share_descriptors((unsigned int)p->conf->workers);
	r = offload_start(0);
	if (r == 0)
		r = server_start(&p->smbd, (unsigned int)p->conf->workers);
	if (r < 0)
		return r;
	server_call(&p->smbd.workers[0], heartbeat_begin, p);
	r = cluster_start(&p->smbd, p->key, p->addrs, p->n_addrs, &p->cluster);
	if (r == 0) {
		wait_for_end(set);
		cluster_leave(p->cluster);
	}
	server_stop(&p->smbd);
	vfs_end();
	offload_stop();
	return r;
}

int main(int argc, char **argv)
{
	static struct program p;
	sigset_t set;
	int r;

	r = options(&p, argc, argv);
	if (r)
		return r < 0 ? 2 : 0;
	p.heartbeat = heartbeat_fd();
	signal(SIGPIPE, SIG_IGN);
	umask(0); /* a file's mode comes from the directory that it is made in */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = load(&p);
	if (r < 0) {
		p.status = EX_CONFIG;
	} else {
		raise_file_limit();
		r = serve(&p, &set);
	}
	cluster_free(p.cluster);
	store_close(p.smbd.store);
	rpc_key_free(p.key);
	free(p.addrs);
	node_conf_free(p.conf);
	log_close();
	return r == 0 ? EXIT_SUCCESS : p.status ? p.status : EXIT_FAILURE;
}
