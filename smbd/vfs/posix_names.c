/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of the name space, each by the directory's handle and one component. */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "node/loop/io.h"

/* -ESTALE unless `name` in `parent` is the file `key`. A symlink has no key of its own here: it passes. */
static int check_key(struct vfs *v, int parent, const char *name, const struct vfs_key *key)
{
	struct vfs_handle h;
	struct vfs_key have;
	struct statx sx;
	int r = io_statx(parent, name, AT_SYMLINK_NOFOLLOW, STATX_TYPE | STATX_INO, &sx, 0);

	if (r < 0)
		return r;
	if (S_ISLNK(sx.stx_mode))
		return 0;
	r = posix_handle_of(parent, name, &h);
	if (r < 0)
		return r;
	have = posix_key_of(v, sx.stx_ino, &h);
	return have.ino == key->ino && have.generation == key->generation ? 0 : -ESTALE;
}

int posix_remove(struct vfs *v, const struct cred *c, const char *path, bool directory, const struct vfs_key *key)
{
	_cleanup_close_ int parent = -1;
	const char *name;
	int r;

	parent = posix_open_parent(v, c, path, &name);
	if (parent < 0)
		return parent;
	r = key ? check_key(v, parent, name, key) : 0;
	return r < 0 ? r : io_unlinkat(parent, name, directory ? AT_REMOVEDIR : 0, posix_pers(c));
}

int posix_rename(struct vfs *v, const struct cred *c, const char *from, const char *to, bool replace)
{
	_cleanup_close_ int from_dir = -1, to_dir = -1;
	const char *from_name, *to_name;
	struct statx sx;
	int r;

	from_dir = posix_open_parent(v, c, from, &from_name);
	if (from_dir < 0)
		return from_dir;
	to_dir = posix_open_parent(v, c, to, &to_name);
	if (to_dir < 0)
		return to_dir;
	r = io_renameat2(from_dir, from_name, to_dir, to_name, replace ? 0 : RENAME_NOREPLACE, posix_pers(c));
	if (r != -EINVAL || replace)
		return r;
	/* a file system without RENAME_NOREPLACE: the best that it allows */
	r = io_statx(to_dir, to_name, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &sx, 0);
	if (r != -ENOENT)
		return r < 0 ? r : -EEXIST;
	return io_renameat2(from_dir, from_name, to_dir, to_name, 0, posix_pers(c));
}

int posix_link(struct vfs *v, const struct cred *c, struct vfs_file *f, const char *to)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
	_cleanup_close_ int dir = -1;
	struct fd_path path;
	const char *name;

	if (pin.fd < 0)
		return pin.fd;
	path = posix_fd_path(pin.fd);
	dir = posix_open_parent(v, c, to, &name);
	if (dir < 0)
		return dir;
	return io_linkat(AT_FDCWD, path.s, dir, name, AT_SYMLINK_FOLLOW, posix_pers(c));
}

static int fd_where(int fd, char *buf, size_t len)
{
	struct fd_path path = posix_fd_path(fd);
	ssize_t n = readlink(path.s, buf, len - 1);

	if (n < 0)
		return -errno;
	if ((size_t)n == len - 1)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return (int)n;
}

int posix_path_of(const struct vfs_file *f, struct arena *a, const char **ret)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
	char root[VFS_PATH_MAX + 1], path[VFS_PATH_MAX + 1], *p;
	struct statx sx;
	int n, r;

	if (pin.fd < 0)
		return pin.fd == -EIDRM ? -ENOENT : pin.fd;
	n = fd_where(posix_root(f->vfs), root, sizeof(root));
	r = n < 0 ? n : fd_where(pin.fd, path, sizeof(path));
	if (r < 0)
		return r;
	if (n == 1) /* the share is "/" itself */
		n = 0;
	if (r < n || memcmp(path, root, (size_t)n) != 0 || (path[n] && path[n] != '/'))
		return -ENOENT;
	p = path[n] ? path + n + 1 : path + n;
	/* "(deleted)" and stale names are found out by asking what is there */
	r = io_statx(posix_root(f->vfs), *p ? p : ".", AT_SYMLINK_NOFOLLOW, STATX_INO, &sx, 0);
	if (r < 0 || sx.stx_ino != f->key.ino)
		return -ENOENT;
	*ret = arena_strdup(a, p);
	return *ret ? 0 : -ENOMEM;
}
