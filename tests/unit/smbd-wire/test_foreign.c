/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages between Samba's client, smbtorture and smbd (the seeds of the fuzz targets): each
 * decodes, and encoding what was decoded gives the same bytes.
 */
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>

#include "smbd/wire/break.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create.h"
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/error.h"
#include "smbd/wire/fscc_dir.h"
#include "smbd/wire/fscc_file.h"
#include "smbd/wire/fscc_fs.h"
#include "smbd/wire/info.h"
#include "smbd/wire/ioctl.h"
#include "smbd/wire/lock.h"
#include "smbd/wire/negotiate.h"
#include "smbd/wire/outbuf.h"
#include "smbd/wire/query_directory.h"
#include "smbd/wire/readwrite.h"
#include "smbd/wire/session_setup.h"
#include "smbd/wire/tree_connect.h"
#include "tests/fuzz/wire_dispatch.h"

#define MAX_MSG 4096

typedef int (*reencode_fn)(struct arena *a, struct blob msg, struct wr *w, size_t hdr);

#define REENCODE(type)                                                                   \
	static int re_##type(struct arena *a, struct blob msg, struct wr *w, size_t hdr) \
	{                                                                                \
		struct smb2_##type v;                                                    \
		int e = smb2_##type##_decode(msg, &v);                                   \
                                                                                         \
		if (e == 0)                                                              \
			smb2_##type##_encode(w, hdr, &v);                                \
		return e;                                                                \
	}

#define REENCODE_ARENA(type)                                                             \
	static int re_##type(struct arena *a, struct blob msg, struct wr *w, size_t hdr) \
	{                                                                                \
		struct smb2_##type v;                                                    \
		int e = smb2_##type##_decode(a, msg, &v);                                \
                                                                                         \
		if (e == 0)                                                              \
			smb2_##type##_encode(w, hdr, &v);                                \
		return e;                                                                \
	}

REENCODE_ARENA(negotiate_req)
REENCODE_ARENA(negotiate_resp)
REENCODE(session_setup_req)
REENCODE(session_setup_resp)
REENCODE(tree_connect_resp)
REENCODE(close_req)
REENCODE(close_resp)
REENCODE(flush_req)
REENCODE(read_req)
REENCODE(read_resp)
REENCODE(write_req)
REENCODE(write_resp)
REENCODE_ARENA(lock_req)
REENCODE(query_directory_req)
REENCODE(change_notify_req)
REENCODE(query_info_req)
REENCODE(set_info_req)
REENCODE(ioctl_req)
REENCODE(ioctl_resp)
REENCODE(error_resp)

static int re_tree_connect_req(struct arena *a, struct blob msg, struct wr *w, size_t hdr)
{
	struct smb2_tree_connect_req v;
	int e = smb2_tree_connect_req_decode(msg, true, &v);

	if (e == 0)
		smb2_tree_connect_req_encode(w, hdr, &v);
	return e;
}

static int re_create_req(struct arena *a, struct blob msg, struct wr *w, size_t hdr)
{
	struct smb2_create_ctxs_req ctxs;
	struct wr list = wr_arena(a, MAX_MSG);
	struct smb2_create_req v;

	if (smb2_create_req_decode(msg, &v) < 0 ||
	    smb2_create_ctxs_req_decode(v.contexts, &ctxs) < 0)
		return -EBADMSG;
	smb2_create_ctxs_req_encode(&list, &ctxs);
	/* The order of the contexts is the sender's: only their lengths can be compared. */
	assert_in_range(list.len, v.contexts.len < 8 ? 0 : v.contexts.len - 7, v.contexts.len);
	smb2_create_req_encode(w, hdr, &v);
	return 0;
}

static int re_create_resp(struct arena *a, struct blob msg, struct wr *w, size_t hdr)
{
	struct smb2_create_ctxs_resp ctxs;
	struct wr list = wr_arena(a, MAX_MSG);
	struct smb2_create_resp v;

	if (smb2_create_resp_decode(msg, &v) < 0 ||
	    smb2_create_ctxs_resp_decode(v.contexts, &ctxs) < 0)
		return -EBADMSG;
	smb2_create_ctxs_resp_encode(&list, &ctxs);
	assert_in_range(list.len, v.contexts.len < 8 ? 0 : v.contexts.len - 7, v.contexts.len);
	smb2_create_resp_encode(w, hdr, &v);
	return 0;
}

