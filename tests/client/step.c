/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parsing, sending and ending one operation of a scenario. One thread. */
#include "tests/client/step.h"

#include <inttypes.h>
#include <stdarg.h>

#include "node/base/guid.h"
#include "node/base/utf.h"
#include "smbd/wire/error.h"

/* Options that every request has; the lies are in lies.c. */
static const char common_options[] = " via session tid flags related replay dfs sign chseq ";

int step_fail(struct step *st, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return world_fail(st->w, st->s, "%s", text);
}

static bool listed(const char *list, const char *word)
{
	const char *p = list;
	size_t n = strlen(word);

	while (p && n && (p = strstr(p, word))) {
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
			return true;
		p += n;
	}
	return false;
}

static int take_option(struct step *st, const char *key, const char *value)
{
	bool taken = false;
	int r;

	if (st->verb->prepare) {
		r = lies_option(st, key, value, &taken);
		if (r < 0 || taken)
			return r;
	}
	if (!listed(st->verb->options, key) && !(st->verb->prepare && listed(common_options, key)))
		return step_fail(st, "%s has no option '%s'", st->verb->name, key);
	if (st->nopts == STEP_MAX_OPTS)
		return step_fail(st, "too many options");
	st->opt[st->nopts].key = key;
	st->opt[st->nopts++].value = value;
	return 0;
}

static int parse_option(struct step *st, const struct word *w)
{
	const char *eq = strchr(w->text, '=');
	char *key;

	if (w->quoted)
		return step_fail(st, "\"%s\" is one argument too many for %s", w->text,
				 st->verb->name);
	if (!eq)
		return take_option(st, w->text, NULL);
	key = arena_printf(&st->a, "%.*s", (int)(eq - w->text), w->text);
	return key ? take_option(st, key, eq + 1) : -ENOMEM;
}

