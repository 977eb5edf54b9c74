/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Views to and from protobuf. Pure; any thread. */
#include "clusterd/client/view_pb.h"

static int copy_text(const char *from, char *to, size_t size)
{
	size_t n = strlen(from);

	if (n >= size)
		return -EBADMSG;
	memcpy(to, from, n + 1);
	return 0;
}

struct level_range levels_from_pb(uint32_t min, uint32_t max)
{
	return (struct level_range){ min ?: 1, max ?: 1 };
}

int member_to_pb(const struct view_member *m, struct arena *a, Hfc__Member *ret)
{
	uint32_t i;

	hfc__member__init(ret);
	ret->node_id = m->node_id;
	ret->name = (char *)m->name;
	ret->incarnation = m->incarnation;
	ret->workers = m->workers;
	ret->rpc_addr = (char *)m->rpc_addr;
	ret->state = m->state;
	ret->level_min = m->levels.min;
	ret->level_max = m->levels.max;
	ret->smb_addrs = arena_calloc(a, m->n_smb_addrs, sizeof(char *));
	if (!ret->smb_addrs)
		return -ENOMEM;
	ret->n_smb_addrs = m->n_smb_addrs;
	for (i = 0; i < m->n_smb_addrs; i++)
		ret->smb_addrs[i] = (char *)m->smb_addrs[i];
	return 0;
}

int member_from_pb(const Hfc__Member *pb, struct view_member *ret)
{
	struct view_member m = {
		.node_id = pb->node_id,
		.workers = pb->workers,
		.incarnation = pb->incarnation,
		.state = (enum view_state)pb->state,
		.levels = levels_from_pb(pb->level_min, pb->level_max),
		.n_smb_addrs = (uint32_t)pb->n_smb_addrs,
	};
	size_t i;

	if (pb->node_id == 0 || pb->state > VIEW_DRAINING || pb->n_smb_addrs > VIEW_ADDRS_MAX)
		return -EBADMSG;
	if (copy_text(pb->name, m.name, sizeof(m.name)) < 0 ||
	    copy_text(pb->rpc_addr, m.rpc_addr, sizeof(m.rpc_addr)) < 0)
		return -EBADMSG;
	for (i = 0; i < pb->n_smb_addrs; i++)
		if (copy_text(pb->smb_addrs[i], m.smb_addrs[i], sizeof(m.smb_addrs[i])) < 0)
			return -EBADMSG;
	*ret = m;
	return 0;
}

Hfc__View *view_to_pb(const struct view *v, struct arena *a)
{
	Hfc__View *pb = arena_new(a, Hfc__View);
	uint32_t i;

	if (!pb)
		return NULL;
	hfc__view__init(pb);
	pb->format = level_row(v->level)->cpg;
	pb->level = v->level;
	pb->epoch = v->epoch;
	pb->members = arena_calloc(a, v->n, sizeof(*pb->members));
	if (!pb->members)
		return NULL;
	for (i = 0; i < v->n; i++) {
		pb->members[i] = arena_new(a, Hfc__Member);
		if (!pb->members[i] || member_to_pb(&v->members[i], a, pb->members[i]) < 0)
			return NULL;
	}
	pb->n_members = v->n;
	return pb;
}

int view_from_pb(const Hfc__View *pb, struct view **ret)
{
	_cleanup_view_ struct view *v = NULL;
	size_t i;
	int r;

	if (pb->format > level_row(level_own().max)->cpg || !level_fits(level_own(), pb->level))
		return -EPROTONOSUPPORT;
	if (pb->format == 0)
		return -EBADMSG;
	if (pb->n_members > VIEW_MEMBERS_MAX)
		return -EBADMSG;
	v = view_new((uint32_t)pb->n_members);
	if (!v)
		return -ENOMEM;
	v->epoch = pb->epoch;
	v->level = pb->level;
	for (i = 0; i < pb->n_members; i++) {
		r = member_from_pb(pb->members[i], &v->members[i]);
		if (r < 0)
			return r;
		if (i > 0 && v->members[i].node_id <= v->members[i - 1].node_id)
			return -EBADMSG;
	}
	*ret = TAKE_PTR(v);
	return 0;
}

int view_encode(const struct view *v, struct arena *a, struct blob *ret)
{
	Hfc__View *pb = view_to_pb(v, a);
	uint8_t *p;

	if (!pb)
		return -ENOMEM;
	p = arena_alloc(a, hfc__view__get_packed_size(pb));
	if (!p)
		return -ENOMEM;
	*ret = BLOB(p, hfc__view__pack(pb, p));
	return 0;
}

uint32_t view_level(struct blob b)
{
	Hfc__View *pb = hfc__view__unpack(NULL, b.len, b.data);
	uint32_t level = pb ? pb->level : 0;

	if (pb)
		hfc__view__free_unpacked(pb, NULL);
	return level;
}

int view_decode(struct blob b, struct view **ret)
{
	Hfc__View *pb = hfc__view__unpack(NULL, b.len, b.data);
	int r;

	if (!pb)
		return -EBADMSG;
	r = view_from_pb(pb, ret);
	hfc__view__free_unpacked(pb, NULL);
	return r;
}
