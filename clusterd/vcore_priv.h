/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What vcore.c and vcore_step.c share. */
#ifndef HF_CLUSTERD_VCORE_PRIV_H
#define HF_CLUSTERD_VCORE_PRIV_H

#include "clusterd/vcore.h"

struct vcore_member *vcore_find(const struct vcore *c, uint32_t node_id);
bool vcore_condemned(const struct vcore *c, uint32_t node_id, uint64_t incarnation);
/* Multicasts our own state. */
void vcore_send_node(struct vcore *c);

#endif
