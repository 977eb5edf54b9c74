/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QUERY_INFO of the file system behind a share (MS-FSA 2.1.5.13). Home worker's thread. */
#include "node/base/clock.h"
#include "node/base/utf.h"
#include "smbd/op/info.h"
#include "smbd/wire/fscc_fs.h"

#define SECTOR 512u

/* Allocation units: at least one sector, at most what a 32-bit count of sectors can say. */
static uint32_t sectors_per_unit(const struct vfs_fsinfo *fs)
{
	return fs->block_size < SECTOR ? 1 : (uint32_t)MIN(fs->block_size / SECTOR, (uint64_t)UINT32_MAX);
}

static struct ntstatus put_volume(struct query *q, const struct vfs_fsinfo *fs)
{
	struct fscc_fs_volume v = { .serial_number = (uint32_t)(fs->serial ^ fs->serial >> 32) };
	int r = utf16_from_utf8(q->req->arena, q->fo->open->share->conf->name, &v.label);

	if (r < 0)
		return req_fail(q->req, r);
	fscc_fs_volume_encode(q->w, &v);
	return NT_STATUS_OK;
}

static struct ntstatus put_attribute(struct query *q, const struct vfs_fsinfo *fs)
{
	struct fscc_fs_attribute v = {
		.attributes = FSCC_FS_CASE_SENSITIVE_SEARCH | FSCC_FS_CASE_PRESERVED_NAMES | FSCC_FS_UNICODE_ON_DISK |
			      FSCC_FS_PERSISTENT_ACLS | FSCC_FS_SUPPORTS_SPARSE_FILES | FSCC_FS_SUPPORTS_HARD_LINKS |
			      (fs->read_only ? FSCC_FS_READ_ONLY_VOLUME : 0),
		.max_component_length = 255,
	};
	/* what applications look for before they use the features of the mask above */
	int r = utf16_from_utf8(q->req->arena, "NTFS", &v.name);

	if (r < 0)
		return req_fail(q->req, r);
	fscc_fs_attribute_encode(q->w, &v);
	return NT_STATUS_OK;
}

static void put_object_id(struct query *q)
{
	struct fscc_fs_object_id v = { .object_id = *vfs_volume(q->fo->file->vfs) };

	fscc_fs_object_id_encode(q->w, &v);
}

static struct ntstatus put_class(struct query *q, const struct vfs_fsinfo *fs)
{
	const uint32_t unit = sectors_per_unit(fs);
	const struct fscc_fs_size size = { fs->blocks, fs->blocks_avail, unit, SECTOR };
	const struct fscc_fs_full_size full = { fs->blocks, fs->blocks_avail, fs->blocks_free, unit, SECTOR };
	const struct fscc_fs_device device = { FSCC_DEVICE_DISK, FSCC_DEVICE_IS_MOUNTED };
	const struct fscc_fs_sector_size sector = { SECTOR, 4096, 4096, 4096,
						    FSCC_SSINFO_ALIGNED_DEVICE |
							    FSCC_SSINFO_PARTITION_ALIGNED_ON_DEVICE, 0, 0 };

	switch (q->in->info_class) {
	case FSCC_FS_VOLUME:
		return put_volume(q, fs);
	case FSCC_FS_SIZE:
		fscc_fs_size_encode(q->w, &size);
		break;
	case FSCC_FS_FULL_SIZE:
		fscc_fs_full_size_encode(q->w, &full);
		break;
	case FSCC_FS_DEVICE:
		fscc_fs_device_encode(q->w, &device);
		break;
	case FSCC_FS_ATTRIBUTE:
		return put_attribute(q, fs);
	case FSCC_FS_OBJECT_ID:
		put_object_id(q);
		break;
	case FSCC_FS_SECTOR_SIZE:
		fscc_fs_sector_size_encode(q->w, &sector);
		break;
	default:
		return NT_STATUS_INVALID_INFO_CLASS;
	}
	return NT_STATUS_OK;
}

struct ntstatus query_fs_info(struct query *q)
{
	struct vfs_fsinfo fs;
	int r;

	if (!q->fo)
		return NT_STATUS_NOT_SUPPORTED;
	if (q->fixed == 0)
		return NT_STATUS_INVALID_INFO_CLASS;
	if (q->in->output_buffer_length < q->fixed)
		return NT_STATUS_INFO_LENGTH_MISMATCH;
	r = vfs_fsinfo(q->fo->file->vfs, &fs);
	return r < 0 ? req_fail(q->req, r) : put_class(q, &fs);
}
