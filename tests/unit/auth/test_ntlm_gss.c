/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A foreign NTLMv2 client against our server: the gss-ntlmssp mechanism under MIT's SPNEGO, and
 * without it. Skipped where the mechanism is not installed.
 */
#include "tests/unit/test.h"

#include <gssapi/gssapi_ext.h>

#include "node/auth/auth.h"
#include "node/auth/spnego.h"
#include "node/base/utf.h"
#include "node/log/log.h"

/* The foreign mechanism does not free all that OpenSSL gives it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libcrypto.so\nleak:gssntlmssp.so\n";
}

static gss_OID_desc ntlm_mech_oid = { 10, (void *)"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a" };
static gss_OID_desc spnego_mech_oid = { 6, (void *)"\x2b\x06\x01\x05\x05\x02" };
static struct arena arena;
static struct auth_server *server;

static int lookup(void *ctx, const char *domain, const char *user, struct auth_user *ret)
{
	struct auth_user u = { .uid = 1001, .has_nt_hash = true };

	if (utf8_casecmp(user, "Ålice") != 0)
		return 1;
	u.name = strdup("Ålice");
	*ret = u;
	return nt_hash_from_password("sécret", ret->nt_hash);
}

static int setup(void **state)
{
	struct auth_config conf = { .netbios_name = "NODE1",
				    .netbios_domain = "CLUSTER",
				    .dns_name = "node1.example",
				    .lookup = lookup };

	log_set_level(LOG_LEVEL_ERR);
	arena_init(&arena, 0);
	return auth_server_new(&conf, &server);
}
static int teardown(void **state)
{
	auth_server_unref(server);
	arena_reset(&arena);
	return 0;
}

static gss_name_t import(const char *text, gss_OID type)
{
	gss_buffer_desc b = { strlen(text), (void *)text };
	gss_name_t n;
	OM_uint32 min;

	assert_int_equal(gss_import_name(&min, &b, type, &n), GSS_S_COMPLETE);
	return n;
}

/* NULL when the mechanism is not there. */
static gss_cred_id_t acquire(const char *user, const char *password, bool spnego)
{
	gss_OID_set_desc mechs = { 1, spnego ? &spnego_mech_oid : &ntlm_mech_oid };
	gss_OID_set_desc ntlm_only = { 1, &ntlm_mech_oid };
	gss_buffer_desc pw = { strlen(password), (void *)password };
	gss_cred_id_t cred = GSS_C_NO_CREDENTIAL;
	gss_name_t name = import(user, GSS_C_NT_USER_NAME);
	OM_uint32 maj, min;

	maj = gss_acquire_cred_with_password(&min, name, &pw, GSS_C_INDEFINITE, &mechs,
					     GSS_C_INITIATE, &cred, NULL, NULL);
	gss_release_name(&min, &name);
	if (GSS_ERROR(maj))
		return NULL;
	if (spnego)
		assert_int_equal(gss_set_neg_mechs(&min, cred, &ntlm_only), GSS_S_COMPLETE);
	return cred;
}

/* Returns what auth_step() said last; on 0 the keys were equal. */
static int exchange(gss_cred_id_t cred, bool spnego, OM_uint32 flags)
{
	_cleanup_(cleanup_auth) struct auth_context *s = NULL;
	gss_ctx_id_t ctx = GSS_C_NO_CONTEXT;
	gss_name_t target = import("cifs@node1.example", GSS_C_NT_HOSTBASED_SERVICE);
	gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	struct blob b = { 0 };
	OM_uint32 maj, min;
	int r = 1;

	assert_int_equal(auth_new(server, &s), 0);
	do {
		gss_buffer_desc in = { b.len, (void *)b.data }, out = GSS_C_EMPTY_BUFFER;

		maj = gss_init_sec_context(&min, cred, &ctx, target,
					   spnego ? &spnego_mech_oid : &ntlm_mech_oid, flags, 0,
					   NULL, &in, NULL, &out, NULL, NULL);
		assert_false(GSS_ERROR(maj));
		if (out.length)
			r = auth_step(s,
				      BLOB(arena_memdup(&arena, out.value, out.length), out.length),
				      &arena, &b);
		gss_release_buffer(&min, &out);
	} while (r >= 0 && (maj & GSS_S_CONTINUE_NEEDED));
	if (r == 0) {
		gss_OID_desc key_oid = { 11,
					 (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05" };

		assert_int_equal(gss_inquire_sec_context_by_oid(&min, ctx, &key_oid, &set),
				 GSS_S_COMPLETE);
		assert_int_equal(set->elements[0].length, auth_result(s)->session_key.len);
		assert_memory_equal(set->elements[0].value, auth_result(s)->session_key.data,
				    set->elements[0].length);
		gss_release_buffer_set(&min, &set);
	}
	gss_delete_sec_context(&min, &ctx, GSS_C_NO_BUFFER);
	gss_release_name(&min, &target);
	return r;
}

static void attempt(const char *user, const char *password, int want)
{
	static const OM_uint32 flags[] = { GSS_C_MUTUAL_FLAG, GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG,
					   GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG | GSS_C_CONF_FLAG };
	OM_uint32 min;

	for (int spnego = 0; spnego < 2; spnego++) {
		gss_cred_id_t cred = acquire(user, password, spnego);

		if (!cred)
			skip();
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			assert_int_equal(exchange(cred, spnego, flags[i]), want);
		gss_release_cred(&min, &cred);
	}
}

static void test_right(void **state)
{
	attempt("DOM\\Ålice", "sécret", 0);
	attempt("Ålice", "sécret", 0);
	attempt("dom\\ålicE", "sécret", 0);
}

static void test_wrong(void **state)
{
	attempt("DOM\\Ålice", "secret", -EACCES);
	attempt("DOM\\bob", "sécret", -EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_right),
					    cmocka_unit_test(test_wrong) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
