/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages between lock modules: whatever decodes is written and read again to the same, and the
 * owner of a slot decides about it, in a state that earlier messages of the same input made,
 * without harm. The input is a row of messages, each after its length in two bytes.
 */
#include "node/wire/rd.h"
#include "smbd/lock/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void roundtrip(const struct lk_msg *m)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct lk_msg d;
	struct blob b;

	arena_init(&a, 0);
	assert(msg_encode(m, 0, &a, &b) == 0);
	assert(msg_decode(b, &d) == 0);
	assert(d.kind == m->kind && d.flags == m->flags && d.req == m->req &&
	       d.n_ranges == m->n_ranges);
	msg_done(&d);
}

/* What the core says is fed back where it wants an answer: the homes' acknowledgements. */
static void acknowledge(struct lk_core *c, struct fx *fx)
{
	struct fx next;
	struct fx_out *o;

	fx_init(&next);
	list_foreach(o, &fx->outs, link) {
		struct lk_msg a = {
			.kind = LKM_NOTE_ACK, .from = o->to, .id = o->msg.id, .req = o->msg.req
		};

		if (o->msg.kind == LKM_NOTE)
			core_handle(c, &a, 2, &next);
	}
	fx_done(&next);
}

static void decide(struct lk_core *c, struct lk_msg *m)
{
	struct fx fx;

	fx_init(&fx);
	m->from = (struct place){ .node = m->from.node & 1, .worker = 0, .incarnation = 7 };
	if (m->kind == LKM_REASSERT) {
		m->rec.id = (m->rec.id & ~0xffffULL) | c->slot;
		core_assert(c, m, 1, &fx);
	} else {
		core_handle(c, m, 1, &fx);
	}
	acknowledge(c, &fx);
	fx_done(&fx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct lk_limits limits = { .opens_per_file = 64, .locks_per_open = 64 };
	struct rd r = rd_init(data, size);
	struct view *v = view_new(2);
	struct lease_stats counts = { 0 };
	struct lk_core c;
	struct fx fx;

	if (!v)
		return 0;
	v->members[0].incarnation = v->members[1].incarnation = 7;
	v->members[1].node_id = 1;
	core_init(&c, 3, &limits, &counts);
	c.view = v;
	while (rd_left(&r) > 0 && rd_ok(&r)) {
		struct blob b = rd_blob(&r, rd_le16(&r));
		struct lk_msg m;

		if (!rd_ok(&r) || msg_decode(b, &m) < 0)
			continue;
		roundtrip(&m);
		decide(&c, &m);
		msg_done(&m);
	}
	fx_init(&fx);
	core_serve(&c, 3, &fx);
	v->members[1].incarnation = 0;
	core_view(&c, 4, &fx);
	core_scavenge(&c, UINT64_MAX - 1, &fx);
	fx_done(&fx);
	core_done(&c);
	view_unref(v);
	return 0;
}
