/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of create contexts, read in both directions. */
#include "tests/fuzz/wire_dispatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };

	arena_init(&a, 64 << 20);
	(void)wire_dispatch_create_ctxs(&a, BLOB(data, size));
	return 0;
}
