/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One client of hfhandles: opens, locks, comes back, reclaims. Its own thread. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "node/base/clock.h"
#include "smbd/wire/break.h"
#include "smbd/wire/close.h"
#include "smbd/wire/create_ctx.h"
#include "smbd/wire/lock.h"
#include "tests/bench/holder.h"
#include "tests/bench/names.h"

#define DIRECTORY "hfhandles"

int holder_fail(struct holder *h, int err, const char *fmt, ...)
{
	va_list ap;

	if (h->error[0])
		return err;
	va_start(ap, fmt);
	vsnprintf(h->error, sizeof(h->error), fmt, ap);
	va_end(ap);
	return err;
}

int holder_refused(struct holder *h, const char *what, int r, struct ntstatus status)
{
	char buf[11];

	if (r < 0)
		return holder_fail(h, r, "%s: %s", what, h->c ? conn_error(h->c) : strerror(-r));
	if (!ntstatus_is_ok(status))
		return holder_fail(h, -EIO, "%s: %s", what, ntstatus_str(status, buf));
	return 0;
}

int holder_init(struct holder *h, const struct plan *p, unsigned int number, unsigned int n)
{
	unsigned int i;

	*h = (struct holder){ .plan = p, .number = number, .n = n, .client_guid = guid_random() };
	h->opens = calloc(n + 1, sizeof(*h->opens));
	h->lifts = calloc(p->depth, sizeof(*h->lifts));
	for (i = 0; h->lifts && i < p->depth; i++)
		h->lifts[i].h = h;
	return h->opens && h->lifts ? 0 : -ENOMEM;
}

static void leave(struct holder *h)
{
	conn_free(h->c);
	sess_unref(h->s);
	h->c = NULL;
	h->s = NULL;
}

void holder_done(struct holder *h)
{
	leave(h);
	free(h->opens);
	free(h->lifts);
}

int holder_come(struct holder *h, const struct net_addr *addr)
{
	const struct login in = { .user = h->plan->user, .password = h->plan->password };
	struct smb2_tree_connect_resp resp;
	struct ntstatus status = { 0 };
	struct conn_config cfg;
	int r;

	conn_config_init(&cfg);
	cfg.timeout_ns = h->plan->patience_ns;
	cfg.client_guid = h->client_guid;
	r = conn_open(addr, &cfg, &h->c);
	if (r < 0)
		return r;
	h->c->want_credits = (uint16_t)MIN(h->plan->depth + 64, 4000u);
	r = holder_refused(h, "negotiate", login_negotiate(h->c, &status), status);
	if (r == 0)
		r = holder_refused(h, "login", login_session(h->c, &in, &h->s, &status), status);
	if (r == 0)
		r = holder_refused(h, "tree connect", login_tree(h->c, h->s, h->plan->share, &h->tree, &resp, &status),
			    status);
	return r;
}

void put_create(struct msg *m, size_t hdr, const char *name, uint32_t options, const struct smb2_create_ctxs_req *c)
{
	uint8_t utf16[256], ctxs[256];
	struct wr w = wr_fixed(ctxs, sizeof(ctxs));
	struct smb2_create_req req = {
		.impersonation_level = SMB2_IMPERSONATION_IMPERSONATION,
		.desired_access = SMB2_FILE_GENERIC_READ | SMB2_FILE_GENERIC_WRITE,
		.share_access = 7,
		.disposition = SMB2_FILE_OPEN_IF,
		.options = options,
	};

	req.name = BLOB(utf16, widen(name, utf16));
	if (c) {
		if (c->present & SMB2_CTX_RQLS)
			req.oplock_level = SMB2_OPLOCK_LEVEL_LEASE;
		smb2_create_ctxs_req_encode(&w, c);
		req.contexts = wr_blob(&w);
	}
	smb2_create_req_encode(&m->w, hdr, &req);
}

void put_lock(struct msg *m, size_t hdr, struct smb2_fileid id)
{
	struct smb2_lock_element e = { .length = 1,
				       .flags = SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY };
	struct smb2_lock_req req = { .file_id = id, .locks = &e, .n_locks = 1 };

	smb2_lock_req_encode(&m->w, hdr, &req);
}

void holder_file(const struct holder *h, unsigned int i, char *buf, size_t len)
{
	snprintf(buf, len, DIRECTORY "\\c%u\\%u", h->number, i);
}

/* --- what is done to every open --- */

struct work {
	const char *what;
	uint16_t command;
	void (*put)(struct lift *l, struct msg *m, size_t hdr);
	void (*done)(struct call *call, const struct smb2_hdr *hdr, struct blob msg);
	bool want_held; /* only those that are held, or only those that are not */
};

