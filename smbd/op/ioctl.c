/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IOCTL (MS-SMB2 3.3.5.15): controls about the connection are here; those with a FileId go to what
 * is behind the open. Home worker's thread.
 */
#include "smbd/wire/ioctl.h"

#include "node/conf/node_conf.h"
#include "node/net/iface.h"
#include "smbd/op/fsctl.h"
#include "smbd/op/ops.h"
#include "smbd/proto/negotiate.h"
#include "smbd/proto/req.h"
#include "smbd/wire/fsctl.h"

static int decode(struct smb_req *req)
{
	struct smb2_ioctl_req *args = arena_new(req->arena, struct smb2_ioctl_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_ioctl_req_decode(req->in, args);
}

/* 3.3.5.15.12: proves to a 3.0 client that nobody weakened the negotiation; a mismatch ends the
 * connection. */
static struct ntstatus validate_negotiate(struct smb_req *req, const struct smb2_ioctl_req *in,
					  struct wr *out)
{
	struct fsctl_validate_negotiate_req v;
	struct fsctl_validate_negotiate_resp resp;
	struct conn *c = req->conn;
	int r;

	r = fsctl_validate_negotiate_req_decode(req->arena, in->input, &v);
	if (r < 0)
		return r == -EBADMSG ? NT_STATUS_INVALID_PARAMETER : req_fail(req, r);
	if (v.capabilities != c->client_capabilities ||
	    !guid_equal(&v.client_guid, &c->client_guid) ||
	    v.security_mode != c->client_security_mode ||
	    negotiate_dialect(req->worker, &v.dialects) != c->dialect) {
		req->drop = "VALIDATE_NEGOTIATE_INFO does not match";
		return NT_STATUS_ACCESS_DENIED;
	}
	resp = (struct fsctl_validate_negotiate_resp){ .capabilities = c->capabilities,
						       .server_guid =
							       req->worker->smbd->server_guid,
						       .security_mode =
							       negotiate_security_mode(req->worker),
						       .dialect = c->dialect };
	fsctl_validate_negotiate_resp_encode(out, &resp);
	return NT_STATUS_OK;
}

/* Whether this address is one of the node's own in node.yaml; an address that may move to another
 * node is not. */
static bool is_ours(const struct node_conf *conf, const struct net_iface *i)
{
	struct net_addr a;
	size_t k;

	for (k = 0; k < conf->addresses.count; k++) {
		if (net_addr_parse(conf->addresses.items[k], 0, &a) < 0)
			continue;
		if (net_addr_equal_ip(&a, &i->addr))
			return true;
		/* "*" names none: then every address that clients can reach counts */
		if (a.sa.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&a.in6.sin6_addr) :
						 a.in.sin_addr.s_addr == INADDR_ANY)
			return !i->loopback;
	}
	return false;
}

static void netif_fill(const struct net_iface *i, struct fsctl_netif *ret)
{
	*ret = (struct fsctl_netif){ .if_index = i->index,
				     .link_speed = i->speed,
				     .capability = i->rx_queues > 1 ? SMB2_IF_RSS_CAPABLE : 0 };
	ret->ipv6 = i->addr.sa.sa_family == AF_INET6;
	if (ret->ipv6)
		memcpy(ret->addr, &i->addr.in6.sin6_addr, 16);
	else
		memcpy(ret->addr, &i->addr.in.sin_addr, 4);
}

/* 3.3.5.15.11 */
static struct ntstatus network_interfaces(struct smb_req *req, const struct smb2_ioctl_req *in,
					  struct wr *out)
{
	_cleanup_free_ struct net_iface *list = NULL;
	struct fsctl_netif *found;
	size_t n, i, k = 0;
	int r;

	if (!(req->conn->capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL))
		return NT_STATUS_NOT_SUPPORTED;
	r = net_ifaces(&list, &n);
	found = r < 0 ? NULL : arena_calloc(req->arena, n ? n : 1, sizeof(*found));
	if (!found)
		return req_fail(req, r < 0 ? r : -ENOMEM);
	for (i = 0; i < n; i++) {
		if (list[i].up && !list[i].link_local && is_ours(req->worker->smbd->conf, &list[i]))
			netif_fill(&list[i], &found[k++]);
	}
	if (k == 0)
		return NT_STATUS_NOT_FOUND;
	fsctl_netif_encode(out, found, k);
	return NT_STATUS_OK;
}

static struct ntstatus dfs_referrals(struct smb_req *req, const struct smb2_ioctl_req *in,
				     struct wr *out)
{
	return NT_STATUS_FS_DRIVER_REQUIRED; /* 3.3.5.15.2: no DFS here */
}

static const struct {
	uint32_t code;
	struct ntstatus (*run)(struct smb_req *req, const struct smb2_ioctl_req *in,
			       struct wr *out);
} controls[] = {
	{ FSCTL_VALIDATE_NEGOTIATE_INFO, validate_negotiate },
	{ FSCTL_QUERY_NETWORK_INTERFACE_INFO, network_interfaces },
	{ FSCTL_DFS_GET_REFERRALS, dfs_referrals },
	{ FSCTL_DFS_GET_REFERRALS_EX, dfs_referrals },
	{ FSCTL_PIPE_WAIT, pipe_wait },
};

static struct ntstatus run_control(struct smb_req *req, const struct smb2_ioctl_req *in,
				   struct blob *ret_out)
{
	struct wr w = wr_arena(req->arena, in->max_output_response);
	struct ntstatus status;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		if (controls[i].code != in->ctl_code)
			continue;
		if (!smb2_fileid_is_any(in->file_id)) /* smbtorture: ioctl.bug14788 */
			return NT_STATUS_INVALID_PARAMETER;
		status = controls[i].run(req, in, &w);
		if (ntstatus_is_ok(status) && wr_end(&w) < 0)
			return NT_STATUS_BUFFER_TOO_SMALL;
		*ret_out = wr_blob(&w);
		return status;
	}
	if (!req->open)
		return NT_STATUS_FILE_CLOSED;
	if (!req->open->ops->ioctl)
		return NT_STATUS_INVALID_DEVICE_REQUEST;
	return req->open->ops->ioctl(req, in, ret_out);
}

/* 3.3.5.15 and 3.3.5.2.5 */
static bool sizes_ok(const struct smb_req *req, const struct smb2_ioctl_req *in)
{
	uint64_t out = (uint64_t)in->max_input_response + in->max_output_response;
	size_t payload = MAX(in->input.len, (size_t)out);

	if (in->input.len > req->conn->max_transact ||
	    in->max_input_response > req->conn->max_transact ||
	    in->max_output_response > req->conn->max_transact)
		return false;
	return !req->conn->multi_credit || payload <= req_paid_bytes(req);
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_ioctl_req *in = req->args;
	struct smb2_ioctl_resp resp = { .ctl_code = in->ctl_code, .file_id = in->file_id };
	struct ntstatus status;

	if (!(in->flags & SMB2_0_IOCTL_IS_FSCTL))
		return NT_STATUS_NOT_SUPPORTED;
	if (!sizes_ok(req, in))
		return NT_STATUS_INVALID_PARAMETER;
	status = run_control(req, in, &resp.output);
	if (ntstatus_is_error(status))
		return status;
	if (req->open)
		resp.file_id = req->open->id;
	smb2_ioctl_resp_encode(&req->out, 0, &resp);
	return status;
}

const struct smb_op op_ioctl = { .decode = decode, .run = run };
