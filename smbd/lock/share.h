/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Share modes: whether two opens of one file may exist together (MS-FSA 2.1.5.1.2.2). Pure; any
 * thread. */
#ifndef HF_SMBD_LOCK_SHARE_H
#define HF_SMBD_LOCK_SHARE_H

#include "node/base/util.h"

#define SHARE_READ 0x1u
#define SHARE_WRITE 0x2u
#define SHARE_DELETE 0x4u

/* The kinds of access that share modes are about, as SHARE_* bits; 0 for an open of attributes
 * only. */
unsigned int share_uses(uint32_t access);
/* Whether an open with (access_a, share_a) excludes one with (access_b, share_b). Symmetric. */
bool share_conflict(uint32_t access_a, uint32_t share_a, uint32_t access_b, uint32_t share_b);

#endif
