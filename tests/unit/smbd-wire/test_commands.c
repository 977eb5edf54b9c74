/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each command in both directions: round trip, prefixes, changed bytes, and the fields that the
 * checks turn on. */
#include "tests/unit/test.h"

#include "smbd/wire/break.h"
#include "smbd/wire/change_notify.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create.h"
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
#include "tests/unit/arena.h"
#include "tests/unit/smbd-wire/roundtrip.h"

#define NAME BLOB("d\0i\0r\0\\\0f\0", 10)
#define ID ((struct smb2_fileid){ 0x1122334455667788, 0x99aabbccddeeff00 })
#define GUID_A ((struct guid){ "0123456789abcde" })

WIRE_SMB2_ARENA(negotiate_req, SMB2_NEGOTIATE, false);
WIRE_SMB2_ARENA(negotiate_resp, SMB2_NEGOTIATE, true);
WIRE_SMB2(session_setup_req, SMB2_SESSION_SETUP, false);
WIRE_SMB2(session_setup_resp, SMB2_SESSION_SETUP, true);
WIRE_TYPE(tree_connect_req, struct smb2_tree_connect_req, SMB2_TREE_CONNECT, false,
	  smb2_tree_connect_req_decode(msg, true, ret), smb2_tree_connect_req_encode(w, hdr, v));
WIRE_SMB2(tree_connect_resp, SMB2_TREE_CONNECT, true);
WIRE_SMB2(create_req, SMB2_CREATE, false);
WIRE_SMB2(create_resp, SMB2_CREATE, true);
WIRE_SMB2(close_req, SMB2_CLOSE, false);
WIRE_SMB2(close_resp, SMB2_CLOSE, true);
WIRE_SMB2(flush_req, SMB2_FLUSH, false);
WIRE_SMB2(read_req, SMB2_READ, false);
WIRE_SMB2(read_resp, SMB2_READ, true);
WIRE_SMB2(write_req, SMB2_WRITE, false);
WIRE_SMB2(write_resp, SMB2_WRITE, true);
WIRE_SMB2_ARENA(lock_req, SMB2_LOCK, false);
WIRE_SMB2(query_directory_req, SMB2_QUERY_DIRECTORY, false);
WIRE_SMB2(change_notify_req, SMB2_CHANGE_NOTIFY, false);
WIRE_SMB2(query_info_req, SMB2_QUERY_INFO, false);
WIRE_SMB2(set_info_req, SMB2_SET_INFO, false);
WIRE_SMB2(ioctl_req, SMB2_IOCTL, false);
WIRE_SMB2(ioctl_resp, SMB2_IOCTL, true);
WIRE_SMB2(error_resp, SMB2_READ, true);
WIRE_TYPE(break_req, struct smb2_break, SMB2_OPLOCK_BREAK, false, smb2_break_req_decode(msg, ret),
	  smb2_break_encode(w, hdr, v));
WIRE_TYPE(break_resp, struct smb2_break, SMB2_OPLOCK_BREAK, true, smb2_break_resp_decode(msg, ret),
	  smb2_break_encode(w, hdr, v));
WIRE_TYPE(outbuf, struct blob, SMB2_QUERY_INFO, true, smb2_outbuf_decode(msg, ret),
	  smb2_outbuf_encode(w, hdr, *v));
WIRE_TYPE(empty, uint8_t, SMB2_ECHO, false, ((void)ret, smb2_empty_decode(msg)),
	  ((void)v, smb2_empty_encode(w)));
WIRE_TYPE(set_info_resp, uint8_t, SMB2_SET_INFO, true, ((void)ret, smb2_set_info_resp_decode(msg)),
	  ((void)v, smb2_set_info_resp_encode(w)));

/* Round trip of `v`, which stays comparable with `got`. */
#define CHECK(t, v, got) wire_check(&arena, &wire_##t, &(v), &(got))

