/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The multicast messages to and from protobuf. Pure; any thread. */
#include "clusterd/msg.h"

#include "clusterd/client/view_pb.h"
#include "clusterd/cpg.pb-c.h"

void msg_done(struct msg *m)
{
	if (m->type == MSG_SYNC) {
		view_unref(m->sync.view);
		m->sync.view = NULL;
	} else if (m->type == MSG_VIEW) {
		view_unref(m->view);
		m->view = NULL;
	}
}

/* --- encoding: everything is built in the arena --- */

static Hfg__Node *node_to_pb(const struct msg_node *n, struct arena *a)
{
	Hfg__Node *pb = arena_new(a, Hfg__Node);

	if (!pb)
		return NULL;
	hfg__node__init(pb);
	pb->member = arena_new(a, Hfc__Member);
	if (!pb->member || member_to_pb(&n->member, a, pb->member) < 0)
		return NULL;
	pb->entered = n->entered;
	pb->unsure = n->unsure;
	return pb;
}

static Hfg__Run **runs_to_pb(const struct msg_run *runs, uint32_t n, struct arena *a)
{
	Hfg__Run **pb = arena_calloc(a, n, sizeof(*pb));
	uint32_t i;

	for (i = 0; pb && i < n; i++) {
		pb[i] = arena_new(a, Hfg__Run);
		if (!pb[i])
			return NULL;
		hfg__run__init(pb[i]);
		pb[i]->node_id = runs[i].node_id;
		pb[i]->incarnation = runs[i].incarnation;
	}
	return pb;
}

static Hfg__Sync *sync_to_pb(const struct msg_sync *s, struct arena *a)
{
	Hfg__Sync *pb = arena_new(a, Hfg__Sync);
	uint32_t i;

	if (!pb)
		return NULL;
	hfg__sync__init(pb);
	pb->config = s->config;
	pb->node = node_to_pb(&s->node, a);
	pb->view = view_to_pb(s->view, a);
	pb->condemned = runs_to_pb(s->condemned, s->n_condemned, a);
	pb->n_condemned = s->n_condemned;
	pb->remaining = arena_calloc(a, s->n_remaining, sizeof(*pb->remaining));
	pb->n_remaining = s->n_remaining;
	if (!pb->node || !pb->view || !pb->condemned || !pb->remaining)
		return NULL;
	for (i = 0; i < s->n_remaining; i++) {
		pb->remaining[i] = arena_new(a, Hfg__Remaining);
		if (!pb->remaining[i])
			return NULL;
		hfg__remaining__init(pb->remaining[i]);
		pb->remaining[i]->node_id = s->remaining[i].node_id;
		pb->remaining[i]->ns = s->remaining[i].ns;
	}
	return pb;
}

static Hfg__Remove *remove_to_pb(const struct msg_remove *m, struct arena *a)
{
	Hfg__Remove *pb = arena_new(a, Hfg__Remove);

	if (!pb)
		return NULL;
	hfg__remove__init(pb);
	pb->config = m->config;
	pb->runs = runs_to_pb(m->runs, m->n, a);
	pb->n_runs = m->n;
	return pb->runs ? pb : NULL;
}

static Hfg__Beat *beat_to_pb(const struct msg_beat *m, struct arena *a)
{
	Hfg__Beat *pb = arena_new(a, Hfg__Beat);
	uint32_t i;

	if (!pb)
		return NULL;
	hfg__beat__init(pb);
	pb->boot = m->boot;
	pb->seq = m->seq;
	pb->lease_ns = m->lease_ns;
	pb->echoes = arena_calloc(a, m->n, sizeof(*pb->echoes));
	pb->n_echoes = m->n;
	for (i = 0; pb->echoes && i < m->n; i++) {
		pb->echoes[i] = arena_new(a, Hfg__Echo);
		if (!pb->echoes[i])
			return NULL;
		hfg__echo__init(pb->echoes[i]);
		pb->echoes[i]->node_id = m->echoes[i].node_id;
		pb->echoes[i]->boot = m->echoes[i].boot;
		pb->echoes[i]->seq = m->echoes[i].seq;
	}
	return pb->echoes ? pb : NULL;
}

