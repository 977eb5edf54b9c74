/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Credentials that file operations run as: a user's uid, gid and groups, registered once per worker as an io_uring
 * personality. Operations that io_uring lacks switch the thread's file-system credentials around a system call.
 */
#ifndef HF_SMBD_VFS_CRED_H
#define HF_SMBD_VFS_CRED_H

#include <sys/types.h>

#include "node/loop/loop.h"

struct cred_table; /* of one worker */

struct cred {
	struct list link;
	struct cred_table *table;
	unsigned int refs;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary */
	size_t n_groups;
	int pers;      /* io_uring personality on the worker's loop; 0: the process may not switch (not root) */
};

/* Makes the table of the calling worker, whose loop is `l`. -ENOMEM. */
int cred_table_new(struct loop *l, struct cred_table **ret);
/* Every cred must have been given back. */
void cred_table_free(struct cred_table *t);

/* The credentials of uid, gid and `groups` (any order), shared while in use. -EPERM: this process may not take them on;
 * -ENOMEM. */
int cred_get(struct cred_table *t, uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, struct cred **ret);
struct cred *cred_ref(struct cred *c);
void cred_unref(struct cred *c);

/* Runs what follows on this thread as `c` (NULL: as the process), until cred_leave(). No wait in between. */
void cred_enter(const struct cred *c);
void cred_leave(const struct cred *c);

#endif
