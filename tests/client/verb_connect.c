/* SPDX-License-Identifier: GPL-3.0-or-later */
/* connect, reconnect, disconnect, negotiate, expect_close, raw, and requests of any command. One
 * thread. */
#include "node/base/clock.h"
#include "node/base/guid.h"
#include "tests/client/verbs.h"

#define CONNECT_OPTIONS \
	" dialect sign seal signing ciphers guid same smb1 timeout mode caps noneg retry "

static const struct named dialects[] = {
	{ "2.0.2", SMB2_DIALECT_202 }, { "2.1", SMB2_DIALECT_210 },   { "3.0", SMB2_DIALECT_300 },
	{ "3.0.2", SMB2_DIALECT_302 }, { "3.1.1", SMB2_DIALECT_311 }, { NULL, 0 },
};
static const struct named signings[] = {
	{ "hmac", SMB2_SIGNING_HMAC_SHA256 },
	{ "cmac", SMB2_SIGNING_AES_CMAC },
	{ "gmac", SMB2_SIGNING_AES_GMAC },
	{ NULL, 0 },
};
static const struct named ciphers[] = {
	{ "aes128ccm", SMB2_CIPHER_AES128_CCM },
	{ "aes128gcm", SMB2_CIPHER_AES128_GCM },
	{ "aes256ccm", SMB2_CIPHER_AES256_CCM },
	{ "aes256gcm", SMB2_CIPHER_AES256_GCM },
	{ NULL, 0 },
};

/* A list of 16-bit names, in order; "-" is an empty one. */
static int take_list(struct step *st, const char *key, const struct named *table, uint16_t *store,
		     const uint16_t **ret, size_t *ret_n)
{
	const char *value = step_opt(st, key);
	char *list, *save, *word;
	uint32_t v;
	size_t n = 0;

	if (!value)
		return 0;
	list = arena_strdup(&st->a, value);
	for (word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (strcmp(word, "-") == 0)
			continue;
		if (n == 8)
			return step_fail(st, "too many names in %s", key);
		if (named_find(st, key, table, word, &v) < 0)
			return -EINVAL;
		store[n++] = (uint16_t)v;
	}
	*ret = store;
	*ret_n = n;
	return 0;
}

static int take_config(struct step *st)
{
	const char *same = step_opt(st, "same");
	const struct client *other = same ? world_client(st->w, same) : NULL;
	struct client *c = st->c;
	uint64_t mode, caps, ms;
	int r;

	if (same && !other)
		return step_fail(st, "there is no client '%s'", same);
	conn_config_init(&c->cfg);
	if (other)
		c->cfg.client_guid = other->cfg.client_guid;
	r = take_list(st, "dialect", dialects, c->dialects, &c->cfg.dialects, &c->cfg.n_dialects);
	if (r == 0)
		r = take_list(st, "signing", signings, c->signing, &c->cfg.signing_algs,
			      &c->cfg.n_signing_algs);
	if (r == 0)
		r = take_list(st, "ciphers", ciphers, c->ciphers, &c->cfg.ciphers,
			      &c->cfg.n_ciphers);
	if (r == 0)
		r = step_opt_guid(st, "guid", &c->cfg.client_guid);
	c->sign = step_flag(st, "sign");
	c->seal = step_flag(st, "seal");
	c->cfg.smb1 = step_flag(st, "smb1");
	if (r == 0)
		r = step_opt_num(st, "mode", c->sign ? 3 : 1, &mode);
	if (r == 0)
		r = step_opt_num(st, "caps", c->cfg.capabilities, &caps);
	if (r == 0)
		r = step_opt_num(st, "timeout", 20000, &ms);
	if (r < 0)
		return r;
	c->cfg.security_mode = (uint16_t)mode;
	c->cfg.capabilities = (uint32_t)caps;
	c->cfg.timeout_ns = ms * NSEC_PER_MSEC;
	return 0;
}

static int take_address(struct step *st, const char *text)
{
	const char *port = world_var(st->w, "PORT");
	struct client *c = st->c;

	if (net_addr_resolve(text, (uint16_t)(port && atoi(port) ? atoi(port) : 445), &c->addr) < 0)
		return step_fail(st, "'%s' is not an address", text);
	snprintf(c->server, sizeof(c->server), "%s", text);
	return 0;
}

static void tell(struct step *st)
{
	const struct conn *c = st->c->conn;
	struct result *r = &st->res;
	size_t i;

	for (i = 0; dialects[i].name; i++)
		if (dialects[i].value == c->dialect)
			result_text(r, "dialect", dialects[i].name);
	for (i = 0; signings[i].name; i++)
		if (signings[i].value == (uint32_t)c->sign_alg)
			result_text(r, "signing", signings[i].name);
	for (i = 0; ciphers[i].name; i++)
		if (ciphers[i].value == c->cipher)
			result_text(r, "cipher", ciphers[i].name);
	if (!c->cipher)
		result_text(r, "cipher", "none");
	result_num(r, "mode", c->security_mode);
	result_num(r, "caps", c->capabilities);
	result_num(r, "max_read", c->max_read);
	result_num(r, "max_write", c->max_write);
	result_num(r, "max_transact", c->max_transact);
	result_num(r, "large_mtu", c->large_mtu);
	result_num(r, "persistent", (c->capabilities & SMB2_GLOBAL_CAP_PERSISTENT_HANDLES) != 0);
	result_num(r, "multichannel", (c->capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL) != 0);
	result_num(r, "leasing", (c->capabilities & SMB2_GLOBAL_CAP_LEASING) != 0);
	result_num(r, "directory_leasing",
		   (c->capabilities & SMB2_GLOBAL_CAP_DIRECTORY_LEASING) != 0);
	result_num(r, "encryption", (c->capabilities & SMB2_GLOBAL_CAP_ENCRYPTION) != 0);
	result_guid(r, "server_guid", &c->server_guid);
}

