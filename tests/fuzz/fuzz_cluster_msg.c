/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one clusterd multicasts to the others, and the stored view: decoded, and handed to the core of the membership. */
#include "clusterd/client/view_pb.h"
#include "clusterd/vcore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void send_nothing(void *arg, const struct msg *m) {}
static void publish_nothing(void *arg, const struct view *base, const struct view *next) {}
static void view_nothing(void *arg, const struct view *v) {}
static void lease_nothing(void *arg, uint64_t deadline) {}
static void evicted_nothing(void *arg, uint64_t incarnation) {}
static void outdated_nothing(void *arg, uint32_t level) {}

static const struct vcore_ops ops = { send_nothing, publish_nothing, view_nothing, lease_nothing, evicted_nothing,
				       outdated_nothing };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct vcore_proc procs[] = { { 1, 10 }, { 2, 20 }, { 3, 30 } };
	static const struct vcore_votes votes[] = { { 1, 1 }, { 2, 1 }, { 3, 1 } };
	struct msg_node self = { .member = { .node_id = 1, .incarnation = 77, .levels = { 1, 1 } }, .entered = true };
	struct vcore_ring ring = { 1, 4 };
	_cleanup_arena_ struct arena a = { 0 };
	_cleanup_view_ struct view *v = NULL;
	static struct vcore core;
	struct msg m;

	if (view_decode(BLOB(data, size), &v) == 0)
		assert(view_same_members(v, v));
	if (msg_decode(BLOB(data, size), &a, &m) < 0)
		return 0;
	vcore_init(&core, &ops, NULL, &self, NULL, 1000, 5, 1);
	vcore_quorum(&core, true, 2, votes, 3);
	vcore_config(&core, &ring, procs, 3);
	vcore_step(&core, 2);
	/* From each member in turn, whatever configuration the message claims. */
	for (size_t i = 0; i < ARRAY_SIZE(procs); i++) {
		if (m.type == MSG_SYNC)
			m.sync.config = core.config;
		if (m.type == MSG_REMOVE)
			m.remove.config = core.config;
		vcore_deliver(&core, procs[i].node_id, procs[i].pid, &m, 3 + i);
		vcore_step(&core, 3 + i);
	}
	vcore_step(&core, 100000);
	vcore_done(&core);
	msg_done(&m);
	return 0;
}
