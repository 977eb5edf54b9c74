/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A deletion that waits until the last open of its file is closed is in the records of the persistent opens of the file. When the
 * last one of these is closed before others are, its record stays, in phase REC_DELETING: the mark. So the deletion outlives
 * the owner together with the homes of those others. A file that only ordinary opens want deleted has none: their homes' word
 * is all there is, as for everything about them. On the owner's worker.
 */
#include "smbd/lock/core_priv.h"

bool mark_needed(const struct lk_ent *e)
{
	const struct lk_file *f = e->file;
	const struct lk_ent *o;

	if (!f->delete_pending || !e->rec.persistent || f->mark)
		return false;
	list_foreach(o, &f->opens, in_file)
		if (o != e && o->rec.persistent)
			return false;
	return true;
}

void mark_drop(struct lk_core *c, struct lk_file *f, struct fx *fx)
{
	if (f->mark)
		ent_remove(c, f->mark, fx);
}

void mark_renamed(struct lk_file *f, const char *path, struct fx *fx)
{
	if (f->mark && rec_set_str(&f->mark->rec.path, path) == 0)
		ent_changed(f->mark, fx);
}

void mark_settle(struct lk_core *c, struct lk_file *f, struct fx *fx)
{
	struct lk_ent *e, *tmp;

	list_foreach_safe(e, tmp, &f->opens, in_file) {
		if (e->rec.phase != REC_DELETING)
			continue;
		f->delete_pending = true;
		if (f->n_opens == 1 || !e->rec.persistent)
			continue;
		if (f->mark)
			ent_remove(c, e, fx);
		else
			ent_mark(c, e, fx);
	}
}
