/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FileEndOfFileInformation and FileAllocationInformation (MS-FSA 2.1.5.15.4, .1). Home worker's thread. */
#include "smbd/op/info.h"
#include "smbd/op/status.h"
#include "smbd/wire/fscc.h"

static struct ntstatus size_of(struct file_open *fo, struct blob b, uint64_t *ret)
{
	if (fo->file->type == VFS_DIR || fscc_u64_decode(b, ret) < 0 || *ret > INT64_MAX)
		return NT_STATUS_INVALID_PARAMETER;
	return NT_STATUS_OK;
}

static struct ntstatus changed(struct smb_req *req, struct file_open *fo, int r)
{
	if (r == 0 && fo->through)
		r = vfs_flush(fo->file);
	if (r < 0)
		return r == -EFBIG ? NT_STATUS_DISK_FULL : req_fail(req, r);
	info_keep_times(fo);
	return NT_STATUS_OK;
}

struct ntstatus set_end_of_file(struct smb_req *req, struct file_open *fo, const struct smb2_set_info_req *in)
{
	uint64_t size = 0;
	struct ntstatus s = size_of(fo, in->buffer, &size);

	if (!ntstatus_is_ok(s))
		return s;
	return changed(req, fo, vfs_truncate(fo->file, file_cred(fo), size));
}

/* Less than the file has cuts it; more reserves space and leaves the end where it is. */
struct ntstatus set_allocation(struct smb_req *req, struct file_open *fo, const struct smb2_set_info_req *in)
{
	uint64_t size = 0;
	struct ntstatus s = size_of(fo, in->buffer, &size);
	struct vfs_stat st;
	int r;

	if (!ntstatus_is_ok(s))
		return s;
	r = vfs_stat(fo->file, &st);
	if (r == 0)
		r = size < st.size ? vfs_truncate(fo->file, file_cred(fo), size) : vfs_allocate(fo->file, size);
	return changed(req, fo, r);
}
