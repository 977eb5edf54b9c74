/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signing keys. A sign_key owns its cipher handles; any thread may use it. */
#include "node/crypto/smb_sign.h"

#include <gnutls/crypto.h>

#include "node/crypto/handles_priv.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define HEADER_LEN 64
#define SIGNATURE_AT 48
#define COMMAND_CANCEL 0x000c
#define FLAG_SERVER_TO_REDIR 0x00000001
#define GMAC_NONCE_LEN 12
#define STACK_IOV 16

struct sign_key {
	enum sign_alg alg;
	uint8_t key[SMB_KEY_LEN];
	struct handles handles;
};

static int make_handle(const void *ctx, void **ret_handle)
{
	const struct sign_key *k = ctx;
	gnutls_datum_t d = { (uint8_t *)k->key, SMB_KEY_LEN };
	int r;

	if (k->alg == SIGN_AES_GMAC)
		r = gnutls_aead_cipher_init((gnutls_aead_cipher_hd_t *)ret_handle,
					    GNUTLS_CIPHER_AES_128_GCM, &d);
	else
		r = gnutls_hmac_init((gnutls_hmac_hd_t *)ret_handle,
				     k->alg == SIGN_AES_CMAC ? GNUTLS_MAC_AES_CMAC_128 :
							       GNUTLS_MAC_SHA256,
				     k->key, SMB_KEY_LEN);
	if (r < 0)
		return r == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EIO;
	return 0;
}

static void free_handle(const struct sign_key *k, void *h)
{
	if (!h)
		return;
	if (k->alg == SIGN_AES_GMAC)
		gnutls_aead_cipher_deinit(h);
	else
		gnutls_hmac_deinit(h, NULL);
}

int sign_key_new(enum sign_alg alg, const uint8_t key[SMB_KEY_LEN], struct sign_key **ret_key)
{
	struct sign_key *k;
	int r;

	if (alg != SIGN_HMAC_SHA256 && alg != SIGN_AES_CMAC && alg != SIGN_AES_GMAC)
		return -EINVAL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->alg = alg;
	memcpy(k->key, key, SMB_KEY_LEN);
	r = make_handle(k, &k->handles.kept[0]);
	if (r < 0) {
		sign_key_free(k);
		return r;
	}
	*ret_key = k;
	return 0;
}

void sign_key_free(struct sign_key *k)
{
	if (!k)
		return;
	for (int i = 0; i < HANDLES_KEPT; i++)
		free_handle(k, k->handles.kept[i]);
	crypto_wipe(k->key, sizeof(k->key));
	free(k);
}

static const uint8_t zero_signature[SMB_SIGNATURE_LEN];

/* Copies the element list with the Signature field replaced by zeros; `out` has room for iovcnt
 * + 2. */
static int without_signature(const struct iovec *iov, int iovcnt, giovec_t *out)
{
	uint8_t *h = iov[0].iov_base;
	int n = 0;

	out[n++] = (giovec_t){ h, SIGNATURE_AT };
	out[n++] = (giovec_t){ (void *)zero_signature, SMB_SIGNATURE_LEN };
	if (iov[0].iov_len > HEADER_LEN)
		out[n++] = (giovec_t){ h + HEADER_LEN, iov[0].iov_len - HEADER_LEN };
	for (int i = 1; i < iovcnt; i++)
		if (iov[i].iov_len)
			out[n++] = (giovec_t){ iov[i].iov_base, iov[i].iov_len };
	return n;
}

/* MS-SMB2 3.1.4.1: MessageId, then 32 bits of which the lowest says "server" and the next "CANCEL".
 */
static void gmac_nonce(const uint8_t *header, uint8_t nonce[GMAC_NONCE_LEN])
{
	struct rd r = rd_init(header, HEADER_LEN);
	struct wr w = wr_fixed(nonce, GMAC_NONCE_LEN);
	uint16_t command;
	uint32_t flags;

	rd_skip(&r, 12);
	command = rd_le16(&r);
	rd_skip(&r, 2);
	flags = rd_le32(&r);
	rd_skip(&r, 4);
	wr_le64(&w, rd_le64(&r));
	wr_le32(&w,
		((flags & FLAG_SERVER_TO_REDIR) ? 1u : 0u) | (command == COMMAND_CANCEL ? 2u : 0u));
}

static int compute_with(void *handle, enum sign_alg alg, const uint8_t *header, const giovec_t *v,
			int n, uint8_t ret_signature[SMB_SIGNATURE_LEN])
{
	uint8_t mac[SHA256_LEN], nonce[GMAC_NONCE_LEN];
	size_t tag_len = SMB_SIGNATURE_LEN;
	int r = 0;

	if (alg == SIGN_AES_GMAC) {
		gmac_nonce(header, nonce);
		r = gnutls_aead_cipher_encryptv2(handle, nonce, sizeof(nonce), v, n, NULL, 0, mac,
						 &tag_len);
	} else {
		for (int i = 0; i < n && r >= 0; i++)
			r = gnutls_hmac(handle, v[i].iov_base, v[i].iov_len);
		gnutls_hmac_output(handle, mac); /* also resets the handle for its next use */
	}
	if (r < 0)
		return -EIO;
	memcpy(ret_signature, mac, SMB_SIGNATURE_LEN);
	return 0;
}

static int compute(struct sign_key *k, const struct iovec *iov, int iovcnt,
		   uint8_t ret_signature[SMB_SIGNATURE_LEN])
{
	giovec_t stack[STACK_IOV];
	_cleanup_free_ giovec_t *heap = NULL;
	giovec_t *v = stack;
	unsigned index;
	void *handle;
	int r;

	if (iovcnt < 1 || iov[0].iov_len < HEADER_LEN)
		return -EINVAL;
	if (iovcnt + 2 > STACK_IOV) {
		heap = calloc((size_t)iovcnt + 2, sizeof(*heap));
		if (!heap)
			return -ENOMEM;
		v = heap;
	}
	r = handles_get(&k->handles, make_handle, k, &index, &handle);
	if (r < 0)
		return r;
	r = compute_with(handle, k->alg, iov[0].iov_base, v, without_signature(iov, iovcnt, v),
			 ret_signature);
	if (index == HANDLES_KEPT)
		free_handle(k, handle);
	handles_put(&k->handles, index);
	return r;
}

int sign_message(struct sign_key *k, const struct iovec *iov, int iovcnt)
{
	uint8_t signature[SMB_SIGNATURE_LEN];
	int r = compute(k, iov, iovcnt, signature);

	if (r == 0)
		memcpy((uint8_t *)iov[0].iov_base + SIGNATURE_AT, signature, SMB_SIGNATURE_LEN);
	return r;
}

int sign_verify(struct sign_key *k, const struct iovec *iov, int iovcnt)
{
	uint8_t signature[SMB_SIGNATURE_LEN];
	int r = compute(k, iov, iovcnt, signature);

	if (r < 0)
		return r;
	return crypto_equal((uint8_t *)iov[0].iov_base + SIGNATURE_AT, signature,
			    SMB_SIGNATURE_LEN) ?
		       0 :
		       -EBADMSG;
}
