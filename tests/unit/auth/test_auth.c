/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our client against our server: who gets in, with which key, and what is refused or malformed. */
#include "tests/unit/test.h"

#include "node/auth/auth.h"
#include "node/auth/auth_client.h"
#include "node/auth/ntlm_client.h"
#include "node/auth/spnego.h"
#include "node/base/utf.h"
#include "node/log/log.h"
#include "tests/unit/auth/hex.h"

static struct arena arena;
static struct auth_server *server;

static const struct {
	const char *name, *password;
	uint32_t uid;
} users[] = {
	{ "alice", "correct horse", 1001 },
	{ "jürgen", "pässwörd-€-😀", 1002 },
	{ "kerberos-only", NULL, 1003 },
};

static int lookup(void *ctx, const char *domain, const char *user, struct auth_user *ret)
{
	struct auth_user u = { 0 };

	if (strcmp(user, "broken") == 0)
		return -EIO;
	if (strcmp(domain, "ELSEWHERE") == 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		if (utf8_casecmp(user, users[i].name) != 0)
			continue;
		u.name = strdup(users[i].name);
		u.uid = users[i].uid;
		u.gid = 100;
		u.groups = calloc(2, sizeof(*u.groups));
		u.ngroups = 2;
		u.has_nt_hash = users[i].password != NULL;
		if (u.has_nt_hash)
			assert_int_equal(nt_hash_from_password(users[i].password, u.nt_hash), 0);
		*ret = u;
		return 0;
	}
	return 1;
}

