/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files by handle: names without case, what leads out, identities, attributes, listings longer than one batch. On a mounted
 * file system; with HF_TEST_CEPHFS (a Ceph configuration file) on the CephFS of that cluster.
 */
#include "tests/unit/test.h"

#include <cephfs/libcephfs.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "node/loop/io.h"
#include "smbd/vfs/vfs.h"

#define UID_A 54321u
#define UID_B 54322u

static char dir[64];
static struct ceph_mount_info *ceph; /* NULL: a mounted file system */
static struct vfs *vfs;
static struct cred_table *table;
static struct cred *cred;
static struct arena arena;

/* Every test runs in a task of a loop of its own. */
struct run {
	void (*fn)(void);
	struct loop *loop;
};

static void run_task(void *arg)
{
	struct run *r = arg;
	char path[256];

	snprintf(path, sizeof(path), ceph ? "cephfs:%s?conf=%s" : "%s", dir, getenv("HF_TEST_CEPHFS"));
	arena_init(&arena, 0);
	assert_int_equal(cred_table_new(r->loop, &table), 0);
	assert_int_equal(cred_get(table, geteuid() ? geteuid() : UID_A, getegid(), NULL, 0, &cred), 0);
	assert_int_equal(vfs_new(path, &vfs), 0);
	r->fn();
	vfs_unref(vfs);
	cred_unref(cred);
	cred_table_free(table);
	arena_reset(&arena);
	loop_stop(r->loop);
}

static void body(void (*fn)(void))
{
	const struct loop_config cfg = { .name = "test", .stack_size = 256 * 1024 };
	struct run r = { .fn = fn };

	assert_int_equal(loop_new(&cfg, &r.loop), 0);
	assert_int_equal(task_spawn(r.loop, run_task, &r, NULL), 0);
	assert_int_equal(loop_run(r.loop), 0);
	loop_free(r.loop);
}

static int setup_ceph(void)
{
	static unsigned int n;

	snprintf(dir, sizeof(dir), "/hf-vfs-%ld-%u", (long)getpid(), n++);
	return ceph_mkdir(ceph, dir, 0755) < 0 || (!geteuid() && ceph_chown(ceph, dir, UID_A, (int)getegid()) < 0) ? -1 : 0;
}

