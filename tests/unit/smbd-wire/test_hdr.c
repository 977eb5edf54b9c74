/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames, headers, compound chains, transform headers, the SMB1 negotiate, and statuses. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "smbd/wire/empty.h"
#include "smbd/wire/hdr.h"

static void test_frame(void **state)
{
	uint8_t f[4];
	uint32_t len = 99;

	smb2_frame_encode(f, 0x123456);
	assert_memory_equal(f, "\0\x12\x34\x56", 4);
	assert_int_equal(smb2_frame_decode(f, &len), 0);
	assert_int_equal(len, 0x123456);
	assert_int_equal(smb2_frame_decode((const uint8_t *)"\x85\0\0\0", &len), 1);
	assert_int_equal(len, 0);
	assert_int_equal(smb2_frame_decode((const uint8_t *)"\x81\0\0\x48", &len), -EBADMSG);
}

static void test_kind(void **state)
{
	assert_int_equal(smb2_kind_of(BLOB("\xffSMB", 4)), SMB2_KIND_SMB1);
	assert_int_equal(smb2_kind_of(BLOB("\xfeSMB", 4)), SMB2_KIND_SMB2);
	assert_int_equal(smb2_kind_of(BLOB("\xfdSMB", 4)), SMB2_KIND_TRANSFORM);
	assert_int_equal(smb2_kind_of(BLOB("\xfcSMB", 4)), SMB2_KIND_COMPRESSED);
	assert_int_equal(smb2_kind_of(BLOB("\xfeSM", 3)), SMB2_KIND_UNKNOWN);
	assert_int_equal(smb2_kind_of(BLOB("GET ", 4)), SMB2_KIND_UNKNOWN);
}

/* The sync request header of 2.2.1.2, written by hand. */
static const uint8_t sample_hdr[64] = {
	0xfe, 'S',  'M', 'B', 64, 0, 2, 0, 0x07, 0,    0,    0,	   5,  0,  31, 0,
	4,    0,    0,	 0,   0,  0, 0, 0, 0x11, 0x22, 0,    0,	   0,  0,  0,  0,
	0xff, 0xfe, 0,	 0,   9,  0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0,  0,  0,  0x10,
	1,    2,    3,	 4,   5,  6, 7, 8, 9,	 10,   11,   12,   13, 14, 15, 16,
};

static void test_header(void **state)
{
	uint8_t out[64];
	struct wr w = wr_fixed(out, sizeof(out));
	struct smb2_hdr h;

	assert_int_equal(smb2_hdr_decode(BLOB(sample_hdr, 64), &h), 0);
	assert_int_equal(h.credit_charge, 2);
	assert_int_equal(h.channel_sequence, 7);
	assert_int_equal(h.command, SMB2_CREATE);
	assert_int_equal(h.credits, 31);
	assert_int_equal(h.flags, SMB2_FLAGS_RELATED_OPERATIONS);
	assert_int_equal(h.message_id, 0x2211);
	assert_int_equal(h.process_id, 0xfeff);
	assert_int_equal(h.tree_id, 9);
	assert_true(h.session_id == 0x10000000ddccbbaaULL);
	assert_int_equal(h.signature[15], 16);
	smb2_hdr_encode(&w, &h);
	assert_memory_equal(out, sample_hdr, 64);
	for (size_t n = 0; n < 64; n++)
		assert_int_equal(smb2_hdr_decode(BLOB(sample_hdr, n), &h), -EBADMSG);
}

static void test_async_header(void **state)
{
	struct smb2_hdr h, v = {
		.command = SMB2_CHANGE_NOTIFY,
		.flags = SMB2_FLAGS_SERVER_TO_REDIR | SMB2_FLAGS_ASYNC_COMMAND,
		.status = NT_STATUS_PENDING,
		.async_id = 0x0102030405060708,
	};
	uint8_t out[64];
	struct wr w = wr_fixed(out, sizeof(out));

	smb2_hdr_encode(&w, &v);
	assert_int_equal(smb2_hdr_decode(wr_blob(&w), &h), 0);
	assert_true(h.async_id == v.async_id);
	assert_int_equal(h.tree_id, 0);
	assert_int_equal(h.status.v, NTSTATUS_PENDING);
	assert_int_equal(h.channel_sequence, 0);
	out[4] = 63; /* StructureSize */
	assert_int_equal(smb2_hdr_decode(wr_blob(&w), &h), -EBADMSG);
}

