/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The level of a cluster: one number for all that its nodes say to each other and leave for each other. A build speaks a range
 * of levels (node/base/level.def); the cluster has one, which its view names, and which only grows. Nodes write as the
 * cluster's level has it, and read whatever their build can. Pure; any thread.
 */
#ifndef HF_NODE_BASE_LEVEL_H
#define HF_NODE_BASE_LEVEL_H

#include "node/base/util.h"

#define LEVEL_LEASES 2u /* from here on leases and oplocks are granted, kept and told of */
#define LEVEL_NOTIFY 2u /* from here on changes of directories are told */

struct level_row {
	uint32_t level;
	uint32_t rpc, record, cpg; /* versions, see level.def */
	const char *brings;        /* for operators */
};

struct level_range {
	uint32_t min, max; /* min > max: nothing */
};

/* The levels of this build. */
struct level_range level_own(void);
/* What `level` brings; it must be one of level_own(), or 0: a cluster that has none yet is spoken to in the oldest one. */
const struct level_row *level_row(uint32_t level);
/* Whether somebody who speaks `r` can be in a cluster of this level; in one that has none yet (0), everybody can. */
bool level_fits(struct level_range r, uint32_t level);
/* What both speak. */
struct level_range level_meet(struct level_range a, struct level_range b);
/* "1" or "1-3". `buf` has LEVEL_TEXT_SIZE bytes. Returns `buf`. */
#define LEVEL_TEXT_SIZE 24
char *level_text(struct level_range r, char buf[static LEVEL_TEXT_SIZE]);

#endif
