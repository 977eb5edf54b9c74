/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes of files. */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "node/loop/io.h"
#include "smbd/vfs/dos.h"

static struct timespec from_statx(struct statx_timestamp t)
{
	return (struct timespec){ .tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec };
}

void posix_stat_from_statx(const struct statx *sx, struct vfs_stat *ret)
{
	enum vfs_type type = dos_type(sx->stx_mode);

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
		.dos_attrs = dos_default(type),
	};
}

void posix_dos_load(const char *path, struct vfs_stat *st)
{
	uint8_t buf[DOS_LEN];
	ssize_t n;

	if (st->type != VFS_FILE && st->type != VFS_DIR)
		return;
	n = getxattr(path, DOS_XATTR, buf, sizeof(buf));
	if (n >= 0)
		dos_load(BLOB(buf, n), st);
}

int posix_stat_fd(int fd, struct vfs_stat *ret)
{
	struct fd_path path = posix_fd_path(fd);
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	posix_stat_from_statx(&sx, ret);
	posix_dos_load(path.s, ret);
	return 0;
}

int posix_stat(const struct vfs_file *f, struct vfs_stat *ret)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);

	return pin.fd < 0 ? pin.fd : posix_stat_fd(pin.fd, ret);
}

static int dos_store(const char *path, const struct vfs_setattr *s)
{
	uint8_t buf[DOS_LEN];
	struct vfs_stat st;
	struct statx sx;

	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		return -errno;
	posix_stat_from_statx(&sx, &st);
	posix_dos_load(path, &st);
	dos_make(&st, s, buf);
	return setxattr(path, DOS_XATTR, buf, sizeof(buf), 0) < 0 ? -errno : 0;
}

int posix_setattr(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
	const struct timespec times[2] = { s->atime, s->mtime };
	struct fd_path path;
	int r = 0;

	if (pin.fd < 0)
		return pin.fd;
	path = posix_fd_path(pin.fd);
	cred_enter(c);
	if (dos_wanted(s))
		r = dos_store(path.s, s);
	if (r == 0 && (dos_time_given(s->atime) || dos_time_given(s->mtime)))
		r = utimensat(AT_FDCWD, path.s, times, 0) < 0 ? -errno : 0;
	cred_leave(c);
	return r;
}

int posix_chmod(struct vfs_file *f, const struct cred *c, uint32_t mode)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
	struct fd_path path;
	int r;

	if (pin.fd < 0)
		return pin.fd;
	path = posix_fd_path(pin.fd);
	cred_enter(c);
	r = chmod(path.s, mode & 07777) < 0 ? -errno : 0;
	cred_leave(c);
	return r;
}
