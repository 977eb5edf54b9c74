/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of negotiate contexts: their number in one byte, then the list. */
#include "tests/fuzz/wire_dispatch.h"
#include "smbd/wire/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct smb2_neg_ctxs c;

	if (size < 1)
		return 0;
	arena_init(&a, 64 << 20);
	(void)smb2_neg_ctxs_decode(&a, BLOB(data + 1, size - 1), data[0], &c);
	return 0;
}
