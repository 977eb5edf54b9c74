/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The headers of encrypted and of compressed messages (MS-SMB2 2.2.41, 2.2.42). */
#include "smbd/wire/hdr.h"

static const uint8_t transform_magic[4] = { 0xfd, 'S', 'M', 'B' };
static const uint8_t compression_magic[4] = { 0xfc, 'S', 'M', 'B' };

static void check_magic(struct rd *r, const uint8_t magic[4])
{
	const uint8_t *p = rd_bytes(r, 4);

	if (!p || memcmp(p, magic, 4) != 0)
		rd_fail(r);
}

int smb2_transform_decode(struct blob msg, struct smb2_transform *ret, struct blob *ret_cipher)
{
	struct rd r = rd_of(msg);
	struct smb2_transform t;

	check_magic(&r, transform_magic);
	rd_copy(&r, t.signature, sizeof(t.signature));
	rd_copy(&r, t.nonce, sizeof(t.nonce));
	t.original_size = rd_le32(&r);
	rd_skip(&r, 2);
	t.flags = rd_le16(&r);
	t.session_id = rd_le64(&r);
	if (!rd_ok(&r) || rd_left(&r) != t.original_size)
		return -EBADMSG;
	*ret = t;
	*ret_cipher = rd_rest(&r);
	return 0;
}

void smb2_transform_encode(uint8_t out[SMB2_TRANSFORM_LEN], const struct smb2_transform *t)
{
	struct wr w = wr_fixed(out, SMB2_TRANSFORM_LEN);

	wr_bytes(&w, transform_magic, sizeof(transform_magic));
	wr_bytes(&w, t->signature, sizeof(t->signature));
	wr_bytes(&w, t->nonce, sizeof(t->nonce));
	wr_le32(&w, t->original_size);
	wr_le16(&w, 0);
	wr_le16(&w, t->flags);
	wr_le64(&w, t->session_id);
	assert(wr_ok(&w) && w.len == SMB2_TRANSFORM_LEN);
}

int smb2_compression_decode(struct blob msg, struct smb2_compression *ret, struct blob *ret_rest)
{
	struct rd r = rd_of(msg);
	struct smb2_compression c;

	check_magic(&r, compression_magic);
	c.original_size = rd_le32(&r);
	c.algorithm = rd_le16(&r);
	c.flags = rd_le16(&r);
	c.offset = rd_le32(&r);
	/* Unchained, the bytes that are not compressed come first and must be there. */
	if (!rd_ok(&r) || (!(c.flags & SMB2_COMPRESSION_FLAG_CHAINED) && c.offset > rd_left(&r)))
		return -EBADMSG;
	*ret = c;
	*ret_rest = rd_rest(&r);
	return 0;
}

void smb2_compression_encode(struct wr *w, const struct smb2_compression *c)
{
	wr_bytes(w, compression_magic, sizeof(compression_magic));
	wr_le32(w, c->original_size);
	wr_le16(w, c->algorithm);
	wr_le16(w, c->flags);
	wr_le32(w, c->offset);
}
