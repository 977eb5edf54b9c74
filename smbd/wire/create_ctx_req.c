/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typed create contexts of requests (MS-SMB2 2.2.13.2.1 and on). */
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/create_ctx_priv.h"
#include "smbd/wire/wire_priv.h"

#define APP_ID_SIZE 20
#define APP_VERSION_SIZE 24

static void read_dh2q(struct rd *r, struct smb2_create_ctxs_req *c)
{
	c->dh2q.timeout = rd_le32(r);
	c->dh2q.flags = rd_le32(r);
	rd_skip(r, 8);
	c->dh2q.create_guid = rd_guid(r);
}

static void read_dh2c(struct rd *r, struct smb2_create_ctxs_req *c)
{
	c->dh2c.file_id = smb2_rd_fileid(r);
	c->dh2c.create_guid = rd_guid(r);
	c->dh2c.flags = rd_le32(r);
}

static void read_app_id(struct rd *r, struct smb2_create_ctxs_req *c)
{
	if (rd_le16(r) != APP_ID_SIZE)
		rd_fail(r);
	rd_skip(r, 2);
	c->app_instance_id = rd_guid(r);
}

static void read_app_version(struct rd *r, struct smb2_create_ctxs_req *c)
{
	if (rd_le16(r) != APP_VERSION_SIZE)
		rd_fail(r);
	rd_skip(r, 2 + 4);
	c->app_version_high = rd_le64(r);
	c->app_version_low = rd_le64(r);
}

static void read_lease(struct rd *r, struct smb2_create_ctxs_req *c)
{
	if (rd_left(r) != SMB2_LEASE_V1_LEN && rd_left(r) != SMB2_LEASE_V2_LEN)
		rd_fail(r);
	c->lease = smb2_lease_ctx_read(r);
}

/* Reads the data of one context. What has a fixed form must end where its data does. */
static int read_ctx(uint32_t bit, struct blob data, struct smb2_create_ctxs_req *c)
{
	struct rd r = rd_of(data);

	switch (bit) {
	case SMB2_CTX_EXTA:
		c->exta = rd_rest(&r);
		break;
	case SMB2_CTX_SECD:
		c->secd = rd_rest(&r);
		break;
	case SMB2_CTX_DHNQ:
		rd_skip(&r, 16);
		break;
	case SMB2_CTX_DHNC:
		c->dhnc = smb2_rd_fileid(&r);
		break;
	case SMB2_CTX_ALSI:
		c->allocation_size = rd_le64(&r);
		break;
	case SMB2_CTX_MXAC:
		c->mxac_time = data.len ? rd_le64(&r) : 0;
		break;
	case SMB2_CTX_TWRP:
		c->twrp = rd_le64(&r);
		break;
	case SMB2_CTX_RQLS:
		read_lease(&r, c);
		break;
	case SMB2_CTX_DH2Q:
		read_dh2q(&r, c);
		break;
	case SMB2_CTX_DH2C:
		read_dh2c(&r, c);
		break;
	case SMB2_CTX_APP_ID:
		read_app_id(&r, c);
		break;
	case SMB2_CTX_APP_VERSION:
		read_app_version(&r, c);
		break;
	case SMB2_CTX_POSIX:
		c->posix_mode = rd_le32(&r);
		break;
	default: /* QFid, SVHDX: seen, that is all */
		return 0;
	}
	return rd_ok(&r) && rd_left(&r) == 0 ? 0 : -EBADMSG;
}

int smb2_create_ctxs_req_decode(struct blob list, struct smb2_create_ctxs_req *ret)
{
	struct smb2_create_ctxs_req c = { 0 };
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

static void write_dh2q(struct wr *w, const struct smb2_create_ctxs_req *c)
{
	wr_le32(w, c->dh2q.timeout);
	wr_le32(w, c->dh2q.flags);
	wr_le64(w, 0);
	wr_guid(w, &c->dh2q.create_guid);
}

static void write_dh2c(struct wr *w, const struct smb2_create_ctxs_req *c)
{
	smb2_wr_fileid(w, c->dh2c.file_id);
	wr_guid(w, &c->dh2c.create_guid);
	wr_le32(w, c->dh2c.flags);
}

static void write_app_id(struct wr *w, const struct smb2_create_ctxs_req *c)
{
	wr_le16(w, APP_ID_SIZE);
	wr_le16(w, 0);
	wr_guid(w, &c->app_instance_id);
}

static void write_app_version(struct wr *w, const struct smb2_create_ctxs_req *c)
{
	wr_le16(w, APP_VERSION_SIZE);
	wr_zero(w, 2 + 4);
	wr_le64(w, c->app_version_high);
	wr_le64(w, c->app_version_low);
}

/* Writes the data of a context with a fixed form. */
static void write_ctx(struct wr *w, uint32_t bit, const struct smb2_create_ctxs_req *c)
{
	switch (bit) {
	case SMB2_CTX_DHNQ:
		wr_zero(w, 16);
		break;
	case SMB2_CTX_DHNC:
		smb2_wr_fileid(w, c->dhnc);
		break;
	case SMB2_CTX_ALSI:
		wr_le64(w, c->allocation_size);
		break;
	case SMB2_CTX_MXAC:
		if (c->mxac_time)
			wr_le64(w, c->mxac_time);
		break;
	case SMB2_CTX_TWRP:
		wr_le64(w, c->twrp);
		break;
	case SMB2_CTX_RQLS:
		smb2_lease_ctx_write(w, &c->lease);
		break;
	case SMB2_CTX_DH2Q:
		write_dh2q(w, c);
		break;
	case SMB2_CTX_DH2C:
		write_dh2c(w, c);
		break;
	case SMB2_CTX_APP_ID:
		write_app_id(w, c);
		break;
	case SMB2_CTX_APP_VERSION:
		write_app_version(w, c);
		break;
	case SMB2_CTX_POSIX:
		wr_le32(w, c->posix_mode);
		break;
	}
}

void smb2_create_ctxs_req_encode(struct wr *w, const struct smb2_create_ctxs_req *c)
{
	struct smb2_create_ctx_writer cw = smb2_create_ctx_writer(w);

	for (uint32_t bit = 1; bit <= SMB2_CTX_POSIX; bit <<= 1) {
		uint8_t buf[SMB2_CTX_DATA_MAX];
		struct wr d = wr_fixed(buf, sizeof(buf));
		struct blob data;

		if (!(c->present & bit))
			continue;
		write_ctx(&d, bit, c);
		assert(wr_ok(&d));
		data = bit == SMB2_CTX_EXTA ? c->exta :
		       bit == SMB2_CTX_SECD ? c->secd :
					      wr_blob(&d);
		smb2_create_ctx_put(&cw, smb2_create_ctx_name(bit), data);
	}
}
