/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Negotiate contexts, create contexts and the buffers of file system controls. */
#include "tests/unit/test.h"

#include "smbd/wire/create_ctx.h"
#include "smbd/wire/fsctl.h"
#include "smbd/wire/negotiate.h"
#include "tests/fuzz/wire_dispatch.h"
#include "tests/unit/arena.h"

#define GUID_A ((struct guid){ "0123456789abcde" })
#define GUID_B ((struct guid){ "fedcba987654321" })
#define ID ((struct smb2_fileid){ 0x1122334455667788, 0x99aabbccddeeff00 })

static struct smb2_neg_ctxs all_neg_ctxs(void)
{
	static uint16_t ids[] = { 1, 2, 3, 4 };
	struct smb2_neg_ctxs c = {
		.has_preauth = true,
		.preauth_hashes = { ids, 1 },
		.preauth_salt = BLOB("0123456789abcdef0123456789abcdef", 32),
		.has_encryption = true,
		.ciphers = { ids, 4 },
		.has_compression = true,
		.compressions = { ids, 3 },
		.compression_flags = 1,
		.has_netname = true,
		.netname = BLOB("s\0r\0v\0", 6),
		.has_transport = true,
		.transport_flags = 1,
		.has_rdma = true,
		.rdma_transforms = { ids, 2 },
		.has_signing = true,
		.signing_algs = { ids, 3 },
	};

	return c;
}

static void test_negotiate_contexts(void **state)
{
	struct wr w = wr_arena(&arena, 4096), again = wr_arena(&arena, 4096);
	struct smb2_neg_ctxs got, c = all_neg_ctxs();
	uint16_t n = smb2_neg_ctxs_encode(&w, &c);
	struct blob b = wr_blob(&w);

	assert_int_equal(n, 7);
	assert_int_equal(smb2_neg_ctxs_decode(&arena, b, n, &got), 0);
	assert_int_equal(got.ciphers.n, 4);
	assert_int_equal(got.compression_flags, 1);
	assert_int_equal(got.transport_flags, 1);
	assert_int_equal(got.rdma_transforms.v[1], 2);
	assert_true(blob_equal(got.netname, c.netname));
	assert_int_equal(smb2_neg_ctxs_encode(&again, &got), n);
	assert_true(blob_equal(b, wr_blob(&again)));
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(smb2_neg_ctxs_decode(&arena, BLOB(b.data, i), n, &got), -EBADMSG);
	/* One more than there are. */
	assert_int_equal(smb2_neg_ctxs_decode(&arena, b, n + 1, &got), -EBADMSG);
}

static void put_ctx(struct wr *w, uint16_t type, const char *data, uint16_t len)
{
	wr_align(w, 8);
	wr_le16(w, type);
	wr_le16(w, len);
	wr_le32(w, 0);
	wr_bytes(w, data, len);
}

static void test_negotiate_context_lies(void **state)
{
	static const struct {
		uint16_t type;
		const char *data;
		uint16_t len;
	} bad[] = {
		{ SMB2_PREAUTH_INTEGRITY_CAPABILITIES, "\0\0\0\0", 4 }, /* no hash */
		{ SMB2_PREAUTH_INTEGRITY_CAPABILITIES, "\1\0\x20\0\1\0x", 7 }, /* salt too long */
		{ SMB2_ENCRYPTION_CAPABILITIES, "\0\0", 2 }, /* no cipher */
		{ SMB2_ENCRYPTION_CAPABILITIES, "\2\0\1\0", 4 }, /* count lies */
		{ SMB2_ENCRYPTION_CAPABILITIES, "\xff\xff\1\0", 4 },
		{ SMB2_COMPRESSION_CAPABILITIES, "\0\0\0\0\0\0\0\0", 8 },
		{ SMB2_SIGNING_CAPABILITIES, "\0\0", 2 },
		{ SMB2_RDMA_TRANSFORM_CAPABILITIES, "\1\0\0\0\0\0\0\0", 8 },
		{ SMB2_TRANSPORT_CAPABILITIES, "\1\0", 2 },
	};
	struct smb2_neg_ctxs got;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct wr w = wr_arena(&arena, 4096);

		put_ctx(&w, bad[i].type, bad[i].data, bad[i].len);
		assert_int_equal(smb2_neg_ctxs_decode(&arena, wr_blob(&w), 1, &got), -EBADMSG);
	}
}

static void test_negotiate_context_twice(void **state)
{
	struct wr w = wr_arena(&arena, 4096);
	struct smb2_neg_ctxs got;

	put_ctx(&w, 0x7777, "unknown", 7);
	put_ctx(&w, SMB2_ENCRYPTION_CAPABILITIES, "\1\0\2\0", 4);
	assert_int_equal(smb2_neg_ctxs_decode(&arena, wr_blob(&w), 2, &got), 0);
	assert_int_equal(got.ciphers.v[0], 2);
	put_ctx(&w, SMB2_ENCRYPTION_CAPABILITIES, "\1\0\2\0", 4);
	assert_int_equal(smb2_neg_ctxs_decode(&arena, wr_blob(&w), 3, &got), -EBADMSG);
}

