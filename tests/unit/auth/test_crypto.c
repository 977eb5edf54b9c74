/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys, signatures and encryption against published vectors: Microsoft's articles "SMB 2 and SMB 3
 * security in Windows 10: the anatomy of signing and cryptographic keys" and "Encryption in SMB 3.0
 * / SMB 3.1.1", RFC 4493, the GCM specification.
 */
#include "tests/unit/test.h"

#include <pthread.h>

#include "node/crypto/smb_seal.h"
#include "node/crypto/smb_seal_priv.h"
#include "node/crypto/smb_sign.h"
#include "tests/unit/arena.h"
#include "tests/unit/auth/hex.h"

static void check_kdf(const char *session_key, const char *preauth_hash, const char *const want[4])
{
	struct blob sk = hex(&arena, session_key);
	struct preauth p, *pp = NULL;
	uint8_t key[SMB_KEY_LEN];

	if (preauth_hash) {
		memcpy(p.hash, hex(&arena, preauth_hash).data, sizeof(p.hash));
		pp = &p;
	}
	for (int use = 0; use < 4; use++) {
		if (!want[use])
			continue;
		assert_int_equal(smb_derive_key((enum smb_key_use)use, sk, pp, key, sizeof(key)),
				 0);
		assert_hex(&arena, key, sizeof(key), want[use]);
	}
}

static void test_kdf(void **state)
{
	/* In the articles "EncryptionKey" is the client's, that is the server's incoming one. */
	check_kdf("7CD451825D0450D235424E44BA6E78CC", NULL,
		  (const char *const[]){
			  "0B7E9C5CAC36C0F6EA9AB275298CEDCE", "BB23A4575AA26C721AF525AF15A87B4F",
			  "FAD27796665B313EBB578F388632B4F7", "B0F0427F7CEB416D1D9DCC0CD4F99447" });
	check_kdf("4E01A2B313BCF660CC250BEF021AEDE6", NULL,
		  (const char *const[]){ "BA1A17DBBFEC349BCA105563D598952F", NULL, NULL, NULL });
	check_kdf("270E1BA896585EEB7AF3472D3B4C75A7",
		  "0DD13628CC3ED218EF9DF9772D436D0887AB9814BFAE63A80AA845F36909DB79"
		  "28622DDDAD522D9751640A459762C5A9D6BB084CBB3CE6BDADEF5D5BCE3C6C01",
		  (const char *const[]){
			  "73FE7A9A77BEF0BDE49C650D8CCB5F76", "6D7AD7954E9EC61E907B4D473DC178FF",
			  "629BCBC54422A0F572B97F45989B6073", "E2AF0DCEFAC68DA71A0DFBD0D1350D74" });
}

static void test_kdf_256(void **state)
{
	uint8_t sk[32], a[32], b[32];
	struct preauth p;

	memset(sk, 7, sizeof(sk));
	sk[31] = 8;
	preauth_init(&p);
	/* The whole key counts for 32 bytes, its first half for 16; L is part of the input. */
	assert_int_equal(smb_derive_key(SMB_KEY_SERVER_IN, BLOB(sk, 32), &p, a, 32), 0);
	assert_int_equal(smb_derive_key(SMB_KEY_SERVER_IN, BLOB(sk, 16), &p, b, 32), 0);
	assert_memory_not_equal(a, b, 32);
	assert_int_equal(smb_derive_key(SMB_KEY_SIGNING, BLOB(sk, 32), &p, a, 16), 0);
	assert_int_equal(smb_derive_key(SMB_KEY_SIGNING, BLOB(sk, 16), &p, b, 16), 0);
	assert_memory_equal(a, b, 16);
	assert_int_equal(smb_derive_key(SMB_KEY_SIGNING, BLOB(sk, 32), &p, a, 32), -EINVAL);
	assert_int_equal(smb_derive_key(SMB_KEY_SIGNING, BLOB(sk, 0), &p, a, 16), -EINVAL);
	/* A DES session key of 8 bytes is padded with zeros. */
	memset(sk + 8, 0, 8);
	assert_int_equal(smb_derive_key(SMB_KEY_SIGNING, BLOB(sk, 8), &p, a, 16), 0);
	assert_int_equal(smb_derive_key(SMB_KEY_SIGNING, BLOB(sk, 16), &p, b, 16), 0);
	assert_memory_equal(a, b, 16);
}

