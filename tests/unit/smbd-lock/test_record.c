/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records and messages: what is written is read back; what is damaged or too new is refused. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "node/base/random.h"
#include "smbd/lock/msg.h"
#include "statestore/record.pb-c.h"

static struct rec_open full(void)
{
	struct rec_open r = { .id = 0x123456789abc0042ULL,
			      .key = { .inode = 77, .generation = 3 },
			      .directory = true,
			      .has_create_guid = true,
			      .has_app_id = true,
			      .has_app_version = true,
			      .app_version_high = 5,
			      .app_version_low = 6,
			      .has_owner = true,
			      .access = 0x12019f,
			      .share = 7,
			      .options = 0x40,
			      .action = 2,
			      .allocated = 4096,
			      .persistent = true,
			      .durable = true,
			      .durable_v2 = true,
			      .timeout_ms = 60000,
			      .handle_len = 20,
			      .opened_at = 1234567,
			      .version = 9,
			      .delete_on_close = true,
			      .delete_pending = true,
			      .file_version = 4,
			      .consumed = true,
			      .phase = REC_DELETING,
			      .unlock_req = 12,
			      .unlock_outcome = 3,
			      .home_node = 2,
			      .home_worker = 1,
			      .home_incarnation = 99,
			      .open_req = 55,
			      .session_id = 0x99,
			      .client = "[2001:db8::7]:50000",
			      .volatile_id = 0x98,
			      .disconnected = true,
			      .deadline = 123456789 };

	r.key.volume = guid_random();
	r.client_guid = guid_random();
	r.create_guid = guid_random();
	r.app_id = guid_random();
	random_bytes(r.handle, 20);
	assert_int_equal(sid_parse("S-1-5-21-1-2-3-1001", &r.owner), 0);
	assert_int_equal(rec_set_str(&r.path, "dir/b\xc3\xa4r"), 0);
	assert_int_equal(rec_set_str(&r.share_name, "data"), 0);
	assert_int_equal(rec_set_str(&r.user, "DOM\\user"), 0);
	r.lease = (struct rec_lease){ .present = true,
				      .key = guid_random(),
				      .parent_key = guid_random(),
				      .has_parent = true,
				      .state = 7,
				      .breaking = true,
					.breaking_to = 1,
					.change = 12,
					.ack_req = 13,
				      .epoch = 3,
				      .version = 2 };
	r.locks = calloc(2, sizeof(*r.locks));
	r.locks[0] = (struct rec_lock){ .offset = 5, .length = 6, .req = 7, .exclusive = true };
	r.locks[1] = (struct rec_lock){ .offset = UINT64_MAX, .length = 1, .req = 8 };
	r.n_locks = 2;
	r.lock_seq[0] = 1;
	r.lock_seq[63] = 16;
	return r;
}

