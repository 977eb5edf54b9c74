/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state machine of leases and oplocks. Pure; any thread. */
#include "smbd/lock/lease.h"

/* MS-SMB2 2.2.13.1.1 */
#define READ_ATTRIBUTES 0x80u
#define WRITE_ATTRIBUTES 0x100u
#define READ_CONTROL 0x20000u
#define SYNCHRONIZE 0x100000u

bool lease_stat_open(uint8_t version, uint32_t access)
{
	uint32_t stat = READ_ATTRIBUTES | WRITE_ATTRIBUTES | SYNCHRONIZE;

	return !(access & ~(version ? stat | READ_CONTROL : stat));
}

enum lease_op lease_op_of_open(uint8_t version, uint32_t access, bool overwrite)
{
	if (overwrite)
		return LEASE_OP_OVERWRITE;
	return lease_stat_open(version, access) ? LEASE_OP_NONE : LEASE_OP_OPEN;
}

/* A state that a client can have: nothing is cached without reads; an oplock loses its handle with its writes. */
static uint32_t valid(uint8_t version, uint32_t state)
{
	if (!(state & LEASE_R))
		return 0;
	return version || (state & LEASE_W) ? state & LEASE_ALL : LEASE_R;
}

uint32_t lease_keeps(const struct rec_lease *l, enum lease_op op)
{
	switch (op) {
	case LEASE_OP_NONE:
		return l->state;
	case LEASE_OP_OPEN:
		return valid(l->version, l->state & ~LEASE_W);
	case LEASE_OP_HANDLE:
		if (!l->version) /* a batch oplock breaks to level II */
			return l->state & LEASE_H ? LEASE_R : l->state;
		return valid(l->version, l->state & ~LEASE_H);
	case LEASE_OP_OVERWRITE:
	case LEASE_OP_WRITE:
		return 0;
	}
	return 0;
}

bool lease_waits(const struct rec_lease *l, enum lease_op op)
{
	switch (op) {
	case LEASE_OP_NONE:
		return false;
	case LEASE_OP_HANDLE:
		return l->state & LEASE_H;
	default:
		return l->state & LEASE_W;
	}
}

bool lease_breaks_itself(const struct rec_lease *l, enum lease_op op)
{
	return l->present && !l->version && l->state == LEASE_R && op == LEASE_OP_WRITE;
}

bool lease_caches_reads(const struct rec_lease *l)
{
	return l->present && (l->breaking ? l->breaking_to : l->state) & LEASE_R;
}

bool lease_keeps_handle(const struct rec_lease *l)
{
	return l->present && (l->state & LEASE_H) && !l->breaking;
}

uint32_t lease_allowed(uint8_t version, uint32_t want, const struct lease_others *o)
{
	want = valid(version, want);
	if (o->write)
		return 0;
	if (o->opens)
		want = valid(version, want & ~LEASE_W);
	if (version && o->level2)
		want &= ~LEASE_H;
	if (!version && want == LEASE_R && o->handle)
		return 0;
	/* MS-FSA 2.1.5.18: no shared caching beside byte-range locks on what there is to cache */
	return o->locks && !(want & LEASE_W) ? 0 : want;
}

void lease_grant(struct rec_lease *l, const struct lease_others *o)
{
	l->state = lease_allowed(l->version, l->state, o);
	l->breaking = false;
	l->breaking_to = l->required = 0;
	l->change = 1;
	l->ack_req = 0;
	l->epoch = l->version == 2 ? (uint16_t)(l->epoch + (l->state != 0)) : 0;
}

bool lease_upgrade(struct rec_lease *l, uint32_t want, const struct lease_others *o)
{
	uint32_t can = lease_allowed(l->version, want, o);

	if (l->breaking || can != want || can == l->state || (l->state & ~can))
		return false;
	l->state = can;
	l->change++;
	if (l->version == 2)
		l->epoch++;
	return true;
}

/* The client is to come down to `to`, which is less than it has. */
static enum lease_notice start(struct rec_lease *l, uint32_t to)
{
	l->change++;
	if (l->state == LEASE_R) { /* 3.3.4.7: needs no acknowledgement */
		l->state = 0;
		return LEASE_TOLD;
	}
	l->breaking = true;
	l->breaking_to = to;
	return LEASE_ASKED;
}

enum lease_notice lease_contend(struct rec_lease *l, enum lease_op op)
{
	uint32_t keep = lease_keeps(l, op);

	if (!(l->state & ~keep))
		return LEASE_QUIET;
	if (l->breaking) { /* one break at a time; the rest follows its acknowledgement */
		l->required &= keep;
		return LEASE_QUIET;
	}
	l->required = keep;
	if (l->version == 2)
		l->epoch++;
	return start(l, keep);
}

enum lease_ack lease_ack(struct rec_lease *l, uint32_t state, enum lease_notice *ret_next)
{
	*ret_next = LEASE_QUIET;
	if (!l->breaking)
		return LEASE_ACK_NOT_BREAKING;
	if (state & ~l->breaking_to)
		return LEASE_ACK_REFUSED;
	l->state = valid(l->version, state);
	l->breaking = false;
	l->breaking_to = 0;
	l->change++;
	/* Step by step, as Windows does: first everything but reads, then these (same epoch). */
	if (l->state & ~l->required)
		*ret_next = start(l, l->state == LEASE_R ? 0 : l->required | LEASE_R);
	return LEASE_ACK_OK;
}

void lease_timeout(struct rec_lease *l)
{
	l->state = 0;
	l->breaking = false;
	l->breaking_to = l->required = 0;
	l->change++;
}

void lease_repeat(struct rec_lease *l)
{
	l->change++;
	if (l->version == 2)
		l->epoch++;
}

bool lease_renew(struct rec_lease *l, const struct lease_others *o, uint16_t epoch)
{
	uint32_t can = lease_allowed(l->version, l->state, o);

	/* 16 bits that wrap; never back to what the client may have heard of */
	if (l->version != 2 || l->breaking || l->state == 0 || (int16_t)(epoch - l->epoch) < 0)
		return false;
	epoch = (uint16_t)(epoch + (can == LEASE_R));
	if (epoch == l->epoch && can == l->state)
		return false;
	l->state = can;
	l->epoch = epoch;
	l->change++;
	return true;
}
