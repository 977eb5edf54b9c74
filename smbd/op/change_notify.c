/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CHANGE_NOTIFY (MS-SMB2 3.3.5.19, MS-FSA 2.1.5.11). The first request on an open fixes what is
 * watched; changes are collected from then on until the open ends, and each fills the oldest
 * request that waits. Those that wait have no task. Home worker's thread.
 */
#include "smbd/op/change_notify.h"

#include "node/base/clock.h"
#include "smbd/notify/notify.h"
#include "smbd/op/file_open.h"
#include "smbd/op/ops.h"
#include "smbd/op/status.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/outbuf.h"

/* How long the first request waits until everybody who may make changes knows of it; and how often
 * it looks whether its open ends meanwhile. */
#define ARM_WAIT (5 * NSEC_PER_SEC)
#define ARM_LOOK (20 * NSEC_PER_MSEC)

struct watch {
	struct ntf_watch *ntf;
	struct list parked; /* parked.link, oldest first */
	struct task_mutex turn; /* requests come to it in their order */
};

/* In the request's arena. */
struct parked {
	struct list link;
	struct smb_req *req;
	struct smb2_change_notify_req in;
};

static int decode(struct smb_req *req)
{
	struct parked *p = arena_new(req->arena, struct parked);

	if (!p)
		return -ENOMEM;
	list_init(&p->link);
	p->req = req;
	req->args = p;
	return smb2_change_notify_req_decode(req->in, &p->in);
}

/* --- answering --- */

static struct ntstatus ended(const struct smb_req *req)
{
	return req_is_closing(req) ? NT_STATUS_NOTIFY_CLEANUP : NT_STATUS_CANCELLED;
}

/* What has been collected, as the response of `p`. False: nothing has. */
static bool answer(struct watch *w, struct parked *p, struct ntstatus *ret)
{
	struct wr *out = &p->req->out;
	size_t mark = smb2_outbuf_begin(out, 0);
	enum ntf_got got = ntf_watch_take(w->ntf, p->in.output_buffer_length, out);

	smb2_outbuf_finish(out, mark);
	*ret = NT_STATUS_OK;
	if (got == NTF_CHANGES)
		return true;
	out->len = SMB2_HDR_LEN; /* no body of our own */
	*ret = NT_STATUS_NOTIFY_ENUM_DIR;
	return got == NTF_ENUM_DIR;
}

/* The oldest one that nobody has cancelled: those that were end by themselves. */
static struct parked *oldest(struct watch *w)
{
	struct parked *p;

	list_foreach(p, &w->parked, link)
		if (!p->req->cancelled)
			return p;
	return NULL;
}

static void ready(void *arg, bool gone)
{
	struct watch *w = arg;
	struct ntstatus s;
	struct parked *p;

	while ((p = oldest(w)) && (answer(w, p, &s) || gone)) {
		if (gone)
			s = NT_STATUS_DELETE_PENDING;
		list_remove(&p->link);
		req_unpark(p->req, s);
	}
}

static void cancelled(struct smb_req *req)
{
	struct parked *p = req->args;

	list_remove(&p->link);
	req_unpark(req, ended(req));
}

/* --- asking --- */

static struct ntstatus refuse(struct smb_req *req, struct ntstatus s, const char *rule)
{
	return status_refused(req, s, req->open->path, rule);
}

static struct ntstatus check(struct smb_req *req, const struct smb2_change_notify_req *in)
{
	if (in->output_buffer_length > req->conn->max_transact)
		return refuse(req, NT_STATUS_INVALID_PARAMETER, "longer than agreed");
	if (req->conn->multi_credit && in->output_buffer_length > req_paid_bytes(req))
		return refuse(req, NT_STATUS_INVALID_PARAMETER, "credit charge");
	if (req->open->kind != OPEN_DIRECTORY)
		return refuse(req, NT_STATUS_INVALID_PARAMETER, "is no directory");
	if (!(req->open->granted_access & SMB2_FILE_READ_DATA))
		return refuse(req, NT_STATUS_ACCESS_DENIED, "not open for listing");
	return NT_STATUS_OK;
}

