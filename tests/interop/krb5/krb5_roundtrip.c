/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MIT's GSSAPI as the initiator, our acceptor as the server, tickets of a real KDC (started by
 * test_krb5.sh). The initiator speaks SPNEGO itself, so that its ideas of mechListMIC are tested
 * too.
 */
#include "tests/unit/test.h"

#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <stdio.h>
#include <time.h>

#include "node/auth/auth.h"
#include "node/auth/spnego.h"
#include "node/log/log.h"

static struct arena arena;

static int lookup(void *ctx, const char *domain, const char *user, struct auth_user *ret)
{
	if (strcmp(user, "alice") != 0)
		return 1;
	assert_string_equal(domain, "TEST.EXAMPLE");
	*ret = (struct auth_user){ .name = strdup("alice"), .uid = 1001, .gid = 100 };
	return 0;
}

static struct auth_server *server_for(const char *keytab, const char *realm)
{
	struct auth_config conf = {
		.netbios_name = "NODE1", .keytab = keytab, .realm = realm, .lookup = lookup
	};
	struct auth_server *s;

	assert_int_equal(auth_server_new(&conf, &s), 0);
	return s;
}

static void use_ccache(const char *who)
{
	OM_uint32 min;

	assert_int_equal(
		gss_krb5_ccache_name(
			&min, arena_printf(&arena, "FILE:%s/cc-%s", getenv("CCACHES"), who), NULL),
		GSS_S_COMPLETE);
}

static gss_name_t service_name(void)
{
	static char text[] = "cifs/node1.example@TEST.EXAMPLE";
	gss_buffer_desc b = { strlen(text), text };
	gss_name_t n;
	OM_uint32 min;

	assert_int_equal(gss_import_name(&min, &b, (gss_OID)GSS_KRB5_NT_PRINCIPAL_NAME, &n),
			 GSS_S_COMPLETE);
	return n;
}

struct initiator {
	gss_cred_id_t cred;
	gss_ctx_id_t ctx;
	gss_name_t target;
	gss_OID mech;
};

static void initiator_init(struct initiator *i, const char *who, bool spnego)
{
	static gss_OID_desc spnego_oid = { 6, (void *)"\x2b\x06\x01\x05\x05\x02" };
	gss_OID_set_desc krb5_only = { 1, (gss_OID)gss_mech_krb5 }, mechs;
	OM_uint32 min;

	memset(i, 0, sizeof(*i));
	use_ccache(who);
	i->mech = spnego ? &spnego_oid : (gss_OID)gss_mech_krb5;
	i->target = service_name();
	mechs = (gss_OID_set_desc){ 1, i->mech };
	assert_int_equal(gss_acquire_cred(&min, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechs,
					  GSS_C_INITIATE, &i->cred, NULL, NULL),
			 GSS_S_COMPLETE);
	if (spnego)
		assert_int_equal(gss_set_neg_mechs(&min, i->cred, &krb5_only), GSS_S_COMPLETE);
}

/* One token of the initiator; whether it is done. */
static bool initiator_step(struct initiator *i, struct blob in, struct blob *ret_out)
{
	gss_buffer_desc t = { in.len, (void *)in.data }, out = GSS_C_EMPTY_BUFFER;
	OM_uint32 maj, min;

	maj = gss_init_sec_context(&min, i->cred, &i->ctx, i->target, i->mech,
				   GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG | GSS_C_REPLAY_FLAG, 0,
				   GSS_C_NO_CHANNEL_BINDINGS, &t, NULL, &out, NULL, NULL);
	assert_false(GSS_ERROR(maj));
	*ret_out = BLOB(arena_memdup(&arena, out.value, out.length), out.length);
	gss_release_buffer(&min, &out);
	return !(maj & GSS_S_CONTINUE_NEEDED);
}

static void initiator_done(struct initiator *i)
{
	OM_uint32 min;

	gss_delete_sec_context(&min, &i->ctx, GSS_C_NO_BUFFER);
	gss_release_cred(&min, &i->cred);
	gss_release_name(&min, &i->target);
}

