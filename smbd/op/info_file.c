/* SPDX-License-Identifier: GPL-3.0-or-later */
/* File information classes of QUERY_INFO (MS-FSCC 2.4, MS-FSA 2.1.5.12). Home worker's thread. */
#include "node/base/utf.h"
#include "smbd/op/create_name.h"
#include "smbd/op/info.h"
#include "smbd/op/status.h"

static struct fscc_basic basic(const struct vfs_stat *st)
{
	struct fscc_network_open i = info_network_open(st);

	return (struct fscc_basic){ .creation_time = i.creation_time,
				    .last_access_time = i.last_access_time,
				    .last_write_time = i.last_write_time,
				    .change_time = i.change_time,
				    .file_attributes = i.file_attributes };
}

static struct fscc_standard standard(const struct query *q, const struct vfs_stat *st)
{
	bool pending = q->fo->hold.lk->rec.delete_pending, directory = st->type == VFS_DIR;
	uint32_t links = directory ? 1 : st->nlink;

	return (struct fscc_standard){ .allocation_size = st->allocated,
				       .end_of_file = st->size,
				       .number_of_links = pending && links ? links - 1 : links,
				       .delete_pending = pending,
				       .directory = directory };
}

/* The name that it has now, also when a directory above was renamed. */
static int present_name(struct query *q, bool leading, struct blob *ret)
{
	const char *path;

	if (vfs_path_of(q->fo->file, q->req->arena, &path) < 0)
		path = q->fo->open->path;
	return info_name(q->req->arena, path, leading, ret);
}

static int put_basic(struct query *q, const struct vfs_stat *st)
{
	struct fscc_basic v = basic(st);

	fscc_basic_encode(q->w, &v);
	return 0;
}

static int put_standard(struct query *q, const struct vfs_stat *st)
{
	struct fscc_standard v = standard(q, st);

	fscc_standard_encode(q->w, &v);
	return 0;
}

static int put_internal(struct query *q, const struct vfs_stat *st)
{
	fscc_u64_encode(q->w, st->ino);
	return 0;
}

static int put_ea(struct query *q, const struct vfs_stat *st)
{
	fscc_u32_encode(q->w, 0);
	return 0;
}

static int put_access(struct query *q, const struct vfs_stat *st)
{
	fscc_u32_encode(q->w, q->req->open->granted_access);
	return 0;
}

static int put_position(struct query *q, const struct vfs_stat *st)
{
	fscc_u64_encode(q->w, q->fo->position);
	return 0;
}

static int put_mode(struct query *q, const struct vfs_stat *st)
{
	fscc_u32_encode(q->w, q->fo->mode);
	return 0;
}

static int put_alignment(struct query *q, const struct vfs_stat *st)
{
	fscc_u32_encode(q->w, 0); /* FILE_BYTE_ALIGNMENT */
	return 0;
}

static int put_name(struct query *q, const struct vfs_stat *st)
{
	struct blob name;
	int r = present_name(q, true, &name);

	if (r == 0)
		fscc_name_encode(q->w, name);
	return r;
}

/* Only names that are short already have a short name: none are made up. */
static int put_alternate_name(struct query *q, const struct vfs_stat *st)
{
	const char *path, *last;
	struct blob name;
	int r;

	if (vfs_path_of(q->fo->file, q->req->arena, &path) < 0)
		path = q->fo->open->path;
	last = strrchr(path, '/');
	last = last ? last + 1 : path;
	if (!create_name_is_short(last))
		return -ENOENT;
	r = utf16_from_utf8(q->req->arena, last, &name);
	if (r == 0)
		fscc_name_encode(q->w, name);
	return r;
}

static int put_normalized_name(struct query *q, const struct vfs_stat *st)
{
	struct blob name;
	int r = present_name(q, false, &name);

	if (r == 0)
		fscc_name_encode(q->w, name);
	return r;
}

static int put_all(struct query *q, const struct vfs_stat *st)
{
	struct fscc_all v = { .basic = basic(st),
			      .standard = standard(q, st),
			      .index_number = st->ino,
			      .access = q->req->open->granted_access,
			      .position = q->fo->position,
			      .mode = q->fo->mode };
	int r = present_name(q, true, &v.name);

	/* finding the name has waited */
	if (r == 0 && !q->fo->hold.lk)
		return -ESTALE;
	if (r == 0)
		fscc_all_encode(q->w, &v);
	return r;
}

static int put_streams(struct query *q, const struct vfs_stat *st)
{
	struct fscc_stream v = { .size = st->size, .allocation_size = st->allocated };
	size_t last = SIZE_MAX;
	int r;

	if (st->type == VFS_DIR)
		return 0;
	r = utf16_from_utf8(q->req->arena, "::$DATA", &v.name);
	if (r == 0)
		fscc_stream_put(q->w, wr_mark(q->w), &last, &v);
	return r;
}

static int put_compression(struct query *q, const struct vfs_stat *st)
{
	struct fscc_compression v = { .compressed_size = st->size };

	fscc_compression_encode(q->w, &v);
	return 0;
}

static int put_network_open(struct query *q, const struct vfs_stat *st)
{
	struct fscc_network_open v = info_network_open(st);

	fscc_network_open_encode(q->w, &v);
	return 0;
}

