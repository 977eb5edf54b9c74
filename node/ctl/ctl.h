/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operator's command "holdfast": arguments to a request for clusterd, the answer to a table or JSON. One process,
 * one thread, one request. clusterd/oper_priv.h describes what goes over the socket.
 */
#ifndef HF_NODE_CTL_CTL_H
#define HF_NODE_CTL_CTL_H

#include <jansson.h>
#include <stdio.h>

#include "node/base/util.h"
#include "node/conf/resource.h"

enum ctl_status {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOT_REACHABLE = 3,
	CTL_NOT_FOUND = 4,
	CTL_CONFLICT = 5,
	CTL_FINDINGS = 6, /* "state check", "state repair": something is wrong, or stays so */
};

/* How an answer is shown. */
enum ctl_shape {
	CTL_TABLE,  /* rows; JSON: an array */
	CTL_RECORD, /* one row as "key: value" lines; JSON: an object */
	CTL_STATUS, /* an object, then a table; JSON: the object */
	CTL_VALUE,  /* the field "value" of one row; JSON: an object */
	CTL_REPORT, /* a table when it has rows, then an object; JSON: the object with "findings" */
	CTL_COUNTS, /* a line for each column of the answer, with the values of all rows and what it means; JSON: an array */
	CTL_PAGES,  /* as CTL_TABLE, but printed as it comes, page by page */
	CTL_QUIET,  /* nothing but errors; JSON: an object when there is a row */
};

struct ctl_command {
	const char *words;   /* "share create" */
	const char *request; /* what clusterd knows it as */
	const char *args;    /* for the usage line */
	const char *about;
	const struct resource_type *type; /* whose rows are options; NULL: none */
	enum ctl_shape shape;
	bool name;           /* takes a name first */
	bool password;       /* asks for one */
	bool pairs;          /* KEY=VALUE follow */
	const char *flag;    /* "--x-y": an option that takes no value, "x_y": true in the request; NULL: none */
	const char *set_key, *set_value; /* what it always sets; NULL: nothing */
};

/* The table of commands; ends with words == NULL. */
extern const struct ctl_command ctl_commands[];

/* Runs the command line; returns an exit status. Errors go to `err`, one sentence each. */
int ctl_main(int argc, char **argv, FILE *out, FILE *err);

/* --- args.c --- */

/* Makes the request from what follows the command's words. -EINVAL: said why on `err`. */
int ctl_request(const struct ctl_command *c, int argc, char **argv, FILE *err, json_t **ret);
/* Prints how to use one command. */
void ctl_usage(const struct ctl_command *c, FILE *f);

/* --- password.c --- */

/* Reads a password: one line of stdin, or twice from the terminal. -EINVAL: said why on `err`. */
int ctl_password(bool from_stdin, char *buf, size_t n, FILE *err);

/* --- link.c --- */

/* Sends the request to RUN_DIR/clusterd.sock and calls `part` for each part of the answer, the last of which holds
 * "status". 0; -errno when clusterd is not there or goes away. */
int ctl_ask(const char *run_dir, const json_t *request, void (*part)(void *arg, json_t *part), void *arg);

/* --- output.c --- */

struct ctl_answer {
	json_t *columns, *rows, *object; /* owned; may be NULL */
	char *next;  /* owned; the cursor of the next page, or NULL */
	bool paged;  /* CTL_PAGES: a page was printed before this one */
	int status;
	char *error; /* owned */
	FILE *err;   /* warnings go there at once */
	const char *run_dir;
};

/* Adds a part; for ctl_ask(). */
void ctl_collect(void *answer, json_t *part);
void ctl_answer_done(struct ctl_answer *a);
/* Ends the output of CTL_PAGES. */
void ctl_print_end(const struct ctl_answer *a, bool json, FILE *out);
void ctl_print(const struct ctl_answer *a, enum ctl_shape shape, bool json, FILE *out);

#endif
