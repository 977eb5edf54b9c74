/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stacks for tasks: mapped memory with a guard page below, kept for reuse. A pool belongs to one
 * loop. */
#ifndef HF_NODE_LOOP_STACK_H
#define HF_NODE_LOOP_STACK_H

#include "node/base/list.h"

struct stack {
	void *map; /* the guard page is its first page */
	void *bottom; /* lowest usable address */
	size_t size; /* usable bytes */
	void *fiber; /* TSan */
};

struct stack_pool {
	struct stack *idle;
	size_t nidle, max_idle;
	size_t size; /* usable bytes of each */
};

/* -ENOMEM. */
int stack_pool_init(struct stack_pool *p, size_t size);
/* Every stack must be back. */
void stack_pool_done(struct stack_pool *p);
/* Takes a stack. -ENOMEM, also when the process has too many mappings. */
int stack_get(struct stack_pool *p, struct stack *ret);
/* Gives it back; nothing may run on it. */
void stack_put(struct stack_pool *p, struct stack *s);

#endif
