/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query_dir, list, query_info, notify. One thread. */
#include "node/base/utf.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/fscc_dir.h"
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/fscc_fs.h"
#include "smbd/wire/info.h"
#include "smbd/wire/outbuf.h"
#include "smbd/wire/query_directory.h"
#include "tests/client/verbs.h"

#define DIR_OPTIONS " class restart single reopen index bufsize "

static const struct named dir_classes[] = {
	{ "directory", FSCC_FILE_DIRECTORY },
	{ "full", FSCC_FILE_FULL_DIRECTORY },
	{ "both", FSCC_FILE_BOTH_DIRECTORY },
	{ "names", FSCC_FILE_NAMES },
	{ "id_both", FSCC_FILE_ID_BOTH_DIRECTORY },
	{ "id_full", FSCC_FILE_ID_FULL_DIRECTORY },
	{ "id_extd", FSCC_FILE_ID_EXTD_DIRECTORY },
	{ "id_extd_both", FSCC_FILE_ID_EXTD_BOTH_DIRECTORY },
	{ NULL, 0 },
};

static int dir_class(struct step *st, uint32_t *ret)
{
	const char *v = step_opt(st, "class");

	*ret = FSCC_FILE_ID_BOTH_DIRECTORY;
	return v ? named_find(st, "class", dir_classes, v, ret) : 0;
}

static int prepare_query_dir(struct step *st, struct msg *m)
{
	struct smb2_query_directory_req req = { 0 };
	uint64_t size, index;
	uint32_t class;
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r == 0)
		r = dir_class(st, &class);
	if (r == 0)
		r = step_opt_num(st, "bufsize", 65536, &size);
	if (r == 0)
		r = step_opt_num(st, "index", 0, &index);
	if (r == 0)
		r = step_utf16(st, st->arg[1], &req.pattern);
	if (r < 0)
		return r;
	req.info_class = (uint8_t) class;
	req.file_index = (uint32_t)index;
	req.output_buffer_length = (uint32_t)size;
	req.flags = (step_flag(st, "single") ? SMB2_RETURN_SINGLE_ENTRY : 0) |
		    (step_flag(st, "index") ? SMB2_INDEX_SPECIFIED : 0);
	if (st->n[1] == 0) /* only a listing's first page */
		req.flags |= (step_flag(st, "restart") ? SMB2_RESTART_SCANS : 0) |
			     (step_flag(st, "reopen") ? SMB2_REOPEN : 0);
	st->n[0] = class;
	hdr = step_add(st, m, SMB2_QUERY_DIRECTORY, st->tree, MIN(size, (uint64_t)(1 << 20)));
	smb2_query_directory_req_encode(&m->w, hdr, &req);
	return 0;
}

/* Names of a listing as "|a|b|". */
struct names {
	struct arena *a;
	struct wr w;
	uint64_t count;
	struct fscc_dirent last;
};

static void names_init(struct names *n, struct arena *a)
{
	*n = (struct names){ .a = a, .w = wr_arena(a, 16 << 20) };
	wr_u8(&n->w, '|');
}

static int names_add(struct names *n, struct blob reply, uint8_t class)
{
	struct blob buffer;
	char *text;
	struct rd r;
	int got;

	if (smb2_outbuf_decode(reply, &buffer) < 0)
		return -EPROTO;
	r = rd_of(buffer);
	while ((got = fscc_dir_next(&r, class, &n->last)) > 0) {
		if (utf8_from_utf16(n->a, n->last.name, &text) < 0)
			return -EPROTO;
		wr_bytes(&n->w, text, strlen(text));
		wr_u8(&n->w, '|');
		n->count++;
	}
	return got < 0 ? -EPROTO : 0;
}

static void names_tell(struct names *n, struct result *r)
{
	wr_u8(&n->w, 0);
	result_num(r, "count", n->count);
	result_text(r, "names", (const char *)n->w.base);
	result_name(r, "last", n->last.name);
	result_num(r, "size", n->last.end_of_file);
	result_num(r, "attributes", n->last.file_attributes);
	result_num(r, "file_id", n->last.file_id);
}

static int finish_query_dir(struct step *st)
{
	struct names n;
	int r;

	if (!step_ok(st))
		return 0;
	names_init(&n, &st->a);
	r = st->res.status.v == NTSTATUS_OK ? names_add(&n, st->call.reply, (uint8_t)st->n[0]) : 0;
	names_tell(&n, &st->res);
	return r;
}

