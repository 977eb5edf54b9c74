/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ends a client's former session: on this worker directly, on another one by mail. */
#include "smbd/proto/previous.h"

#include "node/log/log.h"
#include "smbd/proto/conn.h"
#include "smbd/proto/worker.h"

struct errand {
	struct mail mail;
	struct worker *from, *to;
	struct task *waiter; /* on `from` */
	uint64_t id;
	struct sid owner;
	bool done;
};

/* On the worker where the session would be. */
static void end_here(struct worker *w, uint64_t id, const struct sid *owner)
{
	struct session *s = session_find_any(w, id);

	if (!s || s->state == SESSION_IN_PROGRESS || !sid_equal(&s->owner_sid, owner))
		return;
	session_ref(s);
	if (!session_close(s, NULL, OPEN_END_DISCONNECT))
		(void)gate_wait(&s->ended, 0);
	session_unref(s);
}

static void errand_back(struct mail *m)
{
	struct errand *e = container_of(m, struct errand, mail);

	e->done = true;
	task_wake(e->waiter);
}

static void errand_task(void *arg)
{
	struct errand *e = arg;

	end_here(e->to, e->id, &e->owner);
	e->mail.run = errand_back;
	loop_post(e->from->loop, &e->mail);
}

static void errand_arrived(struct mail *m)
{
	struct errand *e = container_of(m, struct errand, mail);

	if (task_spawn(e->to->loop, errand_task, e, NULL) < 0) {
		log_err("a client's former session stays: no memory");
		e->mail.run = errand_back;
		loop_post(e->from->loop, &e->mail);
	}
}

void previous_session_end(struct worker *w, uint64_t id, const struct sid *owner)
{
	struct session_home home = session_id_home(id);
	struct smbd *smbd = w->smbd;
	struct errand e;

	if (home.node != (smbd->node_id & 0xffff) || home.worker >= smbd->n_workers)
		return;
	task_shield_begin();
	if (home.worker == w->index) {
		end_here(w, id, owner);
	} else {
		e = (struct errand){ .from = w, .to = &smbd->workers[home.worker], .waiter = task_current(),
				     .id = id, .owner = *owner, .mail.run = errand_arrived };
		loop_post(e.to->loop, &e.mail);
		while (!e.done)
			(void)task_park();
	}
	task_shield_end();
}
