/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a client's path to the names on disk. An exact hit costs one openat2(2); only a component that does not exist as
 * written makes us read its directory and compare folded names.
 */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>
#include <dirent.h>

#include "node/base/utf.h"
#include "node/loop/io.h"

static const char *path_join(struct arena *a, const char *dir, const char *name, size_t n)
{
	return *dir ? arena_printf(a, "%s/%.*s", dir, (int)n, name) : arena_printf(a, "%.*s", (int)n, name);
}

/* Finds the entry of directory `dir` whose folded name equals that of `name`. 1: found, in the arena; 0: none. */
static int dir_scan(struct vfs *v, const struct cred *c, const char *dir, const char *name, struct arena *a,
		    const char **ret)
{
	struct posix_file f = { .file = { .vfs = v, .flags = VFS_READ | VFS_DIRECTORY, .type = VFS_DIR } };
	int fd = posix_openat(v, c, dir, O_RDONLY | O_DIRECTORY, 0), r;
	struct vfs_dirent e;
	struct vfs_dir *d;

	if (fd < 0)
		return fd == -EACCES ? 0 : fd; /* may be searched but not listed: exact names only */
	posix_fd_init(&f.fd, fd, -1, 0, NULL);
	r = posix_dir_new(&f.file, &d);
	if (r == 0) {
		while ((r = posix_dir_next(d, &e)) == 1) {
			if (utf8_casecmp(e.name, name) == 0) {
				*ret = arena_strdup(a, e.name);
				r = *ret ? 1 : -ENOMEM;
				break;
			}
		}
		posix_dir_free(d);
	}
	posix_fd_close(&f.fd);
	return r;
}

/* The on-disk form of `dir`/`name[0..n)`. 1: exists, 0: does not (`ret` is as the client wrote it then). */
static int component(struct vfs *v, const struct cred *c, const char *dir, const char *name, size_t n, struct arena *a,
		     const char **ret)
{
	const char *path = path_join(a, dir, name, n), *found = NULL;
	int fd, r;

	if (!path)
		return -ENOMEM;
	*ret = path;
	fd = posix_openat(v, c, path, O_PATH, 0);
	if (fd >= 0) {
		close(fd);
		return 1;
	}
	if (fd != -ENOENT)
		return fd;
	r = dir_scan(v, c, dir, path + (strlen(path) - n), a, &found);
	if (r != 1)
		return r;
	*ret = path_join(a, dir, found, strlen(found));
	return *ret ? 1 : -ENOMEM;
}

/* The on-disk form of a whole path, component by component. 1: exists; 0: all but the last component do. */
static int walk(struct vfs *v, const struct cred *c, const char *path, struct arena *a, const char **ret)
{
	const char *cur = "", *p = path, *end;
	int r = 1;

	while (*p) {
		end = strchrnul(p, '/');
		r = component(v, c, cur, p, (size_t)(end - p), a, &cur);
		if (r < 0)
			return r;
		if (r == 0 && *end)
			return -ENOENT;
		p = *end ? end + 1 : end;
	}
	*ret = cur;
	return r;
}

/* As walk(), but trusts the directory part when it exists exactly as written. */
static int resolve(struct vfs *v, const struct cred *c, const char *path, struct arena *a, const char **ret)
{
	const char *slash = strrchr(path, '/');
	const char *dir;
	int fd;

	if (!slash)
		return walk(v, c, path, a, ret);
	dir = arena_printf(a, "%.*s", (int)(slash - path), path);
	if (!dir)
		return -ENOMEM;
	fd = posix_openat(v, c, dir, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd == -ENOENT ? walk(v, c, path, a, ret) : fd;
	close(fd);
	return component(v, c, dir, slash + 1, strlen(slash + 1), a, ret);
}

static int name_fill(struct vfs_name *n, const char *path, struct arena *a)
{
	const char *slash = strrchr(path, '/');

	n->path = path;
	n->name = slash ? slash + 1 : path;
	n->parent = slash ? arena_printf(a, "%.*s", (int)(slash - path), path) : "";
	return n->parent ? 0 : -ENOMEM;
}

static int name_stat(struct vfs_name *n, int fd)
{
	int r = posix_stat_fd(fd, &n->st);

	close(fd);
	n->exists = r == 0;
	return r;
}

int posix_lookup(struct vfs *v, const struct cred *c, const char *path, struct arena *a, struct vfs_name *ret)
{
	struct vfs_name n = { 0 };
	const char *disk = arena_strdup(a, path);
	int fd, r;

	if (!disk)
		return -ENOMEM;
	r = vfs_path_check(path);
	if (r < 0)
		return r;
	fd = posix_openat(v, c, path, O_PATH, 0);
	if (fd == -ENOENT) {
		r = resolve(v, c, path, a, &disk);
		if (r < 0)
			return r;
		/* a symlink that leads nowhere is found by name and cannot be opened: it exists, but as nothing */
		fd = r == 1 ? posix_openat(v, c, disk, O_PATH, 0) : -ENOENT;
	}
	if (fd < 0 && fd != -ENOENT)
		return fd;
	r = name_fill(&n, disk, a);
	if (r == 0 && fd >= 0)
		r = name_stat(&n, fd);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}
