/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMB2 NEGOTIATE request and response (MS-SMB2 2.2.3, 2.2.4); the contexts are in neg_ctx.c. */
#include "smbd/wire/negotiate.h"
#include "smbd/wire/wire_priv.h"

#define REQ_SIZE 36
#define RESP_SIZE 65

/* The 3.1.1 fields share their bytes with ClientStartTime, which means nothing in any dialect. */
static int read_req_ctxs(struct arena *a, struct rd *r, uint32_t off, uint16_t count,
			 struct smb2_neg_ctxs *ret)
{
	struct blob list;
	int e;

	if (off < SMB2_HDR_LEN + REQ_SIZE || off > (size_t)(r->end - r->base))
		return -EBADMSG;
	list = BLOB(r->base + off, (size_t)(r->end - r->base) - off);
	e = smb2_neg_ctxs_decode(a, list, count, ret);
	if (e < 0)
		return e;
	return ret->has_preauth ? 0 : -EBADMSG;
}

int smb2_negotiate_req_decode(struct arena *a, struct blob msg, struct smb2_negotiate_req *ret)
{
	struct rd r = smb2_body(msg, REQ_SIZE);
	struct smb2_negotiate_req q = { 0 };
	uint16_t n_dialects, n_ctxs;
	uint32_t ctx_off;
	int e;

	n_dialects = rd_le16(&r);
	q.security_mode = rd_le16(&r);
	rd_skip(&r, 2);
	q.capabilities = rd_le32(&r);
	q.client_guid = rd_guid(&r);
	ctx_off = rd_le32(&r);
	n_ctxs = rd_le16(&r);
	rd_skip(&r, 2);
	e = smb2_ids_read(a, &r, n_dialects, &q.dialects);
	if (e < 0)
		return e;
	if (n_dialects == 0)
		return -EBADMSG;
	if (smb2_ids_has(&q.dialects, SMB2_DIALECT_311)) {
		e = read_req_ctxs(a, &r, ctx_off, n_ctxs, &q.ctxs);
		if (e < 0)
			return e;
	}
	*ret = q;
	return 0;
}

void smb2_negotiate_req_encode(struct wr *w, size_t hdr, const struct smb2_negotiate_req *q)
{
	size_t ctx_mark;

	wr_le16(w, REQ_SIZE);
	wr_le16(w, (uint16_t)q->dialects.n);
	wr_le16(w, q->security_mode);
	wr_le16(w, 0);
	wr_le32(w, q->capabilities);
	wr_guid(w, &q->client_guid);
	ctx_mark = wr_mark(w);
	wr_le64(w, 0);
	smb2_ids_write(w, &q->dialects);
	if (smb2_ids_has(&q->dialects, SMB2_DIALECT_311)) {
		size_t off;
		uint16_t n;

		wr_align_from(w, hdr, 8);
		off = wr_mark(w) - hdr;
		n = smb2_neg_ctxs_encode(w, &q->ctxs);
		wr_patch_le32(w, ctx_mark, (uint32_t)off);
		wr_patch_le16(w, ctx_mark + 4, n);
	}
}

int smb2_negotiate_resp_decode(struct arena *a, struct blob msg, struct smb2_negotiate_resp *ret)
{
	struct rd r = smb2_body(msg, RESP_SIZE);
	struct smb2_negotiate_resp p = { 0 };
	uint16_t token_off, token_len, n_ctxs;
	uint32_t ctx_off;
	int e;

	p.security_mode = rd_le16(&r);
	p.dialect = rd_le16(&r);
	n_ctxs = rd_le16(&r);
	p.server_guid = rd_guid(&r);
	p.capabilities = rd_le32(&r);
	p.max_transact_size = rd_le32(&r);
	p.max_read_size = rd_le32(&r);
	p.max_write_size = rd_le32(&r);
	p.system_time = rd_le64(&r);
	p.server_start_time = rd_le64(&r);
	token_off = rd_le16(&r);
	token_len = rd_le16(&r);
	ctx_off = rd_le32(&r);
	p.token = smb2_body_buf(&r, token_off, token_len, SMB2_HDR_LEN + RESP_SIZE - 1);
	if (!rd_ok(&r))
		return -EBADMSG;
	if (p.dialect == SMB2_DIALECT_311) {
		if (ctx_off < SMB2_HDR_LEN + RESP_SIZE - 1 || ctx_off > msg.len)
			return -EBADMSG;
		e = smb2_neg_ctxs_decode(a, BLOB(msg.data + ctx_off, msg.len - ctx_off), n_ctxs,
					 &p.ctxs);
		if (e < 0)
			return e;
	}
	*ret = p;
	return 0;
}

void smb2_negotiate_resp_encode(struct wr *w, size_t hdr, const struct smb2_negotiate_resp *p)
{
	size_t body = wr_mark(w), token_mark;

	wr_le16(w, RESP_SIZE);
	wr_le16(w, p->security_mode);
	wr_le16(w, p->dialect);
	wr_le16(w, 0);
	wr_guid(w, &p->server_guid);
	wr_le32(w, p->capabilities);
	wr_le32(w, p->max_transact_size);
	wr_le32(w, p->max_read_size);
	wr_le32(w, p->max_write_size);
	wr_le64(w, p->system_time);
	wr_le64(w, p->server_start_time);
	token_mark = wr_mark(w);
	wr_zero(w, 8);
	smb2_put_buf16(w, hdr, token_mark, p->token);
	if (p->dialect == SMB2_DIALECT_311) {
		size_t off;
		uint16_t n;

		wr_align_from(w, hdr, 8);
		off = wr_mark(w) - hdr;
		n = smb2_neg_ctxs_encode(w, &p->ctxs);
		wr_patch_le32(w, token_mark + 4, (uint32_t)off);
		wr_patch_le16(w, body + 6, n);
	}
}
