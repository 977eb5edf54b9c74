/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for holdfast-smbd in tests of clusterd: speaks the real link, serves nothing, and prints one line per event,
 * "NANOSECONDS WHAT ...", with the clock of the right to serve. It looks every millisecond whether it may serve.
 *
 * usage: fakesmbd RUN_DIR [ROWS]
 */
#include <inttypes.h>
#include <stdio.h>

#include "clusterd/client/cluster_client.h"
#include "node/base/clock.h"
#include "node/log/log.h"
#include "node/loop/task.h"

struct fake {
	struct loop *loop;
	struct cluster_client *client;
	const char *run_dir;
	uint64_t rows;
};

#define SAY(fmt, ...) printf("%" PRIu64 " " fmt "\n", clock_mono_ns(), ##__VA_ARGS__)

static void on_ready(void *arg, uint32_t node_id, uint64_t incarnation)
{
	SAY("ready node=%u incarnation=%016" PRIx64, node_id, incarnation);
}

static void on_view(void *arg, const struct view *v)
{
	char text[1024] = "";
	uint32_t i;

	for (i = 0; i < v->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u:%016" PRIx64, v->members[i].node_id,
			 v->members[i].incarnation);
	SAY("view epoch=%" PRIu64 " members=%u%s", v->epoch, v->n, text);
}

static void on_config(void *arg, const struct cluster_config *c)
{
	SAY("config revision=%" PRIu64 " shares=%zu users=%zu slots=%u max_sessions=%d", c->revision, c->n_shares,
	    c->n_users, c->slots, c->tunables.max_sessions);
}

static void on_evicted(void *arg)
{
	SAY("evicted");
	fflush(stdout);
	_exit(CLUSTER_EXIT_EVICTED);
}

static void add_row(struct cluster_query *q, uint64_t i)
{
	struct cluster_session_row s = { .session_id = i, .user = "jürgen", .client = "192.0.2.7", .dialect = "3.1.1" };
	struct cluster_open_row o = { .persistent_id = "1", .path = "a/b\xff" "c\n", .slot = i, .state = "connected" };
	struct cluster_lock_row l = { .offset = i, .length = UINT64_MAX, .type = "exclusive", .state = "held" };
	struct cluster_lease_row e = { .path = "a", .kind = "lease v2", .caching = "RWH", .epoch = i };
	struct cluster_lease_stats_row t = { .age_s = i, .counts = { .lease_rwh = i, .max_ms = 7 * i } };

	if (cluster_query_kind(q) == CLUSTER_QUERY_SESSIONS)
		cluster_query_add_session(q, &s);
	else if (cluster_query_kind(q) == CLUSTER_QUERY_OPENS)
		cluster_query_add_open(q, &o);
	else if (cluster_query_kind(q) == CLUSTER_QUERY_LOCKS)
		cluster_query_add_lock(q, &l);
	else if (cluster_query_kind(q) == CLUSTER_QUERY_LEASES)
		cluster_query_add_lease(q, &e);
	else
		cluster_query_add_lease_stats(q, &t);
}

static void on_query(void *arg, struct cluster_query *q)
{
	uint64_t i = cluster_query_cursor(q);
	struct fake *f = arg;

	for (; i < f->rows && cluster_query_room(q); i++)
		add_row(q, i + 1);
	cluster_query_done(q, i < f->rows ? i : 0);
}

static void main_task(void *arg)
{
	struct fake *f = arg;
	const char *smb[] = { "192.0.2.1:445" };
	struct cluster_client_config cfg = {
		.loop = f->loop, .run_dir = f->run_dir, .process = "fakesmbd", .workers = 2,
		.rpc_addr = "192.0.2.1:7400", .smb_addrs = smb, .n_smb_addrs = 1, .arg = f,
		.ops = { on_ready, on_view, NULL, on_config, on_query, on_evicted },
	};
	bool serving = false, now;
	int r = cluster_client_new(&cfg, &f->client);

	if (r < 0) {
		fprintf(stderr, "fakesmbd: %s\n", strerror(-r));
		exit(1);
	}
	for (;;) {
		now = cluster_client_may_serve(f->client);
		if (now != serving)
			SAY("serving %s", now ? "yes" : "no");
		serving = now;
		task_sleep(NSEC_PER_MSEC);
	}
}

int main(int argc, char **argv)
{
	struct loop_config lc = { .name = "fakesmbd" };
	struct fake f = { .run_dir = argv[1], .rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1 };
	struct task *t;

	if (argc < 2) {
		fprintf(stderr, "usage: fakesmbd RUN_DIR [ROWS]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (loop_new(&lc, &f.loop) < 0 || task_spawn(f.loop, main_task, &f, &t) < 0)
		return 1;
	return loop_run(f.loop);
}