/* list HANDLE PATTERN: all pages of a directory, and that no name comes twice */
static int run_list(struct step *st)
{
	uint64_t pages = 0;
	struct names n;
	struct msg m;
	int r = 0;

	names_init(&n, &st->a);
	st->conn = st->c->conn;
	if (!st->conn)
		return step_fail(st, "the client is not connected");
	for (;; pages++) {
		st->n[1] = pages;
		msg_begin(&m, st->conn);
		r = prepare_query_dir(st, &m);
		if (r < 0)
			return r;
		r = msg_send(&m);
		if (r == 0)
			r = conn_wait(st->conn, &st->call, false, conn_deadline(st->conn));
		if (r < 0)
			return step_fault(st, r);
		st->res.status = st->call.hdr.status;
		if (!ntstatus_is_ok(st->res.status))
			break;
		if (names_add(&n, st->call.reply, (uint8_t)st->n[0]) < 0)
			return step_fault(st, conn_fail(st->conn, -EPROTO,
							"a page of the listing is malformed"));
		n.last = (struct fscc_dirent){ 0 };
		call_done(&st->call);
	}
	call_done(&st->call);
	if (st->res.status.v == NTSTATUS_NO_MORE_FILES)
		st->res.status = NT_STATUS_OK;
	names_tell(&n, &st->res);
	result_num(&st->res, "pages", pages);
	return 0;
}

/* --- query_info --- */

enum { FS = 0x100, SECURITY = 0x200 };

static const struct named info_classes[] = {
	{ "basic", FSCC_FILE_BASIC },
	{ "standard", FSCC_FILE_STANDARD },
	{ "internal", FSCC_FILE_INTERNAL },
	{ "ea", FSCC_FILE_EA },
	{ "access", FSCC_FILE_ACCESS },
	{ "name", FSCC_FILE_NAME },
	{ "position", FSCC_FILE_POSITION },
	{ "full_ea", FSCC_FILE_FULL_EA },
	{ "mode", FSCC_FILE_MODE },
	{ "alignment", FSCC_FILE_ALIGNMENT },
	{ "all", FSCC_FILE_ALL },
	{ "alternate_name", FSCC_FILE_ALTERNATE_NAME },
	{ "stream", FSCC_FILE_STREAM },
	{ "compression", FSCC_FILE_COMPRESSION },
	{ "network_open", FSCC_FILE_NETWORK_OPEN },
	{ "attribute_tag", FSCC_FILE_ATTRIBUTE_TAG },
	{ "normalized_name", FSCC_FILE_NORMALIZED_NAME },
	{ "id", FSCC_FILE_ID },
	{ "fs_volume", FS | FSCC_FS_VOLUME },
	{ "fs_size", FS | FSCC_FS_SIZE },
	{ "fs_device", FS | FSCC_FS_DEVICE },
	{ "fs_attribute", FS | FSCC_FS_ATTRIBUTE },
	{ "fs_control", FS | FSCC_FS_CONTROL },
	{ "fs_full_size", FS | FSCC_FS_FULL_SIZE },
	{ "fs_object_id", FS | FSCC_FS_OBJECT_ID },
	{ "fs_sector_size", FS | FSCC_FS_SECTOR_SIZE },
	{ "security", SECURITY },
	{ NULL, 0 },
};

static int prepare_query_info(struct step *st, struct msg *m)
{
	struct smb2_query_info_req req = { 0 };
	const char *in = step_opt(st, "input");
	uint64_t type, size, additional, flags;
	uint32_t class;
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r == 0)
		r = named_find(st, "class", info_classes, st->arg[1], &class);
	if (r == 0)
		r = step_opt_num(st, "type",
				 class & FS	  ? SMB2_0_INFO_FILESYSTEM :
				 class & SECURITY ? SMB2_0_INFO_SECURITY :
						    SMB2_0_INFO_FILE,
				 &type);
	if (r == 0)
		r = step_opt_num(st, "bufsize", 65536, &size);
	if (r == 0)
		r = step_opt_num(st, "additional", class & SECURITY ? 7 : 0, &additional);
	if (r == 0)
		r = step_opt_num(st, "info_flags", 0, &flags);
	if (r < 0)
		return r;
	if (in && data_parse(&st->a, in, &req.input) < 0)
		return step_fail(st, "'%s' is no data", in);
	req.info_type = (uint8_t)type;
	req.info_class = (uint8_t) class;
	req.output_buffer_length = (uint32_t)size;
	req.additional_information = (uint32_t)additional;
	req.flags = (uint32_t)flags;
	st->n[0] = class;
	hdr = step_add(st, m, SMB2_QUERY_INFO, st->tree, MIN(size, (uint64_t)(1 << 20)));
	smb2_query_info_req_encode(&m->w, hdr, &req);
	return 0;
}

