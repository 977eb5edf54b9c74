/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files by handle: names without case, what leads out, identities, attributes, listings longer than one batch, snapshots; all
 * of that with few descriptors too. On a mounted file system; with HF_TEST_CEPHFS (a Ceph configuration file) on the CephFS of
 * that cluster.
 */
#include "tests/unit/smbd-vfs/test_vfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "node/loop/io.h"

#define UID_A 54321u
#define UID_B 54322u

char dir[64];
struct ceph_mount_info *ceph;
struct vfs *vfs;
static struct cred_table *table;
struct cred *cred;
struct arena arena;

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

#define CACHE 1u /* what a thread may hold in the runs with few descriptors */

static bool few;

static int setup_dir(void)
{
	if (ceph)
		return setup_ceph();
	snprintf(dir, sizeof(dir), "%s/hf-vfs-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	return geteuid() ? 0 : chown(dir, UID_A, getegid());
}

static int setup(void **state)
{
	few = false;
	vfs_set_descriptors(1000);
	return setup_dir();
}

static int setup_few(void **state)
{
	few = true;
	vfs_set_descriptors(CACHE);
	return setup_dir();
}

static int teardown(void **state)
{
	char cmd[128];

	if (ceph)
		return 0; /* the cluster goes as a whole */
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd);
}

struct vfs_file *make(const char *path, unsigned int flags)
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

void link_at(const char *name, const char *target)
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
			if (n % 100 == 0)
				assert_int_equal(vfs_stat(d, &st), 0); /* another descriptor in between */
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

/* --- descriptors that come and go --- */

#define MANY 40u
#define CLIENTS 16u
#define ROUNDS 200u

static struct vfs_fds fds(void)
{
	struct vfs_fds n;

	vfs_descriptors(&n);
	return n;
}

/* Whether files here come back by their handle. */
static bool come_back(void)
{
	struct vfs_fsinfo i = { 0 };

	assert_int_equal(vfs_fsinfo(vfs, &i), 0);
	return !ceph && i.handles;
}

/* Far more open files than descriptors; each keeps its data, its flags and its name, also without permissions. */
static void many_body(void)
{
	struct vfs_file *f[MANY];
	char name[32], buf[32];
	unsigned int i, round;
	struct vfs_stat st;
	const char *where;

	if (!come_back())
		return;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		f[i] = make(name, i % 5 == 4 ? VFS_PATH : i % 3 ? VFS_READ | VFS_WRITE : VFS_WRITE);
		assert_int_equal(vfs_chmod(f[i], cred, 0), 0);
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < MANY; i++) {
			snprintf(name, sizeof(name), "f%u", i);
			assert_int_equal(vfs_path_of(f[i], &arena, &where), 0);
			assert_string_equal(where, name);
			if (i % 5 == 4) {
				assert_int_equal(vfs_write(f[i], name, strlen(name), 0, false), -EBADF);
				assert_int_equal(vfs_stat(f[i], &st), 0);
				assert_int_equal(st.ino, f[i]->key.ino);
				continue;
			}
			assert_int_equal(vfs_write(f[i], name, strlen(name), 0, round == 1), strlen(name));
			assert_int_equal(vfs_flush(f[i]), 0);
			assert_int_equal(vfs_read(f[i], buf, sizeof(buf), 0), i % 3 ? (int)strlen(name) : -EBADF);
			assert_true(i % 3 == 0 || memcmp(buf, name, strlen(name)) == 0);
		}
		assert_in_range(fds().held, 1, CACHE);
	}
	assert_true(fds().opened_again >= 2 * MANY);
	for (i = 0; i < MANY; i++)
		vfs_close(f[i]);
	assert_int_equal(fds().held, 0);
}

