/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NEGOTIATE of the test client, and the check of it afterwards. One thread. */
#include "smbd/wire/fsctl.h"
#include "smbd/wire/ioctl.h"
#include "tests/client/login.h"

static struct smb2_ids ids(const uint16_t *v, size_t n)
{
	return (struct smb2_ids){ .v = (uint16_t *)v, .n = n };
}

/* MS-SMB2 2.2.3, 3.2.4.2.2.2 */
void login_negotiate_request(const struct conn_config *cfg, const uint8_t salt[32],
			     struct smb2_negotiate_req *ret)
{
	struct smb2_ids dialects = ids(cfg->dialects, cfg->n_dialects);
	static const uint16_t sha512[] = { SMB2_PREAUTH_SHA512 };

	*ret = (struct smb2_negotiate_req){
		.security_mode = cfg->security_mode,
		.client_guid = cfg->client_guid,
		.dialects = dialects,
	};
	if (cfg->n_dialects > 1 || cfg->dialects[0] != SMB2_DIALECT_202)
		ret->capabilities = cfg->capabilities;
	if (!smb2_ids_has(&dialects, SMB2_DIALECT_311))
		return;
	ret->ctxs.has_preauth = true;
	ret->ctxs.preauth_hashes = ids(sha512, 1);
	ret->ctxs.preauth_salt = BLOB(salt, 32);
	ret->ctxs.has_encryption = cfg->n_ciphers > 0;
	ret->ctxs.ciphers = ids(cfg->ciphers, cfg->n_ciphers);
	ret->ctxs.has_signing = cfg->n_signing_algs > 0;
	ret->ctxs.signing_algs = ids(cfg->signing_algs, cfg->n_signing_algs);
}

static void encode(struct wr *w, size_t hdr, const void *req)
{
	smb2_negotiate_req_encode(w, hdr, req);
}

static int take_contexts(struct conn *c, const struct smb2_neg_ctxs *x)
{
	struct smb2_ids signing = ids(c->config.signing_algs, c->config.n_signing_algs);
	struct smb2_ids ciphers = ids(c->config.ciphers, c->config.n_ciphers);

	if (!x->has_preauth || x->preauth_hashes.n != 1 ||
	    x->preauth_hashes.v[0] != SMB2_PREAUTH_SHA512)
		return conn_fail(c, -EPROTO, "no preauthentication hash, or another than SHA-512");
	c->sign_alg = SIGN_AES_CMAC;
	if (x->has_signing) {
		if (x->signing_algs.n != 1 || !smb2_ids_has(&signing, x->signing_algs.v[0]))
			return conn_fail(
				c, -EPROTO,
				"the server chose a signing algorithm that was not offered");
		c->sign_alg = x->signing_algs.v[0];
		c->sign_ctx = 1;
	}
	if (x->has_encryption && x->ciphers.n == 1 && x->ciphers.v[0] != 0) {
		if (!smb2_ids_has(&ciphers, x->ciphers.v[0]))
			return conn_fail(c, -EPROTO,
					 "the server chose a cipher that was not offered");
		c->cipher = x->ciphers.v[0];
	}
	return 0;
}

static int take_response(struct conn *c, const struct smb2_negotiate_resp *resp)
{
	struct smb2_ids offered = ids(c->config.dialects, c->config.n_dialects);

	if (!smb2_ids_has(&offered, resp->dialect))
		return conn_fail(c, -EPROTO, "the server chose dialect %#x, which was not offered",
				 resp->dialect);
	c->dialect = resp->dialect;
	c->security_mode = resp->security_mode;
	c->capabilities = resp->capabilities;
	c->server_guid = resp->server_guid;
	c->max_transact = resp->max_transact_size;
	c->max_read = resp->max_read_size;
	c->max_write = resp->max_write_size;
	c->large_mtu = resp->dialect > SMB2_DIALECT_202 &&
		       (resp->capabilities & SMB2_GLOBAL_CAP_LARGE_MTU);
	c->sign_alg = resp->dialect >= SMB2_DIALECT_300 ? SIGN_AES_CMAC : SIGN_HMAC_SHA256;
	if (resp->dialect == SMB2_DIALECT_311)
		return take_contexts(c, &resp->ctxs);
	if (resp->dialect >= SMB2_DIALECT_300 && (resp->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION))
		c->cipher = SMB2_CIPHER_AES128_CCM;
	return 0;
}

static int hash(struct conn *c, struct blob msg)
{
	struct iovec iov = { (void *)msg.data, msg.len };

	return preauth_update(&c->preauth, &iov, 1);
}

/* Sends SMB1's negotiate and takes the SMB2 answer to it: the wild dialect, or 2.0.2 at once. */
static int from_smb1(struct conn *c, struct smb2_negotiate_resp *ret, struct arena *a,
		     struct ntstatus *ret_status)
{
	struct smb1_negotiate n = { .smb2_002 = true, .smb2_wild = true, .pid = 1, .mid = 1 };
	struct call call = { .command = SMB2_NEGOTIATE };
	struct wr w = wr_arena(a, 4096);
	struct blob b;
	int r;

