/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Security descriptors made from owner, group and permission bits, and back (MS-DTYP 2.4.6).
 * Nothing else of a descriptor is kept. Pure; any thread.
 */
#ifndef HF_SMBD_OP_SECMAP_H
#define HF_SMBD_OP_SECMAP_H

#include "clusterd/client/cluster_config.h"
#include "smbd/wire/secdesc.h"

struct secmap_owner {
	uint32_t uid, gid;
	struct sid owner, group;
};

/* Fills in the SIDs of uid and gid: the user's of the configuration (which may be NULL), else
 * S-1-22-1-uid; of a group always S-1-22-2-gid. */
void secmap_owner_sids(const struct cluster_config *c, struct secmap_owner *w);

/* The descriptor of a file with permission bits `mode`; `parts` are SMB2_*_SECURITY_INFORMATION. In
 * `a`; -ENOMEM. */
int secmap_from_mode(struct arena *a, const struct secmap_owner *w, uint32_t mode, bool directory,
		     uint32_t parts, struct secdesc *ret);
/* Permission bits (0777) that mean the same as the DACL. False: it says something that they cannot
 * say (another user or group, deeper kinds of entries). A NULL DACL is everything for everyone. */
bool secmap_to_mode(const struct secdesc *sd, const struct secmap_owner *w, bool directory,
		    uint32_t *ret);

#endif
