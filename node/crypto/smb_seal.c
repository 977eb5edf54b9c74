/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sealing keys. A seal_key owns its cipher handles and its nonce counter; any thread may use it. */
#include "node/crypto/smb_seal.h"

#include <gnutls/crypto.h>

#include "node/crypto/handles_priv.h"
#include "node/crypto/smb_seal_priv.h"
#include "node/wire/wr.h"

#define SIGNATURE_AT 4
#define NONCE_AT 20 /* also where the authenticated part of the header begins */
#define NONCE_FIELD_LEN 16
#define COUNTER_LEN 8
#define STACK_IOV 16

static const struct cipher {
	gnutls_cipher_algorithm_t gnutls;
	uint8_t key_len, nonce_len;
} ciphers[] = {
	[SEAL_AES128_CCM] = { GNUTLS_CIPHER_AES_128_CCM, 16, 11 },
	[SEAL_AES128_GCM] = { GNUTLS_CIPHER_AES_128_GCM, 16, 12 },
	[SEAL_AES256_CCM] = { GNUTLS_CIPHER_AES_256_CCM, 32, 11 },
	[SEAL_AES256_GCM] = { GNUTLS_CIPHER_AES_256_GCM, 32, 12 },
};

struct seal_key {
	const struct cipher *cipher;
	uint8_t key[SMB_KEY_MAX_LEN];
	uint8_t prefix[NONCE_FIELD_LEN]; /* the first nonce_len - COUNTER_LEN bytes of each nonce */
	_Atomic uint64_t used; /* nonces given out */
	struct handles handles;
};

size_t seal_key_len(enum seal_alg alg)
{
	return (size_t)alg < ARRAY_SIZE(ciphers) ? ciphers[alg].key_len : 0;
}

static int make_handle(const void *ctx, void **ret_handle)
{
	const struct seal_key *k = ctx;
	gnutls_datum_t d = { (uint8_t *)k->key, k->cipher->key_len };
	int r = gnutls_aead_cipher_init((gnutls_aead_cipher_hd_t *)ret_handle, k->cipher->gnutls,
					&d);

	if (r < 0)
		return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
	return 0;
}

int seal_key_new(enum seal_alg alg, const uint8_t *key, struct seal_key **ret_key)
{
	struct seal_key *k;
	int r;

	if (seal_key_len(alg) == 0)
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->cipher = &ciphers[alg];
	memcpy(k->key, key, k->cipher->key_len);
	crypto_random(k->prefix, sizeof(k->prefix));
	r = make_handle(k, &k->handles.kept[0]);
	if (r < 0) {
		seal_key_free(k);
		return r;
	}
	*ret_key = k;
	return 0;
}

void seal_key_free(struct seal_key *k)
{
	if (!k)
		return;
	for (int i = 0; i < HANDLES_KEPT; i++)
		if (k->handles.kept[i])
			gnutls_aead_cipher_deinit(k->handles.kept[i]);
	crypto_wipe(k->key, sizeof(k->key));
	free(k);
}

void seal_key_set_counter(struct seal_key *k, uint64_t used)
{
	atomic_store(&k->used, used);
}

/* Writes the next nonce into the header's field, the rest of which is zero. */
static int next_nonce(struct seal_key *k, uint8_t *header)
{
	uint64_t used = atomic_load_explicit(&k->used, memory_order_relaxed);
	size_t prefix_len = (size_t)k->cipher->nonce_len - COUNTER_LEN;
	struct wr w = wr_fixed(header + NONCE_AT, NONCE_FIELD_LEN);

	do {
		if (used == UINT64_MAX)
			return -EOVERFLOW;
	} while (!atomic_compare_exchange_weak_explicit(
		&k->used, &used, used + 1, memory_order_relaxed, memory_order_relaxed));
	wr_bytes(&w, k->prefix, prefix_len);
	wr_le64(&w, used);
	wr_zero(&w, NONCE_FIELD_LEN - prefix_len - COUNTER_LEN);
	return 0;
}

/* Runs the cipher over `iov` in place; `tag` is written when sealing and compared when not. */
static int run(struct seal_key *k, bool seal, const uint8_t *header, const giovec_t *v, int n,
	       uint8_t *tag)
{
	giovec_t aad = { (void *)(header + NONCE_AT), SEAL_HEADER_LEN - NONCE_AT };
	const uint8_t *nonce = header + NONCE_AT;
	size_t tag_len = SEAL_TAG_LEN;
	unsigned index;
	void *handle;
	int r;

	r = handles_get(&k->handles, make_handle, k, &index, &handle);
	if (r < 0)
		return r;
	if (seal)
		r = gnutls_aead_cipher_encryptv2(handle, nonce, k->cipher->nonce_len, &aad, 1, v, n,
						 tag, &tag_len);
	else
		r = gnutls_aead_cipher_decryptv2(handle, nonce, k->cipher->nonce_len, &aad, 1, v, n,
						 tag, tag_len);
	if (index == HANDLES_KEPT)
		gnutls_aead_cipher_deinit(handle);
	handles_put(&k->handles, index);
	if (r == GNUTLS_E_DECRYPTION_FAILED)
		return -EBADMSG;
	return r >= 0 ? 0 : r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
}

/* gnutls has its own element type; the elements are as in `iov`. */
static int run_iov(struct seal_key *k, bool seal, const uint8_t *header, const struct iovec *iov,
		   int iovcnt, uint8_t *tag)
{
	giovec_t stack[STACK_IOV];
	_cleanup_free_ giovec_t *heap = NULL;
	giovec_t *v = stack;

	if (iovcnt > STACK_IOV) {
		v = heap = calloc((size_t)iovcnt, sizeof(*heap));
		if (!heap)
			return -ENOMEM;
	}
	for (int i = 0; i < iovcnt; i++)
		v[i] = (giovec_t){ iov[i].iov_base, iov[i].iov_len };
	return run(k, seal, header, v, iovcnt, tag);
}

int seal_encrypt(struct seal_key *k, uint8_t header[SEAL_HEADER_LEN], const struct iovec *iov,
		 int iovcnt)
{
	int r = next_nonce(k, header);

	if (r < 0)
		return r;
	return run_iov(k, true, header, iov, iovcnt, header + SIGNATURE_AT);
}

int seal_encrypt_to(struct seal_key *k, uint8_t header[SEAL_HEADER_LEN], const struct iovec *iov,
		    int iovcnt, uint8_t *out)
{
	size_t n = 0;

	for (int i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len)
			memcpy(out + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	return seal_encrypt(k, header, &(struct iovec){ out, n }, 1);
}

int seal_decrypt(struct seal_key *k, const uint8_t header[SEAL_HEADER_LEN], const struct iovec *iov,
		 int iovcnt)
{
	uint8_t tag[SEAL_TAG_LEN];

	memcpy(tag, header + SIGNATURE_AT, SEAL_TAG_LEN);
	return run_iov(k, false, header, iov, iovcnt, tag);
}
