/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between home and owner, between struct and bytes. Pure; any thread. */
#include "smbd/lock/msg.h"

#include "smbd/lock/lock.pb-c.h"

void msg_done(struct lk_msg *m)
{
	if (m->flags & LKF_HAS_REC)
		rec_open_done(&m->rec);
	free(m->path);
	free(m->share_name);
	m->path = m->share_name = NULL;
	m->flags &= ~LKF_HAS_REC;
}

static ProtobufCBinaryData bytes(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = (uint8_t *)(uintptr_t)p };
}

static ProtobufCBinaryData guid_bytes(const struct guid *g)
{
	return guid_is_zero(g) ? bytes(NULL, 0) : bytes(g->b, 16);
}

static int put_ranges(const struct lk_msg *m, struct arena *a, HfLock__Msg *p)
{
	HfLock__Range *r = arena_calloc(a, m->n_ranges, sizeof(*r));
	HfLock__Range **pr = arena_calloc(a, m->n_ranges, sizeof(*pr));

	if (!r || !pr)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->n_ranges; i++) {
		hf_lock__range__init(&r[i]);
		r[i].offset = m->ranges[i].offset;
		r[i].length = m->ranges[i].length;
		r[i].exclusive = m->ranges[i].exclusive;
		pr[i] = &r[i];
	}
	p->ranges = pr;
	p->n_ranges = m->n_ranges;
	return 0;
}

static void put_scalars(const struct lk_msg *m, HfLock__Msg *p)
{
	p->kind = m->kind;
	p->from_node = m->from.node;
	p->from_worker = m->from.worker;
	p->from_incarnation = m->from.incarnation;
	p->req = m->req;
	p->epoch = m->epoch;
	p->prev = m->prev;
	p->slot = m->slot;
	p->id = m->id;
	p->outcome = m->outcome;
	p->flags = m->flags;
	p->seq_index = m->seq.index;
	p->seq_number = m->seq.number;
	p->inode = m->key.inode;
	p->generation = m->key.generation;
	p->session_id = m->session_id;
	p->client = (char *)(uintptr_t)m->client;
	p->volatile_id = m->volatile_id;
	p->version = m->version;
	p->file_version = m->file_version;
	p->deadline = m->deadline;
	p->count = m->count;
	p->target = m->target;
	p->asked = m->asked;
	p->timeout_ms = m->timeout_ms;
}

int msg_encode(const struct lk_msg *m, uint32_t level, struct arena *a, struct blob *ret)
{
	HfLock__Msg p = HF_LOCK__MSG__INIT;
	char sid[SID_STR_SIZE];
	struct blob rec, lease;
	uint8_t *out;
	int e;

	put_scalars(m, &p);
	if (level < LEVEL_LEASES)
		p.flags &= LKF_BEFORE_LEASES;
	p.volume = guid_bytes(&m->key.volume);
	p.client_guid = guid_bytes(&m->client_guid);
	p.create_guid = guid_bytes(&m->create_guid);
	if (m->flags & LKF_HAS_LEASE)
		p.lease_key = bytes(m->lease_key.b, 16);
	if (m->path)
		p.path = m->path;
	if (m->share_name)
		p.share_name = m->share_name;
	if (m->flags & LKF_HAS_OWNER)
		p.owner = sid_format(&m->owner, sid);
	if (m->flags & LKF_HAS_REC) {
		e = rec_open_encode(&m->rec, level, a, &rec);
		if (e < 0)
			return e;
		p.rec = bytes(rec.data, rec.len);
	}
	if (p.flags & LKF_LEASE) {
		e = rec_lease_encode(&m->lease, a, &lease);
		if (e < 0)
			return e;
		p.lease = bytes(lease.data, lease.len);
	}
	if (m->n_ranges > 0 && put_ranges(m, a, &p) < 0)
		return -ENOMEM;
	out = arena_alloc(a, hf_lock__msg__get_packed_size(&p));
	if (!out)
		return -ENOMEM;
	*ret = BLOB(out, hf_lock__msg__pack(&p, out));
	return 0;
}

static int get_guid(ProtobufCBinaryData b, struct guid *g)
{
	if (b.len != 0 && b.len != 16)
		return -EBADMSG;
	if (b.len)
		memcpy(g->b, b.data, 16);
	return 0;
}

static int get_text(const char *s, size_t max, char **ret)
{
	if (strlen(s) > max)
		return -EBADMSG;
	return *s ? rec_set_str(ret, s) : 0;
}

