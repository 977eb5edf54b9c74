/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watches that come and go while changes are made everywhere, links break, nodes die and come back.
 * Whatever a watch did not hear of although it was armed, it must have been told to have missed,
 * after it happened; nothing is told twice, nor to the wrong one. And owners grant leases on
 * directories: each change of one breaks it, or something is told to have been missed.
 */
#include "tests/unit/smbd-notify/nodes.h"

#include <stdio.h>

#include "node/base/utf.h"
#include "smbd/wire/change_notify.h"

#define DIRS 8
#define WATCHERS 24
#define EVENTS_MAX 200000
/* More directories, which change seldom, have leases only. */
#define LEASE_DIRS 64

struct event {
	unsigned int dir;
	uint32_t filter;
	bool deep;
	bool leases, watches; /* whom it concerns */
};

/* A lease on a directory, at its owner. */
struct dirlease {
	bool on;
	uint32_t node, worker;
	uint64_t incarnation;
	unsigned int first; /* events from this one on break it */
};

/* Half of the watches have room for all: what those miss, no full buffer excuses. */
#define ROOM_SMALL 300
#define ROOM_LARGE 60000

struct watcher {
	struct ntf_watch *w;
	struct limit limit;
	uint32_t node, worker;
	uint64_t incarnation;
	unsigned int dir;
	uint32_t filter;
	bool tree, armed, ready;
	unsigned int first; /* events from this one on concern it */
	uint8_t *heard; /* [EVENTS_MAX] */
};

static struct event events[EVENTS_MAX];
static unsigned int n_events;
static struct watcher watchers[WATCHERS];
static unsigned int told, missed, gaps, lives;
static struct dirlease leases[DIRS + LEASE_DIRS];
static unsigned int granted, broken;

static bool alive(const struct watcher *x)
{
	return x->w && net.nodes[x->node - 1].incarnation == x->incarnation;
}

static bool concerns(const struct watcher *x, const struct event *e)
{
	return e->watches && e->dir == x->dir && (e->filter & x->filter) && (x->tree || !e->deep);
}

static void on_ready(void *arg, bool gone)
{
	struct watcher *x = arg;

	assert_false(gone);
	x->ready = true;
}

static void begin(struct watcher *x)
{
	struct ntf_want want = { .limit = &x->limit, .ready = on_ready, .arg = x };
	uint8_t *heard = x->heard;

	*x = (struct watcher){ .limit.max = 1 << 20, .heard = heard };
	memset(heard, 0, EVENTS_MAX);
	do {
		x->node = 1 + (uint32_t)(net_random() % NODES);
	} while (!net.nodes[x->node - 1].incarnation);
	x->worker = (uint32_t)(net_random() % WORKERS);
	x->incarnation = net.nodes[x->node - 1].incarnation;
	x->dir = (unsigned int)(net_random() % DIRS);
	x->filter = 1u << net_random() % 3 | 1u << net_random() % 3;
	x->tree = net_random() % 2;
	want.dir = dir_key(x->dir);
	want.filter = x->filter;
	want.tree = x->tree;
	want.max = net_random() % 2 ? ROOM_SMALL : ROOM_LARGE;
	assert_int_equal(ntf_watch_new(net.nodes[x->node - 1].w[x->worker], &want, &x->w), 0);
	lives++;
}

/* Before it counts, nothing is promised. */
static void look_armed(struct watcher *x)
{
	if (x->armed || ntf_watch_wait(x->w, loop_now(loop_current())) != 0) {
		if (!x->armed && net_random() % 40 == 0) {
			ntf_watch_counts(x->w); /* the client does not wait any longer */
			x->armed = true;
			x->first = n_events;
		}
		return;
	}
	x->armed = true;
	x->first = n_events;
}

static unsigned int number_of(struct blob name)
{
	struct arena a = { 0 };
	unsigned int k;
	char *text;

	assert_int_equal(utf8_from_utf16(&a, name, &text), 0);
	assert_int_equal(sscanf(text, "e%u", &k), 1);
	assert_true(k < n_events);
	arena_reset(&a);
	return k;
}

