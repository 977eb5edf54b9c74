/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login, relogin, bind, setup, logoff, tree, tdis, echo, cancel, validate. One thread. */
#include "node/base/utf.h"
#include "smbd/wire/empty.h"
#include "smbd/wire/session_setup.h"
#include "tests/client/verbs.h"

static int connected(struct step *st)
{
	return st->c->conn ? 0 : step_fail(st, "the client is not connected");
}

static int remember(char **where, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int new_session(struct step *st, struct sess *s)
{
	struct session *o = calloc(1, sizeof(*o));

	if (!o)
		return -ENOMEM;
	o->sess = s;
	world_add(st->w, &o->obj, OBJ_SESSION, st->into ? st->into : st->c->obj.name);
	st->c->session = o;
	return 0;
}

static void tell_session(struct step *st, const struct sess *s)
{
	result_num(&st->res, "guest", (s->flags & SMB2_SESSION_FLAG_IS_GUEST) != 0);
	result_num(&st->res, "null", (s->flags & SMB2_SESSION_FLAG_IS_NULL) != 0);
	result_num(&st->res, "encrypt", (s->flags & SMB2_SESSION_FLAG_ENCRYPT_DATA) != 0);
	result_num(&st->res, "session", s->id);
}

static int run_login(struct step *st)
{
	struct client *c = st->c;
	struct login l = { .user = st->arg[0],
			   .password = st->arg[1],
			   .domain = step_opt(st, "domain"),
			   .raw = step_flag(st, "raw"),
			   .sign = c->sign || step_flag(st, "sign"),
			   .seal = c->seal || step_flag(st, "seal") };
	struct sess *s = NULL;
	int r = connected(st);

	if (r == 0)
		r = step_opt_num(st, "previous", 0, &l.previous_session);
	if (r < 0)
		return r;
	if (remember(&c->user, l.user) < 0 || remember(&c->password, l.password) < 0 ||
	    remember(&c->domain, l.domain) < 0)
		return -ENOMEM;
	c->raw = l.raw;
	r = login_session(c->conn, &l, &s, &st->res.status);
	if (r < 0)
		return step_fault(st, r);
	if (!ntstatus_is_ok(st->res.status))
		return 0;
	tell_session(st, s);
	return new_session(st, s);
}

static int run_relogin(struct step *st)
{
	struct login l = { .user = st->arg[0],
			   .password = st->arg[1],
			   .domain = step_opt(st, "domain") };
	int r = connected(st);

	if (r < 0)
		return r;
	if (!st->c->session)
		return step_fail(st, "the client has no session");
	r = login_again(st->c->conn, &l, st->c->session->sess, &st->res.status);
	return r < 0 ? step_fault(st, r) : 0;
}

static int run_bind(struct step *st)
{
	const struct client *other = world_client(st->w, st->arg[0]);
	struct msg_lies lies = { .plain = true,
				 .no_sign = step_flag(st, "unsigned"),
				 .bad_sign = step_flag(st, "badsign") };
	struct login l = { .user = step_opt(st, "user"),
			   .password = step_opt(st, "password"),
			   .lies = &lies };
	int r = connected(st);

	if (r < 0)
		return r;
	if (!other || !other->session)
		return step_fail(st, "'%s' is no client with a session", st->arg[0]);
	if (!l.user)
		l.user = other->user;
	if (!l.password)
		l.password = other->password;
	l.domain = other->domain;
	r = login_bind(st->c->conn, &l, other->session->sess, &st->res.status);
	if (r < 0)
		return step_fault(st, r);
	if (!ntstatus_is_ok(st->res.status))
		return 0;
	st->c->session = other->session;
	remember(&st->c->user, l.user);
	remember(&st->c->password, l.password);
	return 0;
}

/* setup TOKEN: one SESSION_SETUP with any bytes in it */
static int prepare_setup(struct step *st, struct msg *m)
{
	struct smb2_session_setup_req req = { .security_mode = 1 };
	uint64_t flags;
	size_t hdr;
	int r = step_opt_num(st, "setup_flags", 0, &flags);

	if (r < 0)
		return r;
	if (data_parse(&st->a, st->arg[0], &req.token) < 0)
		return step_fail(st, "'%s' is no data", st->arg[0]);
	req.flags = (uint8_t)flags;
	hdr = step_add(st, m, SMB2_SESSION_SETUP, NULL, 0);
	smb2_session_setup_req_encode(&m->w, hdr, &req);
	return 0;
}

static int finish_setup(struct step *st)
{
	if (step_answered(st))
		result_num(&st->res, "session", st->call.hdr.session_id);
	return 0;
}

static int prepare_empty(struct step *st, struct msg *m, uint16_t command, struct tree *t)
{
	step_add(st, m, command, t, 0);
	smb2_empty_encode(&m->w);
	return 0;
}

static int finish_empty(struct step *st)
{
	if (!step_answered(st) || !ntstatus_is_ok(st->res.status))
		return 0;
	return smb2_empty_decode(st->call.reply) < 0 ? -EPROTO : 0;
}

static int prepare_logoff(struct step *st, struct msg *m)
{
	return prepare_empty(st, m, SMB2_LOGOFF, NULL);
}

static int prepare_echo(struct step *st, struct msg *m)
{
	return prepare_empty(st, m, SMB2_ECHO, NULL);
}

static int prepare_tdis(struct step *st, struct msg *m)
{
	struct tree *t;
	int r = step_tree(st, st->arg[0], &t);

	return r < 0 ? r : prepare_empty(st, m, SMB2_TREE_DISCONNECT, t);
}

static int prepare_tree(struct step *st, struct msg *m)
{
	struct smb2_tree_connect_req req = { 0 };
	const char *share = st->arg[0];
	uint64_t flags;
	size_t hdr;
	int r;

	if (share[0] != '\\')
		share = arena_printf(&st->a, "\\\\%s\\%s", st->conn->server, share);
	r = step_utf16(st, share, &req.path);
	if (r == 0)
		r = step_opt_num(st, "tree_flags", 0, &flags);
	if (r < 0)
		return r;
	req.flags = (uint16_t)flags;
	hdr = step_add(st, m, SMB2_TREE_CONNECT, NULL, 0);
	/* 3.1.1 wants it signed (3.2.4.1.1). */
	if (st->conn->dialect == SMB2_DIALECT_311 && !st->lies.no_sign && !m->seal &&
	    st->c->session && !st->c->session->sess->anonymous && !m->el[m->n - 1].sign) {
		struct chan *ch = conn_find_chan(st->conn, st->c->session->sess);

		m->el[m->n - 1].sign = ch && ch->valid ? ch->sign : NULL;
		if (m->el[m->n - 1].sign)
			m->w.base[hdr + SMB2_HDR_OFF_FLAGS] |= SMB2_FLAGS_SIGNED;
	}
	smb2_tree_connect_req_encode(&m->w, hdr, &req);
	return 0;
}

static void tell_tree(struct step *st, const struct smb2_tree_connect_resp *resp)
{
	struct result *r = &st->res;

	result_num(r, "type", resp->share_type);
	result_num(r, "flags", resp->share_flags);
	result_num(r, "caps", resp->capabilities);
	result_num(r, "access", resp->maximal_access);
	result_num(r, "ca", (resp->capabilities & SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY) != 0);
	result_num(r, "scaleout", (resp->capabilities & SMB2_SHARE_CAP_SCALEOUT) != 0);
	result_num(r, "cluster", (resp->capabilities & SMB2_SHARE_CAP_CLUSTER) != 0);
	result_num(r, "encrypt", (resp->share_flags & SMB2_SHAREFLAG_ENCRYPT_DATA) != 0);
	result_num(r, "id", st->call.hdr.tree_id);
}

static int finish_tree(struct step *st)
{
	const char *name = step_opt(st, "session");
	struct smb2_tree_connect_resp resp;
	struct tree *t;

	if (!step_ok(st))
		return 0;
	if (smb2_tree_connect_resp_decode(st->call.reply, &resp) < 0)
		return -EPROTO;
	tell_tree(st, &resp);
	if (name ? !world_session(st->w, name) : !st->c->session)
		return 0;
	t = calloc(1, sizeof(*t));
	if (!t || !(t->share = strdup(st->arg[0]))) {
		free(t);
		return -ENOMEM;
	}
	t->session = name ? world_session(st->w, name) : st->c->session;
	t->id = st->call.hdr.tree_id;
	world_add(st->w, &t->obj, OBJ_TREE, st->into ? st->into : "");
	return 0;
}

static int run_cancel(struct step *st)
{
	struct obj *o = world_find(st->w, OBJ_ASYNC, st->arg[0]);
	int r;

	if (!o)
		return step_fail(st, "nothing called '%s' is on its way", st->arg[0]);
	r = connected(st);
	if (r == 0)
		r = msg_cancel(st->c->conn, &container_of(o, struct step, obj)->call);
	return r < 0 && r != -EINVAL ? step_fault(st, r) : r;
}

static int run_validate(struct step *st)
{
	struct tree *t;
	int r = step_tree(st, st->arg[0], &t);

	if (r == 0)
		r = connected(st);
	if (r < 0)
		return r;
	r = login_validate(st->c->conn, t->session->sess, t->id, &st->res.status);
	return r < 0 ? step_fault(st, r) : 0;
}

const struct verb verbs_session[] = {
	{ "login", 2, 2, " domain previous raw sign seal ", NULL, NULL, run_login },
	{ "relogin", 2, 2, " domain ", NULL, NULL, run_relogin },
	{ "bind", 1, 1, " user password unsigned badsign ", NULL, NULL, run_bind },
	{ "setup", 1, 1, " setup_flags ", prepare_setup, finish_setup, NULL },
	{ "logoff", 0, 0, "", prepare_logoff, finish_empty, NULL },
	{ "echo", 0, 0, "", prepare_echo, finish_empty, NULL },
	{ "tree", 1, 1, " tree_flags ", prepare_tree, finish_tree, NULL },
	{ "tdis", 1, 1, "", prepare_tdis, finish_empty, NULL },
	{ "cancel", 1, 1, "", NULL, NULL, run_cancel },
	{ "validate", 1, 1, "", NULL, NULL, run_validate },
	{ NULL, 0, 0, NULL, NULL, NULL, NULL },
};
