/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the level of the cluster may be raised, and what stands against it. There is no way back, so every node of the
 * configuration has to be there with a release that speaks the next level; nodes that are away can be left behind only
 * on purpose, and come back with such a release or not at all. Pure; any thread.
 */
#ifndef HF_CLUSTERD_OUTLOOK_H
#define HF_CLUSTERD_OUTLOOK_H

#include "node/base/level.h"

struct outlook_node {
	uint32_t node_id;
	bool present; /* its clusterd is there and has told what it speaks */
	struct level_range levels;
};

enum outlook_bar {
	OUTLOOK_FREE,    /* it may be raised to `next` */
	OUTLOOK_HIGHEST, /* it is the highest that anybody speaks */
	OUTLOOK_OLD,     /* `node_id` has a release that speaks nothing higher, others do */
	OUTLOOK_AWAY,    /* `node_id` is not there to be asked */
	OUTLOOK_NOBODY,  /* nobody is there, or two have no level in common */
};

struct outlook {
	enum outlook_bar bar;
	uint32_t next;    /* the highest level that all who are there speak; 0: none */
	uint32_t highest; /* that anybody who is there speaks */
	uint32_t node_id; /* the first who stands against it; 0: nobody does */
};

/* `level` is that of the cluster, 0: it has none yet. `without_absent`: nodes that are away count for nothing. */
void outlook(uint32_t level, const struct outlook_node *nodes, uint32_t n, bool without_absent, struct outlook *ret);

#endif
