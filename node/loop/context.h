/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Switching between stacks, announced to AddressSanitizer and ThreadSanitizer. */
#ifndef HF_NODE_LOOP_CONTEXT_H
#define HF_NODE_LOOP_CONTEXT_H

#include "node/base/util.h"

#if defined(__SANITIZE_ADDRESS__)
#define HF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HF_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define HF_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HF_TSAN 1
#endif
#endif

struct context {
	void *sp; /* saved stack pointer, or a ucontext_t where there is no assembly for the machine
		   */
	void *bottom; /* lowest address and size of the stack, for ASan */
	size_t size;
	void *fake_stack; /* ASan */
	void *fiber; /* TSan */
};

/* Makes the context that the calling thread runs on, so that others can switch back to it. */
void context_init_thread(struct context *c);
/* Makes a context that calls `entry(arg)` on the given stack when first switched to; entry never
 * returns. `fiber` is a TSan fiber to use (NULL without TSan). -ENOMEM. */
int context_init(struct context *c, void *stack, size_t size, void *fiber, void (*entry)(void *arg),
		 void *arg);
/* Frees what context_init() made; not the stack. */
void context_done(struct context *c);
/* Saves the present state in `from` and continues `to`. `last`: `from` will never be continued. */
void context_switch(struct context *from, struct context *to, bool last);
/* Must be the first call in an entry function: `from` is where it was switched from. */
void context_entered(struct context *self, struct context *from);

#endif
