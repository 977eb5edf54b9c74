/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one SMB1 message that is understood: NEGOTIATE, to move up to SMB2 (MS-SMB2 3.3.5.3,
 * MS-CIFS 2.2.4.52). */
#include "smbd/wire/hdr.h"

#define SMB1_COM_NEGOTIATE 0x72
#define SMB1_FLAGS_REPLY 0x80
#define SMB1_BUFFER_DIALECT 0x02

static const uint8_t smb1_magic[4] = { 0xff, 'S', 'M', 'B' };

/* Dialects: each a type byte and a NUL-terminated string, until the data ends. */
static void read_dialects(struct rd *data, struct smb1_negotiate *n)
{
	while (rd_ok(data) && rd_left(data)) {
		const uint8_t *s, *nul;

		if (rd_u8(data) != SMB1_BUFFER_DIALECT) {
			rd_fail(data);
			return;
		}
		s = data->pos;
		nul = memchr(s, 0, rd_left(data));
		if (!nul) {
			rd_fail(data);
			return;
		}
		rd_skip(data, (size_t)(nul - s) + 1);
		n->n_dialects++;
		n->smb2_002 |= strcmp((const char *)s, "SMB 2.002") == 0;
		n->smb2_wild |= strcmp((const char *)s, "SMB 2.???") == 0;
	}
}

int smb1_negotiate_decode(struct blob msg, struct smb1_negotiate *ret)
{
	struct rd r = rd_of(msg), data;
	struct smb1_negotiate n = { 0 };
	const uint8_t *magic = rd_bytes(&r, sizeof(smb1_magic));
	uint8_t command = rd_u8(&r);
	uint8_t flags;

	if (!magic || memcmp(magic, smb1_magic, sizeof(smb1_magic)) != 0 ||
	    command != SMB1_COM_NEGOTIATE)
		return -EBADMSG;
	rd_skip(&r, 4); /* status */
	flags = rd_u8(&r);
	n.flags2 = rd_le16(&r);
	rd_skip(&r, 2 + 8 + 2 + 2); /* PID high, signature, reserved, TID */
	n.pid = rd_le16(&r);
	rd_skip(&r, 2); /* UID */
	n.mid = rd_le16(&r);
	if (rd_u8(&r) != 0 || (flags & SMB1_FLAGS_REPLY)) /* no parameter words */
		rd_fail(&r);
	data = rd_sub(&r, rd_le16(&r));
	read_dialects(&data, &n);
	if (!rd_ok(&r) || !rd_ok(&data) || n.n_dialects == 0)
		return -EBADMSG;
	*ret = n;
	return 0;
}

static void put_dialect(struct wr *w, const char *name)
{
	wr_u8(w, SMB1_BUFFER_DIALECT);
	wr_bytes(w, name, strlen(name) + 1);
}

void smb1_negotiate_encode(struct wr *w, const struct smb1_negotiate *n)
{
	size_t count, data;

	wr_bytes(w, smb1_magic, sizeof(smb1_magic));
	wr_u8(w, SMB1_COM_NEGOTIATE);
	wr_le32(w, 0);
	wr_u8(w, 0x18); /* paths without case, canonical */
	wr_le16(w, n->flags2);
	wr_zero(w, 2 + 8 + 2);
	wr_le16(w, 0xffff);
	wr_le16(w, n->pid);
	wr_le16(w, 0);
	wr_le16(w, n->mid);
	wr_u8(w, 0);
	count = wr_mark(w);
	wr_le16(w, 0);
	data = wr_mark(w);
	put_dialect(w, "NT LM 0.12");
	if (n->smb2_002)
		put_dialect(w, "SMB 2.002");
	if (n->smb2_wild)
		put_dialect(w, "SMB 2.???");
	if (wr_ok(w))
		wr_patch_le16(w, count, (uint16_t)(w->len - data));
}
