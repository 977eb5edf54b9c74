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
	list_init(&f->leases);
	list_init(&f->blocked);
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
		if (!list_empty(&f->opens) || !list_empty(&f->zombies) || f->mark || !list_empty(&f->parked) ||
		    !list_empty(&f->blocked))
			continue;
		assert(list_empty(&f->waiters) && list_empty(&f->leases) && f->unacked == 0);
		htable_remove(&c->files, &f->by_key);
		free(f);
	}
}

static void free_parked(struct list *l)
{
	struct lk_parked *p, *tmp;

	list_foreach_safe(p, tmp, l, link) {
		msg_done(&p->msg);
		free(p);
	}
}

static void free_file(struct lk_file *f)
{
	struct lk_lease *l, *lt;
	struct lk_waiter *w, *wt;

	free_parked(&f->parked);
	free_parked(&f->blocked);
	list_foreach_safe(l, lt, &f->leases, in_file)
		free(l);
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
	below_done(c);
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

static void run_parked(struct lk_core *c, struct list *parked, uint64_t now, struct fx *fx)
{
	struct list all;
	struct lk_parked *p;

	list_init(&all);
	list_splice(&all, parked);
	while ((p = list_first(&all, struct lk_parked, link))) {
		list_remove(&p->link);
		if (p->reply) {
			fx_send(fx, p->to, &p->msg);
		} else {
			/* Not through core_handle(): that sweeps, and the file is in use. */
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
		bool write;

		if (e->write_permit || e->note != 0 || e->rec.disconnected || e->rec.phase != REC_OPEN ||
		    !ent_home_alive(c, e) || !ent_may_have_permit(e))
			continue;
		write = ent_may_write(e);
		if (e->permit && !write)
			continue;
		e->permit = true;
		e->write_permit = write;
		if (write)
			m.flags |= LKF_WRITE_PERMIT;
		fx_send(fx, ent_home(e), &m);
	}
}

void file_kick(struct lk_core *c, struct lk_file *f, uint64_t now, struct fx *fx)
{
	if (list_empty(&f->touched))
		list_append(&c->touched, &f->touched);
	if (f->kicking) {
		f->again = true;
		return;
	}
	f->kicking = true;
	do {
		f->again = false;
		if (locks_kick(c, f, now, fx))
			f->again = true;
		if (f->unblock) {
			f->unblock = false;
			run_parked(c, &f->blocked, now, fx);
		}
		if (f->unacked == 0 && !list_empty(&f->parked))
			run_parked(c, &f->parked, now, fx);
	} while (f->again || f->unblock);
	f->kicking = false;
	/* What is parked may wait for all permits to be in: none goes out before it was decided. */
	if (list_empty(&f->parked))
		give_permits(c, f, fx);
}

void file_kick_touched(struct lk_core *c, uint64_t now, struct fx *fx)
{
	struct lk_file *f, *tmp;

	list_foreach_safe(f, tmp, &c->touched, touched)
		if (f->again || f->unblock)
			file_kick(c, f, now, fx);
}

static struct lk_parked *park(struct list *to, struct lk_msg *m)
{
	struct lk_parked *p = calloc(1, sizeof(*p));

	if (!p) {
		msg_done(m); /* as if it had been lost: the home asks again */
		return NULL;
	}
	p->msg = *m;
	list_append(to, &p->link);
	/* What it points to has moved. */
	m->flags &= ~LKF_HAS_REC;
	m->rec = (struct rec_open){ 0 };
	m->path = m->share_name = NULL;
	return p;
}

void file_park(struct lk_file *f, struct lk_msg *m)
{
	park(&f->parked, m);
}

static void tell_waiting(const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg r = { .kind = LKM_WAITING, .req = m->req, .id = m->id, .slot = m->slot };

	fx_send(fx, m->from, &r);
}

void file_block(struct lk_file *f, struct lk_msg *m, struct fx *fx)
{
	tell_waiting(m, fx);
	park(&f->blocked, m);
}

static struct lk_parked *find_parked(struct list *l, const struct place *from, uint64_t req)
{
	struct lk_parked *p;

	list_foreach(p, l, link)
		if (!p->reply && p->msg.req == req && place_equal(&p->msg.from, from))
			return p;
	return NULL;
}

/* The answer to `m` that waits for acknowledgements. */
static struct lk_parked *find_answer(const struct lk_file *f, const struct lk_msg *m)
{
	struct lk_parked *p;

	list_foreach(p, &f->parked, link)
		if (p->reply && p->msg.req == m->req && place_equal(&p->to, &m->from))
			return p;
	return NULL;
}

bool file_waits(struct lk_file *f, const struct lk_msg *m, struct fx *fx)
{
	if (find_parked(&f->blocked, &m->from, m->req)) {
		tell_waiting(m, fx);
		return true;
	}
	return find_parked(&f->parked, &m->from, m->req) || find_answer(f, m);
}

bool file_unblock(struct lk_file *f, const struct place *from, uint64_t req, uint32_t *ret)
{
	struct lk_parked *p = find_parked(&f->blocked, from, req);

	if (!p)
		p = find_parked(&f->parked, from, req);
	if (!p)
		return false;
	*ret = p->msg.kind;
	list_remove(&p->link);
	msg_done(&p->msg);
	free(p);
	return true;
}

bool file_answers(const struct lk_core *c, const struct lk_msg *m)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &c->files)
		if (find_answer(htable_entry(n, struct lk_file, by_key), m))
			return true;
	return false;
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
	p = park(&f->parked, &r);
	if (!p)
		return NULL;
	p->reply = true;
	p->to = m->from;
	fx_add_undo(fx, UNDO_REPLY, m->id, m->req);
	return &p->msg;
}

static void refuse(struct lk_parked *p, int status)
{
	if (p->msg.outcome < 0)
		return;
	p->msg.flags = 0;
	p->msg.outcome = status;
}

void file_refuse_reply(struct lk_file *f, uint64_t id, uint64_t req, int status)
{
	struct lk_parked *p;

	list_foreach(p, &f->parked, link)
		if (p->reply && p->msg.id == id && p->msg.req == req)
			refuse(p, status);
}

void file_refuse_deletions(struct lk_file *f, int status)
{
	struct lk_parked *p;

	list_foreach(p, &f->parked, link)
		if (p->reply && msg_promises_deletion(&p->msg))
			refuse(p, status);
}
