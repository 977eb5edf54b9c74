/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTLMSSP messages: any bytes are either refused or survive being written and read again. */
#include "node/auth/ntlmssp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_pairs(struct blob pairs)
{
	struct blob v;

	for (uint16_t id = 0; id < 12; id++)
		if (ntlm_av_find(pairs, id, &v) == 0 && v.len > pairs.len)
			abort();
}

static void try_authenticate(struct blob in, struct arena *a)
{
	struct wr w = wr_arena(a, 1 << 24);
	struct ntlm_authenticate x, y;
	struct ntlm_v2_client v2;

	if (ntlm_decode_authenticate(in, &x) < 0)
		return;
	ntlm_encode_authenticate(&w, &x);
	if (wr_end(&w) < 0 || ntlm_decode_authenticate(wr_blob(&w), &y) < 0)
		abort();
	if (!blob_equal(x.nt, y.nt) || !blob_equal(x.user, y.user) ||
	    !blob_equal(x.session_key, y.session_key) || x.flags != y.flags)
		abort();
	if (x.nt.len >= 16 && ntlm_decode_v2_client(BLOB(x.nt.data + 16, x.nt.len - 16), &v2) == 0)
		try_pairs(v2.av_pairs);
}

static void try_challenge(struct blob in, struct arena *a)
{
	struct wr w = wr_arena(a, 1 << 24);
	struct ntlm_challenge x, y;

	if (ntlm_decode_challenge(in, &x) < 0)
		return;
	ntlm_encode_challenge(&w, &x);
	if (wr_end(&w) < 0 || ntlm_decode_challenge(wr_blob(&w), &y) < 0)
		abort();
	if (!blob_equal(x.target_name, y.target_name) || !blob_equal(x.target_info, y.target_info))
		abort();
	try_pairs(x.target_info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob in = BLOB(data, size);
	struct ntlm_negotiate n;

	arena_init(&a, 0);
	(void)ntlm_decode_negotiate(in, &n);
	try_challenge(in, &a);
	try_authenticate(in, &a);
	try_pairs(in);
	return 0;
}
