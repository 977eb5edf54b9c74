/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small language helpers that every file may use.
 *
 * Errors: a negative errno is a fault and is passed up unchanged; 0 is done; a positive value is an
 * outcome that the prototype documents and the direct caller consumes.
 */
#ifndef HF_NODE_BASE_UTIL_H
#define HF_NODE_BASE_UTIL_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define HF_CAT_(a, b) a##b
#define HF_CAT(a, b) HF_CAT_(a, b)
#define HF_PICK_(a, op, b, x, y) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x op y ? x : y; })
#define MIN(a, b) HF_PICK_(a, <, b, HF_CAT(min_a_, __COUNTER__), HF_CAT(min_b_, __COUNTER__))
#define MAX(a, b) HF_PICK_(a, >, b, HF_CAT(max_a_, __COUNTER__), HF_CAT(max_b_, __COUNTER__))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define HF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define HF_MUST_CHECK __attribute__((warn_unused_result))

/* Runs `fn(&var)` when `var` leaves its scope. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Moves a pointer out of a variable that a cleanup would otherwise free. */
#define TAKE_PTR(p) ({ __typeof__(p) *take_ = &(p); __typeof__(p) ret_ = *take_; *take_ = NULL; ret_; })
#define TAKE_FD(fd) ({ int *take_ = &(fd); int ret_ = *take_; *take_ = -1; ret_; })

/* Defines `cleanup_NAME(type **)` for a destructor that accepts NULL. */
#define DEFINE_CLEANUP(type, name, fn) \
	static inline void cleanup_##name(type **p) { fn(*p); }

static inline void cleanup_free(void *p) { free(*(void **)p); }
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

/* Bytes that somebody else owns. */
struct blob {
	const uint8_t *data;
	size_t len;
};

#define BLOB(p, n) ((struct blob){ .data = (const uint8_t *)(p), .len = (n) })

static inline bool blob_equal(struct blob a, struct blob b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif
