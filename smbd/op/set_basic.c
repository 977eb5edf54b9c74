/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SET_INFO: times, attributes, sizes (MS-FSA 2.1.5.15.2, .1, .4). Home worker's thread, in the
 * request's task. */
#include <sys/stat.h>

#include "node/base/clock.h"
#include "smbd/op/event.h"
#include "smbd/op/info.h"
#include "smbd/op/status.h"

/* A time as the client gives it. False: no time. */
static bool time_of(uint64_t v, struct timespec *ret)
{
	ret->tv_sec = 0;
	ret->tv_nsec = UTIME_OMIT;
	if (v == FSCC_TIME_KEEP || v == FSCC_TIME_FREEZE || v == FSCC_TIME_THAW)
		return true;
	if (v > INT64_MAX)
		return false;
	*ret = timespec_from_nttime(v);
	return true;
}

static struct ntstatus attributes_of(struct smb_req *req, uint32_t attrs, struct vfs_setattr *s)
{
	bool directory = req->open->kind == OPEN_DIRECTORY;

	if (attrs == 0)
		return NT_STATUS_OK;
	if ((attrs & SMB2_FILE_ATTRIBUTE_DIRECTORY) && !directory)
		return NT_STATUS_INVALID_PARAMETER;
	if ((attrs & SMB2_FILE_ATTRIBUTE_TEMPORARY) && directory)
		return NT_STATUS_INVALID_PARAMETER;
	s->set_attrs = true;
	s->dos_attrs =
		attrs & ~(uint32_t)(SMB2_FILE_ATTRIBUTE_NORMAL | SMB2_FILE_ATTRIBUTE_DIRECTORY);
	return NT_STATUS_OK;
}

/* The last write time that the handle's own writes leave alone from now on (MS-FSCC 2.4.7). */
static void remember_mtime(struct file_open *fo, uint64_t asked, const struct vfs_setattr *s)
{
	struct vfs_stat st;

	if (asked == FSCC_TIME_THAW) {
		fo->keep_mtime = false;
	} else if (asked == FSCC_TIME_FREEZE) {
		if (!fo->keep_mtime && vfs_stat(fo->file, &st) == 0) {
			fo->keep_mtime = true;
			fo->mtime = st.mtime;
		}
	} else if (asked != FSCC_TIME_KEEP) {
		fo->keep_mtime = true;
		fo->mtime = s->mtime;
	}
}

/* What those hear who watch the directory. */
static uint32_t changed(const struct vfs_setattr *s)
{
	uint32_t f = 0;

	if (s->set_attrs)
		f |= SMB2_NOTIFY_CHANGE_ATTRIBUTES;
	if (s->btime.tv_nsec != UTIME_OMIT)
		f |= SMB2_NOTIFY_CHANGE_CREATION;
	if (s->atime.tv_nsec != UTIME_OMIT)
		f |= SMB2_NOTIFY_CHANGE_LAST_ACCESS;
	if (s->mtime.tv_nsec != UTIME_OMIT)
		f |= SMB2_NOTIFY_CHANGE_LAST_WRITE;
	return f;
}

struct ntstatus set_basic(struct smb_req *req, struct file_open *fo,
			  const struct smb2_set_info_req *in)
{
	struct vfs_setattr s = { 0 };
	struct timespec change; /* the system keeps it, and nobody can set it */
	struct fscc_basic v;
	struct ntstatus status;
	int r;

	if (fscc_basic_decode(in->buffer, &v) < 0 || !time_of(v.creation_time, &s.btime) ||
	    !time_of(v.last_access_time, &s.atime) || !time_of(v.last_write_time, &s.mtime) ||
	    !time_of(v.change_time, &change))
		return NT_STATUS_INVALID_PARAMETER;
	status = attributes_of(req, v.file_attributes, &s);
	if (!ntstatus_is_ok(status))
		return status;
	r = req_may_serve(req);
	if (r == 0)
		r = vfs_setattr(fo->file, file_cred(fo), &s);
	if (r < 0)
		return req_fail(req, r);
	remember_mtime(fo, v.last_write_time, &s);
	if (changed(&s))
		event_file(fo, changed(&s));
	else if (change.tv_nsec != UTIME_OMIT) /* its client takes it for changed */
		event_listed(fo);
	return NT_STATUS_OK;
}

/* Makes the file `size` bytes long. As I/O, so that the owner can wait for its end. */
static struct ntstatus resize(struct smb_req *req, struct file_open *fo, uint64_t size,
			      bool only_reserve)
{
	struct lockc *lock = req->worker->lock;
	struct lk_open *lk = fo->hold.lk;
	int r = lk ? lockc_io_begin(lock, lk, 0, 0, true) : LK_GONE;

	if (r != LK_OK)
		return status_of_lock(req, r);
	r = req_may_serve(req);
	if (r == 0) {
		task_shield_begin();
		r = only_reserve ? vfs_allocate(fo->file, size) :
				   vfs_truncate(fo->file, file_cred(fo), size);
		if (r == 0 && fo->through)
			r = vfs_flush(fo->file);
		info_keep_times(fo);
		task_shield_end();
	}
	lockc_io_end(lock, lk);
	if (r == 0)
		event_file(fo, SMB2_NOTIFY_CHANGE_SIZE | SMB2_NOTIFY_CHANGE_LAST_WRITE);
	return r < 0 ? req_fail(req, r) : NT_STATUS_OK;
}

static bool size_of(const struct smb_req *req, const struct smb2_set_info_req *in, uint64_t *ret)
{
	return req->open->kind == OPEN_FILE && fscc_u64_decode(in->buffer, ret) == 0 &&
	       *ret <= INT64_MAX;
}

struct ntstatus set_end_of_file(struct smb_req *req, struct file_open *fo,
				const struct smb2_set_info_req *in)
{
	uint64_t size;

	return size_of(req, in, &size) ? resize(req, fo, size, false) : NT_STATUS_INVALID_PARAMETER;
}

struct ntstatus set_allocation(struct smb_req *req, struct file_open *fo,
			       const struct smb2_set_info_req *in)
{
	struct vfs_stat st;
	uint64_t size;
	int r;

	if (!size_of(req, in, &size))
		return NT_STATUS_INVALID_PARAMETER;
	r = vfs_stat(fo->file, &st);
	if (r < 0)
		return req_fail(req, r);
	return resize(req, fo, size, size >= st.size);
}
