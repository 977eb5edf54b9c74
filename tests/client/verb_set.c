/* SPDX-License-Identifier: GPL-3.0-or-later */
/* set_info. One thread. */
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/info.h"
#include "tests/client/verbs.h"

#define SET_OPTIONS                                                                                                  \
	" type additional data created accessed written changed attributes size alloc delete flags_ex name replace " \
	"value ea_flags rawname "

static const struct named set_classes[] = {
	{ "basic", FSCC_FILE_BASIC },
	{ "rename", FSCC_FILE_RENAME },
	{ "rename_ex", FSCC_FILE_RENAME_EX },
	{ "link", FSCC_FILE_LINK },
	{ "link_ex", FSCC_FILE_LINK_EX },
	{ "disposition", FSCC_FILE_DISPOSITION },
	{ "disposition_ex", FSCC_FILE_DISPOSITION_EX },
	{ "position", FSCC_FILE_POSITION },
	{ "mode", FSCC_FILE_MODE },
	{ "full_ea", FSCC_FILE_FULL_EA },
	{ "alloc", FSCC_FILE_ALLOCATION },
	{ "eof", FSCC_FILE_END_OF_FILE },
	{ "valid_data", FSCC_FILE_VALID_DATA_LENGTH },
	{ "security", 0x200 },
	{ NULL, 0 },
};

static int put_basic(struct step *st, struct wr *w)
{
	struct fscc_basic v = { 0 };
	uint64_t attributes;
	int r = step_opt_num(st, "created", 0, &v.creation_time);

	if (r == 0)
		r = step_opt_num(st, "accessed", 0, &v.last_access_time);
	if (r == 0)
		r = step_opt_num(st, "written", 0, &v.last_write_time);
	if (r == 0)
		r = step_opt_num(st, "changed", 0, &v.change_time);
	if (r == 0)
		r = step_opt_num(st, "attributes", 0, &attributes);
	if (r < 0)
		return r;
	v.file_attributes = (uint32_t)attributes;
	fscc_basic_encode(w, &v);
	return 0;
}

static int put_rename(struct step *st, struct wr *w, uint8_t class)
{
	const char *name = step_opt(st, "name");
	struct fscc_rename v = { .flags = step_flag(st, "replace") ? FSCC_RENAME_REPLACE_IF_EXISTS :
								     0 };
	uint64_t flags;
	char *copy, *p;
	int r;

	if (!name)
		return step_fail(st, "a rename needs name=");
	copy = arena_strdup(&st->a, name);
	for (p = copy; *p && !step_flag(st, "rawname"); p++)
		if (*p == '/')
			*p = '\\';
	r = step_utf16(st, copy, &v.name);
	if (r == 0)
		r = step_opt_num(st, "flags_ex", v.flags, &flags);
	if (r < 0)
		return r;
	v.flags = (uint32_t)flags;
	fscc_rename_encode(w, class, &v);
	return 0;
}

static int put_ea(struct step *st, struct wr *w)
{
	const char *name = step_opt(st, "name"), *value = step_opt(st, "value");
	struct fscc_ea ea = { 0 };
	size_t last = SIZE_MAX;

	if (!name || !value || data_parse(&st->a, value, &ea.value) < 0)
		return step_fail(st, "an extended attribute needs name= and value=");
	ea.name = BLOB(name, strlen(name));
	fscc_ea_put(w, wr_mark(w), &last, &ea);
	return 0;
}

static int put_number(struct step *st, struct wr *w, const char *key, bool wide)
{
	uint64_t v;
	int r = step_opt_num(st, key, 0, &v);

	if (r < 0)
		return r;
	if (wide)
		fscc_u64_encode(w, v);
	else
		fscc_u32_encode(w, (uint32_t)v);
	return 0;
}

static int put_disposition(struct step *st, struct wr *w)
{
	uint64_t v;
	int r = step_opt_num(st, "delete", 1, &v);

	if (r == 0)
		fscc_disposition_encode(w, v != 0);
	return r;
}

static int put_class(struct step *st, struct wr *w, uint32_t class)
{
	struct blob b;

	if (step_opt(st, "data")) {
		if (data_parse(&st->a, step_opt(st, "data"), &b) < 0)
			return step_fail(st, "'%s' is no data", step_opt(st, "data"));
		wr_put(w, b);
		return 0;
	}
	switch (class) {
	case FSCC_FILE_BASIC:
		return put_basic(st, w);
	case FSCC_FILE_RENAME:
	case FSCC_FILE_RENAME_EX:
	case FSCC_FILE_LINK:
	case FSCC_FILE_LINK_EX:
		return put_rename(st, w, (uint8_t) class);
	case FSCC_FILE_DISPOSITION:
		return put_disposition(st, w);
	case FSCC_FILE_DISPOSITION_EX:
		return put_number(st, w, "flags_ex", false);
	case FSCC_FILE_MODE:
		return put_number(st, w, "value", false);
	case FSCC_FILE_FULL_EA:
		return put_ea(st, w);
	case FSCC_FILE_ALLOCATION:
		return put_number(st, w, "alloc", true);
	case FSCC_FILE_END_OF_FILE:
	case FSCC_FILE_VALID_DATA_LENGTH:
		return put_number(st, w, "size", true);
	case FSCC_FILE_POSITION:
		return put_number(st, w, "value", true);
	}
	return step_fail(st, "this class needs data=");
}

static int prepare_set_info(struct step *st, struct msg *m)
{
	struct wr w = wr_arena(&st->a, 1 << 20);
	struct smb2_set_info_req req = { 0 };
	uint64_t type, additional;
	uint32_t class;
	size_t hdr;
	int r = step_handle(st, 0, &req.file_id);

	if (r == 0)
		r = named_find(st, "class", set_classes, st->arg[1], &class);
	if (r == 0)
		r = step_opt_num(st, "type",
				 class & 0x200 ? SMB2_0_INFO_SECURITY : SMB2_0_INFO_FILE, &type);
	if (r == 0)
		r = step_opt_num(st, "additional",
				 class & 0x200 ? SMB2_DACL_SECURITY_INFORMATION : 0, &additional);
	if (r == 0)
		r = put_class(st, &w, class);
	if (r < 0)
		return r;
	req.info_type = (uint8_t)type;
	req.info_class = (uint8_t) class;
	req.additional_information = (uint32_t)additional;
	req.buffer = wr_blob(&w);
	hdr = step_add(st, m, SMB2_SET_INFO, st->tree, req.buffer.len);
	smb2_set_info_req_encode(&m->w, hdr, &req);
	return 0;
}

static int finish_set_info(struct step *st)
{
	return step_ok(st) && smb2_set_info_resp_decode(st->call.reply) < 0 ? -EPROTO : 0;
}

const struct verb verbs_set[] = {
	{ "set_info", 2, 2, SET_OPTIONS, prepare_set_info, finish_set_info, NULL },
	{ NULL, 0, 0, NULL, NULL, NULL, NULL },
};
