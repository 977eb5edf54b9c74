/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Buffers of SET_INFO and QUERY_INFO: the information type, its class, then the buffer. */
#include "tests/fuzz/wire_dispatch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };

	if (size < 2)
		return 0;
	arena_init(&a, 64 << 20);
	(void)wire_dispatch_info(&a, data[0], data[1], BLOB(data + 2, size - 2));
	return 0;
}
