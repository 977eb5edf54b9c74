/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between permission bits and security descriptors: what the mode grants as a DACL, and the mode that a DACL comes to.
 * Three classes, as POSIX has them: owner, group, everyone. Pure; any thread.
 */
#ifndef HF_SMBD_OP_SECMODE_H
#define HF_SMBD_OP_SECMODE_H

#include "smbd/wire/secdesc.h"

/* Who a file belongs to, by SID. */
struct secmode_ids {
	struct sid owner, group;
};

/* S-1-22-1-UID and S-1-22-2-GID: identities that no user of the cluster has (as other servers write them). */
struct sid secmode_unix_user(uint32_t uid);
struct sid secmode_unix_group(uint32_t gid);

/* The DACL that says what `mode` says: owner and group lose by a denying entry what they would get as everyone.
 * NULL: out of memory. */
struct acl *secmode_dacl(struct arena *a, const struct secmode_ids *ids, uint32_t mode, bool directory);

/* The nine permission bits that `dacl` (NULL: grants everything) comes to. Entries for SYSTEM and Administrators are
 * passed over, as nobody logs on as one of them here. 0; -EOPNOTSUPP: it grants or denies something to somebody else, or is
 * of a kind that no mode expresses. */
int secmode_from_dacl(const struct acl *dacl, const struct secmode_ids *ids, uint32_t *ret);

#endif
