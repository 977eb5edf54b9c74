/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TreeConnect (MS-SMB2 3.3.1.9): a share as one session sees it. On its home worker's thread. */
#ifndef HF_SMBD_PROTO_TREE_H
#define HF_SMBD_PROTO_TREE_H

#include "node/base/limit.h"
#include "smbd/proto/open.h"
#include "smbd/proto/share.h"

struct tree {
	struct list in_session; /* session->trees */
	struct list in_share; /* share->trees */
	unsigned int refs;
	uint32_t id;
	bool closing; /* no longer found by requests */
	struct use use; /* smb_req.in_tree */
	struct list opens; /* open.in_tree */
	struct session *session; /* referenced */
	struct smb_share *share; /* referenced */
	uint32_t max_access; /* what opens of this tree can be granted at most */
	struct charge charge; /* of session->tree_limit */
	uint64_t connected_at; /* wall clock ns */
};

/* Connects `s` to `share`; one reference is the table's. -EDQUOT: max_trees_per_session; -ENOMEM.
 */
int tree_new(struct session *s, struct smb_share *share, uint32_t max_access, struct tree **ret);
struct tree *tree_ref(struct tree *t);
void tree_unref(struct tree *t);
DEFINE_CLEANUP(struct tree, tree, tree_unref)
/* NULL when the session has no such tree or it is being disconnected. */
struct tree *tree_find(struct session *s, uint32_t id);
/* [task] Ends every open of the tree (`self` excepted from cancelling) and takes it from the table.
 * False when another task does so already. */
bool tree_close(struct tree *t, struct smb_req *self, enum open_end why);

#endif
