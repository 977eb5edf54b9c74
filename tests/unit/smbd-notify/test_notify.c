/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches on any node, changes on any other: what is told, to whom, and what is not sent. */
#include "tests/unit/smbd-notify/nodes.h"

#include <stdio.h>

#include "node/base/utf.h"
#include "smbd/wire/change_notify.h"

#define NAMES (SMB2_NOTIFY_CHANGE_FILE_NAME | SMB2_NOTIFY_CHANGE_DIR_NAME)

struct watcher {
	struct ntf_watch *w;
	struct limit limit;
	unsigned int ready, gone;
};

static struct ntf *at(uint32_t node, uint32_t worker)
{
	return net.nodes[node - 1].w[worker];
}

static void on_ready(void *arg, bool gone)
{
	struct watcher *x = arg;

	x->ready++;
	x->gone += gone;
}

static void begin(struct watcher *x, struct ntf *n, struct file_key dir, uint32_t filter, bool tree)
{
	struct ntf_want want = { .dir = dir,
				 .filter = filter,
				 .tree = tree,
				 .max = 1000,
				 .limit = &x->limit,
				 .ready = on_ready,
				 .arg = x };

	*x = (struct watcher){ .limit.max = 1 << 20 };
	assert_int_equal(ntf_watch_new(n, &want, &x->w), 0);
}

static void watch(struct watcher *x, struct ntf *n, struct file_key dir, uint32_t filter, bool tree)
{
	begin(x, n, dir, filter, tree);
	assert_int_equal(ntf_watch_wait(x->w, in_ms(5000)), 0);
}

static void change(struct ntf *n, struct file_key dir, uint32_t filter, bool deep, const char *name)
{
	struct ntf_event e = { .dir = dir,
			       .filter = filter,
			       .deep = deep,
			       .changes = { { SMB2_ACTION_ADDED, name } },
			       .n_changes = 1 };

	ntf_raise(n, &e);
}

/* Names that were told, blanks between; "!" for STATUS_NOTIFY_ENUM_DIR. */
static const char *take(struct watcher *x)
{
	static char text[1000];
	uint8_t room[1000];
	struct arena a = { 0 };
	struct wr w = wr_fixed(room, sizeof(room));
	struct fscc_notify e;
	enum ntf_got got;
	size_t n = 0;
	struct rd r;

	net_settle();
	got = ntf_watch_take(x->w, sizeof(room), &w);
	if (got == NTF_ENUM_DIR)
		return "!";
	r = rd_of(wr_blob(&w));
	text[0] = '\0';
	while (fscc_notify_next(&r, &e) > 0) {
		char *name;

		assert_int_equal(utf8_from_utf16(&a, e.name, &name), 0);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", name);
	}
	arena_reset(&a);
	return text;
}

static uint64_t all_sent(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 1; i <= NODES; i++)
		for (uint32_t w = 0; w < WORKERS; w++) {
			struct ntf_stats st;

			ntf_stats(at(i, w), &st);
			sum += st.sent;
		}
	return sum;
}

static void any_to_any(void)
{
	net_start();
	net.delay = MS;
	for (uint32_t home = 0; home < NODES * WORKERS; home++)
		for (uint32_t owner = 0; owner < NODES * WORKERS; owner++) {
			struct file_key dir = dir_owned_by(owner / WORKERS + 1, owner % WORKERS);
			struct watcher x;

			watch(&x, at(home / WORKERS + 1, home % WORKERS), dir, NAMES, false);
			for (uint32_t who = 0; who < NODES * WORKERS; who++) {
				char name[20];

				snprintf(name, sizeof(name), "n%u", who);
				change(at(who / WORKERS + 1, who % WORKERS), dir,
				       SMB2_NOTIFY_CHANGE_FILE_NAME, false, name);
				assert_string_equal(take(&x), name);
			}
			assert_int_equal(x.ready, NODES * WORKERS);
			ntf_watch_free(x.w);
		}
	net_stop();
}

static void filters_and_depth(void)
{
	struct file_key dir, other;
	struct watcher plain, tree, sizes;

	net_start();
	dir = dir_owned_by(2, 0);
	other = dir_owned_by(2, 0);
	watch(&plain, at(1, 0), dir, NAMES, false);
	watch(&tree, at(1, 1), dir, NAMES, true);
	watch(&sizes, at(3, 0), dir, SMB2_NOTIFY_CHANGE_SIZE, true);
	change(at(3, 1), dir, SMB2_NOTIFY_CHANGE_FILE_NAME, false, "a");
	change(at(3, 1), dir, SMB2_NOTIFY_CHANGE_DIR_NAME, true, "d/b");
	change(at(3, 1), dir, SMB2_NOTIFY_CHANGE_SIZE | SMB2_NOTIFY_CHANGE_LAST_WRITE, true, "d/c");
	change(at(3, 1), other, SMB2_NOTIFY_CHANGE_FILE_NAME, false, "e");
	assert_string_equal(take(&plain), "a");
	assert_string_equal(take(&tree), "a d\\b");
	assert_string_equal(take(&sizes), "d\\c");
	/* the directory itself goes: whatever the filter is */
	ntf_raise(at(3, 1), &(struct ntf_event){ .dir = dir, .gone = true });
	net_settle();
	assert_int_equal(plain.gone, 1);
	assert_int_equal(tree.gone, 1);
	assert_int_equal(sizes.gone, 1);
	ntf_watch_free(plain.w);
	ntf_watch_free(tree.w);
	ntf_watch_free(sizes.w);
	net_stop();
}

