/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File system information classes of QUERY_INFO (MS-FSCC 2.5, MS-FSA 2.1.5.13). Home worker's
 * thread. */
#include "smbd/wire/fscc_fs.h"

#include "node/base/clock.h"
#include "node/base/utf.h"
#include "smbd/op/info.h"

#define SECTOR 512u
#define COMPONENT_MAX 255

struct fs {
	struct vfs_fsinfo info;
	uint32_t sectors; /* per block */
};

static int put_volume(struct query *q, const struct fs *fs)
{
	struct fscc_fs_volume v = { .serial_number = (uint32_t)fs->info.serial };
	int r = utf16_from_utf8(q->req->arena, q->req->open->share->conf->name, &v.label);

	if (r == 0)
		fscc_fs_volume_encode(q->w, &v);
	return r;
}

static int put_size(struct query *q, const struct fs *fs)
{
	struct fscc_fs_size v = { .total_units = fs->info.blocks,
				  .available_units = fs->info.blocks_avail,
				  .sectors_per_unit = fs->sectors,
				  .bytes_per_sector = SECTOR };

	fscc_fs_size_encode(q->w, &v);
	return 0;
}

static int put_full_size(struct query *q, const struct fs *fs)
{
	struct fscc_fs_full_size v = { .total_units = fs->info.blocks,
				       .caller_available_units = fs->info.blocks_avail,
				       .actual_available_units = fs->info.blocks_free,
				       .sectors_per_unit = fs->sectors,
				       .bytes_per_sector = SECTOR };

	fscc_fs_full_size_encode(q->w, &v);
	return 0;
}

static int put_device(struct query *q, const struct fs *fs)
{
	struct fscc_fs_device v = { .device_type = FSCC_DEVICE_DISK,
				    .characteristics = FSCC_DEVICE_IS_MOUNTED };

	fscc_fs_device_encode(q->w, &v);
	return 0;
}

static int put_attribute(struct query *q, const struct fs *fs)
{
	struct fscc_fs_attribute v = {
		.attributes = FSCC_FS_CASE_PRESERVED_NAMES | FSCC_FS_UNICODE_ON_DISK |
			      FSCC_FS_SUPPORTS_SPARSE_FILES | FSCC_FS_SUPPORTS_HARD_LINKS,
		.max_component_length = COMPONENT_MAX,
	};
	int r = utf16_from_utf8(q->req->arena, "NTFS", &v.name);

	if (fs->info.read_only || q->req->open->share->conf->read_only || q->fo->file->snapshot)
		v.attributes |= FSCC_FS_READ_ONLY_VOLUME;
	if (r == 0)
		fscc_fs_attribute_encode(q->w, &v);
	return r;
}

static int put_control(struct query *q, const struct fs *fs)
{
	struct fscc_fs_control v = { .default_quota_threshold = UINT64_MAX,
				     .default_quota_limit = UINT64_MAX };

	fscc_fs_control_encode(q->w, &v);
	return 0;
}

static int put_object_id(struct query *q, const struct fs *fs)
{
	struct fscc_fs_object_id v = { .object_id = q->fo->file->key.volume };

	fscc_fs_object_id_encode(q->w, &v);
	return 0;
}

static int put_sector_size(struct query *q, const struct fs *fs)
{
	uint32_t block = fs->sectors * SECTOR;
	struct fscc_fs_sector_size v = { .logical = SECTOR,
					 .physical_atomicity = block,
					 .physical_performance = block,
					 .effective_atomicity = block,
					 .flags = FSCC_SSINFO_ALIGNED_DEVICE |
						  FSCC_SSINFO_PARTITION_ALIGNED_ON_DEVICE };

	fscc_fs_sector_size_encode(q->w, &v);
	return 0;
}

static const struct {
	uint8_t info_class;
	uint8_t least; /* as in info_file.c */
	int (*put)(struct query *q, const struct fs *fs);
} classes[] = {
	{ FSCC_FS_VOLUME, 24, put_volume },	  { FSCC_FS_SIZE, 0, put_size },
	{ FSCC_FS_FULL_SIZE, 0, put_full_size },  { FSCC_FS_DEVICE, 0, put_device },
	{ FSCC_FS_ATTRIBUTE, 16, put_attribute }, { FSCC_FS_CONTROL, 0, put_control },
	{ FSCC_FS_OBJECT_ID, 0, put_object_id },  { FSCC_FS_SECTOR_SIZE, 0, put_sector_size },
};

struct ntstatus query_fs_info(struct query *q)
{
	size_t i = 0, fixed = fscc_fs_fixed_size(q->in->info_class);
	struct fs fs;
	int r;

	while (i < ARRAY_SIZE(classes) && classes[i].info_class != q->in->info_class)
		i++;
	if (i == ARRAY_SIZE(classes))
		return NT_STATUS_INVALID_INFO_CLASS;
	if (q->in->output_buffer_length < MAX(fixed, (size_t)classes[i].least))
		return NT_STATUS_INFO_LENGTH_MISMATCH;
	q->fixed = classes[i].least;
	r = vfs_fsinfo(q->fo->file->vfs, &fs.info);
	if (r == 0) {
		fs.sectors = (uint32_t)MAX(fs.info.block_size / SECTOR, UINT64_C(1));
		r = classes[i].put(q, &fs);
	}
	return r < 0 ? req_fail(q->req, r) : NT_STATUS_OK;
}
