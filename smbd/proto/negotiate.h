/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this server offers in NEGOTIATE: for op/negotiate, and for the SMB1 request that asks for
 * SMB2. */
#ifndef HF_SMBD_PROTO_NEGOTIATE_H
#define HF_SMBD_PROTO_NEGOTIATE_H

#include "smbd/proto/worker.h"
#include "smbd/wire/negotiate.h"

/* Fills in what does not depend on the client: identity, sizes for `dialect`, times, token (in
 * `a`). -ENOMEM. */
int negotiate_offer(struct worker *w, uint16_t dialect, struct arena *a,
		    struct smb2_negotiate_resp *ret);
/* SecurityMode of this server. */
uint16_t negotiate_security_mode(const struct worker *w);
/* The largest dialect that the server allows and `offered` has; 0: none. */
uint16_t negotiate_dialect(const struct worker *w, const struct smb2_ids *offered);
/* Capabilities for a dialect, given the client's (0 below 2.1). */
uint32_t negotiate_capabilities(const struct worker *w, uint16_t dialect, uint32_t client);
/* Largest transaction, read and write for a dialect in bytes. */
uint32_t negotiate_max_io(const struct worker *w, uint16_t dialect);

#endif
