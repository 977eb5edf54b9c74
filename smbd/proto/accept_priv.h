/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by accept.c and greet.c; worker 0's thread. */
#ifndef HF_SMBD_PROTO_ACCEPT_PRIV_H
#define HF_SMBD_PROTO_ACCEPT_PRIV_H

#include "smbd/proto/accept.h"

struct listener {
	struct acceptor *acceptor;
	struct task *task;
	int fd;
	uint16_t port;
};

struct acceptor {
	unsigned int refs; /* the owner, each task, each admission */
	struct worker *worker;
	struct listener *listeners;
	size_t n_listeners;
	bool stopping;
	unsigned int n_tasks; /* listeners and greetings */
	struct task *closer;
	struct list greetings;
	struct htable peers;
	uint64_t seed;
	unsigned int n_connections, n_unauthenticated;
	uint64_t next_home; /* for clients without a ClientGuid */
};

/* A task that was counted in n_tasks ends. */
void acceptor_task_ended(struct acceptor *a);
/* Reads the first message of `fd` in a task of its own and hands it over; owns both when it returns
 * 0. */
int greet_start(struct acceptor *a, int fd, struct admission *adm);
void greet_cancel_all(struct acceptor *a);

#endif
