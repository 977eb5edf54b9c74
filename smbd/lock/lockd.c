/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The owner of slots: takes messages, lets the core decide, writes records, and tells in the order
 * of its decisions, each once it and all before it are durable. On the worker's loop.
 */
#include "smbd/lock/core_priv.h"
#include "smbd/lock/lockc_priv.h"

#include "node/base/clock.h"
#include "node/log/log.h"

/* --- telling --- */

struct unlink_job {
	struct lockc *c;
	uint64_t epoch;
	uint32_t slot;
	struct rec_open rec;
};

static void run_unlink(void *arg)
{
	struct unlink_job *j = arg;
	struct lockc *c = j->c;
	int e = c->cfg.unlink ? c->cfg.unlink(c->cfg.arg, &j->rec) : 0;
	struct oslot *s = c->oslots[j->slot];

	if (e < 0)
		log_warn(
			"lock: cannot delete a file after its last close: share=%s path=%s error=%s",
			log_esc(j->rec.share_name), log_esc(j->rec.path), log_errno(e));
	if (s && s->epoch == j->epoch && !c->stopping) {
		struct fx fx;

		lockd_begin(c, s, &fx);
		core_unlinked(&s->core, j->rec.id, e == 0, clock_real_ns(), &fx);
		lockd_commit(c, s, &fx);
	}
	rec_open_done(&j->rec);
	free(j);
	lockc_task_done(c);
}

static void start_unlinks(struct lockc *c, struct oslot *s, struct fx *fx)
{
	struct fx_unlink *l;

	list_foreach(l, &fx->unlinks, link) {
		struct unlink_job *j = calloc(1, sizeof(*j));

		if (!j)
			continue;
		*j = (struct unlink_job){
			.c = c, .epoch = s->epoch, .slot = s->core.slot, .rec = l->rec
		};
		l->rec = (struct rec_open){ 0 };
		if (lockc_spawn(c, run_unlink, j) < 0) {
			rec_open_done(&j->rec);
			free(j);
		}
	}
}

static void tell(struct lockc *c, struct oslot *s, struct fx *fx)
{
	struct fx_out *o;

	list_foreach(o, &fx->outs, link) {
		bool direct = (o->msg.kind == LKM_REPLY || o->msg.kind == LKM_WAITING) && c->n_self == 0;

		if (!direct || !place_equal(&o->to, &c->cfg.self)) {
			lockc_send(c, &o->to, &o->msg);
			continue;
		}
		o->msg.from = c->cfg.self;
		o->msg.epoch = c->view->epoch;
		home_take(c, &o->msg);
	}
	start_unlinks(c, s, fx);
}

/* --- writing --- */

static void batch_free(struct batch *b)
{
	list_remove(&b->link);
	fx_done(&b->fx);
	arena_reset(&b->arena);
	free(b);
}

static int batch_muts(struct batch *b, struct oslot *s)
{
	size_t n = b->fx.n_ids;
	struct store_mut *m = arena_calloc(&b->arena, n, sizeof(*m));

	if (!m)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct lk_ent *e = core_find(&s->core, b->fx.ids[i]);
		uint8_t *key = arena_alloc(&b->arena, REC_OPEN_KEY_SIZE);
		int r;

		if (!key)
			return -ENOMEM;
		rec_open_key(b->fx.ids[i], key);
		m[i].key = BLOB(key, REC_OPEN_KEY_SIZE);
		if (!e || (e->zombie && e->file->mark != e) || !e->rec.persistent)
			continue;
		r = rec_open_encode(&e->rec, b->c->view->level, &b->arena, &m[i].val);
		if (r < 0)
			return r;
		if (m[i].val.len > STORE_VAL_MAX)
			return -EMSGSIZE;
		core_stored(e);
	}
	b->w.muts = m;
	b->w.n_muts = (unsigned int)n;
	return 0;
}

static void release(struct lockc *c, struct oslot *s);

/* The slot is somebody else's; when we were fenced, everything is. */
static void depose(struct lockc *c, struct oslot *s, int why)
{
	log_info("lock: slot has another owner now: slot=%u", s->core.slot);
	oslot_drop(c, s);
	if (why == -ESHUTDOWN)
		lockc_lost(c, "was fenced");
}