static struct held_open *lift_end(struct call *call, const struct smb2_hdr *hdr, const char *what)
{
	struct lift *l = container_of(call, struct lift, call);

	l->busy = false;
	l->h->busy--;
	return holder_refused(l->h, what, 0, hdr->status) < 0 ? NULL : &l->h->opens[l->index];
}

static uint32_t kind_of(const struct holder *h)
{
	return h->plan->directories ? SMB2_FILE_DIRECTORY_FILE : SMB2_FILE_NON_DIRECTORY_FILE;
}

void put_lease(struct smb2_create_ctxs_req *c, const struct guid *key, uint32_t state)
{
	c->present |= SMB2_CTX_RQLS;
	c->lease = (struct smb2_lease_ctx){ .version = 2, .key = *key, .state = state };
}

static void put_open(struct lift *l, struct msg *m, size_t hdr)
{
	struct held_open *o = &l->h->opens[l->index];
	struct smb2_create_ctxs_req c = { .present = SMB2_CTX_DH2Q };
	char name[64];

	o->create_guid = guid_random();
	c.dh2q.flags = SMB2_DHANDLE_FLAG_PERSISTENT;
	c.dh2q.timeout = 120000;
	c.dh2q.create_guid = o->create_guid;
	if (l->h->plan->lease) {
		o->lease_key = guid_random();
		put_lease(&c, &o->lease_key, l->h->plan->lease);
	}
	holder_file(l->h, l->index, name, sizeof(name));
	put_create(m, hdr, name, kind_of(l->h), &c);
}

static bool dir_leases(const struct holder *h)
{
	return h->plan->directories && h->plan->lease;
}

/* Whether an open has, or has again, the lease that was asked for. `breaking`: it may be on its way back. */
static bool leased(struct holder *h, const struct held_open *o, const struct smb2_create_ctxs_resp *c, const char *what,
		   bool breaking)
{
	if (!h->plan->lease)
		return true;
	if ((c->present & SMB2_CTX_RQLS) && guid_equal(&c->lease.key, &o->lease_key) && c->lease.state == h->plan->lease &&
	    (breaking || !(c->lease.flags & SMB2_LEASE_FLAG_BREAK_IN_PROGRESS)))
		return true;
	holder_fail(h, -EPROTO, "%s: not the lease that was asked for: state %u instead of %u, flags %u", what,
		    c->present & SMB2_CTX_RQLS ? c->lease.state : 0, h->plan->lease, c->lease.flags);
	return false;
}

static void opened(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct holder *h = container_of(call, struct lift, call)->h;
	struct held_open *o = lift_end(call, hdr, "open");
	struct smb2_create_ctxs_resp c = { 0 };
	struct smb2_create_resp resp;

	if (!o)
		return;
	if (smb2_create_resp_decode(msg, &resp) < 0 || smb2_create_ctxs_resp_decode(resp.contexts, &c) < 0 ||
	    !(c.present & SMB2_CTX_DH2Q) || !(c.dh2q.flags & SMB2_DHANDLE_FLAG_PERSISTENT)) {
		holder_fail(h, -EPROTO, "an open was not granted as a persistent one");
		return;
	}
	if (!leased(h, o, &c, "open", false))
		return;
	o->id = resp.file_id;
	o->held = true;
}

static void put_its_lock(struct lift *l, struct msg *m, size_t hdr)
{
	put_lock(m, hdr, l->h->opens[l->index].id);
}

static void locked(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	lift_end(call, hdr, "lock");
}

static void put_reclaim(struct lift *l, struct msg *m, size_t hdr)
{
	struct held_open *o = &l->h->opens[l->index];
	struct smb2_create_ctxs_req c = { .present = SMB2_CTX_DH2C };
	char name[64];

	c.dh2c.file_id = o->id;
	c.dh2c.create_guid = o->create_guid;
	c.dh2c.flags = SMB2_DHANDLE_FLAG_PERSISTENT;
	if (l->h->plan->lease)
		put_lease(&c, &o->lease_key, l->h->plan->lease);
	holder_file(l->h, l->index, name, sizeof(name));
	put_create(m, hdr, name, kind_of(l->h), &c);
}

static void reclaimed(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct holder *h = container_of(call, struct lift, call)->h;
	struct held_open *o = lift_end(call, hdr, "reclaim");
	struct smb2_create_ctxs_resp c = { 0 };
	struct smb2_create_resp resp;

	if (!o)
		return;
	if (smb2_create_resp_decode(msg, &resp) < 0 || smb2_create_ctxs_resp_decode(resp.contexts, &c) < 0) {
		holder_fail(h, -EPROTO, "the answer to a reclaim is malformed");
		return;
	}
	if (!leased(h, o, &c, "reclaim", dir_leases(h)))
		return;
	o->id = resp.file_id;
	o->held = true;
	h->all_ns = conn_now();
	if (!h->first_ns)
		h->first_ns = h->all_ns;
}

