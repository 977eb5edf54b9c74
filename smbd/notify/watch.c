/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The home of watches: they are registered with the owners of their directories, and hear of changes
 * from them. On the worker's loop. */
#include "smbd/notify/notify_priv.h"

#include "node/base/hash.h"
#include "node/base/random.h"

#define ASK_AGAIN_NS (500 * NSEC_PER_MSEC)

static struct ntf_watch *watch_find(struct ntf *n, uint64_t id)
{
	for (struct hnode *h = htable_find(&n->watches, hash64_u64(id)); h; h = htable_find_next(h)) {
		struct ntf_watch *w = htable_entry(h, struct ntf_watch, by_id);

		if (w->id == id)
			return w;
	}
	return NULL;
}

static void ask(struct ntf_watch *w)
{
	struct ntf *n = w->ntf;
	const struct ntf_slot *s = &n->slots[w->slot];
	struct ntm m = { .kind = NTM_WATCH,
			 .key = w->want.dir,
			 .id = w->id,
			 .round = w->round,
			 .filter = w->want.filter,
			 .flags = w->want.tree ? NTMF_TREE : 0 };

	w->asked_at = loop_now(n->cfg.loop);
	if (n->view && s->owned)
		ntf_send(n, &s->owner, &m);
}

int ntf_watch_new(struct ntf *n, const struct ntf_want *want, struct ntf_watch **ret)
{
	struct ntf_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->ntf = n;
	w->want = *want;
	w->slot = ntf_slot_of(n, &want->dir);
	w->round = 1;
	ntf_buf_init(&w->buf, want->max, want->limit);
	gate_init(&w->gate);
	do {
		w->id = random_u64();
	} while (watch_find(n, w->id));
	htable_insert(&n->watches, &w->by_id, hash64_u64(w->id));
	list_append(&n->unarmed, &w->unarmed);
	*ret = w;
	ask(w);
	return 0;
}

static void unwatch(struct ntf *n, const struct place *owner, uint64_t id)
{
	struct ntm m = { .kind = NTM_UNWATCH, .id = id };

	ntf_send(n, owner, &m);
}

void ntf_watch_free(struct ntf_watch *w)
{
	struct ntf *n;

	if (!w)
		return;
	n = w->ntf;
	htable_remove(&n->watches, &w->by_id);
	list_remove(&w->unarmed);
	if (n->view && n->slots[w->slot].owned)
		unwatch(n, &n->slots[w->slot].owner, w->id);
	ntf_buf_done(&w->buf);
	free(w);
}

int ntf_watch_wait(struct ntf_watch *w, uint64_t deadline)
{
	return gate_wait(&w->gate, deadline);
}

void ntf_watch_counts(struct ntf_watch *w)
{
	w->late = w->late || !w->armed;
}

void ntf_watch_lose(struct ntf_watch *w)
{
	ntf_buf_lose(&w->buf);
}

enum ntf_got ntf_watch_take(struct ntf_watch *w, size_t limit, struct wr *wr)
{
	return ntf_buf_take(&w->buf, limit, wr);
}

static void lose(struct ntf_watch *w)
{
	if (!w->armed && w->late)
		return; /* it will be told so once it is armed, which covers this, too */
	ntf_buf_lose(&w->buf);
	w->want.ready(w->want.arg, false);
}

static void watched(struct ntf *n, const struct ntm *m)
{
	struct ntf_watch *w = watch_find(n, m->id);

	if (!w || w->armed || m->round != w->round ||
	    !place_equal(&n->slots[w->slot].owner, &m->from))
		return;
	w->armed = true;
	list_remove(&w->unarmed);
	gate_open(&w->gate);
	if (w->late) {
		w->late = false;
		lose(w);
	}
}

static void told(struct ntf *n, const struct ntm *m)
{
	struct ntf_watch *w = watch_find(n, m->id);

	if (!w) {
		unwatch(n, &m->from, m->id); /* the first UNWATCH was lost */
		return;
	}
	if (m->flags & NTMF_LOST)
		ntf_buf_lose(&w->buf);
	ntf_buf_add(&w->buf, m->changes, m->n_changes);
	if ((m->flags & NTMF_GONE) || ntf_buf_filled(&w->buf))
		w->want.ready(w->want.arg, m->flags & NTMF_GONE);
}

void watch_take(struct ntf *n, const struct ntm *m)
{
	if (m->kind == NTM_WATCHED)
		watched(n, m);
	else
		told(n, m);
}

void watch_lose(struct ntf *n, const struct place *owner)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->watches) {
		struct ntf_watch *w = htable_entry(h, struct ntf_watch, by_id);
		const struct ntf_slot *s = &n->slots[w->slot];

		if (!owner || (s->owned && place_equal(owner, &s->owner)))
			lose(w);
	}
}

void watch_view(struct ntf *n, bool died)
{
	struct htable_iter it;
	struct hnode *h;

	htable_foreach(h, &it, &n->watches) {
		struct ntf_watch *w = htable_entry(h, struct ntf_watch, by_id);

		if (n->slots[w->slot].moved != n->view->epoch)
			continue;
		w->late = w->late || w->armed;
		w->armed = false;
		w->round++;
		gate_close(&w->gate);
		list_remove(&w->unarmed);
		list_append(&n->unarmed, &w->unarmed);
		ask(w);
	}
	/* What it had changed and not told yet is lost. */
	if (died) {
		n->stats.missed++;
		watch_lose(n, NULL);
	}
}

void watch_tick(struct ntf *n)
{
	uint64_t now = loop_now(n->cfg.loop);
	struct list all;
	struct ntf_watch *w;

	list_init(&all);
	list_splice(&all, &n->unarmed);
	while ((w = list_first(&all, struct ntf_watch, unarmed))) {
		list_remove(&w->unarmed);
		list_append(&n->unarmed, &w->unarmed);
		if (now - w->asked_at >= ASK_AGAIN_NS)
			ask(w);
	}
}