static void assert_same(const struct rec_open *a, const struct rec_open *b)
{
	struct rec_open x = *a, y = *b;

	assert_string_equal(a->path, b->path);
	assert_string_equal(a->share_name, b->share_name);
	assert_string_equal(a->user, b->user);
	assert_true(sid_equal(&a->owner, &b->owner));
	assert_int_equal(a->n_locks, b->n_locks);
	for (uint32_t i = 0; i < a->n_locks; i++) {
		assert_true(a->locks[i].offset == b->locks[i].offset &&
			    a->locks[i].length == b->locks[i].length &&
			    a->locks[i].req == b->locks[i].req &&
			    a->locks[i].exclusive == b->locks[i].exclusive);
	}
	assert_memory_equal(a->handle, b->handle, REC_HANDLE_MAX);
	assert_memory_equal(a->lock_seq, b->lock_seq, REC_LOCK_SEQS);
	assert_true(x.id == y.id && file_key_equal(&x.key, &y.key) && x.access == y.access &&
		    x.share == y.share && x.options == y.options && x.action == y.action && x.allocated == y.allocated && x.timeout_ms == y.timeout_ms &&
		    x.opened_at == y.opened_at && x.version == y.version &&
		    x.file_version == y.file_version && x.phase == y.phase &&
		    x.unlock_req == y.unlock_req && x.unlock_outcome == y.unlock_outcome &&
		    x.home_node == y.home_node && x.home_worker == y.home_worker &&
		    x.home_incarnation == y.home_incarnation && x.open_req == y.open_req &&
		    x.session_id == y.session_id && strcmp(x.client, y.client) == 0 && x.volatile_id == y.volatile_id &&
		    x.deadline == y.deadline);
	assert_true(x.directory == y.directory && x.persistent == y.persistent &&
		    x.durable == y.durable && x.durable_v2 == y.durable_v2 &&
		    x.delete_on_close == y.delete_on_close &&
		    x.delete_pending == y.delete_pending && x.consumed == y.consumed &&
		    x.disconnected == y.disconnected && x.has_app_version == y.has_app_version &&
		    x.app_version_high == y.app_version_high &&
		    x.app_version_low == y.app_version_low);
	assert_true(guid_equal(&x.client_guid, &y.client_guid) &&
		    guid_equal(&x.create_guid, &y.create_guid) &&
		    guid_equal(&x.app_id, &y.app_id) && x.has_create_guid == y.has_create_guid &&
		    x.has_app_id == y.has_app_id);
	assert_true(x.lease.present == y.lease.present && guid_equal(&x.lease.key, &y.lease.key) &&
		    guid_equal(&x.lease.parent_key, &y.lease.parent_key) &&
		    x.lease.state == y.lease.state && x.lease.breaking_to == y.lease.breaking_to &&
		    x.lease.epoch == y.lease.epoch && x.lease.version == y.lease.version &&
		    x.lease.breaking == y.lease.breaking && x.lease.change == y.lease.change &&
		    x.lease.ack_req == y.lease.ack_req);
}

static void test_roundtrip(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rec_open r = full(), d, c;
	struct blob b;

	arena_init(&a, 0);
	assert_int_equal(rec_open_encode(&r, level_own().max, &a, &b), 0);
	assert_int_equal(rec_open_decode(b, &d), 0);
	assert_same(&r, &d);
	assert_int_equal(rec_open_copy(&d, &c), 0);
	assert_same(&r, &c);
	rec_open_done(&r);
	rec_open_done(&d);
	rec_open_done(&c);
}

/* A cluster of the first level hears nothing of leases. */
static void test_before_leases(void **state)
{
	struct lk_msg m = { .kind = LKM_REPLY,
			    .from = { .incarnation = 1 },
			    .flags = LKF_PERMIT | LKF_WRITE_PERMIT | LKF_LEASE,
			    .lease = { .present = true, .version = 2, .state = 7 } },
		      n;
	_cleanup_arena_ struct arena a = { 0 };
	struct rec_open r = full(), d;
	struct blob b;

	arena_init(&a, 0);
	assert_int_equal(rec_open_encode(&r, 1, &a, &b), 0);
	assert_int_equal(rec_open_decode(b, &d), 0);
	assert_false(d.lease.present);
	assert_true(d.action == 0 && d.allocated == 0);
	assert_int_equal(msg_encode(&m, 1, &a, &b), 0);
	assert_int_equal(msg_decode(b, &n), 0);
	assert_int_equal(n.flags, LKF_PERMIT);
	assert_false(n.lease.present);
	msg_done(&n);
	assert_int_equal(msg_encode(&m, LEVEL_LEASES, &a, &b), 0);
	assert_int_equal(msg_decode(b, &n), 0);
	assert_int_equal(n.flags, m.flags);
	assert_int_equal(n.lease.state, 7);
	msg_done(&n);
	rec_open_done(&r);
	rec_open_done(&d);
}

static void test_empty(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rec_open r = { .id = 1 }, d;
	struct blob b;

	arena_init(&a, 0);
	assert_int_equal(rec_open_encode(&r, level_own().max, &a, &b), 0);
	assert_int_equal(rec_open_decode(b, &d), 0);
	assert_null(d.path);
	assert_false(d.has_owner || d.has_create_guid || d.has_app_id || d.lease.present);
	rec_open_done(&d);
}

