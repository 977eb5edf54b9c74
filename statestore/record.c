/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record of an open between struct and bytes. Pure; any thread. */
#include "statestore/record.h"

#include <stdio.h>

#include "statestore/record.pb-c.h"

enum {
	F_DIRECTORY = 1u << 0,
	F_PERSISTENT = 1u << 1,
	F_DURABLE = 1u << 2,
	F_DURABLE_V2 = 1u << 3,
	F_DELETE_ON_CLOSE = 1u << 4,
	F_DELETE_PENDING = 1u << 5,
	F_CONSUMED = 1u << 6,
	F_DISCONNECTED = 1u << 7,
	F_APP_VERSION = 1u << 8,
	F_ALL = (1u << 9) - 1,
};

static void put_le64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void file_key_bytes(const struct file_key *k, uint8_t out[static FILE_KEY_SIZE])
{
	memcpy(out, k->volume.b, 16);
	put_le64(out + 16, k->inode);
	put_le64(out + 24, k->generation);
}

void rec_open_done(struct rec_open *r)
{
	free(r->share_name);
	free(r->user);
	free(r->path);
	free(r->locks);
	*r = (struct rec_open){ 0 };
}

int rec_set_str(char **field, const char *s)
{
	char *c = NULL;

	if (s) {
		c = strdup(s);
		if (!c)
			return -ENOMEM;
	}
	free(*field);
	*field = c;
	return 0;
}

int rec_open_copy(const struct rec_open *from, struct rec_open *ret)
{
	struct rec_open c = *from;

	c.share_name = c.user = c.path = NULL;
	c.locks = NULL;
	if (rec_set_str(&c.share_name, from->share_name) < 0 ||
	    rec_set_str(&c.user, from->user) < 0 || rec_set_str(&c.path, from->path) < 0)
		goto fail;
	if (from->n_locks > 0) {
		c.locks = malloc(from->n_locks * sizeof(*c.locks));
		if (!c.locks)
			goto fail;
		memcpy(c.locks, from->locks, from->n_locks * sizeof(*c.locks));
	}
	*ret = c;
	return 0;
fail:
	rec_open_done(&c);
	return -ENOMEM;
}

static bool same_locks(const struct rec_open *a, const struct rec_open *b)
{
	uint32_t i;

	if (a->n_locks != b->n_locks)
		return false;
	for (i = 0; i < a->n_locks; i++)
		if (a->locks[i].offset != b->locks[i].offset || a->locks[i].length != b->locks[i].length ||
		    a->locks[i].req != b->locks[i].req || a->locks[i].exclusive != b->locks[i].exclusive)
			return false;
	return true;
}

static bool same_lease(const struct rec_lease *a, const struct rec_lease *b)
{
	return a->present == b->present && guid_equal(&a->key, &b->key) && a->state == b->state &&
	       a->breaking == b->breaking && a->breaking_to == b->breaking_to && a->epoch == b->epoch &&
	       a->change == b->change && a->ack_req == b->ack_req;
}

bool rec_open_same_state(const struct rec_open *a, const struct rec_open *b)
{
	return strcmp(a->path ?: "", b->path ?: "") == 0 && a->delete_on_close == b->delete_on_close &&
	       a->delete_pending == b->delete_pending && a->file_version == b->file_version &&
	       a->consumed == b->consumed && a->phase == b->phase && same_lease(&a->lease, &b->lease) &&
	       same_locks(a, b) && a->unlock_req == b->unlock_req && a->unlock_outcome == b->unlock_outcome &&
	       memcmp(a->lock_seq, b->lock_seq, sizeof(a->lock_seq)) == 0;
}

static ProtobufCBinaryData bytes(const void *p, size_t n)
{
	return (ProtobufCBinaryData){ .len = n, .data = (uint8_t *)(uintptr_t)p };
}

static char *text(const char *s)
{
	return s ? (char *)(uintptr_t)s : (char *)(uintptr_t) "";
}

static uint32_t flags_of(const struct rec_open *r)
{
	return (r->directory ? F_DIRECTORY : 0) | (r->persistent ? F_PERSISTENT : 0) |
	       (r->durable ? F_DURABLE : 0) | (r->durable_v2 ? F_DURABLE_V2 : 0) |
	       (r->delete_on_close ? F_DELETE_ON_CLOSE : 0) |
	       (r->delete_pending ? F_DELETE_PENDING : 0) | (r->consumed ? F_CONSUMED : 0) |
	       (r->disconnected ? F_DISCONNECTED : 0) | (r->has_app_version ? F_APP_VERSION : 0);
}