static int re_empty(struct arena *a, struct blob msg, struct wr *w, size_t hdr)
{
	smb2_empty_encode(w);
	return smb2_empty_decode(msg);
}

static int re_set_info_resp(struct arena *a, struct blob msg, struct wr *w, size_t hdr)
{
	smb2_set_info_resp_encode(w);
	return smb2_set_info_resp_decode(msg);
}

static int re_outbuf(struct arena *a, struct blob msg, struct wr *w, size_t hdr)
{
	struct blob b;
	int e = smb2_outbuf_decode(msg, &b);

	if (e == 0)
		smb2_outbuf_encode(w, hdr, b);
	return e;
}

static int re_break(struct arena *a, struct blob msg, struct wr *w, size_t hdr)
{
	struct smb2_break b;
	int e = smb2_break_resp_decode(msg, &b);

	if (e == 0)
		smb2_break_encode(w, hdr, &b);
	return e;
}

static const reencode_fn requests[SMB2_COMMAND_COUNT] = {
	[SMB2_NEGOTIATE] = re_negotiate_req,
	[SMB2_SESSION_SETUP] = re_session_setup_req,
	[SMB2_LOGOFF] = re_empty,
	[SMB2_TREE_CONNECT] = re_tree_connect_req,
	[SMB2_TREE_DISCONNECT] = re_empty,
	[SMB2_CREATE] = re_create_req,
	[SMB2_CLOSE] = re_close_req,
	[SMB2_FLUSH] = re_flush_req,
	[SMB2_READ] = re_read_req,
	[SMB2_WRITE] = re_write_req,
	[SMB2_LOCK] = re_lock_req,
	[SMB2_IOCTL] = re_ioctl_req,
	[SMB2_CANCEL] = re_empty,
	[SMB2_ECHO] = re_empty,
	[SMB2_QUERY_DIRECTORY] = re_query_directory_req,
	[SMB2_CHANGE_NOTIFY] = re_change_notify_req,
	[SMB2_QUERY_INFO] = re_query_info_req,
	[SMB2_SET_INFO] = re_set_info_req,
	[SMB2_OPLOCK_BREAK] = re_break,
};

static const reencode_fn responses[SMB2_COMMAND_COUNT] = {
	[SMB2_NEGOTIATE] = re_negotiate_resp,
	[SMB2_SESSION_SETUP] = re_session_setup_resp,
	[SMB2_LOGOFF] = re_empty,
	[SMB2_TREE_CONNECT] = re_tree_connect_resp,
	[SMB2_TREE_DISCONNECT] = re_empty,
	[SMB2_CREATE] = re_create_resp,
	[SMB2_CLOSE] = re_close_resp,
	[SMB2_FLUSH] = re_empty,
	[SMB2_READ] = re_read_resp,
	[SMB2_WRITE] = re_write_resp,
	[SMB2_LOCK] = re_empty,
	[SMB2_IOCTL] = re_ioctl_resp,
	[SMB2_ECHO] = re_empty,
	[SMB2_QUERY_DIRECTORY] = re_outbuf,
	[SMB2_CHANGE_NOTIFY] = re_outbuf,
	[SMB2_QUERY_INFO] = re_outbuf,
	[SMB2_SET_INFO] = re_set_info_resp,
	[SMB2_OPLOCK_BREAK] = re_break,
};

static bool is_error(const struct smb2_hdr *h)
{
	return h->status.v == NTSTATUS_PENDING ||
	       (ntstatus_is_error(h->status) && h->status.v != NTSTATUS_MORE_PROCESSING_REQUIRED);
}

static void print_difference(const char *name, struct blob want, struct blob got)
{
	size_t i = 0;

	while (i < want.len && i < got.len && want.data[i] == got.data[i])
		i++;
	print_message("# %s: %zu and %zu bytes differ at %zu\n", name, want.len, got.len, i);
}

