/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directory entries (MS-FSCC 2.4). One table says which fields each class has. */
#include "smbd/wire/fscc_dir.h"
#include "smbd/wire/wire_priv.h"

/* what a class has, in the order of the wire */
enum {
	F_INFO = 1 << 0, /* times, sizes, attributes */
	F_EA = 1 << 1, /* EaSize */
	F_TAG = 1 << 2, /* ReparsePointTag */
	F_ID128 = 1 << 3, /* FileId of 16 bytes */
	F_SHORT = 1 << 4, /* ShortNameLength, Reserved, ShortName */
	F_RESERVED2 = 1 << 5, /* two bytes before FileId */
	F_RESERVED4 = 1 << 6, /* four bytes before FileId */
	F_ID64 = 1 << 7, /* FileId of 8 bytes */
};

static const struct {
	uint8_t info_class;
	uint8_t fields;
	uint8_t fixed; /* bytes before the name */
} classes[] = {
	{ FSCC_FILE_DIRECTORY, F_INFO, 64 },
	{ FSCC_FILE_FULL_DIRECTORY, F_INFO | F_EA, 68 },
	{ FSCC_FILE_BOTH_DIRECTORY, F_INFO | F_EA | F_SHORT, 94 },
	{ FSCC_FILE_NAMES, 0, 12 },
	{ FSCC_FILE_ID_BOTH_DIRECTORY, F_INFO | F_EA | F_SHORT | F_RESERVED2 | F_ID64, 104 },
	{ FSCC_FILE_ID_FULL_DIRECTORY, F_INFO | F_EA | F_RESERVED4 | F_ID64, 80 },
	{ FSCC_FILE_ID_EXTD_DIRECTORY, F_INFO | F_EA | F_TAG | F_ID128, 88 },
	{ FSCC_FILE_ID_EXTD_BOTH_DIRECTORY, F_INFO | F_EA | F_TAG | F_ID128 | F_SHORT, 114 },
};

static int find_class(uint8_t info_class)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].info_class == info_class)
			return (int)i;
	return -ENOENT;
}

bool fscc_dir_class_valid(uint8_t info_class)
{
	return find_class(info_class) >= 0;
}

size_t fscc_dir_fixed_size(uint8_t info_class)
{
	int i = find_class(info_class);

	return i < 0 ? 0 : classes[i].fixed;
}

struct fscc_dir_writer fscc_dir_writer(struct wr *w, uint8_t info_class, size_t limit)
{
	assert(fscc_dir_class_valid(info_class));
	return (struct fscc_dir_writer){
		.w = w,
		.info_class = info_class,
		.start = wr_mark(w),
		.last = SIZE_MAX,
		.limit = limit,
	};
}

static void write_info(struct wr *w, const struct fscc_dirent *e)
{
	wr_le64(w, e->creation_time);
	wr_le64(w, e->last_access_time);
	wr_le64(w, e->last_write_time);
	wr_le64(w, e->change_time);
	wr_le64(w, e->end_of_file);
	wr_le64(w, e->allocation_size);
	wr_le32(w, e->file_attributes);
}

static void write_short_name(struct wr *w, struct blob name)
{
	size_t n = MIN(name.len, (size_t)FSCC_SHORT_NAME_MAX);

	wr_u8(w, (uint8_t)n);
	wr_u8(w, 0);
	wr_bytes(w, name.data, n);
	wr_zero(w, FSCC_SHORT_NAME_MAX - n);
}

static void write_rest(struct wr *w, uint8_t fields, const struct fscc_dirent *e)
{
	if (fields & F_EA)
		wr_le32(w, e->ea_size);
	if (fields & F_TAG)
		wr_le32(w, e->reparse_tag);
	if (fields & F_ID128)
		wr_bytes(w, e->file_id_128, sizeof(e->file_id_128));
	if (fields & F_SHORT)
		write_short_name(w, e->short_name);
	if (fields & F_RESERVED2)
		wr_le16(w, 0);
	if (fields & F_RESERVED4)
		wr_le32(w, 0);
	if (fields & F_ID64)
		wr_le64(w, e->file_id);
}

int fscc_dir_put(struct fscc_dir_writer *dw, const struct fscc_dirent *e)
{
	int i = find_class(dw->info_class);
	struct wr *w = dw->w;
	size_t used = w->len - dw->start;
	size_t at = used + (-used & 7);

	if (at > dw->limit || dw->limit - at < classes[i].fixed ||
	    dw->limit - at - classes[i].fixed < e->name.len)
		return 1;
	smb2_entry_begin(w, dw->start, 8, &dw->last);
	wr_le32(w, e->file_index);
	if (classes[i].fields & F_INFO)
		write_info(w, e);
	wr_le32(w, (uint32_t)e->name.len);
	write_rest(w, classes[i].fields, e);
	wr_put(w, e->name);
	return 0;
}

static void read_info(struct rd *r, struct fscc_dirent *e)
{
	e->creation_time = rd_le64(r);
	e->last_access_time = rd_le64(r);
	e->last_write_time = rd_le64(r);
	e->change_time = rd_le64(r);
	e->end_of_file = rd_le64(r);
	e->allocation_size = rd_le64(r);
	e->file_attributes = rd_le32(r);
}

static struct blob read_short_name(struct rd *r)
{
	uint8_t len = rd_u8(r);
	struct rd name;

	rd_skip(r, 1);
	name = rd_sub(r, FSCC_SHORT_NAME_MAX);
	if (len > FSCC_SHORT_NAME_MAX) {
		rd_fail(r);
		return BLOB(NULL, 0);
	}
	return rd_blob(&name, len);
}

static void read_rest(struct rd *r, uint8_t fields, struct fscc_dirent *e)
{
	if (fields & F_EA)
		e->ea_size = rd_le32(r);
	if (fields & F_TAG)
		e->reparse_tag = rd_le32(r);
	if (fields & F_ID128)
		rd_copy(r, e->file_id_128, sizeof(e->file_id_128));
	if (fields & F_SHORT)
		e->short_name = read_short_name(r);
	if (fields & F_RESERVED2)
		rd_skip(r, 2);
	if (fields & F_RESERVED4)
		rd_skip(r, 4);
	if (fields & F_ID64)
		e->file_id = rd_le64(r);
}

int fscc_dir_next(struct rd *r, uint8_t info_class, struct fscc_dirent *ret)
{
	int i = find_class(info_class);
	struct fscc_dirent e = { 0 };
	uint32_t name_len;
	struct rd c;
	int more;

	if (i < 0)
		return -EBADMSG;
	/* Some servers align entries to 4 only. */
	more = smb2_entry_next(r, 4, classes[i].fixed, &c);
	if (more <= 0)
		return more;
	e.file_index = rd_le32(&c);
	if (classes[i].fields & F_INFO)
		read_info(&c, &e);
	name_len = rd_le32(&c);
	read_rest(&c, classes[i].fields, &e);
	e.name = rd_blob(&c, name_len);
	if (!rd_ok(&c)) {
		rd_fail(r);
		return -EBADMSG;
	}
	*ret = e;
	return 1;
}
