/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an owner tells the home of an open unasked: permits, the file's state, that it is closed. On
 * the worker's loop. */
#include "smbd/lock/lockc_priv.h"

static void ack(struct lockc *c, const struct lk_msg *note)
{
	struct lk_msg m = {
		.kind = LKM_NOTE_ACK, .slot = note->slot, .id = note->id, .req = note->req
	};

	if (note->req != 0)
		lockc_send(c, &note->from, &m);
}

void home_acks(struct lockc *c, struct lk_open *o)
{
	struct held *h;

	if (o->io > 0)
		return;
	while ((h = list_first(&o->acks, struct held, link))) {
		struct lk_msg m;

		list_remove(&h->link);
		if (msg_decode(BLOB(h->data, h->len), &m) == 0) {
			ack(c, &m);
			msg_done(&m);
		}
		free(h);
	}
	list_remove(&o->in_io);
}

/* An open that is gone while a READ or WRITE of it still runs. */
static struct lk_open *find_in_io(struct lockc *c, uint64_t id)
{
	struct lk_open *o;

	list_foreach(o, &c->in_io, in_io)
		if (o->rec.id == id)
			return o;
	return NULL;
}

/* Acknowledges once no READ or WRITE that began under the old rules runs any more. */
static void ack_after_io(struct lockc *c, struct lk_open *o, const struct lk_msg *m)
{
	if (m->req == 0 || c->stopping)
		return;
	if (o->io == 0) {
		ack(c, m);
		return;
	}
	/* When it does not fit in memory it is lost, and the note comes again. */
	if (hold(&o->acks, m) && list_empty(&o->in_io))
		list_append(&c->in_io, &o->in_io);
}

static void new_state(struct lk_open *o, struct lk_msg *m)
{
	if (m->file_version < o->rec.file_version)
		return;
	o->rec.file_version = m->file_version;
	o->rec.delete_pending = m->flags & LKF_DELETE_PENDING;
	free(o->rec.path);
	o->rec.path = TAKE_PTR(m->path);
}

static void gone(struct lockc *c, struct lk_open *o, int why)
{
	if (o->gone)
		return;
	home_open_remove(c, o);
	if (c->cfg.gone)
		c->cfg.gone(c->cfg.arg, o, (enum lk_gone)why);
}

void home_note(struct lockc *c, struct lk_msg *m)
{
	struct lk_open *o = lockc_find(c, m->id);

	if (m->flags & LKF_LEASE)
		home_lease(c, &m->client_guid, m->id, &m->lease, m->flags);
	if (!o) {
		o = find_in_io(c, m->id);
		if (o)
			ack_after_io(c, o, m);
		else
			ack(c, m);
		return;
	}
	home_open_ref(o);
	if (m->flags & LKF_RECALL)
		o->permit = false;
	if (m->flags & (LKF_RECALL | LKF_RECALL_WRITE))
		o->write_permit = false;
	if (m->flags & LKF_PERMIT) {
		o->permit = !o->rec.disconnected && o->rec.phase == REC_OPEN;
		o->write_permit = o->permit && lk_write_permit(m->flags, c->view);
	}
	if (m->flags & LKF_STATE)
		new_state(o, m);
	/* Not when it was given to us again after the note was written. */
	if ((m->flags & LKF_GONE) && m->version >= o->rec.version)
		gone(c, o, m->outcome);
	ack_after_io(c, o, m);
	home_open_unref(o);
}