static Hfg__Kick *kick_to_pb(uint64_t revision, struct arena *a)
{
	Hfg__Kick *pb = arena_new(a, Hfg__Kick);

	if (!pb)
		return NULL;
	hfg__kick__init(pb);
	pb->revision = revision;
	return pb;
}

static Hfg__Ask *ask_to_pb(const struct msg_ask *m, struct arena *a)
{
	Hfg__Ask *pb = arena_new(a, Hfg__Ask);

	if (!pb)
		return NULL;
	hfg__ask__init(pb);
	pb->id = m->id;
	pb->node_id = m->node_id;
	pb->kind = m->kind;
	pb->cursor = m->cursor;
	pb->limit = m->limit;
	return pb;
}

static Hfg__Answer *answer_to_pb(const struct msg_answer *m, struct arena *a)
{
	Hfg__Answer *pb = arena_new(a, Hfg__Answer);

	if (!pb)
		return NULL;
	hfg__answer__init(pb);
	pb->id = m->id;
	pb->node_id = m->node_id;
	pb->status = m->status;
	pb->next = m->next;
	pb->rows.data = (uint8_t *)m->rows.data;
	pb->rows.len = m->rows.len;
	return pb;
}

static Hfg__Raise *raise_to_pb(const struct msg_raise *m, struct arena *a)
{
	Hfg__Raise *pb = arena_new(a, Hfg__Raise);

	if (!pb)
		return NULL;
	hfg__raise__init(pb);
	pb->level = m->level;
	pb->without_absent = m->without_absent;
	return pb;
}

/* Sets the one member of the message that fits the type; false: no memory. */
static bool msg_to_pb(const struct msg *m, struct arena *a, Hfg__Msg *pb)
{
	switch (m->type) {
	case MSG_SYNC:
		pb->m_case = HFG__MSG__M_SYNC;
		return (pb->sync = sync_to_pb(&m->sync, a));
	case MSG_NODE:
		pb->m_case = HFG__MSG__M_NODE;
		return (pb->node = node_to_pb(&m->node, a));
	case MSG_REMOVE:
		pb->m_case = HFG__MSG__M_REMOVE;
		return (pb->remove = remove_to_pb(&m->remove, a));
	case MSG_VIEW:
		pb->m_case = HFG__MSG__M_VIEW;
		return (pb->view = view_to_pb(m->view, a));
	case MSG_BEAT:
		pb->m_case = HFG__MSG__M_BEAT;
		return (pb->beat = beat_to_pb(&m->beat, a));
	case MSG_KICK:
		pb->m_case = HFG__MSG__M_KICK;
		return (pb->kick = kick_to_pb(m->kick, a));
	case MSG_ASK:
		pb->m_case = HFG__MSG__M_ASK;
		return (pb->ask = ask_to_pb(&m->ask, a));
	case MSG_ANSWER:
		pb->m_case = HFG__MSG__M_ANSWER;
		return (pb->answer = answer_to_pb(&m->answer, a));
	case MSG_RAISE:
		pb->m_case = HFG__MSG__M_RAISE;
		return (pb->raise = raise_to_pb(&m->raise, a));
	}
	return false;
}

int msg_encode(const struct msg *m, uint32_t level, struct arena *a, struct blob *ret)
{
	Hfg__Msg pb = HFG__MSG__INIT;
	uint8_t *p;

	pb.version = level_row(level)->cpg;
	if (!msg_to_pb(m, a, &pb))
		return -ENOMEM;
	p = arena_alloc(a, hfg__msg__get_packed_size(&pb));
	if (!p)
		return -ENOMEM;
	*ret = BLOB(p, hfg__msg__pack(&pb, p));
	return 0;
}

/* --- decoding --- */

static int node_from_pb(const Hfg__Node *pb, struct msg_node *ret)
{
	ret->entered = pb->entered;
	ret->unsure = pb->unsure;
	return pb->member ? member_from_pb(pb->member, &ret->member) : -EBADMSG;
}

static int runs_from_pb(Hfg__Run **pb, size_t n, struct msg_run *ret, uint32_t *ret_n)
{
	size_t i;

	if (n > VIEW_MEMBERS_MAX)
		return -EBADMSG;
	for (i = 0; i < n; i++)
		ret[i] = (struct msg_run){ pb[i]->node_id, pb[i]->incarnation };
	*ret_n = (uint32_t)n;
	return 0;
}

