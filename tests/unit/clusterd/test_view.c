/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Views and the multicast messages: there and back, and what must be refused. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "clusterd/client/view_pb.h"
#include "clusterd/msg.h"

static struct view *sample(uint32_t n, uint64_t epoch)
{
	struct view *v = view_new(n);
	uint32_t i;

	v->epoch = epoch;
	v->level = 1;
	for (i = 0; i < n; i++) {
		struct view_member *m = &v->members[i];

		m->node_id = 10 * (i + 1);
		m->incarnation = i == 1 ? 0 : 0xf000000000000000u + i;
		m->workers = i;
		m->levels = (struct level_range){ 1 + i, 3 + 2 * i };
		m->state = i % 2 ? VIEW_DRAINING : VIEW_UP;
		m->n_smb_addrs = i % 3;
		snprintf(m->name, sizeof(m->name), "knoten-ä%u", i);
		snprintf(m->rpc_addr, sizeof(m->rpc_addr), "[fd00::%u]:7400", i);
		strcpy(m->smb_addrs[0], i % 3 ? "192.0.2.1:445" : "");
		strcpy(m->smb_addrs[1], i % 3 > 1 ? "[2001:db8::1]:445" : "");
	}
	return v;
}

static void test_find(void **state)
{
	_cleanup_view_ struct view *v = sample(3, 7);

	assert_ptr_equal(view_find(v, 20), &v->members[1]);
	assert_null(view_find(v, 21));
	assert_null(view_find(NULL, 20));
	assert_true(view_has(v, 10, 0xf000000000000000u));
	assert_false(view_has(v, 10, 5));
	assert_false(view_has(v, 20, 0));
	assert_null(view_new(VIEW_MEMBERS_MAX + 1));
}

static void test_round_trip(void **state)
{
	uint32_t n;

	for (n = 0; n <= VIEW_MEMBERS_MAX; n += 16) {
		_cleanup_view_ struct view *v = sample(n, UINT64_MAX), *w = NULL;
		_cleanup_arena_ struct arena a = { 0 };
		struct blob b;

		assert_int_equal(view_encode(v, &a, &b), 0);
		assert_int_equal(view_decode(b, &w), 0);
		assert_true(view_same_members(v, w));
		assert_true(w->epoch == UINT64_MAX);
		assert_int_equal(w->level, 1);
		assert_int_equal(view_level(b), 1);
		if (n) {
			w->members[n - 1].workers++;
			assert_false(view_same_members(v, w));
			w->members[n - 1].workers--;
			w->members[n - 1].levels.max++;
			assert_false(view_same_members(v, w));
		}
	}
}

static int decode_changed(void (*change)(Hfc__View *pb))
{
	_cleanup_view_ struct view *v = sample(3, 7), *w = NULL;
	_cleanup_arena_ struct arena a = { 0 };
	Hfc__View *pb = view_to_pb(v, &a);

	change(pb);
	return view_from_pb(pb, &w);
}

static char long_text[200];

static void newer(Hfc__View *pb) { pb->format = level_row(level_own().max)->cpg + 1; }
static void raised(Hfc__View *pb) { pb->level = level_own().max + 1; }
static void unordered(Hfc__View *pb) { pb->members[1]->node_id = 10; }
static void no_id(Hfc__View *pb) { pb->members[0]->node_id = 0; }
static void long_name(Hfc__View *pb) { pb->members[0]->name = long_text; }
static void long_addr(Hfc__View *pb) { pb->members[1]->smb_addrs[0] = long_text; }
static void bad_state(Hfc__View *pb) { pb->members[0]->state = 9; }
static void many_addrs(Hfc__View *pb) { pb->members[0]->n_smb_addrs = 17; }

static void test_refused(void **state)
{
	memset(long_text, 'x', sizeof(long_text) - 1);
	assert_int_equal(decode_changed(newer), -EPROTONOSUPPORT);
	assert_int_equal(decode_changed(raised), -EPROTONOSUPPORT);
	assert_int_equal(decode_changed(unordered), -EBADMSG);
	assert_int_equal(decode_changed(no_id), -EBADMSG);
	assert_int_equal(decode_changed(long_name), -EBADMSG);
	assert_int_equal(decode_changed(long_addr), -EBADMSG);
	assert_int_equal(decode_changed(bad_state), -EBADMSG);
	assert_int_equal(decode_changed(many_addrs), -EBADMSG);
	{
		struct view *v = NULL;

		assert_int_equal(view_decode(BLOB("\xff\xff\xff", 3), &v), -EBADMSG);
		assert_int_equal(view_decode(BLOB("", 0), &v), -EBADMSG);
	}
}

