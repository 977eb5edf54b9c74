/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contexts of a CREATE: which may come together, what they ask for, and the answers to them. Home
 * worker's thread. */
#include "smbd/op/create_priv.h"

#include "node/base/clock.h"
#include "smbd/op/info.h"

#define DURABLE_ANY (SMB2_CTX_DHNQ | SMB2_CTX_DHNC | SMB2_CTX_DH2Q | SMB2_CTX_DH2C)
#define DURABLE_V2 (SMB2_CTX_DH2Q | SMB2_CTX_DH2C)

/* 3.3.5.9.6, .7, .10, .12 */
static bool durable_allowed(uint32_t present)
{
	uint32_t d = present & DURABLE_ANY;

	if ((d & SMB2_CTX_DH2C) && d != SMB2_CTX_DH2C)
		return false;
	if ((d & SMB2_CTX_DH2Q) && d != SMB2_CTX_DH2Q)
		return false;
	return true; /* DHnQ beside DHnC is ignored (3.3.5.9.7) */
}

static struct ntstatus check_eas(struct create *c)
{
	struct rd r = rd_of(c->ctx.exta);
	struct fscc_ea ea;
	int k, n = 0;

	while ((k = fscc_ea_next(&r, &ea)) == 1)
		n++;
	if (k < 0)
		return NT_STATUS_INVALID_PARAMETER;
	return n ? status_refused(c->req, NT_STATUS_EAS_NOT_SUPPORTED, NULL,
				  "extended attributes") :
		   NT_STATUS_OK;
}

struct ntstatus create_ctx_parse(struct create *c)
{
	uint16_t dialect = c->req->conn->dialect;
	int r = smb2_create_ctxs_req_decode(c->in.contexts, &c->ctx);

	if (r < 0)
		return status_refused(c->req, NT_STATUS_INVALID_PARAMETER, NULL, "create contexts");
	if (dialect < SMB2_DIALECT_300)
		c->ctx.present &= ~(uint32_t)(DURABLE_V2 | SMB2_CTX_APP_ID | SMB2_CTX_APP_VERSION);
	if (dialect < SMB2_DIALECT_311)
		c->ctx.present &= ~(uint32_t)SMB2_CTX_APP_VERSION;
	if (!durable_allowed(c->ctx.present))
		return status_refused(c->req, NT_STATUS_INVALID_PARAMETER, NULL,
				      "durable handle contexts");
	c->req->outlives = c->ctx.present & SMB2_CTX_DH2Q; /* 3.3.5.9.10: a replay finds it */
	/* 3.3.5.9.4; clients have times from FSCTL_SRV_ENUMERATE_SNAPSHOTS, in seconds */
	c->past = (c->ctx.present & SMB2_CTX_TWRP) && c->ctx.twrp;
	c->past_time = timespec_from_nttime(c->ctx.twrp).tv_sec;
	if (c->ctx.present & SMB2_CTX_SECD) {
		r = secdesc_decode(c->req->arena, c->ctx.secd, &c->sd);
		if (r < 0)
			return r == -EBADMSG ? NT_STATUS_INVALID_PARAMETER : req_fail(c->req, r);
	}
	return c->ctx.present & SMB2_CTX_EXTA ? check_eas(c) : NT_STATUS_OK;
}

/* 3.3.5.9.5: not the rights when the file has not changed since the client asked last */
static void respond_mxac(struct create *c, struct smb2_create_ctxs_resp *resp)
{
	uint64_t changed = nttime_from_timespec(c->st.mtime);

	resp->present |= SMB2_CTX_MXAC;
	if (c->ctx.mxac_time && c->ctx.mxac_time == changed) {
		resp->mxac.status = NT_STATUS_NONE_MAPPED;
		return;
	}
	resp->mxac.status = NT_STATUS_OK;
	resp->mxac.access = c->maximal;
}

struct ntstatus create_ctx_respond(struct create *c, const struct smb2_lease_ctx *lease, struct blob *ret)
{
	struct smb2_create_ctxs_resp resp = { 0 };
	struct wr w = wr_arena(c->req->arena, 4096);
	uint32_t asked = c->ctx.present;

	if (asked & SMB2_CTX_MXAC)
		respond_mxac(c, &resp);
	if (asked & SMB2_CTX_QFID) {
		resp.present |= SMB2_CTX_QFID;
		info_disk_id(c->file, resp.qfid);
	}
	if ((asked & SMB2_CTX_DH2Q) && (c->persistent || c->durable)) {
		resp.present |= SMB2_CTX_DH2Q;
		resp.dh2q.timeout = c->timeout_ms;
		resp.dh2q.flags = c->persistent ? SMB2_DHANDLE_FLAG_PERSISTENT : 0;
	}
	if ((asked & SMB2_CTX_DHNQ) && c->durable && !create_wants_reclaim(c))
		resp.present |= SMB2_CTX_DHNQ;
	if (lease->version) {
		resp.present |= SMB2_CTX_RQLS;
		resp.lease = *lease;
	}
	if (resp.present)
		smb2_create_ctxs_resp_encode(&w, &resp);
	if (wr_end(&w) < 0)
		return req_fail(c->req, -ENOMEM);
	*ret = wr_blob(&w);
	return NT_STATUS_OK;
}