/* Changes cost no message as long as nobody watches, nor once nobody does any more. */
static void nobody_watches(void)
{
	struct file_key dir;
	struct ntf_stats st;
	struct watcher x;
	uint64_t before;

	net_start();
	dir = dir_owned_by(2, 1);
	before = all_sent();
	for (int i = 0; i < 100; i++)
		change(at(1, 0), dir, NAMES, false, "a");
	assert_int_equal(all_sent(), before);
	assert_false(ntf_wanted(at(1, 0)));
	watch(&x, at(3, 0), dir, NAMES, false);
	for (uint32_t i = 1; i <= NODES; i++) {
		assert_true(ntf_wanted(at(i, 0)));
		assert_false(ntf_wanted_tree(at(i, 1)));
	}
	ntf_watch_free(x.w);
	for (int i = 0; i < 6000 && ntf_wanted(at(1, 0)); i++)
		task_sleep(MS);
	assert_false(ntf_wanted(at(1, 0)));
	ntf_stats(at(2, 1), &st);
	assert_int_equal(st.registered, 0);
	net_stop();
}

/* Armed means that everybody who could make a change knows of it. */
static void armed_when_all_know(void)
{
	struct file_key dir;
	struct watcher x;

	net_start();
	dir = dir_owned_by(1, 1);
	net_cut();
	begin(&x, at(1, 0), dir, NAMES, true);
	assert_int_equal(ntf_watch_wait(x.w, in_ms(50)), -ETIME);
	net_heal();
	assert_int_equal(ntf_watch_wait(x.w, in_ms(5000)), 0);
	change(at(2, 0), dir, NAMES, true, "d/a");
	assert_string_equal(take(&x), "d\\a");
	ntf_watch_free(x.w);

	/* the client could not wait for it: it hears that it has missed something */
	net_cut();
	dir = dir_owned_by(3, 1);
	begin(&x, at(1, 0), dir, NAMES, false);
	assert_int_equal(ntf_watch_wait(x.w, in_ms(20)), -ETIME);
	ntf_watch_counts(x.w);
	change(at(2, 0), dir, NAMES, false, "a");
	net_heal();
	assert_int_equal(ntf_watch_wait(x.w, in_ms(5000)), 0);
	assert_string_equal(take(&x), "!");
	ntf_watch_free(x.w);
	net_stop();
}

/* A message that is lost is found out when the link is back, at either leg of its way. */
static void losses_are_told(void)
{
	struct file_key dir;
	struct watcher x, same;

	net_start();
	dir = dir_owned_by(2, 0);
	watch(&x, at(1, 0), dir, NAMES, false);
	watch(&same, at(2, 0), dir, NAMES, false);
	net_cut();
	change(at(3, 0), dir, NAMES, false, "from 3 to 2");
	net_heal();
	assert_string_equal(take(&x), "!");
	assert_string_equal(take(&same), "!");
	net_cut();
	change(at(2, 1), dir, NAMES, false, "from 2 to 1");
	net_settle();
	net_heal();
	assert_string_equal(take(&x), "!");
	assert_string_equal(take(&same), "from 2 to 1");
	/* nothing was on its way: nothing is missed */
	net_cut();
	net_heal();
	assert_string_equal(take(&x), "");
	assert_string_equal(take(&same), "");
	ntf_raise_unknown(at(3, 1));
	assert_string_equal(take(&x), "!");
	assert_string_equal(take(&same), "!");
	change(at(3, 1), dir, NAMES, false, "b");
	assert_string_equal(take(&x), "b");
	ntf_watch_free(x.w);
	ntf_watch_free(same.w);
	net_stop();
}

/* The last message is lost although no link was: no later one tells, so its count is asked for. */
static void last_one_lost(void)
{
	struct file_key dir;
	struct watcher x;

	net_start();
	dir = dir_owned_by(2, 0);
	watch(&x, at(1, 0), dir, NAMES, false);
	for (int leg = 0; leg < 2; leg++) {
		net.drop = 1; /* the event, or what the owner tells */
		change(at(leg ? 2 : 3, 0), dir, NAMES, false, "a");
		for (int i = 0; i < 2000 && x.ready == 0; i++)
			task_sleep(MS);
		assert_string_equal(take(&x), "!");
		x.ready = 0;
	}
	ntf_watch_free(x.w);
	net_stop();
}

