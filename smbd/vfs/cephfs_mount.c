/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mounts of libcephfs: one for all shares and workers of the process that name the same file system in the same way. The lock
 * guards the table; a mount's own lock lets one thread of the pool mount it while others wait.
 */
#include "smbd/vfs/cephfs_priv.h"

#include <stdio.h>

#include "node/base/hash.h"
#include "node/conf/share_path.h"
#include "node/log/log.h"

#define THREADS 64
#define MOUNT_TIMEOUT_S 30

/* Seeds of the two halves of a volume's id. Part of the format: never change. */
#define SEED_VOLUME_LO 0x63667331u
#define SEED_VOLUME_HI 0x63667332u

struct cephfs_mount {
	struct list link;
	unsigned int refs; /* under the table's lock */
	unsigned int index; /* below CEPHFS_MOUNTS_MAX: part of its session's name */
	struct share_path path; /* which cluster and file system; `path.path` does not count */
	pthread_mutex_t mounting;
	struct ceph_mount_info *cm; /* NULL: not yet */
	struct guid volume;
	struct cephfs_snap_times snap_times;
	struct offload_job ending;
};

static struct {
	pthread_mutex_t lock;
	struct list mounts;
	bool used[CEPHFS_MOUNTS_MAX]; /* indexes, those of mounts that are being ended as well */
	struct offload_pool *pool;
} table = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.mounts = LIST_INIT(table.mounts),
};

struct offload_pool *cephfs_pool(void)
{
	struct offload_pool *p;

	pthread_mutex_lock(&table.lock);
	if (!table.pool)
		(void)offload_pool_new("cephfs", THREADS, &table.pool);
	p = table.pool;
	pthread_mutex_unlock(&table.lock);
	return p;
}

static int set(struct ceph_mount_info *cm, const char *option, const char *value)
{
	int r = ceph_conf_set(cm, option, value);

	if (r < 0)
		log_err("CephFS: an option is not known to libcephfs: option=%s error=%s", option, log_errno(r));
	return r;
}

/* What our promises rest on, whatever Ceph's configuration says. */
static int configure(struct ceph_mount_info *cm)
{
	static const char *const options[][2] = {
		/* no buffered data: a write that returned is on the OSDs, a fenced one fails */
		{ "client_oc", "false" },
		/* users are checked in the library, as the user of each call */
		{ "client_permissions", "true" },
		{ "fuse_default_permissions", "false" },
		{ "client_acl_type", "posix_acl" },
		{ "client_snapdir", CEPHFS_SNAPDIR },
		/* a client that was shut out stays out: what it holds in memory belongs to others */
		{ "client_reconnect_stale", "false" },
		{ "log_to_stderr", "false" },
		{ "err_to_stderr", "false" },
		{ "log_file", "" },
		{ "admin_socket", "" },
	};
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(options) && r >= 0; i++)
		r = set(cm, options[i][0], options[i][1]);
	return r;
}

int cephfs_handle_new(const struct share_path *p, struct ceph_mount_info **ret)
{
	struct ceph_mount_info *cm;
	int r = ceph_create(&cm, p->id ?: "admin");

	if (r < 0)
		return r;
	r = ceph_conf_read_file(cm, p->conf);
	if (r < 0)
		log_err("CephFS: Ceph's configuration cannot be read: file=%s error=%s",
			p->conf ?: "/etc/ceph/ceph.conf", log_errno(r));
	if (r >= 0)
		r = configure(cm);
	if (r >= 0 && p->keyring)
		r = set(cm, "keyring", p->keyring);
	if (r >= 0 && p->fs)
		r = ceph_select_filesystem(cm, p->fs);
	if (r >= 0)
		r = ceph_init(cm);
	if (r < 0) {
		(void)ceph_release(cm);
		return r;
	}
	(void)ceph_set_mount_timeout(cm, MOUNT_TIMEOUT_S);
	*ret = cm;
	return 0;
}

/* The same on every node: the cluster's uuid and the number of the file system. */
static int identify(struct ceph_mount_info *cm, struct guid *ret)
{
	struct {
		char fsid[40];
		int64_t cid;
	} id = { .cid = ceph_get_fs_cid(cm) };
	UserPerm *root = ceph_mount_perms(cm);
	uint64_t half;
	Inode *in;
	int r = id.cid < 0 ? (int)id.cid : ceph_ll_lookup_root(cm, &in);

	if (r < 0)
		return r;
	r = ceph_ll_getxattr(cm, in, "ceph.cluster_fsid", id.fsid, sizeof(id.fsid), root);
	(void)ceph_ll_put(cm, in);
	if (r < 0)
		return r;
	half = hash64(&id, sizeof(id), SEED_VOLUME_LO);
	memcpy(ret->b, &half, 8);
	half = hash64(&id, sizeof(id), SEED_VOLUME_HI);
	memcpy(ret->b + 8, &half, 8);
	return 0;
}

static void say_why(const struct share_path *p, int r)
{
	const char *why = r == -ENOENT	    ? " (is there a file system of this name, and a key for this user?)" :
			  r == -ETIMEDOUT   ? " (no monitor or no MDS answers)" :
			  r == -EACCES || r == -EPERM ? " (Ceph refuses the key of this user)" :
							"";

	log_err("CephFS cannot be mounted: fs=%s user=client.%s error=%s%s", p->fs ?: "(the default)", p->id ?: "admin",
		log_errno(r), why);
}

