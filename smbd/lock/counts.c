/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of leases and oplocks: which event is which count. Pure; any thread. */
#include "smbd/lock/counts.h"

#include "node/base/clock.h"

static uint64_t *lease_count(struct lease_stats *c, uint32_t state)
{
	switch (state) {
	case LEASE_R:
		return &c->lease_r;
	case LEASE_R | LEASE_H:
		return &c->lease_rh;
	case LEASE_R | LEASE_W:
		return &c->lease_rw;
	default:
		return &c->lease_rwh;
	}
}

static uint64_t *oplock_count(struct lease_stats *c, uint32_t state)
{
	if (state == LEASE_R)
		return &c->oplock_ii;
	return state & LEASE_H ? &c->oplock_batch : &c->oplock_exclusive;
}

void counts_granted(struct lease_stats *c, const struct rec_lease *l, bool directory)
{
	if (!l->state)
		return;
	if (!l->version)
		(*oplock_count(c, l->state))++;
	else if (directory)
		(*(l->state & LEASE_H ? &c->dir_rh : &c->dir_r))++;
	else
		(*lease_count(c, l->state))++;
}

/* False: there is no break. */
static bool began(struct lease_stats *c, enum lease_notice n)
{
	c->breaks += n != LEASE_QUIET;
	c->told += n == LEASE_TOLD;
	return n != LEASE_QUIET;
}

void counts_break(struct lease_stats *c, enum lease_notice n, enum lease_op op, bool directory)
{
	if (!began(c, n))
		return;
	switch (op) {
	case LEASE_OP_NONE: /* breaks nothing */
		break;
	case LEASE_OP_OPEN:
		c->break_open++;
		break;
	case LEASE_OP_OVERWRITE:
		c->break_overwrite++;
		break;
	case LEASE_OP_HANDLE:
		c->break_handle++;
		break;
	case LEASE_OP_WRITE:
		(*(directory ? &c->break_entry : &c->break_write))++;
		break;
	}
}

void counts_break_next(struct lease_stats *c, enum lease_notice n)
{
	if (began(c, n))
		c->break_next++;
}

void counts_took(struct lease_stats *c, uint64_t ns)
{
	uint64_t ms = ns / NSEC_PER_MSEC;

	c->sum_ms += ms;
	c->max_ms = MAX(c->max_ms, ms);
	if (ms <= 10)
		c->in_10ms++;
	else if (ms <= 100)
		c->in_100ms++;
	else if (ms <= 1000)
		c->in_1s++;
	else if (ms <= 10000)
		c->in_10s++;
	else
		c->in_more++;
}
