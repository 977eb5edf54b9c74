/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kerberos by MIT GSSAPI. The acceptor takes any service of the keytab, so no host name is looked
 * up. May block on the keytab and the replay cache; a context belongs to one thread at a time.
 */
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <time.h>

#include "node/auth/auth_priv.h"
#include "node/log/log.h"

static void cleanup_name(gss_name_t *n)
{
	OM_uint32 min;

	gss_release_name(&min, n);
}
static void cleanup_buffer(gss_buffer_desc *b)
{
	OM_uint32 min;

	gss_release_buffer(&min, b);
}
static void cleanup_buffer_set(gss_buffer_set_t *s)
{
	OM_uint32 min;

	gss_release_buffer_set(&min, s);
}

/* Logs what GSSAPI says about a failure. */
static void log_gss(enum log_level level, const char *what, OM_uint32 maj, OM_uint32 min)
{
	_cleanup_(cleanup_buffer) gss_buffer_desc a = GSS_C_EMPTY_BUFFER, b = GSS_C_EMPTY_BUFFER;
	static struct log_rl rl;
	OM_uint32 ignore, more = 0;

	if (!log_ratelimit(&rl, AUTH_LOG_PER_SECOND))
		return;
	gss_display_status(&ignore, maj, GSS_C_GSS_CODE, GSS_C_NO_OID, &more, &a);
	more = 0;
	gss_display_status(&ignore, min, GSS_C_MECH_CODE, (gss_OID)gss_mech_krb5, &more, &b);
	log_at(level, "%s: mech=krb5 reason=%s detail=%s", what, log_esc_n(a.value, a.length),
	       log_esc_n(b.value, b.length));
}

static int acquire(struct auth_context *c)
{
	gss_key_value_element_desc e = { "keytab", c->server->conf.keytab };
	gss_key_value_set_desc store = { 1, &e };
	gss_OID_set_desc mechs = { 1, (gss_OID)gss_mech_krb5 };
	OM_uint32 maj, min;

	if (c->krb5.cred)
		return 0;
	maj = gss_acquire_cred_from(&min, GSS_C_NO_NAME, GSS_C_INDEFINITE, &mechs, GSS_C_ACCEPT,
				    &store, &c->krb5.cred, NULL, NULL);
	if (GSS_ERROR(maj)) {
		log_gss(LOG_LEVEL_ERR, "keytab not usable", maj, min);
		return -EIO;
	}
	return 0;
}

/* Splits "user@REALM" in place; names that need escapes are nobody's. */
static int split_principal(char *name, char **ret_realm)
{
	char *at = strrchr(name, '@');

	if (!at || at == name || strchr(name, '\\'))
		return -EACCES;
	*at = '\0';
	*ret_realm = at + 1;
	return 0;
}

static int name_text(struct auth_context *c, gss_name_t name, char **ret_user, char **ret_realm)
{
	_cleanup_(cleanup_buffer) gss_buffer_desc b = GSS_C_EMPTY_BUFFER;
	OM_uint32 min;
	char *s;

	if (GSS_ERROR(gss_display_name(&min, name, &b, NULL)))
		return -EACCES;
	if (memchr(b.value, '\0', b.length))
		return -EACCES;
	s = arena_alloc(&c->arena, b.length + 1);
	if (!s)
		return -ENOMEM;
	memcpy(s, b.value, b.length);
	s[b.length] = '\0';
	*ret_user = s;
	return split_principal(s, ret_realm);
}

/* The client must be of the configured realm, or else of the service's own. */
static int check_realm(struct auth_context *c, const char *realm)
{
	_cleanup_(cleanup_name) gss_name_t target = GSS_C_NO_NAME;
	const char *want = c->server->conf.realm;
	char *service, *service_realm;
	OM_uint32 min;
	int r;

	if (!want) {
		if (GSS_ERROR(gss_inquire_context(&min, c->krb5.gss, NULL, &target, NULL, NULL,
						  NULL, NULL, NULL)))
			return -EACCES;
		r = name_text(c, target, &service, &service_realm);
		if (r < 0)
			return r;
		want = service_realm;
	}
	return strcmp(want, realm) == 0 ? 0 : -EACCES;
}

/* The key as SMB wants it: the acceptor's subkey, else the initiator's. */
static int session_key(struct auth_context *c, uint8_t key[AUTH_SESSION_KEY_MAX], size_t *ret_len)
{
	_cleanup_(cleanup_buffer_set) gss_buffer_set_t set = GSS_C_NO_BUFFER_SET;
	OM_uint32 maj, min;
	size_t n;

	maj = gss_inquire_sec_context_by_oid(&min, c->krb5.gss, GSS_C_INQ_SSPI_SESSION_KEY, &set);
	if (GSS_ERROR(maj) || !set || set->count < 1) {
		log_gss(LOG_LEVEL_ERR, "no session key", maj, min);
		return -EIO;
	}
	n = set->elements[0].length;
	if (n == 0 || n > AUTH_SESSION_KEY_MAX)
		return -EACCES;
	memcpy(key, set->elements[0].value, n);
	*ret_len = n;
	return 0;
}