static int setup(void **state)
{
	if (ceph)
		return setup_ceph();
	snprintf(dir, sizeof(dir), "%s/hf-vfs-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	return geteuid() ? 0 : chown(dir, UID_A, getegid());
}

static int teardown(void **state)
{
	char cmd[128];

	if (ceph)
		return 0; /* the cluster goes as a whole */
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

static struct vfs_file *make(const char *path, unsigned int flags)
{
	struct vfs_file *f = NULL;

	assert_int_equal(vfs_open(vfs, cred, path, flags | VFS_CREATE, flags & VFS_DIRECTORY ? 0755 : 0644, &f), 0);
	return f;
}

static struct vfs_name look(const char *path)
{
	struct vfs_name n = { 0 };

	assert_int_equal(vfs_lookup(vfs, cred, path, &arena, &n), 0);
	return n;
}

static void names_body(void)
{
	struct vfs_name n;

	vfs_close(make("Ordner", VFS_DIRECTORY));
	vfs_close(make("Ordner/\xc3\x84pfel \xe2\x82\xac.TXT", VFS_READ | VFS_WRITE));
	n = look("oRDNER/\xc3\xa4PFEL \xe2\x82\xac.txt");
	assert_true(n.exists);
	assert_string_equal(n.path, "Ordner/\xc3\x84pfel \xe2\x82\xac.TXT");
	assert_string_equal(n.parent, "Ordner");
	assert_int_equal(n.st.type, VFS_FILE);
	n = look("ORDNER/new");
	assert_false(n.exists);
	assert_string_equal(n.path, "Ordner/new");
	n = look("");
	assert_true(n.exists && n.st.type == VFS_DIR);
	assert_int_equal(vfs_lookup(vfs, cred, "nowhere/x", &arena, &n), -ENOENT);
	assert_int_equal(vfs_lookup(vfs, cred, "a/../b", &arena, &n), -EINVAL);
	assert_int_equal(vfs_lookup(vfs, cred, "a//b", &arena, &n), -EINVAL);
	assert_int_equal(vfs_lookup(vfs, cred, "/etc/passwd", &arena, &n), -EINVAL);
	assert_int_equal(vfs_lookup(vfs, cred, "ordner/\xc3\xa4PFEL \xe2\x82\xac.txt/x", &arena, &n), -ENOTDIR);
}

static void link_at(const char *name, const char *target)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(ceph ? ceph_symlink(ceph, target, path) : symlink(target, path), 0);
}

static void symlinks_body(void)
{
	struct vfs_file *f;
	struct vfs_name n;

	vfs_close(make("real", VFS_WRITE));
	link_at("in", "real");
	link_at("out", "/etc/passwd");
	link_at("up", "../../etc/passwd");
	vfs_close(make("sub", VFS_DIRECTORY));
	link_at("sub/back", "../real");
	link_at("sub/round", "../sub/round");
	assert_true(look("in").exists);
	assert_int_equal(vfs_lookup(vfs, cred, "out", &arena, &n), -EXDEV);
	assert_int_equal(vfs_lookup(vfs, cred, "up", &arena, &n), -EXDEV);
	assert_true(look("SUB/BACK").exists);
	assert_int_equal(vfs_lookup(vfs, cred, "sub/round", &arena, &n), -ELOOP);
	assert_int_equal(vfs_open(vfs, cred, "up", VFS_READ, 0, &f), -EXDEV);
}

static void handles_body(void)
{
	struct vfs_file *f = make("one", VFS_READ | VFS_WRITE), *g = NULL;
	const char *where;
	char buf[8] = "";

	assert_int_equal(vfs_write(f, "hello", 5, 4096ull << 20, true), 5); /* beyond 4 GiB */
	assert_int_equal(vfs_rename(vfs, cred, "one", "two", false), 0);
	assert_int_equal(vfs_path_of(f, &arena, &where), 0);
	assert_string_equal(where, "two");
	if (f->handle.len && geteuid() == 0) {
		assert_int_equal(vfs_open_handle(vfs, &f->handle, "two", VFS_READ, &g), 0);
		assert_memory_equal(&g->key, &f->key, sizeof(g->key));
		assert_int_equal(vfs_read(g, buf, sizeof(buf), 4096ull << 20), 5);
		assert_string_equal(buf, "hello");
		assert_int_equal(vfs_write(g, "x", 1, 0, false), -EBADF);
		assert_int_equal(vfs_truncate(g, cred, 0), -EBADF);
		vfs_close(g);
	}
	vfs_close(make("three", VFS_WRITE));
	assert_int_equal(vfs_rename(vfs, cred, "three", "two", false), -EEXIST);
	assert_int_equal(vfs_remove(vfs, cred, "three", false, &f->key), -ESTALE);
	assert_int_equal(vfs_remove(vfs, cred, "two", false, &f->key), 0);
	assert_int_equal(vfs_path_of(f, &arena, &where), -ENOENT);
	vfs_close(f);
}

static void attributes_body(void)
{
	const struct timespec omit = { .tv_nsec = UTIME_OMIT }, birth = { .tv_sec = -86400 }, when = { 1000, 500 };
	struct vfs_setattr s = { .atime = omit, .mtime = when, .btime = birth, .set_attrs = true, .dos_attrs = 0x2 };
	const struct vfs_setattr sparse = { .atime = omit, .mtime = omit, .btime = omit, .set_sparse = true, .sparse = true };
	struct vfs_file *f = make("attrs", VFS_READ | VFS_WRITE);
	struct vfs_stat st;

	assert_int_equal(vfs_stat(f, &st), 0);
	assert_int_equal(st.dos_attrs, 0x20);
	assert_int_equal(vfs_setattr(f, cred, &s), 0);
	assert_int_equal(vfs_stat(f, &st), 0);
	assert_int_equal(st.dos_attrs, 0x2);
	assert_int_equal(vfs_setattr(f, cred, &sparse), 0);
	assert_int_equal(vfs_setattr(f, cred, &s), 0);
	assert_int_equal(vfs_stat(f, &st), 0);
	assert_int_equal(st.dos_attrs, 0x202);
	assert_int_equal(st.mtime.tv_sec, 1000);
	assert_int_equal(st.btime.tv_sec, -86400);
	vfs_close(f);
}

static void identity_body(void)
{
	struct vfs_file *f = make("mine", VFS_WRITE), *g = NULL;
	struct cred *other;
	struct vfs_stat st;
	unsigned int acc;

	if (geteuid()) {
		vfs_close(f);
		return;
	}
	assert_int_equal(vfs_stat(f, &st), 0);
	assert_int_equal(st.uid, UID_A);
	assert_int_equal(vfs_chmod(f, cred, 0600), 0);
	assert_int_equal(cred_get(table, UID_B, UID_B, NULL, 0, &other), 0);
	assert_int_equal(vfs_open(vfs, other, "mine", VFS_READ, 0, &g), -EACCES);
	assert_int_equal(vfs_open(vfs, other, "theirs", VFS_WRITE | VFS_CREATE, 0644, &g), -EACCES);
	assert_int_equal(vfs_access(vfs, other, f, &acc), 0);
	assert_int_equal(acc, 0);
	assert_int_equal(vfs_access(vfs, cred, f, &acc), 0);
	assert_int_equal(acc, VFS_READ | VFS_WRITE);
	assert_int_equal(vfs_may_delete(vfs, other, "mine"), -EACCES);
	assert_int_equal(vfs_may_delete(vfs, cred, "mine"), 0);
	cred_unref(other);
	vfs_close(f);
	assert_int_equal(geteuid(), 0);
}

static void listing_body(void)
{
	struct vfs_file *d = make("many", VFS_DIRECTORY | VFS_READ);
	unsigned int i, n = 0, round;
	struct vfs_dirent e;
	struct vfs_dir *l;
	char path[64];
	struct vfs_stat st;

	for (i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "many/file-with-a-name-%05u", i);
		vfs_close(make(path, VFS_WRITE));
	}
	assert_int_equal(vfs_dir_new(d, &l), 0);
	for (round = 0; round < 2; round++) {
		for (n = 0; vfs_dir_next(l, &e) == 1; n++) {
			if (n == 7) {
				vfs_dir_unget(l);
				assert_int_equal(vfs_dir_next(l, &e), 1);
			}
		}
		assert_int_equal(n, 5002);
		vfs_dir_rewind(l);
	}
	vfs_dir_free(l);
	assert_int_equal(vfs_dir_stat(d, cred, "file-with-a-name-00042", &st), 0);
	assert_int_equal(st.type, VFS_FILE);
	vfs_close(d);
}

