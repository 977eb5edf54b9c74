/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record of an open: whatever decodes can be copied, written and read again to the same. */
#include "statestore/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rec_open r, c, d;
	struct blob b, b2;

	arena_init(&a, 0);
	if (rec_open_decode(BLOB(data, size), &r) < 0)
		return 0;
	assert(rec_open_copy(&r, &c) == 0);
	assert(rec_open_encode(&c, 0, &a, &b) == 0);
	assert(rec_open_decode(b, &d) == 0);
	assert(rec_open_encode(&d, 0, &a, &b2) == 0);
	assert(blob_equal(b, b2));
	rec_open_done(&r);
	rec_open_done(&c);
	rec_open_done(&d);
	return 0;
}
