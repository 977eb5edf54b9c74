/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File information classes of fixed form, and rename (MS-FSCC 2.4); lists are in fscc_list.c. */
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/wire_priv.h"

size_t fscc_file_fixed_size(uint8_t info_class)
{
	switch (info_class) {
	case FSCC_FILE_BASIC:
		return 40;
	case FSCC_FILE_STANDARD:
	case FSCC_FILE_STREAM:
	case FSCC_FILE_ID:
		return 24;
	case FSCC_FILE_EA:
	case FSCC_FILE_ACCESS:
	case FSCC_FILE_MODE:
	case FSCC_FILE_ALIGNMENT:
	case FSCC_FILE_DISPOSITION_EX:
	case FSCC_FILE_NAME:
	case FSCC_FILE_ALTERNATE_NAME:
	case FSCC_FILE_NORMALIZED_NAME:
		return 4;
	case FSCC_FILE_INTERNAL:
	case FSCC_FILE_POSITION:
	case FSCC_FILE_ALLOCATION:
	case FSCC_FILE_END_OF_FILE:
	case FSCC_FILE_VALID_DATA_LENGTH:
	case FSCC_FILE_ATTRIBUTE_TAG:
	case FSCC_FILE_FULL_EA:
	case FSCC_FILE_PIPE:
		return 8;
	case FSCC_FILE_DISPOSITION:
		return 1;
	case FSCC_FILE_COMPRESSION:
	case FSCC_FILE_PIPE_REMOTE:
		return 16;
	case FSCC_FILE_RENAME:
	case FSCC_FILE_LINK:
	case FSCC_FILE_RENAME_EX:
	case FSCC_FILE_LINK_EX:
		return 20;
	case FSCC_FILE_PIPE_LOCAL:
		return 40;
	case FSCC_FILE_NETWORK_OPEN:
		return 56;
	case FSCC_FILE_ALL:
		return 100;
	default:
		return 0;
	}
}

void fscc_basic_encode(struct wr *w, const struct fscc_basic *v)
{
	wr_le64(w, v->creation_time);
	wr_le64(w, v->last_access_time);
	wr_le64(w, v->last_write_time);
	wr_le64(w, v->change_time);
	wr_le32(w, v->file_attributes);
	wr_le32(w, 0);
}

static struct fscc_basic read_basic(struct rd *r)
{
	struct fscc_basic v;

	v.creation_time = rd_le64(r);
	v.last_access_time = rd_le64(r);
	v.last_write_time = rd_le64(r);
	v.change_time = rd_le64(r);
	v.file_attributes = rd_le32(r);
	rd_skip(r, 4);
	return v;
}