/* Equal but for bytes that say nothing: up to seven zeros of padding, the byte of an ERROR response
 * without data, and the offsets of an IOCTL request's empty buffers. */
static bool equal(struct blob want, struct blob got, bool ioctl_req)
{
	for (size_t i = 0; i < want.len; i++) {
		bool in_offset = ioctl_req && ((i >= 88 && i < 92) || (i >= 100 && i < 104));
		uint8_t g = i < got.len ? got.data[i] : 0;

		if (want.data[i] != g && !in_offset && !(i == 72 && want.len == 73))
			return false;
	}
	return got.len <= want.len && want.len - got.len < 8;
}

static bool check_message(const char *name, struct blob msg, const reencode_fn *fns)
{
	_cleanup_arena_ struct arena a = { 0 };
	bool ioctl = strncmp(name, "samba-ioctl", 11) == 0 && fns == requests;
	struct smb2_hdr h;
	reencode_fn fn;
	struct wr w;

	arena_init(&a, 0);
	w = wr_arena(&a, MAX_MSG);
	assert_int_equal(smb2_hdr_decode(msg, &h), 0);
	assert_true(h.command < SMB2_COMMAND_COUNT);
	fn = is_error(&h) ? re_error_resp : fns[h.command];
	assert_non_null(fn);
	assert_int_equal(smb2_hdr_encode(&w, &h), 0);
	if (fn(&a, msg, &w, 0) < 0) {
		print_message("# %s does not decode\n", name);
		return false;
	}
	if (!equal(msg, wr_blob(&w), ioctl)) {
		print_difference(name, msg, wr_blob(&w));
		return false;
	}
	return true;
}

typedef bool (*check_fn)(const char *name, struct blob seed, const reencode_fn *fns);

static void check_folder(const char *folder, unsigned min, check_fn check, const reencode_fn *fns)
{
	const char *top = getenv("top_srcdir");
	unsigned n = 0, bad = 0;
	struct dirent *de;
	char path[1024];
	DIR *d;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", top ? top : ".", folder);
	d = opendir(path);
	assert_non_null(d);
	while ((de = readdir(d))) {
		uint8_t buf[MAX_MSG];
		size_t len;
		FILE *f;

		if (de->d_name[0] == '.' || strncmp(de->d_name, "bad-", 4) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s/%.255s", top ? top : ".",
			 folder, de->d_name);
		f = fopen(path, "rb");
		assert_non_null(f);
		len = fread(buf, 1, sizeof(buf), f);
		fclose(f);
		n++;
		bad += !check(de->d_name, BLOB(buf, len), fns);
	}
	closedir(d);
	assert_true(n >= min);
	assert_int_equal(bad, 0);
}

#define REENCODE_INFO(type)                               \
	static int re_##type(struct blob b, struct wr *w) \
	{                                                 \
		struct fscc_##type v;                     \
		int e = fscc_##type##_decode(b, &v);      \
                                                          \
		if (e == 0)                               \
			fscc_##type##_encode(w, &v);      \
		return e;                                 \
	}

REENCODE_INFO(basic)
REENCODE_INFO(all)
REENCODE_INFO(fs_volume)
REENCODE_INFO(fs_size)
REENCODE_INFO(fs_device)
REENCODE_INFO(fs_attribute)
REENCODE_INFO(fs_control)

static int re_name(struct blob b, struct wr *w)
{
	struct blob name;
	int e = fscc_name_decode(b, &name);

	if (e == 0)
		fscc_name_encode(w, name);
	return e;
}

static int re_streams(struct blob b, struct wr *w)
{
	struct rd r = rd_of(b);
	size_t last = SIZE_MAX;
	struct fscc_stream v;
	int more;

	while ((more = fscc_stream_next(&r, &v)) == 1)
		fscc_stream_put(w, 0, &last, &v);
	return more;
}

