/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Views: making, sharing and asking them. Any thread; the reference count is atomic. */
#include "clusterd/client/view.h"

struct view *view_new(uint32_t n)
{
	struct view *v;

	if (n > VIEW_MEMBERS_MAX)
		return NULL;
	v = calloc(1, sizeof(*v) + n * sizeof(v->members[0]));
	if (!v)
		return NULL;
	v->refs = 1;
	v->n = n;
	return v;
}

struct view *view_ref(const struct view *v)
{
	struct view *w = (struct view *)v;

	if (w)
		__atomic_add_fetch(&w->refs, 1, __ATOMIC_RELAXED);
	return w;
}

void view_unref(struct view *v)
{
	if (v && __atomic_sub_fetch(&v->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(v);
}

const struct view_member *view_find(const struct view *v, uint32_t node_id)
{
	uint32_t i;

	if (!v)
		return NULL;
	for (i = 0; i < v->n; i++)
		if (v->members[i].node_id == node_id)
			return &v->members[i];
	return NULL;
}

bool view_has(const struct view *v, uint32_t node_id, uint64_t incarnation)
{
	const struct view_member *m = view_find(v, node_id);

	return m && incarnation && m->incarnation == incarnation;
}

static bool same_member(const struct view_member *a, const struct view_member *b)
{
	uint32_t i;

	if (a->node_id != b->node_id || a->workers != b->workers || a->incarnation != b->incarnation ||
	    a->state != b->state || a->levels.min != b->levels.min || a->levels.max != b->levels.max ||
	    a->n_smb_addrs != b->n_smb_addrs || strcmp(a->name, b->name) != 0 || strcmp(a->rpc_addr, b->rpc_addr) != 0)
		return false;
	for (i = 0; i < a->n_smb_addrs; i++)
		if (strcmp(a->smb_addrs[i], b->smb_addrs[i]) != 0)
			return false;
	return true;
}

bool view_same_members(const struct view *a, const struct view *b)
{
	uint32_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!same_member(&a->members[i], &b->members[i]))
			return false;
	return true;
}
