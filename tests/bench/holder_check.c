/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another client that must not get what the holders of hfhandles have. The main thread. */
#include <stdio.h>

#include "node/base/clock.h"
#include "smbd/wire/break.h"
#include "tests/bench/holder.h"

/* What the other one has on its way. */
struct try {
	struct holder *h, *other;
	const struct held_open *open;
	char name[96];
	struct call create;
	struct smb2_create_resp resp;
	struct smb2_create_ctxs_resp ctx;
};

static struct msg_head head_of(const struct holder *h, uint16_t command)
{
	return (struct msg_head){ .command = command, .sess = h->s, .tree_id = h->tree };
}

static int call_wait(struct holder *h, struct msg *m, struct call *call)
{
	int r = msg_send(m);

	return r < 0 ? r : conn_wait(h->c, call, false, conn_deadline(h->c));
}

static int send_create(struct try *t)
{
	const struct msg_head head = head_of(t->other, SMB2_CREATE);
	const struct guid key = guid_random();
	struct smb2_create_ctxs_req c = { 0 };
	bool lease = t->h->plan->lease && !t->h->plan->directories;
	struct msg m;
	size_t hdr;

	if (lease)
		put_lease(&c, &key, t->h->plan->lease);
	msg_begin(&m, t->other->c);
	hdr = msg_add(&m, &t->create, &head);
	put_create(&m, hdr, t->name, SMB2_FILE_NON_DIRECTORY_FILE, lease ? &c : NULL);
	return msg_send(&m);
}

static int end_create(struct try *t)
{
	int r = conn_wait(t->other->c, &t->create, false, conn_deadline(t->other->c));

	r = holder_refused(t->other, t->name, r, t->create.hdr.status);
	if (r == 0 && (smb2_create_resp_decode(t->create.reply, &t->resp) < 0 ||
		       smb2_create_ctxs_resp_decode(t->resp.contexts, &t->ctx) < 0))
		r = holder_fail(t->other, -EPROTO, "a CREATE response is malformed");
	return r;
}

/* Waits for the break of this lease to be the first one. Those before it are of a try that is over: a lock takes read caching
 * away, also one that is refused. */
static int await_break(struct try *t)
{
	struct conn *c = t->h->c;
	int r = 0;

	while (r == 0) {
		while (r == 0 && c->n_broken == 0)
			r = conn_receive(c, conn_deadline(c));
		if (r < 0 || (c->broken[0].kind == SMB2_BREAK_LEASE_NOTIFY &&
			      guid_equal(&c->broken[0].lease_notify.key, &t->open->lease_key)))
			break;
		c->n_broken--;
		memmove(&c->broken[0], &c->broken[1], c->n_broken * sizeof(c->broken[0]));
	}
	return r;
}

/* The holder hears of the break, and acknowledges it. `lost`: what it has to give up. */
static int give_way(struct try *t, uint32_t lost)
{
	const struct msg_head head = head_of(t->h, SMB2_OPLOCK_BREAK);
	struct conn *c = t->h->c;
	const struct smb2_lease_break_notify *n = &c->broken[0].lease_notify;
	struct smb2_break ack = { .kind = SMB2_BREAK_LEASE_ACK };
	struct call call = { 0 };
	struct msg m;
	size_t hdr;
	int r = await_break(t);

	if (r < 0)
		return holder_fail(t->other, r, "%s: its holder hears of no break: %s", t->name, conn_error(c));
	if (n->current_state != t->h->plan->lease || (n->new_state & lost))
		return holder_fail(t->other, -EPROTO, "%s: its holder hears of another break: from %u to %u", t->name,
				   n->current_state, n->new_state);
	ack.lease_ack.key = t->open->lease_key;
	ack.lease_ack.state = n->new_state;
	c->n_broken = 0;
	msg_begin(&m, c);
	hdr = msg_add(&m, &call, &head);
	smb2_break_encode(&m.w, hdr, &ack);
	r = holder_refused(t->other, "acknowledgement", call_wait(t->h, &m, &call), call.hdr.status);
	call_done(&call);
	return r;
}

static int try_lock(struct try *t)
{
	const struct msg_head head = head_of(t->other, SMB2_LOCK);
	struct call call = { 0 };
	struct msg m;
	size_t hdr;
	int r;

	msg_begin(&m, t->other->c);
	hdr = msg_add(&m, &call, &head);
	put_lock(&m, hdr, t->resp.file_id);
	r = call_wait(t->other, &m, &call);
	if (r == 0 && !ntstatus_eq(call.hdr.status, NT_STATUS_LOCK_NOT_GRANTED))
		r = holder_fail(t->other, -EIO, "%s: a lock that somebody else holds was not refused", t->name);
	call_done(&call);
	return r;
}

/* Its open has to wait until the holder of the lease has given up caching writes, and gets no such lease. */
static int try_file(struct try *t)
{
	bool asked = t->h->plan->lease & SMB2_LEASE_WRITE_CACHING;
	int r = send_create(t);

	if (r == 0 && asked) {
		r = conn_wait(t->other->c, &t->create, true, conn_deadline(t->other->c));
		if (r == 0 && t->create.state == CALL_DONE)
			r = holder_fail(t->other, -EIO, "%s: opened although another client caches writes", t->name);
		if (r == 0)
			r = give_way(t, SMB2_LEASE_WRITE_CACHING);
	}
	if (r == 0)
		r = end_create(t);
	if (r == 0 && asked && (t->ctx.present & SMB2_CTX_RQLS) && (t->ctx.lease.state & SMB2_LEASE_WRITE_CACHING))
		r = holder_fail(t->other, -EIO, "%s: two clients may cache writes", t->name);
	return r < 0 ? r : try_lock(t);
}

/* A new name in a directory that is cached. */
static int try_directory(struct try *t)
{
	size_t n = strlen(t->name);
	int r;

	snprintf(t->name + n, sizeof(t->name) - n, "\\new");
	r = send_create(t);
	if (r == 0)
		r = give_way(t, SMB2_LEASE_READ_CACHING);
	return r < 0 ? r : end_create(t);
}

int holder_check(struct holder *h, struct holder *other, unsigned int max)
{
	unsigned int i, step = MAX(h->n / MAX(max, 1u), 1u);
	int r = other->c ? 0 : holder_come(other, &h->plan->next);

	for (i = 0; i < h->n && r == 0; i += step) {
		struct try t = { .h = h, .other = other, .open = &h->opens[i] };

		holder_file(h, i, t.name, sizeof(t.name));
		r = h->plan->directories ? try_directory(&t) : try_file(&t);
		call_done(&t.create);
	}
	return r < 0 ? holder_refused(other, "checking what is held", r, (struct ntstatus){ 0 }) : 0;
}