static void assert_same_key(struct initiator *i, const struct auth_result *res)
{
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 min;

	assert_int_equal(
		gss_inquire_sec_context_by_oid(&min, i->ctx, GSS_C_INQ_SSPI_SESSION_KEY, &set),
		GSS_S_COMPLETE);
	assert_int_equal(set->elements[0].length, res->session_key.len);
	assert_int_equal(res->session_key.len, 32);
	assert_memory_equal(set->elements[0].value, res->session_key.data, 32);
	gss_release_buffer_set(&min, &set);
}

static void test_alice(void **state)
{
	struct auth_server *s = server_for(getenv("KEYTAB"), NULL);
	_cleanup_(cleanup_auth) struct auth_context *c = NULL;
	const struct auth_result *res;
	struct initiator i;
	struct blob a, b = { 0 };
	int r;

	initiator_init(&i, "alice", true);
	assert_int_equal(auth_new(s, &c), 0);
	auth_server_unref(s);
	initiator_step(&i, b, &a);
	while ((r = auth_step(c, a, &arena, &b)) == 1)
		initiator_step(&i, b, &a);
	assert_int_equal(r, 0);
	assert_true(initiator_step(&i, b, &a));
	res = auth_result(c);
	assert_int_equal(res->mech, AUTH_MECH_KRB5);
	assert_string_equal(res->user, "alice");
	assert_string_equal(res->domain, "TEST.EXAMPLE");
	assert_int_equal(res->identity->uid, 1001);
	assert_true(res->expires > time(NULL));
	assert_same_key(&i, res);
	initiator_done(&i);
}

/* Sends the mechanism's bare token under a SPNEGO that this test writes itself. */
static struct auth_context *first(struct auth_server *s, struct initiator *i,
				  const struct blob *mechs, size_t n, int *ret_r,
				  struct blob *ret_out, struct blob *ret_token)
{
	struct spnego_init init = { .nmechs = n, .has_token = true };
	struct wr w = wr_arena(&arena, 1 << 17);
	struct auth_context *c;

	memcpy(init.mechs, mechs, n * sizeof(*mechs));
	initiator_step(i, BLOB(NULL, 0), ret_token);
	init.token = *ret_token;
	spnego_encode_init(&w, &init, false);
	assert_int_equal(auth_new(s, &c), 0);
	*ret_r = auth_step(c, wr_blob(&w), &arena, ret_out);
	return c;
}

static int try_once(const char *who, const char *keytab, const char *realm, bool bend)
{
	struct auth_server *s = server_for(keytab, realm);
	struct auth_context *c;
	struct initiator i;
	struct blob out, token;
	int r;

	initiator_init(&i, who, false);
	if (bend) {
		struct spnego_init init = { .mechs = { oid_krb5 }, .nmechs = 1, .has_token = true };
		struct wr w = wr_arena(&arena, 1 << 17);

		initiator_step(&i, BLOB(NULL, 0), &token);
		((uint8_t *)token.data)[token.len - 9] ^= 1;
		init.token = token;
		spnego_encode_init(&w, &init, false);
		assert_int_equal(auth_new(s, &c), 0);
		r = auth_step(c, wr_blob(&w), &arena, &out);
	} else {
		c = first(s, &i, &oid_ms_krb5, 1, &r, &out, &token);
	}
	auth_free(c);
	auth_server_unref(s);
	initiator_done(&i);
	return r;
}

static void test_refused(void **state)
{
	assert_int_equal(try_once("alice", getenv("KEYTAB"), NULL, false),
			 0); /* Microsoft's OID, no mechListMIC */
	assert_int_equal(try_once("alice", getenv("KEYTAB"), "TEST.EXAMPLE", false), 0);
	assert_int_equal(try_once("alice", getenv("KEYTAB"), "OTHER.EXAMPLE", false), -EACCES);
	assert_int_equal(try_once("mallory", getenv("KEYTAB"), NULL, false), -EACCES);
	assert_int_equal(try_once("alice", getenv("KEYTAB"), NULL, true), -EACCES);
	assert_int_equal(try_once("alice", "/nonexistent/keytab", NULL, false), -EIO);
}

