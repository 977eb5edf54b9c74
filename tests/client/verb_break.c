/* SPDX-License-Identifier: GPL-3.0-or-later */
/* broken and ack: breaks of oplocks and leases, and what a client says to them. One thread. */
#include "node/base/clock.h"
#include "tests/client/verbs.h"

static const struct named levels[] = {
	{ "none", SMB2_OPLOCK_LEVEL_NONE },	      { "ii", SMB2_OPLOCK_LEVEL_II },
	{ "exclusive", SMB2_OPLOCK_LEVEL_EXCLUSIVE }, { "batch", SMB2_OPLOCK_LEVEL_BATCH },
	{ "lease", SMB2_OPLOCK_LEVEL_LEASE },	      { NULL, 0 },
};

static bool about(const struct smb2_break *b, const struct handle *h)
{
	return b->kind == SMB2_BREAK_OPLOCK ? b->oplock.file_id.persistent_id == h->id.persistent_id &&
						      b->oplock.file_id.volatile_id == h->id.volatile_id :
					      h->lease_version && guid_equal(&b->lease_notify.key, &h->lease_key);
}

static bool take(struct conn *c, const struct handle *h, struct smb2_break *ret)
{
	for (unsigned int i = 0; i < c->n_broken; i++) {
		if (!about(&c->broken[i], h))
			continue;
		*ret = c->broken[i];
		memmove(&c->broken[i], &c->broken[i + 1], (--c->n_broken - i) * sizeof(*ret));
		return true;
	}
	return false;
}

static void tell(struct step *st, const struct smb2_break *b)
{
	if (b->kind == SMB2_BREAK_OPLOCK) {
		result_num(&st->res, "to", b->oplock.oplock_level);
		return;
	}
	result_num(&st->res, "from", b->lease_notify.current_state);
	result_num(&st->res, "to", b->lease_notify.new_state);
	result_num(&st->res, "epoch", b->lease_notify.new_epoch);
	result_num(&st->res, "ack", (b->lease_notify.flags & SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED) != 0);
}

/* broken HANDLE: the next notification about its lease or its oplock */
static int run_broken(struct step *st)
{
	struct handle *h = world_handle(st->w, st->arg[0]);
	struct smb2_break b;
	uint64_t ms, until;
	int r = step_opt_num(st, "within", 5000, &ms);

	if (r < 0)
		return r;
	if (!h)
		return step_fail(st, "there is no handle '%s'", st->arg[0]);
	if (!st->c->conn)
		return step_fail(st, "the client is not connected");
	until = conn_now() + ms * NSEC_PER_MSEC;
	while (!take(st->c->conn, h, &b)) {
		r = conn_receive(st->c->conn, until);
		if (r < 0)
			return step_fault(st, r);
	}
	tell(st, &b);
	return 0;
}

static uint32_t lease_bits(const char *v)
{
	uint32_t s = 0;

	for (; *v; v++)
		s |= *v == 'R' ? SMB2_LEASE_READ_CACHING :
		     *v == 'H' ? SMB2_LEASE_HANDLE_CACHING :
		     *v == 'W' ? SMB2_LEASE_WRITE_CACHING :
				 0;
	return s;
}

/* ack HANDLE STATE: of its lease, letters of RHW or "-"; of its oplock: a level */
static int prepare_ack(struct step *st, struct msg *m)
{
	struct smb2_break b = { .kind = SMB2_BREAK_OPLOCK };
	struct smb2_fileid id;
	uint32_t level;
	size_t hdr;
	int r = step_handle(st, 0, &id);

	if (r < 0)
		return r;
	if (st->handle && st->handle->lease_version) {
		b = (struct smb2_break){ .kind = SMB2_BREAK_LEASE_ACK,
					 .lease_ack = { .key = st->handle->lease_key, .state = lease_bits(st->arg[1]) } };
		r = step_opt_guid(st, "lease_key", &b.lease_ack.key);
	} else {
		r = named_find(st, "level", levels, st->arg[1], &level);
		if (r == 0)
			b.oplock = (struct smb2_oplock_break){ .oplock_level = (uint8_t)level, .file_id = id };
	}
	if (r < 0)
		return r;
	hdr = step_add(st, m, SMB2_OPLOCK_BREAK, st->tree, 0);
	smb2_break_encode(&m->w, hdr, &b);
	return 0;
}

static int finish_ack(struct step *st)
{
	struct smb2_break b;

	if (!step_ok(st))
		return 0;
	if (smb2_break_resp_decode(st->call.reply, &b) < 0 || b.kind == SMB2_BREAK_LEASE_NOTIFY)
		return -EPROTO;
	result_num(&st->res, "state", b.kind == SMB2_BREAK_OPLOCK ? b.oplock.oplock_level : b.lease_ack.state);
	return 0;
}

const struct verb verbs_break[] = {
	{ "broken", 1, 1, " within ", NULL, NULL, run_broken },
	{ "ack", 2, 2, " lease_key ", prepare_ack, finish_ack, NULL },
	{ NULL, 0, 0, NULL, NULL, NULL, NULL },
};
