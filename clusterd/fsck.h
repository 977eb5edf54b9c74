/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is wrong with the records of the state store, slot by slot, through statestore/store.h alone. Nothing is
 * changed; aside_move() mends. On the thread that may call the store.
 */
#ifndef HF_CLUSTERD_FSCK_H
#define HF_CLUSTERD_FSCK_H

#include "clusterd/client/view.h"
#include "node/base/htable.h"
#include "statestore/record.h"
#include "statestore/store.h"

enum fsck_problem {
	FSCK_DAMAGED,    /* cannot be read, or lies under the key of another open */
	FSCK_NEWER,      /* written by a newer release */
	FSCK_STRAY,      /* a key that no release wrote */
	FSCK_WRONG_SLOT, /* its id names another slot */
	FSCK_WRONG_FILE, /* its file belongs to another slot */
	FSCK_ORPHAN,     /* its home is gone and its deadline is over, but nobody closed it */
	FSCK_DUPLICATE,  /* the same client made another open by the same create guid */
	FSCK_EPOCH,      /* the slot was claimed under a view that is newer than the newest view */
};

struct fsck_finding {
	enum fsck_problem problem;
	uint32_t slot;
	struct blob key;    /* of the record; no bytes: FSCK_EPOCH */
	const char *detail;
	bool live;          /* the slot's owner is a member of the view: the records are its own */
	uint64_t epoch;     /* under which the slot is owned */
};

/* Called while a slot is read; everything in `x` lives until it returns. A result below 0 ends the check. */
typedef int fsck_found_fn(void *arg, const struct fsck_finding *x);

struct fsck {
	const struct view *view; /* the newest one in the store */
	uint64_t now;            /* wall clock, ns */
	fsck_found_fn *found;
	void *arg;
	uint64_t records, aside; /* so far: of opens, and those that were moved aside */
	struct htable creates;   /* create guids so far */
};

/* `view` is referenced by the caller until fsck_done(). */
void fsck_init(struct fsck *f, const struct view *view, uint64_t now, fsck_found_fn *found, void *arg);
void fsck_done(struct fsck *f);
/* Looks at one slot. -errno of the store or of found(). */
int fsck_slot(struct fsck *f, struct store *s, uint32_t slot);

enum fsck_place {
	FSCK_PLACED,
	FSCK_PLACE_ID,   /* its id names another slot */
	FSCK_PLACE_FILE, /* its file belongs to another slot */
};
/* Whether a record that lies in `slot`, of `n_slots`, belongs there. */
enum fsck_place fsck_place(const struct rec_open *r, uint32_t slot, uint32_t n_slots);

/* "damaged" ... */
const char *fsck_problem_name(enum fsck_problem p);
/* Whether a record with this problem may be moved aside, with the epoch of the finding, when no member of the view owns its slot. */
bool fsck_movable(enum fsck_problem p);

#endif
