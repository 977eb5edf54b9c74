/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What local.c and local_ask.c share. */
#ifndef HF_CLUSTERD_LOCAL_PRIV_H
#define HF_CLUSTERD_LOCAL_PRIV_H

#include "clusterd/client/cluster.pb-c.h"
#include "clusterd/conn.h"
#include "clusterd/daemon.h"
#include "clusterd/run_file.h"

struct peer {
	struct list link;
	struct conn *conn;
	bool introduced, observer;
	bool waits;              /* an smbd whose turn comes when the present run has ended */
	struct view_member self; /* of an smbd: its workers and addresses */
};

/* A question of some node that our smbd is answering. */
struct ask {
	struct list link;
	uint64_t local_id, id;
	uint32_t from;
};

struct local {
	struct clusterd *d;
	struct conn_server *server;
	struct list peers;
	struct conn *smbd;    /* NULL: not connected */
	struct run run;       /* the process; pid 0: none */
	int pidfd;            /* of it, or -1 */
	struct msg_node self; /* what the others are told; incarnation 0 when the run was evicted */
	bool drained;         /* the operator wants it to own no slots */
	bool leaving;         /* smbd is about to end in order */
	qb_loop_timer_handle unsure_timer;
	uint64_t deadline;
	struct view *view;
	uint8_t *config;      /* encoded Hfc__ToDaemon */
	size_t config_len;    /* 0: none yet */
	struct list asks;
	unsigned int n_asks;
	uint64_t next_id;
};

void local_send(struct conn *c, const Hfc__ToDaemon *m);
/* smbd answers. -EBADMSG. */
int local_page(struct local *l, const Hfc__Page *p);
/* Answers all questions that smbd did not: it is gone. */
void local_fail_asks(struct local *l);

#endif
