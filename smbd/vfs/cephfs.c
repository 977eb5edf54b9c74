/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vfs_cephfs: a share's root, calls on the pool, space and quota. */
#include "smbd/vfs/cephfs_priv.h"

#include <sys/statvfs.h>

#include "node/base/hash.h"
#include "node/conf/share_path.h"
#include "node/log/log.h"

#define SEED_SERIAL 0x63667373u
#define QUOTA_DEPTH 64

/* --- calls --- */

struct running {
	struct ceph_call *call;
	void (*fn)(void *call);
};

static void run_blocking(void *arg)
{
	struct running *r = arg;
	struct ceph_call *call = r->call;
	const struct cred *c = call->c;

	call->perm = c ? ceph_userperm_new(c->uid, c->gid, (int)c->n_groups, c->groups) : ceph_userperm_new(0, 0, 0, NULL);
	if (!call->perm) {
		call->result = -ENOMEM;
		return;
	}
	r->fn(call);
	ceph_userperm_destroy(call->perm);
	if (call->result == -ESHUTDOWN)
		cephfs_fenced();
}

int64_t cephfs_run(struct ceph_call *call, void (*fn)(void *call))
{
	struct running r = { .call = call, .fn = fn };

	call->cm = call->v->cm;
	call->result = 0;
	offload_pool_run(cephfs_pool(), run_blocking, &r);
	return call->result;
}

/* --- the root --- */

static void cephfs_free(struct vfs *v)
{
	struct cephfs *p = cephfs_of(v);

	if (p->root)
		(void)ceph_ll_put(p->cm, p->root);
	if (p->mount)
		cephfs_mount_unref(p->mount);
	free(p);
}

struct new_args {
	const struct share_path *path;
	struct cephfs *p;
	int result;
};

static void new_blocking(void *arg)
{
	struct new_args *n = arg;
	struct cephfs *p = n->p;
	struct ceph_statx sx;

	n->result = cephfs_mount_get(n->path, &p->mount);
	if (n->result < 0)
		return;
	p->cm = cephfs_mount_cm(p->mount);
	p->vfs.volume = *cephfs_mount_volume(p->mount);
	p->serial = hash64(&p->vfs.volume, sizeof(p->vfs.volume), SEED_SERIAL);
	n->result = ceph_ll_walk(p->cm, n->path->path, &p->root, &sx, CEPHFS_WANT, 0, ceph_mount_perms(p->cm));
	if (n->result < 0) {
		p->root = NULL;
		if (n->result == -ESHUTDOWN)
			cephfs_fenced();
		return;
	}
	p->root_ino = sx.stx_ino;
	if (!S_ISDIR(sx.stx_mode))
		n->result = -ENOTDIR;
}

/* --- space --- */

struct fsinfo_call {
	struct ceph_call call;
	struct vfs_fsinfo info;
};

/* A number that the MDS keeps for a directory; 0: none. */
static uint64_t number(struct ceph_call *call, Inode *in, const char *xattr)
{
	char buf[32];
	int n = ceph_ll_getxattr(call->cm, in, xattr, buf, sizeof(buf) - 1, call->perm);

	if (n <= 0)
		return 0;
	buf[n] = '\0';
	return strtoull(buf, NULL, 10);
}

/* A quota on the share's root, or on a directory above it, is the space there is. */
static void apply_quota(struct ceph_call *call, struct vfs_fsinfo *info)
{
	struct ceph_mount_info *cm = call->cm;
	Inode *in = call->v->root, *up;
	uint64_t max = 0, used, left;
	struct ceph_statx sx = { .stx_ino = call->v->root_ino };
	unsigned int i;

	for (i = 0; i < QUOTA_DEPTH && max == 0 && sx.stx_ino != CEPHFS_ROOT_INO; i++) {
		max = number(call, in, "ceph.quota.max_bytes");
		if (max > 0 || ceph_ll_lookup(cm, in, "..", &up, &sx, CEPH_STATX_INO, 0, call->perm) < 0)
			break;
		if (in != call->v->root)
			(void)ceph_ll_put(cm, in);
		in = up;
	}
	if (max > 0) {
		used = number(call, in, "ceph.dir.rbytes");
		left = used < max ? (max - used) / info->block_size : 0;
		info->blocks = MAX(max / info->block_size, UINT64_C(1));
		info->blocks_free = MIN(info->blocks_free, left);
		info->blocks_avail = MIN(info->blocks_avail, left);
	}
	if (in != call->v->root)
		(void)ceph_ll_put(cm, in);
}

static void fsinfo_blocking(void *arg)
{
	struct fsinfo_call *f = arg;
	struct ceph_call *call = &f->call;
	struct statvfs st;

	call->result = ceph_ll_statfs(call->cm, call->v->root, &st);
	if (call->result < 0)
		return;
	f->info = (struct vfs_fsinfo){
		.block_size = st.f_frsize ? st.f_frsize : st.f_bsize,
		.blocks = st.f_blocks,
		.blocks_free = st.f_bfree,
		.blocks_avail = st.f_bavail,
		.serial = call->v->serial,
		.handles = true,
	};
	apply_quota(call, &f->info);
}

static int cephfs_fsinfo(struct vfs *v, struct vfs_fsinfo *ret)
{
	struct fsinfo_call f = { .call.v = cephfs_of(v) };
	int r = (int)cephfs_run(&f.call, fsinfo_blocking);

	if (r == 0)
		*ret = f.info;
	return r;
}

static const struct vfs_ops cephfs_ops = {
	.free = cephfs_free,
	.fsinfo = cephfs_fsinfo,
	.lookup = cephfs_lookup,
	.open = cephfs_open,
	.open_handle = cephfs_open_handle,
	.reopen = cephfs_reopen,
	.close = cephfs_close,
	.snapshots = cephfs_snapshots,
	.lookup_at = cephfs_lookup_at,
	.open_at = cephfs_open_at,
	.access = cephfs_access,
	.may_delete = cephfs_may_delete,
	.read = cephfs_read,
	.write = cephfs_write,
	.flush = cephfs_flush,
	.truncate = cephfs_truncate,
	.allocate = cephfs_allocate,
	.zero = cephfs_zero,
	.next_data = cephfs_next_data,
	.stat = cephfs_stat,
	.setattr = cephfs_setattr,
	.chmod = cephfs_chmod,
	.remove = cephfs_remove,
	.rename = cephfs_rename,
	.link = cephfs_link,
	.path_of = cephfs_path_of,
	.dir_new = cephfs_dir_new,
	.dir_free = cephfs_dir_free,
	.dir_next = cephfs_dir_next,
	.dir_unget = cephfs_dir_unget,
	.dir_rewind = cephfs_dir_rewind,
	.dir_stat = cephfs_dir_stat,
};

int cephfs_new(const struct share_path *path, struct vfs **ret)
{
	struct cephfs *p = calloc(1, sizeof(*p));
	struct new_args n = { .path = path, .p = p };
	struct offload_pool *pool = cephfs_pool();

	if (!p || !pool) {
		free(p);
		return -ENOMEM;
	}
	p->vfs.ops = &cephfs_ops;
	offload_pool_run(pool, new_blocking, &n);
	if (n.result < 0) {
		cephfs_free(&p->vfs);
		return n.result;
	}
	*ret = &p->vfs;
	return 0;
}
