/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attributes of files. What POSIX has no place for (DOS attributes, a birth time that a client set)
 * is one record in the extended attribute user.holdfast.dos: {u8 version = 1, le32 attributes, le64
 * birth time (NT time, 0: none)}. A file without the record has FILE_ATTRIBUTE_ARCHIVE, a directory
 * none: so making a file writes no record.
 */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "node/base/clock.h"
#include "node/loop/io.h"
#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define DOS_XATTR "user.holdfast.dos"
#define DOS_VERSION 1
#define DOS_LEN 13
#define ATTR_DIRECTORY 0x10u
#define ATTR_ARCHIVE 0x20u
#define ATTR_SPARSE 0x200u
/* READONLY HIDDEN SYSTEM ARCHIVE TEMPORARY OFFLINE NOT_CONTENT_INDEXED: what a client may set
 * (MS-FSCC 2.6) */
#define ATTR_SETTABLE 0x3127u
#define ATTR_STORED (ATTR_SETTABLE | ATTR_SPARSE)

static struct timespec from_statx(struct statx_timestamp t)
{
	return (struct timespec){ .tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec };
}

void vfs_stat_from_statx(const struct statx *sx, struct vfs_stat *ret)
{
	enum vfs_type type = S_ISREG(sx->stx_mode) ? VFS_FILE :
			     S_ISDIR(sx->stx_mode) ? VFS_DIR :
			     S_ISLNK(sx->stx_mode) ? VFS_SYMLINK :
						     VFS_OTHER;

	*ret = (struct vfs_stat){
		.type = type,
		.mode = sx->stx_mode & 07777u,
		.nlink = sx->stx_nlink,
		.uid = sx->stx_uid,
		.gid = sx->stx_gid,
		.ino = sx->stx_ino,
		.size = type == VFS_FILE ? sx->stx_size : 0,
		.allocated = type == VFS_FILE ? sx->stx_blocks * 512 : 0,
		.atime = from_statx(sx->stx_atime),
		.mtime = from_statx(sx->stx_mtime),
		.ctime = from_statx(sx->stx_ctime),
		.btime = from_statx(sx->stx_mask & STATX_BTIME ? sx->stx_btime : sx->stx_mtime),
		.dos_attrs = type == VFS_DIR ? ATTR_DIRECTORY : ATTR_ARCHIVE,
	};
}

static bool dos_parse(struct blob b, uint32_t *ret_attrs, uint64_t *ret_btime)
{
	struct rd r = rd_of(b);
	uint8_t version = rd_u8(&r);
	uint32_t attrs = rd_le32(&r);
	uint64_t btime = rd_le64(&r);

	if (rd_end(&r) < 0 || version != DOS_VERSION)
		return false;
	*ret_attrs = attrs & ATTR_STORED;
	*ret_btime = btime;
	return true;
}

void vfs_dos_load(const char *path, struct vfs_stat *st)
{
	uint8_t buf[DOS_LEN];
	uint64_t btime;
	uint32_t attrs;
	ssize_t n;

	if (st->type != VFS_FILE && st->type != VFS_DIR)
		return;
	n = getxattr(path, DOS_XATTR, buf, sizeof(buf));
	if (n < 0 || !dos_parse(BLOB(buf, n), &attrs, &btime))
		return;
	st->dos_attrs = attrs | (st->type == VFS_DIR ? ATTR_DIRECTORY : 0);
	if (btime)
		st->btime = timespec_from_nttime(btime);
}

int vfs_stat_fd(int fd, struct vfs_stat *ret)
{
	struct fd_path path = vfs_fd_path(fd);
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	vfs_stat_from_statx(&sx, ret);
	vfs_dos_load(path.s, ret);
	return 0;
}

int vfs_stat(const struct vfs_file *f, struct vfs_stat *ret)
{
	return vfs_stat_fd(f->fd, ret);
}

static bool time_given(struct timespec t)
{
	return t.tv_nsec != UTIME_OMIT;
}

static uint32_t attrs_after(uint32_t attrs, const struct vfs_setattr *s)
{
	if (s->set_attrs)
		attrs = (s->dos_attrs & ATTR_SETTABLE) | (attrs & ATTR_SPARSE);
	if (s->set_sparse)
		attrs = s->sparse ? attrs | ATTR_SPARSE : attrs & ~ATTR_SPARSE;
	return attrs & ATTR_STORED;
}

/* The record that `s` makes of what the file has now. */
static int dos_store(const char *path, const struct vfs_setattr *s)
{
	uint8_t buf[DOS_LEN];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct vfs_stat st;
	struct statx sx;
	uint64_t btime;

	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	vfs_stat_from_statx(&sx, &st);
	vfs_dos_load(path, &st);
	btime = nttime_from_timespec(time_given(s->btime) ? s->btime : st.btime);
	wr_u8(&w, DOS_VERSION);
	wr_le32(&w, attrs_after(st.dos_attrs, s));
	wr_le64(&w, btime);
	return setxattr(path, DOS_XATTR, buf, w.len, 0) < 0 ? -errno : 0;
}

int vfs_setattr(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s)
{
	const struct timespec times[2] = { s->atime, s->mtime };
	struct fd_path path = vfs_fd_path(f->fd);
	int r = 0;

	cred_enter(c);
	if (s->set_attrs || s->set_sparse || time_given(s->btime))
		r = dos_store(path.s, s);
	if (r == 0 && (time_given(s->atime) || time_given(s->mtime)))
		r = utimensat(AT_FDCWD, path.s, times, 0) < 0 ? -errno : 0;
	cred_leave(c);
	return r;
}

int vfs_chmod(struct vfs_file *f, const struct cred *c, uint32_t mode)
{
	struct fd_path path = vfs_fd_path(f->fd);
	int r;

	cred_enter(c);
	r = chmod(path.s, mode & 07777) < 0 ? -errno : 0;
	cred_leave(c);
	return r;
}