static bool sizes_ok(const struct rec_open *r)
{
	return r->handle_len <= REC_HANDLE_MAX && r->n_locks <= REC_LOCKS_MAX &&
	       (!r->path || strlen(r->path) <= REC_PATH_MAX) &&
	       (!r->user || strlen(r->user) <= REC_NAME_MAX) &&
	       (!r->share_name || strlen(r->share_name) <= REC_NAME_MAX);
}

static bool any_seq(const struct rec_open *r)
{
	for (size_t i = 0; i < REC_LOCK_SEQS; i++)
		if (r->lock_seq[i])
			return true;
	return false;
}

static int put_locks(const struct rec_open *r, struct arena *a, HfRec__Open *m)
{
	HfRec__Lock *l = arena_calloc(a, r->n_locks, sizeof(*l));
	HfRec__Lock **pl = arena_calloc(a, r->n_locks, sizeof(*pl));

	if (!l || !pl)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->n_locks; i++) {
		hf_rec__lock__init(&l[i]);
		l[i].offset = r->locks[i].offset;
		l[i].length = r->locks[i].length;
		l[i].exclusive = r->locks[i].exclusive;
		l[i].req = r->locks[i].req;
		pl[i] = &l[i];
	}
	m->locks = pl;
	m->n_locks = r->n_locks;
	return 0;
}

static void put_lease(const struct rec_lease *l, HfRec__Lease *m)
{
	hf_rec__lease__init(m);
	m->key = bytes(l->key.b, 16);
	if (l->has_parent)
		m->parent_key = bytes(l->parent_key.b, 16);
	m->state = l->state;
	m->breaking_to = l->breaking_to;
	m->epoch = l->epoch;
	m->version = l->version;
	m->breaking = l->breaking;
	m->change = l->change;
	m->ack_req = l->ack_req;
}

int rec_lease_encode(const struct rec_lease *l, struct arena *a, struct blob *ret)
{
	HfRec__Lease m;
	uint8_t *p;

	put_lease(l, &m);
	p = arena_alloc(a, hf_rec__lease__get_packed_size(&m));
	if (!p)
		return -ENOMEM;
	*ret = BLOB(p, hf_rec__lease__pack(&m, p));
	return 0;
}

static void put_identity(const struct rec_open *r, HfRec__Open *m)
{
	m->id = r->id;
	m->volume = bytes(r->key.volume.b, 16);
	m->inode = r->key.inode;
	m->generation = r->key.generation;
	m->flags = flags_of(r);
	m->client_guid = bytes(r->client_guid.b, 16);
	if (r->has_create_guid)
		m->create_guid = bytes(r->create_guid.b, 16);
	if (r->has_app_id)
		m->app_id = bytes(r->app_id.b, 16);
	m->app_version_high = r->app_version_high;
	m->app_version_low = r->app_version_low;
	m->access = r->access;
	m->share = r->share;
	m->options = r->options;
	m->timeout_ms = r->timeout_ms;
	m->share_name = text(r->share_name);
	m->user = text(r->user);
	m->handle = bytes(r->handle, r->handle_len);
	m->opened_at = r->opened_at;
}

static void put_state(const struct rec_open *r, HfRec__Open *m)
{
	m->change = r->version;
	m->path = text(r->path);
	m->file_version = r->file_version;
	m->phase = r->phase;
	m->unlock_req = r->unlock_req;
	m->unlock_outcome = r->unlock_outcome;
	if (any_seq(r))
		m->lock_seq = bytes(r->lock_seq, REC_LOCK_SEQS);
	m->home_node = r->home_node;
	m->home_worker = r->home_worker;
	m->home_incarnation = r->home_incarnation;
	m->open_req = r->open_req;
	m->session_id = r->session_id;
	m->client = (char *)(uintptr_t)r->client;
	m->volatile_id = r->volatile_id;
	m->deadline = r->deadline;
}

int rec_open_encode(const struct rec_open *r, uint32_t level, struct arena *a, struct blob *ret)
{
	HfRec__Open m = HF_REC__OPEN__INIT;
	HfRec__Lease lease;
	char sid[SID_STR_SIZE];
	uint8_t *p;
	size_t n;

	if (!sizes_ok(r))
		return -EMSGSIZE;
	m.version = level_row(level)->record;
	put_identity(r, &m);
	put_state(r, &m);
	m.action = level >= LEVEL_LEASES ? r->action : 0;
	m.allocated = level >= LEVEL_LEASES ? r->allocated : 0;
	if (r->has_owner)
		m.owner = sid_format(&r->owner, sid);
	if (r->lease.present && level >= LEVEL_LEASES) {
		put_lease(&r->lease, &lease);
		m.lease = &lease;
	}
	if (r->n_locks > 0 && put_locks(r, a, &m) < 0)
		return -ENOMEM;
	n = hf_rec__open__get_packed_size(&m);
	p = arena_alloc(a, n);
	if (!p)
		return -ENOMEM;
	*ret = BLOB(p, hf_rec__open__pack(&m, p));
	return 0;
}

