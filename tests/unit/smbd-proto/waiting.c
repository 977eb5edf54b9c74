/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for test_async.c: one waits until it is cancelled, one opens something, one closes it,
 * one has its own client told of breaks before it ends. On workers. */
#include "smbd/proto/notify.h"
#include "smbd/proto/req.h"
#include "smbd/wire/empty.h"

extern const struct smb_op waiting_op, opening_op, closing_op, breaking_op;
extern _Atomic int waiting_now, waiting_cancelled, opens_ended, last_end;
extern _Atomic bool breaking_pends;
_Atomic bool breaking_pends;
_Atomic int waiting_now, waiting_cancelled, opens_ended, last_end;

static struct ntstatus wait_run(struct smb_req *req)
{
	const struct share *conf = req->tree->share->conf;
	int r = req_pend(req, REQ_PEND_DELAY);

	if (r == -EDQUOT)
		return NT_STATUS_INSUFFICIENT_RESOURCES;
	if (r < 0)
		return req_cancelled(req);
	waiting_now++;
	while (task_park() == 0)
		;
	waiting_now--;
	waiting_cancelled++;
	/* what a waiting request may point to (its share's name) outlives changes of the
	 * configuration */
	if (req->tree->share->conf != conf)
		return NT_STATUS_INTERNAL_ERROR;
	return req_cancelled(req);
}

static void ended(struct open *o, enum open_end why)
{
	opens_ended++;
	last_end = (int)why;
}

static const struct open_ops test_open_ops = { .end = ended };

static struct ntstatus open_run(struct smb_req *req)
{
	struct open *o;
	int r = open_new(req, &o);

	if (r < 0)
		return r == -EDQUOT ? NT_STATUS_INSUFFICIENT_RESOURCES : req_fail(req, r);
	o->kind = OPEN_FILE;
	o->ops = &test_open_ops;
	o->id.persistent_id = o->id.volatile_id;
	req_set_open(req, o);
	open_publish(o);
	smb2_empty_encode(&req->out);
	return NT_STATUS_OK;
}

static struct ntstatus close_run(struct smb_req *req)
{
	if (!open_close(req->open, req, OPEN_END_CLOSE))
		return NT_STATUS_FILE_CLOSED;
	smb2_empty_encode(&req->out);
	return NT_STATUS_OK;
}

static int break_own(struct smb_req *req, uint16_t epoch, enum notify_order order)
{
	struct smb2_break b = { .kind = SMB2_BREAK_LEASE_NOTIFY,
				.lease_notify = { .new_epoch = epoch, .current_state = 1 } };
	const struct conn *at;

	return notify_break(req->session, NULL, &b, order, &at);
}

/* Epoch 1 behind the response, or behind the interim one; 2 at once. */
static struct ntstatus break_run(struct smb_req *req)
{
	if (break_own(req, 1, NOTIFY_BEHIND) < 0 || break_own(req, 2, NOTIFY_FIRST) < 0)
		return NT_STATUS_INTERNAL_ERROR;
	if (breaking_pends)
		return wait_run(req);
	if (task_sleep(UINT64_C(10000000)) < 0)
		return req_cancelled(req);
	smb2_empty_encode(&req->out);
	return NT_STATUS_OK;
}

const struct smb_op breaking_op = { .run = break_run };
const struct smb_op waiting_op = { .run = wait_run };
const struct smb_op opening_op = { .run = open_run };
const struct smb_op closing_op = { .run = close_run };
