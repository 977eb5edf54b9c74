/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vfs_posix: a share's root on a mounted file system, and what identifies its files. */
#include "smbd/vfs/posix_priv.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "node/base/hash.h"
#include "node/conf/share_path.h"
#include "node/loop/io.h"

/* Seeds that keep the two halves of a volume's id, and its serial number, apart. Part of the format: never change. */
#define VFS_SEED_VOLUME_LO 0x766f6c31u
#define VFS_SEED_VOLUME_HI 0x766f6c32u
#define VFS_SEED_SERIAL 0x73657231u
#define VFS_SEED_GENERATION 0x67656e31u

struct fd_path posix_fd_path(int fd)
{
	struct fd_path p;

	snprintf(p.s, sizeof(p.s), "/proc/self/fd/%d", fd);
	return p;
}

int posix_handle_of(int fd, const char *name, struct vfs_handle *ret)
{
	union {
		struct file_handle fh;
		uint8_t room[sizeof(struct file_handle) + VFS_HANDLE_MAX];
	} u;
	int mount_id;

	u.fh.handle_bytes = VFS_HANDLE_MAX - 4;
	if (name_to_handle_at(fd, name ? name : "", &u.fh, &mount_id, name ? 0 : AT_EMPTY_PATH) < 0) {
		if (errno != EOPNOTSUPP && errno != EOVERFLOW)
			return -errno;
		ret->len = 0;
		return 0;
	}
	memcpy(ret->data, &u.fh.handle_type, 4);
	memcpy(ret->data + 4, u.fh.f_handle, u.fh.handle_bytes);
	ret->len = (uint16_t)(4 + u.fh.handle_bytes);
	return 0;
}

struct vfs_key posix_key_of(const struct vfs *v, uint64_t ino, const struct vfs_handle *h)
{
	return (struct vfs_key){
		.volume = v->volume,
		.ino = ino,
		/* a handle holds the inode's generation, in a form of the file system's own */
		.generation = h->len ? hash64(h->data, h->len, VFS_SEED_GENERATION) : 0,
	};
}

static void posix_identify(struct posix *p, const struct statfs *fs)
{
	struct {
		int64_t type;
		int32_t fsid[2];
	} id = { .type = fs->f_type };
	uint64_t half;

	memcpy(id.fsid, &fs->f_fsid, sizeof(id.fsid));
	half = hash64(&id, sizeof(id), VFS_SEED_VOLUME_LO);
	memcpy(p->vfs.volume.b, &half, 8);
	half = hash64(&id, sizeof(id), VFS_SEED_VOLUME_HI);
	memcpy(p->vfs.volume.b + 8, &half, 8);
	p->serial = hash64(&id, sizeof(id), VFS_SEED_SERIAL);
}

/* Whether the file system has handles, and we may use them. */
static bool opens_by_handle(int root, const struct vfs_handle *h)
{
	int fd = h->len > 4 ? posix_by_handle_now(root, h, O_PATH) : -1;

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct posix_new_args {
	const char *path;
	struct posix *p;
	int result;
};

static void posix_new_blocking(void *arg)
{
	struct posix_new_args *n = arg;
	struct vfs_handle h;
	struct statfs fs;

	n->p->root = open(n->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (n->p->root < 0 || fstatfs(n->p->root, &fs) < 0) {
		n->result = -errno;
		return;
	}
	posix_identify(n->p, &fs);
	n->result = posix_handle_of(n->p->root, NULL, &h);
	n->p->handles = n->result == 0 && opens_by_handle(n->p->root, &h);
}

static void posix_free(struct vfs *v)
{
	struct posix *p = container_of(v, struct posix, vfs);

	if (p->root >= 0)
		close(p->root);
	free(p);
}

struct fsinfo_args {
	int fd;
	struct statvfs st;
	int result;
};

static void fsinfo_blocking(void *arg)
{
	struct fsinfo_args *f = arg;

	f->result = fstatvfs(f->fd, &f->st) < 0 ? -errno : 0;
}

static int posix_fsinfo(struct vfs *v, struct vfs_fsinfo *ret)
{
	struct fsinfo_args f = { .fd = posix_root(v) };

	offload_run(fsinfo_blocking, &f);
	if (f.result < 0)
		return f.result;
	*ret = (struct vfs_fsinfo){
		.block_size = f.st.f_frsize,
		.blocks = f.st.f_blocks,
		.blocks_free = f.st.f_bfree,
		.blocks_avail = f.st.f_bavail,
		.serial = container_of(v, struct posix, vfs)->serial,
		.read_only = f.st.f_flag & ST_RDONLY,
		.handles = container_of(v, struct posix, vfs)->handles,
	};
	return 0;
}

int posix_openat(struct vfs *v, const struct cred *c, const char *path, int oflags, uint32_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(oflags | O_CLOEXEC),
		.mode = oflags & O_CREAT ? mode & 07777 : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return POSIX_FD_OF(io_openat2(posix_root(v), *path ? path : ".", &how, posix_pers(c)));
}

int posix_open_parent(struct vfs *v, const struct cred *c, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char dir[VFS_PATH_MAX + 1];
	int fd;

	if (!*path)
		return -EBUSY; /* the root has no name here */
	if (!slash) {
		fd = posix_openat(v, c, "", O_PATH | O_DIRECTORY, 0);
	} else {
		if ((size_t)(slash - path) >= sizeof(dir))
			return -ENAMETOOLONG;
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		fd = posix_openat(v, c, dir, O_PATH | O_DIRECTORY, 0);
	}
	if (fd >= 0)
		*ret_name = slash ? slash + 1 : path;
	return fd;
}

static const struct vfs_ops posix_ops = {
	.free = posix_free,
	.fsinfo = posix_fsinfo,
	.lookup = posix_lookup,
	.open = posix_open,
	.open_handle = posix_open_handle,
	.reopen = posix_reopen,
	.close = posix_close,
	.access = posix_access,
	.may_delete = posix_may_delete,
	.read = posix_read,
	.write = posix_write,
	.flush = posix_flush,
	.truncate = posix_truncate,
	.allocate = posix_allocate,
	.zero = posix_zero,
	.next_data = posix_next_data,
	.stat = posix_stat,
	.setattr = posix_setattr,
	.chmod = posix_chmod,
	.remove = posix_remove,
	.rename = posix_rename,
	.link = posix_link,
	.path_of = posix_path_of,
	.dir_new = posix_dir_new,
	.dir_free = posix_dir_free,
	.dir_next = posix_dir_next,
	.dir_unget = posix_dir_unget,
	.dir_rewind = posix_dir_rewind,
	.dir_stat = posix_dir_stat,
};

int posix_new(const struct share_path *path, struct vfs **ret)
{
	struct posix *p = calloc(1, sizeof(*p));
	struct posix_new_args n = { .path = path->path, .p = p };

	if (!p)
		return -ENOMEM;
	p->vfs.ops = &posix_ops;
	p->root = -1;
	offload_run(posix_new_blocking, &n);
	if (n.result < 0) {
		posix_free(&p->vfs);
		return n.result;
	}
	*ret = &p->vfs;
	return 0;
}
