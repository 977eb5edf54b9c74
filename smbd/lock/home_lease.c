/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leases and oplocks at the home: the state that the owner says, and how a client hears of a break. On the worker's
 * loop. */
#include "smbd/lock/lockc_priv.h"

#include "node/base/hash.h"
#include "node/log/log.h"
#include "smbd/lock/lease.h"

uint64_t home_lease_hash(const struct guid *client, const struct guid *key)
{
	struct guid both[2] = { *client, *key };

	return hash64(both, sizeof(both), 1);
}

static bool same_lease(const struct lk_open *o, const struct guid *client, const struct guid *key)
{
	return guid_equal(&o->rec.client_guid, client) && guid_equal(&o->rec.lease.key, key);
}

/* The next open with that lease: pass the first node of its hash, then what follows. */
static struct lk_open *next(struct hnode *n, const struct guid *client, const struct guid *key)
{
	for (; n; n = htable_find_next(n)) {
		struct lk_open *o = htable_entry(n, struct lk_open, by_lease);

		if (same_lease(o, client, key))
			return o;
	}
	return NULL;
}

static struct lk_open *first(struct lockc *c, const struct guid *client, const struct guid *key)
{
	return next(htable_find(&c->by_lease, home_lease_hash(client, key)), client, key);
}

static struct lk_open *after(struct lk_open *o)
{
	return next(htable_find_next(&o->by_lease), &o->rec.client_guid, &o->rec.lease.key);
}

bool lockc_leases(const struct lockc *c)
{
	return c->view && c->view->level >= LEVEL_LEASES;
}

struct lk_open *lockc_lease_find(struct lockc *c, const struct guid *client_guid, const struct guid *key)
{
	return first(c, client_guid, key);
}

void home_lease_add(struct lockc *c, struct lk_open *o)
{
	const struct lk_open *other;

	if (!rec_lease_keyed(&o->rec.lease))
		return;
	other = first(c, &o->rec.client_guid, &o->rec.lease.key);
	if (other)
		o->told = other->told;
	o->in_lease = true;
	htable_insert(&c->by_lease, &o->by_lease, home_lease_hash(&o->rec.client_guid, &o->rec.lease.key));
}

void home_lease_remove(struct lockc *c, struct lk_open *o)
{
	if (o->in_lease)
		htable_remove(&c->by_lease, &o->by_lease);
	o->in_lease = false;
}

bool home_lease_elsewhere(struct lockc *c, const struct rec_open *want)
{
	const struct lk_open *o;
	struct htable_iter it;
	struct hnode *n;

	if (!rec_lease_keyed(&want->lease))
		return false;
	o = first(c, &want->client_guid, &want->lease.key);
	if (o)
		return !file_key_equal(&o->rec.key, &want->key);
	htable_foreach(n, &it, &c->reqs) {
		const struct lk_msg *m = htable_entry(n, struct hreq, by_req)->m;

		if (m->kind == LKM_OPEN && rec_lease_keyed(&m->rec.lease) &&
		    guid_equal(&m->rec.client_guid, &want->client_guid) &&
		    guid_equal(&m->rec.lease.key, &want->lease.key) &&
		    !file_key_equal(&m->rec.key, &want->key))
			return true;
	}
	return false;
}

/* Has one of the opens of the lease tell the client; the first that has a way to it. */
static bool tell(struct lockc *c, struct lk_open *o, const struct lk_break *b)
{
	if (!c->cfg.broken)
		return true;
	if (!o->in_lease)
		return c->cfg.broken(c->cfg.arg, o, b);
	for (o = first(c, &o->rec.client_guid, &o->rec.lease.key); o; o = after(o))
		if (c->cfg.broken(c->cfg.arg, o, b))
			return true;
	return false;
}

static void set_told(struct lockc *c, struct lk_open *o, uint64_t change)
{
	o->told = change;
	if (!o->in_lease)
		return;
	for (o = first(c, &o->rec.client_guid, &o->rec.lease.key); o; o = after(o))
		o->told = change;
}

/* True: it is on its way to the client. */
static bool tell_breaking(struct lockc *c, struct lk_open *o)
{
	const struct rec_lease *l = &o->rec.lease;
	struct lk_break b = { .from = l->state, .to = l->breaking_to, .epoch = l->epoch, .ack = true };

	if (!l->breaking || !tell(c, o, &b))
		return false;
	set_told(c, o, l->change);
	return true;
}

void lockc_tell_break(struct lockc *c, struct lk_open *o)
{
	if (o->told < o->rec.lease.change)
		(void)tell_breaking(c, o);
}

void lockc_tell_break_again(struct lockc *c, struct lk_open *o)
{
	o->told = 0;
	c->stats.leases.resent += tell_breaking(c, o);
}

/* What cached only reads is broken without asking. */
static void tell_broken(struct lockc *c, struct lk_open *o)
{
	struct lk_break b = { .from = LEASE_R, .epoch = o->rec.lease.epoch };

	if (o->told >= o->rec.lease.change)
		return;
	(void)tell(c, o, &b);
	set_told(c, o, o->rec.lease.change);
}

static void take(struct lk_open *o, const struct rec_lease *l)
{
	if (l->change > o->rec.lease.change)
		o->rec.lease = *l;
}

static void say_late(const struct lk_open *o)
{
	log_warn("lease lost: client=%s rule=break not acknowledged in time path=%s",
		 o->rec.client[0] ? o->rec.client : "-", log_esc(o->rec.path));
}

void home_lease(struct lockc *c, const struct guid *client, uint64_t id, const struct rec_lease *l, uint32_t flags)
{
	struct lk_open *o = rec_lease_keyed(l) ? first(c, client, &l->key) : lockc_find(c, id), *i;

	if (!o)
		return;
	if ((flags & LKF_LATE) && l->change > o->rec.lease.change)
		say_late(o);
	take(o, l);
	for (i = o->in_lease ? after(o) : NULL; i; i = after(i))
		take(i, l);
	if (!(flags & LKF_NOTIFY) || (flags & LKF_LATE))
		return;
	if (o->rec.lease.breaking)
		lockc_tell_break(c, o);
	else if (o->rec.lease.state == 0)
		tell_broken(c, o);
}

int lockc_break_ack(struct lockc *c, struct lk_open *o, uint32_t state)
{
	struct lk_msg m = { .kind = LKM_BREAK_ACK,
			    .id = o->rec.id,
			    .slot = (uint32_t)(o->rec.id & 0xffff),
			    .count = state };
	struct hreq r = { .m = &m, .open = o };

	return o->gone ? LK_GONE : home_call(c, &r, 0, false);
}