static int establish(struct auth_context *c, gss_name_t name, OM_uint32 lifetime)
{
	static struct log_rl rl;
	struct auth_user user = { 0 };
	uint8_t key[AUTH_SESSION_KEY_MAX];
	char *who = NULL, *realm = NULL;
	int64_t expires = lifetime == GSS_C_INDEFINITE ? 0 : (int64_t)time(NULL) + lifetime;
	size_t key_len = 0;
	int r = name_text(c, name, &who, &realm);

	if (r == 0)
		r = check_realm(c, realm);
	if (r == 0)
		r = c->server->conf.lookup(c->server->conf.lookup_ctx, realm, who, &user);
	if (r == 1)
		r = -EACCES;
	if (r == -EACCES && log_ratelimit(&rl, AUTH_LOG_PER_SECOND))
		log_info("authentication refused: mech=krb5 principal=%s realm=%s reason=%s",
			 log_esc(who), log_esc(realm), "\"unknown principal\"");
	if (r == 0)
		r = session_key(c, key, &key_len);
	if (r == 0)
		auth_establish(c, who, realm, &user, BLOB(key, key_len), expires);
	explicit_bzero(key, sizeof(key));
	auth_user_done(&user);
	return r;
}

static int krb5_step(struct auth_context *c, struct blob in, struct arena *a, struct blob *ret_out)
{
	_cleanup_(cleanup_buffer) gss_buffer_desc out = GSS_C_EMPTY_BUFFER;
	_cleanup_(cleanup_name) gss_name_t name = GSS_C_NO_NAME;
	gss_buffer_desc token = { in.len, (void *)in.data };
	gss_OID mech = GSS_C_NO_OID;
	OM_uint32 maj, min, flags, lifetime = 0;
	int r = acquire(c);

	if (r < 0)
		return r;
	maj = gss_accept_sec_context(&min, &c->krb5.gss, c->krb5.cred, &token,
				     GSS_C_NO_CHANNEL_BINDINGS, &name, &mech, &out, &flags,
				     &lifetime, NULL);
	if (GSS_ERROR(maj)) {
		log_gss(LOG_LEVEL_INFO, "authentication refused", maj, min);
		return GSS_ROUTINE_ERROR(maj) == GSS_S_DEFECTIVE_TOKEN ? -EBADMSG : -EACCES;
	}
	if (!(maj & GSS_S_CONTINUE_NEEDED)) {
		r = gss_oid_equal(mech, gss_mech_krb5) ? establish(c, name, lifetime) : -EACCES;
		if (r < 0)
			return r;
	}
	if (out.length) {
		void *p = arena_memdup(a, out.value, out.length);

		if (!p)
			return -ENOMEM;
		*ret_out = BLOB(p, out.length);
	}
	return (maj & GSS_S_CONTINUE_NEEDED) ? 1 : 0;
}

static int krb5_get_mic(struct auth_context *c, struct blob message, struct arena *a,
			struct blob *ret_mic)
{
	_cleanup_(cleanup_buffer) gss_buffer_desc mic = GSS_C_EMPTY_BUFFER;
	gss_buffer_desc m = { message.len, (void *)message.data };
	OM_uint32 maj, min;
	void *p;

	maj = gss_get_mic(&min, c->krb5.gss, GSS_C_QOP_DEFAULT, &m, &mic);
	if (GSS_ERROR(maj)) {
		log_gss(LOG_LEVEL_ERR, "no mechListMIC", maj, min);
		return -EIO;
	}
	p = arena_memdup(a, mic.value, mic.length);
	if (!p)
		return -ENOMEM;
	*ret_mic = BLOB(p, mic.length);
	return 0;
}

static int krb5_check_mic(struct auth_context *c, struct blob message, struct blob mic)
{
	gss_buffer_desc m = { message.len, (void *)message.data },
			t = { mic.len, (void *)mic.data };
	OM_uint32 maj, min;

	maj = gss_verify_mic(&min, c->krb5.gss, &m, &t, NULL);
	if (GSS_ERROR(maj)) {
		log_gss(LOG_LEVEL_INFO, "authentication refused: wrong mechListMIC", maj, min);
		return -EACCES;
	}
	return 0;
}

static void krb5_done(struct auth_context *c)
{
	OM_uint32 min;

	gss_delete_sec_context(&min, &c->krb5.gss, GSS_C_NO_BUFFER);
	gss_release_cred(&min, &c->krb5.cred);
}

const struct mech_ops krb5_mech = {
	.mech = AUTH_MECH_KRB5,
	.step = krb5_step,
	.get_mic = krb5_get_mic,
	.check_mic = krb5_check_mic,
	.done = krb5_done,
};
