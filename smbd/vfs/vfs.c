/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The face: a share's path chooses the kind of file system, calls go to its table. */
#include "smbd/vfs/vfs_priv.h"

#include "node/conf/share_path.h"
#include "node/log/log.h"

int vfs_new(const char *path, struct vfs **ret)
{
	_cleanup_share_path_ struct share_path p = { 0 };
	struct conf_error err;
	struct vfs *v;
	int r = share_path_parse(path, &p, &err);

	if (r < 0) {
		log_err("%s", err.text);
		return r;
	}
	r = p.cephfs ? cephfs_new(&p, &v) : posix_new(&p, &v);
	if (r < 0)
		return r;
	v->refs = 1;
	*ret = v;
	return 0;
}

struct vfs *vfs_ref(struct vfs *v)
{
	v->refs++;
	return v;
}

void vfs_unref(struct vfs *v)
{
	if (v && --v->refs == 0)
		v->ops->free(v);
}

void vfs_end(void)
{
	cephfs_end();
}

const struct guid *vfs_volume(const struct vfs *v)
{
	return &v->volume;
}

int vfs_path_check(const char *path)
{
	const char *p = path, *end;
	size_t n;

	if (strlen(path) > VFS_PATH_MAX)
		return -ENAMETOOLONG;
	while (*p) {
		end = strchrnul(p, '/');
		n = (size_t)(end - p);
		if (n > VFS_NAME_MAX)
			return -ENAMETOOLONG;
		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		if (*end && !end[1])
			return -EINVAL;
		p = *end ? end + 1 : end;
	}
	return 0;
}

int vfs_fsinfo(struct vfs *v, struct vfs_fsinfo *ret)
{
	return v->ops->fsinfo(v, ret);
}

int vfs_lookup(struct vfs *v, const struct cred *c, const char *path, struct arena *a, struct vfs_name *ret)
{
	return v->ops->lookup(v, c, path, a, ret);
}

int vfs_open(struct vfs *v, const struct cred *c, const char *path, unsigned int flags, uint32_t mode,
	     struct vfs_file **ret)
{
	return v->ops->open(v, c, path, flags, mode, ret);
}

int vfs_open_handle(struct vfs *v, const struct vfs_handle *h, const char *path, unsigned int flags,
		    struct vfs_file **ret)
{
	return v->ops->open_handle(v, h, path, flags, ret);
}

int vfs_reopen(struct vfs_file *f, const struct cred *c, unsigned int flags, struct vfs_file **ret)
{
	return f->vfs->ops->reopen(f, c, flags, ret);
}

void vfs_close(struct vfs_file *f)
{
	if (f)
		f->vfs->ops->close(f);
}

int vfs_snapshots(const struct vfs_file *f, struct arena *a, int64_t **ret, size_t *ret_n)
{
	if (f->vfs->ops->snapshots)
		return f->vfs->ops->snapshots(f, a, ret, ret_n);
	*ret = NULL;
	*ret_n = 0;
	return 0;
}

int vfs_lookup_at(struct vfs *v, const struct cred *c, const char *path, int64_t time, struct arena *a,
		  struct vfs_name *ret)
{
	return v->ops->lookup_at ? v->ops->lookup_at(v, c, path, time, a, ret) : -ENOENT;
}

int vfs_open_at(struct vfs *v, const struct cred *c, const struct vfs_name *n, unsigned int flags,
		struct vfs_file **ret)
{
	return v->ops->open_at ? v->ops->open_at(v, c, n, flags, ret) : -ENOENT;
}

int vfs_access(struct vfs *v, const struct cred *c, const struct vfs_file *f, unsigned int *ret)
{
	return v->ops->access(v, c, f, ret);
}

int vfs_may_delete(struct vfs *v, const struct cred *c, const char *path)
{
	return v->ops->may_delete(v, c, path);
}

int64_t vfs_read(struct vfs_file *f, void *buf, size_t n, uint64_t off)
{
	return f->vfs->ops->read(f, buf, n, off);
}

int64_t vfs_write(struct vfs_file *f, const void *buf, size_t n, uint64_t off, bool through)
{
	return f->snapshot ? -EROFS : f->vfs->ops->write(f, buf, n, off, through);
}

int vfs_flush(struct vfs_file *f)
{
	return f->snapshot ? -EROFS : f->vfs->ops->flush(f);
}

int vfs_truncate(struct vfs_file *f, const struct cred *c, uint64_t size)
{
	return f->snapshot ? -EROFS : f->vfs->ops->truncate(f, c, size);
}

int vfs_allocate(struct vfs_file *f, uint64_t size)
{
	return f->snapshot ? -EROFS : f->vfs->ops->allocate(f, size);
}

int vfs_zero(struct vfs_file *f, uint64_t off, uint64_t n, bool hole)
{
	return f->snapshot ? -EROFS : f->vfs->ops->zero(f, off, n, hole);
}

int vfs_next_data(struct vfs_file *f, uint64_t off, struct vfs_range *ret)
{
	return f->vfs->ops->next_data(f, off, ret);
}

int vfs_stat(const struct vfs_file *f, struct vfs_stat *ret)
{
	return f->vfs->ops->stat(f, ret);
}

int vfs_setattr(struct vfs_file *f, const struct cred *c, const struct vfs_setattr *s)
{
	return f->snapshot ? -EROFS : f->vfs->ops->setattr(f, c, s);
}

int vfs_chmod(struct vfs_file *f, const struct cred *c, uint32_t mode)
{
	return f->snapshot ? -EROFS : f->vfs->ops->chmod(f, c, mode);
}

int vfs_remove(struct vfs *v, const struct cred *c, const char *path, bool directory, const struct vfs_key *key)
{
	return v->ops->remove(v, c, path, directory, key);
}

int vfs_rename(struct vfs *v, const struct cred *c, const char *from, const char *to, bool replace)
{
	return v->ops->rename(v, c, from, to, replace);
}

int vfs_link(struct vfs *v, const struct cred *c, struct vfs_file *f, const char *to)
{
	return f->snapshot ? -EROFS : v->ops->link(v, c, f, to);
}

int vfs_path_of(const struct vfs_file *f, struct arena *a, const char **ret)
{
	return f->vfs->ops->path_of(f, a, ret);
}

int vfs_dir_new(struct vfs_file *f, struct vfs_dir **ret)
{
	return f->vfs->ops->dir_new(f, ret);
}

void vfs_dir_free(struct vfs_dir *d)
{
	if (d)
		d->ops->dir_free(d);
}

int vfs_dir_next(struct vfs_dir *d, struct vfs_dirent *ret)
{
	return d->ops->dir_next(d, ret);
}

void vfs_dir_unget(struct vfs_dir *d)
{
	d->ops->dir_unget(d);
}

void vfs_dir_rewind(struct vfs_dir *d)
{
	d->ops->dir_rewind(d);
}

int vfs_dir_stat(struct vfs_file *dir, const struct cred *c, const char *name, struct vfs_stat *ret)
{
	return dir->vfs->ops->dir_stat(dir, c, name, ret);
}