/* No client hears of these two: what they did stays, and is written when the store can. */
static bool stays(const struct lk_msg *m)
{
	return m->asked == LKM_DISCONNECT || (m->asked == LKM_CLOSE && m->outcome == LK_UNLINK);
}

static void spoil(struct fx_out *o, int status)
{
	struct lk_msg *m = &o->msg;

	if (m->kind != LKM_REPLY || m->outcome < 0 || stays(m))
		return;
	/* An open that an earlier owner granted stays in the store: its home asks again until it can have it. */
	if (m->asked == LKM_OPEN && m->outcome == LK_OK && (m->flags & LKF_HAS_REC)) {
		msg_done(m);
		list_remove(&o->link);
		free(o);
		return;
	}
	if (m->flags & LKF_HAS_REC)
		rec_open_done(&m->rec);
	m->flags = 0;
	m->outcome = status;
}

/* Whether this answer, not told yet, rests on what could not be written: who was given, or refused, an open that was given away before
 * and is taken back, who was told that it is closed or to be deleted, and who waited for acknowledgements. */
static bool rests_on(const struct oslot *s, const struct fx *failed, const struct lk_msg *m)
{
	const struct lk_ent *e = core_find(&s->core, m->id);

	if (m->asked == LKM_OPEN || m->asked == LKM_RECLAIM)
		if (fx_gives(failed, m->id))
			return true;
	if (fx_owes(failed, m->id, m->req) || (e && msg_promises_deletion(m) && core_undeletes(&s->core, failed, e)))
		return true;
	return (m->asked == LKM_CLOSE || m->asked == LKM_RECLAIM) && fx_puts(failed, m->id) && (!e || e->zombie);
}

static void spoil_later(struct oslot *s, struct batch *failed, uint64_t now, struct fx *fx)
{
	struct fx_out *o, *tmp;
	struct batch *b;

	for (struct list *l = failed->link.next; l != &s->batches; l = l->next) {
		b = list_entry(l, struct batch, link);
		list_foreach_safe(o, tmp, &b->fx.outs, link)
			if (rests_on(s, &failed->fx, &o->msg))
				spoil(o, failed->status);
		core_fail_later(&s->core, &failed->fx, &b->fx, now, fx);
	}
}

static bool answers(const struct fx *fx)
{
	const struct fx_out *o;

	list_foreach(o, &fx->outs, link)
		if (o->msg.kind == LKM_REPLY)
			return true;
	return false;
}

/* The records could not be written: nobody is told that it was granted, and what was granted is
 * taken back. */
static void batch_failed(struct lockc *c, struct oslot *s, struct batch *b)
{
	uint64_t now = clock_real_ns();
	struct fx_out *o, *tmp;
	struct fx fx;

	log_err("lock: the state store refused a record: slot=%u error=%s", s->core.slot,
		log_errno(b->status));
	b->status = b->status == -ENOSPC ? -ENOSPC : -EIO; /* what a home hears */
	list_foreach_safe(o, tmp, &b->fx.outs, link)
		spoil(o, b->status);
	for (size_t i = 0; i < b->fx.n_ids; i++)
		fx_put(&s->dirty, b->fx.ids[i]);
	lockd_begin(c, s, &fx);
	core_fail(&s->core, &b->fx, b->status, now, &fx);
	spoil_later(s, b, now, &fx);
	/* Its records are written again by the tick, not at once: the store is in trouble. But whoever is told something new
	 * by it is so once it is written. */
	if (!answers(&fx)) {
		for (size_t i = 0; i < fx.n_ids; i++)
			fx_put(&s->dirty, fx.ids[i]);
		fx.n_ids = 0;
	}
	lockd_commit(c, s, &fx); /* behind the failed one: tells both */
}

static void on_written(struct mail *mail)
{
	struct batch *b = container_of(mail, struct batch, mail);
	struct lockc *c = b->c;
	struct oslot *s = b->slot;

	c->writes--;
	b->writing = false;
	if (!s)
		batch_free(b);
	else if (b->status == -ESTALE || b->status == -ESHUTDOWN)
		depose(c, s, b->status);
	else if (b->status < 0)
		batch_failed(c, s, b);
	else
		release(c, s);
	lockc_check_idle(c);
}