static void test_negotiate(void **state)
{
	uint16_t dialects[] = { 0x0202, 0x0210, 0x0300, 0x0302, 0x0311 };
	uint16_t ciphers[] = { SMB2_CIPHER_AES128_GCM, SMB2_CIPHER_AES256_CCM };
	uint16_t sha[] = { SMB2_PREAUTH_SHA512 };
	struct smb2_negotiate_req got, v = {
		.security_mode = 1,
		.capabilities = 0x7f,
		.client_guid = GUID_A,
		.dialects = { dialects, 5 },
		.ctxs = { .has_preauth = true,
			  .preauth_hashes = { sha, 1 },
			  .preauth_salt = BLOB("saltsalt", 8),
			  .has_encryption = true,
			  .ciphers = { ciphers, 2 },
			  .has_netname = true,
			  .netname = NAME },
	};
	struct blob msg;

	CHECK(negotiate_req, v, got);
	assert_int_equal(got.dialects.n, 5);
	assert_int_equal(got.ctxs.ciphers.v[1], SMB2_CIPHER_AES256_CCM);
	assert_true(blob_equal(got.ctxs.netname, NAME));
	/* MS-SMB2 3.3.5.4: no dialects; 3.1.1 without a preauthentication context. */
	msg = wire_message(&arena, &wire_negotiate_req, &(struct smb2_negotiate_req){ 0 });
	assert_int_equal(smb2_negotiate_req_decode(&arena, msg, &got), -EBADMSG);
	v.ctxs.has_preauth = false;
	msg = wire_message(&arena, &wire_negotiate_req, &v);
	assert_int_equal(smb2_negotiate_req_decode(&arena, msg, &got), -EBADMSG);
	/* Without 3.1.1 the context fields are a time that means nothing. */
	v.dialects.n = 4;
	CHECK(negotiate_req, v, got);
	assert_false(got.ctxs.has_encryption);
}

static void test_negotiate_resp(void **state)
{
	uint16_t cipher[] = { SMB2_CIPHER_AES128_GCM }, sha[] = { SMB2_PREAUTH_SHA512 };
	uint16_t sign[] = { SMB2_SIGNING_AES_GMAC };
	struct smb2_negotiate_resp got, v = {
		.security_mode = 3,
		.dialect = SMB2_DIALECT_311,
		.server_guid = GUID_A,
		.capabilities = 0x2f,
		.max_transact_size = 1 << 20,
		.max_read_size = 2 << 20,
		.max_write_size = 3 << 20,
		.system_time = 132000000000000000,
		.token = BLOB("token", 5),
		.ctxs = { .has_preauth = true,
			  .preauth_hashes = { sha, 1 },
			  .has_encryption = true,
			  .ciphers = { cipher, 1 },
			  .has_signing = true,
			  .signing_algs = { sign, 1 } },
	};
	struct blob msg = wire_message(&arena, &wire_negotiate_resp, &v);

	CHECK(negotiate_resp, v, got);
	assert_int_equal(got.max_write_size, 3 << 20);
	assert_true(got.ctxs.has_signing && got.ctxs.signing_algs.v[0] == SMB2_SIGNING_AES_GMAC);
	/* 2.2.4 by hand: token behind the 64 fixed bytes, contexts aligned to 8 behind it. */
	assert_memory_equal(msg.data + 64 + 56, "\x80\0\x05\0\x88\0\0\0token", 13);
	assert_memory_equal(msg.data + 64, "\x41\0\x03\0\x11\x03\x03\0", 8);
	v.dialect = SMB2_DIALECT_302;
	CHECK(negotiate_resp, v, got);
}

static void test_session_setup(void **state)
{
	struct smb2_session_setup_req got, v = {
		.flags = SMB2_SESSION_FLAG_BINDING,
		.security_mode = 2,
		.capabilities = 1,
		.channel = 3,
		.previous_session_id = 0x1234567890,
		.token = BLOB("spnego", 6),
	};
	struct smb2_session_setup_resp r_got, r = { SMB2_SESSION_FLAG_ENCRYPT_DATA, BLOB("x", 1) };

	CHECK(session_setup_req, v, got);
	assert_true(blob_equal(got.token, v.token));
	v.token.len = 0;
	CHECK(session_setup_req, v, got);
	CHECK(session_setup_resp, r, r_got);
	assert_int_equal(r_got.session_flags, SMB2_SESSION_FLAG_ENCRYPT_DATA);
}

static void test_tree_connect(void **state)
{
	struct smb2_tree_connect_req got, v = { .path = NAME };
	struct smb2_tree_connect_resp r_got,
		r = { SMB2_SHARE_TYPE_DISK, SMB2_SHAREFLAG_ENCRYPT_DATA, 0x70, 0x1f01ff };
	struct blob msg;

	CHECK(tree_connect_req, v, got);
	assert_int_equal(got.remoted_identity.len, 0);
	v.flags = SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT;
	v.remoted_identity = BLOB("identity", 8);
	CHECK(tree_connect_req, v, got);
	assert_true(blob_equal(got.path, NAME));
	assert_true(blob_equal(got.remoted_identity, v.remoted_identity));
	/* Before 3.1.1 the flags are reserved: the extension is not looked at. */
	msg = wire_message(&arena, &wire_tree_connect_req, &v);
	assert_int_equal(smb2_tree_connect_req_decode(msg, false, &got), 0);
	assert_int_equal(got.remoted_identity.len, 0);
	v.path.len = 9;
	v.flags = 0;
	msg = wire_message(&arena, &wire_tree_connect_req, &v);
	assert_int_equal(smb2_tree_connect_req_decode(msg, true, &got), -EBADMSG);
	CHECK(tree_connect_resp, r, r_got);
	assert_int_equal(r_got.maximal_access, 0x1f01ff);
}

