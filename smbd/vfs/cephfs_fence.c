/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions of runs that are over. Each run of smbd names its sessions by node and incarnation; "reclaim with reset" of such a
 * name has the MDS evict that session, which puts its client on the OSDs' blocklist and answers when that is in force at
 * the MDS: nothing that it had on its way counts any more. No right beyond that to the file system is needed.
 */
#include "smbd/vfs/fence.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "node/conf/share_path.h"
#include "node/log/log.h"
#include "smbd/vfs/cephfs_priv.h"

#define DEAD_MAX 32u
#define WAIT_S 15
#define TRY_S 60
#define PAUSE_NS 500000000

struct run_name {
	char s[48];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t less;
	struct vfs_run self;
	void (*fenced)(void);
	struct vfs_run dead[DEAD_MAX]; /* a ring: the last ones */
	unsigned int n_dead;
	const char *state_dir;
	struct vfs_run known[VFS_RUNS_MAX]; /* of the view before, or of what was remembered; worker 0's */
	size_t n_known;
	unsigned int pending; /* sessions that are being ended */
} fence = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.less = PTHREAD_COND_INITIALIZER,
};

static struct run_name name_of(const struct vfs_run *r, unsigned int index)
{
	struct run_name n;

	snprintf(n.s, sizeof(n.s), "holdfast-%" PRIu32 "-%016" PRIx64 "-%u", r->node, r->incarnation, index);
	return n;
}

void cephfs_fenced(void)
{
	log_err("CephFS has shut this run out: what it held belongs to others, ending at once");
	if (fence.fenced)
		fence.fenced();
}

/* Under the lock. False: known already. */
static bool add_dead(const struct vfs_run *r)
{
	unsigned int i;

	for (i = 0; i < MIN(fence.n_dead, DEAD_MAX); i++)
		if (fence.dead[i].node == r->node && fence.dead[i].incarnation == r->incarnation)
			return false;
	fence.dead[fence.n_dead++ % DEAD_MAX] = *r;
	return true;
}

/* --- what is remembered --- */

static void recall(void)
{
	_cleanup_free_ char *path = NULL;
	struct vfs_run r;
	FILE *f;

	if (asprintf(&path, "%s/smbd.runs", fence.state_dir) < 0)
		return;
	f = fopen(path, "re");
	if (!f)
		return;
	while (fence.n_known < VFS_RUNS_MAX && fscanf(f, "%" SCNu32 " %" SCNx64, &r.node, &r.incarnation) == 2)
		fence.known[fence.n_known++] = r;
	fclose(f);
}

static void remember(void)
{
	_cleanup_free_ char *path = NULL, *tmp = NULL;
	bool ok;
	size_t i;
	FILE *f;

	if (asprintf(&path, "%s/smbd.runs", fence.state_dir) < 0)
		return;
	if (asprintf(&tmp, "%s.new", path) < 0)
		return;
	f = fopen(tmp, "we");
	ok = f;
	for (i = 0; i < fence.n_known && ok; i++)
		ok = fprintf(f, "%" PRIu32 " %016" PRIx64 "\n", fence.known[i].node, fence.known[i].incarnation) > 0;
	if (f && fclose(f) != 0)
		ok = false;
	if (!ok || rename(tmp, path) < 0)
		log_warn("runs are not remembered, the next one cannot end their sessions: path=%s error=%s", path,
			 log_errno(errno));
}

void vfs_fence_self(const struct vfs_run *self, const char *state_dir, void (*fenced)(void))
{
	pthread_mutex_lock(&fence.lock);
	fence.self = *self;
	fence.fenced = fenced;
	fence.state_dir = state_dir;
	recall();
	pthread_mutex_unlock(&fence.lock);
}

/* --- ending sessions --- */

/* [blocking] 0: there is no session of that name any more. Each by a handle of its own: a handle that reclaimed once answers
 * for the next name without asking. */
static int reset_one(const struct share_path *p, const char *name)
{
	struct ceph_mount_info *cm;
	int r = cephfs_handle_new(p, &cm);

	if (r < 0)
		return r;
	r = ceph_start_reclaim(cm, name, CEPH_RECLAIM_RESET);
	ceph_finish_reclaim(cm);
	ceph_shutdown(cm);
	if (r == 0)
		log_info("CephFS: the session of a run that is over was ended: session=%s", name);
	return r == -ENOENT ? 0 : r;
}

