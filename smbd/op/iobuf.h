/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers for READ data, kept for reuse by the thread that made them: fresh megabytes cost page
 * faults. */
#ifndef HF_SMBD_OP_IOBUF_H
#define HF_SMBD_OP_IOBUF_H

#include "node/base/util.h"

/* At least `n` bytes, not initialised; NULL: no memory. */
void *iobuf_get(size_t n);
/* Gives a buffer back; on the thread that got it. */
void iobuf_put(void *buf);

#endif
