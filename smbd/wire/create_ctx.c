/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of create contexts (MS-SMB2 2.2.13.2); the typed set is in create_ctx_req.c and
 * create_ctx_resp.c. */
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/create_ctx_priv.h"
#include "smbd/wire/wire_priv.h"

#define CTX_FIXED 16

int smb2_create_ctx_next(struct rd *r, struct smb2_create_ctx *ret)
{
	uint16_t name_off, name_len, data_off;
	struct smb2_create_ctx c;
	uint32_t data_len;
	struct rd e;
	int more = smb2_entry_next(r, 8, CTX_FIXED, &e);

	if (more <= 0)
		return more;
	name_off = rd_le16(&e);
	name_len = rd_le16(&e);
	rd_skip(&e, 2);
	data_off = rd_le16(&e);
	data_len = rd_le32(&e);
	c.name = smb2_body_buf(&e, name_off, name_len, CTX_FIXED);
	c.data = smb2_body_buf(&e, data_off, data_len, CTX_FIXED);
	if (!rd_ok(&e) || name_len < 4) { /* smbtorture: create.blob */
		rd_fail(r);
		return -EBADMSG;
	}
	*ret = c;
	return 1;
}

struct smb2_create_ctx_writer smb2_create_ctx_writer(struct wr *w)
{
	return (struct smb2_create_ctx_writer){ .w = w, .last = SIZE_MAX };
}

void smb2_create_ctx_put(struct smb2_create_ctx_writer *cw, struct blob name, struct blob data)
{
	struct wr *w = cw->w;
	size_t mark;

	smb2_entry_begin(w, 0, 8, &cw->last);
	mark = cw->last;
	wr_le16(w, CTX_FIXED);
	wr_le16(w, (uint16_t)name.len);
	wr_le16(w, 0);
	wr_le16(w, 0);
	wr_le32(w, (uint32_t)data.len);
	wr_put(w, name);
	if (data.len == 0)
		return;
	wr_align(w, 8);
	if (wr_ok(w))
		wr_patch_le16(w, mark + 10, (uint16_t)(w->len - mark));
	wr_put(w, data);
}

static const struct {
	uint32_t bit;
	uint8_t len;
	const char *name;
} tags[] = {
	{ SMB2_CTX_EXTA, 4, "ExtA" },
	{ SMB2_CTX_SECD, 4, "SecD" },
	{ SMB2_CTX_DHNQ, 4, "DHnQ" },
	{ SMB2_CTX_DHNC, 4, "DHnC" },
	{ SMB2_CTX_ALSI, 4, "AlSi" },
	{ SMB2_CTX_MXAC, 4, "MxAc" },
	{ SMB2_CTX_TWRP, 4, "TWrp" },
	{ SMB2_CTX_QFID, 4, "QFid" },
	{ SMB2_CTX_RQLS, 4, "RqLs" },
	{ SMB2_CTX_DH2Q, 4, "DH2Q" },
	{ SMB2_CTX_DH2C, 4, "DH2C" },
	{ SMB2_CTX_APP_ID, 16, "\x45\xbc\xa6\x6a\xef\xa7\xf7\x4a\x90\x08\xfa\x46\x2e\x14\x4d\x74" },
	{ SMB2_CTX_APP_VERSION, 16,
	  "\xb9\x82\xd0\xb7\x3b\x56\x07\x4f\xa0\x7b\x52\x4a\x81\x16\xa0\x10" },
	{ SMB2_CTX_SVHDX, 16, "\x9c\xcb\xcf\x9e\x04\xc1\xe6\x43\x98\x0e\x15\x8d\xa1\xf6\xec\x83" },
	{ SMB2_CTX_POSIX, 16, "\x93\xad\x25\x50\x9c\xb4\x11\xe7\xb4\x23\x83\xde\x96\x8b\xcd\x7c" },
};

uint32_t smb2_create_ctx_bit(struct blob name)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (blob_equal(BLOB(tags[i].name, tags[i].len), name))
			return tags[i].bit;
	return 0;
}

struct blob smb2_create_ctx_name(uint32_t bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (tags[i].bit == bit)
			return BLOB(tags[i].name, tags[i].len);
	return BLOB(NULL, 0);
}

struct smb2_lease_ctx smb2_lease_ctx_read(struct rd *r)
{
	struct smb2_lease_ctx l = { .version = rd_left(r) == SMB2_LEASE_V2_LEN ? 2 : 1 };

	l.key = rd_guid(r);
	l.state = rd_le32(r);
	l.flags = rd_le32(r);
	rd_skip(r, 8); /* LeaseDuration: zero */
	if (l.version == 2) {
		l.parent_key = rd_guid(r);
		l.epoch = rd_le16(r);
		rd_skip(r, 2);
	}
	return l;
}

void smb2_lease_ctx_write(struct wr *w, const struct smb2_lease_ctx *l)
{
	wr_guid(w, &l->key);
	wr_le32(w, l->state);
	wr_le32(w, l->flags);
	wr_le64(w, 0);
	if (l->version == 2) {
		wr_guid(w, &l->parent_key);
		wr_le16(w, l->epoch);
		wr_le16(w, 0);
	}
}
