/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OPLOCK_BREAK: acknowledgements of oplock and lease breaks (MS-SMB2 3.3.5.22). Home worker's thread. */
#include "smbd/wire/break.h"

#include "smbd/lock/lease.h"
#include "smbd/op/file_open.h"
#include "smbd/op/ops.h"
#include "smbd/op/status.h"

static int decode(struct smb_req *req)
{
	struct smb2_break *args = arena_new(req->arena, struct smb2_break);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_break_req_decode(req->in, args);
}

static struct ntstatus status_of_ack(struct smb_req *req, int r, struct ntstatus not_breaking)
{
	if (r == LK_NOT_BREAKING)
		return not_breaking;
	return r == LK_NOT_ACCEPTED ? NT_STATUS_REQUEST_NOT_ACCEPTED : status_of_lock(req, r);
}

/* What an acknowledgement may not say ends the oplock all the same (3.3.5.22.1). */
static struct ntstatus refused_level(struct smb_req *req, struct lk_open *lk, uint8_t level)
{
	struct ntstatus s = level == SMB2_OPLOCK_LEVEL_LEASE ? NT_STATUS_INVALID_PARAMETER :
							       NT_STATUS_INVALID_OPLOCK_PROTOCOL;
	int r = lockc_break_ack(req->worker->lock, lk, 0);

	return r == LK_OK ? status_refused(req, s, lk->rec.path, "level of an oplock acknowledgement") :
			    status_of_ack(req, r, NT_STATUS_INVALID_DEVICE_STATE);
}

/* Windows has the object store's word for an oplock that is not breaking (MS-FSA 2.1.5.19), where 3.3.5.22.1 says
 * STATUS_INVALID_DEVICE_STATE. */
static struct ntstatus ack_oplock(struct smb_req *req, struct lk_open *lk, struct smb2_oplock_break *in)
{
	/* level II, where nothing may stay: it has nothing then */
	uint32_t keep = in->oplock_level == SMB2_OPLOCK_LEVEL_II ? lk->rec.lease.breaking_to & LEASE_R : 0;
	int r;

	if (!lk->rec.lease.present || lk->rec.lease.version)
		return NT_STATUS_INVALID_DEVICE_STATE;
	if (in->oplock_level != SMB2_OPLOCK_LEVEL_NONE && in->oplock_level != SMB2_OPLOCK_LEVEL_II)
		return refused_level(req, lk, in->oplock_level);
	r = lockc_break_ack(req->worker->lock, lk, keep);
	if (!keep)
		in->oplock_level = SMB2_OPLOCK_LEVEL_NONE;
	return status_of_ack(req, r, NT_STATUS_INVALID_OPLOCK_PROTOCOL);
}

static struct ntstatus run_oplock(struct smb_req *req, struct smb2_oplock_break *in)
{
	struct open *o = open_find(req->session, in->file_id);
	struct file_open *fo;

	if (!o || o->tree != req->tree)
		return status_refused(req, NT_STATUS_FILE_CLOSED, NULL, "acknowledgement for no open");
	req_set_open(req, o);
	fo = file_open_of(req);
	if (!fo)
		return NT_STATUS_INVALID_DEVICE_STATE;
	return fo->hold.lk ? ack_oplock(req, fo->hold.lk, in) : NT_STATUS_FILE_CLOSED;
}

static struct ntstatus run_lease(struct smb_req *req, const struct smb2_lease_break_ack *in)
{
	struct lockc *lock = req->worker->lock;
	struct lk_open *lk = lockc_lease_find(lock, &req->conn->client_guid, &in->key);
	int r;

	if (!lk)
		return status_refused(req, NT_STATUS_OBJECT_NAME_NOT_FOUND, NULL, "acknowledgement for no lease");
	lockc_consumed(lock, lk);
	r = lockc_break_ack(lock, lk, in->state);
	if (r == LK_GONE)
		return NT_STATUS_OBJECT_NAME_NOT_FOUND;
	return status_of_ack(req, r, NT_STATUS_UNSUCCESSFUL);
}

static struct ntstatus run(struct smb_req *req)
{
	struct smb2_break *b = req->args;
	struct ntstatus s = b->kind == SMB2_BREAK_OPLOCK ? run_oplock(req, &b->oplock) : run_lease(req, &b->lease_ack);

	if (ntstatus_is_ok(s))
		smb2_break_encode(&req->out, 0, b);
	return s;
}

const struct smb_op op_oplock_break = { .decode = decode, .run = run };
