/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings that hold for the whole cluster, kept as one record in the state store. The table is
 * tunables.def. */
#ifndef HF_NODE_CONF_TUNABLES_H
#define HF_NODE_CONF_TUNABLES_H

#include "node/conf/conf.h"

/* Index of smb_min_dialect and smb_max_dialect; tunables_dialect() gives the number on the wire. */
enum tunables_dialect {
	TUNABLES_SMB_202,
	TUNABLES_SMB_210,
	TUNABLES_SMB_300,
	TUNABLES_SMB_302,
	TUNABLES_SMB_311,
};

/* Sizes are bytes, durations milliseconds with "_ms" behind the key's name. Holds no pointer: copy
 * it freely. */
struct tunables {
#define TUNABLE_INT(name, def, min, max, unit, scope, prose) int name;
#define TUNABLE_SIZE(name, def, min, max, scope, prose) uint64_t name;
#define TUNABLE_DURATION(name, def, min, max, scope, prose) uint64_t name##_ms;
#define TUNABLE_BOOL(name, def, scope, prose) bool name;
#define TUNABLE_ENUM(name, def, values, scope, prose) int name;
#include "node/conf/tunables.def"
};

extern const struct conf_schema tunables_schema;

/* Fills in the defaults. */
void tunables_init(struct tunables *t);
/* Checks what a single row cannot (smb_min_dialect <= smb_max_dialect ...). -EINVAL with `err`
 * filled. */
int tunables_check(const struct tunables *t, struct conf_error *err);
/* 0x0202 ... 0x0311 for an enum tunables_dialect. */
uint16_t tunables_dialect(int index);

#endif