/* The same AP-REQ again: somebody who listened must not get in. */
static void test_replay(void **state)
{
	struct auth_server *s = server_for(getenv("KEYTAB"), NULL);
	struct spnego_init init = { .mechs = { oid_krb5 }, .nmechs = 1, .has_token = true };
	struct initiator i;
	struct blob out;
	struct wr w = wr_arena(&arena, 1 << 17);

	initiator_init(&i, "alice", false);
	initiator_step(&i, BLOB(NULL, 0), &init.token);
	spnego_encode_init(&w, &init, false);
	for (int round = 0; round < 2; round++) {
		struct auth_context *c;

		assert_int_equal(auth_new(s, &c), 0);
		assert_int_equal(auth_step(c, wr_blob(&w), &arena, &out), round ? -EACCES : 0);
		auth_free(c);
	}
	auth_server_unref(s);
	initiator_done(&i);
}

static struct blob gss_mic(struct initiator *i, struct blob m)
{
	gss_buffer_desc in = { m.len, (void *)m.data }, out;
	struct blob mic;
	OM_uint32 min;

	assert_int_equal(gss_get_mic(&min, i->ctx, GSS_C_QOP_DEFAULT, &in, &out), GSS_S_COMPLETE);
	mic = BLOB(arena_memdup(&arena, out.value, out.length), out.length);
	gss_release_buffer(&min, &out);
	return mic;
}

/* Kerberos as the client's second choice: the token comes one message later, then both sides sign
 * the list. */
static void second_choice(bool right)
{
	static const struct blob neg = {
		(const uint8_t *)"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e", 10
	};
	struct auth_server *s = server_for(getenv("KEYTAB"), NULL);
	struct blob mechs[2] = { neg, oid_krb5 }, out, token;
	struct spnego_resp from, to = { .state = SPNEGO_STATE_NONE, .has_token = true };
	struct wr list = wr_arena(&arena, 256), w = wr_arena(&arena, 1 << 17),
		  w2 = wr_arena(&arena, 1 << 17);
	gss_buffer_desc m, mic;
	struct auth_context *c;
	struct initiator i;
	OM_uint32 min;
	int r;

	initiator_init(&i, "alice", false);
	c = first(s, &i, mechs, 2, &r, &out, &to.token);
	assert_int_equal(r, 1);
	assert_int_equal(spnego_decode_resp(out, &from), 0);
	assert_int_equal(from.state, SPNEGO_REQUEST_MIC);
	assert_true(blob_equal(from.mech, oid_krb5));
	spnego_encode_resp(&w, &to);
	assert_int_equal(auth_step(c, wr_blob(&w), &arena, &out), 1);
	assert_int_equal(spnego_decode_resp(out, &from), 0);
	assert_int_equal(from.state, SPNEGO_ACCEPT_INCOMPLETE);
	assert_true(initiator_step(&i, from.token, &token));
	spnego_encode_mech_list(&list, mechs, 2);
	m = (gss_buffer_desc){ list.len, list.base };
	mic = (gss_buffer_desc){ from.mic.len, (void *)from.mic.data };
	assert_int_equal(gss_verify_mic(&min, i.ctx, &m, &mic, NULL), GSS_S_COMPLETE);
	to = (struct spnego_resp){ .state = SPNEGO_STATE_NONE,
				   .has_mic = true,
				   .mic = gss_mic(&i, BLOB(list.base, list.len - !right)) };
	spnego_encode_resp(&w2, &to);
	assert_int_equal(auth_step(c, wr_blob(&w2), &arena, &out), right ? 0 : -EACCES);
	auth_free(c);
	auth_server_unref(s);
	initiator_done(&i);
}

static void test_second_choice(void **state)
{
	second_choice(true);
	second_choice(false);
}

static int setup(void **state)
{
	log_set_level(LOG_LEVEL_ERR);
	arena_init(&arena, 0);
	return 0;
}
static int teardown(void **state)
{
	arena_reset(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alice),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_second_choice),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