static void tell_basic(struct result *r, const struct fscc_basic *v)
{
	result_num(r, "created", v->creation_time);
	result_num(r, "accessed", v->last_access_time);
	result_num(r, "written", v->last_write_time);
	result_num(r, "changed", v->change_time);
	result_num(r, "attributes", v->file_attributes);
}

static void tell_standard(struct result *r, const struct fscc_standard *v)
{
	result_num(r, "alloc", v->allocation_size);
	result_num(r, "size", v->end_of_file);
	result_num(r, "links", v->number_of_links);
	result_num(r, "delete_pending", v->delete_pending);
	result_num(r, "isdir", v->directory);
}

static int tell_file(struct result *r, uint32_t class, struct blob b)
{
	struct fscc_network_open no;
	struct fscc_standard std;
	struct fscc_basic basic;
	struct fscc_all all;
	struct fscc_file_id id;
	struct blob name;
	uint64_t n64;
	uint32_t n32;

	switch (class) {
	case FSCC_FILE_BASIC:
		if (fscc_basic_decode(b, &basic) < 0)
			return -EPROTO;
		tell_basic(r, &basic);
		return 0;
	case FSCC_FILE_STANDARD:
		if (fscc_standard_decode(b, &std) < 0)
			return -EPROTO;
		tell_standard(r, &std);
		return 0;
	case FSCC_FILE_ALL:
		if (fscc_all_decode(b, &all) < 0)
			return -EPROTO;
		tell_basic(r, &all.basic);
		tell_standard(r, &all.standard);
		result_num(r, "index", all.index_number);
		result_num(r, "access", all.access);
		result_num(r, "position", all.position);
		result_num(r, "mode", all.mode);
		result_name(r, "name", all.name);
		return 0;
	case FSCC_FILE_NETWORK_OPEN:
		if (fscc_network_open_decode(b, &no) < 0)
			return -EPROTO;
		result_num(r, "size", no.end_of_file);
		result_num(r, "attributes", no.file_attributes);
		return 0;
	case FSCC_FILE_INTERNAL:
	case FSCC_FILE_POSITION:
		if (fscc_u64_decode(b, &n64) < 0)
			return -EPROTO;
		result_num(r, "value", n64);
		return 0;
	case FSCC_FILE_EA:
	case FSCC_FILE_ACCESS:
	case FSCC_FILE_MODE:
	case FSCC_FILE_ALIGNMENT:
		if (fscc_u32_decode(b, &n32) < 0)
			return -EPROTO;
		result_num(r, "value", n32);
		return 0;
	case FSCC_FILE_NAME:
	case FSCC_FILE_NORMALIZED_NAME:
	case FSCC_FILE_ALTERNATE_NAME:
		if (fscc_name_decode(b, &name) < 0)
			return -EPROTO;
		result_name(r, "name", name);
		return 0;
	case FSCC_FILE_ID:
		if (fscc_file_id_decode(b, &id) < 0)
			return -EPROTO;
		result_bytes(r, "file_id", BLOB(id.file_id, sizeof(id.file_id)));
		return 0;
	}
	return 0;
}

static int tell_streams(struct result *r, struct blob b)
{
	struct fscc_stream s;
	struct rd rd = rd_of(b);
	uint64_t count = 0;
	int got;

	while ((got = fscc_stream_next(&rd, &s)) > 0)
		count++;
	result_num(r, "streams", count);
	return got < 0 ? -EPROTO : 0;
}