/* What was stored before there were levels; and a view that only a later release can read: its level can be read. */
static void test_levels(void **state)
{
	_cleanup_view_ struct view *v = sample(3, 7), *w = NULL;
	_cleanup_arena_ struct arena a = { 0 };
	Hfc__View *pb = view_to_pb(v, &a);
	uint8_t bytes[4096];

	pb->level = 0;
	pb->members[2]->level_min = pb->members[2]->level_max = 0;
	assert_int_equal(view_from_pb(pb, &w), 0);
	assert_int_equal(w->level, 0);
	assert_int_equal(w->members[2].levels.min, 1);
	assert_int_equal(w->members[2].levels.max, 1);
	pb->format = 99;
	pb->level = 77;
	assert_int_equal(view_level(BLOB(bytes, hfc__view__pack(pb, bytes))), 77);
	assert_int_equal(view_level(BLOB("\xff", 1)), 0);
}

/* Encodes, decodes, and encodes again: the bytes must be equal. */
static void there_and_back(const struct msg *m)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct blob b, c;
	struct msg w;
	size_t i;

	assert_int_equal(msg_encode(m, 1, &a, &b), 0);
	assert_int_equal(msg_decode(b, &a, &w), 0);
	assert_int_equal(w.type, m->type);
	assert_int_equal(msg_encode(&w, 1, &a, &c), 0);
	assert_true(blob_equal(b, c));
	msg_done(&w);
	for (i = 0; i < b.len; i++)
		if (msg_decode(BLOB(b.data, i), &a, &w) == 0)
			msg_done(&w);
}

static void test_messages(void **state)
{
	_cleanup_view_ struct view *v = sample(5, 3);
	struct msg m = { .type = MSG_SYNC };
	uint32_t i;

	m.sync.config = 0x1234567890abcdefu;
	m.sync.node.member = v->members[2];
	m.sync.node.entered = true;
	m.sync.view = v;
	m.sync.n_condemned = m.sync.n_remaining = VIEW_MEMBERS_MAX;
	for (i = 0; i < VIEW_MEMBERS_MAX; i++) {
		m.sync.condemned[i] = (struct msg_run){ i, i };
		m.sync.remaining[i] = (struct msg_remaining){ i, UINT64_MAX - i };
	}
	there_and_back(&m);
	m = (struct msg){ .type = MSG_NODE, .node = { .member = v->members[4], .unsure = true } };
	there_and_back(&m);
	m = (struct msg){ .type = MSG_REMOVE, .remove = { 5, 2, { { 1, 2 }, { 3, 4 } } } };
	there_and_back(&m);
	m = (struct msg){ .type = MSG_VIEW, .view = v };
	there_and_back(&m);
	m = (struct msg){ .type = MSG_BEAT, .beat = { 1, 2, 3, 2, { { 1, 2, 3 }, { 4, 5, 6 } } } };
	there_and_back(&m);
	m = (struct msg){ .type = MSG_KICK, .kick = 77 };
	there_and_back(&m);
	m = (struct msg){ .type = MSG_ASK, .ask = { 1, 2, 3, 4, 5 } };
	there_and_back(&m);
	m = (struct msg){ .type = MSG_ANSWER, .answer = { 1, 2, 3, 4, BLOB("[]", 2) } };
	there_and_back(&m);
	m = (struct msg){ .type = MSG_RAISE, .raise = { 9, true } };
	there_and_back(&m);
}

/* Of a newer level than is spoken here, and of none. */
static void test_versions(void **state)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct msg m = { .type = MSG_KICK }, w;
	struct blob b;
	uint8_t *p;

	assert_int_equal(msg_encode(&m, 0, &a, &b), 0);
	/* The version is the first field, in one byte. */
	p = (uint8_t *)b.data;
	assert_int_equal(p[0], 1 << 3);
	assert_int_equal(p[1], level_row(0)->cpg);
	p[1] = (uint8_t)(level_row(level_own().max)->cpg + 1);
	assert_int_equal(msg_decode(b, &a, &w), -EPROTONOSUPPORT);
	p[1] = 0;
	assert_int_equal(msg_decode(b, &a, &w), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
