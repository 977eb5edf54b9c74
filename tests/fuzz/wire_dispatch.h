/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decodes any SMB2 message by its header and touches every byte that the decoders hand out. For
 * fuzz targets and sweeps. */
#ifndef HF_TESTS_FUZZ_WIRE_DISPATCH_H
#define HF_TESTS_FUZZ_WIRE_DISPATCH_H

#include "node/base/arena.h"

/* Decodes `msg` as a request, buffers inside it included. What the decoder of its command returned;
 * -ENOSYS for an unknown command. */
int wire_dispatch_request(struct arena *a, struct blob msg);
/* The same for a response. */
int wire_dispatch_response(struct arena *a, struct blob msg);
/* Decodes a list of create contexts in both directions. */
int wire_dispatch_create_ctxs(struct arena *a, struct blob list);
/* Decodes a buffer of information, as set by a client and as sent by a server. */
int wire_dispatch_info(struct arena *a, uint8_t type, uint8_t info_class, struct blob b);
/* Decodes a security descriptor and checks that writing and reading it again keeps it. */
int wire_dispatch_secdesc(struct arena *a, struct blob b);

#endif