/* Copies 16 bytes when they are there; whether they were is in `ret_has` (NULL: they must be). */
static int get_guid(ProtobufCBinaryData b, struct guid *g, bool *ret_has)
{
	if (b.len == 0 && ret_has) {
		*ret_has = false;
		return 0;
	}
	if (b.len != 16)
		return -EBADMSG;
	memcpy(g->b, b.data, 16);
	if (ret_has)
		*ret_has = true;
	return 0;
}

static int get_text(const char *s, size_t max, char **ret)
{
	size_t n = strlen(s);

	if (n > max)
		return -EBADMSG;
	return n == 0 ? 0 : rec_set_str(ret, s);
}

static int get_locks(const HfRec__Open *m, struct rec_open *r)
{
	if (m->n_locks > REC_LOCKS_MAX)
		return -EBADMSG;
	if (m->n_locks == 0)
		return 0;
	r->locks = calloc(m->n_locks, sizeof(*r->locks));
	if (!r->locks)
		return -ENOMEM;
	r->n_locks = (uint32_t)m->n_locks;
	for (size_t i = 0; i < m->n_locks; i++) {
		const HfRec__Lock *l = m->locks[i];

		if (l->length > 0 && l->offset > UINT64_MAX - (l->length - 1))
			return -EBADMSG;
		r->locks[i] = (struct rec_lock){ .offset = l->offset,
						 .length = l->length,
						 .req = l->req,
						 .exclusive = l->exclusive };
	}
	return 0;
}

/* The states that there are, and what one may be breaking to. */
static bool lease_ok(const HfRec__Lease *m)
{
	if (m->state > 7 || (m->breaking_to & ~m->state) || (m->breaking_to && !m->breaking))
		return false;
	return m->epoch <= UINT16_MAX && m->version <= 2;
}

static int get_lease(const HfRec__Lease *m, struct rec_lease *l)
{
	if (!lease_ok(m) || get_guid(m->key, &l->key, NULL) < 0 ||
	    get_guid(m->parent_key, &l->parent_key, &l->has_parent) < 0)
		return -EBADMSG;
	l->present = true;
	l->state = m->state;
	l->breaking = m->breaking;
	l->breaking_to = l->required = m->breaking_to;
	l->epoch = (uint16_t)m->epoch;
	l->version = (uint8_t)m->version;
	l->change = m->change;
	l->ack_req = m->ack_req;
	return 0;
}

int rec_lease_decode(struct blob b, struct rec_lease *ret)
{
	HfRec__Lease *m = hf_rec__lease__unpack(NULL, b.len, b.data);
	struct rec_lease l = { 0 };
	int e;

	if (!m)
		return -EBADMSG;
	e = get_lease(m, &l);
	hf_rec__lease__free_unpacked(m, NULL);
	if (e == 0)
		*ret = l;
	return e;
}

static void get_flags(uint32_t f, struct rec_open *r)
{
	r->directory = f & F_DIRECTORY;
	r->persistent = f & F_PERSISTENT;
	r->durable = f & F_DURABLE;
	r->durable_v2 = f & F_DURABLE_V2;
	r->delete_on_close = f & F_DELETE_ON_CLOSE;
	r->delete_pending = f & F_DELETE_PENDING;
	r->consumed = f & F_CONSUMED;
	r->disconnected = f & F_DISCONNECTED;
	r->has_app_version = f & F_APP_VERSION;
}

static void get_scalars(const HfRec__Open *m, struct rec_open *r)
{
	r->encoding = m->version;
	r->id = m->id;
	r->key.inode = m->inode;
	r->key.generation = m->generation;
	r->app_version_high = m->app_version_high;
	r->app_version_low = m->app_version_low;
	r->access = m->access;
	r->share = m->share;
	r->options = m->options;
	r->action = m->action;
	r->allocated = m->allocated;
	r->timeout_ms = m->timeout_ms;
	r->opened_at = m->opened_at;
	r->version = m->change;
	r->file_version = m->file_version;
	r->phase = m->phase == REC_DELETING ? REC_DELETING : REC_OPEN;
	r->unlock_req = m->unlock_req;
	r->unlock_outcome = m->unlock_outcome;
	r->home_node = m->home_node;
	r->home_worker = m->home_worker;
	r->home_incarnation = m->home_incarnation;
	r->open_req = m->open_req;
	r->session_id = m->session_id;
	r->volatile_id = m->volatile_id;
	r->deadline = m->deadline;
}

