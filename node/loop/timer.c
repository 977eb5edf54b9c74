/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timers: an intrusive pairing heap, so that arming never allocates. On the loop's thread. */
#include "node/loop/loop_priv.h"

static bool before(const struct timer *a, const struct timer *b)
{
	return a->deadline != b->deadline ? a->deadline < b->deadline : a->seq < b->seq;
}

/* Joins two heaps; `prev` of a first child is its parent. */
static struct timer *meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (!a || !b)
		return a ? a : b;
	if (before(b, a)) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	a->next = a->prev = NULL;
	return a;
}

/* Makes one heap of a list of siblings: pairs from the left, then all from the right. */
static struct timer *meld_siblings(struct timer *first)
{
	struct timer *pairs = NULL, *root = NULL, *a, *b, *m;

	while (first) {
		a = first;
		b = a->next;
		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;
		m = meld(a, b);
		m->next = pairs;
		pairs = m;
	}
	while (pairs) {
		m = pairs;
		pairs = m->next;
		m->next = NULL;
		root = meld(root, m);
	}
	return root;
}

static void heap_remove(struct timer_heap *h, struct timer *t)
{
	struct timer *children = meld_siblings(t->child);

	if (t == h->root) {
		h->root = children;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		h->root = meld(h->root, children);
	}
	t->child = t->next = t->prev = NULL;
}

void timer_init(struct timer *t, struct loop *l, void (*fire)(struct timer *t))
{
	*t = (struct timer){ .loop = l, .fire = fire };
}

void timer_set(struct timer *t, uint64_t deadline)
{
	struct loop *l = t->loop;

	loop_assert(l);
	timer_cancel(t);
	t->deadline = deadline;
	t->seq = l->timers.seq++;
	t->armed = true;
	l->timers.root = meld(l->timers.root, t);
	if (l->timers.root == t)
		loop_kick(l);
}

void timer_cancel(struct timer *t)
{
	if (!t->armed)
		return;
	loop_assert(t->loop);
	heap_remove(&t->loop->timers, t);
	t->armed = false;
}

bool timer_armed(const struct timer *t)
{
	return t->armed;
}

void timers_run(struct timer_heap *h, uint64_t now)
{
	uint64_t last = h->seq; /* what is armed meanwhile waits for the next round */
	struct timer *t;

	while ((t = h->root) && t->deadline <= now && t->seq < last) {
		heap_remove(h, t);
		t->armed = false;
		t->fire(t);
	}
}

uint64_t timers_next(const struct timer_heap *h)
{
	return h->root ? h->root->deadline : UINT64_MAX;
}
