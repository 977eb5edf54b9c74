/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a CREATE can be refused without looking at a file (MS-SMB2 3.3.5.9, MS-FSA 2.1.5.1). Home
 * worker's thread. */
#include "smbd/op/create_priv.h"

#define OPTIONS_INVALID 0xff000000u
#define OPTIONS_NOT_SUPPORTED \
	(SMB2_FILE_CREATE_TREE_CONNECTION | SMB2_FILE_OPEN_BY_FILE_ID | SMB2_FILE_RESERVE_OPFILTER)
/* MS-FSCC 2.6; what is valid and cannot be set is ignored later */
#define ATTRIBUTES_VALID 0x00007fb7u
#define SHARE_VALID (SMB2_FILE_SHARE_READ | SMB2_FILE_SHARE_WRITE | SMB2_FILE_SHARE_DELETE)

static bool overwrites(uint32_t disposition)
{
	return disposition == SMB2_FILE_SUPERSEDE || disposition == SMB2_FILE_OVERWRITE ||
	       disposition == SMB2_FILE_OVERWRITE_IF;
}

static struct ntstatus check_options(struct create *c)
{
	const struct smb2_create_req *in = &c->in;

	if (in->options & OPTIONS_INVALID)
		return status_refused(c->req, NT_STATUS_INVALID_PARAMETER, NULL, "create options");
	if (in->options & OPTIONS_NOT_SUPPORTED)
		return status_refused(c->req, NT_STATUS_NOT_SUPPORTED, NULL, "create options");
	if ((in->options & SMB2_FILE_DIRECTORY_FILE) &&
	    ((in->options & SMB2_FILE_NON_DIRECTORY_FILE) || overwrites(in->disposition)))
		return status_refused(c->req, NT_STATUS_INVALID_PARAMETER, NULL,
				      "directory option");
	if ((in->options & SMB2_FILE_DIRECTORY_FILE) && in->disposition != SMB2_FILE_OPEN &&
	    (in->file_attributes & SMB2_FILE_ATTRIBUTE_TEMPORARY))
		return status_refused(c->req, NT_STATUS_INVALID_PARAMETER, NULL,
				      "temporary directory");
	return NT_STATUS_OK;
}

static struct ntstatus check_access(struct create *c)
{
	uint32_t a = c->in.desired_access;

	if (a == 0)
		return status_refused(c->req, NT_STATUS_ACCESS_DENIED, NULL, "access mask");
	if (a & SMB2_ACCESS_SYSTEM_SECURITY)
		return status_refused(c->req, NT_STATUS_PRIVILEGE_NOT_HELD, NULL,
				      "system security");
	/* MS-SMB2 3.3.5.9: more than the tree connect can have */
	c->in.desired_access = access_map_generic(a);
	if (c->in.desired_access & ~SMB2_MAXIMUM_ALLOWED & ~c->req->tree->max_access &
	    SMB2_FILE_ALL_ACCESS)
		return status_refused(c->req, NT_STATUS_ACCESS_DENIED, NULL,
				      "more than the share allows");
	return NT_STATUS_OK;
}

static struct ntstatus check_name(struct create *c)
{
	struct ntstatus s = create_name_parse(c->req->arena, c->in.name, &c->name);

	if (!ntstatus_is_ok(s))
		return status_refused(c->req, s, NULL, "name");
	if (c->name.stream) {
		bool makes = c->in.disposition != SMB2_FILE_OPEN &&
			     c->in.disposition != SMB2_FILE_OVERWRITE;

		s = makes ? NT_STATUS_NOT_SUPPORTED : NT_STATUS_OBJECT_NAME_NOT_FOUND;
		return status_refused(c->req, s, c->name.path, "named stream");
	}
	if (c->name.data_stream && (c->in.options & SMB2_FILE_DIRECTORY_FILE))
		return status_refused(c->req, NT_STATUS_NOT_A_DIRECTORY, c->name.path,
				      "data stream of a directory");
	return NT_STATUS_OK;
}

struct ntstatus create_check(struct create *c)
{
	const struct smb2_create_req *in = &c->in;
	struct ntstatus s;

	if (create_wants_reclaim(c)) { /* 3.3.5.9.7, .12: what was granted counts, the name only
					  beside a lease */
		if (!ntstatus_is_ok(create_name_parse(c->req->arena, in->name, &c->name)))
			c->name.path = arena_strdup(c->req->arena, "");
		return c->name.path ? NT_STATUS_OK : req_fail(c->req, -ENOMEM);
	}
	if (in->impersonation_level > SMB2_IMPERSONATION_DELEGATE)
		return status_refused(c->req, NT_STATUS_BAD_IMPERSONATION_LEVEL, NULL,
				      "impersonation level");
	if (in->desired_access & ACCESS_INVALID)
		return status_refused(c->req, NT_STATUS_ACCESS_DENIED, NULL, "access mask");
	if (in->disposition > SMB2_FILE_OVERWRITE_IF ||
	    (in->share_access & ~(uint32_t)SHARE_VALID) ||
	    (in->file_attributes & ~ATTRIBUTES_VALID))
		return status_refused(c->req, NT_STATUS_INVALID_PARAMETER, NULL,
				      "create parameters");
	s = check_options(c);
	if (ntstatus_is_ok(s))
		s = check_access(c);
	return ntstatus_is_ok(s) ? check_name(c) : s;
}
