/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File system information classes (MS-FSCC 2.5). */
#include "smbd/wire/fscc_fs.h"
#include "smbd/wire/wire_priv.h"

size_t fscc_fs_fixed_size(uint8_t info_class)
{
	switch (info_class) {
	case FSCC_FS_VOLUME:
		return 18;
	case FSCC_FS_LABEL:
		return 4;
	case FSCC_FS_SIZE:
		return 24;
	case FSCC_FS_DEVICE:
		return 8;
	case FSCC_FS_ATTRIBUTE:
		return 12;
	case FSCC_FS_CONTROL:
		return 48;
	case FSCC_FS_FULL_SIZE:
		return 32;
	case FSCC_FS_OBJECT_ID:
		return 64;
	case FSCC_FS_SECTOR_SIZE:
		return 28;
	default:
		return 0;
	}
}

void fscc_fs_volume_encode(struct wr *w, const struct fscc_fs_volume *v)
{
	wr_le64(w, v->creation_time);
	wr_le32(w, v->serial_number);
	wr_le32(w, (uint32_t)v->label.len);
	wr_u8(w, v->supports_objects);
	wr_u8(w, 0);
	wr_put(w, v->label);
}

int fscc_fs_volume_decode(struct blob b, struct fscc_fs_volume *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_volume v;
	uint32_t label_len;

	v.creation_time = rd_le64(&r);
	v.serial_number = rd_le32(&r);
	label_len = rd_le32(&r);
	v.supports_objects = rd_u8(&r) != 0;
	rd_skip(&r, 1);
	v.label = rd_blob(&r, label_len);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_fs_label_encode(struct wr *w, struct blob label)
{
	wr_le32(w, (uint32_t)label.len);
	wr_put(w, label);
}

int fscc_fs_label_decode(struct blob b, struct blob *ret_label)
{
	struct rd r = rd_of(b);
	struct blob label = rd_blob(&r, rd_le32(&r));

	if (!rd_ok(&r) || label.len % 2 != 0)
		return -EBADMSG;
	*ret_label = label;
	return 0;
}

void fscc_fs_size_encode(struct wr *w, const struct fscc_fs_size *v)
{
	wr_le64(w, v->total_units);
	wr_le64(w, v->available_units);
	wr_le32(w, v->sectors_per_unit);
	wr_le32(w, v->bytes_per_sector);
}

int fscc_fs_size_decode(struct blob b, struct fscc_fs_size *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_size v;

	v.total_units = rd_le64(&r);
	v.available_units = rd_le64(&r);
	v.sectors_per_unit = rd_le32(&r);
	v.bytes_per_sector = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_fs_full_size_encode(struct wr *w, const struct fscc_fs_full_size *v)
{
	wr_le64(w, v->total_units);
	wr_le64(w, v->caller_available_units);
	wr_le64(w, v->actual_available_units);
	wr_le32(w, v->sectors_per_unit);
	wr_le32(w, v->bytes_per_sector);
}

int fscc_fs_full_size_decode(struct blob b, struct fscc_fs_full_size *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_full_size v;

	v.total_units = rd_le64(&r);
	v.caller_available_units = rd_le64(&r);
	v.actual_available_units = rd_le64(&r);
	v.sectors_per_unit = rd_le32(&r);
	v.bytes_per_sector = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_fs_device_encode(struct wr *w, const struct fscc_fs_device *v)
{
	wr_le32(w, v->device_type);
	wr_le32(w, v->characteristics);
}

int fscc_fs_device_decode(struct blob b, struct fscc_fs_device *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_device v;

	v.device_type = rd_le32(&r);
	v.characteristics = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_fs_attribute_encode(struct wr *w, const struct fscc_fs_attribute *v)
{
	wr_le32(w, v->attributes);
	wr_le32(w, v->max_component_length);
	wr_le32(w, (uint32_t)v->name.len);
	wr_put(w, v->name);
}

int fscc_fs_attribute_decode(struct blob b, struct fscc_fs_attribute *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_attribute v;

	v.attributes = rd_le32(&r);
	v.max_component_length = rd_le32(&r);
	v.name = rd_blob(&r, rd_le32(&r));
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_fs_control_encode(struct wr *w, const struct fscc_fs_control *v)
{
	wr_le64(w, v->free_space_start_filtering);
	wr_le64(w, v->free_space_threshold);
	wr_le64(w, v->free_space_stop_filtering);
	wr_le64(w, v->default_quota_threshold);
	wr_le64(w, v->default_quota_limit);
	wr_le32(w, v->flags);
	wr_le32(w, 0);
}

int fscc_fs_control_decode(struct blob b, struct fscc_fs_control *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_control v;

	v.free_space_start_filtering = rd_le64(&r);
	v.free_space_threshold = rd_le64(&r);
	v.free_space_stop_filtering = rd_le64(&r);
	v.default_quota_threshold = rd_le64(&r);
	v.default_quota_limit = rd_le64(&r);
	v.flags = rd_le32(&r);
	rd_skip(&r, 4);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_fs_object_id_encode(struct wr *w, const struct fscc_fs_object_id *v)
{
	wr_guid(w, &v->object_id);
	wr_bytes(w, v->extended_info, sizeof(v->extended_info));
}

int fscc_fs_object_id_decode(struct blob b, struct fscc_fs_object_id *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_object_id v;

	v.object_id = rd_guid(&r);
	rd_copy(&r, v.extended_info, sizeof(v.extended_info));
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}

void fscc_fs_sector_size_encode(struct wr *w, const struct fscc_fs_sector_size *v)
{
	wr_le32(w, v->logical);
	wr_le32(w, v->physical_atomicity);
	wr_le32(w, v->physical_performance);
	wr_le32(w, v->effective_atomicity);
	wr_le32(w, v->flags);
	wr_le32(w, v->sector_alignment_offset);
	wr_le32(w, v->partition_alignment_offset);
}

int fscc_fs_sector_size_decode(struct blob b, struct fscc_fs_sector_size *ret)
{
	struct rd r = rd_of(b);
	struct fscc_fs_sector_size v;

	v.logical = rd_le32(&r);
	v.physical_atomicity = rd_le32(&r);
	v.physical_performance = rd_le32(&r);
	v.effective_atomicity = rd_le32(&r);
	v.flags = rd_le32(&r);
	v.sector_alignment_offset = rd_le32(&r);
	v.partition_alignment_offset = rd_le32(&r);
	if (!rd_ok(&r))
		return -EBADMSG;
	*ret = v;
	return 0;
}