static int setup(void **state)
{
	struct auth_config conf = { .netbios_name = "NODE1",
				    .netbios_domain = "CLUSTER",
				    .dns_name = "node1.example",
				    .dns_domain = "example",
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

struct attempt {
	const char *user, *domain, *password;
	bool raw;
	int want;
	uint32_t uid;
};

static void run(const struct attempt *t)
{
	_cleanup_(cleanup_auth) struct auth_context *s = NULL;
	_cleanup_(cleanup_auth_client) struct auth_client *c = NULL;
	const struct auth_result *res;
	struct auth_user user;
	struct blob a = { 0 }, b = { 0 };

	assert_int_equal(auth_new(server, &s), 0);
	assert_int_equal(auth_client_new(t->user, t->domain, t->password, &c), 0);
	auth_client_set_raw(c, t->raw);
	assert_int_equal(auth_client_step(c, b, &arena, &a), 1);
	assert_int_equal(auth_step(s, a, &arena, &b), 1);
	assert_int_equal(auth_client_step(c, b, &arena, &a), 1);
	b = BLOB(NULL, 0);
	assert_int_equal(auth_step(s, a, &arena, &b), t->want);
	assert_int_equal(auth_step(s, a, &arena, &b), -EINVAL);
	if (t->want < 0)
		return;
	assert_int_equal(auth_client_step(c, b, &arena, &a), 0);
	res = auth_result(s);
	assert_int_equal(res->mech, AUTH_MECH_NTLM);
	assert_string_equal(res->user, t->user);
	assert_string_equal(res->domain, t->domain ? t->domain : "");
	assert_int_equal(res->identity->uid, t->uid);
	assert_int_equal(res->identity->ngroups, 2);
	assert_int_equal(res->session_key.len, 16);
	assert_true(blob_equal(res->session_key, auth_client_session_key(c)));
	assert_false(res->guest || res->anonymous);
	auth_take_identity(s, &user);
	assert_int_equal(user.uid, t->uid);
	assert_false(user.has_nt_hash);
	auth_user_done(&user);
}

static void test_attempts(void **state)
{
	static const struct attempt attempts[] = {
		{ "alice", "DOM", "correct horse", false, 0, 1001 },
		{ "alice", NULL, "correct horse", false, 0, 1001 },
		{ "ALICE", "dom", "correct horse", true, 0, 1001 },
		{ "alice", NULL, "correct horse", true, 0, 1001 },
		{ "alice@example", NULL, "correct horse", false, 0, 1001 },
		{ "JÜRGEN", "DÖM", "pässwörd-€-😀", false, 0, 1002 },
		{ "jürgen", "", "pässwörd-€-😀", true, 0, 1002 },
		{ "alice", "DOM", "wrong horse", false, -EACCES, 0 },
		{ "alice", "DOM", "", true, -EACCES, 0 },
		{ "alice", "ELSEWHERE", "correct horse", false, -EACCES, 0 },
		{ "nobody", "DOM", "correct horse", false, -EACCES, 0 },
		{ "kerberos-only", "DOM", "", false, -EACCES, 0 },
		{ "", "", "", false, -EACCES, 0 },
		{ "broken", "", "x", false, -EIO, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++)
		run(&attempts[i]);
}

/* Runs the exchange without SPNEGO up to AUTHENTICATE; the caller bends that. */
static struct auth_context *until_authenticate(struct ntlm_client *c, uint8_t **ret_message,
					       size_t *ret_len)
{
	struct auth_context *s;
	struct blob a, b;

	assert_int_equal(ntlm_client_init(c, "alice", "DOM", "correct horse"), 0);
	assert_int_equal(auth_new(server, &s), 0);
	assert_int_equal(ntlm_client_negotiate(c, &arena, &a), 0);
	assert_int_equal(auth_step(s, a, &arena, &b), 1);
	assert_int_equal(ntlm_client_authenticate(c, b, &arena, &a), 0);
	*ret_message = arena_memdup(&arena, a.data, a.len);
	*ret_len = a.len;
	return s;
}

/* Flips every byte of AUTHENTICATE in turn: the MIC covers them all, so nobody gets in, and nothing
 * crashes. */
static void test_tampered(void **state)
{
	size_t len = 1;

	for (size_t at = 0; at < len; at++) {
		struct ntlm_client c;
		struct blob b;
		uint8_t *m;
		struct auth_context *s = until_authenticate(&c, &m, &len);
		int r;

		m[at] ^= 0x20;
		r = auth_step(s, BLOB(m, len), &arena, &b);
		assert_true(r == -EACCES || r == -EBADMSG);
		if (at >= NTLM_MIC_AT && at < NTLM_MIC_AT + NTLM_MIC_LEN)
			assert_int_equal(r, -EACCES);
		auth_free(s);
		ntlm_client_done(&c);
	}
}

static void test_truncated(void **state)
{
	size_t len = 1;

	for (size_t n = 0; n < len; n++) {
		struct ntlm_client c;
		struct blob b;
		uint8_t *m;
		struct auth_context *s = until_authenticate(&c, &m, &len);

		assert_int_equal(auth_step(s, BLOB(arena_memdup(&arena, m, n), n), &arena, &b),
				 -EBADMSG);
		auth_free(s);
		ntlm_client_done(&c);
	}
}

/* A NEGOTIATE whose key exchange bit was taken away on the way: only the MIC can tell. */
static void test_downgrade(void **state)
{
	struct ntlm_client c;
	struct auth_context *s;
	struct blob a, b;

	assert_int_equal(ntlm_client_init(&c, "alice", "DOM", "correct horse"), 0);
	assert_int_equal(auth_new(server, &s), 0);
	assert_int_equal(ntlm_client_negotiate(&c, &arena, &a), 0);
	((uint8_t *)a.data)[15] &= (uint8_t) ~(NTLM_KEY_EXCH >> 24);
	assert_int_equal(auth_step(s, a, &arena, &b), 1);
	assert_int_equal(ntlm_client_authenticate(&c, b, &arena, &a), 0);
	assert_int_equal(auth_step(s, a, &arena, &b), -EACCES);
	auth_free(s);
	ntlm_client_done(&c);
}

static void test_weak_responses(void **state)
{
	static const size_t nt_len[] = { 0, 24, 15, 43 };
	static const int want[] = { -EACCES, -EACCES, -EBADMSG, -EBADMSG };

	for (size_t i = 0; i < ARRAY_SIZE(nt_len); i++) {
		struct ntlm_authenticate m;
		struct ntlm_client c;
		struct wr w = wr_arena(&arena, 4096);
		struct blob b;
		uint8_t *bytes;
		size_t len;
		struct auth_context *s = until_authenticate(&c, &bytes, &len);

		assert_int_equal(ntlm_decode_authenticate(BLOB(bytes, len), &m), 0);
		m.nt.len = nt_len[i];
		m.lm = BLOB("0123456789abcdef01234567", 24);
		ntlm_encode_authenticate(&w, &m);
		assert_int_equal(auth_step(s, wr_blob(&w), &arena, &b), want[i]);
		auth_free(s);
		ntlm_client_done(&c);
	}
}

/* A client that prefers a mechanism that we do not have (RFC 4178 5): its token is dropped, and
 * both sides must prove that nobody touched the list. `mic`: 0 left out, 1 right, 2 wrong, 3 in a
 * message of its own. */
static void second_choice(int mic, int want)
{
	struct spnego_init init = { .mechs = { oid_ms_krb5, oid_krb5, oid_ntlmssp },
				    .nmechs = 3,
				    .has_token = true,
				    .token = BLOB("optimistic", 10) };
	struct spnego_resp from, to = { .state = SPNEGO_STATE_NONE, .has_token = true };
	struct wr list = wr_arena(&arena, 256), w1 = wr_arena(&arena, 4096),
		  w2 = wr_arena(&arena, 4096), w3 = wr_arena(&arena, 4096),
		  w4 = wr_arena(&arena, 4096);
	uint8_t ours[16], theirs[16];
	struct auth_context *s;
	struct ntlm_client c;
	struct blob b;

	assert_int_equal(ntlm_client_init(&c, "alice", "DOM", "correct horse"), 0);
	assert_int_equal(auth_new(server, &s), 0);
	spnego_encode_mech_list(&list, init.mechs, init.nmechs);
	spnego_encode_init(&w1, &init, false);
	assert_int_equal(auth_step(s, wr_blob(&w1), &arena, &b), 1);
	assert_int_equal(spnego_decode_resp(b, &from), 0);
	assert_int_equal(from.state, SPNEGO_REQUEST_MIC);
	assert_true(blob_equal(from.mech, oid_ntlmssp) && !from.has_token);
	assert_int_equal(ntlm_client_negotiate(&c, &arena, &to.token), 0);
	spnego_encode_resp(&w2, &to);
	assert_int_equal(auth_step(s, wr_blob(&w2), &arena, &b), 1);
	assert_int_equal(spnego_decode_resp(b, &from), 0);
	assert_int_equal(ntlm_client_authenticate(&c, from.token, &arena, &to.token), 0);
	ntlm_signature(c.key, c.flags, false, wr_blob(&list), ours);
	ntlm_signature(c.key, c.flags, true, wr_blob(&list), theirs);
	ours[5] ^= mic == 2;
	to.has_mic = mic == 1 || mic == 2;
	to.mic = BLOB(ours, 16);
	spnego_encode_resp(&w3, &to);
	assert_int_equal(auth_step(s, wr_blob(&w3), &arena, &b), want);
	if (want >= 0) {
		assert_int_equal(spnego_decode_resp(b, &from), 0);
		assert_int_equal(from.state,
				 want ? SPNEGO_ACCEPT_INCOMPLETE : SPNEGO_ACCEPT_COMPLETED);
		assert_true(from.has_mic && blob_equal(from.mic, BLOB(theirs, 16)));
	}
	if (want == 1) {
		to = (struct spnego_resp){ .state = SPNEGO_STATE_NONE,
					   .has_mic = mic == 3,
					   .mic = BLOB(ours, 16) };
		spnego_encode_resp(&w4, &to);
		assert_int_equal(auth_step(s, wr_blob(&w4), &arena, &b), mic == 3 ? 0 : -EBADMSG);
	}
	auth_free(s);
	ntlm_client_done(&c);
}

static void test_second_choice(void **state)
{
	second_choice(1, 0);
	second_choice(2, -EACCES);
	second_choice(3, 1);
	second_choice(0, 1);
}

static void test_first_tokens(void **state)
{
	static const struct {
		const char *bytes;
		int want;
	} t[] = {
		{ "", -EBADMSG },
		{ "4e544c4d53535000", -EBADMSG },
		{ "4e544c4d53535000 03000000 01000000", -EBADMSG },
		{ "4e544c4d53535000 01000000 02000000", -EACCES }, /* OEM only */
		{ "a1 07 30 05 a0 03 0a 01 00", -EBADMSG },
		{ "60 1b 06 06 2b0601050502 a0 11 30 0f a0 0d 30 0b 06 09 2a864886f712010202",
		  -EACCES }, /* no keytab */
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		_cleanup_(cleanup_auth) struct auth_context *s = NULL;
		struct blob b;

		assert_int_equal(auth_new(server, &s), 0);
		assert_int_equal(auth_step(s, hex(&arena, t[i].bytes), &arena, &b), t[i].want);
	}
}

static void test_server_config(void **state)
{
	struct auth_config conf = { .netbios_name = "SIXTEEN-LETTERS-", .lookup = lookup };
	struct spnego_init init;
	struct auth_server *s = NULL;
	struct blob token;

	assert_int_equal(auth_server_new(&conf, &s), -EINVAL);
	conf.netbios_name = NULL;
	assert_int_equal(auth_server_new(&conf, &s), -EINVAL);
	conf.netbios_name = "\xff";
	assert_int_equal(auth_server_new(&conf, &s), -EINVAL);
	conf.netbios_name = "N";
	conf.keytab = "/nonexistent/keytab";
	assert_int_equal(auth_server_new(&conf, &s), 0);
	assert_int_equal(auth_negotiate_token(s, &arena, &token), 0);
	assert_int_equal(spnego_decode_init(token, &init), 0);
	assert_int_equal(init.nmechs, 3);
	auth_server_unref(s);
	assert_int_equal(auth_negotiate_token(server, &arena, &token), 0);
	assert_int_equal(spnego_decode_init(token, &init), 0);
	assert_int_equal(init.nmechs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempts),       cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_truncated),      cmocka_unit_test(test_downgrade),
		cmocka_unit_test(test_weak_responses), cmocka_unit_test(test_second_choice),
		cmocka_unit_test(test_first_tokens),   cmocka_unit_test(test_server_config),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
