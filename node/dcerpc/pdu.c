/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Codecs of connection-oriented PDUs. */
#include "node/dcerpc/pdu.h"

#include "node/wire/sid_wire.h"

/* 8a885d04-1ceb-11c9-9fe8-08002b104860, version 2.0 */
static const struct guid ndr_uuid = { { 0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11, 0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10,
					0x48, 0x60 } };
/* 6cb71c2c-9812-4540: the first eight bytes of a bind-time feature negotiation syntax; the rest is a bit mask */
static const uint8_t feature_prefix[8] = { 0x2c, 0x1c, 0xb7, 0x6c, 0x12, 0x98, 0x40, 0x45 };

int dce_hdr_decode(struct blob pdu, struct dce_hdr *ret)
{
	struct rd r = rd_of(pdu);
	uint8_t major = rd_u8(&r), minor = rd_u8(&r);
	struct dce_hdr h = { 0 };
	uint8_t drep;

	h.ptype = rd_u8(&r);
	h.flags = rd_u8(&r);
	drep = rd_u8(&r);
	rd_skip(&r, 3);
	h.frag_len = rd_le16(&r);
	h.auth_len = rd_le16(&r);
	h.call_id = rd_le32(&r);
	if (rd_end(&r) < 0 || major != 5 || minor > 1 || !(drep & 0x10) || h.frag_len < DCE_HDR_LEN ||
	    (h.auth_len && h.auth_len + 8 > h.frag_len - DCE_HDR_LEN))
		return -EBADMSG;
	*ret = h;
	return 0;
}

/* The body of a whole PDU, without header and authentication trailer. */
static struct rd pdu_body(struct blob pdu, const struct dce_hdr *h)
{
	struct rd r = rd_of(pdu), bad = rd_init(NULL, 0);

	rd_skip(&r, DCE_HDR_LEN);
	if (h->frag_len > pdu.len || !rd_ok(&r)) {
		rd_fail(&bad);
		return bad;
	}
	return rd_sub(&r, (size_t)h->frag_len - DCE_HDR_LEN - (h->auth_len ? h->auth_len + 8u : 0));
}

static struct dce_syntax rd_syntax(struct rd *r)
{
	struct dce_syntax s = { .uuid = rd_guid(r) };

	s.major = rd_le16(r);
	s.minor = rd_le16(r);
	return s;
}

static void rd_ctx_item(struct rd *r, struct dce_ctx_item *ret)
{
	unsigned int i, n;

	*ret = (struct dce_ctx_item){ .id = rd_le16(r) };
	n = rd_u8(r);
	rd_skip(r, 1);
	ret->abstract = rd_syntax(r);
	for (i = 0; i < n && rd_ok(r); i++) {
		struct dce_syntax t = rd_syntax(r);

		ret->ndr |= guid_equal(&t.uuid, &ndr_uuid) && t.major == 2;
		ret->feature |= memcmp(t.uuid.b, feature_prefix, sizeof(feature_prefix)) == 0;
	}
}

int dce_bind_decode(struct blob pdu, const struct dce_hdr *h, struct dce_bind *ret)
{
	struct rd r = pdu_body(pdu, h);
	struct dce_bind b = { 0 };
	unsigned int i;

	b.max_xmit = rd_le16(&r);
	b.max_recv = rd_le16(&r);
	b.group = rd_le32(&r);
	b.n_ctx = rd_u8(&r);
	rd_skip(&r, 3);
	if (b.n_ctx == 0 || b.n_ctx > DCE_MAX_CTX)
		return -EBADMSG;
	for (i = 0; i < b.n_ctx && rd_ok(&r); i++)
		rd_ctx_item(&r, &b.ctx[i]);
	if (rd_end(&r) < 0)
		return -EBADMSG;
	*ret = b;
	return 0;
}

int dce_request_decode(struct blob pdu, const struct dce_hdr *h, struct dce_request *ret)
{
	struct rd r = pdu_body(pdu, h);
	struct dce_request q = { 0 };

	q.alloc_hint = rd_le32(&r);
	q.ctx_id = rd_le16(&r);
	q.opnum = rd_le16(&r);
	if (h->flags & DCE_OBJECT_UUID)
		rd_skip(&r, 16);
	q.stub = rd_rest(&r);
	if (rd_end(&r) < 0)
		return -EBADMSG;
	*ret = q;
	return 0;
}

/* Writes a header; returns where the PDU starts, for pdu_finish(). */
static size_t pdu_start(struct wr *w, uint8_t ptype, uint8_t flags, uint32_t call_id)
{
	size_t at = wr_mark(w);

	wr_u8(w, 5);
	wr_u8(w, 0);
	wr_u8(w, ptype);
	wr_u8(w, flags);
	wr_le32(w, 0x10);
	wr_le16(w, 0);
	wr_le16(w, 0);
	wr_le32(w, call_id);
	return at;
}

