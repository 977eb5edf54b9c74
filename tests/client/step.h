/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One operation of a scenario: `CLIENT VERB ARGUMENTS option=value flag -> NAME expect ... save
 * ...`. Parsed, sent (alone, in a compound, or with its end awaited later), judged. One thread.
 */
#ifndef HF_TESTS_CLIENT_STEP_H
#define HF_TESTS_CLIENT_STEP_H

#include "tests/client/world.h"

#define STEP_MAX_ARGS 8
#define STEP_MAX_OPTS 48
#define STEP_MAX_CONDS 24

struct step;

struct verb {
	const char *name;
	unsigned int min_args, max_args;
	const char *options; /* their names, blanks around each */
	/* A request: adds itself to the message with step_add(); 0 or -EINVAL (a mistake in the
	 * script). */
	int (*prepare)(struct step *st, struct msg *m);
	/* Its answer came: fills in st->res. 0, -EPROTO (malformed), -EINVAL. May be NULL. */
	int (*finish)(struct step *st);
	/* Anything else: does it all and fills in st->res. 0 or -EINVAL. */
	int (*run)(struct step *st);
};

struct cond {
	char name[32];
	char op[3]; /* = != < <= > >= ~ !~ */
	const char *value;
};

struct step {
	struct obj obj; /* of an async one */
	struct world *w;
	const struct stmt *s;
	struct arena a;
	struct client *c;
	const struct verb *verb;
	const char *arg[STEP_MAX_ARGS];
	size_t nargs;
	struct {
		const char *key, *value; /* a flag has no value */
	} opt[STEP_MAX_OPTS];
	size_t nopts;
	const char *into; /* -> NAME */
	const char *expect; /* statuses; NULL: OK */
	struct cond cond[STEP_MAX_CONDS];
	size_t nconds;
	struct {
		const char *var, *field;
	} save[8];
	size_t nsaves;
	struct conn *conn; /* that it was sent on */
	size_t sent_len; /* bytes of the message */
	bool mutant; /* its answer may be to another request: only its frame is looked at */
	struct call call;
	struct msg_lies lies;
	struct result res;
	/* what verbs keep between prepare and finish */
	struct tree *tree;
	struct handle *handle, *fresh;
	uint64_t n[4];
	struct blob data;
};

/* Parses a statement's words. The client is the first word, or `c` inside a compound. -EINVAL. */
int step_parse(struct world *w, const struct stmt *s, const struct words *words, struct client *c,
	       struct step **ret);
void step_free(struct step *st);
/* Sends it alone. Faults of the connection go to st->res. 0 or -EINVAL. */
int step_send(struct step *st);
/* Sends several in one message. */
int step_send_compound(struct step **steps, size_t n);
/* Waits for its end and judges it. 0 or -EINVAL with the sentence in w->err. */
int step_end(struct step *st);
/* Runs one that is not sent in pieces. */
int step_run(struct step *st);
/* Waits until an interim response came. */
int step_wait_pending(struct step *st);

/* For verbs. Numbers: decimal, 0x..., suffixes k, m, g; "max64" and "-N". */
int step_fail(struct step *st, const char *fmt, ...) HF_PRINTF(2, 3);
int step_number(struct step *st, const char *text, uint64_t *ret);
const char *step_opt(const struct step *st, const char *key);
bool step_flag(const struct step *st, const char *key);
int step_opt_num(struct step *st, const char *key, uint64_t dflt, uint64_t *ret);
int step_opt_guid(struct step *st, const char *key, struct guid *ret);
int step_utf16(struct step *st, const char *text, struct blob *ret);
/* Records that the connection failed: CLOSED, TIMEOUT, REFUSED or PROTOCOL, with its sentence.
 * Returns 0. */
int step_fault(struct step *st, int err);
/* Adds the request: session and tree as the script says, lies and all. Returns the mark of its
 * header. */
size_t step_add(struct step *st, struct msg *m, uint16_t command, struct tree *tree,
		size_t payload);
/* The handle of an argument: a name, "-" (the previous one of the compound) or
 * "PERSISTENT:VOLATILE". The tree is the handle's, or that of via=. */
int step_handle(struct step *st, size_t arg, struct smb2_fileid *ret);
int step_tree(struct step *st, const char *name, struct tree **ret);

/* expect.c: what the script expects against what came. */
int expect_parse(struct step *st, const struct words *words, size_t i);
int expect_judge(struct step *st);

/* lies.c: true when `key` is a lie that was taken. -EINVAL. */
int lies_option(struct step *st, const char *key, const char *value, bool *ret_taken);
/* "off:width" or a name of fields.def. -ENOENT. */
int lies_field(const char *name, uint32_t *ret_off, uint8_t *ret_width);

/* data.c: "text", hex:00ff, fill:COUNT[:BYTE], random:COUNT[:SEED], u64:N, u32:N, u16:N, file:PATH,
 * utf16:TEXT. -EINVAL. */
int data_parse(struct arena *a, const char *spec, struct blob *ret);

/* verbs.c */
const struct verb *verb_find(const char *name);

/* history.c: one line of the history, when there is one. `value` only with has_value. */
void history_op(struct step *st, const char *op, const struct handle *h);
int history_open(struct world *w, const char *path);
/* An operation without an answer ends now. */
void history_lost(struct step *st, const struct handle *h);

#endif