static void on_store_done(struct store_write *w, int status)
{
	struct batch *b = container_of(w, struct batch, w);

	b->status = status;
	loop_post(b->c->cfg.loop, &b->mail);
}

static void batch_submit(struct lockc *c, struct oslot *s, struct batch *b)
{
	b->writing = true;
	b->mail.run = on_written;
	b->w.slot = s->core.slot;
	b->w.epoch = s->epoch;
	b->w.done = on_store_done;
	c->writes++;
	c->stats.store_writes++;
	store_submit(c->cfg.store, &b->w);
}

/* Tells, in order, what is durable. Never out of a stale right to serve: then the tick tries again.
 */
static void release(struct lockc *c, struct oslot *s)
{
	uint32_t slot = s->core.slot;
	uint64_t epoch = s->epoch;
	struct batch *b;

	while ((b = list_first(&s->batches, struct batch, link)) && !b->writing) {
		if (!list_empty(&b->fx.outs) && !lockc_may_serve(c))
			return;
		list_remove(&b->link);
		tell(c, s, &b->fx);
		batch_free(b);
		/* Telling runs the home's code, which may end in a lost slot. */
		s = c->oslots[slot];
		if (!s || s->epoch != epoch)
			return;
	}
}

/* Before anybody hears of a lease that was granted. */
static void want_dirs(struct lockc *c, struct oslot *s, bool on)
{
	if (on == s->dirs_wanted || !c->cfg.dirs_wanted)
		return;
	s->dirs_wanted = on;
	c->cfg.dirs_wanted(c->cfg.arg, s->core.slot, on);
}

void lockd_begin(struct lockc *c, struct oslot *s, struct fx *fx)
{
	fx_init(fx);
	s->core.mono = loop_now(c->cfg.loop);
}

/* Who is told that an open is closed does not meet it again: it is out of the store first. */
static void put_closed(const struct oslot *s, struct fx *fx)
{
	const struct fx_out *o;

	if (s->dirty.n_ids == 0)
		return;
	list_foreach(o, &fx->outs, link)
		if (o->msg.kind == LKM_REPLY && (o->msg.asked == LKM_CLOSE || o->msg.asked == LKM_RECLAIM) &&
		    fx_puts(&s->dirty, o->msg.id))
			fx_put(fx, o->msg.id);
}

void lockd_commit(struct lockc *c, struct oslot *s, struct fx *fx)
{
	struct batch *b;
	int e;

	put_closed(s, fx);
	e = fx->err;
	want_dirs(c, s, core_dirs_wanted(&s->core));

	if (fx->n_ids == 0 && e == 0 && list_empty(&fx->outs) && list_empty(&fx->unlinks) &&
	    !list_empty(&s->batches)) {
		fx_done(fx);
		release(c, s);
		return;
	}
	if (fx->n_ids == 0 && e == 0 && list_empty(&s->batches) &&
	    (list_empty(&fx->outs) || lockc_may_serve(c))) {
		tell(c, s, fx);
		fx_done(fx);
		return;
	}
	b = calloc(1, sizeof(*b));
	if (!b) {
		/* Neither told nor recorded: the state may be wrong, so the slot must not go on. */
		fx_done(fx);
		lockc_lost(c, "no memory");
		return;
	}
	b->c = c;
	b->slot = s;
	b->fx = *fx;
	/* The lists' heads moved. */
	list_init(&b->fx.outs);
	list_init(&b->fx.undos);
	list_init(&b->fx.unlinks);
	list_splice(&b->fx.outs, &fx->outs);
	list_splice(&b->fx.undos, &fx->undos);
	list_splice(&b->fx.unlinks, &fx->unlinks);
	fx_init(fx);
	arena_init(&b->arena, 0);
	list_append(&s->batches, &b->link);
	if (e == 0 && b->fx.n_ids > 0)
		e = batch_muts(b, s);
	if (e < 0) {
		b->status = e;
		batch_failed(c, s, b);
	} else if (b->fx.n_ids > 0) {
		batch_submit(c, s, b);
	}
	release(c, s);
}

