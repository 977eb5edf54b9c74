/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Credentials of users on one worker. The identity of one thread is switched by the system calls themselves: glibc's
 * wrappers would switch the whole process. The real and saved uid stay 0, so the way back is open; with an effective
 * uid that is not 0 the thread has no effective capability.
 */
#include "smbd/vfs/cred.h"

#include <sys/syscall.h>

#include "node/log/log.h"
#include "node/loop/io.h"

struct cred_table {
	struct loop *loop;
	struct list creds;
	bool root; /* this process can take on other identities */
};

int cred_table_new(struct loop *l, struct cred_table **ret)
{
	struct cred_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->loop = l;
	t->root = geteuid() == 0;
	list_init(&t->creds);
	*ret = t;
	return 0;
}

void cred_table_free(struct cred_table *t)
{
	if (!t)
		return;
	assert(list_empty(&t->creds));
	free(t);
}

static int thread_become(uid_t uid, gid_t gid, const gid_t *groups, size_t n)
{
	if (syscall(SYS_setgroups, n, groups) < 0 || syscall(SYS_setresgid, -1, gid, -1) < 0 ||
	    syscall(SYS_setresuid, -1, uid, -1) < 0)
		return -errno;
	return 0;
}

static void thread_return(void)
{
	if (syscall(SYS_setresuid, -1, 0, -1) < 0 || syscall(SYS_setresgid, -1, 0, -1) < 0 ||
	    syscall(SYS_setgroups, 0, NULL) < 0) {
		log_err("a thread cannot get its own credentials back: error=%s", log_errno(errno));
		abort(); /* going on would touch files as somebody else */
	}
}

void cred_enter(const struct cred *c)
{
	if (!c || !c->pers)
		return;
	if (thread_become(c->uid, c->gid, c->groups, c->n_groups) < 0) {
		log_err("a thread cannot take on a user's credentials: uid=%u error=%s", c->uid, log_errno(errno));
		abort();
	}
}

void cred_leave(const struct cred *c)
{
	if (c && c->pers)
		thread_return();
}

static int gid_cmp(const void *a, const void *b)
{
	gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

	return x < y ? -1 : x > y;
}

static bool cred_same(const struct cred *a, const struct cred *b)
{
	return a->uid == b->uid && a->gid == b->gid && a->n_groups == b->n_groups &&
	       (a->n_groups == 0 || memcmp(a->groups, b->groups, a->n_groups * sizeof(gid_t)) == 0);
}

static void cred_free(struct cred *c)
{
	if (!c)
		return;
	if (c->pers > 0)
		io_unregister_personality(c->table->loop, c->pers);
	free(c->groups);
	free(c);
}
DEFINE_CLEANUP(struct cred, cred, cred_free)

/* Registers the identity with the ring; 0 stays the process's own. */
static int cred_register(struct cred *c)
{
	int r;

	if (!c->table->root)
		return c->uid == geteuid() ? 0 : -EPERM;
	r = thread_become(c->uid, c->gid, c->groups, c->n_groups);
	if (r == 0)
		r = io_register_personality(c->table->loop);
	thread_return();
	if (r < 0)
		return r;
	c->pers = r;
	return 0;
}

int cred_get(struct cred_table *t, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, struct cred **ret)
{
	_cleanup_(cleanup_cred) struct cred *c = calloc(1, sizeof(*c));
	struct cred *have;
	int r;

	if (!c)
		return -ENOMEM;
	c->groups = calloc(n_groups + 1, sizeof(gid_t));
	if (!c->groups)
		return -ENOMEM;
	if (n_groups)
		memcpy(c->groups, groups, n_groups * sizeof(gid_t));
	qsort(c->groups, n_groups, sizeof(gid_t), gid_cmp);
	c->n_groups = n_groups;
	c->uid = uid;
	c->gid = gid;
	c->table = t;
	list_foreach(have, &t->creds, link) {
		if (cred_same(have, c)) {
			*ret = cred_ref(have);
			return 0;
		}
	}
	r = cred_register(c);
	if (r < 0)
		return r;
	c->refs = 1;
	list_append(&t->creds, &c->link);
	*ret = TAKE_PTR(c);
	return 0;
}

struct cred *cred_ref(struct cred *c)
{
	c->refs++;
	return c;
}

void cred_unref(struct cred *c)
{
	if (!c || --c->refs)
		return;
	list_remove(&c->link);
	cred_free(c);
}
