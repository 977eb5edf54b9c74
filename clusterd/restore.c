/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See restore.h. */
#include "clusterd/restore.h"

#include "clusterd/fsck.h"
#include "node/base/clock.h"
#include "statestore/record.h"

/* What else is in the slot. */
struct neighbours {
	struct blob key; /* that the record had */
	struct file_key file;
	enum restore_verdict verdict;
};

const char *restore_verdict_text(enum restore_verdict v)
{
	static const char *const texts[] = {
		[RESTORE_DONE] = "put back",
		[RESTORE_DAMAGED] = "it still cannot be read",
		[RESTORE_NEWER] = "a newer release wrote it; install that on this node",
		[RESTORE_STRAY] = "no release looks for a record under its key",
		[RESTORE_MISPLACED] = "its id or its file belongs to another slot",
		[RESTORE_SERVED] = "its slot is served; stop smbd on all nodes, start clusterd alone, run this command again",
		[RESTORE_TAKEN] = "there is another record under its key",
		[RESTORE_OPENED] = "its file was opened since, and that open survives",
		[RESTORE_UNCLEAR] = "another record of its slot cannot be read; run \"holdfast state repair\" first",
	};

	return texts[v];
}

static int look_at(void *arg, struct blob key, struct blob val)
{
	struct neighbours *n = arg;
	struct rec_open r;
	uint64_t id;
	int e;

	if (rec_open_key_parse(key, &id) < 0)
		return 0;
	if (blob_equal(key, n->key)) {
		n->verdict = RESTORE_TAKEN;
		return 1;
	}
	e = rec_open_check(key, val, &r);
	if (e == -EBADMSG || e == -EPROTONOSUPPORT) {
		n->verdict = RESTORE_UNCLEAR;
		return 1;
	}
	if (e < 0)
		return e;
	if (file_key_equal(&r.key, &n->file))
		n->verdict = RESTORE_OPENED;
	rec_open_done(&r);
	return 0;
}

static int judge(struct store *s, uint32_t slot, struct blob key, const struct rec_open *r, enum restore_verdict *ret)
{
	struct neighbours n = { .key = key, .file = r->key, .verdict = RESTORE_DONE };
	int e;

	if (fsck_place(r, slot, store_info(s)->slots) != FSCK_PLACED) {
		*ret = RESTORE_MISPLACED;
		return 0;
	}
	e = store_scan(s, slot, look_at, &n);
	*ret = n.verdict;
	return MIN(e, 0);
}

static int put_back(struct store *s, uint32_t slot, uint64_t epoch, struct blob key, struct blob aside,
		    const struct rec_open *r, uint32_t level)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct store_mut m[2];
	struct blob val;
	int e = rec_open_encode(r, level, &a, &val);

	if (e < 0)
		return e;
	m[0] = (struct store_mut){ key, val };
	m[1] = (struct store_mut){ aside, BLOB(NULL, 0) };
	return store_write(s, slot, epoch, m, 2);
}

/* 0: it can be taken; 1: not, and why. */
static int read_record(struct blob key, struct blob val, struct rec_open *ret, enum restore_verdict *ret_why)
{
	uint64_t id;
	int e = rec_open_key_parse(key, &id) < 0 ? -ENOENT : rec_open_check(key, val, ret);

	*ret_why = e == -ENOENT ? RESTORE_STRAY : e == -EPROTONOSUPPORT ? RESTORE_NEWER : RESTORE_DAMAGED;
	return e == -ENOENT || e == -EPROTONOSUPPORT || e == -EBADMSG ? 1 : e;
}

int restore_record(struct store *s, const struct view *view, uint32_t slot, struct blob key, uint64_t now,
		   enum restore_verdict *ret)
{
	_cleanup_arena_ struct arena a = { 0 };
	struct store_owner owner;
	struct blob val, was;
	struct rec_open r;
	int e;

	if (key.len < 2 || key.data[0] != REC_ASIDE_PREFIX)
		return -ENOENT;
	was = BLOB(key.data + 1, key.len - 1);
	e = store_get(s, slot, key, &a, &val);
	if (e == 0)
		e = store_slot_owner(s, slot, &owner);
	if (e == 0)
		e = read_record(was, val, &r, ret);
	if (e != 0)
		return MIN(e, 0);
	if (owner.epoch && view_has(view, owner.node, owner.incarnation))
		*ret = RESTORE_SERVED;
	else
		e = judge(s, slot, was, &r, ret);
	if (e == 0 && *ret == RESTORE_DONE) {
		if (r.disconnected)
			r.deadline = now + r.timeout_ms * NSEC_PER_MSEC;
		e = put_back(s, slot, owner.epoch, was, key, &r, view->level);
		if (e == -ESTALE) {
			*ret = RESTORE_SERVED; /* by who has just claimed it */
			e = 0;
		}
	}
	rec_open_done(&r);
	return e;
}
