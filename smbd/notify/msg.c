/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of the notify module, between struct and bytes. Pure; any thread. */
#include "smbd/notify/msg.h"

#include "smbd/notify/notify.pb-c.h"

#define NAME_MAX_BYTES 32767
#define SLOTS_MAX 65536u

static int put_by(const struct ntf_by *by, struct arena *a, HfNotify__Msg *p)
{
	if (!by->known)
		return 0;
	p->by.data = arena_memdup(a, by->key.b, sizeof(by->key.b));
	p->by.len = sizeof(by->key.b);
	return p->by.data ? 0 : -ENOMEM;
}

static int put_changes(const struct ntm *m, struct arena *a, HfNotify__Msg *p)
{
	HfNotify__Change *c = arena_calloc(a, m->n_changes, sizeof(*c));
	HfNotify__Change **pc = arena_calloc(a, m->n_changes, sizeof(*pc));

	if (!c || !pc)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->n_changes; i++) {
		hf_notify__change__init(&c[i]);
		c[i].action = m->changes[i].action;
		c[i].name = (char *)(uintptr_t)m->changes[i].name;
		pc[i] = &c[i];
	}
	p->changes = pc;
	p->n_changes = m->n_changes;
	return 0;
}

int ntm_encode(const struct ntm *m, struct arena *a, struct blob *ret)
{
	HfNotify__Msg p = HF_NOTIFY__MSG__INIT;
	uint8_t *out;

	p.kind = m->kind;
	p.from_node = m->from.node;
	p.from_worker = m->from.worker;
	p.from_incarnation = m->from.incarnation;
	p.epoch = m->epoch;
	p.seq = m->seq;
	p.flags = m->flags;
	if (!guid_is_zero(&m->key.volume)) {
		p.volume.data = (uint8_t *)(uintptr_t)m->key.volume.b;
		p.volume.len = sizeof(m->key.volume.b);
	}
	p.inode = m->key.inode;
	p.generation = m->key.generation;
	p.id = m->id;
	p.round = m->round;
	p.filter = m->filter;
	p.version = m->version;
	p.plain = (uint32_t *)(uintptr_t)m->plain;
	p.n_plain = m->n_plain;
	p.tree = (uint32_t *)(uintptr_t)m->tree;
	p.n_tree = m->n_tree;
	if (put_by(&m->by, a, &p) < 0 || put_changes(m, a, &p) < 0)
		return -ENOMEM;
	out = arena_alloc(a, hf_notify__msg__get_packed_size(&p));
	if (!out)
		return -ENOMEM;
	*ret = BLOB(out, hf_notify__msg__pack(&p, out));
	return 0;
}

static int get_changes(const HfNotify__Msg *p, struct arena *a, struct ntm *m)
{
	if (p->n_changes > NTM_CHANGES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < p->n_changes; i++) {
		const HfNotify__Change *c = p->changes[i];
		char *name;

		if (!*c->name || strlen(c->name) > NAME_MAX_BYTES)
			return -EBADMSG;
		name = arena_strdup(a, c->name);
		if (!name)
			return -ENOMEM;
		m->changes[i] = (struct ntf_change){ .action = c->action, .name = name };
	}
	m->n_changes = (unsigned int)p->n_changes;
	return 0;
}

static int get_by(const HfNotify__Msg *p, struct ntf_by *ret)
{
	if (p->by.len == 0)
		return 0;
	if (p->by.len != sizeof(ret->key.b))
		return -EBADMSG;
	ret->known = true;
	memcpy(ret->key.b, p->by.data, sizeof(ret->key.b));
	return 0;
}

static int get_slots(const uint32_t *from, size_t n, struct arena *a, const uint32_t **ret,
		     size_t *ret_n)
{
	if (n > SLOTS_MAX)
		return -EBADMSG;
	*ret = arena_memdup(a, from, n * sizeof(*from));
	*ret_n = n;
	return *ret ? 0 : -ENOMEM;
}

static int get_scalars(const HfNotify__Msg *p, struct ntm *m)
{
	if (p->kind < NTM_WATCH || p->kind >= NTM_KINDS || (p->flags & ~(uint32_t)NTMF_ALL) ||
	    p->from_incarnation == 0 || (p->volume.len != 0 && p->volume.len != 16))
		return -EBADMSG;
	m->kind = (enum ntm_kind)p->kind;
	m->from = (struct place){ .node = p->from_node,
				  .worker = p->from_worker,
				  .incarnation = p->from_incarnation };
	m->epoch = p->epoch;
	m->seq = p->seq;
	m->flags = p->flags;
	if (p->volume.len)
		memcpy(m->key.volume.b, p->volume.data, 16);
	m->key.inode = p->inode;
	m->key.generation = p->generation;
	m->id = p->id;
	m->round = p->round;
	m->filter = p->filter;
	m->version = p->version;
	return 0;
}

int ntm_decode(struct blob b, struct arena *a, struct ntm *ret)
{
	HfNotify__Msg *p = hf_notify__msg__unpack(NULL, b.len, b.data);
	int r;

	if (!p)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	r = get_scalars(p, ret);
	if (r == 0)
		r = get_by(p, &ret->by);
	if (r == 0)
		r = get_changes(p, a, ret);
	if (r == 0)
		r = get_slots(p->plain, p->n_plain, a, &ret->plain, &ret->n_plain);
	if (r == 0)
		r = get_slots(p->tree, p->n_tree, a, &ret->tree, &ret->n_tree);
	hf_notify__msg__free_unpacked(p, NULL);
	return r;
}
