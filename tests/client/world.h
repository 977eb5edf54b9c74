/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a running scenario has: variables, named objects (clients, sessions, trees, handles,
 * requests on their way), and the outcome of the statement that ran last. One thread.
 */
#ifndef HF_TESTS_CLIENT_WORLD_H
#define HF_TESTS_CLIENT_WORLD_H

#include <stdio.h>

#include "smbd/wire/create.h"
#include "tests/client/login.h"
#include "tests/client/script.h"

enum obj_kind {
	OBJ_CLIENT,
	OBJ_SESSION,
	OBJ_TREE,
	OBJ_HANDLE,
	OBJ_ASYNC,
	OBJ_TIMER,
};

/* Embedded in every object of a scenario. */
struct obj {
	struct list link; /* in world.objs */
	enum obj_kind kind;
	char name[32];
};

struct client {
	struct obj obj;
	struct conn *conn; /* NULL: not connected */
	struct conn_config cfg;
	uint16_t dialects[8], signing[8], ciphers[8];
	struct net_addr addr;
	char server[64]; /* the address as the scenario named it */
	bool sign, seal;
	char *user, *password, *domain; /* of the last login */
	bool raw;
	struct session *session; /* of the last login; NULL: none */
};

struct session {
	struct obj obj;
	struct sess *sess;
};

struct tree {
	struct obj obj;
	struct session *session;
	char *share;
	uint32_t id;
};

struct handle {
	struct obj obj;
	struct tree *tree;
	struct smb2_fileid id;
	char *path;
	struct guid create_guid;
	bool persistent; /* granted */
	uint32_t lease_state, lease_version;
	struct guid lease_key;
	char story[48]; /* the open's name in the history: a reclaim continues it */
};

struct timer_obj {
	struct obj obj;
	uint64_t start_ns;
};

struct var {
	struct list link;
	char *name, *value;
};

/* A field of an answer. */
struct field {
	struct list link;
	const char *name;
	const char *text; /* as printed and compared; numbers in decimal */
	struct blob bytes; /* of data fields; text is then NULL */
};

/* What an operation gave. Memory is its own arena's. */
struct result {
	struct arena a;
	struct ntstatus status;
	const char *
		fault; /* "CLOSED", "TIMEOUT", "REFUSED", ...: there is no answer; NULL: there is */
	const char *why; /* the sentence for a fault */
	struct list fields;
};

struct world {
	struct list objs, vars;
	struct script_error err; /* why the last statement failed */
	FILE *history;
	uint64_t serial; /* names opens in the history, makes file names unique */
	bool verbose;
	bool mutants; /* faults of a mutated statement are expected, see sweep.c */
	struct sweep *sweep;
};

struct world *world_new(void);
void world_free(struct world *w);
/* Ends all objects: connections close. */
void world_clear(struct world *w);

int world_set_var(struct world *w, const char *name, const char *value);
/* The value of a variable, of the environment, or of an object's attribute ("c1.credits"). May be
 * NULL. */
const char *world_var(void *world, const char *name);

/* Sets w->err to "file:line: sentence"; returns -EINVAL. */
int world_fail(struct world *w, const struct stmt *s, const char *fmt, ...) HF_PRINTF(3, 4);

/* NULL when there is no such object. */
struct obj *world_find(const struct world *w, enum obj_kind kind, const char *name);
/* Adds an object, ends a former one of that name. */
void world_add(struct world *w, struct obj *o, enum obj_kind kind, const char *name);
/* Ends one object. */
void world_remove(struct world *w, struct obj *o);
/* Says goodbye to a client's connection; waiting requests on it are over. */
void client_disconnect(struct world *w, struct client *c, bool reset);

#define world_client(w, name) ((struct client *)world_find((w), OBJ_CLIENT, (name)))
#define world_tree(w, name) ((struct tree *)world_find((w), OBJ_TREE, (name)))
#define world_handle(w, name) ((struct handle *)world_find((w), OBJ_HANDLE, (name)))
#define world_session(w, name) ((struct session *)world_find((w), OBJ_SESSION, (name)))

void result_init(struct result *r);
void result_done(struct result *r);
void result_num(struct result *r, const char *name, uint64_t v);
void result_text(struct result *r, const char *name, const char *text);
/* UTF-16LE; what is no text is shown as hex. */
void result_name(struct result *r, const char *name, struct blob utf16);
void result_guid(struct result *r, const char *name, const struct guid *g);
void result_bytes(struct result *r, const char *name, struct blob b);
const struct field *result_find(const struct result *r, const char *name);

#endif