static void take(struct watcher *x)
{
	static uint8_t room[ROOM_LARGE + 100];
	struct wr w = wr_fixed(room, sizeof(room));
	enum ntf_got got = ntf_watch_take(x->w, sizeof(room), &w);
	struct fscc_notify e;
	struct rd r;

	x->ready = false;
	if (got == NTF_ENUM_DIR) { /* the client lists the directory now */
		memset(x->heard, 1, n_events);
		missed++;
		return;
	}
	r = rd_of(wr_blob(&w));
	while (fscc_notify_next(&r, &e) > 0) {
		unsigned int k = number_of(e.name);

		assert_true(concerns(x, &events[k]));
		if (k >= x->first && x->heard[k] == 2)
			fail_msg("event %u was told twice", k);
		x->heard[k] = 2;
		told++;
	}
}

static void end(struct watcher *x)
{
	if (alive(x))
		ntf_watch_free(x->w);
	x->w = NULL;
}

static uint32_t slot_of(unsigned int dir)
{
	struct file_key k = dir_key(dir);

	return place_slot_of_file(&k, SLOTS);
}

static bool held_at(const struct dirlease *l, uint32_t node, uint32_t worker)
{
	return l->on && l->node == node && l->worker == worker &&
	       l->incarnation == net.nodes[node - 1].incarnation;
}

static void on_changed(uint32_t node, uint32_t worker, const struct file_key *dir, const struct ntf_by *by)
{
	struct dirlease *l = &leases[dir->inode];

	if (by->known || !held_at(l, node, worker))
		return;
	l->on = false;
	broken++;
}

static void on_missed(uint32_t node, uint32_t worker)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(leases); i++)
		if (held_at(&leases[i], node, worker))
			leases[i].on = false;
}

/* What goes to another owner is broken there. */
static void on_view(uint32_t node, uint32_t worker, const struct view *v)
{
	struct place p;

	for (unsigned int i = 0; i < ARRAY_SIZE(leases); i++)
		if (held_at(&leases[i], node, worker) &&
		    (!place_owner(v, slot_of(i), &p) || p.node != node || p.worker != worker))
			leases[i].on = false;
}

static bool slot_leased(uint32_t node, uint32_t worker, uint32_t slot)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(leases); i++)
		if (slot_of(i) == slot && held_at(&leases[i], node, worker))
			return true;
	return false;
}

/* As the lock module does: a lease is granted when all know, and the slot is wanted from then on. */
static void lease(void)
{
	unsigned int i = (unsigned int)(net_random() % ARRAY_SIZE(leases));
	uint32_t node = 1 + (uint32_t)(net_random() % NODES), worker = (uint32_t)(net_random() % WORKERS);
	struct tnode *t = &net.nodes[node - 1];
	struct dirlease *l = &leases[i];
	uint32_t slot = slot_of(i);

	if (!t->incarnation)
		return;
	if (l->on && net.nodes[l->node - 1].incarnation == l->incarnation)
		return;
	if (net_random() % 20 == 0 && !slot_leased(node, worker, slot)) {
		ntf_slot_want(t->w[worker], slot, false);
		return;
	}
	if (!ntf_slot_armed(t->w[worker], slot)) {
		ntf_slot_want(t->w[worker], slot, true); /* somebody who asks for a lease watches */
		return;
	}
	ntf_slot_want(t->w[worker], slot, true);
	*l = (struct dirlease){
		.on = true, .node = node, .worker = worker, .incarnation = t->incarnation, .first = n_events
	};
	granted++;
}

static void check_leases(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(leases); i++) {
		struct dirlease *l = &leases[i];

		if (!l->on || net.nodes[l->node - 1].incarnation != l->incarnation)
			continue;
		for (unsigned int k = l->first; k < n_events; k++)
			if (events[k].dir == i && events[k].leases)
				fail_msg("lease on %u was not broken by event %u of %u", i, k, n_events);
	}
}

static void make_change(void)
{
	struct event *e = &events[n_events];
	struct ntf_event ev = { .n_changes = 1 };
	uint32_t node = 1 + (uint32_t)(net_random() % NODES);
	char name[20];

	if (!net.nodes[node - 1].incarnation || n_events == EVENTS_MAX - 1)
		return;
	*e = (struct event){ .dir = (unsigned int)(net_random() % DIRS),
			     .filter = 1u << net_random() % 3,
			     .deep = net_random() % 3 == 0,
			     .watches = true };
	if (net_random() % 8 == 0)
		e->dir = DIRS + (unsigned int)(net_random() % LEASE_DIRS);
	ev.audience = (enum ntf_audience)(net_random() % 3);
	ev.by.known = net_random() % 4 == 0;
	e->watches = ev.audience != NTF_LEASES;
	e->leases = ev.audience != NTF_WATCHES && !e->deep && !ev.by.known;
	snprintf(name, sizeof(name), "e%u", n_events++);
	ev.dir = dir_key(e->dir);
	ev.filter = e->filter;
	ev.deep = e->deep;
	ev.changes[0] = (struct ntf_change){ SMB2_ACTION_ADDED, name };
	ntf_raise(net.nodes[node - 1].w[net_random() % WORKERS], &ev);
}