static int put_attribute_tag(struct query *q, const struct vfs_stat *st)
{
	struct fscc_attribute_tag v = { .file_attributes = info_attributes(st) };

	fscc_attribute_tag_encode(q->w, &v);
	return 0;
}

static int put_file_id(struct query *q, const struct vfs_stat *st)
{
	struct fscc_file_id v = { 0 };
	struct wr id = wr_fixed(v.file_id, sizeof(v.file_id));
	struct rd volume = rd_init(q->fo->file->key.volume.b, 8);

	v.volume_serial = rd_le64(&volume);
	wr_le64(&id, st->ino);
	fscc_file_id_encode(q->w, &v);
	return 0;
}

struct class_row {
	uint8_t info_class;
	uint32_t access; /* that the open must have */
	uint8_t least; /* a variable part follows, which may be cut: bytes that Windows asks for; 0:
			  all or nothing */
	int (*put)(struct query *q, const struct vfs_stat *st);
};

static const struct class_row classes[] = {
	{ FSCC_FILE_BASIC, SMB2_FILE_READ_ATTRIBUTES, 0, put_basic },
	{ FSCC_FILE_STANDARD, 0, 0, put_standard },
	{ FSCC_FILE_INTERNAL, 0, 0, put_internal },
	{ FSCC_FILE_EA, 0, 0, put_ea },
	{ FSCC_FILE_ACCESS, 0, 0, put_access },
	{ FSCC_FILE_NAME, 0, 8, put_name },
	{ FSCC_FILE_POSITION, 0, 0, put_position },
	{ FSCC_FILE_MODE, 0, 0, put_mode },
	{ FSCC_FILE_ALIGNMENT, 0, 0, put_alignment },
	{ FSCC_FILE_ALL, SMB2_FILE_READ_ATTRIBUTES, 104, put_all },
	{ FSCC_FILE_ALTERNATE_NAME, 0, 8, put_alternate_name },
	{ FSCC_FILE_STREAM, 0, 32, put_streams },
	{ FSCC_FILE_COMPRESSION, 0, 0, put_compression },
	{ FSCC_FILE_NETWORK_OPEN, SMB2_FILE_READ_ATTRIBUTES, 0, put_network_open },
	{ FSCC_FILE_ATTRIBUTE_TAG, SMB2_FILE_READ_ATTRIBUTES, 0, put_attribute_tag },
	{ FSCC_FILE_NORMALIZED_NAME, 0, 8, put_normalized_name },
	{ FSCC_FILE_ID, 0, 0, put_file_id },
};

static const struct class_row *find_class(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (classes[i].info_class == info_class)
			return &classes[i];
	}
	return NULL;
}

/* Classes that exist and that a file here never has. */
static struct ntstatus absent(struct query *q)
{
	if (q->in->info_class == FSCC_FILE_FULL_EA)
		return q->req->open->granted_access & SMB2_FILE_READ_EA ? NT_STATUS_NO_EAS_ON_FILE :
									  NT_STATUS_ACCESS_DENIED;
	return NT_STATUS_INVALID_INFO_CLASS;
}

struct ntstatus query_file_info(struct query *q)
{
	const struct class_row *c = find_class(q->in->info_class);
	struct vfs_stat st;
	int r;

	if (!c)
		return absent(q);
	q->fixed = c->least;
	if (q->in->output_buffer_length <
	    MAX(fscc_file_fixed_size(c->info_class), (size_t)c->least))
		return NT_STATUS_INFO_LENGTH_MISMATCH;
	if (c->access & ~q->req->open->granted_access)
		return status_refused(q->req, NT_STATUS_ACCESS_DENIED, q->req->open->path,
				      "not open for attributes");
	r = vfs_stat(q->fo->file, &st);
	if (r == 0)
		r = c->put(q, &st);
	if (r == -ESTALE)
		return NT_STATUS_FILE_CLOSED;
	return r < 0 ? req_fail(q->req, r) : NT_STATUS_OK;
}

/* What clients ask of a pipe. */
struct ntstatus query_pipe_info(struct query *q)
{
	struct fscc_standard st = { .allocation_size = 4096,
				    .number_of_links = 1,
				    .delete_pending = true };
	struct blob name;
	int r;

	switch (q->in->info_class) {
	case FSCC_FILE_STANDARD:
		if (q->in->output_buffer_length < fscc_file_fixed_size(FSCC_FILE_STANDARD))
			return NT_STATUS_INFO_LENGTH_MISMATCH;
		fscc_standard_encode(q->w, &st);
		return NT_STATUS_OK;
	case FSCC_FILE_NAME:
		q->fixed = 4;
		r = info_name(q->req->arena, q->req->open->path, true, &name);
		if (r < 0)
			return req_fail(q->req, r);
		fscc_name_encode(q->w, name);
		return NT_STATUS_OK;
	case FSCC_FILE_PIPE: /* message mode, blocking */
		wr_le32(q->w, 1);
		wr_le32(q->w, 0);
		return NT_STATUS_OK;
	default:
		return NT_STATUS_INVALID_PARAMETER;
	}
}
