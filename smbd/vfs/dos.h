/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a file system has no place for (DOS attributes, a birth time that a client set) is one record in an extended
 * attribute: {u8 version = 1, le32 attributes, le64 birth time (NT time, 0: none)}. A file without the record has
 * FILE_ATTRIBUTE_ARCHIVE, a directory none: so making a file writes no record. Pure; any thread.
 */
#ifndef HF_SMBD_VFS_DOS_H
#define HF_SMBD_VFS_DOS_H

#include <sys/stat.h>

#include "smbd/vfs/vfs.h"

#define DOS_XATTR "user.holdfast.dos"
#define DOS_LEN 13

/* The type of a file by its st_mode, and the attributes that it has without a record. */
enum vfs_type dos_type(uint32_t mode);
uint32_t dos_default(enum vfs_type type);
/* Takes st->dos_attrs and st->btime from the record; one that cannot be read changes nothing. */
void dos_load(struct blob record, struct vfs_stat *st);
/* Whether `s` needs the record written, and the record that it makes of what the file has now. */
bool dos_wanted(const struct vfs_setattr *s);
void dos_make(const struct vfs_stat *st, const struct vfs_setattr *s, uint8_t out[static DOS_LEN]);

static inline bool dos_time_given(struct timespec t)
{
	return t.tv_nsec != UTIME_OMIT;
}

#endif