static void crash(uint32_t node)
{
	for (unsigned int i = 0; i < WATCHERS; i++)
		if (watchers[i].node == node)
			end(&watchers[i]); /* its clients go with it */
	net_node_crash(node);
	net_view();
}

static void disturb(void)
{
	uint32_t node = 1 + (uint32_t)(net_random() % NODES);
	unsigned int up = 0;

	for (unsigned int i = 0; i < NODES; i++)
		up += net.nodes[i].incarnation != 0;
	switch (net_random() % 5) {
	case 0:
		if (net.nodes[node - 1].incarnation && up > 1) {
			crash(node);
			gaps++;
		}
		break;
	case 1:
		if (!net.nodes[node - 1].incarnation) {
			net_node_start(node);
			net_view();
		}
		break;
	case 2:
		if (!net.down) {
			net_cut();
			gaps++;
		}
		break;
	case 3:
		net.drop = 1 + (unsigned int)(net_random() % 3);
		gaps++;
		break;
	default:
		if (net.down)
			net_heal();
	}
}

static void step(void)
{
	struct watcher *x = &watchers[net_random() % WATCHERS];

	lease();
	if (!x->w)
		begin(x);
	else if (net_random() % 200 == 0)
		end(x);
	for (unsigned int i = 0; i < WATCHERS; i++) {
		if (!watchers[i].w)
			continue;
		look_armed(&watchers[i]);
		if (watchers[i].ready && net_random() % 3 == 0)
			take(&watchers[i]);
	}
	for (uint64_t k = net_random() % 8; k > 0; k--)
		make_change();
}

static void wait_armed(void)
{
	for (unsigned int i = 0; i < WATCHERS; i++) {
		if (!watchers[i].w)
			continue;
		assert_int_equal(ntf_watch_wait(watchers[i].w, in_ms(10000)), 0);
		look_armed(&watchers[i]);
	}
}

static void check_all(void)
{
	for (unsigned int i = 0; i < WATCHERS; i++) {
		struct watcher *x = &watchers[i];

		if (!x->w)
			continue;
		take(x);
		for (unsigned int k = x->first; k < n_events; k++)
			if (concerns(x, &events[k]) && !x->heard[k])
				fail_msg("watch %u never heard of event %u of %u", i, k, n_events);
	}
}

static void body(void)
{
	const char *s = getenv("TORTURE_MS");
	uint64_t until;

	net_hooks = (struct thooks){ on_changed, on_missed, on_view };
	net_start();
	net.delay = 2 * MS;
	net.view_delay = 15 * MS;
	for (unsigned int i = 0; i < WATCHERS; i++) {
		watchers[i].heard = calloc(1, EVENTS_MAX);
		assert_non_null(watchers[i].heard);
	}
	until = in_ms(s ? strtoull(s, NULL, 0) : 4000);
	while (loop_now(loop_current()) < until) {
		step();
		if (net_random() % 60 == 0)
			disturb();
		task_sleep(MS / 2);
	}
	net.drop = 0;
	net_heal();
	for (uint32_t i = 1; i <= NODES; i++)
		if (!net.nodes[i - 1].incarnation)
			net_node_start(i);
	net_view();
	net_settle();
	wait_armed();
	task_sleep(600 * MS); /* the counts are asked for until they are confirmed */
	net_settle();
	check_all();
	check_leases();
	for (int i = 0; i < 3000; i++)
		lease();
	for (int i = 0; i < 20; i++) /* few enough for every buffer */
		make_change();
	net_settle();
	missed = 0;
	check_all();
	check_leases();
	fprintf(stderr, "# %u changes, %u told, %u watches, %u gaps, %u leases, %u broken\n", n_events, told, lives, gaps,
		granted, broken);
	assert_true(granted > 0 && broken > 0);
	assert_int_equal(missed, 0);
	assert_true(told > 0);
	for (unsigned int i = 0; i < WATCHERS; i++) {
		end(&watchers[i]);
		free(watchers[i].heard);
	}
	net_stop();
}

static void test_torture(void **state)
{
	run_on_loop(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_torture) };

	return cmocka_run_group_tests_name("notify torture", tests, NULL, NULL);
}
