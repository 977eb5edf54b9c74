/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a holder share (holder.c, holder_check.c). */
#ifndef HF_TESTS_BENCH_HOLDER_H
#define HF_TESTS_BENCH_HOLDER_H

#include "smbd/wire/create_ctx.h"
#include "tests/bench/handles.h"

/* Sets the holder's sentence, if it has none yet; returns `err`. */
int holder_fail(struct holder *h, int err, const char *fmt, ...) HF_PRINTF(3, 4);
/* 0 when `r` is 0 and `status` success; otherwise a negative errno, with the holder's sentence. */
int holder_refused(struct holder *h, const char *what, int r, struct ntstatus status);
/* A connection, a session and a tree connect at `addr`. */
int holder_come(struct holder *h, const struct net_addr *addr);
/* The path of its i-th open. */
void holder_file(const struct holder *h, unsigned int i, char *buf, size_t len);

/* Requests; `c` may be NULL. */
void put_create(struct msg *m, size_t hdr, const char *name, uint32_t options, const struct smb2_create_ctxs_req *c);
void put_lock(struct msg *m, size_t hdr, struct smb2_fileid id);
/* Adds a lease of version 2 to the contexts of a CREATE. */
void put_lease(struct smb2_create_ctxs_req *c, const struct guid *key, uint32_t state);

#endif
