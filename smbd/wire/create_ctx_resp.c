/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed create contexts of responses (MS-SMB2 2.2.14.2.1 and on). */
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/create_ctx_priv.h"
#include "smbd/wire/wire_priv.h"

static int read_ctx(uint32_t bit, struct blob data, struct smb2_create_ctxs_resp *c)
{
	struct rd r = rd_of(data);

	switch (bit) {
	case SMB2_CTX_DHNQ:
		rd_skip(&r, 8);
		break;
	case SMB2_CTX_MXAC:
		c->mxac.status.v = rd_le32(&r);
		c->mxac.access = rd_le32(&r);
		break;
	case SMB2_CTX_QFID:
		rd_copy(&r, c->qfid, sizeof(c->qfid));
		break;
	case SMB2_CTX_RQLS:
		if (data.len != SMB2_LEASE_V1_LEN && data.len != SMB2_LEASE_V2_LEN)
			return -EBADMSG;
		c->lease = smb2_lease_ctx_read(&r);
		break;
	case SMB2_CTX_DH2Q:
		c->dh2q.timeout = rd_le32(&r);
		c->dh2q.flags = rd_le32(&r);
		break;
	default:
		return 0;
	}
	return rd_ok(&r) && rd_left(&r) == 0 ? 0 : -EBADMSG;
}

int smb2_create_ctxs_resp_decode(struct blob list, struct smb2_create_ctxs_resp *ret)
{
	struct smb2_create_ctxs_resp c = { 0 };
	struct smb2_create_ctx ctx;
	struct rd r = rd_of(list);
	int more;

	while ((more = smb2_create_ctx_next(&r, &ctx)) > 0) {
		uint32_t bit = smb2_create_ctx_bit(ctx.name);

		if (c.present & bit)
			continue;
		if (read_ctx(bit, ctx.data, &c) < 0)
			return -EBADMSG;
		c.present |= bit;
	}
	if (more < 0)
		return more;
	*ret = c;
	return 0;
}

static void write_ctx(struct wr *w, uint32_t bit, const struct smb2_create_ctxs_resp *c)
{
	switch (bit) {
	case SMB2_CTX_DHNQ:
		wr_le64(w, 0);
		break;
	case SMB2_CTX_MXAC:
		wr_le32(w, c->mxac.status.v);
		wr_le32(w, c->mxac.access);
		break;
	case SMB2_CTX_QFID:
		wr_bytes(w, c->qfid, sizeof(c->qfid));
		break;
	case SMB2_CTX_RQLS:
		smb2_lease_ctx_write(w, &c->lease);
		break;
	case SMB2_CTX_DH2Q:
		wr_le32(w, c->dh2q.timeout);
		wr_le32(w, c->dh2q.flags);
		break;
	}
}

void smb2_create_ctxs_resp_encode(struct wr *w, const struct smb2_create_ctxs_resp *c)
{
	static const uint32_t bits[] = { SMB2_CTX_DHNQ, SMB2_CTX_MXAC, SMB2_CTX_QFID, SMB2_CTX_RQLS,
					 SMB2_CTX_DH2Q };
	struct smb2_create_ctx_writer cw = smb2_create_ctx_writer(w);

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		uint8_t buf[SMB2_CTX_DATA_MAX];
		struct wr d = wr_fixed(buf, sizeof(buf));

		if (!(c->present & bits[i]))
			continue;
		write_ctx(&d, bits[i], c);
		assert(wr_ok(&d));
		smb2_create_ctx_put(&cw, smb2_create_ctx_name(bits[i]), wr_blob(&d));
	}
}