static struct smb2_create_ctxs_req all_create_ctxs(void)
{
	struct smb2_create_ctxs_req c = {
		.present = SMB2_CTX_EXTA | SMB2_CTX_SECD | SMB2_CTX_DHNQ | SMB2_CTX_DHNC |
			   SMB2_CTX_ALSI | SMB2_CTX_MXAC | SMB2_CTX_TWRP | SMB2_CTX_QFID |
			   SMB2_CTX_RQLS | SMB2_CTX_DH2Q | SMB2_CTX_DH2C | SMB2_CTX_APP_ID |
			   SMB2_CTX_APP_VERSION | SMB2_CTX_POSIX,
		.exta = BLOB("ea bytes", 8),
		.secd = BLOB("not a descriptor", 16),
		.dhnc = ID,
		.allocation_size = 1 << 30,
		.mxac_time = 5,
		.twrp = 6,
		.lease = { 2, GUID_A, 7, SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET, GUID_B, 9 },
		.dh2q = { 60000, SMB2_DHANDLE_FLAG_PERSISTENT, GUID_A },
		.dh2c = { ID, GUID_B, SMB2_DHANDLE_FLAG_PERSISTENT },
		.app_instance_id = GUID_A,
		.app_version_high = 1,
		.app_version_low = 2,
		.posix_mode = 0644,
	};

	return c;
}

static void sweep_list(struct blob list)
{
	uint8_t *copy = malloc(list.len);

	assert_non_null(copy);
	memcpy(copy, list.data, list.len);
	for (size_t at = 0; at < list.len; at++) {
		static const uint8_t values[] = { 0, 1, 8, 0x10, 0x7f, 0xf8, 0xff };

		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			copy[at] = values[i];
			(void)wire_dispatch_create_ctxs(&arena, BLOB(copy, list.len));
		}
		copy[at] = list.data[at];
	}
	free(copy);
	for (size_t n = 0; n < list.len; n++) {
		copy = malloc(n ? n : 1);
		assert_non_null(copy);
		memcpy(copy, list.data, n);
		(void)wire_dispatch_create_ctxs(&arena, BLOB(copy, n));
		free(copy);
	}
}

static void test_create_contexts(void **state)
{
	struct smb2_create_ctxs_req got, c = all_create_ctxs();
	struct wr w = wr_arena(&arena, 4096), again = wr_arena(&arena, 4096);

	smb2_create_ctxs_req_encode(&w, &c);
	assert_int_equal(smb2_create_ctxs_req_decode(wr_blob(&w), &got), 0);
	assert_int_equal(got.present, c.present);
	assert_int_equal(got.lease.version, 2);
	assert_int_equal(got.lease.epoch, 9);
	assert_true(guid_equal(&got.lease.parent_key, &c.lease.parent_key));
	assert_true(guid_equal(&got.dh2c.create_guid, &c.dh2c.create_guid));
	assert_int_equal(got.dh2q.timeout, 60000);
	assert_int_equal(got.app_version_low, 2);
	assert_int_equal(got.posix_mode, 0644);
	assert_true(blob_equal(got.secd, c.secd));
	smb2_create_ctxs_req_encode(&again, &got);
	assert_true(blob_equal(wr_blob(&w), wr_blob(&again)));
	sweep_list(wr_blob(&w));
	/* Every prefix that cuts a context fails. */
	for (size_t n = 1; n < w.len; n++)
		assert_int_equal(smb2_create_ctxs_req_decode(BLOB(w.base, n), &got), -EBADMSG);
	assert_int_equal(smb2_create_ctxs_req_decode(BLOB(NULL, 0), &got), 0);
	assert_int_equal(got.present, 0);
}

static void test_create_contexts_resp(void **state)
{
	struct smb2_create_ctxs_resp got, c = {
		.present = SMB2_CTX_DHNQ | SMB2_CTX_MXAC | SMB2_CTX_QFID | SMB2_CTX_RQLS |
			   SMB2_CTX_DH2Q,
		.mxac = { NT_STATUS_OK, 0x1f01ff },
		.qfid = "0123456789abcdef0123456789abcde",
		.lease = { .version = 1, .key = GUID_A, .state = 3 },
		.dh2q = { 30000, SMB2_DHANDLE_FLAG_PERSISTENT },
	};
	struct wr w = wr_arena(&arena, 4096);

	smb2_create_ctxs_resp_encode(&w, &c);
	assert_int_equal(smb2_create_ctxs_resp_decode(wr_blob(&w), &got), 0);
	assert_int_equal(got.present, c.present);
	assert_int_equal(got.mxac.access, 0x1f01ff);
	assert_int_equal(got.lease.version, 1);
	assert_int_equal(got.dh2q.timeout, 30000);
	assert_memory_equal(got.qfid, c.qfid, 32);
	sweep_list(wr_blob(&w));
	for (size_t n = 1; n < w.len; n++)
		assert_int_equal(smb2_create_ctxs_resp_decode(BLOB(w.base, n), &got), -EBADMSG);
}