	smb1_negotiate_encode(&w, &n);
	b = wr_blob(&w);
	conn_add_call(c, &call);
	c->next_mid = 1;
	r = msg_raw(c, b, true, (uint32_t)b.len);
	if (r == 0)
		r = conn_wait(c, &call, false, conn_deadline(c));
	if (r == 0) {
		*ret_status = call.hdr.status;
		b = BLOB(arena_memdup(a, call.reply.data, call.reply.len), call.reply.len);
		if (ntstatus_is_ok(call.hdr.status) && smb2_negotiate_resp_decode(a, b, ret) < 0)
			r = conn_fail(c, -EPROTO, "the answer to SMB1's negotiate is malformed");
	}
	call_done(&call);
	return r;
}

static int negotiate_smb2(struct conn *c, struct arena *a, struct ntstatus *ret_status)
{
	struct smb2_negotiate_resp resp = { 0 };
	struct smb2_negotiate_req req;
	struct msg_head h = { .command = SMB2_NEGOTIATE };
	struct call call = { 0 };
	uint8_t salt[32];
	struct msg m;
	size_t hdr;
	int r;

	crypto_random(salt, sizeof(salt));
	login_negotiate_request(&c->config, salt, &req);
	msg_begin(&m, c);
	hdr = msg_add(&m, &call, &h);
	encode(&m.w, hdr, &req);
	r = msg_send(&m);
	if (r == 0)
		r = hash(c, msg_bytes(&m));
	if (r == 0)
		r = conn_wait(c, &call, false, conn_deadline(c));
	if (r == 0) {
		*ret_status = call.hdr.status;
		if (ntstatus_is_ok(call.hdr.status)) {
			if (smb2_negotiate_resp_decode(a, call.reply, &resp) < 0)
				r = conn_fail(c, -EPROTO, "the NEGOTIATE response is malformed");
			else
				r = take_response(c, &resp);
			if (r == 0)
				r = hash(c, call.reply);
		}
	}
	call_done(&call);
	return r;
}

int login_negotiate(struct conn *c, struct ntstatus *ret_status)
{
	struct smb2_negotiate_resp first = { 0 };
	struct arena a;
	int r = 0;

	arena_init(&a, 0);
	if (c->config.smb1) {
		r = from_smb1(c, &first, &a, ret_status);
		if (r < 0 || !ntstatus_is_ok(*ret_status) || first.dialect != SMB2_DIALECT_WILD) {
			if (r == 0 && ntstatus_is_ok(*ret_status))
				r = take_response(c, &first);
			arena_reset(&a);
			return r;
		}
	}
	r = negotiate_smb2(c, &a, ret_status);
	arena_reset(&a);
	return r;
}

static void encode_ioctl(struct wr *w, size_t hdr, const void *req)
{
	smb2_ioctl_req_encode(w, hdr, req);
}

int login_validate(struct conn *c, struct sess *s, uint32_t tree_id, struct ntstatus *ret_status)
{
	struct fsctl_validate_negotiate_req v = {
		.capabilities =
			c->config.n_dialects > 1 || c->config.dialects[0] != SMB2_DIALECT_202 ?
				c->config.capabilities :
				0,
		.client_guid = c->config.client_guid,
		.security_mode = c->config.security_mode,
		.dialects = ids(c->config.dialects, c->config.n_dialects),
	};
	struct msg_head h = { .command = SMB2_IOCTL, .sess = s, .tree_id = tree_id, .sign = true };
	struct fsctl_validate_negotiate_resp got;
	struct smb2_ioctl_resp resp;
	struct smb2_ioctl_req req;
	struct call call = { 0 };
	uint8_t buf[256];
	struct wr w = wr_fixed(buf, sizeof(buf));
	int r;

	fsctl_validate_negotiate_req_encode(&w, &v);
	req = (struct smb2_ioctl_req){ .ctl_code = FSCTL_VALIDATE_NEGOTIATE_INFO,
				       .file_id = SMB2_FILEID_ANY,
				       .input = wr_blob(&w),
				       .max_output_response = 24,
				       .flags = SMB2_0_IOCTL_IS_FSCTL };
	r = msg_call(c, &h, encode_ioctl, &req, &call);
	if (r < 0)
		return r;
	*ret_status = call.hdr.status;
	if (ntstatus_is_ok(call.hdr.status)) {
		if (smb2_ioctl_resp_decode(call.reply, &resp) < 0 ||
		    fsctl_validate_negotiate_resp_decode(resp.output, &got) < 0)
			r = conn_fail(c, -EPROTO,
				      "the answer to VALIDATE_NEGOTIATE_INFO is malformed");
		else if (got.capabilities != c->capabilities || got.dialect != c->dialect ||
			 got.security_mode != c->security_mode ||
			 memcmp(&got.server_guid, &c->server_guid, sizeof(got.server_guid)) != 0)
			r = conn_fail(
				c, -EPROTO,
				"VALIDATE_NEGOTIATE_INFO says something else than NEGOTIATE did");
	}
	call_done(&call);
	return r;
}
