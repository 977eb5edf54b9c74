/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of the name space, and the way back from files to names. */
#include "smbd/vfs/cephfs_priv.h"

#include <fcntl.h>
#include <stdio.h>

struct name_call {
	struct ceph_call call;
	const char *path, *to;
	bool directory, replace;
	const struct vfs_key *key;
	char *found; /* path_of's result: malloc */
};

/* -ESTALE unless `name` in the walk's directory is the file `key`. A symlink has no key of its own here: it passes. */
static int check_key(struct name_call *n, struct cephfs_walk *w, const char *name)
{
	struct ceph_statx sx;
	Inode *in;
	int r = ceph_ll_lookup(n->call.cm, cephfs_walk_inode(w), name, &in, &sx, CEPHFS_WANT, AT_SYMLINK_NOFOLLOW,
			       n->call.perm);

	if (r < 0)
		return r;
	(void)ceph_ll_put(n->call.cm, in);
	return S_ISLNK(sx.stx_mode) || sx.stx_ino == n->key->ino ? 0 : -ESTALE;
}

static int do_remove(struct name_call *n, struct cephfs_walk *w)
{
	struct ceph_call *call = &n->call;
	const char *name;
	int r = cephfs_walk_parent(w, n->path, &name);

	if (r == 0 && n->key)
		r = check_key(n, w, name);
	if (r < 0)
		return r;
	return n->directory ? ceph_ll_rmdir(call->cm, cephfs_walk_inode(w), name, call->perm) :
			      ceph_ll_unlink(call->cm, cephfs_walk_inode(w), name, call->perm);
}

static void remove_blocking(void *arg)
{
	struct name_call *n = arg;
	struct cephfs_walk w;

	n->call.result = cephfs_walk_begin(&w, &n->call);
	if (n->call.result == 0)
		n->call.result = do_remove(n, &w);
	cephfs_walk_end(&w);
}

int cephfs_remove(struct vfs *v, const struct cred *c, const char *path, bool directory, const struct vfs_key *key)
{
	struct name_call n = {
		.call = { .v = cephfs_of(v), .c = c }, .path = path, .directory = directory, .key = key,
	};

	return (int)cephfs_run(&n.call, remove_blocking);
}

/* CephFS has no rename that fails when the new name exists: the best that it allows. */
static int do_rename(struct name_call *n, struct cephfs_walk *from, struct cephfs_walk *to)
{
	struct ceph_call *call = &n->call;
	const char *from_name, *to_name;
	struct ceph_statx sx;
	Inode *in;
	int r = cephfs_walk_parent(from, n->path, &from_name);

	if (r == 0)
		r = cephfs_walk_parent(to, n->to, &to_name);
	if (r < 0)
		return r;
	if (!n->replace) {
		r = ceph_ll_lookup(call->cm, cephfs_walk_inode(to), to_name, &in, &sx, CEPH_STATX_INO,
				   AT_SYMLINK_NOFOLLOW, call->perm);
		if (r == 0)
			(void)ceph_ll_put(call->cm, in);
		if (r != -ENOENT)
			return r < 0 ? r : -EEXIST;
	}
	return ceph_ll_rename(call->cm, cephfs_walk_inode(from), from_name, cephfs_walk_inode(to), to_name, call->perm);
}

static void rename_blocking(void *arg)
{
	struct name_call *n = arg;
	struct cephfs_walk from, to;
	int r = cephfs_walk_begin(&from, &n->call), r2 = cephfs_walk_begin(&to, &n->call);

	n->call.result = r < 0 ? r : r2 < 0 ? r2 : do_rename(n, &from, &to);
	cephfs_walk_end(&from);
	cephfs_walk_end(&to);
}

int cephfs_rename(struct vfs *v, const struct cred *c, const char *from, const char *to, bool replace)
{
	struct name_call n = {
		.call = { .v = cephfs_of(v), .c = c }, .path = from, .to = to, .replace = replace,
	};

	return (int)cephfs_run(&n.call, rename_blocking);
}

static void link_blocking(void *arg)
{
	struct name_call *n = arg;
	struct ceph_call *call = &n->call;
	struct cephfs_walk w;
	const char *name;
	int r = cephfs_walk_begin(&w, call);

	if (r == 0)
		r = cephfs_walk_parent(&w, n->to, &name);
	if (r == 0)
		r = ceph_ll_link(call->cm, call->f->in, cephfs_walk_inode(&w), name, call->perm);
	cephfs_walk_end(&w);
	call->result = r;
}

