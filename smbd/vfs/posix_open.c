/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening files: by name, by stored handle, and once more. */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "node/loop/io.h"

static int open_oflags(unsigned int flags)
{
	int o = O_NOCTTY;

	if (flags & VFS_PATH) /* openat2(2) takes few flags beside O_PATH */
		return O_PATH | (flags & VFS_DIRECTORY ? O_DIRECTORY : 0);
	if (flags & VFS_DIRECTORY)
		o |= O_DIRECTORY;
	if (flags & VFS_DIRECTORY)
		return o | O_RDONLY;
	if (flags & VFS_WRITE)
		return o | (flags & VFS_READ ? O_RDWR : O_WRONLY);
	return o | O_RDONLY;
}

/* Makes a vfs_file of an fd, which it takes over also on failure. */
static int file_new(struct vfs *v, int fd, unsigned int flags, struct vfs_file **ret)
{
	struct posix_file *p = calloc(1, sizeof(*p));
	struct vfs_file *f;
	struct vfs_stat st;
	int r = p ? posix_stat_fd(fd, &st) : -ENOMEM;

	if (r == 0 && st.type != VFS_FILE && st.type != VFS_DIR)
		r = -EACCES; /* devices, sockets, FIFOs: nothing that a client has to do with */
	if (r == 0)
		r = posix_handle_of(fd, NULL, &p->file.handle);
	if (r < 0) {
		close(fd);
		free(p);
		return r;
	}
	f = &p->file;
	f->vfs = vfs_ref(v);
	f->flags = flags & ~(unsigned int)VFS_CREATE;
	f->type = st.type;
	f->key = posix_key_of(v, st.ino, &f->handle);
	posix_fd_init(&p->fd, fd, posix_root(v), open_oflags(f->flags), posix_again_by(v, &f->handle));
	*ret = f;
	return 0;
}

/* The mode that a new entry of `parent` gets. */
static int mode_in(int parent, uint32_t mode, bool directory, uint32_t *ret)
{
	struct statx sx;
	int r;

	if (mode != VFS_MODE_INHERIT) {
		*ret = mode;
		return 0;
	}
	r = io_statx(parent, "", AT_EMPTY_PATH, STATX_MODE, &sx, 0);
	if (r == 0)
		*ret = directory ? (sx.stx_mode & 0777u) | 0700u : (sx.stx_mode & 0666u) | 0600u;
	return r;
}

/* Makes a directory; or says, for a file, which mode it is to be made with. */
static int prepare_create(struct vfs *v, const struct cred *c, const char *path, bool directory, uint32_t *mode)
{
	_cleanup_close_ int parent = -1;
	const char *name;
	int r;

	if (!directory && *mode != VFS_MODE_INHERIT)
		return 0;
	parent = posix_open_parent(v, c, path, &name);
	if (parent < 0)
		return parent;
	r = mode_in(parent, *mode, directory, mode);
	return r < 0 || !directory ? r : io_mkdirat(parent, name, *mode, posix_pers(c));
}

int posix_open(struct vfs *v, const struct cred *c, const char *path, unsigned int flags, uint32_t mode,
	     struct vfs_file **ret)
{
	int fd, r, oflags = open_oflags(flags);

	if (flags & VFS_CREATE) {
		r = prepare_create(v, c, path, flags & VFS_DIRECTORY, &mode);
		if (r < 0)
			return r;
	}
	/* what was just made may be opened in any way: O_PATH would not make it */
	if ((flags & (VFS_CREATE | VFS_DIRECTORY)) == VFS_CREATE)
		oflags = (oflags & ~O_PATH) | O_CREAT | O_EXCL;
	fd = posix_openat(v, c, path, oflags, mode);
	return fd < 0 ? fd : file_new(v, fd, flags, ret);
}

int posix_by_handle_now(int root, const struct vfs_handle *h, int oflags)
{
	union {
		struct file_handle fh;
		uint8_t room[sizeof(struct file_handle) + VFS_HANDLE_MAX];
	} u;
	int fd;

	u.fh.handle_bytes = h->len - 4u;
	memcpy(&u.fh.handle_type, h->data, 4);
	memcpy(u.fh.f_handle, h->data + 4, h->len - 4u);
	fd = open_by_handle_at(root, &u.fh, oflags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct by_handle {
	int root, oflags;
	const struct vfs_handle *h;
	int result;
};

static void by_handle_blocking(void *arg)
{
	struct by_handle *b = arg;

	b->result = posix_by_handle_now(b->root, b->h, b->oflags);
}

int posix_by_handle(int root, const struct vfs_handle *h, int oflags)
{
	struct by_handle b = { .root = root, .oflags = oflags, .h = h };

	offload_run(by_handle_blocking, &b);
	if (posix_fd_retry(b.result))
		offload_run(by_handle_blocking, &b);
	return b.result;
}

int posix_open_handle(struct vfs *v, const struct vfs_handle *h, const char *path, unsigned int flags,
		      struct vfs_file **ret)
{
	int fd;

	if (h->len <= 4 || h->len > VFS_HANDLE_MAX)
		return -ESTALE;
	fd = posix_by_handle(posix_root(v), h, open_oflags(flags));
	return fd < 0 ? fd : file_new(v, fd, flags, ret);
}

int posix_reopen(struct vfs_file *f, const struct cred *c, unsigned int flags, struct vfs_file **ret)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
	struct open_how how = { .flags = (uint64_t)(open_oflags(flags) | O_CLOEXEC) };
	struct fd_path path;
	int fd;

	if (pin.fd < 0)
		return pin.fd;
	path = posix_fd_path(pin.fd);
	fd = POSIX_FD_OF(io_openat2(AT_FDCWD, path.s, &how, posix_pers(c)));
	return fd < 0 ? fd : file_new(f->vfs, fd, flags, ret);
}

void posix_close(struct vfs_file *f)
{
	struct posix_file *p = container_of(f, struct posix_file, file);

	posix_fd_close(&p->fd);
	vfs_unref(f->vfs);
	free(p);
}

static bool access_ok(int fd, int mode)
{
	return syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

int posix_access(struct vfs *v, const struct cred *c, const struct vfs_file *f, unsigned int *ret)
{
	_cleanup_pin_ struct posix_pin pin = posix_pin(f);
	int read = f->type == VFS_DIR ? R_OK | X_OK : R_OK;
	unsigned int got = 0;

	if (pin.fd < 0)
		return pin.fd;
	cred_enter(c);
	if (access_ok(pin.fd, read))
		got |= VFS_READ;
	if (access_ok(pin.fd, f->type == VFS_DIR ? W_OK | X_OK : W_OK))
		got |= VFS_WRITE;
	cred_leave(c);
	*ret = got;
	return 0;
}

int posix_may_delete(struct vfs *v, const struct cred *c, const char *path)
{
	_cleanup_close_ int parent = -1;
	struct statx dir, entry;
	const char *name;
	bool ok;
	int r;

	parent = posix_open_parent(v, c, path, &name);
	if (parent < 0)
		return parent;
	cred_enter(c);
	ok = access_ok(parent, W_OK | X_OK);
	cred_leave(c);
	if (!ok)
		return -EACCES;
	r = io_statx(parent, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &dir, 0);
	if (r < 0 || !(dir.stx_mode & S_ISVTX) || !c)
		return r;
	r = io_statx(parent, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &entry, 0);
	if (r < 0)
		return r;
	return c->uid == 0 || c->uid == dir.stx_uid || c->uid == entry.stx_uid ? 0 : -EACCES;
}
