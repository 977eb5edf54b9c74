/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The owner of directories: who watches which, what everybody has to know of that, and the telling.
 * On the worker's loop.
 */
#include "smbd/notify/notify_priv.h"

#include "node/base/hash.h"
#include "smbd/wire/smb2.h"

#define TELL_AGAIN_NS (500 * NSEC_PER_MSEC)

/* --- directories and registrations --- */

static uint64_t key_hash(const struct file_key *k)
{
	uint8_t b[FILE_KEY_SIZE];

	file_key_bytes(k, b);
	return hash64(b, sizeof(b), 0);
}

static struct ntf_dir *dir_find(struct ntf *n, const struct file_key *key)
{
	for (struct hnode *h = htable_find(&n->dirs, key_hash(key)); h; h = htable_find_next(h)) {
		struct ntf_dir *d = htable_entry(h, struct ntf_dir, by_key);

		if (file_key_equal(&d->key, key))
			return d;
	}
	return NULL;
}

static struct ntf_dir *dir_get(struct ntf *n, const struct file_key *key)
{
	struct ntf_dir *d = dir_find(n, key);

	if (d)
		return d;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->key = *key;
	d->slot = ntf_slot_of(n, key);
	list_init(&d->regs);
	htable_insert(&n->dirs, &d->by_key, key_hash(key));
	return d;
}

static struct ntf_reg *reg_find(struct ntf *n, const struct place *home, uint64_t id)
{
	for (struct hnode *h = htable_find(&n->regs, hash64_u64(id)); h; h = htable_find_next(h)) {
		struct ntf_reg *r = htable_entry(h, struct ntf_reg, by_id);

		if (r->id == id && place_equal(&r->home, home))
			return r;
	}
	return NULL;
}

static void reg_free(struct ntf *n, struct ntf_reg *r)
{
	struct ntf_dir *d = r->dir;
	struct ntf_slot *s = &n->slots[d->slot];

	htable_remove(&n->regs, &r->by_id);
	list_remove(&r->in_dir);
	list_remove(&r->waiting);
	s->n_regs--;
	s->n_trees -= r->tree;
	free(r);
	if (!list_empty(&d->regs))
		return;
	htable_remove(&n->dirs, &d->by_key);
	free(d);
}

static struct ntf_reg *reg_new(struct ntf *n, const struct ntm *m)
{
	struct ntf_reg *r = calloc(1, sizeof(*r));
	struct ntf_dir *d = r ? dir_get(n, &m->key) : NULL;

	if (!d) {
		free(r);
		return NULL;
	}
	*r = (struct ntf_reg){ .dir = d,
			       .home = m->from,
			       .id = m->id,
			       .filter = m->filter,
			       .tree = m->flags & NTMF_TREE };
	list_init(&r->waiting);
	list_append(&d->regs, &r->in_dir);
	htable_insert(&n->regs, &r->by_id, hash64_u64(r->id));
	n->slots[d->slot].n_regs++;
	n->slots[d->slot].n_trees += r->tree;
	return r;
}

/* --- what everybody has to know --- */

static uint8_t interest_of(const struct ntf_slot *s)
{
	return (uint8_t)((s->n_regs > 0 || s->leases ? WANT_PLAIN : 0) |
			 (s->n_trees > 0 ? WANT_TREE : 0));
}

static void state_interest(struct ntf *n, struct ntf_peer *p)
{
	_cleanup_free_ uint32_t *plain = calloc(n->cfg.n_slots, sizeof(*plain));
	_cleanup_free_ uint32_t *tree = calloc(n->cfg.n_slots, sizeof(*tree));
	struct ntm m = { .kind = NTM_INTEREST, .version = n->version, .plain = plain, .tree = tree };

	if (!plain || !tree)
		return; /* said again by the tick */
	for (uint32_t i = 0; i < n->cfg.n_slots; i++) {
		if (n->slots[i].said & WANT_PLAIN)
			plain[m.n_plain++] = i;
		if (n->slots[i].said & WANT_TREE)
			tree[m.n_tree++] = i;
	}
	p->told = n->version;
	p->told_at = loop_now(n->cfg.loop);
	ntf_send(n, &p->place, &m);
}

