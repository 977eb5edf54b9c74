/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What permission bits and a POSIX ACL allow a user, for file systems whose own check cannot be asked. Pure. */
#ifndef HF_SMBD_VFS_PERM_H
#define HF_SMBD_VFS_PERM_H

#include "node/wire/rd.h"
#include "smbd/vfs/cred.h"

enum { PERM_SEARCH = 1, PERM_WRITE = 2, PERM_READ = 4 };

struct perm_of {
	uint32_t mode;
	uid_t uid;
	gid_t gid;
	struct blob acl; /* system.posix_acl_access; empty: none */
};

/* Whether `c` has all of `want` (PERM_*). An ACL that cannot be read gives what the bits for others give. */
bool perm_allows(const struct perm_of *of, const struct cred *c, unsigned int want);
/* Whether `c` is in the group. */
bool perm_in_group(const struct cred *c, gid_t gid);

#endif