int fscc_basic_decode(struct blob b, struct fscc_basic *ret)
{
	struct rd r = rd_of(b);
	struct fscc_basic v = read_basic(&r);

	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_standard_encode(struct wr *w, const struct fscc_standard *v)
{
	wr_le64(w, v->allocation_size);
	wr_le64(w, v->end_of_file);
	wr_le32(w, v->number_of_links);
	wr_u8(w, v->delete_pending);
	wr_u8(w, v->directory);
	wr_le16(w, 0);
}

static struct fscc_standard read_standard(struct rd *r)
{
	struct fscc_standard v;

	v.allocation_size = rd_le64(r);
	v.end_of_file = rd_le64(r);
	v.number_of_links = rd_le32(r);
	v.delete_pending = rd_u8(r) != 0;
	v.directory = rd_u8(r) != 0;
	rd_skip(r, 2);
	return v;
}

int fscc_standard_decode(struct blob b, struct fscc_standard *ret)
{
	struct rd r = rd_of(b);
	struct fscc_standard v = read_standard(&r);

	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_u32_encode(struct wr *w, uint32_t v)
{
	wr_le32(w, v);
}

int fscc_u32_decode(struct blob b, uint32_t *ret)
{
	struct rd r = rd_of(b);
	uint32_t v = rd_le32(&r);

	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_u64_encode(struct wr *w, uint64_t v)
{
	wr_le64(w, v);
}

int fscc_u64_decode(struct blob b, uint64_t *ret)
{
	struct rd r = rd_of(b);
	uint64_t v = rd_le64(&r);

	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_disposition_encode(struct wr *w, bool delete_pending)
{
	wr_u8(w, delete_pending);
}

int fscc_disposition_decode(struct blob b, bool *ret_delete_pending)
{
	struct rd r = rd_of(b);
	bool v = rd_u8(&r) != 0;

	if (!rd_ok(&r))
		return -EBADMSG;
	*ret_delete_pending = v;
	return 0;
}

void fscc_name_encode(struct wr *w, struct blob name)
{
	wr_le32(w, (uint32_t)name.len);
	wr_put(w, name);
}

int fscc_name_decode(struct blob b, struct blob *ret_name)
{
	struct rd r = rd_of(b);
	struct blob name = rd_blob(&r, rd_le32(&r));

	if (!rd_ok(&r))
		return -EBADMSG;
	*ret_name = name;
	return 0;
}

void fscc_all_encode(struct wr *w, const struct fscc_all *v)
{
	fscc_basic_encode(w, &v->basic);
	fscc_standard_encode(w, &v->standard);
	wr_le64(w, v->index_number);
	wr_le32(w, v->ea_size);
	wr_le32(w, v->access);
	wr_le64(w, v->position);
	wr_le32(w, v->mode);
	wr_le32(w, v->alignment);
	fscc_name_encode(w, v->name);
}

int fscc_all_decode(struct blob b, struct fscc_all *ret)
{
	struct rd r = rd_of(b);
	struct fscc_all v;

	v.basic = read_basic(&r);
	v.standard = read_standard(&r);
	v.index_number = rd_le64(&r);
	v.ea_size = rd_le32(&r);
	v.access = rd_le32(&r);
	v.position = rd_le64(&r);
	v.mode = rd_le32(&r);
	v.alignment = rd_le32(&r);
	v.name = rd_blob(&r, rd_le32(&r));
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_compression_encode(struct wr *w, const struct fscc_compression *v)
{
	wr_le64(w, v->compressed_size);
	wr_le16(w, v->format);
	wr_u8(w, v->unit_shift);
	wr_u8(w, v->chunk_shift);
	wr_u8(w, v->cluster_shift);
	wr_zero(w, 3);
}

int fscc_compression_decode(struct blob b, struct fscc_compression *ret)
{
	struct rd r = rd_of(b);
	struct fscc_compression v;

	v.compressed_size = rd_le64(&r);
	v.format = rd_le16(&r);
	v.unit_shift = rd_u8(&r);
	v.chunk_shift = rd_u8(&r);
	v.cluster_shift = rd_u8(&r);
	rd_skip(&r, 3);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_network_open_encode(struct wr *w, const struct fscc_network_open *v)
{
	wr_le64(w, v->creation_time);
	wr_le64(w, v->last_access_time);
	wr_le64(w, v->last_write_time);
	wr_le64(w, v->change_time);
	wr_le64(w, v->allocation_size);
	wr_le64(w, v->end_of_file);
	wr_le32(w, v->file_attributes);
	wr_le32(w, 0);
}

int fscc_network_open_decode(struct blob b, struct fscc_network_open *ret)
{
	struct rd r = rd_of(b);
	struct fscc_network_open v;

	v.creation_time = rd_le64(&r);
	v.last_access_time = rd_le64(&r);
	v.last_write_time = rd_le64(&r);
	v.change_time = rd_le64(&r);
	v.allocation_size = rd_le64(&r);
	v.end_of_file = rd_le64(&r);
	v.file_attributes = rd_le32(&r);
	rd_skip(&r, 4);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_attribute_tag_encode(struct wr *w, const struct fscc_attribute_tag *v)
{
	wr_le32(w, v->file_attributes);
	wr_le32(w, v->reparse_tag);
}

int fscc_attribute_tag_decode(struct blob b, struct fscc_attribute_tag *ret)
{
	struct rd r = rd_of(b);
	struct fscc_attribute_tag v;

	v.file_attributes = rd_le32(&r);
	v.reparse_tag = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_file_id_encode(struct wr *w, const struct fscc_file_id *v)
{
	wr_le64(w, v->volume_serial);
	wr_bytes(w, v->file_id, sizeof(v->file_id));
}

int fscc_file_id_decode(struct blob b, struct fscc_file_id *ret)
{
	struct rd r = rd_of(b);
	struct fscc_file_id v;

	v.volume_serial = rd_le64(&r);
	rd_copy(&r, v.file_id, sizeof(v.file_id));
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

static bool has_flag_word(uint8_t info_class)
{
	return info_class == FSCC_FILE_RENAME_EX || info_class == FSCC_FILE_LINK_EX;
}

void fscc_rename_encode(struct wr *w, uint8_t info_class, const struct fscc_rename *v)
{
	if (has_flag_word(info_class)) {
		wr_le32(w, v->flags);
	} else {
		wr_u8(w, v->flags & FSCC_RENAME_REPLACE_IF_EXISTS);
		wr_zero(w, 3);
	}
	wr_le32(w, 0);
	wr_le64(w, v->root_directory);
	wr_le32(w, (uint32_t)v->name.len);
	wr_put(w, v->name);
}

int fscc_rename_decode(struct blob b, uint8_t info_class, struct fscc_rename *ret)
{
	struct rd r = rd_of(b);
	struct fscc_rename v;

	if (has_flag_word(info_class)) {
		v.flags = rd_le32(&r);
	} else {
		v.flags = rd_u8(&r) ? FSCC_RENAME_REPLACE_IF_EXISTS : 0;
		rd_skip(&r, 3);
	}
	rd_skip(&r, 4);
	v.root_directory = rd_le64(&r);
	v.name = rd_blob(&r, rd_le32(&r));
	if (!rd_ok(&r) || v.name.len == 0 || v.name.len % 2 != 0)
		return -EBADMSG;
	*ret = v;
	return 0;
}
