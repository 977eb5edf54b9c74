/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The message ids that a connection may use (MS-SMB2 3.3.1.1, 3.3.4.1.2, 3.3.5.2.3): a window that
 * moves up, a bit for each id that was used, and the credits that are out. Pure.
 */
#ifndef HF_SMBD_PROTO_CREDIT_H
#define HF_SMBD_PROTO_CREDIT_H

#include "node/base/util.h"

struct credit_window {
	uint64_t low; /* the smallest id that was not used yet */
	uint64_t high; /* one above the largest id that may be used */
	uint32_t max; /* credits that may be out */
	uint32_t n_used; /* ids of the window that were used */
	uint64_t *used; /* bit per id, ring of `bits` */
	uint32_t bits; /* a power of two, >= 2 * max */
};

/* A window that allows `first` alone. -ENOMEM. */
int credit_init(struct credit_window *w, uint64_t first, uint32_t max);
void credit_done(struct credit_window *w);
/* Uses the ids first .. first + count - 1. -EBADMSG: one of them is outside of the window or was
 * used: the connection must be dropped. */
int credit_consume(struct credit_window *w, uint64_t first, uint32_t count);
/* Grants credits for a response to a request that asked for `wanted` and was charged `charge`: at
 * least one when nothing is out, at most what keeps the window at `max`. Returns the number to put
 * in the header. */
uint16_t credit_grant(struct credit_window *w, uint16_t wanted, uint16_t charge);
/* Credits that the client holds now. */
uint32_t credit_out(const struct credit_window *w);

#endif