static void test_preauth(void **state)
{
	struct preauth p;

	preauth_init(&p);
	/* SHA-512 of 64 zero bytes, then "abc" */
	assert_int_equal(preauth_update(&p, NULL, 0), 0);
	assert_hex(&arena, p.hash, sizeof(p.hash),
		   "7be9fda48f4179e611c698a73cff09faf72869431efee6eaad14de0cb44bbf66"
		   "503f752b7a8eb17083355f3ce6eb7d2806f236b25af96a24e22b887405c20081");
}

static void test_digests(void **state)
{
	uint8_t d[64];
	struct iovec abc[] = { { (void *)"a", 1 }, { (void *)"bc", 2 } };

	crypto_md4("abc", 3, d);
	assert_hex(&arena, d, 16, "a448017aaf21d8525fc10ae87aa6729d");
	crypto_md5(abc, 2, d);
	assert_hex(&arena, d, 16, "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(crypto_sha256(abc, 2, d), 0);
	assert_hex(&arena, d, 32,
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_hmac_md5("Jefe", 4, &(struct iovec){ (void *)"what do ya want for nothing?", 28 }, 1,
			d);
	assert_hex(&arena, d, 16, "750c783e6ab0b503eaa86e310a5db738");
	assert_int_equal(
		crypto_hmac_sha256("Jefe", 4,
				   &(struct iovec){ (void *)"what do ya want for nothing?", 28 }, 1,
				   d),
		0);
	assert_hex(&arena, d, 32,
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	crypto_rc4("Key", 3, "Plaintext", 9, d);
	assert_hex(&arena, d, 9, "BBF316E8D940AF0AD3");
}

static uint8_t message[300];

static void fill_message(uint16_t command, uint32_t flags, uint64_t id)
{
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7);
	message[12] = (uint8_t)command;
	message[13] = 0;
	memcpy(message + 16, &flags, 4);
	memcpy(message + 24, &id, 8);
}

static void test_sign_roundtrip(void **state)
{
	const uint8_t key[16] = "0123456789abcdef";
	uint8_t first[16];

	for (int alg = 0; alg <= 2; alg++) {
		_cleanup_(cleanup_sign_key) struct sign_key *k = NULL;
		struct iovec whole = { message, sizeof(message) };
		struct iovec parts[] = { { message, 64 },
					 { message + 64, 33 },
					 { message + 97, 0 },
					 { message + 97, 203 } };

		fill_message(5, 9, 77);
		assert_int_equal(sign_key_new((enum sign_alg)alg, key, &k), 0);
		assert_int_equal(sign_message(k, &whole, 1), 0);
		assert_int_equal(sign_verify(k, parts, 4), 0);
		memcpy(first, message + 48, 16);
		assert_int_equal(sign_message(k, parts, 4), 0);
		assert_memory_equal(first, message + 48, 16);
		for (size_t i = 0; i < sizeof(message); i++) {
			message[i] ^= 1;
			assert_int_equal(sign_verify(k, &whole, 1), -EBADMSG);
			message[i] ^= 1;
		}
		assert_int_equal(sign_verify(k, &whole, 1), 0);
		assert_int_equal(sign_verify(k, &(struct iovec){ message, 63 }, 1), -EINVAL);
	}
}

/* The long way: the same bytes through gnutls' one-shot functions over a contiguous copy. */
static void test_sign_bytes(void **state)
{
	struct blob key = hex(&arena, "2b7e151628aed2a6abf7158809cf4f3c");
	struct sign_key *k;
	struct iovec v = { message, 64 };
	uint8_t mac[32];

	/* HMAC-SHA256 cut to 16 bytes over a header with a zero signature */
	fill_message(1, 1, 5);
	memset(message + 48, 0, 16);
	assert_int_equal(crypto_hmac_sha256(key.data, 16, &v, 1, mac), 0);
	assert_int_equal(sign_key_new(SIGN_HMAC_SHA256, key.data, &k), 0);
	memset(message + 48, 0xee, 16);
	assert_int_equal(sign_message(k, &v, 1), 0);
	assert_memory_equal(message + 48, mac, 16);
	sign_key_free(k);
}

/* The signed SESSION_SETUP response of the SMB 3.1.1 key derivation example. */
static void test_sign_cmac_vector(void **state)
{
	struct blob m = hex(
		&arena,
		"FE534D4240000100000000000100800009000000000000000300000000000000FFFE000000000000"
		"1900000000100000EBE146DA120BA25FC3376A49DFE31BC10900000048001D00A11B3019A0030A01"
		"00A3120410010000003B453CDC3524164200000000");
	_cleanup_(cleanup_sign_key) struct sign_key *k = NULL;
	struct iovec v = { (void *)m.data, m.len };

	assert_int_equal(sign_key_new(SIGN_AES_CMAC,
				      hex(&arena, "73FE7A9A77BEF0BDE49C650D8CCB5F76").data, &k),
			 0);
	assert_int_equal(sign_verify(k, &v, 1), 0);
}

static void gmac_of(uint16_t command, uint32_t flags, uint64_t id, uint8_t *ret)
{
	_cleanup_(cleanup_sign_key) struct sign_key *k = NULL;
	static const uint8_t zero[16];

	memset(message, 0, sizeof(message));
	message[12] = (uint8_t)command;
	message[16] = (uint8_t)flags;
	message[24] = (uint8_t)id;
	assert_int_equal(sign_key_new(SIGN_AES_GMAC, zero, &k), 0);
	assert_int_equal(sign_message(k, &(struct iovec){ message, 64 }, 1), 0);
	memcpy(ret, message + 48, 16);
}

/* Values from OpenSSL's AES-128-GCM with the header as associated data. */
static void test_gmac_nonce(void **state)
{
	uint8_t zero[16];

	gmac_of(0, 0, 0, zero);
	assert_hex(&arena, zero, 16, "7e62a376270ea28a93504ee98c57ab7b");
	gmac_of(0, 1, 5, zero);
	assert_hex(&arena, zero, 16, "5f6be8a2940a026c5e64d540c64ce857");
	gmac_of(12, 0, 5, zero);
	assert_hex(&arena, zero, 16, "4c2f2ee0bf4d41a3be71cd06f033d36f");
}

struct seal_vector {
	enum seal_alg alg;
	const char *key, *transform, *plain;
};

static const struct seal_vector seal_vectors[] = {
	{ SEAL_AES128_CCM, "261B72350558F2E9DCF613070383EDBF",
	  "FD534D4281A286535415445DAE393921E44FA42E66E69A111892584FB5ED524A744DA3EE87000000"
	  "000001001100001400E40800"
	  "25C8FEE16605A437832D1CD52DA9F4645333482A175FE5384563F45FCDAFAEF38BC62BA4D5C62897"
	  "996625A44C29BE56"
	  "58DE2E6117585779E7B59FFD971278D08580D7FA899E410E910EABF5AA1DB43050B33B4918263775"
	  "9AC15D84BFCDF5B6"
	  "B238993C0F4CF4D6012023F6C627297075D84B7803912D0A9639634453595EF3E33FFE4E7AC2AB",
	  "FE534D4240000100000000000900400008000000000000000400000000000000FFFE000001000000"
	  "1100001400E40800"
	  "00000000000000000000000000000000310070001700000000000000000000001501000039000002"
	  "010000003902000"
	  "000000000000000007000000000000000536D623320656E6372797074696F6E2074657374696E67" },
	{ SEAL_AES128_CCM, "8FE2B57EC34D2DB5B1A9727F526BBDB5",
	  "FD534D42A6015530A18F6D9AFFE22AFAE8E6648486000000000000001100001400E4080050000000"
	  "000001001100001400E40800"
	  "DBF46435C5F14169293CE079E344479BF670227E49873F458672C3098DAC467DD5809F369D674091"
	  "665157871483E01F"
	  "7BECD02064EAC3E235F913668BBC2F097980D4B378F1993EFF6E60D177309E5B",
	  "FE534D4240000100000000000900210009000000000000000400000000000000FFFE000001000000"
	  "1100001400E40800"
	  "0000000000000000000000000000000011000000170000000000000000000000" },
	{ SEAL_AES128_GCM, "A2F5E80E5D59103034F32E52F698E5EC",
	  "FD534D42BD73D97D2BC9001BCAFAC0FDFF5FEEBCC7D6822D269CAF48904C664C0000000087000000"
	  "000001002500000000100000"
	  "6ECDD2A7AFC7B47763057A041B8FD4DAFFE990B70C9E09D36C084E02D14EF247F8BDE38ACF6256F8"
	  "B1D3B56F77FBDEB3"
	  "12FEA5E92CBCC1ED8FB2EBBFAA75E49A4A394BB44576545567C24D4C014D47C9FBDFDAFD2C4F9B72"
	  "F8D256452620A299"
	  "F48E29E53D6B61D1C13A19E91AF013F00D17E3ABC2FC3D36C8C1B6B93973253852DBD442E46EE8",
	  "FE534D4240000100000000000900010008000000000000000500000000000000FFFE000001000000"
	  "2500000000100000"
	  "00000000000000000000000000000000310070001700000000000000000000000600000004000000"
	  "01000000040000000"
	  "00000000000000070000000000000 00536D623320656E6372797074696F6E2074657374696E67" },
	{ SEAL_AES128_GCM, "748C50868C90F302962A5C35F5F9A8BF",
	  "FD534D42ACBE1CB7ED343ADF1725EF144D90D4B0E06831DD2E8EB7B4000000000000000050000000"
	  "000001002500000000100000"
	  "26BBBF949983A6C1C796559D0F2C510CB651D1F7B6AC8DED32A2A0B8F2D793A815C6F6B848D69767"
	  "A215841A42D400AE"
	  "6DDB5F0B44173A014973321FDD7950DA6179159B82E03C9E18A050FF0EA1C967",
	  "FE534D4240000100000000000900010001000000000000000500000000000000FFFE000001000000"
	  "2500000000100000"
	  "0000000000000000000000000000000011000000170000000000000000000000" },
};

static void test_seal_vectors(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(seal_vectors); i++) {
		const struct seal_vector *t = &seal_vectors[i];
		_cleanup_(cleanup_seal_key) struct seal_key *k = NULL;
		struct blob m = hex(&arena, t->transform);
		uint8_t *body = (uint8_t *)m.data + SEAL_HEADER_LEN;
		size_t n = m.len - SEAL_HEADER_LEN;

		assert_int_equal(seal_key_new(t->alg, hex(&arena, t->key).data, &k), 0);
		assert_int_equal(
			seal_decrypt(k, m.data,
				     (struct iovec[]){ { body, 13 }, { body + 13, n - 13 } }, 2),
			0);
		assert_hex(&arena, body, n, t->plain);
	}
}

static void seal_once(enum seal_alg alg, size_t n)
{
	static const uint8_t key[32] = "a key for tests, of 32 bytes...";
	_cleanup_(cleanup_seal_key) struct seal_key *k = NULL, *k2 = NULL;
	_cleanup_free_ uint8_t *p = malloc(n + 1), *q = malloc(n + 1);
	uint8_t h[SEAL_HEADER_LEN], h2[SEAL_HEADER_LEN];
	size_t a = n / 3;

	memset(h, 0x11, sizeof(h));
	memcpy(h2, h, sizeof(h));
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i % 251);
	memset(q, 0xff, n + 1);
	assert_int_equal(seal_key_new(alg, key, &k), 0);
	assert_int_equal(seal_key_new(alg, key, &k2), 0);
	assert_int_equal(
		seal_encrypt_to(k, h, (struct iovec[]){ { p, a }, { NULL, 0 }, { p + a, n - a } },
				3, q),
		0);
	assert_int_equal(seal_encrypt(k, h2, (struct iovec[]){ { p, a }, { p + a, n - a } }, 2), 0);
	assert_memory_not_equal(h + 20, h2 + 20, 16); /* never the same nonce */
	assert_int_equal(seal_decrypt(k2, h2, (struct iovec[]){ { p, n } }, 1), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], (uint8_t)(i % 251));
	assert_int_equal(seal_decrypt(k2, h, (struct iovec[]){ { q, n - a }, { q + n - a, a } }, 2),
			 0);
	assert_memory_equal(p, q, n);
	for (size_t i = 4; i < SEAL_HEADER_LEN; i += 5) {
		/* bytes of the nonce's field that the cipher does not use are authenticated all the
		 * same */
		assert_int_equal(seal_encrypt(k, h, &(struct iovec){ p, n }, 1), 0);
		h[i] ^= 4;
		assert_int_equal(seal_decrypt(k2, h, &(struct iovec){ p, n }, 1), -EBADMSG);
	}
}

