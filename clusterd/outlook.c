/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See outlook.h. */
#include "clusterd/outlook.h"

void outlook(uint32_t level, const struct outlook_node *nodes, uint32_t n, bool without_absent, struct outlook *ret)
{
	struct level_range all = { 1, UINT32_MAX };
	struct outlook o = { .bar = OUTLOOK_FREE };
	uint32_t away = 0, present = 0, i;

	for (i = 0; i < n; i++) {
		if (!nodes[i].present) {
			away = away ?: nodes[i].node_id;
			continue;
		}
		present++;
		o.highest = MAX(o.highest, nodes[i].levels.max);
		/* The one with the oldest release; of several, the first. */
		if (nodes[i].levels.max < all.max)
			o.node_id = nodes[i].node_id;
		all = level_meet(all, nodes[i].levels);
	}
	o.next = present && all.min <= all.max ? all.max : 0;
	if (!o.next)
		o.bar = OUTLOOK_NOBODY;
	else if (o.highest <= level)
		o.bar = OUTLOOK_HIGHEST;
	else if (o.next <= level)
		o.bar = OUTLOOK_OLD;
	else if (away && !without_absent)
		o.bar = OUTLOOK_AWAY;
	o.node_id = o.bar == OUTLOOK_OLD ? o.node_id : o.bar == OUTLOOK_AWAY ? away : 0;
	*ret = o;
}
