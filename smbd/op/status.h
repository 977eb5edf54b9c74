/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outcomes of the layers below as NTSTATUS: the one place where they are translated. Pure; any
 * thread. */
#ifndef HF_SMBD_OP_STATUS_H
#define HF_SMBD_OP_STATUS_H

#include "smbd/lock/lock.h"
#include "smbd/proto/req.h"

/* The status of a lockc_*() result: an enum lk_outcome, or a fault. */
struct ntstatus status_of_lock(struct smb_req *req, int result);
/* The status of a failed vfs_*() call about a path: a parent that is missing or no directory is
 * STATUS_OBJECT_PATH_NOT_FOUND. */
struct ntstatus status_of_path(struct smb_req *req, int err);
/* Logs at debug level that a request was refused, and why; returns `s`. `path` is the client's, or
 * NULL. */
struct ntstatus status_refused(struct smb_req *req, struct ntstatus s, const char *path,
			       const char *rule);

#endif