static void put_echo(struct wr *w, uint64_t mid, bool more)
{
	struct smb2_hdr h = { .command = SMB2_ECHO, .message_id = mid };
	size_t mark = smb2_hdr_encode(w, &h);

	smb2_empty_encode(w);
	if (more)
		smb2_compound_link(w, mark);
}

static void test_compound(void **state)
{
	uint8_t buf[256];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct blob msg;
	struct smb2_hdr h;
	struct rd r;

	put_echo(&w, 1, true);
	put_echo(&w, 2, true);
	put_echo(&w, 3, false);
	assert_int_equal(w.len, 72 + 72 + 68);
	r = rd_of(wr_blob(&w));
	for (uint64_t mid = 1; mid <= 3; mid++) {
		assert_int_equal(smb2_compound_next(&r, &msg), 1);
		assert_int_equal(smb2_hdr_decode(msg, &h), 0);
		assert_int_equal(h.message_id, mid);
	}
	assert_int_equal(msg.len, 68);
	assert_int_equal(smb2_compound_next(&r, &msg), 0);
}

/* NextCommand: not a multiple of 8, inside the header, past the end, at the end; and a last element
 * cut short. */
static void test_compound_lies(void **state)
{
	static const uint8_t nexts[] = { 73, 56, 8, 200, 140 };
	uint8_t buf[256];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct blob msg;
	struct rd r;

	put_echo(&w, 1, true);
	put_echo(&w, 2, false);
	for (size_t i = 0; i < ARRAY_SIZE(nexts); i++) {
		buf[SMB2_HDR_OFF_NEXT] = nexts[i];
		r = rd_of(wr_blob(&w));
		assert_int_equal(smb2_compound_next(&r, &msg), -EBADMSG);
		assert_int_equal(smb2_compound_next(&r, &msg), -EBADMSG);
	}
	buf[SMB2_HDR_OFF_NEXT] = 72;
	r = rd_init(buf, 72 + 63);
	assert_int_equal(smb2_compound_next(&r, &msg), 1);
	assert_int_equal(smb2_compound_next(&r, &msg), -EBADMSG);
}

static void test_transform(void **state)
{
	struct smb2_transform got,
		t = { "signature", "nonce", 5, SMB2_TRANSFORM_FLAG_ENCRYPTED, 77 };
	uint8_t buf[SMB2_TRANSFORM_LEN + 5];
	struct blob cipher;

	smb2_transform_encode(buf, &t);
	memcpy(buf + SMB2_TRANSFORM_LEN, "12345", 5);
	assert_int_equal(smb2_transform_decode(BLOB(buf, sizeof(buf)), &got, &cipher), 0);
	assert_memory_equal(got.signature, t.signature, 16);
	assert_memory_equal(got.nonce, t.nonce, 16);
	assert_int_equal(got.session_id, 77);
	assert_int_equal(got.flags, SMB2_TRANSFORM_FLAG_ENCRYPTED);
	assert_int_equal(cipher.len, 5);
	assert_memory_equal(buf + SMB2_TRANSFORM_AAD_OFF, "nonce", 5);
	for (size_t n = 0; n < sizeof(buf); n++)
		assert_int_equal(smb2_transform_decode(BLOB(buf, n), &got, &cipher), -EBADMSG);
	buf[36]++; /* OriginalMessageSize */
	assert_int_equal(smb2_transform_decode(BLOB(buf, sizeof(buf)), &got, &cipher), -EBADMSG);
}