static int begin(struct smb_req *req, struct file_open *fo, const struct smb2_change_notify_req *in)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct ntf_want want = {
		.dir = file_key_of(fo->file),
		.filter = in->completion_filter,
		.tree = in->flags & SMB2_WATCH_TREE,
		.max = in->output_buffer_length,
		.limit = &req->session->notify_limit,
		.ready = ready,
		.arg = w,
	};
	int r;

	if (!w)
		return -ENOMEM;
	list_init(&w->parked);
	task_mutex_init(&w->turn);
	fo->watch = w;
	r = ntf_watch_new(req->worker->notify, &want, &w->ntf);
	if (r < 0) {
		fo->watch = NULL;
		free(w);
		return r;
	}
	/* It was open, and maybe watched, on a node that is not there any more. */
	if (fo->reclaimed)
		ntf_watch_lose(w->ntf);
	return 0;
}

/* Only when it is armed the client may hear that it waits. */
static int arm(struct smb_req *req, struct watch *w)
{
	uint64_t now = loop_now(req->worker->loop), until = now + ARM_WAIT;
	int r = -ETIME;

	while (r == -ETIME && now < until && !req_is_closing(req)) {
		r = ntf_watch_wait(w->ntf, now + ARM_LOOK);
		now = loop_now(req->worker->loop);
	}
	if (r == -ETIME)
		ntf_watch_counts(w->ntf);
	return r == -ECANCELED ? r : 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	assert(list_empty(&w->parked));
	ntf_watch_free(w->ntf);
	free(w);
}

static struct ntstatus wait_for_change(struct smb_req *req, struct watch *w, struct parked *p)
{
	struct ntstatus s;
	int r;

	if (req->cancelled)
		return ended(req);
	if (list_empty(&w->parked) && answer(w, p, &s))
		return s;
	if (!req_is_last(req)) /* as Windows: nothing in the middle of a compound waits this long */
		return refuse(req, NT_STATUS_INTERNAL_ERROR, "others come behind it in the compound");
	r = req_pend(req, 0);
	if (r == -EDQUOT)
		return refuse(req, NT_STATUS_INSUFFICIENT_RESOURCES, "too many requests wait");
	if (r < 0 || req->cancelled || !req->interim_sent)
		return ended(req);
	/* Telling that may have taken a while. */
	if (list_empty(&w->parked) && answer(w, p, &s))
		return s;
	list_append(&w->parked, &p->link);
	return req_park(req, cancelled);
}

/* As a server that has none of it: the cluster still has nodes that would not tell. */
static struct ntstatus not_offered(struct smb_req *req)
{
	if (req->open->kind != OPEN_DIRECTORY)
		return refuse(req, NT_STATUS_INVALID_PARAMETER, "is no directory");
	return refuse(req, NT_STATUS_NOT_SUPPORTED, "not at this level of the cluster");
}

static struct ntstatus run(struct smb_req *req)
{
	struct file_open *fo = file_open_of(req);
	struct parked *p = req->args;
	struct ntstatus s = check(req, &p->in);
	int r = 0;

	if (!ntf_active(req->worker->notify))
		return not_offered(req);
	if (!ntstatus_is_ok(s))
		return s;
	if (!fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	if (fo->hold.lk->rec.delete_pending)
		return NT_STATUS_DELETE_PENDING;
	if (!fo->watch)
		r = begin(req, fo, &p->in);
	if (r < 0)
		return req_fail(req, r);
	r = task_mutex_lock(&fo->watch->turn);
	if (r < 0)
		return ended(req);
	r = arm(req, fo->watch);
	s = r < 0 ? ended(req) : wait_for_change(req, fo->watch, p);
	task_mutex_unlock(&fo->watch->turn);
	return s;
}

const struct smb_op op_change_notify = { .decode = decode, .run = run };