static void probed(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct holder *h = container_of(call, struct lift, call)->h;
	struct held_open *o = lift_end(call, hdr, "probe");
	struct smb2_create_resp resp;

	if (!o || smb2_create_resp_decode(msg, &resp) < 0)
		return;
	o->id = resp.file_id;
	o->held = true;
	h->all_ns = conn_now();
}

/* A file that nobody had open, without more than an open. */
static void put_probe(struct lift *l, struct msg *m, size_t hdr)
{
	char name[64];

	snprintf(name, sizeof(name), DIRECTORY "\\p%u", l->index);
	put_create(m, hdr, name, SMB2_FILE_NON_DIRECTORY_FILE, NULL);
}

static void put_close(struct lift *l, struct msg *m, size_t hdr)
{
	struct smb2_close_req req = { .file_id = l->h->opens[l->index].id };

	smb2_close_req_encode(&m->w, hdr, &req);
}

static void closed(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct held_open *o = lift_end(call, hdr, "close");

	if (o)
		o->held = false;
}

/* --- leases on directories: when a node has left that may have changed something unheard, all are taken back --- */

static void take_breaks(struct holder *h)
{
	for (unsigned int i = 0; dir_leases(h) && i < h->c->n_broken; i++) {
		const struct smb2_lease_break_notify *n = &h->c->broken[i].lease_notify;
		struct held_open *o = h->opens;

		while (o < h->opens + h->n && !guid_equal(&o->lease_key, &n->key))
			o++;
		if (o == h->opens + h->n || o->broken || h->c->broken[i].kind != SMB2_BREAK_LEASE_NOTIFY || n->new_state)
			holder_fail(h, -EPROTO, "a break of no lease, or one that was broken: from %u to %u", n->current_state,
				    n->new_state);
		else
			o->broken = true;
	}
	if (dir_leases(h))
		h->c->n_broken = 0;
}

static void put_ack(struct lift *l, struct msg *m, size_t hdr)
{
	struct smb2_break ack = { .kind = SMB2_BREAK_LEASE_ACK };

	ack.lease_ack.key = l->h->opens[l->index].lease_key;
	smb2_break_encode(&m->w, hdr, &ack);
}

static void acked(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	lift_end(call, hdr, "acknowledgement");
}

static void put_again(struct lift *l, struct msg *m, size_t hdr)
{
	struct smb2_create_ctxs_req c = { 0 };
	char name[64];

	put_lease(&c, &l->h->opens[l->index].lease_key, l->h->plan->lease);
	holder_file(l->h, l->index, name, sizeof(name));
	put_create(m, hdr, name, kind_of(l->h), &c);
}

static void had_again(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	struct holder *h = container_of(call, struct lift, call)->h;
	struct held_open *o = lift_end(call, hdr, "asking again");
	struct smb2_create_ctxs_resp c = { 0 };
	struct smb2_create_resp resp;

	if (!o)
		return;
	if (smb2_create_resp_decode(msg, &resp) < 0 || smb2_create_ctxs_resp_decode(resp.contexts, &c) < 0)
		holder_fail(h, -EPROTO, "the answer to who asks again is malformed");
	else if (leased(h, o, &c, "asking again", false))
		o->again = resp.file_id;
}

static void put_close_again(struct lift *l, struct msg *m, size_t hdr)
{
	struct smb2_close_req req = { .file_id = l->h->opens[l->index].again };

	smb2_close_req_encode(&m->w, hdr, &req);
}

static void closed_again(struct call *call, const struct smb2_hdr *hdr, struct blob msg)
{
	lift_end(call, hdr, "close");
}

static const struct work work_ack = { "acknowledgement", SMB2_OPLOCK_BREAK, put_ack, acked, true };
static const struct work work_again = { "asking again", SMB2_CREATE, put_again, had_again, true };
static const struct work work_close_again = { "close", SMB2_CLOSE, put_close_again, closed_again, true };
static const struct work work_open = { "open", SMB2_CREATE, put_open, opened, false };
static const struct work work_lock = { "lock", SMB2_LOCK, put_its_lock, locked, true };
static const struct work work_reclaim = { "reclaim", SMB2_CREATE, put_reclaim, reclaimed, false };
static const struct work work_probe = { "probe", SMB2_CREATE, put_probe, probed, false };
static const struct work work_close = { "close", SMB2_CLOSE, put_close, closed, true };

