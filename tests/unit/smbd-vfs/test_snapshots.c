/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots: on CephFS; what is mounted has none. */
#include "tests/unit/smbd-vfs/test_vfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>


static void snap(const char *of, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s%s", dir, *of ? "/" : "", of);
	assert_int_equal(ceph_mksnap(ceph, path, name, 0755, NULL, 0), 0);
}

static void rewrite(const char *path, const char *text)
{
	struct vfs_file *f = NULL;

	assert_int_equal(vfs_open(vfs, cred, path, VFS_READ | VFS_WRITE, 0, &f), 0);
	assert_int_equal(vfs_truncate(f, cred, 0), 0);
	assert_int_equal(vfs_write(f, text, strlen(text), 0, true), strlen(text));
	vfs_close(f);
}

static int64_t *times_of(const char *path, size_t *n)
{
	struct vfs_file *f = NULL;
	int64_t *t = NULL;

	assert_int_equal(vfs_open(vfs, cred, path, VFS_PATH, 0, &f), 0);
	assert_int_equal(vfs_snapshots(f, &arena, &t, n), 0);
	vfs_close(f);
	return t;
}

/* Opens `path` as it was at `time`; NULL: it was not there. */
static struct vfs_file *past(const char *path, int64_t time)
{
	struct vfs_name n = { 0 };
	struct vfs_file *f = NULL;

	assert_int_equal(vfs_lookup_at(vfs, cred, path, time, &arena, &n), 0);
	if (n.exists)
		assert_int_equal(vfs_open_at(vfs, cred, &n, VFS_READ, &f), 0);
	return f;
}

static void assert_past(const char *path, int64_t time, const char *text)
{
	struct vfs_file *f = past(path, time);
	char buf[32] = "";

	assert_non_null(f);
	assert_true(f->snapshot);
	assert_int_equal(vfs_read(f, buf, sizeof(buf) - 1, 0), strlen(text));
	assert_string_equal(buf, text);
	vfs_close(f);
}

static void assert_fixed(struct vfs_file *f)
{
	const struct timespec omit = { .tv_nsec = UTIME_OMIT };
	const struct vfs_setattr s = { .atime = omit, .mtime = omit, .btime = omit, .set_attrs = true };
	struct vfs_file *g;

	assert_int_equal(vfs_write(f, "x", 1, 0, false), -EROFS);
	assert_int_equal(vfs_truncate(f, cred, 0), -EROFS);
	assert_int_equal(vfs_allocate(f, 4096), -EROFS);
	assert_int_equal(vfs_zero(f, 0, 1, true), -EROFS);
	assert_int_equal(vfs_setattr(f, cred, &s), -EROFS);
	assert_int_equal(vfs_chmod(f, cred, 0777), -EROFS);
	assert_int_equal(vfs_link(vfs, cred, f, "another"), -EROFS);
	assert_int_equal(vfs_flush(f), -EROFS);
	assert_int_equal(vfs_reopen(f, cred, VFS_READ | VFS_WRITE, &g), -EROFS);
}

/* Identity, handle and listing of what is gone but for its snapshot. */
static void check_gone(int64_t time, const struct vfs_key *live)
{
	struct vfs_file *f = past("Top/Mid/file", time), *d, *g = NULL;
	struct vfs_dirent e;
	struct vfs_stat st;
	struct vfs_dir *l;
	const char *where;
	unsigned int n = 0;

	assert_non_null(f);
	assert_int_equal(f->key.ino, live->ino);
	assert_int_not_equal(f->key.generation, live->generation);
	assert_int_equal(vfs_path_of(f, &arena, &where), 0);
	assert_string_equal(where, "Top/Mid/file");
	assert_fixed(f);
	assert_int_equal(vfs_open_handle(vfs, &f->handle, where, VFS_READ, &g), 0);
	assert_true(g->snapshot);
	assert_memory_equal(&g->key, &f->key, sizeof(g->key));
	vfs_close(g);
	vfs_close(f);
	d = past("top/MID", time);
	assert_non_null(d);
	assert_int_equal(d->type, VFS_DIR);
	assert_int_equal(vfs_dir_new(d, &l), 0);
	while (vfs_dir_next(l, &e) == 1) {
		if (e.name[0] == '.')
			continue;
		n++;
		assert_int_equal(vfs_dir_stat(d, cred, e.name, &st), 0);
		if (strcmp(e.name, "link") == 0)
			assert_int_equal(st.size, 3); /* of the old file, not of today's */
	}
	assert_int_equal(n, 2);
	vfs_dir_free(l);
	vfs_close(d);
}

