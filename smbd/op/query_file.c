/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QUERY_INFO of files, directories and pipes: file information classes (MS-FSA 2.1.5.12). Home worker's thread. */
#include "smbd/op/info.h"
#include "smbd/op/status.h"
#include "smbd/wire/fscc.h"

/* What every class may say about the file, gathered once. */
struct facts {
	struct vfs_stat st;
	struct fscc_basic basic;
	struct fscc_standard standard;
	uint32_t access, mode;
	uint64_t position;
	const char *path;
};

static int delete_pending(struct smb_req *req, const struct file_open *fo, bool *ret)
{
	const struct vfs_key *k = &fo->file->key;
	const struct file_key key = { .volume = k->volume, .inode = k->ino, .generation = k->generation };
	struct lk_file_info info;
	int r = lockc_query(req->worker->lock, &key, &info);

	if (r == 0)
		*ret = info.delete_pending;
	return r;
}

static struct ntstatus gather(struct query *q, struct facts *f)
{
	struct fscc_network_open n;
	bool pending = false;
	int r = vfs_stat(q->fo->file, &f->st);

	if (r < 0)
		return req_fail(q->req, r);
	/* only the two classes that tell it ask the owner */
	if (q->in->info_class == FSCC_FILE_STANDARD || q->in->info_class == FSCC_FILE_ALL) {
		r = delete_pending(q->req, q->fo, &pending);
		if (r)
			return status_of_lock(q->req, r);
	}
	n = info_network_open(&f->st);
	f->basic = (struct fscc_basic){ n.creation_time, n.last_access_time, n.last_write_time, n.change_time,
					n.file_attributes };
	f->standard = (struct fscc_standard){ .allocation_size = f->st.allocated,
					      .end_of_file = f->st.size,
					      /* a name that is about to go does not count (MS-FSA 2.1.5.12.27) */
					      .number_of_links = f->st.nlink - (pending && f->st.nlink ? 1 : 0),
					      .delete_pending = pending,
					      .directory = f->st.type == VFS_DIR };
	f->access = q->fo->open->granted_access;
	f->mode = q->fo->mode;
	f->position = q->fo->position;
	f->path = q->fo->open->path;
	return NT_STATUS_OK;
}

static struct ntstatus put_name(struct query *q, const struct facts *f, bool leading)
{
	struct blob name;
	int r = info_name(q->req->arena, f->path, leading, &name);

	if (r < 0)
		return req_fail(q->req, r);
	fscc_name_encode(q->w, name);
	return NT_STATUS_OK;
}

static struct ntstatus put_all(struct query *q, const struct facts *f)
{
	struct fscc_all all = {
		.basic = f->basic, .standard = f->standard, .index_number = f->st.ino, .access = f->access,
		.position = f->position, .mode = f->mode,
	};
	int r = info_name(q->req->arena, f->path, true, &all.name);

	if (r < 0)
		return req_fail(q->req, r);
	fscc_all_encode(q->w, &all);
	return NT_STATUS_OK;
}

/* A file has its one unnamed stream; a directory has none. */
static struct ntstatus put_streams(struct query *q, const struct facts *f)
{
	static const uint8_t data_name[] = { ':', 0, ':', 0, '$', 0, 'D', 0, 'A', 0, 'T', 0, 'A', 0 };
	const struct fscc_stream s = { f->st.size, f->st.allocated, BLOB(data_name, sizeof(data_name)) };
	size_t last = SIZE_MAX;

	if (f->st.type != VFS_DIR)
		fscc_stream_put(q->w, wr_mark(q->w), &last, &s);
	return NT_STATUS_OK;
}

static void put_file_id(struct query *q, const struct facts *f)
{
	struct fscc_file_id id = { 0 };
	uint8_t disk[32];
	struct rd r;

	info_disk_id(q->fo->file, disk);
	r = rd_init(disk + 8, 8);
	id.volume_serial = rd_le64(&r);
	memcpy(id.file_id, disk, 8);
	fscc_file_id_encode(q->w, &id);
}