/* To those who have answered the last one; the others hear the newest when they have. */
static void spread(struct ntf *n)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->peers) {
		struct ntf_peer *p = htable_entry(h, struct ntf_peer, node);

		if (p->acked == p->told && p->acked < n->version)
			state_interest(n, p);
	}
}

static uint64_t known_to_all(struct ntf *n)
{
	uint64_t v = n->version;
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->peers)
		v = MIN(v, htable_entry(h, struct ntf_peer, node)->acked);
	return v;
}

/* Says `bits` of the slot to everybody from now on. */
static void say(struct ntf *n, struct ntf_slot *s, uint8_t bits)
{
	n->version++;
	if (bits & ~s->said)
		s->said_at = n->version;
	s->said = bits;
	interest_set(n, s, bits); /* this worker knows at once */
}

static void confirm(struct ntf *n)
{
	uint64_t known = known_to_all(n);
	struct list all;
	struct ntf_reg *r;

	list_init(&all);
	list_splice(&all, &n->waiting);
	while ((r = list_first(&all, struct ntf_reg, waiting))) {
		const struct ntf_slot *s = &n->slots[r->dir->slot];
		struct ntm m = { .kind = NTM_WATCHED, .id = r->id, .round = r->round };

		list_remove(&r->waiting);
		if (s->said_at > known)
			list_append(&n->waiting, &r->waiting);
		else
			ntf_send(n, &r->home, &m);
	}
}

static void take_ack(struct ntf *n, const struct ntm *m)
{
	struct ntf_peer *p = ntf_peer_get(n, &m->from);

	if (!p || m->version > p->told)
		return;
	p->acked = MAX(p->acked, m->version);
	if (p->acked == p->told && p->acked < n->version)
		state_interest(n, p);
	confirm(n);
}

/* Nobody may take a smaller wish for granted before the tick; a larger one goes out at once. */
static void grow(struct ntf *n, struct ntf_slot *s)
{
	uint8_t bits = s->said | interest_of(s);

	if (bits == s->said)
		return;
	say(n, s, bits);
	spread(n);
}

static bool is_ours(const struct ntf *n, const struct ntf_slot *s)
{
	return n->view && s->owned && ntf_is_self(n, &s->owner);
}

void ntf_slot_want(struct ntf *n, uint32_t slot, bool on)
{
	struct ntf_slot *s = &n->slots[slot];

	s->leases = on && is_ours(n, s);
	if (s->leases)
		grow(n, s);
}

bool ntf_slot_armed(struct ntf *n, uint32_t slot)
{
	const struct ntf_slot *s = &n->slots[slot];

	return is_ours(n, s) && (s->said & WANT_PLAIN) && s->said_at <= known_to_all(n);
}

static void take_watch(struct ntf *n, const struct ntm *m)
{
	struct ntf_slot *s = &n->slots[ntf_slot_of(n, &m->key)];
	struct ntf_reg *r;

	if (!is_ours(n, s))
		return; /* it will see the view in which another one is */
	r = reg_find(n, &m->from, m->id);
	if (!r)
		r = reg_new(n, m);
	if (!r)
		return; /* it asks again */
	r->round = m->round;
	grow(n, s);
	list_remove(&r->waiting);
	list_append(&n->waiting, &r->waiting);
	confirm(n);
}

/* --- telling --- */

static void tell(struct ntf *n, const struct ntf_reg *r, const struct ntm *ev, uint32_t flags)
{
	struct ntm m = { .kind = NTM_TELL, .id = r->id, .flags = flags };

	if (ev) {
		memcpy(m.changes, ev->changes, sizeof(m.changes));
		m.n_changes = ev->n_changes;
	}
	ntf_send(n, &r->home, &m);
}

