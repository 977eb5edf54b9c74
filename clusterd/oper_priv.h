/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operator's socket: what its files share. A request is one JSON object {"command": "share create", "name": ...,
 * "set": {row: text}}. The answer is one or more objects; each may hold "columns" (before the first rows; each with "key", "heading" and, where
 * that is said, "about"), "rows",
 * "object" (what there is just one of), "next" (a cursor: the same request with it gets the next page) and "warnings"; the last one holds "status" and, when that is not 0, "error",
 * one sentence. node/ctl is the other end.
 */
#ifndef HF_CLUSTERD_OPER_PRIV_H
#define HF_CLUSTERD_OPER_PRIV_H

#include <jansson.h>

#include "clusterd/conn.h"
#include "clusterd/daemon.h"
#include "node/conf/resource.h"

/* Exit statuses of the command (node/ctl/ctl.h has the same). */
enum oper_status {
	OPER_OK = 0,
	OPER_FAILED = 1,
	OPER_USAGE = 2,
	OPER_NOT_FOUND = 4,
	OPER_CONFLICT = 5,
	OPER_FINDINGS = 6, /* done, and something is wrong: rows and object say what */
};

struct oper_request {
	struct list link;
	struct oper *oper;
	struct conn *conn; /* NULL: the operator has gone away */
	json_t *json;
	const struct oper_command *command;
	void *data; /* of the command */
	void (*forget)(struct oper_request *rq); /* clusterd ends, and `data` is there: frees what waits for no job */
	struct {
		bool (*look)(const struct oper_request *rq);
		void (*done)(struct oper_request *rq, bool in_time);
		unsigned int tries;
		qb_loop_timer_handle timer;
	} wait; /* see oper_wait() */
};

struct oper_command {
	const char *name;
	/* Ends with oper_end(), now or later. */
	void (*run)(struct oper_request *rq);
	bool needs_store;
};

struct oper {
	struct clusterd *d;
	struct conn_server *server;
	struct list requests;
	struct list listings; /* see oper_list.c */
	uint64_t next_id;
};

struct oper_column {
	const char *key;
	const char *heading; /* NULL: only in JSON */
};

/* Sends one part of the answer; takes the reference. */
void oper_send(struct oper_request *rq, json_t *part);
/* Sends the last part and frees the request. `error` NULL: fine. */
void oper_end(struct oper_request *rq, enum oper_status status, const char *fmt, ...) HF_PRINTF(3, 4);
void oper_warn(struct oper_request *rq, const char *fmt, ...) HF_PRINTF(2, 3);
/* Looks now, and again every 50 ms; calls `done`, once, when `look` has said yes or 5 s are over. */
void oper_wait(struct oper_request *rq, bool (*look)(const struct oper_request *rq),
	       void (*done)(struct oper_request *rq, bool in_time));
/* A new array for "columns". */
json_t *oper_columns(const struct oper_column *cols, size_t n);
/* A text of the request, NULL when absent. */
const char *oper_text(const struct oper_request *rq, const char *key);

/* oper_res.c */
void oper_res_create(struct oper_request *rq);
void oper_res_list(struct oper_request *rq);
void oper_res_show(struct oper_request *rq);
void oper_res_set(struct oper_request *rq);
void oper_res_delete(struct oper_request *rq);
/* oper_list.c */
void oper_list(struct oper_request *rq);
void oper_list_forget(struct oper_request *rq);
/* oper_state.c */
void oper_state(struct oper_request *rq);
/* On the store's thread: the newest view in the store; one without members when there is none. */
int state_read_view(struct store *s, struct view **ret);
/* oper_dump.c */
void oper_state_dump(struct oper_request *rq);
/* oper_restore.c */
void oper_state_restore(struct oper_request *rq);
/* oper_node.c */
void oper_node_drain(struct oper_request *rq);
/* oper_level.c */
void oper_level_show(struct oper_request *rq);
void oper_level_raise(struct oper_request *rq);
/* Adds what is known of the cluster's level to an object of the answer. */
void oper_level_add(const struct clusterd *d, json_t *object);
/* oper_status.c */
/* The columns "node list" has, and the rows. */
json_t *oper_node_columns(void);
json_t *oper_node_rows(const struct clusterd *d);
void oper_cluster_status(struct oper_request *rq);
void oper_node_list(struct oper_request *rq);

#endif
