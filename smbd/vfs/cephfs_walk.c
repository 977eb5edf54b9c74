/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From paths to inodes, beneath the root of a share. libcephfs looks up one component at a time and leaves symlinks to us: a
 * walk keeps the directories on its way, so that ".." in a symlink goes back on them and never above the root.
 */
#include "smbd/vfs/cephfs_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "node/base/utf.h"

static int push(struct cephfs_walk *w, Inode *in, const struct ceph_statx *sx)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 16;
		Inode **at = reallocarray(w->at, cap, sizeof(*at));
		struct ceph_statx *s;

		if (!at)
			return -ENOMEM;
		w->at = at;
		s = reallocarray(w->sx, cap, sizeof(*s));
		if (!s)
			return -ENOMEM;
		w->sx = s;
		w->cap = cap;
	}
	w->at[w->n] = in;
	w->sx[w->n++] = *sx;
	return 0;
}

static void pop(struct cephfs_walk *w)
{
	w->n--;
	if (w->n > 0) /* the top is not ours */
		(void)ceph_ll_put(w->call->cm, w->at[w->n]);
}

int cephfs_walk_begin_at(struct cephfs_walk *w, struct ceph_call *call, Inode *top)
{
	struct ceph_statx sx;
	int r;

	*w = (struct cephfs_walk){ .call = call };
	r = ceph_ll_getattr(call->cm, top, &sx, CEPHFS_WANT, 0, call->perm);
	return r < 0 ? r : push(w, top, &sx);
}

int cephfs_walk_begin(struct cephfs_walk *w, struct ceph_call *call)
{
	return cephfs_walk_begin_at(w, call, call->v->root);
}

void cephfs_walk_end(struct cephfs_walk *w)
{
	while (w->n > 0)
		pop(w);
	free(w->at);
	free(w->sx);
}

/* Cuts the next component off `*path`; NULL: none is left. */
static char *next_component(char **path)
{
	char *name;

	do
		name = strsep(path, "/");
	while (name && !*name);
	return name;
}

/* Goes where the symlink leads; takes its reference. */
static int follow_link(struct cephfs_walk *w, Inode *link)
{
	char target[PATH_MAX], *rest = target, *name;
	int r;

	r = ++w->links > CEPHFS_LINKS_MAX ? -ELOOP :
					    ceph_ll_readlink(w->call->cm, link, target, sizeof(target) - 1, w->call->perm);
	(void)ceph_ll_put(w->call->cm, link);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	target[r] = '\0';
	if (target[0] == '/')
		return -EXDEV;
	for (r = 0; r == 0 && (name = next_component(&rest));) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") != 0)
			r = cephfs_walk_step(w, name, true);
		else if (w->n == 1)
			r = -EXDEV;
		else
			pop(w);
	}
	return r;
}

int cephfs_walk_step(struct cephfs_walk *w, const char *name, bool follow)
{
	struct ceph_call *call = w->call;
	struct ceph_statx sx;
	Inode *in;
	int r;

	if (!S_ISDIR(cephfs_walk_stat(w)->stx_mode))
		return -ENOTDIR;
	if (strcmp(name, CEPHFS_SNAPDIR) == 0)
		return -ENOENT;
	r = ceph_ll_lookup(call->cm, cephfs_walk_inode(w), name, &in, &sx, CEPHFS_WANT, AT_SYMLINK_NOFOLLOW,
			   call->perm);
	if (r < 0)
		return r;
	if (follow && S_ISLNK(sx.stx_mode))
		return follow_link(w, in);
	r = push(w, in, &sx);
	if (r < 0)
		(void)ceph_ll_put(call->cm, in);
	return r;
}

int cephfs_walk_path(struct cephfs_walk *w, const char *path, bool follow)
{
	char copy[VFS_PATH_MAX + 1], *rest = copy, *name;
	int r = 0;

	if (strlen(path) > VFS_PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(copy, path);
	while (r == 0 && (name = next_component(&rest)))
		r = cephfs_walk_step(w, name, follow || (rest && *rest));
	return r;
}

int cephfs_walk_parent(struct cephfs_walk *w, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char dir[VFS_PATH_MAX + 1];
	int r = 0;

	if (!*name)
		return -EBUSY; /* the root has no name here */
	if (strcmp(name, CEPHFS_SNAPDIR) == 0)
		return -EACCES;
	if (slash) {
		if ((size_t)(slash - path) >= sizeof(dir))
			return -ENAMETOOLONG;
		memcpy(dir, path, (size_t)(slash - path));
		dir[slash - path] = '\0';
		r = cephfs_walk_path(w, dir, true);
	}
	if (r == 0 && !S_ISDIR(cephfs_walk_stat(w)->stx_mode))
		r = -ENOTDIR;
	if (r == 0)
		*ret_name = name;
	return r;
}

/* --- names by inode number, and without regard to case --- */

struct wanted {
	const char *folded; /* equal without regard to case; NULL: by number */
	uint64_t ino;
	char *name; /* VFS_NAME_MAX + 1 */
};

static bool is_wanted(const struct wanted *wanted, const struct dirent *e)
{
	if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strlen(e->d_name) > VFS_NAME_MAX)
		return false;
	return wanted->folded ? utf8_casecmp(e->d_name, wanted->folded) == 0 : e->d_ino == wanted->ino;
}

