/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One CREATE on its way through the files create_*.c. Home worker's thread. */
#ifndef HF_SMBD_OP_CREATE_PRIV_H
#define HF_SMBD_OP_CREATE_PRIV_H

#include "smbd/op/access.h"
#include "smbd/op/caching.h"
#include "smbd/op/create_name.h"
#include "smbd/op/file_open.h"
#include "smbd/op/status.h"
#include "smbd/wire/create.h"
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/secdesc.h"

struct create {
	struct smb_req *req;
	struct smb2_create_req in;
	struct smb2_create_ctxs_req ctx;
	struct create_name name;
	struct secdesc sd; /* when ctx has SECD */
	bool past; /* TWrp: in the snapshot made at `past_time` */
	int64_t past_time; /* seconds since 1970 */

	/* while it is opened */
	struct vfs_name where; /* what the name stands for now */
	struct vfs_stat st; /* of `file` */
	struct vfs_file *file;
	bool created; /* by this request: to be removed when it fails */
	bool overwrite; /* an existing file is to be emptied after the grant */
	bool persistent; /* is asked for and possible; then: is granted */
	bool durable; /* granted, and not persistent */
	uint32_t timeout_ms;
	uint32_t maximal; /* what could be granted */
	uint32_t granted;
	enum smb2_create_action action;

	struct open *open; /* made, not published; or the one of a replayed request */
	struct file_open *fo; /* behind it */
	bool replayed;
};

/* create_check.c: what can be refused without looking at a file (3.3.5.9, MS-FSA 2.1.5.1). */
struct ntstatus create_check(struct create *c);
/* create_ctx.c: contexts in; and out, into an arena blob. */
struct ntstatus create_ctx_parse(struct create *c);
/* `l`: what was granted, for the caller. */
struct ntstatus create_ctx_respond(struct create *c, const struct smb2_lease_ctx *lease, struct blob *ret);

/* create_open.c: a descriptor of the file that the name stands for, made if need be, with what may
 * be granted. Nothing in it is changed yet. */
struct ntstatus create_open_file(struct create *c);
/* Closes what create_open_file() opened, and removes it when it was made by it and nobody else has
 * it open. */
void create_undo(struct create *c);
/* create_grant.c: asks the owner, and changes the file after it said yes. */
struct ntstatus create_grant(struct create *c);
/* Gives the grant back, and removes the file when it was made by this request and nobody else has
 * it open. */
void create_ungrant(struct create *c);
/* Keeps what the response needs of a grant. Never waits. */
struct ntstatus create_hold(struct create *c, struct lk_open *lk);

/* create_durable.c */
bool create_wants_reclaim(const struct create *c);
/* Whether the request gets a persistent handle. */
bool create_persistent(const struct create *c);
/* Whether it asks for a durable handle, of whichever kind. */
bool create_durable(const struct create *c);
/* DHnC, DH2C. */
struct ntstatus create_reclaim(struct create *c);
/* A request that was executed before: `c->replayed` is set when it was, and all but the response is
 * done. */
struct ntstatus create_replay_find(struct create *c);
/* Takes the open that the owner found for a replay. */
struct ntstatus create_replay_take(struct create *c, struct lk_open *lk);

/* pipe_open.c: CREATE on IPC$, with its response. */
struct ntstatus create_pipe(struct smb_req *req, const struct smb2_create_req *in);

#endif
