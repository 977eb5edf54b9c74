/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outcomes of the layers below as NTSTATUS. Home worker's thread. */
#include "smbd/op/status.h"

#include "node/log/log.h"

static const struct ntstatus outcomes[] = {
	[LK_OK] = NTSTATUS_INIT(OK),
	[LK_SHARING_VIOLATION] = NTSTATUS_INIT(SHARING_VIOLATION),
	[LK_DELETE_PENDING] = NTSTATUS_INIT(DELETE_PENDING),
	[LK_FILE_NOT_AVAILABLE] = NTSTATUS_INIT(FILE_NOT_AVAILABLE),
	[LK_NOT_FOUND] = NTSTATUS_INIT(OBJECT_NAME_NOT_FOUND),
	[LK_ACCESS_DENIED] = NTSTATUS_INIT(ACCESS_DENIED),
	[LK_INVALID_PARAMETER] = NTSTATUS_INIT(INVALID_PARAMETER),
	[LK_DUPLICATE_OBJECTID] = NTSTATUS_INIT(DUPLICATE_OBJECTID),
	[LK_FORCED_CLOSED] = NTSTATUS_INIT(FILE_FORCED_CLOSED),
	[LK_LOCK_NOT_GRANTED] = NTSTATUS_INIT(LOCK_NOT_GRANTED),
	[LK_LOCK_CONFLICT] = NTSTATUS_INIT(FILE_LOCK_CONFLICT),
	[LK_RANGE_NOT_LOCKED] = NTSTATUS_INIT(RANGE_NOT_LOCKED),
	[LK_INVALID_RANGE] = NTSTATUS_INIT(INVALID_LOCK_RANGE),
	[LK_CANCELLED] = NTSTATUS_INIT(CANCELLED),
	[LK_LIMIT] = NTSTATUS_INIT(INSUFFICIENT_RESOURCES),
	[LK_REPLAYED] = NTSTATUS_INIT(OK),
	[LK_UNLINK] = NTSTATUS_INIT(OK),
	[LK_GONE] = NTSTATUS_INIT(FILE_CLOSED),
	[LK_NOT_BREAKING] = NTSTATUS_INIT(UNSUCCESSFUL),
	[LK_OPENS_BELOW] = NTSTATUS_INIT(ACCESS_DENIED),
	[LK_NOT_ACCEPTED] = NTSTATUS_INIT(REQUEST_NOT_ACCEPTED),
};

struct ntstatus status_of_lock(struct smb_req *req, int result)
{
	if (result < 0) /* nobody who owns the file answered in time: the client may come back */
		return result == -ETIME ? NT_STATUS_FILE_NOT_AVAILABLE : req_fail(req, result);
	return (size_t)result < ARRAY_SIZE(outcomes) ? outcomes[result] : NT_STATUS_INTERNAL_ERROR;
}

struct ntstatus status_of_path(struct smb_req *req, int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
		return NT_STATUS_OBJECT_PATH_NOT_FOUND;
	case -EXDEV: /* a symlink leads out of the share */
	case -ELOOP:
		return NT_STATUS_ACCESS_DENIED;
	case -ENAMETOOLONG:
	case -EINVAL:
	case -EILSEQ:
		return NT_STATUS_OBJECT_NAME_INVALID;
	default:
		return req_fail(req, err);
	}
}

struct ntstatus status_refused(struct smb_req *req, struct ntstatus s, const char *path,
			       const char *rule)
{
	char buf[11];

	log_debug("request refused: client=%s command=%s status=%s rule=%s path=%s",
		  req->conn->name, req->row->name, ntstatus_str(s, buf), log_esc(rule),
		  log_esc(path));
	return s;
}
