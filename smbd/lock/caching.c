/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leases and oplocks as decided by the owner: which opens share one, whom a request breaks, who is told, and what
 * becomes of breaks that nobody can be told of. On the owner's worker.
 */
#include "smbd/lock/core_priv.h"

#include "node/base/clock.h"
#include "node/base/fault.h"
#include "smbd/lock/share.h"

/* --- leases and their opens --- */

struct lk_lease *caching_find(const struct lk_file *f, const struct guid *client, const struct rec_lease *want)
{
	struct lk_lease *l;

	if (!rec_lease_keyed(want))
		return NULL;
	list_foreach(l, &f->leases, in_file)
		if (l->m.version && guid_equal(&l->client, client) && guid_equal(&l->m.key, &want->key))
			return l;
	return NULL;
}

static void arm(struct lk_core *c, struct lk_lease *l)
{
	l->deadline = c->mono + c->limits->break_ms * NSEC_PER_MSEC;
	if (list_empty(&l->breaking))
		list_append(&c->breaking, &l->breaking);
}

/* How long the client has had for the break that is armed, ns. */
static uint64_t asked_for(const struct lk_core *c, const struct lk_lease *l)
{
	uint64_t since = l->deadline - c->limits->break_ms * NSEC_PER_MSEC;

	return c->mono > since ? c->mono - since : 0;
}

/* The break is over: who waits for it goes on. */
static void disarm(struct lk_lease *l)
{
	list_remove(&l->breaking);
	l->file->unblock = true;
}

/* What a record or a home says of a lease is newer than what is known. */
static void take(struct lk_core *c, struct lk_lease *l, const struct rec_lease *from)
{
	struct lk_ent *e;

	l->m = *from;
	list_foreach(e, &l->ents, in_lease)
		e->rec.lease = l->m;
	if (l->m.breaking)
		arm(c, l);
	else
		list_remove(&l->breaking);
}

