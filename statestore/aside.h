/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records that nobody can read are put where owners do not look for them, and kept. */
#ifndef HF_STATESTORE_ASIDE_H
#define HF_STATESTORE_ASIDE_H

#include "statestore/store.h"

/* [task] Moves one record of a slot aside: under REC_ASIDE_PREFIX and its key. Guarded by the epoch under which the slot is
 * owned: -ESTALE when somebody has claimed it meanwhile; -ENOENT when the record is gone; -EINVAL: no room before its key. */
int aside_move(struct store *s, uint32_t slot, uint64_t epoch, struct blob key);

#endif