static bool matches(const struct ntf_reg *r, const struct ntm *ev)
{
	if (ev->flags & NTMF_GONE)
		return true;
	return (r->filter & ev->filter) && (r->tree || !(ev->flags & NTMF_DEEP));
}

/* Whether a listing of the directory shows it. */
static bool listed(const struct ntm *ev)
{
	return !(ev->flags & (NTMF_DEEP | NTMF_GONE | NTMF_WATCHES)) &&
	       (ev->filter & ~(uint32_t)SMB2_NOTIFY_CHANGE_SECURITY);
}

static void take_event(struct ntf *n, const struct ntm *m)
{
	struct ntf_slot *s = &n->slots[ntf_slot_of(n, &m->key)];
	const struct ntf_dir *d;
	const struct ntf_reg *r;

	if (!s->owned)
		return;
	if (!ntf_is_self(n, &s->owner)) {
		struct ntm on = *m; /* sent in an earlier view */

		ntf_send(n, &s->owner, &on);
		return;
	}
	if (s->leases && n->cfg.changed && listed(m))
		n->cfg.changed(n->cfg.arg, &m->key, &m->by);
	d = m->flags & NTMF_LEASES ? NULL : dir_find(n, &m->key);
	if (!d)
		return;
	list_foreach(r, &d->regs, in_dir)
		if (matches(r, m))
			tell(n, r, m, m->flags & NTMF_GONE);
}

void registry_missed(struct ntf *n)
{
	if (n->cfg.missed)
		n->cfg.missed(n->cfg.arg);
}

void registry_lose(struct ntf *n)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->regs) {
		const struct ntf_reg *r = htable_entry(h, struct ntf_reg, by_id);

		if (!ntf_is_self(n, &r->home))
			tell(n, r, NULL, NTMF_LOST);
	}
	/* Those of this very worker. */
	watch_lose(n, &n->cfg.self);
	registry_missed(n);
}

/* --- */

void registry_take(struct ntf *n, const struct ntm *m)
{
	struct ntf_reg *r;

	switch (m->kind) {
	case NTM_WATCH:
		take_watch(n, m);
		break;
	case NTM_UNWATCH:
		r = reg_find(n, &m->from, m->id);
		if (r)
			reg_free(n, r);
		break;
	case NTM_EVENT:
		take_event(n, m);
		break;
	case NTM_INTEREST_ACK:
		take_ack(n, m);
		break;
	default:
		break;
	}
}

void registry_view(struct ntf *n)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->regs) {
		struct ntf_reg *r = htable_entry(h, struct ntf_reg, by_id);

		if (!is_ours(n, &n->slots[r->dir->slot]) || !view_has(n->view, r->home.node, r->home.incarnation))
			reg_free(n, r);
	}
	/* Everybody hears what is watched in the slots that we have now. */
	n->version++;
	spread(n);
	confirm(n);
}

void registry_linked(struct ntf *n, struct ntf_peer *p)
{
	if (p->acked < n->version)
		state_interest(n, p);
}

void registry_tick(struct ntf *n, bool slow)
{
	uint64_t now = loop_now(n->cfg.loop);
	struct htable_iter it;
	struct hnode *h;

	for (uint32_t i = 0; slow && i < n->cfg.n_slots; i++) {
		struct ntf_slot *s = &n->slots[i];

		if (is_ours(n, s) && s->said != interest_of(s))
			say(n, s, interest_of(s));
	}
	spread(n);
	htable_foreach(h, &it, &n->peers) {
		struct ntf_peer *p = htable_entry(h, struct ntf_peer, node);

		if (p->acked < p->told && now - p->told_at >= TELL_AGAIN_NS)
			state_interest(n, p);
	}
}

void registry_free(struct ntf *n)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->regs)
		reg_free(n, htable_entry(h, struct ntf_reg, by_id));
	htable_done(&n->regs);
	htable_done(&n->dirs);
}
