/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A share as the present configuration describes it, on one worker. When the configuration changes
 * a share, a new struct takes the name; trees keep the one that they were connected with, and are
 * disconnected when the share was deleted or what it allows changed.
 */
#ifndef HF_SMBD_PROTO_SHARE_H
#define HF_SMBD_PROTO_SHARE_H

#include "clusterd/client/cluster_config.h"
#include "node/base/list.h"
#include "smbd/vfs/vfs.h"

struct worker;

struct smb_share {
	struct list link; /* worker->shares */
	struct list trees; /* tree.in_share */
	unsigned int refs;
	/* What its trees run under: stays the same as long as this struct lives, requests that wait
	 * may point into it. `config` (referenced) owns `conf`. IPC$: its name and nothing else. */
	struct cluster_config *config;
	const struct share *conf;
	/* What listings show: follows changes of what matters to nobody else. Not to be kept over a
	 * wait. */
	struct cluster_config *listed_config;
	const struct share *listed;
	bool ipc; /* IPC$: pipes only; conf has its name and nothing else */
	struct vfs *vfs; /* its root; opened at the first TREE_CONNECT; NULL for IPC$ */
};

/* Finds a share by name without regard to case. NULL: none. No reference is taken. */
struct smb_share *share_find(struct worker *w, const char *name);
/* [task] Opens the root at first use. 0, or the errno of vfs_new(). */
int share_open_root(struct smb_share *s);
/* Whether the user (a name as configured) may connect. */
bool share_allows(const struct smb_share *s, const char *user);
struct smb_share *share_ref(struct smb_share *s);
void share_unref(struct smb_share *s);

/* Makes the worker's list follow `c`: called on the worker's thread, takes references of its own.
 * Trees of shares that are gone or changed are disconnected by tasks of their own. -ENOMEM: the
 * former list stays. */
int share_table_update(struct worker *w, const struct cluster_config *c);
/* Forgets all shares; trees that are left keep theirs. */
void share_table_done(struct worker *w);

#endif