/* A file that others removed: what has a descriptor keeps it, what has none is gone. */
static void removed_body(void)
{
	struct vfs_file *f = make("gone", VFS_READ | VFS_WRITE), *kept = make("kept", VFS_READ | VFS_WRITE), *more[CACHE + 1];
	char name[32], path[128], buf[8];
	struct vfs_stat st;
	unsigned int i;

	if (!come_back()) {
		vfs_close(f);
		vfs_close(kept);
		return;
	}
	snprintf(path, sizeof(path), "%s/kept", dir);
	assert_int_equal(vfs_write(kept, "here", 4, 0, false), 4);
	assert_int_equal(unlink(path), 0);
	for (i = 0; i < CACHE + 1; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		more[i] = make(name, VFS_WRITE);
	}
	snprintf(path, sizeof(path), "%s/gone", dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(vfs_read(kept, buf, 4, 0), 4);
	assert_memory_equal(buf, "here", 4);
	assert_int_equal(vfs_stat(f, &st), -EIDRM);
	assert_int_equal(vfs_read(f, buf, 4, 0), -EIDRM);
	for (i = 0; i < CACHE + 1; i++)
		vfs_close(more[i]);
	vfs_close(f);
	vfs_close(kept);
	assert_int_equal(fds().held, 0);
}

struct client {
	struct vfs_file **files;
	unsigned int number, *running;
	struct task *waiter;
};

static void client_run(void *arg)
{
	struct client *c = arg;
	uint64_t v, seed = c->number + 1;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int k;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		k = (unsigned int)(seed >> 33) % MANY;
		if (seed >> 63) {
			v = k;
			assert_int_equal(vfs_write(c->files[k], &v, sizeof(v), 8ull * c->number, false), sizeof(v));
		} else {
			v = k;
			assert_true(vfs_read(c->files[k], &v, sizeof(v), 8ull * c->number) >= 0);
			assert_true(v == k || v == 0);
		}
	}
	if (--*c->running == 0)
		task_wake(c->waiter);
}

/* Tasks that use the same few descriptors at once. */
static void contention_body(void)
{
	struct client c[CLIENTS];
	struct vfs_file *f[MANY];
	unsigned int i, running = CLIENTS;
	char name[32];

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		f[i] = make(name, VFS_READ | VFS_WRITE);
	}
	for (i = 0; i < CLIENTS; i++) {
		c[i] = (struct client){ f, i, &running, task_current() };
		assert_int_equal(task_spawn(loop_current(), client_run, &c[i], NULL), 0);
	}
	while (running > 0)
		(void)task_park();
	if (few && come_back()) {
		assert_in_range(fds().held, 1, CACHE + CLIENTS);
		assert_true(fds().opened_again > 0);
	}
	for (i = 0; i < MANY; i++)
		vfs_close(f[i]);
	assert_int_equal(fds().held, 0);
}

/* The process has no descriptor left: unused ones make room. */
static void shortage_body(void)
{
	struct rlimit old, low;
	struct vfs_file *f[MANY];
	char name[32];
	unsigned int i;

	if (!come_back())
		return;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ 60, old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	for (i = 0; i < 3 * MANY; i++) {
		snprintf(name, sizeof(name), "l%u", i);
		if (i >= MANY)
			vfs_close(f[i % MANY]);
		f[i % MANY] = make(name, VFS_WRITE);
		if (i == MANY / 2) {
			low.rlim_cur = fds().held + 8;
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		}
	}
	assert_true(fds().given_back > 0);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(vfs_write(f[i], "x", 1, 0, false), 1);
		vfs_close(f[i]);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
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
BODY(many)
BODY(removed)
BODY(contention)
BODY(shortage)

static int mount_ceph(const char *conf)
{
	if (ceph_create(&ceph, "admin") < 0 || ceph_conf_read_file(ceph, conf) < 0 || ceph_mount(ceph, "/") < 0) {
		print_error("no CephFS by %s\n", conf);
		return -1;
	}
	(void)ceph_umask(ceph, 0);
	return 0;
}

#define PLENTY(name) { #name, test_##name, setup, teardown, NULL }
#define FEW(name) { #name " with few descriptors", test_##name, setup_few, teardown, NULL }

static int every_test(void)
{
	const struct CMUnitTest tests[] = {
		PLENTY(names), PLENTY(symlinks), PLENTY(handles), PLENTY(attributes), PLENTY(identity), PLENTY(listing),
		PLENTY(inherit), PLENTY(snapshots), PLENTY(contention), PLENTY(shortage),
		FEW(names), FEW(symlinks), FEW(handles), FEW(attributes), FEW(identity), FEW(listing),
		FEW(inherit), FEW(snapshots), FEW(contention), FEW(many), FEW(removed),
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
