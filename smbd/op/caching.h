/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leases and oplocks between a client and the owner of its file: what CREATE asks for and answers, and breaks. Home
 * worker's thread. */
#ifndef HF_SMBD_OP_CACHING_H
#define HF_SMBD_OP_CACHING_H

#include "smbd/op/file_open.h"
#include "smbd/wire/create_ctx.h"

/* RequestedOplockLevel and RqLs as what to ask the owner for (MS-SMB2 3.3.5.9, .8, .11); `present` is false when nothing is. */
void caching_want(const struct smb_req *req, uint8_t level, const struct smb2_create_ctxs_req *ctx, bool directory,
		  bool persistent, struct rec_lease *ret);
/* Whether a CREATE of this directory names a lease that its client has on something else here (3.3.5.9.8, .11), though it
 * will get none; of files the owner's side sees to it. */
bool caching_key_taken(const struct smb_req *req, uint8_t level, const struct smb2_create_ctxs_req *ctx,
		       const struct file_key *directory);
/* OplockLevel of the response; `*ret` is its RqLs context when that is LEASE. `reclaimed`: its client comes back, so that a break
 * which it is told of only behind this response is not in it. */
uint8_t caching_answer(const struct lk_open *o, bool reclaimed, struct smb2_lease_ctx *ret);
/* OplockLevel of the response to a replay that asks for `asked`, of an open that has `level`: not more than is asked for this
 * time, though the open keeps what it has. */
uint8_t caching_replayed(uint8_t level, uint8_t asked);
/* Whether a replay with this level and contexts may be one of the request that made `l`: a lease stays what it was. */
bool caching_replays(const struct rec_lease *l, uint8_t level, const struct smb2_create_ctxs_req *ctx);

/* Callback for lockc_config, `arg` is the worker. */
bool caching_broken(void *arg, struct lk_open *lk, const struct lk_break *b);
/* The response that makes the open known to the client is about to leave: a break that came meanwhile follows it. */
void caching_known(struct file_open *fo);
/* A connection of the open's session is gone, and others live (open_ops). */
void caching_channel_lost(struct open *o, const struct conn *c);

#endif