static int get_scalars(const HfLock__Msg *p, struct lk_msg *m)
{
	if (p->kind < LKM_OPEN || p->kind >= LKM_KINDS || (p->flags & ~(unsigned int)LKF_ALL) ||
	    p->asked >= LKM_KINDS || p->seq_index > REC_LOCK_SEQS || p->seq_number > 15 ||
	    p->outcome > LK_OUTCOME_LAST || p->outcome < -4095 || p->from_incarnation == 0 ||
	    strlen(p->client) >= sizeof(m->client))
		return -EBADMSG;
	m->kind = (enum lk_kind)p->kind;
	m->flags = p->flags & ~LKF_HAS_REC;
	m->from = (struct place){ .node = p->from_node,
				  .worker = p->from_worker,
				  .incarnation = p->from_incarnation };
	m->req = p->req;
	m->epoch = p->epoch;
	m->prev = p->prev;
	m->slot = p->slot;
	m->id = p->id;
	m->outcome = p->outcome;
	m->asked = (enum lk_kind)p->asked;
	m->seq =
		(struct lk_seq){ .index = (uint8_t)p->seq_index, .number = (uint8_t)p->seq_number };
	m->key.inode = p->inode;
	m->key.generation = p->generation;
	m->session_id = p->session_id;
	strcpy(m->client, p->client);
	m->volatile_id = p->volatile_id;
	m->version = p->version;
	m->file_version = p->file_version;
	m->deadline = p->deadline;
	m->count = p->count;
	m->target = p->target;
	m->timeout_ms = p->timeout_ms;
	return 0;
}

static int get_ranges(const HfLock__Msg *p, struct lk_msg *m)
{
	if (p->n_ranges > LK_RANGES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < p->n_ranges; i++)
		m->ranges[i] = (struct lk_range){ .offset = p->ranges[i]->offset,
						  .length = p->ranges[i]->length,
						  .exclusive = p->ranges[i]->exclusive };
	m->n_ranges = (unsigned int)p->n_ranges;
	return 0;
}

static int get_rest(const HfLock__Msg *p, struct lk_msg *m)
{
	if (get_guid(p->volume, &m->key.volume) < 0 ||
	    get_guid(p->client_guid, &m->client_guid) < 0 ||
	    get_guid(p->create_guid, &m->create_guid) < 0 ||
	    get_guid(p->lease_key, &m->lease_key) < 0)
		return -EBADMSG;
	if ((m->flags & LKF_HAS_OWNER) && sid_parse(p->owner, &m->owner) < 0)
		return -EBADMSG;
	return get_ranges(p, m);
}

/* Whether a message of this kind carries what its handler relies on. */
static bool complete(const struct lk_msg *m)
{
	bool rec = m->flags & LKF_HAS_REC;

	switch (m->kind) {
	case LKM_OPEN:
	case LKM_REASSERT:
		return rec && m->rec.n_locks <= REC_LOCKS_MAX;
	case LKM_LOCK:
	case LKM_UNLOCK:
		return m->n_ranges > 0;
	case LKM_IO:
		return m->n_ranges == 1;
	default:
		return true;
	}
}

static int get_msg(const HfLock__Msg *p, struct lk_msg *m)
{
	int e = get_scalars(p, m);

	if (e == 0)
		e = get_rest(p, m);
	if (e == 0)
		e = get_text(p->path, REC_PATH_MAX, &m->path);
	if (e == 0)
		e = get_text(p->share_name, REC_NAME_MAX, &m->share_name);
	if (e == 0 && (p->flags & LKF_HAS_REC)) {
		e = rec_open_decode(BLOB(p->rec.data, p->rec.len), &m->rec);
		if (e == 0)
			m->flags |= LKF_HAS_REC;
	}
	if (e == 0 && (p->flags & LKF_LEASE))
		e = rec_lease_decode(BLOB(p->lease.data, p->lease.len), &m->lease);
	if (e == 0 && !complete(m))
		e = -EBADMSG;
	return e;
}

int msg_decode(struct blob b, struct lk_msg *ret)
{
	HfLock__Msg *p = hf_lock__msg__unpack(NULL, b.len, b.data);
	int e;

	if (!p)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	e = get_msg(p, ret);
	hf_lock__msg__free_unpacked(p, NULL);
	if (e < 0)
		msg_done(ret);
	return e;
}
