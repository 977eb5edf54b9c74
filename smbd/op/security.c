/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Security descriptors of files (MS-FSA 2.1.5.14, 2.1.5.17): made from owner, group and permission bits, and taken as far as
 * permission bits go. Home worker's thread.
 */
#include "clusterd/client/cluster_config.h"
#include "smbd/op/info.h"
#include "smbd/op/secmode.h"
#include "smbd/op/status.h"
#include "smbd/wire/secdesc.h"

/* The SID of a uid: the cluster's user of it, if there is one. */
static struct sid owner_sid(const struct worker *w, uint32_t uid)
{
	const struct cluster_config *c = w->config;
	size_t i;

	for (i = 0; c && i < c->n_users; i++) {
		if (c->users[i].uid == uid)
			return c->users[i].sid;
	}
	return secmode_unix_user(uid);
}

static struct secmode_ids ids_of(const struct worker *w, const struct vfs_stat *st)
{
	return (struct secmode_ids){ .owner = owner_sid(w, st->uid), .group = secmode_unix_group(st->gid) };
}

struct ntstatus query_security_info(struct query *q)
{
	uint32_t want = q->in->additional_information;
	struct secdesc sd = { .control = SECDESC_SELF_RELATIVE };
	struct secmode_ids ids;
	struct vfs_stat st;
	int r;

	if (!q->fo)
		return NT_STATUS_NOT_SUPPORTED;
	if (want & SMB2_SACL_SECURITY_INFORMATION)
		return NT_STATUS_ACCESS_DENIED; /* needs ACCESS_SYSTEM_SECURITY, which nobody is granted */
	if (!(q->fo->open->granted_access & SMB2_READ_CONTROL))
		return NT_STATUS_ACCESS_DENIED;
	r = vfs_stat(q->fo->file, &st);
	if (r < 0)
		return req_fail(q->req, r);
	ids = ids_of(q->req->worker, &st);
	if (want & SMB2_OWNER_SECURITY_INFORMATION)
		sd.owner = &ids.owner;
	if (want & SMB2_GROUP_SECURITY_INFORMATION)
		sd.group = &ids.group;
	if (want & SMB2_DACL_SECURITY_INFORMATION) {
		sd.control |= SECDESC_DACL_PRESENT;
		sd.dacl = secmode_dacl(q->req->arena, &ids, st.mode, st.type == VFS_DIR);
		if (!sd.dacl)
			return NT_STATUS_INSUFFICIENT_RESOURCES;
	}
	secdesc_encode(q->w, &sd);
	return NT_STATUS_OK;
}

/* What the handle must be able to do for the parts that are to be set (MS-FSA 2.1.5.17). */
static uint32_t access_needed(uint32_t parts)
{
	uint32_t a = 0;

	if (parts & (SMB2_OWNER_SECURITY_INFORMATION | SMB2_GROUP_SECURITY_INFORMATION))
		a |= SMB2_WRITE_OWNER;
	if (parts & SMB2_DACL_SECURITY_INFORMATION)
		a |= SMB2_WRITE_DAC;
	return a;
}

/* Files keep their owner: only what they have already can be "set". */
static bool same_owner(const struct secdesc *sd, uint32_t parts, const struct secmode_ids *ids)
{
	if (parts & SMB2_OWNER_SECURITY_INFORMATION && sd->owner && !sid_equal(sd->owner, &ids->owner))
		return false;
	return !(parts & SMB2_GROUP_SECURITY_INFORMATION) || !sd->group || sid_equal(sd->group, &ids->group);
}

struct ntstatus set_security_info(struct smb_req *req, struct file_open *fo, const struct smb2_set_info_req *in)
{
	uint32_t parts = in->additional_information, need = access_needed(parts), mode;
	struct secmode_ids ids;
	struct secdesc sd;
	struct vfs_stat st;
	int r;

	if (parts & (SMB2_SACL_SECURITY_INFORMATION | SMB2_LABEL_SECURITY_INFORMATION))
		return NT_STATUS_ACCESS_DENIED;
	if ((fo->open->granted_access & need) != need)
		return NT_STATUS_ACCESS_DENIED;
	if (secdesc_decode(req->arena, in->buffer, &sd) < 0)
		return NT_STATUS_INVALID_SECURITY_DESCR;
	r = vfs_stat(fo->file, &st);
	if (r < 0)
		return req_fail(req, r);
	ids = ids_of(req->worker, &st);
	if (!same_owner(&sd, parts, &ids))
		return status_refused(req, NT_STATUS_INVALID_OWNER, fo->open->path, "a file keeps its owner and group");
	if (!(parts & SMB2_DACL_SECURITY_INFORMATION))
		return NT_STATUS_OK;
	r = secmode_from_dacl(sd.control & SECDESC_DACL_PRESENT ? sd.dacl : NULL, &ids, &mode);
	if (r < 0)
		return status_refused(req, NT_STATUS_NOT_SUPPORTED, fo->open->path,
				      "the DACL says more than permission bits can");
	r = req_may_serve(req);
	if (r == 0)
		r = vfs_chmod(fo->file, file_cred(fo), (st.mode & 07000) | mode);
	return r < 0 ? req_fail(req, r) : NT_STATUS_OK;
}
