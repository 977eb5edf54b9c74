/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Putting back a record that was moved aside (statestore/aside.h), through statestore/store.h alone. Only in a slot that no
 * running smbd owns: an owner that serves may have granted meanwhile what the record contradicts. On the thread that may
 * call the store.
 */
#ifndef HF_CLUSTERD_RESTORE_H
#define HF_CLUSTERD_RESTORE_H

#include "clusterd/client/view.h"
#include "statestore/store.h"

enum restore_verdict {
	RESTORE_DONE,
	RESTORE_DAMAGED,   /* it still cannot be read */
	RESTORE_NEWER,     /* a newer release wrote it */
	RESTORE_STRAY,     /* no release looks for a record under its key */
	RESTORE_MISPLACED, /* its id or its file belongs to another slot */
	RESTORE_SERVED,    /* a running smbd owns its slot */
	RESTORE_TAKEN,     /* there is a record under its key */
	RESTORE_OPENED,    /* others have opened its file since */
	RESTORE_UNCLEAR,   /* another record of its slot cannot be read: it may be of the same file */
};

/* "still damaged" ... : why it is left where it is, and what to do. */
const char *restore_verdict_text(enum restore_verdict v);
/* Puts the record that lies under `key` (with REC_ASIDE_PREFIX) in `slot` back under the key it had. `view` is the newest one in the
 * store, `now` the wall clock (ns): a client that has to come back has its whole time-out for that. 0 and a verdict;
 * -ENOENT there is no such record; or a fault of the store. */
int restore_record(struct store *s, const struct view *view, uint32_t slot, struct blob key, uint64_t now,
		   enum restore_verdict *ret);

#endif
