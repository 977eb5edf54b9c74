/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SET_INFO (MS-SMB2 3.3.5.21): sizes, types, access; the classes are in set_*.c. Home worker's
 * thread. */
#include "smbd/op/info.h"
#include "smbd/op/ops.h"
#include "smbd/op/status.h"

static int decode(struct smb_req *req)
{
	struct smb2_set_info_req *args = arena_new(req->arena, struct smb2_set_info_req);

	if (!args)
		return -ENOMEM;
	req->args = args;
	return smb2_set_info_req_decode(req->in, args);
}

static struct ntstatus set_position(struct smb_req *req, struct file_open *fo,
				    const struct smb2_set_info_req *in)
{
	uint64_t v;

	if (fscc_u64_decode(in->buffer, &v) < 0 || v > INT64_MAX)
		return NT_STATUS_INVALID_PARAMETER;
	fo->position = v;
	return NT_STATUS_OK;
}

/* MS-FSCC 2.4.26, MS-FSA 2.1.5.15.9 */
static struct ntstatus set_mode(struct smb_req *req, struct file_open *fo,
				const struct smb2_set_info_req *in)
{
	const uint32_t valid = SMB2_FILE_WRITE_THROUGH | SMB2_FILE_SEQUENTIAL_ONLY |
			       SMB2_FILE_SYNCHRONOUS_IO_ALERT | SMB2_FILE_SYNCHRONOUS_IO_NONALERT;
	uint32_t v;

	if (fscc_u32_decode(in->buffer, &v) < 0 || (v & ~valid))
		return NT_STATUS_INVALID_PARAMETER;
	fo->mode = v | (fo->mode & ~valid);
	fo->through = req->open->persistent || (v & SMB2_FILE_WRITE_THROUGH);
	return NT_STATUS_OK;
}

static struct ntstatus set_eas(struct smb_req *req, struct file_open *fo,
			       const struct smb2_set_info_req *in)
{
	return NT_STATUS_EAS_NOT_SUPPORTED;
}

static struct ntstatus set_valid_length(struct smb_req *req, struct file_open *fo,
					const struct smb2_set_info_req *in)
{
	return NT_STATUS_PRIVILEGE_NOT_HELD; /* it would show what was on the disk before */
}

static const struct {
	uint8_t info_class;
	uint32_t access; /* that the open must have */
	struct ntstatus (*set)(struct smb_req *req, struct file_open *fo,
			       const struct smb2_set_info_req *in);
} classes[] = {
	{ FSCC_FILE_BASIC, SMB2_FILE_WRITE_ATTRIBUTES, set_basic },
	{ FSCC_FILE_RENAME, SMB2_DELETE, set_rename },
	{ FSCC_FILE_RENAME_EX, SMB2_DELETE, set_rename },
	{ FSCC_FILE_LINK, 0, set_link },
	{ FSCC_FILE_LINK_EX, 0, set_link },
	{ FSCC_FILE_DISPOSITION, SMB2_DELETE, set_disposition },
	{ FSCC_FILE_DISPOSITION_EX, SMB2_DELETE, set_disposition },
	{ FSCC_FILE_POSITION, 0, set_position },
	{ FSCC_FILE_FULL_EA, SMB2_FILE_WRITE_EA, set_eas },
	{ FSCC_FILE_MODE, 0, set_mode },
	{ FSCC_FILE_ALLOCATION, SMB2_FILE_WRITE_DATA, set_allocation },
	{ FSCC_FILE_END_OF_FILE, SMB2_FILE_WRITE_DATA, set_end_of_file },
	{ FSCC_FILE_VALID_DATA_LENGTH, SMB2_FILE_WRITE_DATA, set_valid_length },
};

struct ntstatus set_file_info(struct smb_req *req, struct file_open *fo,
			      const struct smb2_set_info_req *in)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(classes) && classes[i].info_class != in->info_class)
		i++;
	if (i == ARRAY_SIZE(classes))
		return fscc_file_fixed_size(in->info_class) ? NT_STATUS_NOT_SUPPORTED :
							      NT_STATUS_INVALID_INFO_CLASS;
	if (in->buffer.len < fscc_file_fixed_size(in->info_class))
		return NT_STATUS_INFO_LENGTH_MISMATCH;
	if (classes[i].access & ~req->open->granted_access)
		return status_refused(req, NT_STATUS_ACCESS_DENIED, req->open->path,
				      "not open for this change");
	return classes[i].set(req, fo, in);
}

static struct ntstatus set(struct smb_req *req, struct file_open *fo,
			   const struct smb2_set_info_req *in)
{
	if (!fo) /* a pipe: it is in message mode already, and the rest means nothing to it */
		return in->info_type == SMB2_0_INFO_FILE && in->info_class == FSCC_FILE_PIPE ?
			       NT_STATUS_OK :
			       NT_STATUS_NOT_SUPPORTED;
	if (!fo->hold.lk)
		return NT_STATUS_FILE_CLOSED;
	if (fo->file->snapshot) /* MS-FSA 2.1.5.15: before anything else */
		return status_refused(req, NT_STATUS_MEDIA_WRITE_PROTECTED, req->open->path,
				      "in a snapshot");
	switch (in->info_type) {
	case SMB2_0_INFO_FILE:
		return set_file_info(req, fo, in);
	case SMB2_0_INFO_SECURITY:
		return set_security_info(req, fo, in);
	case SMB2_0_INFO_FILESYSTEM:
		return status_refused(req, NT_STATUS_ACCESS_DENIED, NULL,
				      "volumes are not changed by clients");
	case SMB2_0_INFO_QUOTA:
		return NT_STATUS_NOT_SUPPORTED;
	default:
		return NT_STATUS_INVALID_PARAMETER;
	}
}

static struct ntstatus run(struct smb_req *req)
{
	const struct smb2_set_info_req *in = req->args;
	struct ntstatus s;

	if (in->buffer.len > req->conn->max_transact ||
	    (req->conn->multi_credit && in->buffer.len > req_paid_bytes(req)))
		return status_refused(req, NT_STATUS_INVALID_PARAMETER, NULL, "buffer length");
	s = set(req, file_open_of(req), in);
	if (ntstatus_is_ok(s))
		smb2_set_info_resp_encode(&req->out);
	return s;
}

const struct smb_op op_set_info = { .decode = decode, .run = run };
