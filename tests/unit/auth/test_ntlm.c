/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTLMv2's computations and messages against MS-NLMP 4.2.1 and 4.2.4, and messages cut and bent. */
#include "tests/unit/test.h"

#include "node/auth/auth.h"
#include "node/auth/ntlm_crypt.h"
#include "node/base/utf.h"
#include "tests/unit/arena.h"
#include "tests/unit/auth/hex.h"

static struct blob wide(const char *s)
{
	struct blob b;

	assert_int_equal(utf16_from_utf8(&arena, s, &b), 0);
	return b;
}

static const char temp_hex[] =
	"0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000"
	" 02000c00 44006f006d00610069006e00 01000c00 530065007200760065007200 00000000 00000000";

static void test_v2_vectors(void **state)
{
	uint8_t hash[16], key[16], proof[16], base[16], enc[16], random[16];
	struct blob challenge = hex(&arena, "0123456789abcdef");

	assert_int_equal(nt_hash_from_password("Password", hash), 0);
	assert_hex(&arena, hash, 16, "a4f49c406510bdcab6824ee7c30fd852");
	assert_int_equal(ntlm_v2_response_key(hash, wide("User"), wide("Domain"), key), 0);
	assert_hex(&arena, key, 16, "0c868a403bfd7a93a3001ef22ef02e3f");
	ntlm_v2_proof(key, challenge.data, hex(&arena, temp_hex), proof, base);
	assert_hex(&arena, proof, 16, "68cd0ab851e51c96aabc927bebef6a1c");
	assert_hex(&arena, base, 16, "8de40ccadbc14a82f15cb0ad0de95ca3");
	memset(random, 0x55, sizeof(random));
	crypto_rc4(base, sizeof(base), random, sizeof(random), enc);
	assert_hex(&arena, enc, 16, "c5dad2544fc9799094ce1ce90bc9d03e");
}

/* 4.2.4.4: the signature of "Plaintext" sealed by the client under the random session key. RC4 had
 * sealed the 18 bytes of the text first; the checksum before RC4 is the same. */
static void test_signature_vector(void **state)
{
	uint8_t key[16], got[16], stream[26] = { 0 }, seal_key[16];
	static const char magic[] = "session key to client-to-server sealing key magic constant";

	memset(key, 0x55, sizeof(key));
	ntlm_signature(key, NTLM_128 | NTLM_KEY_EXCH, false, wide("Plaintext"), got);
	crypto_md5((struct iovec[]){ { key, 16 }, { (void *)magic, sizeof(magic) } }, 2, seal_key);
	assert_hex(&arena, seal_key, 16, "59f600973cc4960a25480a7c196e4c58");
	/* From the key stream's first bytes to those behind the text. */
	crypto_rc4(seal_key, 16, stream, sizeof(stream), stream);
	for (int i = 0; i < 8; i++)
		got[4 + i] ^= (uint8_t)(stream[i] ^ stream[18 + i]);
	assert_hex(&arena, got, 16, "01000000 7fb38ec5c55d4976 00000000");
}

static void test_authenticate_message(void **state)
{
	struct blob temp = hex(&arena, temp_hex);
	struct ntlm_authenticate m = { .nt = temp,
				       .user = wide("User"),
				       .domain = wide("Domain"),
				       .workstation = wide("COMPUTER"),
				       .session_key = BLOB("0123456789abcdef", 16),
				       .flags = 0xe2888235,
				       .mic = { 1, 2, 3 } };
	struct ntlm_authenticate d;
	struct ntlm_v2_client v2;
	struct blob av;
	struct wr w = wr_arena(&arena, 4096);

	ntlm_encode_authenticate(&w, &m);
	assert_int_equal(ntlm_decode_authenticate(wr_blob(&w), &d), 0);
	assert_true(blob_equal(d.nt, m.nt) && blob_equal(d.user, m.user) &&
		    blob_equal(d.domain, m.domain));
	assert_true(blob_equal(d.workstation, m.workstation) &&
		    blob_equal(d.session_key, m.session_key));
	assert_int_equal(d.flags, m.flags);
	assert_true(d.has_mic);
	assert_memory_equal(d.mic, m.mic, 16);
	assert_int_equal(ntlm_decode_v2_client(temp, &v2), 0);
	assert_int_equal(ntlm_av_find(v2.av_pairs, NTLM_AV_NB_COMPUTER, &av), 0);
	assert_true(blob_equal(av, wide("Server")));
	assert_int_equal(ntlm_av_find(v2.av_pairs, NTLM_AV_FLAGS, &av), 1);
	for (size_t n = 0; n < w.len; n++) {
		void *exact = arena_memdup(&arena, w.base, n);

		assert_int_equal(ntlm_decode_authenticate(BLOB(exact, n), &d), -EBADMSG);
	}
}

static void test_challenge_message(void **state)
{
	/* CHALLENGE_MESSAGE of MS-NLMP 4.2.4.3 */
	struct blob in = hex(
		&arena,
		"4e544c4d53535000 02000000 0c000c00 38000000 33828ae2 0123456789abcdef 0000000000000000"
		"24002400 44000000 0600701700 00000f 53006500720076006500720002000c0044006f006d0061006900"
		"6e0001000c0053006500720076006500720000000000");
	struct ntlm_challenge m;
	struct blob av;

	assert_int_equal(ntlm_decode_challenge(in, &m), 0);
	assert_int_equal(m.flags, 0xe28a8233);
	assert_true(blob_equal(m.target_name, wide("Server")));
	assert_int_equal(ntlm_av_find(m.target_info, NTLM_AV_NB_DOMAIN, &av), 0);
	assert_true(blob_equal(av, wide("Domain")));
	for (size_t n = 0; n < in.len; n++) {
		void *exact = arena_memdup(&arena, in.data, n);

		assert_int_equal(ntlm_decode_challenge(BLOB(exact, n), &m), -EBADMSG);
	}
}

static void test_av_pairs(void **state)
{
	struct blob v;

	assert_int_equal(ntlm_av_find(hex(&arena, ""), 1, &v), 1);
	assert_int_equal(ntlm_av_find(hex(&arena, "0100 0200 41"), 1, &v), -EBADMSG);
	assert_int_equal(ntlm_av_find(hex(&arena, "0100 ffff 4100"), 2, &v), -EBADMSG);
	/* What follows the closing pair is not looked at; a list without one ends with its bytes.
	 */
	assert_int_equal(ntlm_av_find(hex(&arena, "0000 0000 0100 0200 4100"), 1, &v), 1);
	assert_int_equal(ntlm_av_find(hex(&arena, "0100 0200 4100"), 1, &v), 0);
	assert_int_equal(v.len, 2);
}

static void test_nt_hash(void **state)
{
	uint8_t h[16];

	assert_int_equal(nt_hash_from_password("", h), 0);
	assert_hex(&arena, h, 16, "31d6cfe0d16ae931b73c59d7e0c089c0");
	assert_int_equal(nt_hash_from_password("SecREt01", h), 0);
	assert_hex(&arena, h, 16, "cd06ca7c7e10c99b1d33b7485a2ed808");
	assert_int_equal(nt_hash_from_password("\xff", h), -EILSEQ);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v2_vectors),
		cmocka_unit_test(test_signature_vector),
		cmocka_unit_test(test_authenticate_message),
		cmocka_unit_test(test_challenge_message),
		cmocka_unit_test(test_av_pairs),
		cmocka_unit_test(test_nt_hash),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
