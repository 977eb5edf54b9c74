/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A share as the present configuration describes it, on one worker. When the configuration changes a share, a new
 * struct takes the name; trees keep the one that they were connected with, or are disconnected when it was deleted or
 * its path changed.
 */
#ifndef HF_SMBD_PROTO_SHARE_H
#define HF_SMBD_PROTO_SHARE_H

#include "node/base/guid.h"
#include "node/base/list.h"

struct worker;

enum share_kind {
	SHARE_DISK,
	SHARE_IPC, /* IPC$: pipes only */
};

struct share {
	struct list link;      /* worker->shares */
	struct list trees;     /* tree.in_share */
	unsigned int refs;
	enum share_kind kind;
	char *name;            /* UTF-8, as configured */
	char *path;            /* absolute; NULL for IPC$ */
	char *comment;         /* may be "" */
	struct guid volume;    /* names the file system in file keys */
	bool continuously_available;
	bool encrypt;          /* ENCRYPT_DATA: unencrypted access is refused */
	bool read_only;
	bool hidden;           /* not in share listings */
	/* Opened by the disk operations at first use, on this worker; freed by `root_free`. NULL: not opened yet. */
	void *root;
	void (*root_free)(void *root);
};

/* Finds a share by name without regard to case. NULL: none. */
struct share *share_find(struct worker *w, const char *name);
struct share *share_ref(struct share *s);
void share_unref(struct share *s);

#endif
