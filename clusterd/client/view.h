/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The view: who is in the cluster, as agreed in the quorate partition. Views are numbered by `epoch`, which only
 * grows, also across a full restart; two views with one epoch are the same view. A view never changes once it was
 * made, so it is shared by reference; any thread.
 */
#ifndef HF_CLUSTERD_CLIENT_VIEW_H
#define HF_CLUSTERD_CLIENT_VIEW_H

#include "node/base/level.h"

#define VIEW_MEMBERS_MAX 64
#define VIEW_NAME_MAX 63
#define VIEW_ADDR_MAX 79 /* "[v6%scope]:65535", see node/net/addr.h */
#define VIEW_ADDRS_MAX 16

enum view_state {
	VIEW_UP = 0,
	VIEW_DRAINING = 1, /* serves what it has, takes nothing new */
};

struct view_member {
	uint32_t node_id;
	uint32_t workers;     /* of its smbd; placement counts on it */
	uint64_t incarnation; /* of its smbd; 0: none is running, it owns nothing */
	enum view_state state;
	struct level_range levels; /* what its clusterd and its smbd both speak */
	uint32_t n_smb_addrs;
	char name[VIEW_NAME_MAX + 1];
	char rpc_addr[VIEW_ADDR_MAX + 1]; /* for net_addr_parse(); empty when incarnation is 0 */
	char smb_addrs[VIEW_ADDRS_MAX][VIEW_ADDR_MAX + 1];
};

struct view {
	uint32_t refs; /* private */
	uint32_t n;
	uint64_t epoch;               /* 0 only before the first view */
	uint32_t level;               /* of the cluster; 0 only before the first view */
	struct view_member members[]; /* by ascending node_id, each node_id once */
};

/* Makes a view with room for `n` members, zero-filled, to be filled in before it is shared; one reference. NULL: no
 * memory or n > VIEW_MEMBERS_MAX. */
struct view *view_new(uint32_t n);
/* Takes one more reference; accepts NULL. Returns `v`. */
struct view *view_ref(const struct view *v);
/* Gives a reference back; accepts NULL. */
void view_unref(struct view *v);
DEFINE_CLEANUP(struct view, view, view_unref)
#define _cleanup_view_ _cleanup_(cleanup_view)

/* The member with this node id, or NULL. */
const struct view_member *view_find(const struct view *v, uint32_t node_id);
/* Whether exactly this run of the node's smbd is a member (incarnation 0 never is). */
bool view_has(const struct view *v, uint32_t node_id, uint64_t incarnation);
/* Whether both name the same members in the same states; epochs and levels are not compared. */
bool view_same_members(const struct view *a, const struct view *b);

#endif