static int mount_it(struct cephfs_mount *m)
{
	struct ceph_mount_info *cm = NULL;
	int r = cephfs_handle_new(&m->path, &cm);

	if (r >= 0) {
		cephfs_fence_before_mount(&m->path, cm, m->index);
		r = ceph_mount(cm, "/");
	}
	if (r >= 0) {
		(void)ceph_umask(cm, 0); /* a file's mode comes from the directory that it is made in */
		r = identify(cm, &m->volume);
	}
	if (r < 0) {
		r = r <= -CEPHFS_ERROR_MON_MAP_BUILD ? -ENOENT : r; /* errors of its own beyond errno's */
		say_why(&m->path, r);
		if (cm)
			ceph_shutdown(cm);
		return r;
	}
	log_info("CephFS is mounted: fs=%s user=client.%s client=%llu", m->path.fs ?: "(the default)",
		 m->path.id ?: "admin", (unsigned long long)ceph_get_instance_id(cm));
	m->cm = cm;
	return 0;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct cephfs_mount *find(const struct share_path *p)
{
	struct cephfs_mount *m;

	list_foreach(m, &table.mounts, link)
		if (same(m->path.fs, p->fs) && same(m->path.conf, p->conf) && same(m->path.id, p->id) &&
		    same(m->path.keyring, p->keyring))
			return m;
	return NULL;
}

static int mount_new(const struct share_path *p, struct cephfs_mount **ret)
{
	struct cephfs_mount *m;
	unsigned int i = 0;
	int r;

	while (i < CEPHFS_MOUNTS_MAX && table.used[i])
		i++;
	if (i == CEPHFS_MOUNTS_MAX) {
		log_err("CephFS: shares name more than %u different file systems or users", CEPHFS_MOUNTS_MAX);
		return -EMFILE;
	}
	m = calloc(1, sizeof(*m));
	r = m ? share_path_copy(p, &m->path) : -ENOMEM;
	if (r < 0) {
		free(m);
		return r;
	}
	m->index = i;
	table.used[i] = true;
	pthread_mutex_init(&m->mounting, NULL);
	pthread_mutex_init(&m->snap_times.lock, NULL);
	list_append(&table.mounts, &m->link);
	*ret = m;
	return 0;
}

int cephfs_mount_get(const struct share_path *p, struct cephfs_mount **ret)
{
	struct cephfs_mount *m;
	int r = 0;

	pthread_mutex_lock(&table.lock);
	m = find(p);
	if (!m)
		r = mount_new(p, &m);
	if (r == 0)
		m->refs++;
	pthread_mutex_unlock(&table.lock);
	if (r < 0)
		return r;
	pthread_mutex_lock(&m->mounting);
	r = m->cm ? 0 : mount_it(m);
	pthread_mutex_unlock(&m->mounting);
	if (r < 0) {
		cephfs_mount_unref(m);
		return r;
	}
	*ret = m;
	return 0;
}

struct cephfs_mount *cephfs_mount_ref(struct cephfs_mount *m)
{
	pthread_mutex_lock(&table.lock);
	m->refs++;
	pthread_mutex_unlock(&table.lock);
	return m;
}

static void unmount(void *arg)
{
	struct cephfs_mount *m = arg;

	if (m->cm)
		ceph_shutdown(m->cm);
	pthread_mutex_lock(&table.lock);
	table.used[m->index] = false;
	pthread_mutex_unlock(&table.lock);
	pthread_mutex_destroy(&m->mounting);
	pthread_mutex_destroy(&m->snap_times.lock);
	share_path_done(&m->path);
	free(m);
}

void cephfs_mount_unref(struct cephfs_mount *m)
{
	bool last;

	pthread_mutex_lock(&table.lock);
	last = --m->refs == 0;
	if (last)
		list_remove(&m->link);
	pthread_mutex_unlock(&table.lock);
	if (!last)
		return;
	m->ending = (struct offload_job){ .fn = unmount, .arg = m };
	offload_pool_post(table.pool, &m->ending);
}

struct ceph_mount_info *cephfs_mount_cm(const struct cephfs_mount *m)
{
	return m->cm;
}

struct cephfs_snap_times *cephfs_mount_snap_times(struct cephfs_mount *m)
{
	return &m->snap_times;
}

const struct guid *cephfs_mount_volume(const struct cephfs_mount *m)
{
	return &m->volume;
}

const struct share_path *cephfs_mount_path(const struct cephfs_mount *m)
{
	return &m->path;
}

size_t cephfs_mounts(struct cephfs_mount **ret, size_t max)
{
	struct cephfs_mount *m;
	size_t n = 0;

	pthread_mutex_lock(&table.lock);
	list_foreach(m, &table.mounts, link) {
		if (n < max) {
			m->refs++;
			ret[n++] = m;
		}
	}
	pthread_mutex_unlock(&table.lock);
	return n;
}

void cephfs_end(void)
{
	/* runs what is left: files that are being closed, mounts without users */
	offload_pool_free(TAKE_PTR(table.pool));
}