/* Starts the nodes; the third one is away. A directory whose owner stays. */
static struct file_key without_node_3(void)
{
	net_start();
	net_node_crash(3);
	net_view();
	net_settle();
	return dir_owned_by(1, 0);
}

/* Changes of a worker that does not know yet who watches: everybody has missed something. */
static void before_the_first_view(void)
{
	struct file_key dir = without_node_3();
	struct watcher x;

	watch(&x, at(2, 1), dir, NAMES, false);
	net_node_start(3);
	assert_true(ntf_wanted(at(3, 0)));
	change(at(3, 0), dir, NAMES, false, "a");
	net_view();
	assert_string_equal(take(&x), "!");
	ntf_watch_free(x.w);
	net_stop();
}

/* In a cluster below the level nothing is sent; with the level it begins. */
static void below_the_level(void)
{
	struct file_key dir;
	struct watcher x;

	net_start_level(LEVEL_NOTIFY - 1);
	task_sleep(300 * MS);
	dir = dir_owned_by(2, 0);
	assert_false(ntf_active(at(1, 0)));
	assert_false(ntf_wanted(at(3, 0)));
	begin(&x, at(1, 0), dir, NAMES, false);
	change(at(3, 0), dir, NAMES, false, "a");
	net_settle();
	assert_int_equal(all_sent(), 0);
	net.level = LEVEL_NOTIFY;
	net_view();
	assert_int_equal(ntf_watch_wait(x.w, in_ms(5000)), 0);
	(void)take(&x);
	assert_true(ntf_active(at(1, 0)));
	change(at(3, 0), dir, NAMES, false, "b");
	assert_string_equal(take(&x), "b");
	ntf_watch_free(x.w);
	net_stop();
}

/* The owner dies: watches go to the next one and hear of the gap; later changes come again. */
static void owner_dies(void)
{
	struct file_key dir, far;
	struct watcher x, y;

	net_start();
	net.view_delay = 5 * MS;
	dir = dir_owned_by(2, 0);
	far = dir_owned_by(3, 1);
	watch(&x, at(1, 0), dir, NAMES, false);
	watch(&y, at(1, 1), far, NAMES, true);
	net_node_crash(2);
	change(at(3, 0), dir, NAMES, false, "lost");
	net_view();
	assert_string_equal(take(&x), "!");
	/* its owner lives, but the dead one may have changed something in it */
	assert_string_equal(take(&y), "!");
	change(at(3, 0), dir, NAMES, false, "a");
	assert_string_equal(take(&x), "a");
	net_node_start(2);
	net_view();
	net_settle();
	assert_true(ntf_watch_wait(x.w, in_ms(5000)) == 0 && ntf_watch_wait(y.w, in_ms(5000)) == 0);
	(void)take(&x); /* slots come to it: whatever moved has missed something */
	(void)take(&y);
	change(at(2, 1), dir, NAMES, false, "b");
	change(at(2, 1), far, NAMES, true, "d/c");
	assert_string_equal(take(&x), "b");
	assert_string_equal(take(&y), "d\\c");
	ntf_watch_free(x.w);
	ntf_watch_free(y.w);
	net_stop();
}

/* A change that was made in an earlier view finds the directory's new owner. */
static void late_event(void)
{
	struct file_key dir = without_node_3();
	struct watcher x;

	watch(&x, at(1, 1), dir, NAMES, false);
	net_node_start(3);
	net.view_delay = 200 * MS;
	net_view();
	for (int i = 0; i < 250; i++) {
		change(at(2, 0), dir, NAMES, false, "z");
		task_sleep(MS);
	}
	net_settle();
	assert_int_equal(ntf_watch_wait(x.w, in_ms(5000)), 0);
	(void)take(&x);
	change(at(2, 0), dir, NAMES, false, "last");
	assert_string_equal(take(&x), "last");
	ntf_watch_free(x.w);
	net_stop();
}

#define ON_LOOP(name) \
	static void test_##name(void **state) \
	{ \
		run_on_loop(name); \
	}
ON_LOOP(any_to_any)
ON_LOOP(filters_and_depth)
ON_LOOP(nobody_watches)
ON_LOOP(armed_when_all_know)
ON_LOOP(losses_are_told)
ON_LOOP(last_one_lost)
ON_LOOP(before_the_first_view)
ON_LOOP(below_the_level)
ON_LOOP(owner_dies)
ON_LOOP(late_event)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_to_any),	  cmocka_unit_test(test_filters_and_depth),
		cmocka_unit_test(test_nobody_watches),	  cmocka_unit_test(test_armed_when_all_know),
		cmocka_unit_test(test_losses_are_told), cmocka_unit_test(test_last_one_lost),
		cmocka_unit_test(test_before_the_first_view), cmocka_unit_test(test_below_the_level),
		cmocka_unit_test(test_owner_dies),
		cmocka_unit_test(test_late_event),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
