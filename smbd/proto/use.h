/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who uses an object now: the requests that found it, and at most one task that waits until they
 * are done with it. This is how CLOSE, TREE_DISCONNECT, LOGOFF and the loss of a connection end
 * things without pulling them from under a request.
 */
#ifndef HF_SMBD_PROTO_USE_H
#define HF_SMBD_PROTO_USE_H

#include "node/base/list.h"
#include "node/loop/task.h"

struct smb_req;

struct use {
	struct list reqs;
	struct task *waiter;
};

static inline void use_init(struct use *u)
{
	list_init(&u->reqs);
	u->waiter = NULL;
}
static inline void use_begin(struct use *u, struct list *link)
{
	list_append(&u->reqs, link);
}
/* Harmless when `link` is not in use. */
static inline void use_end(struct use *u, struct list *link)
{
	list_remove(link);
	if (u->waiter)
		task_wake(u->waiter);
}
/* [task] Waits, shielded, until no request but the one of `self` (NULL: none at all) uses it. */
static inline void use_wait(struct use *u, const struct list *self)
{
	task_shield_begin();
	u->waiter = task_current();
	while (!list_empty(&u->reqs) && !(u->reqs.next == self && u->reqs.prev == self))
		(void)task_park();
	u->waiter = NULL;
	task_shield_end();
}

#endif
