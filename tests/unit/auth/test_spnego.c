/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPNEGO's tokens: as Windows writes them, there and back, and cut or bent in every place. */
#include "tests/unit/test.h"

#include "node/auth/spnego.h"
#include "tests/unit/arena.h"
#include "tests/unit/auth/hex.h"

/* The server's first token as Windows sends it for MS-KRB5, krb5 and NTLMSSP. */
static const char init2_hex[] =
	"60 5e 06 06 2b0601050502 a0 54 30 52 a0 24 30 22"
	" 06 09 2a864882f712010202 06 09 2a864886f712010202 06 0a 2b06010401823702020a"
	" a3 2a 30 28 a0 26 1b 24 "
	"6e6f745f646566696e65645f696e5f5246433431373840706c656173655f69676e6f7265";

static void test_init2_bytes(void **state)
{
	struct spnego_init init = { .mechs = { oid_ms_krb5, oid_krb5, oid_ntlmssp }, .nmechs = 3 };
	struct wr w = wr_arena(&arena, 4096);

	spnego_encode_init(&w, &init, true);
	assert_int_equal(wr_end(&w), 0);
	assert_hex(&arena, w.base, w.len, init2_hex);
	assert_int_equal(spnego_decode_init(wr_blob(&w), &init), 0);
	assert_int_equal(init.nmechs, 3);
	assert_true(blob_equal(init.mechs[1], oid_krb5));
	assert_false(init.has_token);
	assert_hex(
		&arena, init.mech_list.data, init.mech_list.len,
		"30 22 06 09 2a864882f712010202 06 09 2a864886f712010202 06 0a 2b06010401823702020a");
}

static void roundtrip_resp(size_t token_len, bool has_mic)
{
	uint8_t *bytes = arena_zalloc(&arena, token_len + 1);
	struct spnego_resp a = { .state = SPNEGO_ACCEPT_INCOMPLETE,
				 .mech = oid_ntlmssp,
				 .has_token = true,
				 .token = BLOB(bytes, token_len),
				 .has_mic = has_mic,
				 .mic = BLOB("0123456789abcdef", 16) };
	struct spnego_resp b;
	struct wr w = wr_arena(&arena, 1 << 20);

	spnego_encode_resp(&w, &a);
	assert_int_equal(wr_end(&w), 0);
	assert_int_equal(spnego_decode_resp(wr_blob(&w), &b), 0);
	assert_int_equal(b.state, a.state);
	assert_true(blob_equal(b.mech, a.mech));
	assert_true(b.has_token && blob_equal(b.token, a.token));
	assert_int_equal(b.has_mic, has_mic);
	if (has_mic)
		assert_true(blob_equal(b.mic, a.mic));
}

static void test_resp_lengths(void **state)
{
	static const size_t n[] = {
		0, 1, 100, 126, 127, 128, 129, 200, 255, 256, 300, 65000, 70000
	};

	for (size_t i = 0; i < ARRAY_SIZE(n); i++) {
		roundtrip_resp(n[i], false);
		roundtrip_resp(n[i], true);
	}
}

static void test_resp_bytes(void **state)
{
	/* What Windows sends at the end: accept-completed and a mechListMIC. */
	struct blob in =
		hex(&arena,
		    "a1 1b 30 19 a0 03 0a 01 00 a3 12 04 10 01000000 3b453cdc35241642 00000000");
	struct spnego_resp r;
	struct wr w = wr_arena(&arena, 4096);

	assert_int_equal(spnego_decode_resp(in, &r), 0);
	assert_int_equal(r.state, SPNEGO_ACCEPT_COMPLETED);
	assert_true(r.has_mic && r.mic.len == 16 && !r.has_token && r.mech.len == 0);
	spnego_encode_resp(&w, &r);
	assert_true(blob_equal(wr_blob(&w), in));
}

static void test_cut_and_bent(void **state)
{
	struct blob init = hex(&arena, init2_hex);
	struct blob resp =
		hex(&arena,
		    "a1 23 30 21 a0 03 0a 01 01 a1 0c 06 0a 2b06010401823702020a a2 04 04 02 4e54"
		    " a3 06 04 04 01020304");
	struct spnego_init i;
	struct spnego_resp r;
	uint8_t *b = (uint8_t *)init.data;

	for (size_t n = 0; n < init.len; n++) {
		void *exact =
			arena_memdup(&arena, init.data, n); /* its own allocation under ASan */

		assert_int_equal(spnego_decode_init(BLOB(exact, n), &i), -EBADMSG);
	}
	for (size_t n = 0; n < resp.len; n++) {
		void *exact = arena_memdup(&arena, resp.data, n);

		assert_int_equal(spnego_decode_resp(BLOB(exact, n), &r), -EBADMSG);
	}
	assert_int_equal(spnego_decode_resp(resp, &r), 0);
	for (size_t at = 0; at < init.len; at++) {
		for (int v = 0; v < 256; v++) {
			uint8_t was = b[at];

			b[at] = (uint8_t)v;
			(void)spnego_decode_init(init, &i);
			b[at] = was;
		}
	}
	/* An indefinite length, a length of five bytes, no mechanism at all */
	assert_int_equal(spnego_decode_resp(hex(&arena, "a1 80 30 00 00 00"), &r), -EBADMSG);
	assert_int_equal(spnego_decode_resp(hex(&arena, "a1 85 00 00 00 00 02 30 00"), &r),
			 -EBADMSG);
	assert_int_equal(
		spnego_decode_init(hex(&arena, "60 0e 06 06 2b0601050502 a0 04 30 02 a0 00"), &i),
		-EBADMSG);
	assert_int_equal(
		spnego_decode_init(hex(&arena, "60 10 06 06 2b0601050502 a0 06 30 04 a0 02 30 00"),
				   &i),
		-EBADMSG);
}

static void test_many_mechs(void **state)
{
	struct blob mechs[40];
	struct spnego_init i;
	struct wr w = wr_arena(&arena, 4096);
	size_t app, c, seq, m;

	for (size_t k = 0; k < ARRAY_SIZE(mechs); k++)
		mechs[k] = oid_krb5;
	app = der_begin(&w, DER_APPLICATION_0);
	der_put(&w, DER_OID, oid_spnego);
	c = der_begin(&w, DER_CONTEXT(0));
	seq = der_begin(&w, DER_SEQUENCE);
	m = der_begin(&w, DER_CONTEXT(0));
	spnego_encode_mech_list(&w, mechs, ARRAY_SIZE(mechs));
	der_end(&w, m);
	der_end(&w, seq);
	der_end(&w, c);
	der_end(&w, app);
	assert_int_equal(spnego_decode_init(wr_blob(&w), &i), 0);
	assert_int_equal(i.nmechs, SPNEGO_MAX_MECHS);
	assert_int_equal(i.mech_list.len, 4 + 40 * 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init2_bytes), cmocka_unit_test(test_resp_lengths),
		cmocka_unit_test(test_resp_bytes),  cmocka_unit_test(test_cut_and_bent),
		cmocka_unit_test(test_many_mechs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