static void test_create(void **state)
{
	struct smb2_create_req got, v = {
		.oplock_level = SMB2_OPLOCK_LEVEL_LEASE,
		.impersonation_level = 2,
		.desired_access = 0x120089,
		.file_attributes = 0x80,
		.share_access = 7,
		.disposition = SMB2_FILE_OPEN_IF,
		.options = SMB2_FILE_NON_DIRECTORY_FILE,
		.name = NAME,
		.contexts = BLOB("0123456789012345678901", 22),
	};
	struct smb2_create_resp r_got, r = {
		.oplock_level = 9,
		.flags = 1,
		.action = SMB2_FILE_CREATED,
		.creation_time = 1,
		.last_access_time = 2,
		.last_write_time = 3,
		.change_time = 4,
		.allocation_size = 4096,
		.end_of_file = 17,
		.file_attributes = 0x20,
		.file_id = ID,
		.contexts = BLOB("01234567", 8),
	};
	struct blob msg = wire_message(&arena, &wire_create_req, &v);

	CHECK(create_req, v, got);
	assert_true(blob_equal(got.name, NAME));
	assert_true(blob_equal(got.contexts, v.contexts));
	/* 2.2.13 by hand: the name at 120, the contexts at the next multiple of 8. */
	assert_memory_equal(msg.data + 64 + 44, "\x78\0\x0a\0\x88\0\0\0\x16\0\0\0", 12);
	CHECK(create_resp, r, r_got);
	assert_int_equal(r_got.file_id.volatile_id, ID.volatile_id);
	assert_int_equal(r_got.end_of_file, 17);
	r.contexts.len = 0;
	assert_int_equal(wire_message(&arena, &wire_create_resp, &r).len, 64 + 88);
	v.name.len = 9;
	msg = wire_message(&arena, &wire_create_req, &v);
	assert_int_equal(smb2_create_req_decode(msg, &got), -EBADMSG);
}

static void test_close_flush(void **state)
{
	struct smb2_close_req got, v = { SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB, ID };
	struct smb2_close_resp r_got, r = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct smb2_flush_req f_got, f = { ID };

	CHECK(close_req, v, got);
	CHECK(close_resp, r, r_got);
	assert_int_equal(r_got.file_attributes, 8);
	CHECK(flush_req, f, f_got);
	assert_int_equal(f_got.file_id.persistent_id, ID.persistent_id);
}

static void test_read(void **state)
{
	struct smb2_read_req got, v = {
		.padding = 80,
		.flags = SMB2_READFLAG_READ_UNBUFFERED,
		.length = 65536,
		.offset = 1ULL << 40,
		.file_id = ID,
		.minimum_count = 5,
		.remaining_bytes = 6,
	};
	struct smb2_read_resp r_got, r = { .remaining = 9, .data = BLOB("data", 4) };
	uint8_t head[80], full[84];
	struct wr hw = wr_fixed(head, sizeof(head)), fw = wr_fixed(full, sizeof(full));

	CHECK(read_req, v, got);
	assert_int_equal(got.offset, 1ULL << 40);
	v.channel = SMB2_CHANNEL_RDMA_V1;
	v.channel_info = BLOB("0123456789abcdef", 16);
	CHECK(read_req, v, got);
	CHECK(read_resp, r, r_got);
	/* The head and the data behind it are the whole response. */
	wr_zero(&hw, 64);
	smb2_read_resp_encode_head(&hw, 0, &r, 4);
	wr_zero(&fw, 64);
	smb2_read_resp_encode(&fw, 0, &r);
	assert_int_equal(wr_end(&hw), 0);
	assert_int_equal(hw.len, SMB2_READ_RESP_DATA_OFF);
	assert_memory_equal(head, full, 80);
	assert_memory_equal(full + 80, "data", 4);
}

