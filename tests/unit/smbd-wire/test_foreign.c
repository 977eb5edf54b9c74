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

static void check_folder(const char *folder, const reencode_fn *fns)
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
		bad += !check_message(de->d_name, BLOB(buf, len), fns);
	}
	closedir(d);
	assert_true(n > 40);
	assert_int_equal(bad, 0);
}

static void test_requests(void **state)
{
	check_folder("smb2_request", requests);
}

static void test_responses(void **state)
{
	check_folder("smb2_response", responses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_responses),
	};

	return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
