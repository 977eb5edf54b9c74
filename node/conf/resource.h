/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The records of the cluster's configuration that an operator edits: shares and users. (The third kind, the settings,
 * is in tunables.h.) A record is a JSON object {"format": 1, "name": ..., and the rows of its table}; its key in the
 * store is the name folded, so that names differ in more than case. No state: any thread.
 */
#ifndef HF_NODE_CONF_RESOURCE_H
#define HF_NODE_CONF_RESOURCE_H

#include "node/conf/conf.h"

#define RESOURCE_FORMAT 1
/* Characters of a share's name (MS-FSCC 2.1.6) and of a user's. */
#define RESOURCE_NAME_MAX 80

struct share_conf {
	char *path;
	char *comment; /* NULL: none */
	bool continuously_available;
	bool read_only;
	bool encrypt;
	bool browseable;
	struct conf_list users;
};

struct user_conf {
	char *nt_hash; /* 32 hexadecimal digits; never shown */
	int uid, gid;  /* 0 in a request: the next free one */
	struct conf_list groups; /* decimal gids */
	int rid;       /* last part of the SID; given by the cluster */
	bool disabled;
};

/* A kind of record. */
struct resource_type {
	const char *kind;  /* in the store */
	const char *noun;  /* in sentences */
	const struct conf_schema *schema;
	/* What no single row can say. -EINVAL with `err` filled. */
	int (*check)(const void *obj, struct conf_error *err);
};

extern const struct resource_type resource_share, resource_user, resource_tunables;
/* The name of the one record with the settings. */
#define RESOURCE_TUNABLES_NAME "cluster"

/* By kind; NULL when there is none. */
const struct resource_type *resource_find_type(const char *kind);
/* Whether an operator sees and sets this row: not the password's hash, not what the cluster gives. */
bool resource_row_shown(const struct resource_type *t, const struct conf_row *row);
bool resource_row_settable(const struct resource_type *t, const struct conf_row *row);

/* Whether a record of this type may have this name. -EINVAL with `err` filled. */
int resource_check_name(const struct resource_type *t, const char *name, struct conf_error *err);
/* The key in the store of a valid name, in the arena. -EILSEQ, -ENOMEM. */
int resource_key(struct arena *a, const char *name, char **ret);

/* The value for the store, in the arena. -ENOMEM. */
int resource_encode(const struct resource_type *t, const char *name, const void *obj, struct arena *a,
		    struct blob *ret);
/* Reads a value over the defaults; `obj` is initialised by this and freed by conf_done(), the name is in the arena.
 * -EBADMSG: damaged; -EPROTONOSUPPORT: of a newer release; both with `err` filled; -ENOMEM. */
int resource_decode(const struct resource_type *t, struct blob value, void *obj, struct arena *a,
		    const char **ret_name, struct conf_error *err);

#endif
