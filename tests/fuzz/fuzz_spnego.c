/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPNEGO tokens: any bytes are either refused or survive being written and read again. */
#include "node/auth/spnego.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_init(struct blob in, struct arena *a)
{
	struct wr w = wr_arena(a, 1 << 24);
	struct spnego_init x, y;

	if (spnego_decode_init(in, &x) < 0)
		return;
	spnego_encode_init(&w, &x, false);
	if (wr_end(&w) < 0 || spnego_decode_init(wr_blob(&w), &y) < 0)
		abort();
	if (x.nmechs != y.nmechs || x.has_token != y.has_token || !blob_equal(x.token, y.token))
		abort();
}

static void try_resp(struct blob in, struct arena *a)
{
	struct wr w = wr_arena(a, 1 << 24);
	struct spnego_resp x, y;

	if (spnego_decode_resp(in, &x) < 0)
		return;
	spnego_encode_resp(&w, &x);
	if (wr_end(&w) < 0 || spnego_decode_resp(wr_blob(&w), &y) < 0)
		abort();
	if (x.state != y.state || !blob_equal(x.mech, y.mech) || !blob_equal(x.token, y.token) ||
	    !blob_equal(x.mic, y.mic))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };

	arena_init(&a, 0);
	try_init(BLOB(data, size), &a);
	try_resp(BLOB(data, size), &a);
	return 0;
}
