/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stack pool; on its loop's thread. */
#include "node/loop/stack.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "node/loop/context.h"

#ifdef HF_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef HF_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* Linux 6.13: a guard page that is no mapping of its own, so that max_map_count is not spent on
 * them. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

#define STACKS_KEPT 512

static size_t page_size(void)
{
	static _Atomic(size_t) size;
	size_t n = atomic_load_explicit(&size, memory_order_relaxed);

	if (!n) {
		n = (size_t)sysconf(_SC_PAGESIZE);
		atomic_store_explicit(&size, n, memory_order_relaxed);
	}
	return n;
}

static void unpoison(const struct stack *s)
{
#ifdef HF_ASAN
	ASAN_UNPOISON_MEMORY_REGION(s->bottom, s->size);
#endif
	(void)s;
}

static void stack_unmap(struct stack *s)
{
#ifdef HF_TSAN
	__tsan_destroy_fiber(s->fiber);
#endif
	munmap(s->map, s->size + page_size());
}

static int stack_map(size_t size, struct stack *ret)
{
	size_t page = page_size();
	struct stack s = { .size = size };

	s.map = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (s.map == MAP_FAILED)
		return -ENOMEM;
	if (madvise(s.map, page, MADV_GUARD_INSTALL) < 0 && mprotect(s.map, page, PROT_NONE) < 0) {
		munmap(s.map, size + page);
		return -ENOMEM;
	}
	s.bottom = (char *)s.map + page;
#ifdef HF_TSAN
	s.fiber = __tsan_create_fiber(0);
#endif
	*ret = s;
	return 0;
}

int stack_pool_init(struct stack_pool *p, size_t size)
{
	size_t page = page_size();

#ifdef HF_ASAN
	size *= 4; /* red zones */
#endif
#ifdef HF_TSAN
	size *= 2;
#endif
	*p = (struct stack_pool){ .max_idle = STACKS_KEPT,
				  .size = (size + page - 1) & ~(page - 1) };
	p->idle = calloc(p->max_idle, sizeof(*p->idle));
	return p->idle ? 0 : -ENOMEM;
}

void stack_pool_done(struct stack_pool *p)
{
	while (p->nidle)
		stack_unmap(&p->idle[--p->nidle]);
	free(p->idle);
	p->idle = NULL;
}

int stack_get(struct stack_pool *p, struct stack *ret)
{
	if (p->nidle) {
		*ret = p->idle[--p->nidle];
		return 0;
	}
	return stack_map(p->size, ret);
}

void stack_put(struct stack_pool *p, struct stack *s)
{
	unpoison(s);
	if (p->nidle < p->max_idle)
		p->idle[p->nidle++] = *s;
	else
		stack_unmap(s);
}