/* Reads the directory until the wanted entry. 1: found; 0: not there. */
static int scan(struct ceph_call *call, Inode *dir, struct wanted *wanted)
{
	struct ceph_dir_result *d;
	struct dirent e;
	int r = ceph_ll_opendir(call->cm, dir, &d, call->perm);

	if (r < 0)
		return r;
	while ((r = ceph_readdir_r(call->cm, d, &e)) == 1) {
		if (is_wanted(wanted, &e)) {
			strcpy(wanted->name, e.d_name);
			break;
		}
	}
	(void)ceph_ll_releasedir(call->cm, d);
	return r;
}

int cephfs_name_of(struct ceph_call *call, Inode *dir, uint64_t ino, char ret_name[static VFS_NAME_MAX + 1])
{
	struct wanted wanted = { .ino = ino, .name = ret_name };

	return scan(call, dir, &wanted);
}

/* One component in any spelling; `name` becomes the one on disk. 1: gone there; 0: it does not exist, or leads nowhere. */
static int step_folded(struct cephfs_walk *w, char name[static VFS_NAME_MAX + 1])
{
	char found[VFS_NAME_MAX + 1];
	struct wanted wanted = { .folded = name, .name = found };
	int r = cephfs_walk_step(w, name, true);

	if (r != -ENOENT)
		return r < 0 ? r : 1;
	r = scan(w->call, cephfs_walk_inode(w), &wanted);
	if (r <= 0)
		return r == -EACCES ? 0 : r; /* may be searched but not listed: exact names only */
	strcpy(name, found);
	r = cephfs_walk_step(w, found, true);
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

int cephfs_walk_folded(struct cephfs_walk *w, const char *path, struct arena *a, const char **disk)
{
	char name[VFS_NAME_MAX + 1];
	const char *p = path, *end;
	int r = 1;

	for (; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '/');
		memcpy(name, p, (size_t)(end - p));
		name[end - p] = '\0';
		r = step_folded(w, name);
		if (r < 0)
			return r;
		if (r == 0 && *end)
			return -ENOENT;
		*disk = **disk ? arena_printf(a, "%s/%s", *disk, name) : arena_strdup(a, name);
		if (!*disk)
			return -ENOMEM;
	}
	return r;
}

/* --- lookup --- */

struct lookup_call {
	struct ceph_call call;
	const char *path;
	struct arena *a; /* of the task that waits */
	const char *disk;
	bool exists;
	struct vfs_stat st;
};

static void lookup_blocking(void *arg)
{
	struct lookup_call *l = arg;
	struct cephfs_walk w;
	int r = cephfs_walk_begin(&w, &l->call);

	if (r == 0)
		r = cephfs_walk_folded(&w, l->path, l->a, &l->disk);
	l->exists = r == 1;
	if (l->exists)
		cephfs_stat_fill(&l->call, cephfs_walk_inode(&w), cephfs_walk_stat(&w), &l->st);
	l->call.result = MIN(r, 0);
	cephfs_walk_end(&w);
}

int cephfs_name_make(struct arena *a, const char *disk, bool exists, const struct vfs_stat *st, struct vfs_name *ret)
{
	const char *slash = strrchr(disk, '/');

	*ret = (struct vfs_name){
		.path = disk,
		.parent = slash ? arena_printf(a, "%.*s", (int)(slash - disk), disk) : "",
		.name = slash ? slash + 1 : disk,
		.exists = exists,
		.st = *st,
	};
	return ret->parent ? 0 : -ENOMEM;
}

int cephfs_lookup(struct vfs *v, const struct cred *c, const char *path, struct arena *a, struct vfs_name *ret)
{
	struct lookup_call l = { .call = { .v = cephfs_of(v), .c = c }, .path = path, .a = a, .disk = "" };
	int r = vfs_path_check(path);

	if (r == 0)
		r = (int)cephfs_run(&l.call, lookup_blocking);
	return r < 0 ? r : cephfs_name_make(a, l.disk, l.exists, &l.st, ret);
}