static int sync_from_pb(const Hfg__Sync *pb, struct msg_sync *ret)
{
	size_t i;
	int r;

	if (!pb->node || !pb->view || pb->n_remaining > VIEW_MEMBERS_MAX)
		return -EBADMSG;
	ret->config = pb->config;
	r = node_from_pb(pb->node, &ret->node);
	if (r < 0)
		return r;
	r = runs_from_pb(pb->condemned, pb->n_condemned, ret->condemned, &ret->n_condemned);
	if (r < 0)
		return r;
	ret->n_remaining = (uint32_t)pb->n_remaining;
	for (i = 0; i < pb->n_remaining; i++)
		ret->remaining[i] = (struct msg_remaining){ pb->remaining[i]->node_id, pb->remaining[i]->ns };
	return view_from_pb(pb->view, &ret->view);
}

static int beat_from_pb(const Hfg__Beat *pb, struct msg_beat *ret)
{
	size_t i;

	if (pb->n_echoes > VIEW_MEMBERS_MAX)
		return -EBADMSG;
	ret->boot = pb->boot;
	ret->seq = pb->seq;
	ret->lease_ns = pb->lease_ns;
	ret->n = (uint32_t)pb->n_echoes;
	for (i = 0; i < pb->n_echoes; i++)
		ret->echoes[i] = (struct msg_echo){ pb->echoes[i]->node_id, pb->echoes[i]->boot, pb->echoes[i]->seq };
	return 0;
}

static int answer_from_pb(const Hfg__Answer *pb, struct arena *a, struct msg_answer *ret)
{
	const void *p = arena_memdup(a, pb->rows.data, pb->rows.len);

	if (!p)
		return -ENOMEM;
	*ret = (struct msg_answer){
		.id = pb->id, .node_id = pb->node_id, .status = pb->status, .next = pb->next,
		.rows = BLOB(p, pb->rows.len),
	};
	return 0;
}

static int msg_from_pb(const Hfg__Msg *pb, struct arena *a, struct msg *ret)
{
	switch (pb->m_case) {
	case HFG__MSG__M_SYNC:
		ret->type = MSG_SYNC;
		return sync_from_pb(pb->sync, &ret->sync);
	case HFG__MSG__M_NODE:
		ret->type = MSG_NODE;
		return node_from_pb(pb->node, &ret->node);
	case HFG__MSG__M_REMOVE:
		ret->type = MSG_REMOVE;
		ret->remove.config = pb->remove->config;
		return runs_from_pb(pb->remove->runs, pb->remove->n_runs, ret->remove.runs, &ret->remove.n);
	case HFG__MSG__M_VIEW:
		ret->type = MSG_VIEW;
		return view_from_pb(pb->view, &ret->view);
	case HFG__MSG__M_BEAT:
		ret->type = MSG_BEAT;
		return beat_from_pb(pb->beat, &ret->beat);
	case HFG__MSG__M_KICK:
		ret->type = MSG_KICK;
		ret->kick = pb->kick->revision;
		return 0;
	case HFG__MSG__M_ASK:
		ret->type = MSG_ASK;
		ret->ask = (struct msg_ask){ pb->ask->id, pb->ask->node_id, pb->ask->kind, pb->ask->cursor,
					     pb->ask->limit };
		return 0;
	case HFG__MSG__M_ANSWER:
		ret->type = MSG_ANSWER;
		return answer_from_pb(pb->answer, a, &ret->answer);
	case HFG__MSG__M_RAISE:
		ret->type = MSG_RAISE;
		ret->raise = (struct msg_raise){ pb->raise->level, pb->raise->without_absent };
		return 0;
	default:
		return -EBADMSG;
	}
}

int msg_decode(struct blob b, struct arena *a, struct msg *ret)
{
	Hfg__Msg *pb = hfg__msg__unpack(NULL, b.len, b.data);
	int r;

	if (!pb)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	if (pb->version > level_row(level_own().max)->cpg)
		r = -EPROTONOSUPPORT;
	else if (pb->version < level_row(level_own().min)->cpg)
		r = -EBADMSG;
	else
		r = msg_from_pb(pb, a, ret);
	hfg__msg__free_unpacked(pb, NULL);
	if (r < 0) {
		msg_done(ret);
		memset(ret, 0, sizeof(*ret));
	}
	return r;
}