/* [blocking] 0: that run has no session any more. */
static int reset(const struct share_path *p, const struct vfs_run *run)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < CEPHFS_MOUNTS_MAX && r == 0; i++)
		r = reset_one(p, name_of(run, i).s);
	return r;
}

void cephfs_fence_before_mount(const struct share_path *p, struct ceph_mount_info *cm, unsigned int index)
{
	struct vfs_run dead[DEAD_MAX], self;
	unsigned int i, n;
	int r;

	pthread_mutex_lock(&fence.lock);
	n = MIN(fence.n_dead, DEAD_MAX);
	memcpy(dead, fence.dead, n * sizeof(*dead));
	self = fence.self;
	pthread_mutex_unlock(&fence.lock);
	for (i = 0; i < n; i++) {
		r = reset(p, &dead[i]);
		if (r < 0)
			log_err("CephFS: the session of a run that is over cannot be ended: node=%u error=%s",
				dead[i].node, log_errno(r));
	}
	if (self.incarnation)
		ceph_set_uuid(cm, name_of(&self, index).s);
}

struct ending {
	struct offload_job job;
	struct cephfs_mount *mount; /* referenced */
	struct vfs_run run;
};

static void end_session(void *arg)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	time_t until = time(NULL) + TRY_S;
	struct ending *e = arg;
	int r;

	while ((r = reset(cephfs_mount_path(e->mount), &e->run)) < 0 && time(NULL) < until)
		nanosleep(&pause, NULL);
	if (r < 0)
		log_err("CephFS: the session of a run that is over cannot be ended, it ends by itself later: node=%u "
			"incarnation=%llx error=%s",
			e->run.node, (unsigned long long)e->run.incarnation, log_errno(r));
	pthread_mutex_lock(&fence.lock);
	fence.pending--;
	pthread_cond_broadcast(&fence.less);
	pthread_mutex_unlock(&fence.lock);
	cephfs_mount_unref(e->mount);
	free(e);
}

/* Takes the reference. */
static void end_at(struct cephfs_mount *m, const struct vfs_run *r)
{
	struct ending *e = calloc(1, sizeof(*e));

	if (!e) {
		log_err("CephFS: the session of a run that is over is not ended: no memory");
		cephfs_mount_unref(m);
		return;
	}
	*e = (struct ending){ .run = *r, .mount = m, .job = { .fn = end_session, .arg = e } };
	pthread_mutex_lock(&fence.lock);
	fence.pending++;
	pthread_mutex_unlock(&fence.lock);
	offload_pool_post(cephfs_pool(), &e->job);
}

static void is_over(const struct vfs_run *r)
{
	struct cephfs_mount *m[CEPHFS_MOUNTS_MAX];
	bool fresh;
	size_t i, n;

	pthread_mutex_lock(&fence.lock);
	fresh = add_dead(r);
	pthread_mutex_unlock(&fence.lock);
	n = fresh ? cephfs_mounts(m, CEPHFS_MOUNTS_MAX) : 0;
	for (i = 0; i < n; i++)
		end_at(m[i], r);
}

static bool is_among(const struct vfs_run *r, const struct vfs_run *runs, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (runs[i].node == r->node && runs[i].incarnation == r->incarnation)
			return true;
	return false;
}

void vfs_fence_view(const struct vfs_run *live, size_t n)
{
	size_t i;

	for (i = 0; i < fence.n_known; i++)
		if (!is_among(&fence.known[i], live, n))
			is_over(&fence.known[i]);
	fence.n_known = MIN(n, (size_t)VFS_RUNS_MAX);
	memcpy(fence.known, live, fence.n_known * sizeof(*live));
	remember();
}

static void wait_blocking(void *arg)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	pthread_mutex_lock(&fence.lock);
	while (fence.pending > 0 && r == 0)
		r = pthread_cond_timedwait(&fence.less, &fence.lock, &until);
	if (r != 0)
		log_err("CephFS does not end the sessions of runs that are over in %d s, going on without", WAIT_S);
	pthread_mutex_unlock(&fence.lock);
}

bool vfs_fence_pending(void)
{
	bool any;

	pthread_mutex_lock(&fence.lock);
	any = fence.pending > 0;
	pthread_mutex_unlock(&fence.lock);
	return any;
}

void vfs_fence_wait(void)
{
	if (vfs_fence_pending())
		offload_pool_run(cephfs_pool(), wait_blocking, NULL);
}