int caching_join(struct lk_core *c, struct lk_ent *e)
{
	struct lk_file *f = e->file;
	struct lk_lease *l;

	if (!e->rec.lease.present || e->rec.phase != REC_OPEN || e->lease)
		return 0;
	l = caching_find(f, &e->rec.client_guid, &e->rec.lease);
	if (!l) {
		l = calloc(1, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->file = f;
		l->client = e->rec.client_guid;
		list_init(&l->breaking);
		list_init(&l->ents);
		list_init(&l->in_dirs);
		if (e->rec.directory)
			list_append(&c->dirs, &l->in_dirs);
		list_append(&f->leases, &l->in_file);
	}
	list_append(&l->ents, &e->in_lease);
	e->lease = l;
	caching_merge(c, e, &e->rec.lease);
	return 0;
}

void caching_merge(struct lk_core *c, struct lk_ent *e, const struct rec_lease *said)
{
	struct rec_lease s = *said;

	if (!e->lease)
		return;
	if (s.change > e->lease->m.change)
		take(c, e->lease, &s);
	else if (s.change < e->lease->m.change)
		e->lease->behind = true;
	e->rec.lease = e->lease->m;
}

void caching_leave(struct lk_core *c, struct lk_ent *e)
{
	struct lk_lease *l = TAKE_PTR(e->lease);

	if (!l)
		return;
	list_remove(&e->in_lease);
	if (!list_empty(&l->ents))
		return;
	if (l->m.breaking) {
		c->counts->closed++;
		counts_took(c->counts, asked_for(c, l));
	}
	disarm(l);
	list_remove(&l->in_file);
	list_remove(&l->in_dirs);
	free(l);
}

bool caching_keeps_handle(const struct lk_ent *e)
{
	return e->rec.persistent || (e->rec.durable && e->lease && lease_keeps_handle(&e->lease->m));
}

/* An open of it, but for one, whose client has a connection. */
static struct lk_ent *reachable_beside(const struct lk_core *c, const struct lk_lease *l, const struct lk_ent *but)
{
	struct lk_ent *e;

	list_foreach(e, &l->ents, in_lease)
		if (e != but && !e->rec.disconnected && ent_home_alive(c, e))
			return e;
	return NULL;
}

static struct lk_ent *reachable(const struct lk_core *c, const struct lk_lease *l)
{
	return reachable_beside(c, l, NULL);
}

static bool home_seen(const struct lk_lease *l, const struct lk_ent *before)
{
	const struct lk_ent *e;
	struct place p = ent_home(before);

	list_foreach(e, &l->ents, in_lease) {
		if (e == before)
			return false;
		if (ent_at(e, &p))
			return true;
	}
	return false;
}

/* Every home with an open of it is told the new state, `first` with `flags`; but for `knows`, which may be NULL. */
static void tell_homes(struct lk_core *c, struct lk_lease *l, struct lk_ent *first, uint32_t flags,
		       const struct place *knows, struct fx *fx)
{
	struct place p = { 0 };
	struct lk_ent *e;

	if (first) {
		p = ent_home(first);
		ent_note(c, first, LKF_LEASE | flags, 0, fx);
	}
	list_foreach(e, &l->ents, in_lease) {
		if ((first && ent_at(e, &p)) || (knows && ent_at(e, knows)) || !ent_home_alive(c, e) ||
		    home_seen(l, e))
			continue;
		ent_note(c, e, LKF_LEASE, 0, fx);
	}
}

static void changed(struct lk_lease *l, struct fx *fx)
{
	struct lk_ent *e;

	list_foreach(e, &l->ents, in_lease) {
		e->rec.lease = l->m;
		ent_changed(e, fx);
	}
}

/* --- what is granted --- */

static bool locks_within(const struct rec_open *o, uint64_t allocated)
{
	for (uint32_t i = 0; i < o->n_locks; i++)
		if (o->locks[i].offset < allocated)
			return true;
	return false;
}

void caching_others(const struct lk_file *f, const struct lk_lease *own, uint64_t allocated, struct lease_others *ret)
{
	const struct lk_lease *l;
	const struct lk_ent *e;

	*ret = (struct lease_others){ 0 };
	list_foreach(e, &f->opens, in_file) {
		ret->locks |= locks_within(&e->rec, allocated);
		if (e->lease != own || !own)
			ret->opens |= !lease_stat_open(e->rec.lease.version, e->rec.access);
	}
	list_foreach(l, &f->leases, in_file) {
		if (l == own)
			continue;
		ret->opens |= l->m.state != 0;
		ret->write |= (l->m.state & LEASE_W) != 0;
		ret->handle |= l->m.version && (l->m.state & LEASE_H);
		ret->level2 |= !l->m.version && l->m.state == LEASE_R;
	}
}

static void join_or_raise(struct lk_core *c, struct lk_lease *own, struct rec_open *w, const struct lease_others *o,
			  const struct place *from, struct fx *fx)
{
	if (lease_upgrade(&own->m, w->lease.state, o)) {
		counts_granted(c->counts, &own->m, w->directory);
		c->counts->raised++;
		changed(own, fx);
		tell_homes(c, own, NULL, 0, from, fx);
	}
	w->lease = own->m;
}

void caching_grant(struct lk_core *c, struct lk_file *f, struct rec_open *w, const struct place *from, struct fx *fx)
{
	struct lk_lease *own = caching_find(f, &w->client_guid, &w->lease);
	uint32_t asked = w->lease.state;
	struct lease_others o;

	if (!w->lease.present)
		return;
	if (w->directory)
		dirs_limit(c, w);
	caching_others(f, own, w->allocated, &o);
	if (own) {
		join_or_raise(c, own, w, &o, from, fx);
	} else {
		lease_grant(&w->lease, &o);
		counts_granted(c->counts, &w->lease, w->directory);
	}
	c->counts->less += (asked & ~w->lease.state) != 0;
}

bool caching_asks(const struct lk_ent *e)
{
	const struct lk_lease *l;

	list_foreach(l, &e->file->leases, in_file)
		if (l == e->lease ? lease_breaks_itself(&l->m, LEASE_OP_WRITE) : lease_caches_reads(&l->m))
			return true;
	return false;
}

bool caching_recall_writers(struct lk_core *c, struct lk_file *f, const struct rec_open *w, struct fx *fx)
{
	const struct lk_lease *own = caching_find(f, &w->client_guid, &w->lease);
	struct lk_ent *e;
	bool wait = false;

	if (!w->lease.present || !(w->lease.state & LEASE_R) || w->directory)
		return false;
	list_foreach(e, &f->opens, in_file) {
		if ((own && e->lease == own) || !(share_uses(e->rec.access) & SHARE_WRITE) ||
		    (!e->write_permit && !e->io))
			continue;
		wait = true;
		if (!(e->note_flags & (LKF_RECALL | LKF_RECALL_WRITE)))
			ent_note(c, e, LKF_RECALL_WRITE, 0, fx);
	}
	return wait;
}

/* --- breaking --- */

/* Nobody can be asked, and the handle would not survive what is asked for (3.3.4.6, 3.3.4.7). True: one was closed. */
static bool close_unreachable(struct lk_core *c, struct lk_lease *l, enum lease_op op, uint64_t now, struct fx *fx)
{
	struct lk_ent *e;

	if (reachable(c, l) || (!lease_waits(&l->m, op) && (lease_keeps(&l->m, op) & LEASE_H)))
		return false;
	list_foreach(e, &l->ents, in_lease) {
		if (e->rec.persistent || !e->rec.disconnected)
			continue;
		close_by_owner(c, e, LK_GONE_CONTENDED, now, fx);
		return true;
	}
	return false;
}

void caching_break(struct lk_core *c, struct lk_lease *l, enum lease_op op, struct fx *fx)
{
	enum lease_notice n = lease_contend(&l->m, op);

	if (n == LEASE_QUIET)
		return;
	counts_break(c->counts, n, op, !list_empty(&l->in_dirs));
	l->unsaid = !reachable(c, l);
	if (n == LEASE_ASKED)
		arm(c, l);
	changed(l, fx);
	tell_homes(c, l, reachable(c, l), LKF_NOTIFY, NULL, fx);
}

static bool contend_all(struct lk_core *c, struct lk_file *f, const struct contender *k, uint64_t now, struct fx *fx)
{
	struct lk_lease *l;
	bool wait;

again:
	wait = false;
	list_foreach(l, &f->leases, in_file) {
		enum lease_op op = k->op;

		if (l == k->own && !lease_breaks_itself(&l->m, op))
			continue;
		if (op == LEASE_OP_OPEN)
			op = lease_op_of_open(l->m.version, k->access, k->overwrite);
		if (!(l->m.state & ~lease_keeps(&l->m, op)))
			continue;
		if (close_unreachable(c, l, op, now, fx))
			goto again;
		wait |= lease_waits(&l->m, op);
		caching_break(c, l, op, fx);
	}
	return wait;
}

bool caching_contend(struct lk_core *c, struct lk_file *f, const struct contender *k, uint64_t now, struct fx *fx)
{
	bool kicking = f->kicking, wait;

	if (fault(FAULT_NO_LEASE_BREAK))
		return false;
	/* Closing an open must not decide other requests in the middle of this one. */
	f->kicking = true;
	wait = contend_all(c, f, k, now, fx);
	f->kicking = kicking;
	return wait;
}

bool caching_untold(const struct lk_file *f, const struct lk_lease *own)
{
	const struct lk_ent *e;

	list_foreach(e, &f->opens, in_file)
		if ((e->note_flags & LKF_NOTIFY) && (!own || e->lease != own))
			return true;
	return false;
}

/* --- how breaks end --- */

static void reply_ack(const struct lk_lease *l, const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg *r = reply(fx, m, LK_OK);

	if (!r)
		return;
	r->flags = LKF_LEASE;
	r->lease = l->m;
	r->client_guid = l->client;
	r->count = m->count;
}

void do_break_ack(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = ent_of(c, m, fx);
	struct lk_lease *l = e ? e->lease : NULL;
	enum lease_notice next = LEASE_QUIET;
	enum lease_ack a;

	if (!e)
		return;
	if (l && l->m.ack_req == m->req) { /* executed before, the reply was lost */
		reply_ack(l, m, fx);
		return;
	}
	a = l ? lease_ack(&l->m, m->count, &next) : LEASE_ACK_NOT_BREAKING;
	if (a != LEASE_ACK_OK) {
		(*(a == LEASE_ACK_REFUSED ? &c->counts->ack_not_accepted : &c->counts->ack_not_breaking))++;
		reply(fx, m, a == LEASE_ACK_REFUSED ? LK_NOT_ACCEPTED : LK_NOT_BREAKING);
		return;
	}
	c->counts->acked++;
	counts_took(c->counts, asked_for(c, l));
	counts_break_next(c->counts, next);
	l->m.ack_req = m->req;
	if (next == LEASE_ASKED)
		arm(c, l);
	else
		disarm(l);
	changed(l, fx);
	if (e->write_permit && !ent_may_write(e)) /* level II is left of its oplock */
		ent_note(c, e, LKF_RECALL_WRITE, 0, fx);
	reply_ack(l, m, fx);
	tell_homes(c, l, next == LEASE_QUIET ? NULL : e, next == LEASE_QUIET ? 0 : LKF_NOTIFY, &m->from, fx);
	file_kick(c, e->file, now, fx);
}

void core_breaks(struct lk_core *c, uint64_t now, struct fx *fx)
{
	struct lk_lease *l;

	while ((l = list_first(&c->breaking, struct lk_lease, breaking)) && l->deadline <= c->mono) {
		struct lk_file *f = l->file;

		lease_timeout(&l->m);
		c->counts->late++;
		disarm(l);
		changed(l, fx);
		tell_homes(c, l, reachable(c, l), LKF_LATE, NULL, fx);
		file_kick(c, f, now, fx);
	}
	file_sweep(c);
}

void caching_attached(struct lk_core *c, struct lk_ent *e, struct fx *fx)
{
	struct lk_lease *l = e->lease;

	if (!l)
		return;
	c->counts->reclaimed += l->m.state && !reachable_beside(c, l, e);
	if (!l->m.breaking)
		return;
	/* its time begins when it hears of it */
	list_remove(&l->breaking);
	arm(c, l);
	if (reachable_beside(c, l, e))
		return;
	/* Said once more: what a client has heard of already is too old to be a break. */
	if (!l->unsaid) {
		lease_repeat(&l->m);
		changed(l, fx);
	}
	l->unsaid = false;
}

void caching_refused(struct lk_ent *e)
{
	if (e->lease)
		e->lease->refused = true;
}

void caching_reclaimed(struct lk_core *c, struct lk_ent *e, const struct rec_lease *said, const struct place *from,
		       struct fx *fx)
{
	struct lk_lease *l = e->lease;
	struct lease_others o;

	if (!l || !l->refused)
		return;
	l->refused = false;
	if (!said || reachable_beside(c, l, e))
		return;
	/* how much the file has by now is not known here: any lock counts */
	caching_others(e->file, l, UINT64_MAX, &o);
	if (!lease_renew(&l->m, &o, said->epoch))
		return;
	changed(l, fx);
	tell_homes(c, l, NULL, 0, from, fx);
}

void caching_disconnected(struct lk_core *c, struct lk_ent *e, uint64_t now, struct fx *fx)
{
	struct lk_lease *l = e->lease;
	struct lk_ent *o;

	if (!l || !l->m.breaking || reachable(c, l))
		return;
	list_foreach(o, &l->ents, in_lease)
		if (!o->rec.persistent && o->rec.disconnected) {
			close_by_owner(c, o, LK_GONE_CONTENDED, now, fx);
			return;
		}
}

void caching_settle(struct lk_core *c, struct lk_file *f, struct fx *fx)
{
	struct lk_lease *l;

	dirs_settle(c, f, fx);
	list_foreach(l, &f->leases, in_file) {
		if (l->behind || l->m.breaking)
			tell_homes(c, l, reachable(c, l), LKF_NOTIFY, NULL, fx);
		l->behind = false;
	}
}
