/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Listing a directory: batches of entries with their attributes, read on the pool. */
#include "smbd/vfs/cephfs_priv.h"

#include <dirent.h>
#include <fcntl.h>

#define BATCH 64

struct entry {
	char name[VFS_NAME_MAX + 1];
	uint64_t ino;
	uint8_t type;
	bool known; /* st is its */
	struct vfs_stat st;
};

struct cephfs_dir {
	struct vfs_dir dir;
	struct cephfs_file *file; /* outlives it */
	struct ceph_dir_result *d;
	bool rewind;
	unsigned int n, pos; /* entries; the next one */
	struct entry entries[BATCH];
};

struct dir_call {
	struct ceph_call call;
	struct cephfs_dir *d;
	const char *name, *path;
	struct vfs_stat st;
};

static struct cephfs_dir *cephfs_dir_of(struct vfs_dir *d)
{
	return container_of(d, struct cephfs_dir, dir);
}

/* As the process: whoever may list it opened it for reading. */
static void dir_open_blocking(void *arg)
{
	struct dir_call *c = arg;

	c->call.result = ceph_ll_opendir(c->call.cm, c->call.f->in, &c->d->d, c->call.perm);
}

int cephfs_dir_new(struct vfs_file *f, struct vfs_dir **ret)
{
	struct dir_call c = { .call = { .v = cephfs_of(f->vfs), .f = cephfs_file_of(f) } };
	int r;

	if (!(f->flags & VFS_READ) || f->flags & VFS_PATH)
		return -EACCES;
	c.d = calloc(1, sizeof(*c.d));
	if (!c.d)
		return -ENOMEM;
	r = (int)cephfs_run(&c.call, dir_open_blocking);
	if (r < 0) {
		free(c.d);
		return r;
	}
	c.d->dir.ops = f->vfs->ops;
	c.d->file = c.call.f;
	c.call.f->listing = c.d;
	*ret = &c.d->dir;
	return 0;
}

struct dir_end {
	struct offload_job job;
	struct cephfs_mount *mount;
	struct ceph_dir_result *d;
};

static void dir_end_blocking(void *arg)
{
	struct dir_end *e = arg;

	(void)ceph_ll_releasedir(cephfs_mount_cm(e->mount), e->d);
	cephfs_mount_unref(e->mount);
	free(e);
}

void cephfs_dir_free(struct vfs_dir *dir)
{
	struct cephfs_dir *d = cephfs_dir_of(dir);
	struct dir_end *e = calloc(1, sizeof(*e));

	if (d->file->listing == d)
		d->file->listing = NULL;
	if (e) {
		*e = (struct dir_end){ .mount = cephfs_mount_ref(d->file->mount), .d = d->d };
		e->job = (struct offload_job){ .fn = dir_end_blocking, .arg = e };
		offload_pool_post(cephfs_pool(), &e->job);
	}
	free(d);
}

static void dir_fill_blocking(void *arg)
{
	struct dir_call *c = arg;
	struct ceph_mount_info *cm = c->call.cm;
	struct cephfs_dir *d = c->d;
	struct ceph_statx sx;
	struct dirent e;
	int r = 1;

	if (d->rewind)
		ceph_rewinddir(cm, d->d);
	d->rewind = false;
	d->n = d->pos = 0;
	while (d->n < BATCH) {
		struct entry *to = &d->entries[d->n];
		Inode *in = NULL;

		r = ceph_readdirplus_r(cm, d->d, &e, &sx, CEPHFS_WANT, AT_SYMLINK_NOFOLLOW, &in);
		if (r <= 0)
			break;
		if (strlen(e.d_name) <= VFS_NAME_MAX) {
			strcpy(to->name, e.d_name);
			to->ino = e.d_ino;
			to->type = e.d_type;
			to->known = in && !S_ISLNK(sx.stx_mode);
			if (to->known)
				cephfs_stat_fill(&c->call, in, &sx, &to->st);
			d->n++;
		}
		if (in)
			(void)ceph_ll_put(cm, in);
	}
	/* an error after some entries comes with the next batch */
	c->call.result = d->n > 0 ? 0 : r;
}

int cephfs_dir_next(struct vfs_dir *dir, struct vfs_dirent *ret)
{
	struct cephfs_dir *d = cephfs_dir_of(dir);
	struct dir_call c = { .call = { .v = cephfs_of(d->file->file.vfs), .f = d->file }, .d = d };
	const struct entry *e;
	int r;

	if (d->pos == d->n || d->rewind) {
		r = (int)cephfs_run(&c.call, dir_fill_blocking);
		if (r < 0 || d->n == 0)
			return r;
	}
	e = &d->entries[d->pos++];
	*ret = (struct vfs_dirent){ .name = e->name, .ino = e->ino, .type = e->type };
	return 1;
}

void cephfs_dir_unget(struct vfs_dir *dir)
{
	struct cephfs_dir *d = cephfs_dir_of(dir);

	if (d->pos > 0)
		d->pos--;
}

void cephfs_dir_rewind(struct vfs_dir *dir)
{
	cephfs_dir_of(dir)->rewind = true;
}

/* --- attributes of one entry --- */

/* What the symlink leads to, as long as that is beneath the share; in a snapshot, beneath the directory. */
static int follow(struct dir_call *c)
{
	bool snapshot = c->call.f->file.snapshot;
	struct cephfs_walk w;
	int r;

	if (!c->path && !snapshot)
		return -ENOENT;
	r = snapshot ? cephfs_walk_begin_at(&w, &c->call, c->call.f->in) : cephfs_walk_begin(&w, &c->call);
	if (r == 0 && !snapshot)
		r = cephfs_walk_path(&w, c->path, true);
	if (r == 0)
		r = cephfs_walk_step(&w, c->name, true);
	if (r == 0)
		cephfs_stat_fill(&c->call, cephfs_walk_inode(&w), cephfs_walk_stat(&w), &c->st);
	cephfs_walk_end(&w);
	return r;
}

static void dir_stat_blocking(void *arg)
{
	struct dir_call *c = arg;
	struct ceph_mount_info *cm = c->call.cm;
	struct ceph_statx sx;
	Inode *in;

	/* names are seen by whoever may list the directory */
	c->call.result = ceph_ll_lookup(cm, c->call.f->in, c->name, &in, &sx, CEPHFS_WANT, AT_SYMLINK_NOFOLLOW,
					ceph_mount_perms(cm));
	if (c->call.result < 0)
		return;
	if (!S_ISLNK(sx.stx_mode) || follow(c) < 0)
		cephfs_stat_fill(&c->call, in, &sx, &c->st);
	(void)ceph_ll_put(cm, in);
}

int cephfs_dir_stat(struct vfs_file *dir, const struct cred *cred, const char *name, struct vfs_stat *ret)
{
	struct cephfs_file *f = cephfs_file_of(dir);
	struct cephfs_dir *d = f->listing;
	struct dir_call c = { .call = { .v = cephfs_of(dir->vfs), .c = cred, .f = f }, .name = name };
	_cleanup_arena_ struct arena a = { 0 };
	int r;

	if (d && d->pos > 0 && !d->rewind && strcmp(d->entries[d->pos - 1].name, name) == 0 &&
	    d->entries[d->pos - 1].known) {
		*ret = d->entries[d->pos - 1].st;
		return 0;
	}
	arena_init(&a, 0);
	/* the directory's path only matters for symlinks */
	if (f->path)
		c.path = arena_strdup(&a, f->path);
	r = (int)cephfs_run(&c.call, dir_stat_blocking);
	if (r == 0)
		*ret = c.st;
	return r;
}
