/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The view as a protobuf message: for the wire and for the state store. Pure; any thread. */
#ifndef HF_CLUSTERD_CLIENT_VIEW_PB_H
#define HF_CLUSTERD_CLIENT_VIEW_PB_H

#include "clusterd/client/cluster.pb-c.h"
#include "clusterd/client/view.h"
#include "node/base/arena.h"

/* Fills a message that points into `m` and into `a`. -ENOMEM. */
int member_to_pb(const struct view_member *m, struct arena *a, Hfc__Member *ret);
/* -EBADMSG: an address or name too long, too many addresses, an unknown state, node id 0. */
int member_from_pb(const Hfc__Member *pb, struct view_member *ret);
/* As above, in the arena; NULL: no memory. */
Hfc__View *view_to_pb(const struct view *v, struct arena *a);
/* The range as it is sent: what says nothing is from before there were levels. */
struct level_range levels_from_pb(uint32_t min, uint32_t max);
/* -EPROTONOSUPPORT: a format or a level that this build does not speak; -EBADMSG: as above, or members not in ascending order; -ENOMEM. */
int view_from_pb(const Hfc__View *pb, struct view **ret);

/* The same as bytes in the arena. -ENOMEM. */
int view_encode(const struct view *v, struct arena *a, struct blob *ret);
/* As view_from_pb. */
int view_decode(struct blob b, struct view **ret);
/* The level in an encoded view of any format; 0: there is none. */
uint32_t view_level(struct blob b);

#endif