static void inherit_body(void)
{
	struct vfs_file *d = make("team", VFS_DIRECTORY | VFS_READ), *f = NULL;
	mode_t old = umask(0);
	struct vfs_stat st;

	assert_int_equal(vfs_chmod(d, cred, 0770), 0);
	assert_int_equal(vfs_open(vfs, cred, "team/file", VFS_WRITE | VFS_CREATE, VFS_MODE_INHERIT, &f), 0);
	assert_int_equal(vfs_stat(f, &st), 0);
	assert_int_equal(st.mode, 0660);
	vfs_close(f);
	assert_int_equal(vfs_open(vfs, cred, "team/sub", VFS_DIRECTORY | VFS_CREATE, VFS_MODE_INHERIT, &f), 0);
	assert_int_equal(vfs_stat(f, &st), 0);
	assert_int_equal(st.mode, 0770);
	vfs_close(f);
	vfs_close(d);
	umask(old);
}

/* --- snapshots: on CephFS; what is mounted has none --- */

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

static void snapshots_body(void)
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

#define BODY(name) static void test_##name(void **state) { body(name##_body); }
BODY(names)
BODY(symlinks)
BODY(handles)
BODY(attributes)
BODY(identity)
BODY(listing)
BODY(inherit)
BODY(snapshots)

static int mount_ceph(const char *conf)
{
	if (ceph_create(&ceph, "admin") < 0 || ceph_conf_read_file(ceph, conf) < 0 || ceph_mount(ceph, "/") < 0) {
		print_error("no CephFS by %s\n", conf);
		return -1;
	}
	(void)ceph_umask(ceph, 0);
	return 0;
}

static int every_test(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_symlinks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_attributes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inherit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_snapshots, setup, teardown),
	};

	return cmocka_run_group_tests_name("vfs", tests, NULL, NULL);
}

int main(void)
{
	const char *conf = getenv("HF_TEST_CEPHFS");
	int r = conf ? mount_ceph(conf) : 0;

	if (r < 0 || offload_start(0) < 0)
		return 1;
	r = every_test();
	if (ceph)
		ceph_shutdown(ceph);
	vfs_end();
	offload_stop();
	return r;
}
