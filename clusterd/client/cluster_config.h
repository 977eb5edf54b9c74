/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration of the whole cluster as a daemon sees it: one immutable snapshot of shares, users and tunables,
 * shared by reference; any thread. Text form, defaults and ranges of the fields are in node/conf/resource.c and
 * tunables.def.
 */
#ifndef HF_CLUSTERD_CLIENT_CLUSTER_CONFIG_H
#define HF_CLUSTERD_CLIENT_CLUSTER_CONFIG_H

#include <sys/types.h>

#include "node/base/guid.h"
#include "node/base/sid.h"
#include "node/conf/tunables.h"

struct share {
	uint64_t version; /* of its record; differs when anything differs */
	const char *name; /* UTF-8; compared without case */
	const char *path; /* absolute directory, the same on every node */
	const char *comment;
	bool continuously_available;
	bool read_only;
	bool encrypt;    /* refuse access that is not encrypted */
	bool browseable; /* shown in share enumeration */
	size_t n_users;  /* 0: every user of the cluster may connect */
	const char *const *users;
};

struct user {
	uint64_t version;
	const char *name; /* UTF-8; compared without case */
	uint8_t nt_hash[16];
	uid_t uid;
	gid_t gid;
	size_t n_groups; /* supplementary */
	const gid_t *groups;
	struct sid sid; /* S-1-5-21-<cluster>-<rid> */
	bool disabled;
};

struct cluster_config {
	uint32_t refs;     /* private */
	uint32_t slots;    /* number of slots; fixed when the cluster is created */
	uint64_t revision; /* grows with every change */
	const char *cluster;    /* name */
	struct guid id;         /* of the cluster: the uuid of its store */
	struct sid domain_sid;  /* S-1-5-21-<cluster> */
	struct tunables tunables;
	size_t n_shares; /* by name */
	const struct share *shares;
	size_t n_users; /* by name */
	const struct user *users;
};

struct cluster_config *cluster_config_ref(const struct cluster_config *c);
void cluster_config_unref(struct cluster_config *c);
DEFINE_CLEANUP(struct cluster_config, cluster_config, cluster_config_unref)
#define _cleanup_cluster_config_ _cleanup_(cleanup_cluster_config)

/* By name without regard to case; NULL when there is none. A disabled user is found. */
const struct share *cluster_config_share(const struct cluster_config *c, const char *name);
const struct user *cluster_config_user(const struct cluster_config *c, const char *name);

#endif