/* --- taking --- */

/* What is not known yet is asked for by slot, and waits there. */
static void list_below(struct lockc *c, const struct lk_msg *m, struct fx *fx)
{
	struct lk_msg *r = reply(fx, m, LK_OK);
	const struct oslot *s;

	if (!r)
		return;
	list_foreach(s, &c->owned, link) {
		if (s->phase == SLOT_SERVING && !core_below(&s->core, m->share_name, m->path))
			continue;
		r->ranges[r->n_ranges++].offset = s->core.slot;
		if (r->n_ranges == LK_RANGES_MAX)
			break;
	}
}

/* Asked again while the answer waits for the store: what that refuses is not done after all. */
static bool has_answer(const struct oslot *s, const struct lk_msg *m)
{
	const struct fx_out *o;
	const struct batch *b;

	if (m->kind != LKM_SET_DELETE && m->kind != LKM_RENAME)
		return false;
	list_foreach(b, &s->batches, link)
		list_foreach(o, &b->fx.outs, link)
			if (o->msg.kind == LKM_REPLY && o->msg.req == m->req && place_equal(&o->to, &m->from))
				return true;
	return false;
}

static void decide(struct lockc *c, struct oslot *s, struct lk_msg *m)
{
	struct fx fx;

	if (has_answer(s, m))
		return;
	lockd_begin(c, s, &fx);
	if (m->kind == LKM_BELOW && !(m->flags & LKF_ON))
		list_below(c, m, &fx);
	else
		core_handle(&s->core, m, clock_real_ns(), &fx);
	lockd_commit(c, s, &fx);
}

static void take_reassert(struct lockc *c, struct lk_msg *m)
{
	struct oslot *s = c->oslots[m->rec.id & 0xffff];
	struct fx fx;

	takeover_count(c, m);
	if (!s || m->epoch < s->epoch)
		return;
	if (s->phase == SLOT_LOADING) {
		hold(&s->asserts, m);
	} else if (s->phase == SLOT_ASSERTING) {
		lockd_begin(c, s, &fx);
		core_assert(&s->core, m, clock_real_ns(), &fx);
		lockd_commit(c, s, &fx);
	}
}

static void hold_request(struct lockc *c, struct oslot *s, const struct lk_msg *m)
{
	if (s->n_held < c->cfg.limits.requests_per_slot && hold(&s->held, m))
		s->n_held++;
	if (s->phase == SLOT_LOADING)
		takeover_urge(c, s);
}

void lockd_take(struct lockc *c, struct lk_msg *m)
{
	struct oslot *s;

	if (!view_has(c->view, m->from.node, m->from.incarnation))
		return;
	if (m->kind == LKM_DONE) {
		takeover_done(c, m);
		return;
	}
	if (m->kind == LKM_REASSERT) {
		if ((m->rec.id & 0xffff) < c->n_slots)
			take_reassert(c, m);
		return;
	}
	s = c->oslots[m->slot];
	/* Not ours, or asked before it became ours: who asks will see the view and ask again. */
	if (!s || m->epoch < s->epoch)
		return;
	c->stats.requests++;
	if (s->phase != SLOT_SERVING || !list_empty(&s->held) || !lockc_may_serve(c))
		hold_request(c, s, m);
	else
		decide(c, s, m);
}

void lockd_poll(struct lockc *c, struct oslot *s)
{
	uint32_t slot = s->core.slot;
	uint64_t epoch = s->epoch;
	struct held *h;

	release(c, s);
	while ((s = c->oslots[slot]) && s->epoch == epoch && s->phase == SLOT_SERVING &&
	       lockc_may_serve(c) && (h = list_first(&s->held, struct held, link))) {
		struct lk_msg m;

		list_remove(&h->link);
		s->n_held--;
		if (msg_decode(BLOB(h->data, h->len), &m) == 0) {
			decide(c, s, &m);
			msg_done(&m);
		}
		free(h);
	}
}