static int lift_send(struct lift *l, const struct work *w)
{
	struct holder *h = l->h;
	const struct msg_head head = { .command = w->command, .sess = h->s, .tree_id = h->tree };
	struct msg m;
	size_t hdr;

	l->call = (struct call){ .done = w->done };
	l->busy = true;
	h->busy++;
	msg_begin(&m, h->c);
	hdr = msg_add(&m, &l->call, &head);
	w->put(l, &m, hdr);
	return msg_send(&m);
}

/* Keeps `depth` requests on their way until it was done to all. */
static int run(struct holder *h, const struct work *w)
{
	unsigned int next = 0, i;
	int r = 0;

	while (!h->error[0]) {
		for (i = 0; i < h->plan->depth && r == 0; i++) {
			while (next < h->n && h->opens[next].held != w->want_held)
				next++;
			if (h->lifts[i].busy || next == h->n)
				continue;
			h->lifts[i].index = next++;
			r = lift_send(&h->lifts[i], w);
		}
		if (r == 0 && h->busy == 0)
			return 0;
		if (r == 0)
			r = conn_receive(h->c, conn_deadline(h->c));
		if (r < 0)
			return holder_fail(h, r, "%s: %s", w->what, conn_error(h->c));
		take_breaks(h);
	}
	return -EIO;
}

/* --- the story --- */

static int make_directory(struct holder *h, const char *name)
{
	const struct msg_head head = { .command = SMB2_CREATE, .sess = h->s, .tree_id = h->tree };
	struct call call = { 0 };
	struct msg m;
	size_t hdr;
	int r;

	msg_begin(&m, h->c);
	hdr = msg_add(&m, &call, &head);
	put_create(&m, hdr, name, SMB2_FILE_DIRECTORY_FILE, NULL);
	r = msg_send(&m);
	if (r == 0)
		r = conn_wait(h->c, &call, false, conn_deadline(h->c));
	r = holder_refused(h, name, r, call.hdr.status);
	call_done(&call);
	return r;
}

static const struct timespec pause10 = { .tv_nsec = 10 * 1000000L };

/* Connects to a node which may not be ready, or have too many that are not logged in yet. */
static int come_patiently(struct holder *h, const struct net_addr *addr, const char *what)
{
	uint64_t end = conn_now() + h->plan->patience_ns;
	int r;

	/* The one that dies may still take a connection: what counts is what a server answers. */
	while ((r = holder_come(h, addr)) < 0 && r != -EIO && r != -EPROTO && conn_now() < end) {
		leave(h);
		h->error[0] = '\0';
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause10, NULL);
	}
	return r < 0 ? holder_refused(h, what, r, (struct ntstatus){ 0 }) : 0;
}

int holder_open(struct holder *h)
{
	char name[64];
	int r = come_patiently(h, &h->plan->first, "connecting");

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), DIRECTORY "\\c%u", h->number);
	r = make_directory(h, DIRECTORY);
	if (r == 0)
		r = make_directory(h, name);
	if (r == 0)
		r = run(h, &work_open);
	return r < 0 || h->plan->directories ? r : run(h, &work_lock);
}

int holder_regain(struct holder *h)
{
	int r = 0;

	if (!dir_leases(h))
		return 0;
	take_breaks(h);
	for (unsigned int i = 0; i < h->n && r == 0; i++)
		while (!h->opens[i].broken && r == 0) {
			r = conn_receive(h->c, conn_deadline(h->c));
			if (r < 0)
				return holder_fail(h, r, "a lease is not taken back: %s", conn_error(h->c));
			take_breaks(h);
			r = h->error[0] ? -EPROTO : 0;
		}
	if (r == 0)
		r = run(h, &work_ack);
	if (r == 0)
		r = run(h, &work_again);
	return r < 0 ? r : run(h, &work_close_again);
}

int holder_reclaim(struct holder *h)
{
	uint64_t none = 0;
	unsigned int i;
	int r = conn_wait_close(h->c, conn_deadline(h->c));

	if (r < 0)
		return holder_fail(h, r, "the connection does not end");
	h->lost_ns = conn_now();
	atomic_compare_exchange_strong(h->lost, &none, h->lost_ns);
	leave(h);
	for (i = 0; i < h->n; i++)
		h->opens[i].held = false;
	r = come_patiently(h, &h->plan->next, "coming back");
	return r < 0 ? r : run(h, &work_reclaim);
}

int holder_probe(struct holder *h, const _Atomic(uint64_t) *lost)
{
	int r;

	while (!(h->lost_ns = atomic_load(lost)))
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause10, NULL);
	r = come_patiently(h, &h->plan->next, "coming back");
	if (r == 0)
		r = run(h, &work_probe);
	return r < 0 ? r : run(h, &work_close);
}

int holder_close(struct holder *h)
{
	return run(h, &work_close);
}
