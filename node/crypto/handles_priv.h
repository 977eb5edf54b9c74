/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cipher handles of one key. A gnutls handle belongs to one thread while it works; a key may be
 * used by several. So a key keeps a few handles, each taken and given back with one atomic
 * operation; beyond that, one is made for the call.
 */
#ifndef HF_NODE_CRYPTO_HANDLES_PRIV_H
#define HF_NODE_CRYPTO_HANDLES_PRIV_H

#include <stdatomic.h>

#include "node/base/util.h"

#define HANDLES_KEPT 8

struct handles {
	_Atomic uint32_t busy; /* bit i: kept[i] is in use, only its user looks at it */
	void *kept[HANDLES_KEPT];
};

/* Makes one handle of the key that `ctx` describes. 0, -ENOMEM, -EIO. */
typedef int handles_make_fn(const void *ctx, void **ret_handle);

/* Takes a handle. `*ret_index` goes to handles_put(); HANDLES_KEPT means that the caller must free
 * the handle after use. */
static inline int handles_get(struct handles *p, handles_make_fn *make, const void *ctx,
			      unsigned *ret_index, void **ret_handle)
{
	uint32_t busy = atomic_load_explicit(&p->busy, memory_order_relaxed);
	unsigned i;
	int r;

	for (;;) {
		i = (unsigned)__builtin_ctz(~busy);
		if (i >= HANDLES_KEPT) {
			*ret_index = HANDLES_KEPT;
			return make(ctx, ret_handle);
		}
		if (atomic_compare_exchange_weak_explicit(&p->busy, &busy, busy | 1u << i,
							  memory_order_acquire,
							  memory_order_relaxed))
			break;
	}
	if (!p->kept[i]) {
		r = make(ctx, &p->kept[i]);
		if (r < 0) {
			atomic_fetch_and_explicit(&p->busy, ~(1u << i), memory_order_release);
			return r;
		}
	}
	*ret_index = i;
	*ret_handle = p->kept[i];
	return 0;
}

static inline void handles_put(struct handles *p, unsigned index)
{
	if (index < HANDLES_KEPT)
		atomic_fetch_and_explicit(&p->busy, ~(1u << index), memory_order_release);
}

#endif
