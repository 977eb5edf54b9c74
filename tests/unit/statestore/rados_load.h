/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load on a store, and what it took: for tests/cluster/store-rados.sh. */
#ifndef HF_TESTS_UNIT_RADOS_LOAD_H
#define HF_TESTS_UNIT_RADOS_LOAD_H

#include "statestore/store.h"

/* Writes into several slots for `seconds`, a fixed number of writes on their way, then reads everything back. Prints a line;
 * 0 when every acknowledged write is there. */
int rados_load(struct store *s, unsigned int seconds);
/* Measures claims of all slots, loads, single writes and many at once. Prints a line each. */
int rados_bench(struct store *s);

#endif