static int open_connection(struct step *st, bool negotiate)
{
	struct client *c = st->c;
	int r;

	conn_free(c->conn);
	c->conn = NULL;
	r = conn_open(&c->addr, &c->cfg, &c->conn);
	if (r == 0 && negotiate)
		r = login_negotiate(c->conn, &st->res.status);
	if (r < 0)
		return step_fault(st, r);
	if (negotiate && ntstatus_is_ok(st->res.status))
		tell(st);
	return 0;
}

static int run_connect(struct step *st)
{
	int r = take_config(st);

	if (r == 0)
		r = take_address(st, st->arg[0]);
	st->c->session = NULL;
	return r < 0 ? r : open_connection(st, !step_flag(st, "noneg"));
}

/* Logs in as before and connects the trees of the former session again. */
static int restore(struct step *st)
{
	struct client *c = st->c;
	struct login l = { .user = c->user,
			   .domain = c->domain,
			   .password = c->password,
			   .raw = c->raw,
			   .sign = c->sign,
			   .seal = c->seal,
			   .previous_session =
				   step_flag(st, "previous") ? c->session->sess->id : 0 };
	struct smb2_tree_connect_resp resp;
	struct sess *s = NULL;
	struct tree *t;
	struct obj *o;
	int r;

	r = login_session(c->conn, &l, &s, &st->res.status);
	if (r < 0)
		return step_fault(st, r);
	if (!ntstatus_is_ok(st->res.status))
		return 0;
	sess_unref(c->session->sess);
	c->session->sess = s;
	list_foreach(o, &st->w->objs, link) {
		if (o->kind != OBJ_TREE)
			continue;
		t = container_of(o, struct tree, obj);
		if (t->session != c->session || !t->obj.name[0])
			continue;
		r = login_tree(c->conn, s, t->share, &t->id, &resp, &st->res.status);
		if (r < 0)
			return step_fault(st, r);
		if (!ntstatus_is_ok(st->res.status))
			break;
	}
	return 0;
}

static int run_reconnect(struct step *st)
{
	uint64_t retry, end;
	int r = step_opt_num(st, "retry", 0, &retry);

	if (r == 0 && strcmp(st->arg[0], "-") != 0)
		r = take_address(st, st->arg[0]);
	end = conn_now() + retry * NSEC_PER_MSEC;
	while (r == 0) {
		result_done(&st->res);
		result_init(&st->res);
		r = open_connection(st, true);
		if (r == 0 && step_ok(st) && st->c->session && !step_flag(st, "bare"))
			r = restore(st);
		if (step_ok(st) || conn_now() >= end)
			break;
		usleep(5000);
	}
	return r;
}

static int run_disconnect(struct step *st)
{
	client_disconnect(st->w, st->c, step_flag(st, "reset"));
	return 0;
}

static int run_expect_close(struct step *st)
{
	uint64_t ms;
	int r = step_opt_num(st, "within", 10000, &ms);

	if (r < 0)
		return r;
	if (!st->c->conn)
		return step_fail(st, "the client is not connected");
	r = conn_wait_close(st->c->conn, conn_now() + ms * NSEC_PER_MSEC);
	if (r == -ETIME)
		return step_fail(st, "the server keeps the connection open");
	return r < 0 ? step_fault(st, r) : 0;
}

static int run_raw(struct step *st)
{
	uint64_t frame;
	struct blob b;
	int r;

	if (data_parse(&st->a, st->arg[0], &b) < 0)
		return step_fail(st, "'%s' is no data", st->arg[0]);
	r = step_opt_num(st, "length", b.len, &frame);
	if (r < 0)
		return r;
	if (!st->c->conn)
		return step_fail(st, "the client is not connected");
	r = msg_raw(st->c->conn, b, !step_flag(st, "noframe"), (uint32_t)frame);
	return r < 0 ? step_fault(st, r) : 0;
}

static int prepare_negotiate(struct step *st, struct msg *m)
{
	struct smb2_negotiate_req req;
	uint8_t salt[32] = { 1 };
	size_t hdr = step_add(st, m, SMB2_NEGOTIATE, NULL, 0);

	login_negotiate_request(&st->c->cfg, salt, &req);
	smb2_negotiate_req_encode(&m->w, hdr, &req);
	return 0;
}

/* request CODE BODY: any command with any body */
static int prepare_request(struct step *st, struct msg *m)
{
	const char *via = step_opt(st, "via");
	struct tree *t = NULL;
	uint64_t code;
	struct blob body;
	int r = step_number(st, st->arg[0], &code);

	if (r == 0 && via)
		r = step_tree(st, via, &t);
	if (r < 0)
		return r;
	if (data_parse(&st->a, st->arg[1], &body) < 0)
		return step_fail(st, "'%s' is no data", st->arg[1]);
	step_add(st, m, (uint16_t)code, t, body.len);
	wr_put(&m->w, body);
	return 0;
}

const struct verb verbs_connect[] = {
	{ "connect", 1, 1, CONNECT_OPTIONS, NULL, NULL, run_connect },
	{ "reconnect", 1, 1, " retry bare previous ", NULL, NULL, run_reconnect },
	{ "disconnect", 0, 0, " reset ", NULL, NULL, run_disconnect },
	{ "expect_close", 0, 0, " within ", NULL, NULL, run_expect_close },
	{ "raw", 1, 1, " length noframe ", NULL, NULL, run_raw },
	{ "negotiate", 0, 0, "", prepare_negotiate, NULL, NULL },
	{ "request", 2, 2, "", prepare_request, NULL, NULL },
	{ NULL, 0, 0, NULL, NULL, NULL, NULL },
};