static int tell_fs(struct result *r, uint32_t class, struct blob b)
{
	struct fscc_fs_attribute attr;
	struct fscc_fs_full_size full;
	struct fscc_fs_size size;
	struct fscc_fs_device dev;

	switch (class) {
	case FSCC_FS_ATTRIBUTE:
		if (fscc_fs_attribute_decode(b, &attr) < 0)
			return -EPROTO;
		result_num(r, "fs_attributes", attr.attributes);
		result_num(r, "max_component", attr.max_component_length);
		result_name(r, "name", attr.name);
		return 0;
	case FSCC_FS_SIZE:
		if (fscc_fs_size_decode(b, &size) < 0)
			return -EPROTO;
		result_num(r, "total", size.total_units);
		result_num(r, "available", size.available_units);
		return 0;
	case FSCC_FS_FULL_SIZE:
		if (fscc_fs_full_size_decode(b, &full) < 0)
			return -EPROTO;
		result_num(r, "total", full.total_units);
		result_num(r, "available", full.caller_available_units);
		return 0;
	case FSCC_FS_DEVICE:
		if (fscc_fs_device_decode(b, &dev) < 0)
			return -EPROTO;
		result_num(r, "device", dev.device_type);
		return 0;
	}
	return 0;
}

static int finish_query_info(struct step *st)
{
	uint32_t class = (uint32_t)st->n[0];
	struct blob b;

	if (!step_ok(st) ||
	    (st->res.status.v != NTSTATUS_OK && st->res.status.v != NTSTATUS_BUFFER_OVERFLOW))
		return 0;
	if (smb2_outbuf_decode(st->call.reply, &b) < 0)
		return -EPROTO;
	result_bytes(&st->res, "data", b);
	result_num(&st->res, "length", b.len);
	if (st->res.status.v != NTSTATUS_OK || step_flag(st, "type"))
		return 0;
	if (class & FS)
		return tell_fs(&st->res, class & 0xff, b);
	if (class & SECURITY)
		return 0;
	return class == FSCC_FILE_STREAM ? tell_streams(&st->res, b) :
					   tell_file(&st->res, class, b);
}

static int prepare_notify(struct step *st, struct msg *m)
{
	struct smb2_change_notify_req req = { .flags = step_flag(st, "recursive") ?
							       SMB2_WATCH_TREE :
							       0 };
	uint64_t size, filter;
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r == 0)
		r = step_opt_num(st, "bufsize", 4096, &size);
	if (r == 0)
		r = step_opt_num(st, "filter", 0xfff, &filter);
	if (r < 0)
		return r;
	req.output_buffer_length = (uint32_t)size;
	req.completion_filter = (uint32_t)filter;
	hdr = step_add(st, m, SMB2_CHANGE_NOTIFY, st->tree, MIN(size, (uint64_t)(1 << 20)));
	smb2_change_notify_req_encode(&m->w, hdr, &req);
	return 0;
}

/* changes: "+added -removed *modified <old >new", blanks between */
static int finish_notify(struct step *st)
{
	static const char sign[] = "?+-*<>";
	struct arena *a = &st->res.a;
	const char *all = "";
	struct fscc_notify e;
	uint64_t count = 0;
	struct blob b;
	struct rd r;
	int more = 0;

	if (!step_ok(st) || st->res.status.v != NTSTATUS_OK)
		return 0;
	if (smb2_outbuf_decode(st->call.reply, &b) < 0)
		return -EPROTO;
	r = rd_of(b);
	while (all && (more = fscc_notify_next(&r, &e)) > 0) {
		char *name;

		if (e.action >= sizeof(sign) - 1 || utf8_from_utf16(a, e.name, &name) < 0)
			return -EPROTO;
		all = arena_printf(a, "%s%s%c%s", all, count++ ? " " : "", sign[e.action], name);
	}
	if (!all || more < 0)
		return -EPROTO;
	result_num(&st->res, "count", count);
	result_num(&st->res, "length", b.len);
	result_text(&st->res, "changes", all);
	return 0;
}

const struct verb verbs_info[] = {
	{ "query_dir", 2, 2, DIR_OPTIONS, prepare_query_dir, finish_query_dir, NULL },
	{ "list", 2, 2, DIR_OPTIONS, NULL, NULL, run_list },
	{ "query_info", 2, 2, " type bufsize additional info_flags input ", prepare_query_info,
	  finish_query_info, NULL },
	{ "notify", 1, 1, " bufsize filter recursive ", prepare_notify, finish_notify, NULL },
	{ NULL, 0, 0, NULL, NULL, NULL, NULL },
};