/* A record of a newer release is named as that; damage is damage; nothing is guessed. */
static void test_refused(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct rec_open r = full(), d;
	HfRec__Open *m;
	struct blob b;
	uint8_t *p;
	size_t n;

	arena_init(&a, 0);
	assert_int_equal(rec_open_encode(&r, level_own().max, &a, &b), 0);
	m = hf_rec__open__unpack(NULL, b.len, b.data);
	m->version = level_row(level_own().max)->record + 1;
	p = arena_alloc(&a, b.len + 16);
	n = hf_rec__open__pack(m, p);
	assert_int_equal(rec_open_decode(BLOB(p, n), &d), -EPROTONOSUPPORT);
	m->version = level_row(0)->record;
	m->flags = 1u << 20;
	n = hf_rec__open__pack(m, p);
	assert_int_equal(rec_open_decode(BLOB(p, n), &d), -EBADMSG);
	m->flags = 0;
	m->locks[0]->offset = UINT64_MAX;
	n = hf_rec__open__pack(m, p);
	assert_int_equal(rec_open_decode(BLOB(p, n), &d), -EBADMSG);
	hf_rec__open__free_unpacked(m, NULL);
	assert_int_equal(rec_open_decode(BLOB("", 0), &d), -EBADMSG);
	assert_int_equal(rec_open_decode(BLOB(b.data, b.len - 1), &d), -EBADMSG);
	r.handle_len = REC_HANDLE_MAX + 1;
	assert_int_equal(rec_open_encode(&r, 0, &a, &b), -EMSGSIZE);
	rec_open_done(&r);
}

static void test_key(void **state)
{
	uint8_t k[REC_OPEN_KEY_SIZE];
	uint64_t id;

	rec_open_key(0x0102030405060708ULL, k);
	assert_memory_equal(k, "o\1\2\3\4\5\6\7\10", 9);
	assert_int_equal(rec_open_key_parse(BLOB(k, 9), &id), 0);
	assert_true(id == 0x0102030405060708ULL);
	assert_int_equal(rec_open_key_parse(BLOB(k, 8), &id), -EBADMSG);
	k[0] = 'x';
	assert_int_equal(rec_open_key_parse(BLOB(k, 9), &id), -EBADMSG);
}

static void test_msg(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct lk_msg m = { .kind = LKM_LOCK,
			    .flags = LKF_HAS_REC | LKF_WAIT,
			    .req = 5,
			    .epoch = 6,
			    .slot = 7,
			    .id = 8,
			    .from = { .node = 1, .worker = 2, .incarnation = 3 },
			    .n_ranges = 2,
			    .seq = { .index = 64, .number = 15 },
			    .outcome = -ENOSPC,
			    .target = 44 },
		      d;
	struct blob b;

	arena_init(&a, 0);
	m.rec = full();
	m.ranges[1] = (struct lk_range){ .offset = 1, .length = 2, .exclusive = true };
	m.path = strdup("a/b");
	assert_int_equal(msg_encode(&m, level_own().max, &a, &b), 0);
	assert_int_equal(msg_decode(b, &d), 0);
	assert_same(&m.rec, &d.rec);
	assert_string_equal(d.path, "a/b");
	assert_true(place_equal(&m.from, &d.from) && d.outcome == -ENOSPC && d.n_ranges == 2 &&
		    d.ranges[1].exclusive && d.seq.index == 64 && d.seq.number == 15 &&
		    d.target == 44 && d.epoch == 6);
	msg_done(&d);
	m.n_ranges = 0;
	assert_int_equal(msg_encode(&m, level_own().max, &a, &b), 0);
	assert_int_equal(msg_decode(b, &d), -EBADMSG); /* a lock of nothing */
	m.kind = LKM_KINDS;
	assert_int_equal(msg_encode(&m, level_own().max, &a, &b), 0);
	assert_int_equal(msg_decode(b, &d), -EBADMSG);
	msg_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip), cmocka_unit_test(test_before_leases), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_key),
		cmocka_unit_test(test_msg),
	};

	return cmocka_run_group_tests_name("lock records", tests, NULL, NULL);
}