static void test_seal_roundtrip(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 64, 1000, 65536 + 77 };

	for (int alg = SEAL_AES128_CCM; alg <= SEAL_AES256_GCM; alg++)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
			seal_once((enum seal_alg)alg, sizes[i]);
}

static void test_seal_nonce_end(void **state)
{
	_cleanup_(cleanup_seal_key) struct seal_key *k = NULL;
	uint8_t h[SEAL_HEADER_LEN] = { 0 }, b[4] = "abc";

	assert_int_equal(seal_key_new(SEAL_AES128_GCM, (const uint8_t *)"0123456789abcdef", &k), 0);
	seal_key_set_counter(k, UINT64_MAX - 1);
	assert_int_equal(seal_encrypt(k, h, &(struct iovec){ b, 4 }, 1), 0);
	assert_int_equal(seal_encrypt(k, h, &(struct iovec){ b, 4 }, 1), -EOVERFLOW);
	assert_int_equal(seal_encrypt(k, h, &(struct iovec){ b, 4 }, 1), -EOVERFLOW);
	assert_int_equal(seal_key_new((enum seal_alg)5, h, &k), -EINVAL);
	assert_int_equal(seal_key_new((enum seal_alg)0, h, &k), -EINVAL);
}

#define THREADS 12
#define ROUNDS 300

