/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking back an open (MS-SMB2 3.3.5.9.7, 3.3.5.9.12) and moving one between homes. On the owner's
 * worker. */
#include "smbd/lock/core_priv.h"

#include "node/base/utf.h"

/* An open that is connected at another node is taken from there: the client has come here, so that
 * connection is dead even if its node has not noticed. At its own node it would know better. */
static bool may_steal(const struct lk_ent *e, const struct lk_msg *m)
{
	return (e->rec.persistent || e->rec.durable) && e->rec.home_node != m->from.node;
}

int attach(struct lk_core *c, struct lk_ent *e, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	/* Also when it is on its way to a third home: this one, should it have it, is about to lose it. */
	if ((e->note_flags & LKF_GONE) || (!ent_at(e, &m->from) && ent_home_alive(c, e))) {
		if (!(e->note_flags & LKF_GONE))
			ent_note(c, e, LKF_GONE, LK_GONE_MOVED, fx);
		file_park(e->file, m);
		return 0;
	}
	ent_set_home(e, m->from);
	e->rec.disconnected = false;
	e->rec.deadline = 0;
	e->rec.open_req = m->req;
	e->rec.session_id = m->kind == LKM_OPEN ? m->rec.session_id : m->session_id;
	memcpy(e->rec.client, m->kind == LKM_OPEN ? m->rec.client : m->client, sizeof(e->rec.client));
	e->rec.volatile_id = m->kind == LKM_OPEN ? m->rec.volatile_id : m->volatile_id;
	e->asserted = true;
	e->permit = ent_may_have_permit(e);
	e->write_permit = ent_may_write(e);
	caching_attached(c, e, fx);
	ent_taken(e, fx);
	fx_add_undo(fx, UNDO_ATTACH, e->rec.id, m->req);
	return 1;
}

bool confirmed(const struct lk_ent *e, const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg *r;

	if (e->rec.disconnected || ent_at(e, &m->from) || m->version == e->rec.version)
		return true;
	r = reply(fx, m, LK_CONFIRM);
	if (r)
		r->version = e->rec.version;
	return false;
}

static bool text_equal(const char *a, const char *b)
{
	return utf8_casecmp(a ? a : "", b ? b : "") == 0;
}

static bool lease_matches(const struct rec_open *r, const struct lk_msg *m)
{
	bool has = m->flags & LKF_HAS_LEASE;

	if (rec_lease_keyed(&r->lease) != has)
		return false;
	return !has || (guid_equal(&r->lease.key, &m->lease_key) &&
			guid_equal(&r->client_guid, &m->client_guid));
}

/* Whether nobody has it connected. A home that asks for what it has according to us, and has not, got it for a request that was
 * given up. */
static bool away(const struct lk_ent *e, const struct lk_msg *m)
{
	return e->rec.disconnected || ((m->flags & LKF_ON) && ent_at(e, &m->from));
}

/* What the specification refuses, in its order. */
static int check(const struct lk_ent *e, const struct lk_msg *m)
{
	const struct rec_open *r = &e->rec;

	if (r->phase != REC_OPEN || (!r->durable && !r->persistent) ||
	    !text_equal(r->share_name, m->share_name))
		return LK_NOT_FOUND;
	if (!away(e, m) && !may_steal(e, m))
		return LK_NOT_FOUND;
	if (!lease_matches(r, m))
		return LK_NOT_FOUND;
	if (m->flags & LKF_V2) {
		if (r->persistent && !(m->flags & LKF_PERSISTENT))
			return LK_NOT_FOUND;
		/* one that was made by DHnQ has none, which is zero on the wire */
		if (!guid_equal(r->has_create_guid ? &r->create_guid : &(struct guid){ 0 }, &m->create_guid))
			return LK_NOT_FOUND;
	} else if (r->persistent) {
		return LK_NOT_FOUND;
	}
	if (!away(e, m) && !guid_equal(&r->client_guid, &m->client_guid))
		return LK_NOT_FOUND;
	if (r->has_owner != (bool)(m->flags & LKF_HAS_OWNER) ||
	    (r->has_owner && !sid_equal(&r->owner, &m->owner)))
		return LK_ACCESS_DENIED;
	if (rec_lease_keyed(&r->lease) && !text_equal(r->path, m->path))
		return LK_INVALID_PARAMETER;
	return LK_OK;
}

void do_reclaim(struct lk_core *c, struct lk_msg *m, uint64_t now, struct fx *fx)
{
	struct lk_ent *e = core_find(c, m->id);
	int outcome;

	if (!e || e->zombie) {
		reply(fx, m, LK_NOT_FOUND);
		return;
	}
	if (e->rec.open_req == m->req && ent_at(e, &m->from) && !e->rec.disconnected) {
		reply_rec(e, m, LK_OK, fx); /* done before, the reply was lost */
		return;
	}
	/* past its deadline it is over, also when the scavenger has not come by yet */
	if (e->rec.disconnected && e->rec.deadline != 0 && e->rec.deadline <= now)
		outcome = LK_NOT_FOUND;
	else
		outcome = check(e, m);
	if (outcome != LK_OK) {
		reply(fx, m, outcome);
		return;
	}
	if (!confirmed(e, m, fx))
		return;
	if (attach(c, e, m, now, fx) == 0)
		return;
	caching_reclaimed(c, e, m->flags & LKF_LEASE ? &m->lease : NULL, &m->from, fx);
	reply_rec(e, m, LK_OK, fx);
}
