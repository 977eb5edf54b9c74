/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An SMB server inside a test program. */
#include "tests/unit/smbd-proto/fixture.h"

#include <err.h>
#include <ftw.h>
#include <stdio.h>

#include "node/auth/auth.h"
#include "node/conf/node_conf.h"
#include "node/loop/task.h"
#include "smbd/op/lock_layer.h"
#include "smbd/op/ops.h"
#include "statestore/store.h"

#define MAX_CONFIGS 64

/* Snapshots are never freed by their users: each has one reference too many. */
static struct {
	struct cluster_config c;
	struct share shares[5];
	struct user users[2];
} configs[MAX_CONFIGS];
static unsigned int n_configs;
static const char *const alice_only[] = { FIXTURE_USER };
static char address[] = "127.0.0.1", node_name[] = "testnode";
static char *addresses[] = { address };

static void user_fill(struct user *u, const char *name, const char *password, uint32_t rid)
{
	*u = (struct user){ .version = 1, .name = name, .uid = getuid(), .gid = getgid() };
	u->sid = (struct sid){ .revision = 1,
			       .sub_count = 5,
			       .authority = { 0, 0, 0, 0, 0, 5 },
			       .sub = { 21, 1, 2, 3, rid } };
	if (nt_hash_from_password(password, u->nt_hash) < 0)
		errx(1, "nt_hash_from_password");
}

static const struct cluster_config *make_config(struct fixture *f)
{
	struct cluster_config *c = &configs[n_configs].c;
	struct share *s = configs[n_configs].shares;

	if (n_configs == MAX_CONFIGS)
		errx(1, "too many configurations");
	user_fill(&configs[n_configs].users[0], FIXTURE_USER, FIXTURE_PASSWORD, 1000);
	user_fill(&configs[n_configs].users[1], FIXTURE_USER2, FIXTURE_PASSWORD2, 1001);
	s[0] = (struct share){
		.name = "data", .path = f->dir, .comment = "data", .browseable = true
	};
	s[1] = (struct share){
		.name = "sealed", .path = f->dir, .comment = "", .encrypt = true, .browseable = true
	};
	s[2] = (struct share){
		.name = "alices", .path = f->dir, .comment = "", .users = alice_only, .n_users = 1
	};
	s[3] = (struct share){
		.name = "ro", .path = f->dir, .comment = "", .read_only = true, .browseable = true
	};
	s[4] = (struct share){ .name = "ca",
			       .path = f->dir,
			       .comment = "",
			       .continuously_available = true,
			       .browseable = true };
	*c = (struct cluster_config){ .refs = 1,
				      .slots = 16,
				      .revision = ++n_configs,
				      .cluster = "TESTS",
				      .tunables = f->tunables,
				      .shares = s,
				      .n_shares = f->n_shares,
				      .users = configs[n_configs - 1].users,
				      .n_users = 2 };
	c->id.b[0] = 1;
	return c;
}

static void nothing(struct worker *w, void *arg) {}

void fixture_apply(struct fixture *f)
{
	if (server_set_config(&f->smbd, make_config(f)) < 0)
		errx(1, "server_set_config");
	for (unsigned int i = 0; i < f->smbd.n_workers; i++)
		server_call(&f->smbd.workers[i], nothing, NULL);
}

static void get_port(struct worker *w, void *arg)
{
	*(uint16_t *)arg = acceptor_port(w->smbd->acceptor);
}

static uint16_t port_of(struct smbd *s)
{
	uint16_t port = 0;

	server_call(&s->workers[0], get_port, &port);
	return port;
}

/* --- file state: a cluster of this one node --- */

static void lost(void *arg)
{
	errx(1, "the lock layer gave up");
}

static void make_locks(struct worker *w, void *arg)
{
	if (lock_layer_start(w, NULL, lost) < 0 || lock_layer_view(w, arg) < 0)
		errx(1, "lock_layer_start");
}

static void locks_start(struct fixture *f)
{
	struct store_info info = { .slots = 16, .cluster = "TESTS" };
	struct view *v = view_new(1);
	char url[80], text[200];

	snprintf(f->store, sizeof(f->store), "/tmp/hf-store-XXXXXX");
	if (!v || !mkdtemp(f->store))
		err(1, "no store");
	snprintf(url, sizeof(url), "lmdb:%s", f->store);
	if (store_open(url, &info, &f->smbd.store, text, sizeof(text)) < 0)
		errx(1, "%s", text);
	v->epoch = 1;
	v->members[0] = (struct view_member){ .node_id = f->smbd.node_id,
					      .workers = f->smbd.n_workers,
					      .incarnation = f->smbd.incarnation,
					      .name = "testnode" };
	for (unsigned int i = 0; i < f->smbd.n_workers; i++)
		server_call(&f->smbd.workers[i], make_locks, v);
	view_unref(v);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void fixture_start(struct fixture *f, unsigned int workers, uint16_t port)
{
	static struct node_conf conf = { .name = node_name };
	struct net_addr addr;

	*f = (struct fixture){ .n_shares = 5 };
	conf.addresses = (struct conf_list){ addresses, 1 };
	tunables_init(&f->tunables);
	snprintf(f->dir, sizeof(f->dir), "/tmp/hf-proto-XXXXXX");
	if (!mkdtemp(f->dir))
		err(1, "mkdtemp");
	f->smbd = (struct smbd){ .conf = &conf,
				 .ops = &smb_ops,
				 .node_id = 7,
				 .incarnation = 1,
				 .worker_hurry = lock_layer_hurry,
				 .worker_stop = lock_layer_stop };
	if (offload_start(2) < 0 || server_start(&f->smbd, workers) < 0)
		errx(1, "server_start");
	smbd_set_lease(&f->smbd, UINT64_MAX);
	locks_start(f);
	fixture_apply(f);
	if (net_addr_parse("127.0.0.1", port, &addr) < 0 || server_listen(&f->smbd, &addr, 1) < 0)
		errx(1, "server_listen");
	f->port = port_of(&f->smbd);
}

void fixture_stop(struct fixture *f)
{
	server_stop(&f->smbd);
	store_close(f->smbd.store);
	offload_stop();
	if (nftw(f->store, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		warn("%s", f->store);
	if (!f->keep && nftw(f->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		warn("%s", f->dir);
}
