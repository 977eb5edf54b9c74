/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arena: memory that is given back all at once. One arena belongs to one request and one thread.
 * Under AddressSanitizer every allocation is its own malloc, so that overflows are seen.
 */
#ifndef HF_NODE_BASE_ARENA_H
#define HF_NODE_BASE_ARENA_H

#include "node/base/util.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
	size_t used;  /* bytes handed out */
	size_t limit; /* bytes that may be handed out; 0: no limit */
};

/* Makes an empty arena that refuses to hand out more than `limit` bytes in all (0: no limit). */
void arena_init(struct arena *a, size_t limit);
/* Frees everything that the arena handed out; it is empty and usable again. */
void arena_reset(struct arena *a);

/* Returns `n` bytes aligned for any type, not initialised, or NULL when memory or the limit is exhausted.
 * n == 0 returns a valid pointer. */
void *arena_alloc(struct arena *a, size_t n);
/* Like arena_alloc, zero-filled. */
void *arena_zalloc(struct arena *a, size_t n);
/* Zero-filled array of `count` elements; NULL on multiplication overflow too. */
void *arena_calloc(struct arena *a, size_t count, size_t size);
/* Copies `n` bytes into the arena. NULL as arena_alloc. */
void *arena_memdup(struct arena *a, const void *p, size_t n);
/* Copies a C string into the arena. */
char *arena_strdup(struct arena *a, const char *s);
/* Formats into the arena. */
char *arena_printf(struct arena *a, const char *fmt, ...) HF_PRINTF(2, 3);

#define arena_new(a, type) ((type *)arena_zalloc((a), sizeof(type)))

static inline void cleanup_arena(struct arena *a) { arena_reset(a); }
#define _cleanup_arena_ _cleanup_(cleanup_arena)

#endif
