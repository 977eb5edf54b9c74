/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several commands say about a file in the same way. Home worker's thread. */
#include "smbd/op/info.h"

#include <sys/stat.h>

#include "node/base/clock.h"
#include "node/base/utf.h"

uint32_t info_attributes(const struct vfs_stat *st)
{
	return st->dos_attrs ? st->dos_attrs : (uint32_t)SMB2_FILE_ATTRIBUTE_NORMAL;
}

struct fscc_network_open info_network_open(const struct vfs_stat *st)
{
	return (struct fscc_network_open){
		.creation_time = nttime_from_timespec(st->btime),
		.last_access_time = nttime_from_timespec(st->atime),
		.last_write_time = nttime_from_timespec(st->mtime),
		.change_time = nttime_from_timespec(st->ctime),
		.allocation_size = st->allocated,
		.end_of_file = st->size,
		.file_attributes = info_attributes(st),
	};
}

void info_disk_id(const struct vfs_file *f, uint8_t out[static 32])
{
	struct wr w = wr_fixed(out, 32);

	wr_le64(&w, f->key.ino);
	wr_bytes(&w, f->key.volume.b, 8);
	wr_zero(&w, 16);
}

int info_name(struct arena *a, const char *path, bool leading, struct blob *ret)
{
	const char *s = leading ? arena_printf(a, "/%s", path) : path;

	return s ? utf16_from_path(a, s, ret) : -ENOMEM;
}

void info_keep_times(struct file_open *fo)
{
	struct vfs_setattr s = { .mtime = fo->mtime };

	if (!fo->keep_mtime)
		return;
	s.atime.tv_nsec = s.btime.tv_nsec = UTIME_OMIT;
	(void)vfs_setattr(fo->file, file_cred(fo), &s);
}
