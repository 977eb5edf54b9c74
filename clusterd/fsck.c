/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of the records in the state store. */
#include "clusterd/fsck.h"

#include <inttypes.h>
#include <stdio.h>

#include "clusterd/client/place.h"
#include "node/base/clock.h"
#include "node/base/hash.h"

/* An owner closes what is past its deadline within a moment; this is no moment any more. */
#define GRACE_NS (60 * NSEC_PER_SEC)

struct create {
	struct hnode node;
	struct guid client, create;
	uint64_t id;
};

/* One slot. */
struct scan {
	struct fsck *f;
	uint32_t slot, n_slots;
	struct store_owner owner;
	bool live;
};

const char *fsck_problem_name(enum fsck_problem p)
{
	static const char *const names[] = {
		[FSCK_DAMAGED] = "damaged",	    [FSCK_NEWER] = "newer",
		[FSCK_STRAY] = "stray",		    [FSCK_WRONG_SLOT] = "wrong-slot",
		[FSCK_WRONG_FILE] = "wrong-file",   [FSCK_ORPHAN] = "orphan",
		[FSCK_DUPLICATE] = "duplicate",	    [FSCK_EPOCH] = "epoch",
	};

	return names[p];
}

bool fsck_movable(enum fsck_problem p)
{
	return p == FSCK_DAMAGED || p == FSCK_NEWER || p == FSCK_STRAY || p == FSCK_WRONG_SLOT || p == FSCK_WRONG_FILE;
}

void fsck_init(struct fsck *f, const struct view *view, uint64_t now, fsck_found_fn *found, void *arg)
{
	*f = (struct fsck){ .view = view, .now = now, .found = found, .arg = arg };
}

void fsck_done(struct fsck *f)
{
	struct htable_iter it;
	struct hnode *n;

	htable_foreach(n, &it, &f->creates) {
		htable_remove(&f->creates, n);
		free(htable_entry(n, struct create, node));
	}
	htable_done(&f->creates);
}

static int found(struct scan *c, enum fsck_problem p, struct blob key, const char *detail)
{
	struct fsck_finding x = { .problem = p, .slot = c->slot, .key = key, .detail = detail, .live = c->live,
				  .epoch = c->owner.epoch };

	return c->f->found(c->f->arg, &x);
}

enum fsck_place fsck_place(const struct rec_open *r, uint32_t slot, uint32_t n_slots)
{
	if ((r->id & 0xffff) != slot)
		return FSCK_PLACE_ID;
	return place_slot_of_file(&r->key, n_slots) == slot ? FSCK_PLACED : FSCK_PLACE_FILE;
}

static int check_place(struct scan *c, struct blob key, const struct rec_open *r)
{
	char text[96];

	switch (fsck_place(r, c->slot, c->n_slots)) {
	case FSCK_PLACE_ID:
		snprintf(text, sizeof(text), "its id names slot %u", (unsigned int)(r->id & 0xffff));
		return found(c, FSCK_WRONG_SLOT, key, text);
	case FSCK_PLACE_FILE:
		snprintf(text, sizeof(text), "its file (inode %" PRIu64 ") belongs to slot %u", r->key.inode,
			 place_slot_of_file(&r->key, c->n_slots));
		return found(c, FSCK_WRONG_FILE, key, text);
	default:
		return 0;
	}
}

static int check_orphan(struct scan *c, struct blob key, const struct rec_open *r)
{
	char text[96];

	if (!r->disconnected || view_has(c->f->view, r->home_node, r->home_incarnation) ||
	    r->deadline + GRACE_NS >= c->f->now)
		return 0;
	snprintf(text, sizeof(text), "should have been closed %" PRIu64 " s ago",
		 (c->f->now - r->deadline) / NSEC_PER_SEC);
	return found(c, FSCK_ORPHAN, key, text);
}

static int check_duplicate(struct scan *c, struct blob key, const struct rec_open *r)
{
	uint64_t h = hash64(&r->client_guid, sizeof(r->client_guid), 1) ^ hash64(&r->create_guid, sizeof(r->create_guid), 2);
	struct create *e;
	struct hnode *n;
	char text[96];

	if (!r->has_create_guid || r->phase == REC_DELETING)
		return 0;
	for (n = htable_find(&c->f->creates, h); n; n = htable_find_next(n)) {
		e = htable_entry(n, struct create, node);
		if (!guid_equal(&e->client, &r->client_guid) || !guid_equal(&e->create, &r->create_guid))
			continue;
		snprintf(text, sizeof(text), "the same open as %016" PRIx64 " in slot %u", e->id,
			 (unsigned int)(e->id & 0xffff));
		return found(c, FSCK_DUPLICATE, key, text);
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->client = r->client_guid;
	e->create = r->create_guid;
	e->id = r->id;
	htable_insert(&c->f->creates, &e->node, h);
	return 0;
}

static int check_record(void *arg, struct blob key, struct blob val)
{
	struct scan *c = arg;
	struct rec_open r;
	uint64_t id;
	char text[64];
	int e;

	if (key.len > 1 && key.data[0] == REC_ASIDE_PREFIX) {
		c->f->aside++;
		return 0;
	}
	if (rec_open_key_parse(key, &id) < 0)
		return found(c, FSCK_STRAY, key, "no release of this program writes such a key");
	c->f->records++;
	e = rec_open_check(key, val, &r);
	if (e == -EBADMSG || e == -EPROTONOSUPPORT) {
		snprintf(text, sizeof(text), "%zu bytes that %s", val.len,
			 e == -EBADMSG ? "cannot be read" : "a newer release wrote");
		return found(c, e == -EBADMSG ? FSCK_DAMAGED : FSCK_NEWER, key, text);
	}
	if (e < 0)
		return e;
	e = check_place(c, key, &r);
	if (e == 0)
		e = check_orphan(c, key, &r);
	if (e == 0)
		e = check_duplicate(c, key, &r);
	rec_open_done(&r);
	return e;
}

int fsck_slot(struct fsck *f, struct store *s, uint32_t slot)
{
	struct scan c = { .f = f, .slot = slot, .n_slots = store_info(s)->slots };
	char text[96];
	int e = store_slot_owner(s, slot, &c.owner);

	if (e < 0)
		return e;
	c.live = c.owner.epoch && view_has(f->view, c.owner.node, c.owner.incarnation);
	if (c.owner.epoch > f->view->epoch) {
		snprintf(text, sizeof(text), "claimed by node %u under epoch %" PRIu64 ", the newest view has %" PRIu64,
			 c.owner.node, c.owner.epoch, f->view->epoch);
		e = found(&c, FSCK_EPOCH, BLOB(NULL, 0), text);
	}
	return e < 0 ? e : store_scan(s, slot, check_record, &c);
}