int cephfs_link(struct vfs *v, const struct cred *c, struct vfs_file *f, const char *to)
{
	struct name_call n = { .call = { .v = cephfs_of(v), .c = c, .f = cephfs_file_of(f) }, .to = to };

	return (int)cephfs_run(&n.call, link_blocking);
}

/* --- where a file is --- */

/* 0 when the path still leads to the file. */
static int check_path(struct name_call *n)
{
	struct cephfs_walk w;
	int r = cephfs_walk_begin(&w, &n->call);

	if (r == 0)
		r = cephfs_walk_path(&w, n->path, true);
	if (r == 0 && cephfs_walk_stat(&w)->stx_ino != n->call.f->file.key.ino)
		r = -ENOENT;
	cephfs_walk_end(&w);
	return r;
}

static int prepend(char **path, const char *name)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", name, *path ? "/" : "", *path ?: "") < 0)
		return -ENOMEM;
	free(*path);
	*path = longer;
	return strlen(longer) > VFS_PATH_MAX ? -ENAMETOOLONG : 0;
}

/* From directory `in` (a reference that it takes) up to the share's root; `ino` is its number. */
static int climb(struct name_call *n, Inode *in, uint64_t ino)
{
	struct ceph_call *call = &n->call;
	char name[VFS_NAME_MAX + 1];
	struct ceph_statx sx;
	Inode *up;
	int r = 0;

	while (r == 0 && ino != call->v->root_ino) {
		r = ino == CEPHFS_ROOT_INO ? -ENOENT : ceph_ll_lookup(call->cm, in, "..", &up, &sx, CEPH_STATX_INO, 0,
								       call->perm);
		if (r < 0)
			break;
		r = cephfs_name_of(call, up, ino, name);
		r = r == 1 ? prepend(&n->found, name) : r < 0 ? r : -ENOENT;
		(void)ceph_ll_put(call->cm, in);
		in = up;
		ino = sx.stx_ino;
	}
	(void)ceph_ll_put(call->cm, in);
	return r;
}

/* Looks the file up in the directory where it was, and that one in those above. libcephfs tells no file's directory. */
static int find_path(struct name_call *n)
{
	struct ceph_call *call = &n->call;
	bool directory = call->f->file.type == VFS_DIR;
	uint64_t ino = directory ? call->f->file.key.ino : call->f->parent;
	vinodeno_t vino = { .ino = { ino }, .snapid = { CEPHFS_LIVE } };
	char name[VFS_NAME_MAX + 1];
	Inode *in;
	int r = ino ? ceph_ll_lookup_vino(call->cm, vino, &in) : -ENOENT;

	if (r < 0)
		return -ENOENT;
	if (!directory) {
		r = cephfs_name_of(call, in, call->f->file.key.ino, name);
		r = r == 1 ? prepend(&n->found, name) : r < 0 ? r : -ENOENT;
		if (r < 0) {
			(void)ceph_ll_put(call->cm, in);
			return r;
		}
	}
	return climb(n, in, ino);
}

static void path_of_blocking(void *arg)
{
	struct name_call *n = arg;
	int r = n->path ? check_path(n) : -ENOENT;

	if (r == 0) {
		n->found = strdup(n->path);
		n->call.result = n->found ? 0 : -ENOMEM;
		return;
	}
	r = find_path(n);
	if (r == 0 && !n->found) /* the root */
		n->found = strdup("");
	n->call.result = r == 0 && !n->found ? -ENOMEM : r;
}

int cephfs_path_of(const struct vfs_file *f, struct arena *a, const char **ret)
{
	struct cephfs_file *cf = (struct cephfs_file *)container_of(f, const struct cephfs_file, file);
	struct name_call n = { .call = { .v = cephfs_of(f->vfs), .f = cf } };
	int r;

	if (f->snapshot) { /* nothing moves in there */
		*ret = cf->path ? arena_strdup(a, cf->path) : NULL;
		return *ret ? 0 : cf->path ? -ENOMEM : -ENOENT;
	}
	n.path = cf->path ? arena_strdup(a, cf->path) : NULL; /* another task may replace it meanwhile */
	r = (int)cephfs_run(&n.call, path_of_blocking);
	if (r < 0) {
		free(n.found);
		return r;
	}
	*ret = arena_strdup(a, n.found);
	free(cf->path);
	cf->path = n.found;
	return *ret ? 0 : -ENOMEM;
}
