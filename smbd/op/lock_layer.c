/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Joins smbd/lock with the workers. Each function on the thread of its worker. */
#include "smbd/op/lock_layer.h"

#include <stdio.h>

#include "node/base/clock.h"
#include "node/conf/node_conf.h"
#include "smbd/op/caching.h"
#include "smbd/op/event.h"
#include "smbd/op/file_open.h"
#include "smbd/notify/notify.h"
#include "smbd/proto/peers.h"
#include "statestore/store.h"

/* Well within the time that noded gives to a daemon that it stops. */
#define LAST_WAIT_MS 3000

int lock_layer_listen(struct smbd *s, const struct rpc_key *key, const char *rpc_address)
{
	_cleanup_free_ struct loop **loops = calloc(s->n_workers, sizeof(*loops));
	struct rpc_listen_config cfg = {
		.loop = s->workers[0].loop,
		.key = key,
		.self = { .node_id = s->node_id, .incarnation = s->incarnation },
		.ops = { .methods = peers_methods },
		.loops = loops,
		.nloops = s->n_workers,
	};
	struct net_addr addr;
	unsigned int i;
	int r;

	if (!loops)
		return -ENOMEM;
	for (i = 0; i < s->n_workers; i++)
		loops[i] = s->workers[i].loop;
	snprintf(cfg.self.name, sizeof(cfg.self.name), "%s", s->conf->name);
	r = net_addr_parse(rpc_address, 0, &addr);
	return r < 0 ? r : rpc_listen(&cfg, &addr, &s->rpc);
}

void lock_layer_hurry(struct worker *w)
{
	if (w->lock)
		lockc_hurry(w->lock, loop_now(w->loop) + LAST_WAIT_MS * NSEC_PER_MSEC);
}

void lock_layer_deafen(struct smbd *s)
{
	rpc_server_free(TAKE_PTR(s->rpc));
}

static bool may_serve(void *arg)
{
	return worker_may_serve(arg);
}

/* --- leases on directories: what the notify module hears, the lock module breaks by --- */

static bool dirs_armed(void *arg, uint32_t slot)
{
	const struct worker *w = arg;

	return w->notify && ntf_slot_armed(w->notify, slot);
}

static void dirs_wanted(void *arg, uint32_t slot, bool on)
{
	const struct worker *w = arg;

	if (w->notify)
		ntf_slot_want(w->notify, slot, on);
}

static void dir_changed(void *arg, const struct file_key *dir, const struct ntf_by *by)
{
	const struct worker *w = arg;

	if (w->lock)
		lockc_dir_changed(w->lock, dir, by->known ? &by->key : NULL);
}

static void dirs_missed(void *arg)
{
	const struct worker *w = arg;

	if (w->lock)
		lockc_dirs_missed(w->lock);
}

static bool connected(void *arg, uint64_t session_id)
{
	const struct session *s = session_find(arg, session_id);

	return s && session_connected(s);
}

int lock_layer_start(struct worker *w, const struct rpc_key *key, void (*lost)(void *arg))
{
	const struct smbd *s = w->smbd;
	struct lockc_config cfg = {
		.loop = w->loop,
		.store = s->store,
		.self = { .node = s->node_id, .worker = w->index, .incarnation = s->incarnation },
		.limits = { .locks_per_open = (uint32_t)MIN(w->tunables.max_locks_per_open,
							    (int)REC_LOCKS_MAX),
			    .waiters_per_session =
				    (uint32_t)w->tunables.max_pending_per_connection },
		.arg = w,
		.may_serve = may_serve,
		.unlink = file_unlink_record,
		.gone = file_open_gone,
		.connected = connected,
		.broken = caching_broken,
		.dirs_armed = dirs_armed,
		.dirs_wanted = dirs_wanted,
		.lost = lost,
	};
	struct ntf_config ntf = { .loop = w->loop,
				  .self = cfg.self,
				  .n_slots = store_info(s->store)->slots,
				  .changed = dir_changed,
				  .missed = dirs_missed,
				  .arg = w };
	int r;

	r = peers_new(w, key, &w->peers);
	if (r < 0)
		return r;
	cfg.net = peers_lk_net(w->peers);
	ntf.net = peers_ntf_net(w->peers);
	r = ntf_new(&ntf, &w->notify);
	return r < 0 ? r : lockc_new(&cfg, &w->lock);
}

int lock_layer_view(struct worker *w, const struct view *v)
{
	int r;

	w->scaled_out |= v->n > 1;
	peers_view(w->peers, v);
	r = ntf_view(w->notify, v);
	return r < 0 ? r : lockc_view(w->lock, v);
}

void lock_layer_stop(struct worker *w)
{
	event_stop(w);
	lockc_free(TAKE_PTR(w->lock));
	ntf_free(TAKE_PTR(w->notify));
	peers_free(TAKE_PTR(w->peers));
}
