/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ends a client's former session on the worker that is its home. */
#include "smbd/proto/previous.h"

#include "node/log/log.h"
#include "smbd/proto/call.h"

struct former {
	uint64_t id;
	struct sid owner;
};

void previous_session_end_here(struct worker *w, uint64_t id, const struct sid *owner)
{
	struct session *s = session_find_any(w, id);

	if (!s || s->state == SESSION_IN_PROGRESS || !sid_equal(&s->owner_sid, owner))
		return;
	session_ref(s);
	if (!session_close(s, NULL, OPEN_END_DISCONNECT))
		(void)gate_wait(&s->ended, 0);
	session_unref(s);
}

static void end_here(struct worker *w, void *arg)
{
	const struct former *f = arg;

	previous_session_end_here(w, f->id, &f->owner);
}

void previous_session_end(struct worker *w, uint64_t id, const struct sid *owner)
{
	struct session_home home = session_id_home(id);
	struct former f = { .id = id, .owner = *owner };
	struct smbd *smbd = w->smbd;

	int r;

	if (home.node != (smbd->node_id & 0xffff)) {
		r = smbd->end_session ? smbd->end_session(w, home, id, owner) : -ENOENT;
		if (r != 0 && r != -ENOENT)
			log_info(
				"a client's former session on another node was not ended: error=%s",
				log_errno(r));
		return;
	}
	if (home.worker >= smbd->n_workers)
		return;
	if (worker_call(&smbd->workers[home.worker], end_here, &f) < 0)
		log_err("a client's former session stays: no memory");
}
