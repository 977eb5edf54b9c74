/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every cmocka program includes, in the order that cmocka asks for. */
#ifndef HF_TESTS_UNIT_TEST_H
#define HF_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