/* One MxAc context of 2.2.13.2 by hand, and lies about each of its fields. */
static void test_create_context_lies(void **state)
{
	static const uint8_t good[32] = {
		0,   0,	  0,   0,   16, 0, 4, 0, 0, 0, 24, 0, 8, 0, 0, 0,
		'M', 'x', 'A', 'c', 0,	0, 0, 0, 5, 0, 0,  0, 0, 0, 0, 0,
	};
	static const struct {
		uint8_t at, value;
	} lies[] = {
		{ 0, 7 },  { 0, 8 },   { 0, 32 },    { 0, 40 }, { 3, 0x80 }, /* Next */
		{ 4, 15 }, { 4, 30 },  { 5, 1 }, /* NameOffset */
		{ 6, 0 },  { 6, 17 },  { 7, 1 }, /* NameLength */
		{ 10, 8 }, { 10, 25 }, { 11, 1 }, /* DataOffset */
		{ 12, 7 }, { 12, 9 },  { 15, 0xff }, /* DataLength */
	};
	struct smb2_create_ctxs_req got;

	assert_int_equal(smb2_create_ctxs_req_decode(BLOB(good, 32), &got), 0);
	assert_int_equal(got.present, SMB2_CTX_MXAC);
	assert_int_equal(got.mxac_time, 5);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		uint8_t b[32];

		memcpy(b, good, 32);
		b[lies[i].at] = lies[i].value;
		assert_int_equal(smb2_create_ctxs_req_decode(BLOB(b, 32), &got), -EBADMSG);
	}
}

static void test_create_context_order(void **state)
{
	struct wr w = wr_arena(&arena, 4096);
	struct smb2_create_ctx_writer cw = smb2_create_ctx_writer(&w);
	struct smb2_create_ctxs_req got;

	smb2_create_ctx_put(&cw, BLOB("UnKn", 4), BLOB("anything", 8));
	smb2_create_ctx_put(&cw, BLOB("AlSi", 4), BLOB("\1\0\0\0\0\0\0\0", 8));
	smb2_create_ctx_put(&cw, BLOB("AlSi", 4), BLOB("\2\0\0\0\0\0\0\0", 8));
	smb2_create_ctx_put(&cw, BLOB("QFid", 4), BLOB(NULL, 0));
	assert_int_equal(smb2_create_ctxs_req_decode(wr_blob(&w), &got), 0);
	assert_int_equal(got.present, SMB2_CTX_ALSI | SMB2_CTX_QFID);
	assert_int_equal(got.allocation_size, 1);
	/* A lease of neither length. */
	smb2_create_ctx_put(&cw, BLOB("RqLs", 4), BLOB(w.base, 40));
	assert_int_equal(smb2_create_ctxs_req_decode(wr_blob(&w), &got), -EBADMSG);
}

static void test_fsctl_negotiate(void **state)
{
	uint16_t ids[] = { 0x0202, 0x0311 };
	struct fsctl_validate_negotiate_req q_got, q = { 0x7f, GUID_A, 1, { ids, 2 } };
	struct fsctl_validate_negotiate_resp p_got, p = { 0x2f, GUID_B, 3, 0x0302 };
	struct wr w = wr_arena(&arena, 4096);

	fsctl_validate_negotiate_req_encode(&w, &q);
	assert_int_equal(w.len, 28);
	assert_int_equal(fsctl_validate_negotiate_req_decode(&arena, wr_blob(&w), &q_got), 0);
	assert_int_equal(q_got.dialects.v[1], 0x0311);
	for (size_t n = 0; n < 28; n++)
		assert_int_equal(
			fsctl_validate_negotiate_req_decode(&arena, BLOB(w.base, n), &q_got),
			-EBADMSG);
	w.len = 0;
	fsctl_validate_negotiate_resp_encode(&w, &p);
	assert_int_equal(w.len, 24);
	assert_int_equal(fsctl_validate_negotiate_resp_decode(wr_blob(&w), &p_got), 0);
	assert_memory_equal(&p, &p_got, sizeof(p));
}