static int re_eas(struct blob b, struct wr *w)
{
	struct rd r = rd_of(b);
	size_t last = SIZE_MAX;
	struct fscc_ea v;
	int more;

	while ((more = fscc_ea_next(&r, &v)) == 1)
		fscc_ea_put(w, 0, &last, &v);
	return more;
}

static int re_rename(struct blob b, struct wr *w)
{
	struct fscc_rename v;
	int e = fscc_rename_decode(b, FSCC_FILE_RENAME, &v);

	if (e == 0)
		fscc_rename_encode(w, FSCC_FILE_RENAME, &v);
	return e;
}

static int re_disposition(struct blob b, struct wr *w)
{
	bool v;
	int e = fscc_disposition_decode(b, &v);

	if (e == 0)
		fscc_disposition_encode(w, v);
	return e;
}

static int re_directory(uint8_t info_class, struct blob b, struct wr *w)
{
	struct fscc_dir_writer dw = fscc_dir_writer(w, info_class, MAX_MSG);
	struct rd r = rd_of(b);
	struct fscc_dirent v;
	int more;

	while ((more = fscc_dir_next(&r, info_class, &v)) == 1)
		assert_int_equal(fscc_dir_put(&dw, &v), 0);
	return more;
}

static const struct {
	uint8_t type, info_class;
	int (*reencode)(struct blob b, struct wr *w);
} infos[] = {
	{ SMB2_0_INFO_FILE, FSCC_FILE_BASIC, re_basic },
	{ SMB2_0_INFO_FILE, FSCC_FILE_ALL, re_all },
	{ SMB2_0_INFO_FILE, FSCC_FILE_ALTERNATE_NAME, re_name },
	{ SMB2_0_INFO_FILE, FSCC_FILE_STREAM, re_streams },
	{ SMB2_0_INFO_FILE, FSCC_FILE_FULL_EA, re_eas },
	{ SMB2_0_INFO_FILE, FSCC_FILE_RENAME, re_rename },
	{ SMB2_0_INFO_FILE, FSCC_FILE_LINK, re_rename },
	{ SMB2_0_INFO_FILE, FSCC_FILE_DISPOSITION, re_disposition },
	{ SMB2_0_INFO_FILESYSTEM, FSCC_FS_VOLUME, re_fs_volume },
	{ SMB2_0_INFO_FILESYSTEM, FSCC_FS_SIZE, re_fs_size },
	{ SMB2_0_INFO_FILESYSTEM, FSCC_FS_DEVICE, re_fs_device },
	{ SMB2_0_INFO_FILESYSTEM, FSCC_FS_ATTRIBUTE, re_fs_attribute },
	{ SMB2_0_INFO_FILESYSTEM, FSCC_FS_CONTROL, re_fs_control },
};

static int reencode_info(uint8_t type, uint8_t info_class, struct blob b, struct wr *w)
{
	if (type == SMB2_0_INFO_FILE && fscc_dir_class_valid(info_class))
		return re_directory(info_class, b, w);
	for (size_t i = 0; i < ARRAY_SIZE(infos); i++)
		if (infos[i].type == type && infos[i].info_class == info_class)
			return infos[i].reencode(b, w);
	return -ENOSYS;
}

/* A seed of fuzz_fscc_set: type, class, buffer. */
static bool check_info(const char *name, struct blob seed, const reencode_fn *unused)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b;
	struct wr w;
	int e;

	arena_init(&a, 0);
	w = wr_arena(&a, MAX_MSG);
	assert_true(seed.len > 2);
	b = BLOB(seed.data + 2, seed.len - 2);
	e = reencode_info(seed.data[0], seed.data[1], b, &w);
	if (e < 0 || !equal(b, wr_blob(&w), false)) {
		print_message("# %s: %d\n", name, e);
		print_difference(name, b, wr_blob(&w));
		return false;
	}
	return true;
}

static void test_requests(void **state)
{
	check_folder("smb2_request", 40, check_message, requests);
}

static void test_responses(void **state)
{
	check_folder("smb2_response", 40, check_message, responses);
}

static void test_information(void **state)
{
	check_folder("fscc_set", 15, check_info, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_information),
	};

	return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
