/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NEGOTIATE (MS-SMB2 3.3.5.4). Home worker's thread. */
#include "smbd/proto/negotiate.h"

#include "node/log/log.h"
#include "smbd/op/ops.h"
#include "smbd/proto/req.h"

#define PREAUTH_SALT_LEN 32

static int decode(struct smb_req *req)
{
	struct smb2_negotiate_req *args = arena_new(req->arena, struct smb2_negotiate_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_negotiate_req_decode(req->arena, req->in, args);
}

/* Our order: the fastest first. */
static uint16_t choose(const struct smb2_ids *offered, const uint16_t *ours, size_t n,
		       uint16_t none)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (smb2_ids_has(offered, ours[i]))
			return ours[i];
	}
	return none;
}

struct choice {
	struct smb2_neg_ctxs ctxs;
	uint16_t hash, cipher, signing;
	uint8_t salt[PREAUTH_SALT_LEN];
};

/* The contexts of 3.1.1 (3.3.5.4); `k` holds what the answer points to. */
static struct ntstatus choose_311(struct conn *c, const struct smb2_neg_ctxs *in, struct choice *k)
{
	static const uint16_t ciphers[] = { SMB2_CIPHER_AES128_GCM, SMB2_CIPHER_AES256_GCM,
					    SMB2_CIPHER_AES128_CCM, SMB2_CIPHER_AES256_CCM };
	static const uint16_t signings[] = { SMB2_SIGNING_AES_GMAC, SMB2_SIGNING_AES_CMAC,
					     SMB2_SIGNING_HMAC_SHA256 };

	if (!smb2_ids_has(&in->preauth_hashes, SMB2_PREAUTH_SHA512))
		return NT_STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP;
	k->hash = SMB2_PREAUTH_SHA512;
	crypto_random(k->salt, sizeof(k->salt));
	k->ctxs.has_preauth = true;
	k->ctxs.preauth_hashes = (struct smb2_ids){ &k->hash, 1 };
	k->ctxs.preauth_salt = BLOB(k->salt, sizeof(k->salt));
	if (in->has_encryption) {
		k->cipher = choose(&in->ciphers, ciphers, ARRAY_SIZE(ciphers), 0);
		k->ctxs.has_encryption = true;
		k->ctxs.ciphers = (struct smb2_ids){ &k->cipher, 1 };
		c->encryption = k->cipher != 0;
		c->cipher = (enum seal_alg)k->cipher;
	}
	k->signing = SMB2_SIGNING_AES_CMAC;
	if (in->has_signing) {
		k->signing = choose(&in->signing_algs, signings, ARRAY_SIZE(signings),
				    SMB2_SIGNING_AES_CMAC);
		k->ctxs.has_signing = true;
		k->ctxs.signing_algs = (struct smb2_ids){ &k->signing, 1 };
	}
	c->sign_alg = (enum sign_alg)k->signing;
	c->preauth_integrity = true;
	return NT_STATUS_OK;
}

static int remember_client(struct conn *c, const struct smb2_negotiate_req *args)
{
	uint16_t *dialects = calloc(args->dialects.n, sizeof(*dialects));

	if (!dialects)
		return -ENOMEM;
	memcpy(dialects, args->dialects.v, args->dialects.n * sizeof(*dialects));
	free(c->client_dialects);
	c->client_dialects = dialects;
	c->client_dialect_count = (uint16_t)args->dialects.n;
	c->client_guid = args->client_guid;
	c->client_security_mode = args->security_mode;
	c->client_capabilities = args->capabilities;
	return 0;
}

static void agree(struct conn *c, uint16_t dialect, const struct smb2_negotiate_req *args)
{
	struct worker *w = c->worker;

	c->capabilities = negotiate_capabilities(w, dialect, args->capabilities);
	c->multi_credit = c->capabilities & SMB2_GLOBAL_CAP_LARGE_MTU;
	c->max_transact = c->max_read = c->max_write = negotiate_max_io(w, dialect);
	c->sign_required = w->tunables.signing_required ||
			   (args->security_mode & SMB2_NEGOTIATE_SIGNING_REQUIRED);
	if (dialect < SMB2_DIALECT_300)
		c->sign_alg = SIGN_HMAC_SHA256;
	else if (dialect < SMB2_DIALECT_311)
		c->sign_alg = SIGN_AES_CMAC;
	if (c->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION) {
		c->encryption = true;
		c->cipher = SEAL_AES128_CCM;
	}
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_negotiate_req *args = req->args;
	struct choice k = { .hash = 0 };
	struct smb2_negotiate_resp resp;
	struct conn *c = req->conn;
	struct ntstatus status;
	struct iovec in = { (void *)(uintptr_t)req->in.data, req->in.len };
	uint16_t dialect = negotiate_dialect(req->worker, &args->dialects);
	int r;

	if (!dialect)
		return NT_STATUS_NOT_SUPPORTED;
	preauth_init(&c->preauth);
	c->preauth_integrity = c->encryption = false;
	if (dialect == SMB2_DIALECT_311) {
		status = choose_311(c, &args->ctxs, &k);
		if (!ntstatus_is_ok(status))
			return status;
	}
	r = remember_client(c, args);
	if (r == 0)
		r = negotiate_offer(req->worker, dialect, req->arena, &resp);
	if (r == 0 && c->preauth_integrity)
		r = preauth_update(&c->preauth, &in, 1);
	if (r < 0)
		return req_fail(req, r);
	agree(c, dialect, args);
	resp.capabilities = c->capabilities;
	resp.ctxs = k.ctxs;
	smb2_negotiate_resp_encode(&req->out, 0, &resp);
	if (c->preauth_integrity)
		req->preauth = &c->preauth;
	c->dialect = dialect;
	return NT_STATUS_OK;
}

const struct smb_op op_negotiate = { .decode = decode, .run = run };
