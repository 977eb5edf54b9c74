/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Security descriptors in QUERY_INFO and SET_INFO (MS-SMB2 3.3.5.20.3, 3.3.5.21.3). Home worker's
 * thread. */
#include "smbd/op/event.h"
#include "smbd/op/info.h"
#include "smbd/op/secmap.h"
#include "smbd/op/status.h"

#define PARTS                                                                \
	(SMB2_OWNER_SECURITY_INFORMATION | SMB2_GROUP_SECURITY_INFORMATION | \
	 SMB2_DACL_SECURITY_INFORMATION)

static int owner_of(struct smb_req *req, struct file_open *fo, struct vfs_stat *st,
		    struct secmap_owner *ret)
{
	int r = vfs_stat(fo->file, st);

	if (r < 0)
		return r;
	ret->uid = st->uid;
	ret->gid = st->gid;
	secmap_owner_sids(req->worker->config, ret);
	return 0;
}

struct ntstatus query_security_info(struct query *q)
{
	uint32_t parts = q->in->additional_information;
	struct secmap_owner who;
	struct secdesc sd;
	struct vfs_stat st;
	int r;

	if ((parts & SMB2_SACL_SECURITY_INFORMATION) ||
	    ((parts & PARTS) && !(q->req->open->granted_access & SMB2_READ_CONTROL)))
		return status_refused(q->req, NT_STATUS_ACCESS_DENIED, q->req->open->path,
				      "not open for its descriptor");
	r = owner_of(q->req, q->fo, &st, &who);
	if (r == 0)
		r = secmap_from_mode(q->req->arena, &who, st.mode, st.type == VFS_DIR, parts, &sd);
	if (r < 0)
		return req_fail(q->req, r);
	secdesc_encode(q->w, &sd);
	return NT_STATUS_OK;
}

/* Owner and group can be set to what they are. */
static struct ntstatus check_owner(const struct secdesc *sd, const struct secmap_owner *who,
				   uint32_t parts)
{
	if ((parts & SMB2_OWNER_SECURITY_INFORMATION) &&
	    (!sd->owner || !sid_equal(sd->owner, &who->owner)))
		return NT_STATUS_INVALID_OWNER;
	if ((parts & SMB2_GROUP_SECURITY_INFORMATION) && sd->group &&
	    !sid_equal(sd->group, &who->group))
		return NT_STATUS_NOT_SUPPORTED;
	return NT_STATUS_OK;
}

static struct ntstatus set_dacl(struct smb_req *req, struct file_open *fo, const struct secdesc *sd,
				const struct secmap_owner *who, const struct vfs_stat *st)
{
	uint32_t mode;
	int r;

	if (!secmap_to_mode(sd, who, st->type == VFS_DIR, &mode))
		return status_refused(req, NT_STATUS_NOT_SUPPORTED, req->open->path,
				      "the DACL says more than permission bits can");
	r = req_may_serve(req);
	if (r == 0)
		r = vfs_chmod(fo->file, file_cred(fo), mode | (st->mode & 07000));
	if (r == 0)
		event_file(fo, SMB2_NOTIFY_CHANGE_SECURITY);
	return r < 0 ? req_fail(req, r) : NT_STATUS_OK;
}

struct ntstatus set_security_info(struct smb_req *req, struct file_open *fo,
				  const struct smb2_set_info_req *in)
{
	uint32_t parts = in->additional_information, need = 0;
	struct secmap_owner who;
	struct secdesc sd;
	struct vfs_stat st;
	struct ntstatus s;
	int r;

	if (parts & (SMB2_OWNER_SECURITY_INFORMATION | SMB2_GROUP_SECURITY_INFORMATION))
		need |= SMB2_WRITE_OWNER;
	if (parts & SMB2_DACL_SECURITY_INFORMATION)
		need |= SMB2_WRITE_DAC;
	if ((parts & SMB2_SACL_SECURITY_INFORMATION) || (need & ~req->open->granted_access))
		return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
				      "not open for its descriptor");
	r = secdesc_decode(req->arena, in->buffer, &sd);
	if (r < 0)
		return r == -EBADMSG ? NT_STATUS_INVALID_PARAMETER : req_fail(req, r);
	r = owner_of(req, fo, &st, &who);
	if (r < 0)
		return req_fail(req, r);
	s = check_owner(&sd, &who, parts);
	if (ntstatus_is_ok(s) && (parts & SMB2_DACL_SECURITY_INFORMATION))
		s = set_dacl(req, fo, &sd, &who, &st);
	return s;
}