static void test_fsctl_interfaces(void **state)
{
	struct fsctl_netif got, v[2] = {
		{ 1, SMB2_IF_RSS_CAPABLE, 1000000000, false, { 127, 0, 0, 1 } },
		{ 2, 0, 2000000000, true, { 0xfe, 0x80, 15 } },
	};
	struct wr w = wr_arena(&arena, 4096);
	struct rd r;

	fsctl_netif_encode(&w, v, 2);
	assert_int_equal(w.len, 2 * 152);
	r = rd_of(wr_blob(&w));
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(fsctl_netif_next(&r, &got), 1);
		assert_int_equal(got.if_index, v[i].if_index);
		assert_int_equal(got.ipv6, v[i].ipv6);
		assert_memory_equal(got.addr, v[i].addr, 16);
	}
	assert_int_equal(fsctl_netif_next(&r, &got), 0);
	w.base[24] = 0x01; /* AF_UNIX */
	r = rd_of(wr_blob(&w));
	assert_int_equal(fsctl_netif_next(&r, &got), -EBADMSG);
}

static void test_fsctl_ranges(void **state)
{
	struct fsctl_range got, v = { 4096, 8192 };
	struct wr w = wr_arena(&arena, 4096);
	bool sparse = false;

	fsctl_set_zero_data_encode(&w, v);
	assert_int_equal(fsctl_set_zero_data_decode(wr_blob(&w), &got), 0);
	assert_int_equal(got.length, 8192);
	w.base[9] = 0; /* the end is before the start */
	w.base[8] = 1;
	assert_int_equal(fsctl_set_zero_data_decode(wr_blob(&w), &got), -EBADMSG);
	w.len = 0;
	fsctl_allocated_range_encode(&w, v);
	assert_int_equal(fsctl_allocated_ranges_req_decode(wr_blob(&w), &got), 0);
	memset(w.base, 0xff, 7);
	w.base[7] = 0x7f;
	assert_int_equal(fsctl_allocated_ranges_req_decode(wr_blob(&w), &got), -EBADMSG);
	assert_int_equal(fsctl_set_sparse_decode(BLOB(NULL, 0), &sparse), 0);
	assert_true(sparse);
	assert_int_equal(fsctl_set_sparse_decode(BLOB("\0", 1), &sparse), 0);
	assert_false(sparse);
}

static void test_fsctl_others(void **state)
{
	struct fsctl_copychunk chunks[2] = { { 0, 10, 20 }, { 30, 40, 50 } };
	struct fsctl_copychunk_req c_got, c = { "key", chunks, 2 };
	struct fsctl_copychunk_resp p_got, p = { 1, 2, 3 };
	struct fsctl_pipe_wait w_got, pw = { true, 77, BLOB("s\0r\0", 4) };
	uint8_t key[FSCTL_RESUME_KEY_LEN] = "resume", key_got[FSCTL_RESUME_KEY_LEN];
	struct wr w = wr_arena(&arena, 4096);
	uint32_t timeout;

	fsctl_copychunk_req_encode(&w, &c);
	assert_int_equal(fsctl_copychunk_req_decode(&arena, wr_blob(&w), &c_got), 0);
	assert_int_equal(c_got.chunks[1].length, 50);
	w.base[FSCTL_RESUME_KEY_LEN] = 3;
	assert_int_equal(fsctl_copychunk_req_decode(&arena, wr_blob(&w), &c_got), -EBADMSG);
	w.len = 0;
	fsctl_copychunk_resp_encode(&w, &p);
	assert_int_equal(fsctl_copychunk_resp_decode(wr_blob(&w), &p_got), 0);
	assert_memory_equal(&p, &p_got, sizeof(p));
	w.len = 0;
	fsctl_pipe_wait_encode(&w, &pw);
	assert_int_equal(fsctl_pipe_wait_decode(wr_blob(&w), &w_got), 0);
	assert_true(blob_equal(w_got.name, pw.name));
	assert_int_equal(fsctl_pipe_wait_decode(BLOB(w.base, w.len - 1), &w_got), -EBADMSG);
	w.len = 0;
	fsctl_resume_key_encode(&w, key);
	assert_int_equal(fsctl_resume_key_decode(wr_blob(&w), key_got), 0);
	assert_memory_equal(key, key_got, sizeof(key));
	w.len = 0;
	fsctl_resiliency_encode(&w, 120000);
	assert_int_equal(fsctl_resiliency_decode(wr_blob(&w), &timeout), 0);
	assert_int_equal(timeout, 120000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_negotiate_contexts),
		T(test_negotiate_context_lies),
		T(test_negotiate_context_twice),
		T(test_create_contexts),
		T(test_create_contexts_resp),
		T(test_create_context_lies),
		T(test_create_context_order),
		T(test_fsctl_negotiate),
		T(test_fsctl_interfaces),
		T(test_fsctl_ranges),
		T(test_fsctl_others),
	};

	return cmocka_run_group_tests_name("contexts", tests, NULL, NULL);
}
