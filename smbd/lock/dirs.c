/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leases on directories as decided by the owner (MS-SMB2 3.3.5.9.11, MS-FSA 2.1.4.12 with
 * PARENT_OBJECT): never of writes, broken by every change of an entry but those that name its key
 * as ParentLeaseKey. Nobody waits for such a break. Of changes the owner hears by the events that
 * CHANGE_NOTIFY lives on, so none is granted before everybody knows that they are wanted; and where
 * one may have been missed, all are broken. On the owner's worker.
 */
#include "smbd/lock/core_priv.h"

#include "node/base/fault.h"

void dirs_limit(const struct lk_core *c, struct rec_open *w)
{
	w->lease.state &= LEASE_R | LEASE_H;
	if (w->lease.version < 2 || !c->dirs_armed || !c->dirs_armed(c->dirs_arg, c->slot))
		w->lease.state = 0;
}

static void break_lease(struct lk_core *c, struct lk_lease *l, struct fx *fx)
{
	if (!fault(FAULT_NO_DIRECTORY_BREAK))
		caching_break(c, l, LEASE_OP_WRITE, fx);
}

void core_dir_changed(struct lk_core *c, const struct file_key *dir, const struct guid *by,
		      struct fx *fx)
{
	const struct lk_file *f = file_find(c, dir);
	struct lk_lease *l;

	if (!f)
		return;
	list_foreach(l, &f->leases, in_file)
		if (!list_empty(&l->in_dirs) && !(by && guid_equal(&l->m.key, by)))
			break_lease(c, l, fx);
}

void core_dirs_missed(struct lk_core *c, struct fx *fx)
{
	struct lk_lease *l;

	list_foreach(l, &c->dirs, in_dirs)
		break_lease(c, l, fx);
}

void dirs_settle(struct lk_core *c, struct lk_file *f, struct fx *fx)
{
	core_dir_changed(c, &f->key, NULL, fx);
}

bool core_dirs_wanted(const struct lk_core *c)
{
	const struct lk_lease *l;

	list_foreach(l, &c->dirs, in_dirs)
		if (lease_caches_reads(&l->m))
			return true;
	return false;
}