static void slow_tick(struct lockc *c, struct oslot *s, bool serve)
{
	struct fx fx;

	lockd_begin(c, s, &fx);
	if (serve)
		core_scavenge(&s->core, clock_real_ns(), &fx);
	if (serve)
		core_breaks(&s->core, clock_real_ns(), &fx);
	core_renote(&s->core, &fx);
	for (size_t i = 0; i < s->dirty.n_ids; i++)
		fx_put(&fx, s->dirty.ids[i]);
	fx_done(&s->dirty);
	lockd_commit(c, s, &fx);
}

void lockd_linked(struct lockc *c)
{
	struct oslot *s, *tmp;

	list_foreach_safe(s, tmp, &c->owned, link) {
		struct fx fx;

		if (s->phase != SLOT_SERVING || list_empty(&s->core.noted))
			continue;
		lockd_begin(c, s, &fx);
		core_renote(&s->core, &fx);
		lockd_commit(c, s, &fx);
	}
}

void lockd_tick(struct lockc *c, bool slow)
{
	bool serve = lockc_may_serve(c);
	struct oslot *s, *tmp;

	list_foreach_safe(s, tmp, &c->owned, link) {
		uint32_t slot = s->core.slot;

		if (s->phase != SLOT_SERVING)
			continue;
		if (slow && (s->core.ents.count > 0 || s->dirty.n_ids > 0))
			slow_tick(c, s, serve);
		if (c->oslots[slot] == s && (!list_empty(&s->batches) || !list_empty(&s->held)))
			lockd_poll(c, s);
	}
}

/* --- directories --- */

void lockc_dir_changed(struct lockc *c, const struct file_key *dir, const struct guid *by)
{
	struct oslot *s = c->oslots[place_slot_of_file(dir, c->n_slots)];
	struct fx fx;

	/* Before it serves, all are broken. */
	if (!s || s->phase != SLOT_SERVING || list_empty(&s->core.dirs))
		return;
	lockd_begin(c, s, &fx);
	core_dir_changed(&s->core, dir, by, &fx);
	lockd_commit(c, s, &fx);
}

void lockc_dirs_missed(struct lockc *c)
{
	struct oslot *s, *tmp;

	list_foreach_safe(s, tmp, &c->owned, link) {
		struct fx fx;

		if (s->phase != SLOT_SERVING || list_empty(&s->core.dirs))
			continue;
		lockd_begin(c, s, &fx);
		core_dirs_missed(&s->core, &fx);
		lockd_commit(c, s, &fx);
	}
}

/* --- slots --- */

struct oslot *oslot_new(struct lockc *c, uint32_t slot, uint64_t epoch)
{
	struct oslot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	core_init(&s->core, slot, &c->cfg.limits, &c->stats.leases);
	s->core.view = c->view;
	s->core.dirs_armed = c->cfg.dirs_armed;
	s->core.dirs_arg = c->cfg.arg;
	s->phase = SLOT_LOADING;
	s->epoch = epoch;
	list_init(&s->held);
	list_init(&s->asserts);
	list_init(&s->batches);
	fx_init(&s->dirty);
	list_append(&c->owned, &s->link);
	c->oslots[slot] = s;
	return s;
}

void oslot_drop(struct lockc *c, struct oslot *s)
{
	struct batch *b, *tmp;

	want_dirs(c, s, false);
	c->oslots[s->core.slot] = NULL;
	list_remove(&s->link);
	list_foreach_safe(b, tmp, &s->batches, link) {
		b->slot = NULL;
		if (b->writing) {
			list_remove(&b->link);
			list_append(&c->batches_lost, &b->link);
		} else {
			batch_free(b);
		}
	}
	held_free_all(&s->held);
	held_free_all(&s->asserts);
	fx_done(&s->dirty);
	core_done(&s->core);
	free(s);
}

void oslot_serve(struct lockc *c, struct oslot *s)
{
	struct fx fx;

	lockd_begin(c, s, &fx);
	s->phase = SLOT_SERVING;
	core_serve(&s->core, clock_real_ns(), &fx);
	lockd_commit(c, s, &fx);
}
