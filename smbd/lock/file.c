/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files as their owner knows them: what is parked, and what goes on when something has changed. On
 * the owner's worker. */
#include "smbd/lock/core_priv.h"

#include "node/base/hash.h"

static uint64_t key_hash(const struct file_key *k)
{
	return hash64_u64(k->inode ^ hash64_u64(k->generation));
}

struct lk_file *file_find(const struct lk_core *c, const struct file_key *key)
{
	for (struct hnode *n = htable_find(&c->files, key_hash(key)); n; n = htable_find_next(n)) {
		struct lk_file *f = htable_entry(n, struct lk_file, by_key);

		if (file_key_equal(&f->key, key))
			return f;
	}
	return NULL;
}

struct lk_file *file_get(struct lk_core *c, const struct file_key *key)
{
	struct lk_file *f = file_find(c, key);

	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->key = *key;
	list_init(&f->opens);
	list_init(&f->zombies);
	list_init(&f->waiters);
	list_init(&f->parked);
	list_init(&f->touched);
	htable_insert(&c->files, &f->by_key, key_hash(key));
	list_append(&c->touched, &f->touched);
	return f;
}

void file_sweep(struct lk_core *c)
{
	struct lk_file *f;

	while ((f = list_first(&c->touched, struct lk_file, touched))) {
		list_remove(&f->touched);
		if (!list_empty(&f->opens) || !list_empty(&f->zombies) || !list_empty(&f->parked))
			continue;
		assert(list_empty(&f->waiters) && f->unacked == 0);
		htable_remove(&c->files, &f->by_key);
		free(f);
	}
}

static void free_file(struct lk_file *f)
{
	struct lk_parked *p, *pt;
	struct lk_waiter *w, *wt;

	list_foreach_safe(p, pt, &f->parked, link) {
		msg_done(&p->msg);
		free(p);
	}
	list_foreach_safe(w, wt, &f->waiters, link)
		free(w);
	free(f);
}

void core_done(struct lk_core *c)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->ents) {
		struct lk_ent *e = htable_entry(n, struct lk_ent, by_id);

		htable_remove(&c->ents, n);
		rec_open_done(&e->rec);
		free(e);
	}
	htable_foreach(n, &it, &c->files) {
		htable_remove(&c->files, n);
		free_file(htable_entry(n, struct lk_file, by_key));
	}
	htable_done(&c->ents);
	htable_done(&c->files);
}

void file_changed(struct lk_core *c, struct lk_file *f, struct lk_ent *by, struct fx *fx)
{
	struct lk_ent *e;

	f->version++;
	list_foreach(e, &f->opens, in_file) {
		e->rec.delete_pending = f->delete_pending;
		e->rec.file_version = f->version;
		ent_changed(e, fx);
		if (e != by && ent_home_alive(c, e))
			ent_note(c, e, LKF_STATE, 0, fx);
	}
}

static void run_parked(struct lk_core *c, struct lk_file *f, uint64_t now, struct fx *fx)
{
	struct list all;
	struct lk_parked *p;

	list_init(&all);
	list_splice(&all, &f->parked);
	while ((p = list_first(&all, struct lk_parked, link))) {
		list_remove(&p->link);
		if (p->reply) {
			fx_send(fx, p->to, &p->msg);
		} else {
			/* Not through core_handle(): that sweeps, and `f` is in use. */
			if (view_has(c->view, p->msg.from.node, p->msg.from.incarnation))
				core_redo(c, &p->msg, now, fx);
			msg_done(&p->msg);
		}
		free(p);
	}
}

static void give_permits(struct lk_core *c, struct lk_file *f, struct fx *fx)
{
	struct lk_ent *e;

	list_foreach(e, &f->opens, in_file) {
		struct lk_msg m = {
			.kind = LKM_NOTE, .slot = c->slot, .id = e->rec.id, .flags = LKF_PERMIT
		};

		if (e->permit || e->note != 0 || e->rec.disconnected || e->rec.phase != REC_OPEN ||
		    !ent_home_alive(c, e) || !ent_may_have_permit(e))
			continue;
		e->permit = true;
		fx_send(fx, ent_home(e), &m);
	}
}

void file_kick(struct lk_core *c, struct lk_file *f, uint64_t now, struct fx *fx)
{
	if (f->kicking) {
		f->again = true;
		return;
	}
	f->kicking = true;
	do {
		f->again = false;
		if (locks_kick(c, f, fx))
			f->again = true;
		if (f->unacked == 0 && !list_empty(&f->parked))
			run_parked(c, f, now, fx);
	} while (f->again);
	f->kicking = false;
	give_permits(c, f, fx);
	if (list_empty(&f->touched))
		list_append(&c->touched, &f->touched);
}

static struct lk_parked *park(struct lk_file *f, struct lk_msg *m)
{
	struct lk_parked *p = calloc(1, sizeof(*p));

	if (!p) {
		msg_done(m); /* as if it had been lost: the home asks again */
		return NULL;
	}
	p->msg = *m;
	list_append(&f->parked, &p->link);
	/* What it points to has moved. */
	m->flags &= ~LKF_HAS_REC;
	m->rec = (struct rec_open){ 0 };
	m->path = m->share_name = NULL;
	return p;
}

void file_park(struct lk_file *f, struct lk_msg *m)
{
	park(f, m);
}

struct lk_msg *file_reply_acked(struct lk_file *f, const struct lk_msg *m, int outcome,
				struct fx *fx)
{
	struct lk_msg r = { .kind = LKM_REPLY,
			    .req = m->req,
			    .asked = m->kind,
			    .slot = m->slot,
			    .id = m->id,
			    .outcome = outcome };
	struct lk_parked *p;

	if (f->unacked == 0)
		return reply(fx, m, outcome);
	p = park(f, &r);
	if (!p)
		return NULL;
	p->reply = true;
	p->to = m->from;
	return &p->msg;
}
