/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Calls between workers, and from main. */
#include "smbd/proto/call.h"

#include <sys/eventfd.h>

#include "node/log/log.h"

struct call {
	struct mail mail;
	struct worker *to;
	worker_fn *fn;
	void *arg;
	int result;
	void (*done)(struct call *c);
	/* one of these waits */
	struct worker *from;
	struct task *waiter;
	bool back;
	int event;
};

static void call_task(void *arg)
{
	struct call *c = arg;

	c->fn(c->to, c->arg);
	c->done(c);
}

static void call_run(struct mail *m)
{
	struct call *c = container_of(m, struct call, mail);

	c->result = task_spawn(c->to->loop, call_task, c, NULL);
	if (c->result < 0)
		c->done(c);
}

/* --- from a worker --- */

static void back_run(struct mail *m)
{
	struct call *c = container_of(m, struct call, mail);

	c->back = true;
	task_wake(c->waiter);
}

static void mail_back(struct call *c)
{
	c->mail.run = back_run;
	loop_post(c->from->loop, &c->mail);
}

int worker_call(struct worker *to, worker_fn *fn, void *arg)
{
	struct call c = { .mail.run = call_run,
			  .to = to,
			  .fn = fn,
			  .arg = arg,
			  .done = mail_back,
			  .from = worker_current(),
			  .waiter = task_current() };

	task_shield_begin();
	if (c.from == to) {
		fn(to, arg);
	} else {
		loop_post(to->loop, &c.mail);
		while (!c.back)
			(void)task_park();
	}
	task_shield_end();
	return c.result;
}

/* --- from elsewhere --- */

static void signal_event(struct call *c)
{
	uint64_t one = 1;

	if (write(c->event, &one, sizeof(one)) != sizeof(one))
		abort(); /* an eventfd takes a 1 */
}

void server_call(struct worker *to, worker_fn *fn, void *arg)
{
	struct call c = { .mail.run = call_run,
			  .to = to,
			  .fn = fn,
			  .arg = arg,
			  .done = signal_event,
			  .event = eventfd(0, EFD_CLOEXEC) };
	uint64_t n;

	if (c.event < 0) {
		log_err("cannot call a worker: error=%s", log_errno(errno));
		abort();
	}
	loop_post(to->loop, &c.mail);
	while (read(c.event, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	close(c.event);
	if (c.result < 0) {
		log_err("cannot call a worker: error=%s", log_errno(c.result));
		abort();
	}
}
