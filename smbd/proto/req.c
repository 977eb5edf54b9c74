/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands call on their request: failing, waiting, payload. Home worker's thread. */
#include "smbd/proto/req.h"

#include "node/log/log.h"
#include "smbd/proto/chain.h"

struct ntstatus req_fail(struct smb_req *req, int err)
{
	static struct log_rl rl;

	if (err == -ECANCELED)
		return req_cancelled(req);
	if ((err == -ENOMEM || err == -EIO || err == -EUCLEAN || err == -ESHUTDOWN) &&
	    log_ratelimit(&rl, 10))
		log_warn("request failed: client=%s command=%s error=%s", req->conn->name,
			 req->row ? req->row->name : "-", log_errno(err));
	return ntstatus_from_errno(err);
}

struct ntstatus req_cancelled(struct smb_req *req)
{
	return NT_STATUS_CANCELLED;
}

static void interim_due(struct timer *t)
{
	struct smb_req *req = container_of(t, struct smb_req, interim);

	if (!req->conn->dead && !req->interim_sent)
		reply_interim(req);
}

int req_pend(struct smb_req *req, uint64_t delay)
{
	struct conn *c = req->conn;

	if (req->cancelled || c->dead)
		return -ECANCELED;
	if (req->pending)
		return 0;
	if (c->n_pending >= (unsigned int)c->worker->tunables.max_pending_per_connection)
		return -EDQUOT;
	c->n_pending++;
	req->pending = true;
	req->async_id = c->next_async_id++;
	timer_init(&req->interim, c->worker->loop, interim_due);
	if (delay == 0)
		reply_interim(req);
	else if (delay != REQ_PEND_UNSAID)
		timer_set(&req->interim, loop_now(c->worker->loop) + delay);
	return 0;
}

void req_pend_now(void *arg)
{
	struct smb_req *req = arg;

	if (!req->pending || req->interim_sent || req->conn->dead)
		return;
	timer_cancel(&req->interim);
	reply_interim(req);
}

static void cancel_parked(struct mail *m)
{
	struct smb_req *req = container_of(m, struct smb_req, cancel_mail);

	req->parked(req);
}

struct ntstatus req_park(struct smb_req *req, void (*cancelled)(struct smb_req *req))
{
	assert(req->pending && req->interim_sent && req_is_last(req) && !req->parked);
	req->parked = cancelled;
	req->cancel_mail.run = cancel_parked;
	return NT_STATUS_PENDING;
}

void req_unpark(struct smb_req *req, struct ntstatus status)
{
	req->status = status;
	chain_unpark(req->chain, req);
}

bool req_is_last(const struct smb_req *req)
{
	const struct chain *ch = req->chain;

	return req->in.data == ch->elems[ch->n_elems - 1].data;
}

bool req_is_closing(const struct smb_req *req)
{
	return (req->open && req->open->closing) || (req->tree && req->tree->closing) ||
	       (req->session && req->session->state == SESSION_CLOSING);
}

void req_pend_end(struct smb_req *req)
{
	if (!req->pending)
		return;
	timer_cancel(&req->interim);
	req->pending = false;
	req->conn->n_pending--;
}

void req_set_open(struct smb_req *req, struct open *o)
{
	assert(!req->open);
	req->open = open_ref(o);
	use_begin(&o->use, &req->in_open);
}

void req_out_data(struct smb_req *req, void *buf, size_t n, void (*free_fn)(void *arg), void *arg)
{
	assert(!req->data.free && req->data.iov.iov_len == 0);
	req->data = (struct req_data){ .iov = { buf, n }, .free = free_fn, .arg = arg };
}

void req_error_body(struct smb_req *req)
{
	req->error_body = true;
}

size_t req_paid_bytes(const struct smb_req *req)
{
	size_t charge = req->conn->multi_credit ? MAX(req->hdr.credit_charge, (uint16_t)1) : 1;

	return charge * 65536;
}

int req_may_serve(struct smb_req *req)
{
	if (worker_may_serve(req->worker))
		return 0;
	return worker_wait_serve(req->worker, 0);
}
