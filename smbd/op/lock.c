/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LOCK (MS-SMB2 3.3.5.14, MS-FSA 2.1.5.8, 2.1.5.9). Home worker's thread, in the request's task. */
#include "smbd/wire/lock.h"

#include "smbd/op/file_open.h"
#include "smbd/op/ops.h"
#include "smbd/op/status.h"
#include "smbd/wire/empty.h"

#define SEQUENCE_MAX 64

static int decode(struct smb_req *req)
{
	struct smb2_lock_req *args = arena_new(req->arena, struct smb2_lock_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_lock_req_decode(req->arena, req->in, args);
}

/* How many elements, from the first, are what an unlock may have. */
static size_t valid_unlocks(const struct smb2_lock_req *in)
{
	size_t n = 0;

	while (n < in->n_locks && in->locks[n].flags == SMB2_LOCKFLAG_UNLOCK)
		n++;
	return n;
}

static bool valid_locks(const struct smb2_lock_req *in)
{
	for (size_t i = 0; i < in->n_locks; i++) {
		uint32_t f = in->locks[i].flags;
		uint32_t kind = f & ~(uint32_t)SMB2_LOCKFLAG_FAIL_IMMEDIATELY;

		if (kind != SMB2_LOCKFLAG_SHARED_LOCK && kind != SMB2_LOCKFLAG_EXCLUSIVE_LOCK)
			return false;
		if (in->n_locks > 1 && !(f & SMB2_LOCKFLAG_FAIL_IMMEDIATELY))
			return false;
	}
	return true;
}

static struct lk_seq sequence(const struct smb_req *req, const struct smb2_lock_req *in)
{
	const struct open *o = req->open;
	struct lk_seq s = { 0, 0 };

	if (req->conn->dialect == SMB2_DIALECT_202 || in->sequence_index > SEQUENCE_MAX)
		return s;
	if (o->durable || o->persistent ||
	    (req->conn->capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL))
		s = (struct lk_seq){ (uint8_t)in->sequence_index, in->sequence_number };
	return s;
}

static struct lk_range *ranges(struct smb_req *req, const struct smb2_lock_req *in)
{
	struct lk_range *r = arena_calloc(req->arena, in->n_locks, sizeof(*r));

	for (size_t i = 0; r && i < in->n_locks; i++)
		r[i] = (struct lk_range){ .offset = in->locks[i].offset,
					  .length = in->locks[i].length,
					  .exclusive = in->locks[i].flags &
						       SMB2_LOCKFLAG_EXCLUSIVE_LOCK };
	return r;
}

static struct ntstatus unlock(struct smb_req *req, struct lk_open *lk,
			      const struct smb2_lock_req *in, const struct lk_range *r)
{
	size_t n = valid_unlocks(in);
	struct lk_seq none = { 0, 0 };
	struct ntstatus s;

	/* what stands before a bad element is unlocked, and the request is not one to be remembered
	 */
	s = n ? status_of_lock(req, lockc_unlock(req->worker->lock, lk, r, (unsigned int)n,
						 n == in->n_locks ? sequence(req, in) : none)) :
		NT_STATUS_OK;
	return ntstatus_is_ok(s) && n < in->n_locks ? NT_STATUS_INVALID_PARAMETER : s;
}

struct waiting {
	struct smb_req *req;
	bool too_many;
};

/* It has to wait: the client hears so at once. */
static void begins_to_wait(void *arg)
{
	struct waiting *w = arg;

	if (req_pend(w->req, 0) == -EDQUOT) {
		w->too_many = true;
		task_cancel(w->req->task);
	}
}

static struct ntstatus lock(struct smb_req *req, struct lk_open *lk, const struct smb2_lock_req *in,
			    const struct lk_range *r)
{
	bool wait = in->n_locks == 1 && !(in->locks[0].flags & SMB2_LOCKFLAG_FAIL_IMMEDIATELY);
	struct waiting w = { .req = req };
	int e;

	e = lockc_lock(req->worker->lock, lk, r, (unsigned int)in->n_locks, sequence(req, in), wait,
		       begins_to_wait, &w);
	if (e != LK_CANCELLED)
		return status_of_lock(req, e);
	if (w.too_many)
		return NT_STATUS_INSUFFICIENT_RESOURCES;
	/* the handle ends before the lock comes: by CLOSE, TREE_DISCONNECT, LOGOFF */
	if (req->open->closing || req->tree->closing || req->session->state == SESSION_CLOSING)
		return NT_STATUS_RANGE_NOT_LOCKED;
	return req_cancelled(req);
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_lock_req *in = req->args;
	struct file_open *fo = file_open_of(req);
	const struct lk_range *r;
	struct ntstatus s;
	bool unlocks;

	if (req->open->kind != OPEN_FILE)
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, req->open->path,
				      "no file to lock");
	if (!(req->open->granted_access & (SMB2_FILE_READ_DATA | SMB2_FILE_WRITE_DATA)))
		return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
				      "neither reads nor writes");
	if (!fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	unlocks = in->locks[0].flags & SMB2_LOCKFLAG_UNLOCK;
	if (!unlocks && !valid_locks(in))
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, req->open->path,
				      "lock flags");
	r = ranges(req, in);
	if (!r)
		return req_fail(req, -ENOMEM);
	s = unlocks ? unlock(req, fo->hold.lk, in, r) : lock(req, fo->hold.lk, in, r);
	if (ntstatus_is_ok(s))
		smb2_empty_encode(&req->out);
	return s;
}

const struct smb_op op_lock = { .decode = decode, .run = run };
