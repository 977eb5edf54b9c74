/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store in memory behind the functions of statestore/store.h, with faults on demand. For tests of
 * one loop. */
#ifndef HF_TESTS_UNIT_SMBD_LOCK_MEM_STORE_H
#define HF_TESTS_UNIT_SMBD_LOCK_MEM_STORE_H

#include "statestore/store.h"

struct store *mem_store_new(uint32_t slots);
void mem_store_free(struct store *s);
/* Every write fails with this from now on; 0: no more. */
void mem_store_fail(struct store *s, int err);
/* The same, but slots can be claimed. */
void mem_store_refuse(struct store *s, int err);
/* A write takes from 0 to `ns`. */
void mem_store_delay(struct store *s, uint64_t ns);
/* How many records there are in all slots. */
size_t mem_store_count(const struct store *s);
/* Puts a value under the key of open `id`. */
void mem_store_put(struct store *s, uint64_t id, struct blob val);

#endif