static void test_compression(void **state)
{
	struct smb2_compression got, c = { 4096, SMB2_COMPRESSION_LZ77, 0, 3 };
	uint8_t buf[32];
	struct wr w = wr_fixed(buf, sizeof(buf));
	struct blob rest;

	smb2_compression_encode(&w, &c);
	assert_int_equal(w.len, SMB2_COMPRESSION_LEN);
	wr_bytes(&w, "abcde", 5);
	assert_int_equal(smb2_compression_decode(wr_blob(&w), &got, &rest), 0);
	assert_int_equal(got.offset, 3);
	assert_int_equal(rest.len, 5);
	buf[12] = 6; /* more bytes in front of the payload than there are */
	assert_int_equal(smb2_compression_decode(wr_blob(&w), &got, &rest), -EBADMSG);
}

static void test_smb1(void **state)
{
	struct smb1_negotiate got, n = { .smb2_002 = true, .smb2_wild = true, .pid = 3, .mid = 4 };
	uint8_t buf[128];
	struct wr w = wr_fixed(buf, sizeof(buf));

	smb1_negotiate_encode(&w, &n);
	assert_int_equal(smb1_negotiate_decode(wr_blob(&w), &got), 0);
	assert_true(got.smb2_002 && got.smb2_wild);
	assert_int_equal(got.n_dialects, 3);
	assert_int_equal(got.pid, 3);
	for (size_t i = 0; i < w.len; i++)
		assert_int_equal(smb1_negotiate_decode(BLOB(buf, i), &got), -EBADMSG);
	buf[4] = 0x73; /* another command */
	assert_int_equal(smb1_negotiate_decode(wr_blob(&w), &got), -EBADMSG);
	buf[4] = 0x72;
	buf[w.len - 1] = 'x'; /* the last dialect does not end */
	assert_int_equal(smb1_negotiate_decode(wr_blob(&w), &got), -EBADMSG);
}

static void test_status(void **state)
{
	struct ntstatus s;
	char buf[11];

	assert_string_equal(ntstatus_name(NT_STATUS_ACCESS_DENIED), "STATUS_ACCESS_DENIED");
	assert_null(ntstatus_name((struct ntstatus){ 0xc0001234 }));
	assert_string_equal(ntstatus_str((struct ntstatus){ 0xc0001234 }, buf), "0xC0001234");
	assert_int_equal(ntstatus_parse("NT_STATUS_FILE_CLOSED", &s), 0);
	assert_int_equal(s.v, 0xc0000128);
	assert_int_equal(ntstatus_parse("status_pending", &s), 0);
	assert_int_equal(s.v, 0x103);
	assert_int_equal(ntstatus_parse("OK", &s), 0);
	assert_true(ntstatus_is_ok(s));
	assert_int_equal(ntstatus_parse("NO_SUCH_STATUS", &s), -ENOENT);
	assert_true(ntstatus_is_error(NT_STATUS_FILE_NOT_AVAILABLE));
	assert_false(ntstatus_is_error(NT_STATUS_BUFFER_OVERFLOW));
	assert_true(ntstatus_eq(ntstatus_from_errno(-ENOENT), NT_STATUS_OBJECT_NAME_NOT_FOUND));
	assert_true(ntstatus_eq(ntstatus_from_errno(0), NT_STATUS_OK));
	assert_true(ntstatus_eq(ntstatus_from_errno(-EBADMSG), NT_STATUS_INVALID_PARAMETER));
	assert_true(ntstatus_eq(ntstatus_from_errno(-ENOSPC), NT_STATUS_DISK_FULL));
	assert_true(ntstatus_eq(ntstatus_from_errno(-9999), NT_STATUS_UNSUCCESSFUL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame),	  cmocka_unit_test(test_kind),
		cmocka_unit_test(test_header),	  cmocka_unit_test(test_async_header),
		cmocka_unit_test(test_compound),  cmocka_unit_test(test_compound_lies),
		cmocka_unit_test(test_transform), cmocka_unit_test(test_compression),
		cmocka_unit_test(test_smb1),	  cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests_name("hdr", tests, NULL, NULL);
}
