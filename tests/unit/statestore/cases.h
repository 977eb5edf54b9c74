/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every backend of the state store must do: cases for all of them, and a writer process to kill. */
#ifndef HF_TESTS_UNIT_STORE_CASES_H
#define HF_TESTS_UNIT_STORE_CASES_H

#include "tests/unit/test.h"

#include <sys/types.h>

#include "statestore/store.h"

#define CASES_SLOTS 64

/* Where the store is; set before the cases run. */
extern char cases_url[512];

struct store *cases_open(void);
int cases_put(struct store *s, uint32_t slot, uint64_t epoch, const char *key, const char *val);
bool cases_claim(struct store *s, uint32_t slot, uint64_t epoch, uint32_t node);
/* A process that writes numbered records into slot 20 under epoch 1 and tells each acknowledged number through the pipe. */
pid_t cases_writer(int *ret_fd);
/* To be the first thing in main(): runs the writer when this process is to be one. */
void cases_main(int argc, char **argv);

void test_guard_refuses_deposed_owner(void **state);
void test_scan_pages_and_survives_reopen(void **state);
void test_write_is_atomic(void **state);
void test_resources(void **state);
void test_counters(void **state);
void test_kill9_loses_nothing_acknowledged(void **state);
void test_writes_keep_their_order(void **state);
void test_handles_race_for_resources(void **state);

#define STORE_CASES                                                 \
	cmocka_unit_test(test_guard_refuses_deposed_owner),         \
	cmocka_unit_test(test_scan_pages_and_survives_reopen),      \
	cmocka_unit_test(test_write_is_atomic),                     \
	cmocka_unit_test(test_resources),                           \
	cmocka_unit_test(test_counters),                            \
	cmocka_unit_test(test_kill9_loses_nothing_acknowledged),    \
	cmocka_unit_test(test_writes_keep_their_order),             \
	cmocka_unit_test(test_handles_race_for_resources)

#endif