static void test_write(void **state)
{
	struct smb2_write_req got, v = {
		.offset = 77,
		.file_id = ID,
		.remaining_bytes = 3,
		.flags = SMB2_WRITEFLAG_WRITE_THROUGH,
		.data = BLOB("payload", 7),
	};
	struct smb2_write_resp r_got, r = { 7, 0 };
	uint8_t head[112];
	struct wr hw = wr_fixed(head, sizeof(head));
	struct blob msg = wire_message(&arena, &wire_write_req, &v);

	CHECK(write_req, v, got);
	assert_true(blob_equal(got.data, v.data));
	wr_zero(&hw, 64);
	smb2_write_req_encode_head(&hw, 0, &v, 7);
	assert_int_equal(hw.len, SMB2_WRITE_REQ_DATA_OFF);
	assert_memory_equal(head + 64, msg.data + 64, 48);
	CHECK(write_resp, r, r_got);
	assert_int_equal(r_got.count, 7);
	/* 3.3.5.13: DataOffset above 0x100 */
	v.data = BLOB(arena_zalloc(&arena, 400), 400);
	msg = wire_message(&arena, &wire_write_req, &v);
	((uint8_t *)msg.data)[66] = 0x01;
	((uint8_t *)msg.data)[67] = 0x01;
	((uint8_t *)msg.data)[68] = 1;
	((uint8_t *)msg.data)[69] = 0;
	assert_int_equal(smb2_write_req_decode(msg, &got), -EBADMSG);
	((uint8_t *)msg.data)[66] = 0x00;
	assert_int_equal(smb2_write_req_decode(msg, &got), 0);
	/* Data inside the header or the fixed part. */
	((uint8_t *)msg.data)[66] = 111;
	((uint8_t *)msg.data)[67] = 0;
	assert_int_equal(smb2_write_req_decode(msg, &got), -EBADMSG);
}

static void test_lock(void **state)
{
	struct smb2_lock_element e[] = { { 0, 100, SMB2_LOCKFLAG_EXCLUSIVE_LOCK },
					 { 1ULL << 50, UINT64_MAX, SMB2_LOCKFLAG_UNLOCK } };
	struct smb2_lock_req got, v = { 5, 64, ID, e, 2 };
	struct blob msg;

	CHECK(lock_req, v, got);
	assert_int_equal(got.n_locks, 2);
	assert_int_equal(got.sequence_number, 5);
	assert_int_equal(got.sequence_index, 64);
	assert_int_equal(got.locks[1].offset, 1ULL << 50);
	/* More elements than there are bytes for. */
	msg = wire_message(&arena, &wire_lock_req, &v);
	((uint8_t *)msg.data)[66] = 3;
	assert_int_equal(smb2_lock_req_decode(&arena, msg, &got), -EBADMSG);
	((uint8_t *)msg.data)[66] = 0;
	assert_int_equal(smb2_lock_req_decode(&arena, msg, &got), -EBADMSG);
}

static void test_directory(void **state)
{
	struct smb2_query_directory_req got, v = {
		FSCC_FILE_ID_BOTH_DIRECTORY, SMB2_RESTART_SCANS, 5, ID, BLOB("*\0", 2), 65536,
	};
	struct smb2_change_notify_req n_got, n = { SMB2_WATCH_TREE, 4096, ID, 0xfff };
	struct blob b_got, b = BLOB("a buffer", 8);

	CHECK(query_directory_req, v, got);
	assert_true(blob_equal(got.pattern, v.pattern));
	v.pattern.len = 0;
	CHECK(query_directory_req, v, got);
	CHECK(change_notify_req, n, n_got);
	assert_int_equal(n_got.completion_filter, 0xfff);
	CHECK(outbuf, b, b_got);
	assert_true(blob_equal(b, b_got));
}

static void test_info(void **state)
{
	struct smb2_query_info_req got, v = {
		SMB2_0_INFO_SECURITY, 0, 4096, 7, 1, ID, BLOB("input", 5),
	};
	struct smb2_set_info_req s_got,
		s = { SMB2_0_INFO_FILE, FSCC_FILE_END_OF_FILE, 3, ID, BLOB("12345678", 8) };
	uint8_t none = 0;

	CHECK(query_info_req, v, got);
	assert_true(blob_equal(got.input, v.input));
	assert_int_equal(got.additional_information, 7);
	CHECK(set_info_req, s, s_got);
	assert_true(blob_equal(s_got.buffer, s.buffer));
	CHECK(set_info_resp, none, none);
	CHECK(empty, none, none);
}

static void test_ioctl(void **state)
{
	struct smb2_ioctl_req got, v = {
		FSCTL_PIPE_TRANSCEIVE, ID, BLOB("input", 5), BLOB("out", 3), 10, 20, 1,
	};
	struct smb2_ioctl_resp r_got,
		r = { FSCTL_PIPE_TRANSCEIVE, ID, BLOB("in", 2), BLOB("output", 6), 0 };

	CHECK(ioctl_req, v, got);
	assert_true(blob_equal(got.output, v.output));
	assert_int_equal(got.max_output_response, 20);
	CHECK(ioctl_resp, r, r_got);
	assert_true(blob_equal(r_got.output, r.output));
	r.input.len = r.output.len = 0;
	CHECK(ioctl_resp, r, r_got);
	assert_int_equal(r_got.output.len, 0);
}

