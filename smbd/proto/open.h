/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Open (MS-SMB2 3.3.1.10): an open file, directory or pipe of one session, on its home worker's
 * thread. smbd/op fills in the file's part; this layer keeps ids, tables, references and the order
 * of ending.
 */
#ifndef HF_SMBD_PROTO_OPEN_H
#define HF_SMBD_PROTO_OPEN_H

#include "node/base/guid.h"
#include "node/base/htable.h"
#include "node/base/limit.h"
#include "node/base/list.h"
#include "smbd/proto/use.h"
#include "smbd/wire/ioctl.h"

struct conn;
struct open;
struct session;
struct smb_share;
struct smb_req;
struct tree;
struct worker;

enum open_kind {
	OPEN_FILE,
	OPEN_DIRECTORY,
	OPEN_PIPE,
};

/* Why an open ends. */
enum open_end {
	OPEN_END_CLOSE, /* CLOSE, or the operator */
	OPEN_END_TREE, /* TREE_DISCONNECT, or the share was deleted */
	OPEN_END_LOGOFF, /* LOGOFF, PreviousSessionId, expiry */
	OPEN_END_DISCONNECT, /* the session's last connection was lost */
	OPEN_END_SHUTDOWN, /* smbd stops in order */
	OPEN_END_GONE, /* the owner of the file state closed it: it must not be asked any more */
};

/* What is behind an open. Called once, in a task, shielded from cancellation, when no request uses
 * it any more. */
struct open_ops {
	/* Gives back everything in `o->priv` and the file's state at its owner: closes it, or
	 * leaves it disconnected when it is durable or persistent and `why` lets it survive. */
	void (*end)(struct open *o, enum open_end why);
	/* IOCTL with a FileId; input is in `in`, output goes to `ret_out` (in req->arena, at most
	 * in->max_output_response bytes). NULL: STATUS_INVALID_DEVICE_REQUEST. */
	struct ntstatus (*ioctl)(struct smb_req *req, const struct smb2_ioctl_req *in,
				 struct blob *ret_out);
	/* A connection of the session is gone, and others live. NULL: nothing. Never waits. */
	void (*channel_lost)(struct open *o, const struct conn *c);
};

struct open {
	struct hnode by_volatile; /* worker->opens */
	struct list in_session; /* session->opens */
	struct list in_tree; /* tree->opens */
	struct use use; /* smb_req.in_open */
	unsigned int refs;
	bool published; /* it was in the tables */
	bool closing; /* no longer found by requests; end() is called, or will be */

	struct worker *worker;
	struct session *session; /* referenced */
	struct tree *tree; /* referenced */
	struct smb_share *share; /* tree->share */
	struct smb2_fileid
		id; /* persistent_id: the file state owner's; pipes: equal to volatile_id */
	struct charge charge; /* of session->open_limit */

	enum open_kind kind;
	const struct open_ops *ops;
	void *priv; /* the struct of smbd/op (files, directories) or smbd/pipe */

	uint32_t granted_access; /* specific rights, no generic bits */
	uint32_t share_access;
	uint32_t create_options;
	char *path; /* malloc: UTF-8 below the share, '/' between components, "" for its root; for
		       listings */
	bool durable, persistent;
	struct guid create_guid;
	/* 3.3.5.2.10; kept by the dispatcher for requests that modify */
	uint16_t channel_sequence;
	unsigned int outstanding, outstanding_previous;
	uint64_t opened_at; /* wall clock ns */
};

/* Makes an open of `tree` for the session of `req` with one reference (the table's), which is not
 * found by requests before open_publish(). `id` has a fresh unguessable volatile id; the caller
 * sets persistent_id, kind, ops, priv. -EDQUOT: the session has max_opens_per_session of them
 * (STATUS_INSUFFICIENT_RESOURCES); -ENOMEM. */
int open_new(struct smb_req *req, struct open **ret);
/* Makes it findable; call it last in CREATE, nothing may fail or wait between it and the response.
 */
void open_publish(struct open *o);
/* Frees an open that was never published; end() is not called. NULL is allowed. */
void open_drop(struct open *o);

struct open *open_ref(struct open *o);
void open_unref(struct open *o);
DEFINE_CLEANUP(struct open, open, open_unref)

/* Finds an open of `s` by FileId; NULL when there is none, it is closing, or the persistent part
 * differs. */
struct open *open_find(struct session *s, struct smb2_fileid id);

/* [task] Takes it from the tables, cancels the requests that use it (all but `self`, which may be
 * NULL), waits until they have ended, calls end() and drops the table's reference. Not
 * interruptible. Returns false when another task is closing it already (STATUS_FILE_CLOSED). */
bool open_close(struct open *o, struct smb_req *self, enum open_end why);
/* The owner of the file state closed it (lockc_config.gone): requests do not find it from now on, a
 * task of its own ends it with OPEN_END_GONE. Never waits. */
void open_gone(struct open *o);

#endif
