/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two directions of create contexts share. */
#ifndef HF_SMBD_WIRE_CREATE_CTX_PRIV_H
#define HF_SMBD_WIRE_CREATE_CTX_PRIV_H

#include "smbd/wire/create_ctx.h"

#define SMB2_LEASE_V1_LEN 32
#define SMB2_LEASE_V2_LEN 52
#define SMB2_CTX_DATA_MAX 64 /* of the contexts with a fixed form */

/* SMB2_CTX_* of a context's name, or 0. */
uint32_t smb2_create_ctx_bit(struct blob name);
struct blob smb2_create_ctx_name(uint32_t bit);

/* The version is told by how many bytes `r` has. */
struct smb2_lease_ctx smb2_lease_ctx_read(struct rd *r);
void smb2_lease_ctx_write(struct wr *w, const struct smb2_lease_ctx *l);

#endif
