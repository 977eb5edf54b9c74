/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Negotiate contexts (MS-SMB2 2.2.3.1). */
#include "smbd/wire/negotiate.h"
#include "smbd/wire/wire_priv.h"

/* A count, then that many identifiers. At least one. */
static int read_counted_ids(struct arena *a, struct rd *r, struct smb2_ids *ret)
{
	uint16_t n = rd_le16(r);

	if (n == 0)
		return -EBADMSG;
	return smb2_ids_read(a, r, n, ret);
}

static int read_preauth(struct arena *a, struct rd *r, struct smb2_neg_ctxs *c)
{
	uint16_t n = rd_le16(r), salt_len = rd_le16(r);
	int e;

	if (n == 0)
		return -EBADMSG;
	e = smb2_ids_read(a, r, n, &c->preauth_hashes);
	c->preauth_salt = rd_blob(r, salt_len);
	return e;
}

static int read_compression(struct arena *a, struct rd *r, struct smb2_neg_ctxs *c)
{
	uint16_t n = rd_le16(r);

	rd_skip(r, 2);
	c->compression_flags = rd_le32(r);
	if (n == 0)
		return -EBADMSG;
	return smb2_ids_read(a, r, n, &c->compressions);
}

static int read_rdma(struct arena *a, struct rd *r, struct smb2_neg_ctxs *c)
{
	uint16_t n = rd_le16(r);

	rd_skip(r, 6);
	if (n == 0)
		return -EBADMSG;
	return smb2_ids_read(a, r, n, &c->rdma_transforms);
}

static int once(bool *seen)
{
	if (*seen)
		return -EBADMSG;
	*seen = true;
	return 0;
}

static int read_ctx(struct arena *a, uint16_t type, struct rd *r, struct smb2_neg_ctxs *c)
{
	switch (type) {
	case SMB2_PREAUTH_INTEGRITY_CAPABILITIES:
		return once(&c->has_preauth) ?: read_preauth(a, r, c);
	case SMB2_ENCRYPTION_CAPABILITIES:
		return once(&c->has_encryption) ?: read_counted_ids(a, r, &c->ciphers);
	case SMB2_COMPRESSION_CAPABILITIES:
		return once(&c->has_compression) ?: read_compression(a, r, c);
	case SMB2_NETNAME_NEGOTIATE_CONTEXT_ID:
		c->netname = rd_rest(r);
		return once(&c->has_netname);
	case SMB2_TRANSPORT_CAPABILITIES:
		c->transport_flags = rd_le32(r);
		return once(&c->has_transport);
	case SMB2_RDMA_TRANSFORM_CAPABILITIES:
		return once(&c->has_rdma) ?: read_rdma(a, r, c);
	case SMB2_SIGNING_CAPABILITIES:
		return once(&c->has_signing) ?: read_counted_ids(a, r, &c->signing_algs);
	case SMB2_POSIX_EXTENSIONS_AVAILABLE:
		c->has_posix = true;
		return 0;
	default:
		return 0;
	}
}

int smb2_neg_ctxs_decode(struct arena *a, struct blob list, uint16_t count,
			 struct smb2_neg_ctxs *ret)
{
	struct smb2_neg_ctxs c = { 0 };
	struct rd r = rd_of(list);

	for (unsigned i = 0; i < count; i++) {
		uint16_t type, len;
		struct rd data;
		int e;

		rd_align(&r, 8);
		type = rd_le16(&r);
		len = rd_le16(&r);
		rd_skip(&r, 4);
		data = rd_sub(&r, len);
		if (!rd_ok(&r))
			return -EBADMSG;
		e = read_ctx(a, type, &data, &c);
		if (e < 0)
			return e;
		if (!rd_ok(&data))
			return -EBADMSG;
	}
	*ret = c;
	return 0;
}

/* Appends the head of a context; the data goes behind it, then end_ctx() patches its length. */
static size_t begin_ctx(struct wr *w, size_t start, uint16_t type)
{
	size_t mark;

	wr_align_from(w, start, 8);
	mark = wr_mark(w);
	wr_le16(w, type);
	wr_le16(w, 0);
	wr_le32(w, 0);
	return mark;
}

static uint16_t end_ctx(struct wr *w, size_t mark)
{
	if (wr_ok(w))
		wr_patch_le16(w, mark + 2, (uint16_t)(w->len - mark - 8));
	return 1;
}

static uint16_t put_preauth(struct wr *w, size_t start, const struct smb2_neg_ctxs *c)
{
	size_t m = begin_ctx(w, start, SMB2_PREAUTH_INTEGRITY_CAPABILITIES);

	wr_le16(w, (uint16_t)c->preauth_hashes.n);
	wr_le16(w, (uint16_t)c->preauth_salt.len);
	smb2_ids_write(w, &c->preauth_hashes);
	wr_put(w, c->preauth_salt);
	return end_ctx(w, m);
}

static uint16_t put_counted_ids(struct wr *w, size_t start, uint16_t type,
				const struct smb2_ids *ids)
{
	size_t m = begin_ctx(w, start, type);

	wr_le16(w, (uint16_t)ids->n);
	smb2_ids_write(w, ids);
	return end_ctx(w, m);
}

static uint16_t put_compression(struct wr *w, size_t start, const struct smb2_neg_ctxs *c)
{
	size_t m = begin_ctx(w, start, SMB2_COMPRESSION_CAPABILITIES);

	wr_le16(w, (uint16_t)c->compressions.n);
	wr_le16(w, 0);
	wr_le32(w, c->compression_flags);
	smb2_ids_write(w, &c->compressions);
	return end_ctx(w, m);
}

static uint16_t put_rdma(struct wr *w, size_t start, const struct smb2_neg_ctxs *c)
{
	size_t m = begin_ctx(w, start, SMB2_RDMA_TRANSFORM_CAPABILITIES);

	wr_le16(w, (uint16_t)c->rdma_transforms.n);
	wr_zero(w, 6);
	smb2_ids_write(w, &c->rdma_transforms);
	return end_ctx(w, m);
}

static uint16_t put_netname(struct wr *w, size_t start, const struct smb2_neg_ctxs *c)
{
	size_t m = begin_ctx(w, start, SMB2_NETNAME_NEGOTIATE_CONTEXT_ID);

	wr_put(w, c->netname);
	return end_ctx(w, m);
}

static uint16_t put_transport(struct wr *w, size_t start, const struct smb2_neg_ctxs *c)
{
	size_t m = begin_ctx(w, start, SMB2_TRANSPORT_CAPABILITIES);

	wr_le32(w, c->transport_flags);
	return end_ctx(w, m);
}

uint16_t smb2_neg_ctxs_encode(struct wr *w, const struct smb2_neg_ctxs *c)
{
	size_t start = wr_mark(w);
	uint16_t n = 0;

	if (c->has_preauth)
		n += put_preauth(w, start, c);
	if (c->has_encryption)
		n += put_counted_ids(w, start, SMB2_ENCRYPTION_CAPABILITIES, &c->ciphers);
	if (c->has_compression)
		n += put_compression(w, start, c);
	if (c->has_signing)
		n += put_counted_ids(w, start, SMB2_SIGNING_CAPABILITIES, &c->signing_algs);
	if (c->has_netname)
		n += put_netname(w, start, c);
	if (c->has_transport)
		n += put_transport(w, start, c);
	if (c->has_rdma)
		n += put_rdma(w, start, c);
	return n;
}