/* Classes that tell attributes need the right to read them (MS-FSA 2.1.5.12). */
static bool needs_attributes(uint8_t info_class)
{
	return info_class == FSCC_FILE_BASIC || info_class == FSCC_FILE_ALL || info_class == FSCC_FILE_NETWORK_OPEN ||
	       info_class == FSCC_FILE_ATTRIBUTE_TAG;
}

static struct ntstatus put_class(struct query *q, const struct facts *f)
{
	const struct fscc_network_open n = info_network_open(&f->st);
	const struct fscc_attribute_tag tag = { .file_attributes = n.file_attributes };
	const struct fscc_compression plain = { .compressed_size = f->st.size };

	switch (q->in->info_class) {
	case FSCC_FILE_BASIC:
		fscc_basic_encode(q->w, &f->basic);
		break;
	case FSCC_FILE_STANDARD:
		fscc_standard_encode(q->w, &f->standard);
		break;
	case FSCC_FILE_INTERNAL:
		fscc_u64_encode(q->w, f->st.ino);
		break;
	case FSCC_FILE_EA:
	case FSCC_FILE_ALIGNMENT:
		fscc_u32_encode(q->w, 0);
		break;
	case FSCC_FILE_ACCESS:
		fscc_u32_encode(q->w, f->access);
		break;
	case FSCC_FILE_POSITION:
		fscc_u64_encode(q->w, f->position);
		break;
	case FSCC_FILE_MODE:
		fscc_u32_encode(q->w, f->mode);
		break;
	case FSCC_FILE_ALL:
		return put_all(q, f);
	case FSCC_FILE_NAME:
		return put_name(q, f, true);
	case FSCC_FILE_NORMALIZED_NAME:
		return q->req->conn->dialect == SMB2_DIALECT_311 ? put_name(q, f, false) : NT_STATUS_NOT_SUPPORTED;
	case FSCC_FILE_ALTERNATE_NAME:
		return NT_STATUS_OBJECT_NAME_NOT_FOUND; /* there are no 8.3 names */
	case FSCC_FILE_STREAM:
		return put_streams(q, f);
	case FSCC_FILE_COMPRESSION:
		fscc_compression_encode(q->w, &plain);
		break;
	case FSCC_FILE_NETWORK_OPEN:
		fscc_network_open_encode(q->w, &n);
		break;
	case FSCC_FILE_ATTRIBUTE_TAG:
		fscc_attribute_tag_encode(q->w, &tag);
		break;
	case FSCC_FILE_ID:
		put_file_id(q, f);
		break;
	default:
		return NT_STATUS_INVALID_INFO_CLASS;
	}
	return NT_STATUS_OK;
}

struct ntstatus query_file_info(struct query *q)
{
	struct facts f = { 0 };
	struct ntstatus s;

	if (q->in->info_class == FSCC_FILE_FULL_EA)
		return q->fo->open->granted_access & SMB2_FILE_READ_EA ? NT_STATUS_NO_EAS_ON_FILE : NT_STATUS_ACCESS_DENIED;
	if (q->fixed == 0)
		return NT_STATUS_INVALID_INFO_CLASS;
	if (q->in->output_buffer_length < q->fixed)
		return NT_STATUS_INFO_LENGTH_MISMATCH;
	if (needs_attributes(q->in->info_class) && !(q->fo->open->granted_access & SMB2_FILE_READ_ATTRIBUTES))
		return NT_STATUS_ACCESS_DENIED;
	s = gather(q, &f);
	return ntstatus_is_ok(s) ? put_class(q, &f) : s;
}

/* Clients look at a pipe's standard information only. */
struct ntstatus query_pipe_info(struct query *q)
{
	static const struct fscc_standard pipe = { .allocation_size = 4096, .number_of_links = 1, .delete_pending = true };

	if (q->in->info_class != FSCC_FILE_STANDARD)
		return NT_STATUS_NOT_SUPPORTED;
	fscc_standard_encode(q->w, &pipe);
	return NT_STATUS_OK;
}
