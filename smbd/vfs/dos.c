/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smbd/vfs/dos.h"

#include "node/base/clock.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define DOS_VERSION 1
#define ATTR_DIRECTORY 0x10u
#define ATTR_ARCHIVE 0x20u
#define ATTR_SPARSE 0x200u
/* READONLY HIDDEN SYSTEM ARCHIVE TEMPORARY OFFLINE NOT_CONTENT_INDEXED: what a client may set
 * (MS-FSCC 2.6) */
#define ATTR_SETTABLE 0x3127u
#define ATTR_STORED (ATTR_SETTABLE | ATTR_SPARSE)

enum vfs_type dos_type(uint32_t mode)
{
	return S_ISREG(mode) ? VFS_FILE : S_ISDIR(mode) ? VFS_DIR : S_ISLNK(mode) ? VFS_SYMLINK : VFS_OTHER;
}

uint32_t dos_default(enum vfs_type type)
{
	return type == VFS_DIR ? ATTR_DIRECTORY : ATTR_ARCHIVE;
}

void dos_load(struct blob record, struct vfs_stat *st)
{
	struct rd r = rd_of(record);
	uint8_t version = rd_u8(&r);
	uint32_t attrs = rd_le32(&r);
	uint64_t btime = rd_le64(&r);

	if (rd_end(&r) < 0 || version != DOS_VERSION)
		return;
	st->dos_attrs = (attrs & ATTR_STORED) | (st->type == VFS_DIR ? ATTR_DIRECTORY : 0);
	if (btime)
		st->btime = timespec_from_nttime(btime);
}

bool dos_wanted(const struct vfs_setattr *s)
{
	return s->set_attrs || s->set_sparse || dos_time_given(s->btime);
}

static uint32_t attrs_after(uint32_t attrs, const struct vfs_setattr *s)
{
	if (s->set_attrs)
		attrs = (s->dos_attrs & ATTR_SETTABLE) | (attrs & ATTR_SPARSE);
	if (s->set_sparse)
		attrs = s->sparse ? attrs | ATTR_SPARSE : attrs & ~ATTR_SPARSE;
	return attrs & ATTR_STORED;
}

void dos_make(const struct vfs_stat *st, const struct vfs_setattr *s, uint8_t out[static DOS_LEN])
{
	struct wr w = wr_fixed(out, DOS_LEN);

	wr_u8(&w, DOS_VERSION);
	wr_le32(&w, attrs_after(st->dos_attrs, s));
	wr_le64(&w, nttime_from_timespec(dos_time_given(s->btime) ? s->btime : st->btime));
	assert(w.len == DOS_LEN);
}
