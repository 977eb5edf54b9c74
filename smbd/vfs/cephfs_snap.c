/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots by the second in which they were made. Any directory can have some; it lists them in its ".snap", beside those of the
 * directories above it that it was in. Names do not count here (they are the administrator's): the time is the MDS's, in
 * the extended attribute "ceph.snap.btime" of everything in a snapshot.
 */
#include "smbd/vfs/cephfs_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define BTIME_XATTR "ceph.snap.btime" /* "SECONDS.NANOSECONDS" */
#define TIME_END INT64_C(253402300800) /* year 10000: clients have four digits */

struct snap {
	uint64_t id; /* grows with time */
	int64_t time;
};

/* Returns a negative errno, which ends the listing, or 0. */
typedef int snap_fn(void *arg, const struct snap *s);

static bool known_time(struct cephfs_snap_times *t, struct snap *s)
{
	size_t i = s->id % CEPHFS_SNAP_TIMES;
	bool known;

	pthread_mutex_lock(&t->lock);
	known = t->at[i].id == s->id;
	if (known)
		s->time = t->at[i].time;
	pthread_mutex_unlock(&t->lock);
	return known;
}

static void keep_time(struct cephfs_snap_times *t, const struct snap *s)
{
	size_t i = s->id % CEPHFS_SNAP_TIMES;

	pthread_mutex_lock(&t->lock);
	if (t->at[i].id < s->id) {
		t->at[i].id = s->id;
		t->at[i].time = s->time;
	}
	pthread_mutex_unlock(&t->lock);
}

/* Fills s->time for s->id, whose directory is `in`. -ENODATA: the MDS does not tell. */
static int find_time(struct ceph_call *call, Inode *in, struct snap *s)
{
	struct cephfs_snap_times *t = cephfs_mount_snap_times(call->v->mount);
	char buf[64];
	int n;

	if (known_time(t, s))
		return 0;
	n = ceph_ll_getxattr(call->cm, in, BTIME_XATTR, buf, sizeof(buf) - 1, ceph_mount_perms(call->cm));
	if (n < 0)
		return n;
	buf[n] = '\0';
	s->time = (int64_t)strtoull(buf, NULL, 10);
	if (s->time <= 0 || s->time >= TIME_END)
		return -ENODATA;
	keep_time(t, s);
	return 0;
}

static int each_entry(struct ceph_call *call, struct ceph_dir_result *d, snap_fn *fn, void *arg)
{
	struct ceph_statx sx;
	struct dirent e;
	struct snap s;
	Inode *in;
	int r, found;

	/* no attributes are asked for: each would be a round trip, and the snapshot's id comes without */
	while ((r = ceph_readdirplus_r(call->cm, d, &e, &sx, 0, AT_SYMLINK_NOFOLLOW | AT_NO_ATTR_SYNC, &in)) == 1) {
		if (!in)
			continue;
		s.id = sx.stx_dev;
		found = strcmp(e.d_name, ".") == 0 || strcmp(e.d_name, "..") == 0 ? -ENODATA : find_time(call, in, &s);
		if (found == 0)
			found = fn(arg, &s);
		(void)ceph_ll_put(call->cm, in);
		/* one that is removed meanwhile is passed over */
		if (found < 0 && found != -ENODATA && found != -ENOENT && found != -ESTALE)
			return found;
	}
	return r;
}

/* Calls fn for every snapshot of a directory, in no order. As the process: times are no secret, what is in a snapshot is
 * looked at as the user. */
static int each_snap(struct ceph_call *call, Inode *dir, snap_fn *fn, void *arg)
{
	UserPerm *perm = ceph_mount_perms(call->cm);
	struct ceph_dir_result *d;
	struct ceph_statx sx;
	Inode *in;
	int r = ceph_ll_lookup(call->cm, dir, CEPHFS_SNAPDIR, &in, &sx, 0, 0, perm);

	if (r < 0)
		return r;
	r = ceph_ll_opendir(call->cm, in, &d, perm);
	if (r == 0) {
		r = each_entry(call, d, fn, arg);
		(void)ceph_ll_releasedir(call->cm, d);
	}
	(void)ceph_ll_put(call->cm, in);
	return r;
}

/* --- a name in a snapshot --- */

struct at_call {
	struct ceph_call call;
	const char *path;
	int64_t time;
	struct arena *a; /* of the task that waits */
	/* results */
	bool covered; /* some directory of the path has a snapshot of that time */
	bool exists;
	const char *disk; /* how far the path is walked */
	struct vfs_handle handle;
	struct vfs_stat st;
};

static int take_newest(void *arg, const struct snap *s)
{
	struct snap *best = arg;

	if (s->time == best->time && s->id > best->id)
		best->id = s->id;
	return 0;
}

/* Walks `rest` in snapshot `snap` of the directory number `ino`. As cephfs_walk_folded(). */
static int walk_snap(struct at_call *q, uint64_t ino, uint64_t snap, const char *rest)
{
	vinodeno_t vino = { .ino = { ino }, .snapid = { snap } };
	const char *disk = q->disk;
	struct cephfs_walk w;
	Inode *top;
	int r = ceph_ll_lookup_vino(q->call.cm, vino, &top);

	if (r < 0)
		return r;
	r = cephfs_walk_begin_at(&w, &q->call, top);
	if (r == 0)
		r = cephfs_walk_folded(&w, rest, q->a, &disk);
	if (r == 1) {
		q->exists = true;
		q->disk = disk;
		q->handle = cephfs_handle(cephfs_walk_stat(&w)->stx_ino, snap, w.n > 1 ? w.sx[w.n - 2].stx_ino : 0);
		cephfs_stat_fill(&q->call, cephfs_walk_inode(&w), cephfs_walk_stat(&w), &q->st);
	}
	cephfs_walk_end(&w);
	(void)ceph_ll_put(q->call.cm, top);
	return r;
}

/* Looks for `rest` in the snapshot of the directory in which the live walk is. 1: found; 0: no such snapshot, or not in it. */
static int try_here(struct at_call *q, const struct cephfs_walk *live, const char *rest)
{
	struct snap s = { .time = q->time };
	int r = each_snap(&q->call, cephfs_walk_inode(live), take_newest, &s);

	if (r < 0 || s.id == 0)
		return r;
	q->covered = true;
	r = walk_snap(q, cephfs_walk_stat(live)->stx_ino, s.id, rest);
	return r == -ENOENT || r == -ENOTDIR || r == -ESTALE ? 0 : r;
}

/* From the root down, so that directories count by the names that they had then, as long as a snapshot knows those. */
static int find_at(struct at_call *q, struct cephfs_walk *live)
{
	char name[VFS_NAME_MAX + 1];
	const char *rest = q->path, *end;
	int r = 1;

	while (r == 1 && S_ISDIR(cephfs_walk_stat(live)->stx_mode)) {
		r = try_here(q, live, rest);
		if (r != 0 || !*rest)
			return r;
		end = strchrnul(rest, '/');
		memcpy(name, rest, (size_t)(end - rest));
		name[end - rest] = '\0';
		r = cephfs_walk_folded(live, name, q->a, &q->disk);
		rest = *end ? end + 1 : end;
	}
	return r == 1 || r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static void lookup_at_blocking(void *arg)
{
	struct at_call *q = arg;
	struct cephfs_walk live;
	int r = cephfs_walk_begin(&live, &q->call);

	if (r == 0)
		r = find_at(q, &live);
	cephfs_walk_end(&live);
	q->call.result = r < 0 ? r : q->covered ? 0 : -ENOENT;
}

int cephfs_lookup_at(struct vfs *v, const struct cred *c, const char *path, int64_t time, struct arena *a,
		     struct vfs_name *ret)
{
	struct at_call q = { .call = { .v = cephfs_of(v), .c = c }, .path = path, .time = time, .a = a, .disk = "" };
	int r = vfs_path_check(path);

	if (r == 0)
		r = (int)cephfs_run(&q.call, lookup_at_blocking);
	if (r == 0)
		r = cephfs_name_make(a, q.exists ? q.disk : path, q.exists, &q.st, ret);
	if (r == 0)
		ret->snapshot = q.handle;
	return r;
}

/* --- all of them --- */

struct list_call {
	struct ceph_call call;
	uint64_t dir;
	int64_t *times;
	size_t n, cap;
};

static int add_time(void *arg, const struct snap *s)
{
	struct list_call *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		int64_t *times = reallocarray(l->times, cap, sizeof(*times));

		if (!times)
			return -ENOMEM;
		l->times = times;
		l->cap = cap;
	}
	l->times[l->n++] = s->time;
	return 0;
}

/* Of the directory as it is now: ".snap" is not in snapshots. */
static void list_blocking(void *arg)
{
	struct list_call *l = arg;
	vinodeno_t vino = { .ino = { l->dir }, .snapid = { CEPHFS_LIVE } };
	Inode *in;
	int r = ceph_ll_lookup_vino(l->call.cm, vino, &in);

	if (r == 0) {
		r = each_snap(&l->call, in, add_time, l);
		(void)ceph_ll_put(l->call.cm, in);
	}
	l->call.result = r == -ENOENT || r == -ESTALE ? 0 : r;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* Sorts, and leaves one of each second. */
static void put_in_order(struct list_call *l)
{
	size_t i, n = 0;

	qsort(l->times, l->n, sizeof(*l->times), newest_first);
	for (i = 0; i < l->n; i++)
		if (n == 0 || l->times[i] != l->times[n - 1])
			l->times[n++] = l->times[i];
	l->n = n;
}

int cephfs_snapshots(const struct vfs_file *f, struct arena *a, int64_t **ret, size_t *ret_n)
{
	const struct cephfs_file *cf = cephfs_file_of(f);
	struct list_call l = {
		.call = { .v = cephfs_of(f->vfs) }, .dir = f->type == VFS_DIR ? f->key.ino : cf->parent,
	};
	int64_t *times = NULL;
	int r = l.dir ? (int)cephfs_run(&l.call, list_blocking) : 0;

	if (r == 0 && l.n > 0) {
		put_in_order(&l);
		times = arena_memdup(a, l.times, l.n * sizeof(*l.times));
		r = times ? 0 : -ENOMEM;
	}
	free(l.times);
	if (r < 0)
		return r;
	*ret = times;
	*ret_n = l.n;
	return 0;
}