struct job {
	struct seal_key *seal, *open;
	struct sign_key *sign;
	uint64_t nonces[ROUNDS];
	int bad;
};

static void *work(void *arg)
{
	struct job *j = arg;
	uint8_t h[SEAL_HEADER_LEN] = { 0 }, b[2000];

	for (int i = 0; i < ROUNDS; i++) {
		memset(b, i, sizeof(b));
		j->bad |= sign_message(j->sign, &(struct iovec){ b, sizeof(b) }, 1);
		j->bad |= seal_encrypt(j->seal, h, &(struct iovec){ b, sizeof(b) }, 1);
		memcpy(&j->nonces[i], h + 24, 8);
		j->bad |= seal_decrypt(j->open, h, &(struct iovec){ b, sizeof(b) }, 1);
		j->bad |= sign_verify(j->sign, &(struct iovec){ b, sizeof(b) }, 1);
	}
	return NULL;
}

/* One key, more threads than it keeps handles: every message right, every nonce given out once. */
static void test_threads(void **state)
{
	static const uint8_t key[32] = "0123456789abcdef0123456789abcde";
	static struct job jobs[THREADS];
	static uint8_t seen[THREADS * ROUNDS];
	_cleanup_(cleanup_seal_key) struct seal_key *seal = NULL, *open = NULL;
	_cleanup_(cleanup_sign_key) struct sign_key *sign = NULL;
	pthread_t t[THREADS];

	assert_int_equal(seal_key_new(SEAL_AES256_GCM, key, &seal), 0);
	assert_int_equal(seal_key_new(SEAL_AES256_GCM, key, &open), 0);
	assert_int_equal(sign_key_new(SIGN_AES_GMAC, key, &sign), 0);
	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ .seal = seal, .open = open, .sign = sign };
		assert_int_equal(pthread_create(&t[i], NULL, work, &jobs[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(jobs[i].bad, 0);
		for (int n = 0; n < ROUNDS; n++) {
			assert_in_range(jobs[i].nonces[n], 0, THREADS * ROUNDS - 1);
			assert_int_equal(seen[jobs[i].nonces[n]]++, 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kdf),
		cmocka_unit_test(test_kdf_256),
		cmocka_unit_test(test_preauth),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_sign_roundtrip),
		cmocka_unit_test(test_sign_bytes),
		cmocka_unit_test(test_sign_cmac_vector),
		cmocka_unit_test(test_gmac_nonce),
		cmocka_unit_test(test_seal_vectors),
		cmocka_unit_test(test_seal_roundtrip),
		cmocka_unit_test(test_seal_nonce_end),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