static int parse_words(struct step *st, const struct words *words, size_t i)
{
	const struct word *w;
	int r;

	for (; i < words->n; i++) {
		w = &words->v[i];
		if (!w->quoted && strcmp(w->text, "->") == 0) {
			if (++i == words->n)
				return step_fail(st, "-> needs a name");
			st->into = words->v[i].text;
		} else if (!w->quoted &&
			   (strcmp(w->text, "expect") == 0 || strcmp(w->text, "save") == 0)) {
			return expect_parse(st, words, i);
		} else if (st->nargs < st->verb->max_args &&
			   (w->quoted || st->nargs < st->verb->min_args ||
			    !strpbrk(w->text, "=@"))) {
			st->arg[st->nargs++] = w->text;
		} else {
			r = parse_option(st, w);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int step_parse(struct world *w, const struct stmt *s, const struct words *words, struct client *c,
	       struct step **ret)
{
	struct step *st;
	size_t i = 0;
	int r;

	if (!c) {
		c = world_client(w, words->v[0].text);
		if (!c)
			return world_fail(w, s, "'%s' is neither a statement nor a client",
					  words->v[0].text);
		i = 1;
	}
	if (i == words->n)
		return world_fail(w, s, "what should %s do?", words->v[0].text);
	st = calloc(1, sizeof(*st));
	if (!st)
		return -ENOMEM;
	st->w = w;
	st->s = s;
	st->c = c;
	arena_init(&st->a, 0);
	result_init(&st->res);
	st->verb = verb_find(words->v[i].text);
	if (!st->verb)
		r = step_fail(st, "a client cannot '%s'", words->v[i].text);
	else
		r = parse_words(st, words, i + 1);
	if (r == 0 && st->nargs < st->verb->min_args)
		r = step_fail(st, "%s needs %u arguments", st->verb->name, st->verb->min_args);
	if (r < 0)
		step_free(st);
	else
		*ret = st;
	return r;
}

void step_free(struct step *st)
{
	if (!st)
		return;
	call_done(&st->call);
	if (st->fresh) {
		free(st->fresh->path);
		free(st->fresh);
	}
	result_done(&st->res);
	arena_reset(&st->a);
	free(st);
}

int step_number(struct step *st, const char *text, uint64_t *ret)
{
	unsigned long long v;
	char *end;

	if (strcmp(text, "max64") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	errno = 0;
	v = strtoull(text, &end, 0);
	if (*end == 'k' || *end == 'm' || *end == 'g')
		v <<= *end == 'k' ? 10 : *end == 'm' ? 20 : 30, end++;
	if (end == text || *end || errno)
		return step_fail(st, "'%s' is not a number", text);
	*ret = v;
	return 0;
}

const char *step_opt(const struct step *st, const char *key)
{
	size_t i;

	for (i = 0; i < st->nopts; i++)
		if (strcmp(st->opt[i].key, key) == 0)
			return st->opt[i].value;
	return NULL;
}

bool step_flag(const struct step *st, const char *key)
{
	size_t i;

	for (i = 0; i < st->nopts; i++)
		if (strcmp(st->opt[i].key, key) == 0)
			return true;
	return false;
}

int step_opt_num(struct step *st, const char *key, uint64_t dflt, uint64_t *ret)
{
	const char *v = step_opt(st, key);

	*ret = dflt;
	return v ? step_number(st, v, ret) : 0;
}

int step_opt_guid(struct step *st, const char *key, struct guid *ret)
{
	const char *v = step_opt(st, key);

	if (v && guid_parse(v, ret) < 0)
		return step_fail(st, "'%s' is not a GUID", v);
	return 0;
}

int step_utf16(struct step *st, const char *text, struct blob *ret)
{
	if (strncmp(text, "hex:", 4) == 0)
		return data_parse(&st->a, text, ret) < 0 ?
			       step_fail(st, "'%s' is not hexadecimal", text) :
			       0;
	return utf16_from_utf8(&st->a, text, ret) < 0 ? step_fail(st, "'%s' is not UTF-8", text) :
							0;
}

int step_fault(struct step *st, int err)
{
	const char *why = st->c->conn ? conn_error(st->c->conn) : strerror(-err);

	switch (err) {
	case -EPIPE:
		st->res.fault = "CLOSED";
		break;
	case -ETIME:
		st->res.fault = "TIMEOUT";
		break;
	case -ECONNREFUSED:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ECONNRESET:
		st->res.fault = "REFUSED";
		break;
	default:
		st->res.fault = "PROTOCOL";
	}
	st->res.why = arena_printf(&st->a, "%s",
				   st->c->conn && st->c->conn->error[0] ? why : strerror(-err));
	return 0;
}

int step_tree(struct step *st, const char *name, struct tree **ret)
{
	struct tree *t = world_tree(st->w, name);

	if (!t)
		return step_fail(st, "there is no tree '%s'", name);
	*ret = t;
	return 0;
}

int step_handle(struct step *st, size_t arg, struct smb2_fileid *ret)
{
	const char *name = st->arg[arg], *via = step_opt(st, "via"), *colon = strchr(name, ':');
	uint64_t p, v;
	int r = 0;

	st->handle = world_handle(st->w, name);
	st->tree = st->handle ? st->handle->tree : NULL;
	if (via)
		r = step_tree(st, via, &st->tree);
	if (r < 0)
		return r;
	if (st->handle) {
		*ret = st->handle->id;
		return 0;
	}
	if (strcmp(name, "-") == 0) {
		*ret = SMB2_FILEID_ANY;
		return 0;
	}
	if (!colon)
		return step_fail(st, "there is no handle '%s'", name);
	r = step_number(st, arena_printf(&st->a, "%.*s", (int)(colon - name), name), &p);
	if (r == 0)
		r = step_number(st, colon + 1, &v);
	if (r == 0)
		*ret = (struct smb2_fileid){ p, v };
	return r;
}

/* Whose session a request carries, when the script does not leave it to the tree. */
static struct sess *which_session(struct step *st, const struct tree *tree, uint64_t *ret_id)
{
	const char *name = step_opt(st, "session");
	struct session *s = name ? world_session(st->w, name) : NULL;

	*ret_id = 0;
	if (s)
		return s->sess;
	if (name)
		step_number(st, name, ret_id);
	else if (tree)
		return tree->session->sess;
	else if (st->c->session)
		return st->c->session->sess;
	return NULL;
}

size_t step_add(struct step *st, struct msg *m, uint16_t command, struct tree *tree, size_t payload)
{
	struct msg_head h = { .command = command, .payload = payload, .lies = &st->lies };
	uint64_t id, v = 0;
	size_t hdr;

	h.sess = which_session(st, tree, &id);
	step_opt_num(st, "tid", tree ? tree->id : 0, &v);
	h.tree_id = (uint32_t)v;
	step_opt_num(st, "flags", 0, &v);
	h.flags = (uint32_t)v;
	step_opt_num(st, "chseq", 0, &v);
	h.channel_sequence = (uint16_t)v;
	if (step_flag(st, "related"))
		h.flags |= SMB2_FLAGS_RELATED_OPERATIONS;
	if (step_flag(st, "replay"))
		h.flags |= SMB2_FLAGS_REPLAY_OPERATION;
	if (step_flag(st, "dfs"))
		h.flags |= SMB2_FLAGS_DFS_OPERATIONS;
	h.sign = step_flag(st, "sign");
	if (h.flags & SMB2_FLAGS_RELATED_OPERATIONS) {
		/* 3.2.4.1.4: both are the previous request's. */
		if (!step_flag(st, "tid"))
			h.tree_id = UINT32_MAX;
	}
	hdr = msg_add(m, &st->call, &h);
	if (id || (step_flag(st, "related") && !step_flag(st, "session"))) {
		if (!id)
			id = UINT64_MAX;
		wr_patch_le32(&m->w, hdr + 40, (uint32_t)id);
		wr_patch_le32(&m->w, hdr + 44, (uint32_t)(id >> 32));
	}
	return hdr;
}

static int begin(struct step *st)
{
	if (!st->c->conn || st->c->conn->fd < 0) {
		st->res.fault = "CLOSED";
		st->res.why = "the client is not connected";
		return 1;
	}
	st->conn = st->c->conn;
	return 0;
}

int step_send_compound(struct step **steps, size_t n)
{
	struct msg m;
	size_t i;
	int r;

	for (i = 0; i < n; i++)
		if (begin(steps[i]) > 0)
			return 0;
	msg_begin(&m, steps[0]->conn);
	for (i = 0; i < n; i++) {
		r = steps[i]->verb->prepare(steps[i], &m);
		if (r < 0)
			return r;
	}
	steps[0]->sent_len = msg_bytes(&m).len + m.tail.len;
	r = msg_send(&m);
	for (i = 0; r < 0 && i < n; i++)
		step_fault(steps[i], r);
	return 0;
}

int step_send(struct step *st)
{
	return step_send_compound(&st, 1);
}

/* The answer came. */
static int conclude(struct step *st)
{
	struct smb2_error_resp e;
	int r = 0;

	st->res.status = st->call.hdr.status;
	result_num(&st->res, "interims", st->call.interims);
	if (ntstatus_is_error(st->res.status) &&
	    st->res.status.v != NTSTATUS_MORE_PROCESSING_REQUIRED &&
	    st->call.command != SMB2_IOCTL && smb2_error_resp_decode(st->call.reply, &e) < 0)
		r = conn_fail(st->conn, -EPROTO, "the ERROR response is malformed");
	if (r == 0 && st->verb->finish && !st->call.other_command && !st->mutant)
		r = st->verb->finish(st);
	if (r == -EPROTO) {
		if (!st->conn->error[0])
			conn_fail(st->conn, r, "the %s response is malformed", st->verb->name);
		return step_fault(st, r);
	}
	return r;
}

int step_end(struct step *st)
{
	int r = 0;

	if (st->verb->prepare && !st->res.fault) {
		if (st->call.state == CALL_LOST ||
		    (st->conn->fd < 0 && st->call.state != CALL_DONE)) {
			st->res.fault = "CLOSED";
			st->res.why = "the client closed the connection";
		} else {
			r = conn_wait(st->conn, &st->call, false, conn_deadline(st->conn));
			r = r < 0 ? step_fault(st, r) : conclude(st);
		}
		if (st->res.fault && st->verb->finish)
			st->verb->finish(st);
		call_done(&st->call);
	}
	return r < 0 ? r : expect_judge(st);
}

int step_run(struct step *st)
{
	int r = st->verb->run ? st->verb->run(st) : step_send(st);

	return r < 0 ? r : step_end(st);
}

int step_wait_pending(struct step *st)
{
	int r;

	if (st->res.fault)
		return step_fail(st, "%s: %s", st->res.fault, st->res.why);
	if (st->call.state == CALL_LOST)
		return step_fail(st, "the client closed the connection");
	r = conn_wait(st->conn, &st->call, true, conn_deadline(st->conn));
	if (r < 0)
		return step_fail(st, "no interim response: %s", conn_error(st->conn));
	if (st->call.state != CALL_PENDING)
		return step_fail(st, "it ended without an interim response, status %#x",
				 st->call.hdr.status.v);
	return 0;
}
