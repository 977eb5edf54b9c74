/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File system information classes (MS-FSCC 2.5). Conventions: fscc_file.h. */
#ifndef HF_SMBD_WIRE_FSCC_FS_H
#define HF_SMBD_WIRE_FSCC_FS_H

#include "smbd/wire/hdr.h"

/* As fscc_file_fixed_size(), for FSCC_FS_*. */
size_t fscc_fs_fixed_size(uint8_t info_class);

/* FileFsVolumeInformation (1), 18 bytes and the label */
struct fscc_fs_volume {
	uint64_t creation_time;
	uint32_t serial_number;
	bool supports_objects;
	struct blob label; /* UTF-16LE */
};
void fscc_fs_volume_encode(struct wr *w, const struct fscc_fs_volume *v);
int fscc_fs_volume_decode(struct blob b, struct fscc_fs_volume *ret);

/* FileFsLabelInformation (2), set only */
void fscc_fs_label_encode(struct wr *w, struct blob label);
int fscc_fs_label_decode(struct blob b, struct blob *ret_label);

/* FileFsSizeInformation (3), 24 bytes; units are sectors_per_unit * bytes_per_sector bytes */
struct fscc_fs_size {
	uint64_t total_units, available_units;
	uint32_t sectors_per_unit, bytes_per_sector;
};
void fscc_fs_size_encode(struct wr *w, const struct fscc_fs_size *v);
int fscc_fs_size_decode(struct blob b, struct fscc_fs_size *ret);

/* FileFsFullSizeInformation (7), 32 bytes */
struct fscc_fs_full_size {
	uint64_t total_units, caller_available_units, actual_available_units;
	uint32_t sectors_per_unit, bytes_per_sector;
};
void fscc_fs_full_size_encode(struct wr *w, const struct fscc_fs_full_size *v);
int fscc_fs_full_size_decode(struct blob b, struct fscc_fs_full_size *ret);

/* FileFsDeviceInformation (4), 8 bytes */
enum {
	FSCC_DEVICE_DISK = 0x00000007,
	FSCC_DEVICE_NAMED_PIPE = 0x00000011,
	FSCC_DEVICE_IS_MOUNTED = 0x00000020, /* characteristics */
};
struct fscc_fs_device {
	uint32_t device_type, characteristics;
};
void fscc_fs_device_encode(struct wr *w, const struct fscc_fs_device *v);
int fscc_fs_device_decode(struct blob b, struct fscc_fs_device *ret);

/* FileFsAttributeInformation (5), 12 bytes and the name */
enum {
	FSCC_FS_CASE_SENSITIVE_SEARCH = 0x00000001,
	FSCC_FS_CASE_PRESERVED_NAMES = 0x00000002,
	FSCC_FS_UNICODE_ON_DISK = 0x00000004,
	FSCC_FS_PERSISTENT_ACLS = 0x00000008,
	FSCC_FS_FILE_COMPRESSION = 0x00000010,
	FSCC_FS_VOLUME_QUOTAS = 0x00000020,
	FSCC_FS_SUPPORTS_SPARSE_FILES = 0x00000040,
	FSCC_FS_SUPPORTS_REPARSE_POINTS = 0x00000080,
	FSCC_FS_SUPPORTS_OBJECT_IDS = 0x00010000,
	FSCC_FS_SUPPORTS_ENCRYPTION = 0x00020000,
	FSCC_FS_NAMED_STREAMS = 0x00040000,
	FSCC_FS_READ_ONLY_VOLUME = 0x00080000,
	FSCC_FS_SUPPORTS_HARD_LINKS = 0x00400000,
	FSCC_FS_SUPPORTS_EXTENDED_ATTRIBUTES = 0x00800000,
	FSCC_FS_SUPPORTS_OPEN_BY_FILE_ID = 0x01000000,
	FSCC_FS_SUPPORTS_BLOCK_REFCOUNTING = 0x08000000,
};
struct fscc_fs_attribute {
	uint32_t attributes;
	uint32_t max_component_length; /* characters */
	struct blob name; /* "NTFS", UTF-16LE */
};
void fscc_fs_attribute_encode(struct wr *w, const struct fscc_fs_attribute *v);
int fscc_fs_attribute_decode(struct blob b, struct fscc_fs_attribute *ret);

/* FileFsControlInformation (6), 48 bytes */
struct fscc_fs_control {
	uint64_t free_space_start_filtering, free_space_threshold, free_space_stop_filtering;
	uint64_t default_quota_threshold, default_quota_limit; /* UINT64_MAX: none */
	uint32_t flags;
};
void fscc_fs_control_encode(struct wr *w, const struct fscc_fs_control *v);
int fscc_fs_control_decode(struct blob b, struct fscc_fs_control *ret);

/* FileFsObjectIdInformation (8), 64 bytes */
struct fscc_fs_object_id {
	struct guid object_id;
	uint8_t extended_info[48];
};
void fscc_fs_object_id_encode(struct wr *w, const struct fscc_fs_object_id *v);
int fscc_fs_object_id_decode(struct blob b, struct fscc_fs_object_id *ret);

/* FileFsSectorSizeInformation (11), 28 bytes */
enum {
	FSCC_SSINFO_ALIGNED_DEVICE = 0x00000001,
	FSCC_SSINFO_PARTITION_ALIGNED_ON_DEVICE = 0x00000002,
	FSCC_SSINFO_NO_SEEK_PENALTY = 0x00000004,
	FSCC_SSINFO_TRIM_ENABLED = 0x00000008,
};
struct fscc_fs_sector_size {
	uint32_t logical, physical_atomicity, physical_performance, effective_atomicity; /* bytes */
	uint32_t flags;
	uint32_t sector_alignment_offset, partition_alignment_offset;
};
void fscc_fs_sector_size_encode(struct wr *w, const struct fscc_fs_sector_size *v);
int fscc_fs_sector_size_decode(struct blob b, struct fscc_fs_sector_size *ret);

#endif