static void test_break(void **state)
{
	struct smb2_break got, o = { .kind = SMB2_BREAK_OPLOCK, .oplock = { 1, ID } };
	struct smb2_break n = { .kind = SMB2_BREAK_LEASE_NOTIFY,
				.lease_notify = { 5, 1, GUID_A, 7, 3 } };
	struct smb2_break k = { .kind = SMB2_BREAK_LEASE_ACK, .lease_ack = { GUID_A, 3 } };

	CHECK(break_req, o, got);
	CHECK(break_req, k, got);
	assert_int_equal(got.kind, SMB2_BREAK_LEASE_ACK);
	assert_int_equal(got.lease_ack.state, 3);
	CHECK(break_resp, n, got);
	assert_int_equal(got.lease_notify.current_state, 7);
	/* A client cannot send a notification. */
	assert_int_equal(smb2_break_req_decode(wire_message(&arena, &wire_break_req, &n), &got),
			 -EBADMSG);
}

static void test_error(void **state)
{
	struct smb2_error_resp got, v = { 0 };
	struct smb2_symlink_error l_got,
		l = { 6, SMB2_SYMLINK_FLAG_RELATIVE, NAME, BLOB("p\0", 2) };
	struct wr w = wr_arena(&arena, 4096), m = wr_arena(&arena, 4096);
	struct smb2_error_ctx ctx;
	struct rd r;

	CHECK(error_resp, v, got);
	assert_int_equal(wire_message(&arena, &wire_error_resp, &v).len, 64 + 9);
	smb2_symlink_error_encode(&w, &l);
	assert_int_equal(smb2_symlink_error_decode(wr_blob(&w), &l_got), 0);
	assert_true(blob_equal(l_got.substitute_name, NAME));
	assert_true(blob_equal(l_got.print_name, l.print_name));
	assert_int_equal(l_got.unparsed_path_length, 6);
	/* 2.2.2.2.1 by hand */
	assert_memory_equal(w.base, "\x24\0\0\0SYML\x0c\0\0\xa0\x18\0\x06\0\0\0\x0a\0\x0a\0\x02\0",
			    24);
	smb2_error_ctx_put(
		&m, 0, &(struct smb2_error_ctx){ SMB2_ERROR_ID_SHARE_REDIRECT, BLOB("xyz", 3) });
	smb2_error_ctx_put(&m, 0, &(struct smb2_error_ctx){ SMB2_ERROR_ID_DEFAULT, wr_blob(&w) });
	v = (struct smb2_error_resp){ 2, wr_blob(&m) };
	CHECK(error_resp, v, got);
	r = rd_of(got.data);
	assert_int_equal(smb2_error_ctx_next(&r, &ctx), 1);
	assert_true(blob_equal(ctx.data, BLOB("xyz", 3)));
	assert_int_equal(smb2_error_ctx_next(&r, &ctx), 1);
	assert_int_equal(smb2_symlink_error_decode(ctx.data, &l_got), 0);
	assert_int_equal(smb2_error_ctx_next(&r, &ctx), 0);
}

static void test_error_needed(void **state)
{
	struct wr w = wr_arena(&arena, 4096);
	struct smb2_error_resp got;
	struct smb2_error_ctx ctx;
	struct rd r;

	smb2_hdr_encode(&w, &(struct smb2_hdr){ 0 });
	smb2_error_resp_encode_needed(&w, 0, true, 1234);
	assert_int_equal(smb2_error_resp_decode(wr_blob(&w), &got), 0);
	assert_int_equal(got.context_count, 1);
	r = rd_of(got.data);
	assert_int_equal(smb2_error_ctx_next(&r, &ctx), 1);
	assert_int_equal(ctx.data.len, 4);
	w.len = SMB2_HDR_LEN;
	smb2_error_resp_encode_needed(&w, 0, false, 1234);
	assert_int_equal(smb2_error_resp_decode(wr_blob(&w), &got), 0);
	assert_memory_equal(got.data.data, "\xd2\x04\0\0", 4);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_negotiate),    T(test_negotiate_resp), T(test_session_setup),
		T(test_tree_connect), T(test_create),	      T(test_close_flush),
		T(test_read),	      T(test_write),	      T(test_lock),
		T(test_directory),    T(test_info),	      T(test_ioctl),
		T(test_break),	      T(test_error),	      T(test_error_needed),
	};

	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