static void pdu_finish(struct wr *w, size_t at)
{
	if (wr_ok(w))
		wr_patch_le16(w, at + 8, (uint16_t)(wr_mark(w) - at));
}

static void wr_ndr_syntax(struct wr *w, bool present)
{
	if (!present) {
		wr_zero(w, 20);
		return;
	}
	wr_guid(w, &ndr_uuid);
	wr_le32(w, 2);
}

void dce_bind_ack_encode(struct wr *w, uint8_t ptype, uint32_t call_id, const struct dce_bind *b, const char *sec_addr,
			 const struct dce_ctx_result *results)
{
	size_t at = pdu_start(w, ptype, DCE_FIRST_FRAG | DCE_LAST_FRAG, call_id);
	size_t n = *sec_addr ? strlen(sec_addr) + 1 : 0;
	unsigned int i;

	wr_le16(w, b->max_xmit);
	wr_le16(w, b->max_recv);
	wr_le32(w, b->group);
	wr_le16(w, (uint16_t)n);
	wr_bytes(w, sec_addr, n);
	wr_align_from(w, at, 4);
	wr_u8(w, (uint8_t)b->n_ctx);
	wr_zero(w, 3);
	for (i = 0; i < b->n_ctx; i++) {
		wr_le16(w, (uint16_t)results[i].result);
		wr_le16(w, results[i].reason);
		wr_ndr_syntax(w, results[i].result == DCE_ACCEPTANCE);
	}
	pdu_finish(w, at);
}

void dce_bind_nak_encode(struct wr *w, uint32_t call_id, uint16_t reason)
{
	size_t at = pdu_start(w, DCE_BIND_NAK, DCE_FIRST_FRAG | DCE_LAST_FRAG, call_id);

	wr_le16(w, reason);
	wr_u8(w, 1); /* one supported version: 5.0 */
	wr_u8(w, 5);
	wr_u8(w, 0);
	pdu_finish(w, at);
}

void dce_fault_encode(struct wr *w, uint32_t call_id, uint16_t ctx_id, uint32_t status)
{
	size_t at = pdu_start(w, DCE_FAULT, DCE_FIRST_FRAG | DCE_LAST_FRAG | 0x20 /* did not execute */, call_id);

	wr_le32(w, 0);
	wr_le16(w, ctx_id);
	wr_le16(w, 0);
	wr_le32(w, status);
	wr_le32(w, 0);
	pdu_finish(w, at);
}

void dce_response_encode(struct wr *w, uint32_t call_id, uint16_t ctx_id, struct blob stub, size_t max_frag)
{
	size_t room = (max_frag - DCE_HDR_LEN - 8) & ~(size_t)7, pos = 0;
	uint8_t flags = DCE_FIRST_FRAG;

	do {
		size_t n = MIN(room, stub.len - pos), at;

		if (n == stub.len - pos)
			flags |= DCE_LAST_FRAG;
		at = pdu_start(w, DCE_RESPONSE, flags, call_id);
		wr_le32(w, (uint32_t)(stub.len - pos));
		wr_le16(w, ctx_id);
		wr_le16(w, 0);
		if (n)
			wr_bytes(w, stub.data + pos, n);
		pdu_finish(w, at);
		pos += n;
		flags = 0;
	} while (pos < stub.len);
}

void dce_bind_encode(struct wr *w, uint32_t call_id, const struct dce_syntax *abstract)
{
	size_t at = pdu_start(w, DCE_BIND, DCE_FIRST_FRAG | DCE_LAST_FRAG, call_id);

	wr_le16(w, 4280);
	wr_le16(w, 4280);
	wr_le32(w, 0);
	wr_le32(w, 1);
	wr_le16(w, 0);
	wr_le16(w, 1);
	wr_guid(w, &abstract->uuid);
	wr_le16(w, abstract->major);
	wr_le16(w, abstract->minor);
	wr_ndr_syntax(w, true);
	pdu_finish(w, at);
}

void dce_request_encode(struct wr *w, uint32_t call_id, uint16_t opnum, struct blob stub)
{
	size_t at = pdu_start(w, DCE_REQUEST, DCE_FIRST_FRAG | DCE_LAST_FRAG, call_id);

	wr_le32(w, (uint32_t)stub.len);
	wr_le16(w, 0);
	wr_le16(w, opnum);
	wr_put(w, stub);
	pdu_finish(w, at);
}
