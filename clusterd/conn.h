/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unix sockets with framed messages (32-bit little-endian length, bytes) on a qb_loop: the operator's socket and the
 * daemons'. One thread.
 */
#ifndef HF_CLUSTERD_CONN_H
#define HF_CLUSTERD_CONN_H

#include <qb/qbloop.h>
#include <sys/types.h>

#include "node/base/list.h"

struct conn;
struct conn_server;

struct conn_ops {
	/* A peer connected; a negative result refuses it. */
	int (*open)(void *arg, struct conn *c);
	/* A frame came. A negative result closes. */
	int (*frame)(void *arg, struct conn *c, struct blob b);
	/* The connection has ended; it is freed when this returns. Once per successful open. */
	void (*closed)(void *arg, struct conn *c);
};

struct conn_config {
	qb_loop_t *loop;
	const char *path;
	mode_t mode;
	size_t frame_max;      /* bytes that a peer may send in one frame */
	size_t out_max;        /* bytes that may wait for a slow peer before it is closed */
	unsigned int conns_max;
	const struct conn_ops *ops;
	void *arg;
};

/* Listens; an old socket file is replaced. -errno of bind(2), -ENAMETOOLONG. */
int conn_listen(const struct conn_config *cfg, struct conn_server **ret);
/* Closes every connection (with closed()), removes the socket file. NULL is allowed. */
void conn_server_free(struct conn_server *s);

/* Queues one frame. A peer that does not read is closed soon. */
void conn_send(struct conn *c, struct blob b);
/* Closes soon, after what is queued was offered once; closed() follows later. */
void conn_close(struct conn *c);
/* Of the peer, at connect. */
pid_t conn_pid(const struct conn *c);
uid_t conn_uid(const struct conn *c);
void conn_set_data(struct conn *c, void *data);
void *conn_data(const struct conn *c);

#endif
