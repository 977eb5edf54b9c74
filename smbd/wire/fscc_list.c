/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File information that is a list: streams, and extended attributes (MS-FSCC 2.4.44, 2.4.16). */
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/wire_priv.h"

#define STREAM_FIXED 24
#define EA_FIXED 8
#define EA_NAME_FIXED 5

void fscc_stream_put(struct wr *w, size_t start, size_t *last, const struct fscc_stream *v)
{
	smb2_entry_begin(w, start, 8, last);
	wr_le32(w, (uint32_t)v->name.len);
	wr_le64(w, v->size);
	wr_le64(w, v->allocation_size);
	wr_put(w, v->name);
}

int fscc_stream_next(struct rd *r, struct fscc_stream *ret)
{
	struct fscc_stream v;
	uint32_t name_len;
	struct rd e;
	int more = smb2_entry_next(r, 8, STREAM_FIXED, &e);

	if (more <= 0)
		return more;
	name_len = rd_le32(&e);
	v.size = rd_le64(&e);
	v.allocation_size = rd_le64(&e);
	v.name = rd_blob(&e, name_len);
	if (!rd_ok(&e)) {
		rd_fail(r);
		return -EBADMSG;
	}
	*ret = v;
	return 1;
}

void fscc_ea_put(struct wr *w, size_t start, size_t *last, const struct fscc_ea *v)
{
	if (v->name.len > UINT8_MAX || v->value.len > UINT16_MAX) {
		wr_fail(w);
		return;
	}
	smb2_entry_begin(w, start, 4, last);
	wr_u8(w, v->flags);
	wr_u8(w, (uint8_t)v->name.len);
	wr_le16(w, (uint16_t)v->value.len);
	wr_put(w, v->name);
	wr_u8(w, 0);
	wr_put(w, v->value);
}

/* A name of `len` bytes and its NUL; it may not hold another one. */
static struct blob read_ea_name(struct rd *r, size_t len)
{
	struct blob name = rd_blob(r, len);

	if (rd_u8(r) != 0 || len == 0 || (name.len && memchr(name.data, 0, name.len)))
		rd_fail(r);
	return name;
}

int fscc_ea_next(struct rd *r, struct fscc_ea *ret)
{
	struct fscc_ea v;
	uint8_t name_len;
	uint16_t value_len;
	struct rd e;
	int more = smb2_entry_next(r, 4, EA_FIXED, &e);

	if (more <= 0)
		return more;
	v.flags = rd_u8(&e);
	name_len = rd_u8(&e);
	value_len = rd_le16(&e);
	v.name = read_ea_name(&e, name_len);
	v.value = rd_blob(&e, value_len);
	if (!rd_ok(&e)) {
		rd_fail(r);
		return -EBADMSG;
	}
	*ret = v;
	return 1;
}

void fscc_ea_name_put(struct wr *w, size_t start, size_t *last, struct blob name)
{
	if (name.len > UINT8_MAX) {
		wr_fail(w);
		return;
	}
	smb2_entry_begin(w, start, 4, last);
	wr_u8(w, (uint8_t)name.len);
	wr_put(w, name);
	wr_u8(w, 0);
}

int fscc_ea_name_next(struct rd *r, struct blob *ret_name)
{
	struct blob name;
	struct rd e;
	int more = smb2_entry_next(r, 4, EA_NAME_FIXED, &e);

	if (more <= 0)
		return more;
	name = read_ea_name(&e, rd_u8(&e));
	if (!rd_ok(&e)) {
		rd_fail(r);
		return -EBADMSG;
	}
	*ret_name = name;
	return 1;
}