static int get_guids(const HfRec__Open *m, struct rec_open *r)
{
	int e = get_guid(m->volume, &r->key.volume, NULL);

	if (e == 0)
		e = get_guid(m->client_guid, &r->client_guid, NULL);
	if (e == 0)
		e = get_guid(m->create_guid, &r->create_guid, &r->has_create_guid);
	if (e == 0)
		e = get_guid(m->app_id, &r->app_id, &r->has_app_id);
	return e;
}

static int get_bytes(const HfRec__Open *m, struct rec_open *r)
{
	if (m->handle.len > REC_HANDLE_MAX ||
	    (m->lock_seq.len != 0 && m->lock_seq.len != REC_LOCK_SEQS))
		return -EBADMSG;
	if (m->handle.len)
		memcpy(r->handle, m->handle.data, m->handle.len);
	r->handle_len = (uint16_t)m->handle.len;
	for (size_t i = 0; i < m->lock_seq.len; i++) {
		if (m->lock_seq.data[i] > 16)
			return -EBADMSG;
		r->lock_seq[i] = m->lock_seq.data[i];
	}
	if (*m->owner) {
		if (sid_parse(m->owner, &r->owner) < 0)
			return -EBADMSG;
		r->has_owner = true;
	}
	return 0;
}

static int get_open(const HfRec__Open *m, struct rec_open *r)
{
	int e;

	if (m->version > level_row(level_own().max)->record)
		return -EPROTONOSUPPORT;
	if (m->version == 0 || (m->flags & ~F_ALL) || m->phase > REC_DELETING)
		return -EBADMSG;
	get_flags(m->flags, r);
	get_scalars(m, r);
	e = get_guids(m, r);
	if (e == 0)
		e = get_bytes(m, r);
	if (e == 0)
		e = get_text(m->share_name, REC_NAME_MAX, &r->share_name);
	if (e == 0)
		e = get_text(m->user, REC_NAME_MAX, &r->user);
	if (e == 0)
		e = get_text(m->path, REC_PATH_MAX, &r->path);
	if (e == 0 && strlen(m->client) >= sizeof(r->client))
		e = -EBADMSG;
	if (e == 0)
		strcpy(r->client, m->client);
	if (e == 0 && m->lease)
		e = get_lease(m->lease, &r->lease);
	return e == 0 ? get_locks(m, r) : e;
}

int rec_open_decode(struct blob b, struct rec_open *ret)
{
	HfRec__Open *m = hf_rec__open__unpack(NULL, b.len, b.data);
	struct rec_open r = { 0 };
	int e;

	if (!m)
		return -EBADMSG;
	e = get_open(m, &r);
	hf_rec__open__free_unpacked(m, NULL);
	if (e < 0) {
		rec_open_done(&r);
		return e;
	}
	*ret = r;
	return 0;
}

void rec_open_key(uint64_t id, uint8_t out[static REC_OPEN_KEY_SIZE])
{
	out[0] = 'o';
	for (int i = 0; i < 8; i++)
		out[1 + i] = (uint8_t)(id >> (56 - 8 * i));
}

int rec_open_key_parse(struct blob key, uint64_t *ret_id)
{
	uint64_t id = 0;

	if (key.len != REC_OPEN_KEY_SIZE || key.data[0] != 'o')
		return -EBADMSG;
	for (int i = 0; i < 8; i++)
		id = id << 8 | key.data[1 + i];
	*ret_id = id;
	return 0;
}

int rec_open_check(struct blob key, struct blob val, struct rec_open *ret)
{
	struct rec_open r;
	uint64_t id;
	int e = rec_open_key_parse(key, &id);

	if (e == 0)
		e = rec_open_decode(val, &r);
	if (e < 0)
		return e;
	if (r.id != id) {
		rec_open_done(&r);
		return -EBADMSG;
	}
	*ret = r;
	return 0;
}

void rec_repair_name(uint32_t slot, char out[static REC_REPAIR_NAME_SIZE])
{
	snprintf(out, REC_REPAIR_NAME_SIZE, "slot %u", slot);
}

/* The leading letter says what it is a key of (after 'q': was); what follows is a number. */
char *rec_key_text(struct blob key, char out[static REC_KEY_TEXT_SIZE])
{
	size_t n = 0, i = 0;

	while (i < key.len && key.data[i] >= 'a' && key.data[i] <= 'z' && (i == 0 || (i == 1 && out[0] == REC_ASIDE_PREFIX)))
		out[n++] = (char)key.data[i++];
	for (; i < key.len && n + 3 <= REC_KEY_TEXT_SIZE; i++)
		n += (size_t)snprintf(out + n, REC_KEY_TEXT_SIZE - n, "%02x", key.data[i]);
	out[n] = '\0';
	return out;
}
