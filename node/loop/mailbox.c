/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mailboxes: a lock-free list that any thread pushes to and the loop takes whole. A sender wakes
 * the loop only when it sleeps: by a message from ring to ring when the sender is a loop itself,
 * else by an eventfd.
 */
#include "node/loop/loop_priv.h"

#include <sys/eventfd.h>

int mailbox_open(struct mailbox *b)
{
	atomic_init(&b->head, NULL);
	atomic_init(&b->sleeping, false);
	b->evfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return b->evfd < 0 ? -errno : 0;
}

void mailbox_close(struct mailbox *b)
{
	if (b->evfd >= 0)
		close(b->evfd);
}

bool mailbox_empty(const struct mailbox *b)
{
	return !atomic_load(&b->head);
}

void mailbox_wake(struct mailbox *b)
{
	const uint64_t one = 1;

	while (write(b->evfd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void mailbox_drain(struct mailbox *b)
{
	uint64_t n;

	while (read(b->evfd, &n, sizeof(n)) < 0 && errno == EINTR)
		;
}

static void wake(struct loop *to)
{
	struct loop *from = loop_here;
	struct io_uring_sqe *sqe;

	if (from && from != to && from->in_round && from->has_msg_ring && (sqe = ring_sqe(from))) {
		io_uring_prep_msg_ring(sqe, to->ring.ring_fd, 0, TAG_WAKE, 0);
		sqe->user_data = (uint64_t)(uintptr_t)to | TAG_SENT_WAKE;
		return;
	}
	mailbox_wake(&to->box);
}

void loop_post(struct loop *to, struct mail *m)
{
	struct mail *head = atomic_load_explicit(&to->box.head, memory_order_relaxed);

	do {
		m->next = head;
	} while (!atomic_compare_exchange_weak(&to->box.head, &head, m));
	/* The loop sets `sleeping` before it looks into the box the last time: one of the two sees
	 * the other. */
	if (atomic_load(&to->box.sleeping) && atomic_exchange(&to->box.sleeping, false))
		wake(to);
}

void mailbox_run(struct loop *l)
{
	struct mail *m, *next, *first = NULL;

	if (!atomic_load_explicit(&l->box.head, memory_order_relaxed))
		return;
	m = atomic_exchange(&l->box.head, NULL);
	for (; m; m = next) {
		next = m->next;
		m->next = first;
		first = m;
	}
	for (m = first; m; m = next) {
		next = m->next;
		m->run(m);
	}
}

struct deferred {
	struct mail mail;
	void (*fn)(void *arg);
	void *arg;
};

static void deferred_run(struct mail *m)
{
	struct deferred *d = container_of(m, struct deferred, mail);
	void (*fn)(void *arg) = d->fn;
	void *arg = d->arg;

	free(d);
	fn(arg);
}

int loop_defer(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct deferred *d;

	loop_assert(l);
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct deferred){ .mail.run = deferred_run, .fn = fn, .arg = arg };
	*l->deferred_tail = &d->mail;
	l->deferred_tail = &d->mail.next;
	loop_kick(l);
	return 0;
}