static void on_cephfs(void)
{
	struct vfs_key live;
	struct vfs_file *f;
	struct vfs_name n;
	int64_t *t;
	size_t k;

	vfs_close(make("Top", VFS_DIRECTORY));
	vfs_close(make("Top/Mid", VFS_DIRECTORY));
	f = make("Top/Mid/file", VFS_READ | VFS_WRITE);
	live = f->key;
	vfs_close(f);
	link_at("Top/Mid/link", "file");
	rewrite("Top/Mid/file", "one");
	snap("", "whole");
	usleep(1100000);
	rewrite("Top/Mid/file", "second");
	/* two within a second, as long as the clock does not tick between them: they are one or two times */
	snap("Top", "mid1");
	rewrite("Top/Mid/file", "the third");
	snap("Top", "mid2");
	usleep(1100000);
	rewrite("Top/Mid/file", "now");
	t = times_of("Top/Mid/file", &k);
	assert_in_range(k, 2, 3);
	assert_true(t[0] > t[1] && (k == 2 || t[1] > t[2]));
	assert_past("TOP/mid/FILE", t[0], "the third");
	assert_past("Top/Mid/file", t[k - 1], "one");
	assert_past("Top/Mid/link", t[k - 1], "one");
	if (k == 3)
		assert_past("Top/Mid/file", t[1], "second");
	assert_int_equal(vfs_lookup_at(vfs, cred, "Top/Mid/file", t[0] + 1, &arena, &n), -ENOENT);
	assert_int_equal(vfs_lookup_at(vfs, cred, "Top/Mid/file", t[k - 1] - 1, &arena, &n), -ENOENT);
	/* the root has no snapshot of that time */
	assert_int_equal(vfs_lookup_at(vfs, cred, "", t[0], &arena, &n), -ENOENT);
	assert_null(past("Top/Mid/none", t[0]));
	assert_null(past("Top/none/none", t[0]));
	assert_null(past("Top/Mid/file/none", t[0]));
	assert_int_equal(vfs_lookup_at(vfs, cred, ".snap/whole", t[k - 1], &arena, &n), 0);
	assert_false(n.exists);
	assert_int_equal(vfs_lookup(vfs, cred, ".snap", &arena, &n), 0);
	assert_false(n.exists);
	/* moved since: today's name leads there, and so does that of then */
	assert_int_equal(vfs_rename(vfs, cred, "Top/Mid", "Top/Moved", false), 0);
	assert_past("Top/Moved/file", t[k - 1], "one");
	assert_past("Top/Mid/file", t[k - 1], "one");
	assert_int_equal(vfs_remove(vfs, cred, "Top/Moved/file", false, NULL), 0);
	assert_int_equal(vfs_remove(vfs, cred, "Top/Moved/link", false, NULL), 0);
	assert_int_equal(vfs_remove(vfs, cred, "Top/Moved", true, NULL), 0);
	check_gone(t[k - 1], &live);
	vfs_close(make("Top/new", VFS_DIRECTORY));
	(void)times_of("Top/new", &k);
	assert_int_equal(k, 0);
}

void snapshots_body(void)
{
	struct vfs_name n;
	size_t k = 1;

	if (ceph) {
		on_cephfs();
		return;
	}
	vfs_close(make("file", VFS_WRITE));
	assert_null(times_of("file", &k));
	assert_int_equal(k, 0);
	assert_int_equal(vfs_lookup_at(vfs, cred, "file", 1000000000, &arena, &n), -ENOENT);
}
