/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CREATE (MS-SMB2 3.3.5.9): checked, opened, granted by the file's owner, then changed and
 * answered; each step has its file, create_*.c. Home worker's thread, in the request's task.
 */
#include "smbd/op/create_priv.h"
#include "smbd/op/info.h"
#include "smbd/op/ops.h"

#define RETRIES 16

static int decode(struct smb_req *req)
{
	struct smb2_create_req *args = arena_new(req->arena, struct smb2_create_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_create_req_decode(req->in, args);
}

static struct ntstatus make_open(struct create *c)
{
	int r = open_new(c->req, &c->open);

	if (r == 0) {
		c->fo = file_open_new(c->open);
		if (c->fo)
			return NT_STATUS_OK;
		open_drop(TAKE_PTR(c->open));
		r = -ENOMEM;
	}
	return r == -EDQUOT ? NT_STATUS_INSUFFICIENT_RESOURCES : req_fail(c->req, r);
}

/* A file as the name says, opened and granted. */
static struct ntstatus open_by_name(struct create *c)
{
	struct ntstatus s = NT_STATUS_OK;

	for (unsigned int i = 0; i < RETRIES; i++) {
		c->persistent = create_persistent(c);
		s = create_open_file(c);
		if (!ntstatus_is_ok(s))
			return s;
		/* without handles of the file system nothing could be opened again */
		c->persistent = c->persistent && c->file->handle.len > 0;
		s = create_grant(c);
		if (ntstatus_is_ok(s))
			return s;
		create_undo(c);
		if (!ntstatus_eq(s, NT_STATUS_RETRY))
			return s;
	}
	return NT_STATUS_DELETE_PENDING;
}

static struct ntstatus find_file(struct create *c)
{
	struct ntstatus s;

	if (create_wants_reclaim(c))
		return create_reclaim(c);
	s = create_replay_find(c);
	return ntstatus_is_ok(s) && !c->replayed ? open_by_name(c) : s;
}

/* Hands everything over to the open; nothing waits between it and the response. */
static struct ntstatus finish(struct create *c)
{
	struct open *o = c->open;

	if (!c->fo->hold.lk) /* the owner closed it before it was in the table */
		return NT_STATUS_FILE_CLOSED;
	o->create_options = c->in.options;
	o->share_access = c->in.share_access;
	c->fo->file = TAKE_PTR(c->file);
	open_publish(o);
	return NT_STATUS_OK;
}

static void respond(struct create *c, uint8_t oplock_level, struct blob contexts)
{
	struct fscc_network_open i = info_network_open(&c->st);
	struct smb2_create_resp resp = {
		.oplock_level = oplock_level,
		.action = c->action,
		.creation_time = i.creation_time,
		.last_access_time = i.last_access_time,
		.last_write_time = i.last_write_time,
		.change_time = i.change_time,
		.allocation_size = i.allocation_size,
		.end_of_file = i.end_of_file,
		.file_attributes = i.file_attributes,
		.file_id = c->open->id,
		.contexts = contexts,
	};

	smb2_create_resp_encode(&c->req->out, 0, &resp);
	req_set_open(c->req, c->open);
}

/* Nothing waits from the look at what is cached to the response: a break that comes later goes after it. */
static struct ntstatus answer(struct create *c)
{
	const struct file_open *fo = c->open->priv;
	struct blob contexts = { NULL, 0 };
	struct smb2_lease_ctx lease = { 0 };
	uint8_t level = SMB2_OPLOCK_LEVEL_NONE;
	struct ntstatus s;

	if (fo->hold.lk)
		level = caching_answer(fo->hold.lk, create_wants_reclaim(c), &lease);
	if (c->replayed)
		level = caching_replayed(level, c->in.oplock_level);
	s = create_ctx_respond(c, &lease, &contexts);
	if (ntstatus_is_ok(s) && !c->replayed)
		s = finish(c);
	if (!ntstatus_is_ok(s))
		return s;
	respond(c, level, contexts);
	caching_known(c->open->priv);
	return NT_STATUS_OK;
}

/* Leaves nothing behind. */
static void fail(struct create *c)
{
	if (c->replayed) {
		open_unref(c->open);
		return;
	}
	if (c->fo->hold.lk)
		create_ungrant(c);
	create_undo(c);
	file_open_free(c->fo);
	open_drop(c->open);
}

static struct ntstatus run_file(struct create *c)
{
	struct ntstatus s = make_open(c);

	if (!ntstatus_is_ok(s))
		return s;
	s = find_file(c);
	if (ntstatus_is_ok(s))
		s = answer(c);
	if (!ntstatus_is_ok(s)) {
		fail(c);
		return s;
	}
	if (c->replayed)
		open_unref(c->open);
	return NT_STATUS_OK;
}

static struct ntstatus run(struct smb_req *req)
{
	struct create *c;
	struct ntstatus s;

	if (req->tree->share->ipc)
		return create_pipe(req, req->args);
	c = arena_new(req->arena, struct create);
	if (!c)
		return req_fail(req, -ENOMEM);
	c->req = req;
	c->in = *(const struct smb2_create_req *)req->args;
	s = create_ctx_parse(c);
	if (ntstatus_is_ok(s))
		s = create_check(c);
	return ntstatus_is_ok(s) ? run_file(c) : s;
}

const struct smb_op op_create = { .decode = decode, .run = run };
