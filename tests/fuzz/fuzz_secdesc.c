/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A self-relative security descriptor. */
#include "tests/fuzz/wire_dispatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };

	arena_init(&a, 64 << 20);
	(void)wire_dispatch_secdesc(&a, BLOB(data, size));
	return 0;
}
