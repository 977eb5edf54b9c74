/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TREE_CONNECT (MS-SMB2 3.3.5.7). Home worker's thread. */
#include "node/base/utf.h"
#include "node/log/log.h"
#include "smbd/op/ops.h"
#include "smbd/proto/req.h"
#include "smbd/wire/tree_connect.h"

/* What opens of a read-only share can be granted. */
#define ACCESS_READ_ONLY (SMB2_FILE_GENERIC_READ | SMB2_FILE_GENERIC_EXECUTE)
#define ACCESS_IPC (SMB2_FILE_GENERIC_READ | SMB2_FILE_GENERIC_WRITE | SMB2_FILE_GENERIC_EXECUTE)

static int decode(struct smb_req *req)
{
	struct smb2_tree_connect_req *args = arena_new(req->arena, struct smb2_tree_connect_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_tree_connect_req_decode(req->in, req->conn->dialect == SMB2_DIALECT_311, args);
}

/* The share's name in "\\server\share"; NULL when the path has another form. */
static const char *share_name(const char *path)
{
	const char *p;

	if (path[0] != '\\' || path[1] != '\\' || path[2] == '\\' || path[2] == '\0')
		return NULL;
	p = strchr(path + 2, '\\');
	if (!p || p[1] == '\0' || strchr(p + 1, '\\'))
		return NULL;
	return p + 1;
}

static struct ntstatus refused(struct smb_req *req, const char *name, const char *rule,
			       struct ntstatus status)
{
	static struct log_rl rl;

	if (log_ratelimit(&rl, 5))
		log_info("tree connect refused: client=%s user=%s share=%s rule=%s",
			 req->conn->name, log_esc(req->session->user.name), log_esc(name),
			 log_esc(rule));
	return status;
}

static struct ntstatus may_connect(struct smb_req *req, const struct smb_share *share)
{
	const char *name = share->conf->name;

	if (!share_allows(share, req->session->user.name))
		return refused(req, name, "not among the share's users", NT_STATUS_ACCESS_DENIED);
	if (share->conf->encrypt && !req->session->seal_in)
		return refused(req, name, "the share asks for encryption", NT_STATUS_ACCESS_DENIED);
	return NT_STATUS_OK;
}

static uint32_t max_access(const struct smb_share *s)
{
	if (s->ipc)
		return ACCESS_IPC;
	return s->conf->read_only ? ACCESS_READ_ONLY : SMB2_FILE_ALL_ACCESS;
}

static void respond(struct smb_req *req, const struct tree *t)
{
	const struct smb_share *s = t->share;
	struct smb2_tree_connect_resp resp = {
		.share_type = s->ipc ? SMB2_SHARE_TYPE_PIPE : SMB2_SHARE_TYPE_DISK,
		.share_flags = s->ipc ? SMB2_SHAREFLAG_NO_CACHING : SMB2_SHAREFLAG_MANUAL_CACHING,
		.maximal_access = t->max_access,
	};

	if (s->conf->encrypt && req->conn->dialect >= SMB2_DIALECT_300)
		resp.share_flags |= SMB2_SHAREFLAG_ENCRYPT_DATA;
	if (!s->ipc && req->conn->dialect >= SMB2_DIALECT_300) {
		/* a cluster of one node is none: clients ask less of a scale-out share than it could grant */
		resp.capabilities = req->worker->scaled_out ? (uint32_t)SMB2_SHARE_CAP_SCALEOUT : 0;
		if (s->conf->continuously_available)
			resp.capabilities |= SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY;
	}
	smb2_tree_connect_resp_encode(&req->out, 0, &resp);
}

static struct ntstatus connect_share(struct smb_req *req, struct smb_share *share)
{
	struct ntstatus status = may_connect(req, share);
	struct tree *t;
	int r;

	if (!ntstatus_is_ok(status))
		return status;
	r = share_open_root(share);
	if (r < 0)
		return r == -ENOMEM ? req_fail(req, r) : NT_STATUS_BAD_NETWORK_NAME;
	if (share_find(req->worker, share->conf->name) !=
	    share) /* changed while its root was opened */
		return NT_STATUS_BAD_NETWORK_NAME;
	r = tree_new(req->session, share, max_access(share), &t);
	if (r < 0)
		return r == -EDQUOT ? NT_STATUS_INSUFFICIENT_RESOURCES : req_fail(req, r);
	req->tree = tree_ref(t);
	use_begin(&t->use, &req->in_tree);
	req->tree_id = t->id;
	respond(req, t);
	return NT_STATUS_OK;
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_tree_connect_req *args = req->args;
	struct smb_share *share;
	struct ntstatus status;
	const char *name;
	char *path;

	/* 3.3.5.7: what was negotiated is proved by the signature */
	if (req->conn->dialect == SMB2_DIALECT_311 && !req->encrypted && !req->signed_ok) {
		req->drop = "TREE_CONNECT is neither signed nor encrypted";
		return NT_STATUS_ACCESS_DENIED;
	}
	if (utf8_from_utf16(req->arena, args->path, &path) < 0)
		return NT_STATUS_INVALID_PARAMETER;
	name = share_name(path);
	share = name ? share_find(req->worker, name) : NULL;
	if (!share)
		return refused(req, path, "no such share", NT_STATUS_BAD_NETWORK_NAME);
	share_ref(share);
	status = connect_share(req, share);
	share_unref(share);
	return status;
}

const struct smb_op op_tree_connect = { .decode = decode, .run = run };
