/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owns the auth_server: names and keytab of the node, made once, then only read; any thread. */
#include "node/auth/auth_priv.h"

#include "node/auth/spnego.h"
#include "node/base/utf.h"
#include "node/crypto/crypto.h"

#define NETBIOS_NAME_MAX 15
#define AV_NAMES_MAX 4096

static int copy_string(struct arena *a, const char *s, const char **ret)
{
	char *copy = NULL;

	if (s) {
		copy = arena_strdup(a, s);
		if (!copy)
			return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

static int copy_config(struct auth_server *s, const struct auth_config *conf)
{
	struct auth_config c = *conf;
	int r;

	if (!c.netbios_name || !c.netbios_name[0] || !c.lookup)
		return -EINVAL;
	if (!c.netbios_domain)
		c.netbios_domain = c.netbios_name;
	if (strlen(c.netbios_name) > NETBIOS_NAME_MAX ||
	    strlen(c.netbios_domain) > NETBIOS_NAME_MAX)
		return -EINVAL;
	if ((r = copy_string(&s->arena, c.netbios_name, &c.netbios_name)) < 0 ||
	    (r = copy_string(&s->arena, c.netbios_domain, &c.netbios_domain)) < 0 ||
	    (r = copy_string(&s->arena, c.dns_name, &c.dns_name)) < 0 ||
	    (r = copy_string(&s->arena, c.dns_domain, &c.dns_domain)) < 0 ||
	    (r = copy_string(&s->arena, c.keytab, &c.keytab)) < 0 ||
	    (r = copy_string(&s->arena, c.realm, &c.realm)) < 0)
		return r;
	s->conf = c;
	return 0;
}

/* The part of the target information that never changes (MS-NLMP 2.2.2.1). */
static int make_names(struct auth_server *s)
{
	const struct {
		uint16_t id;
		const char *name;
	} names[] = {
		{ NTLM_AV_NB_DOMAIN, s->conf.netbios_domain },
		{ NTLM_AV_NB_COMPUTER, s->conf.netbios_name },
		{ NTLM_AV_DNS_DOMAIN, s->conf.dns_domain },
		{ NTLM_AV_DNS_COMPUTER, s->conf.dns_name },
	};
	struct wr w = wr_arena(&s->arena, AV_NAMES_MAX);
	struct blob wide;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!names[i].name)
			continue;
		r = utf16_from_utf8(&s->arena, names[i].name, &wide);
		if (r < 0)
			return r == -EILSEQ ? -EINVAL : r;
		ntlm_av_put(&w, names[i].id, wide);
		if (names[i].id == NTLM_AV_NB_COMPUTER)
			s->nb_name = wide;
	}
	if (wr_end(&w) < 0)
		return -EINVAL;
	s->av_names = wr_blob(&w);
	return 0;
}

int auth_server_new(const struct auth_config *conf, struct auth_server **ret_server)
{
	struct auth_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	atomic_init(&s->refs, 1);
	arena_init(&s->arena, 0);
	crypto_random(s->no_user_hash, sizeof(s->no_user_hash));
	r = copy_config(s, conf);
	if (r == 0)
		r = make_names(s);
	if (r < 0) {
		s->conf.lookup_free = NULL;
		auth_server_unref(s);
		return r;
	}
	*ret_server = s;
	return 0;
}

struct auth_server *auth_server_ref(struct auth_server *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void auth_server_unref(struct auth_server *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (s->conf.lookup_free)
		s->conf.lookup_free(s->conf.lookup_ctx);
	arena_reset(&s->arena);
	free(s);
}

int auth_negotiate_token(struct auth_server *s, struct arena *a, struct blob *ret_token)
{
	struct spnego_init init = { 0 };
	struct wr w = wr_arena(a, AUTH_TOKEN_MAX);

	if (s->conf.keytab) {
		init.mechs[init.nmechs++] = oid_ms_krb5;
		init.mechs[init.nmechs++] = oid_krb5;
	}
	init.mechs[init.nmechs++] = oid_ntlmssp;
	spnego_encode_init(&w, &init, true);
	if (wr_end(&w) < 0)
		return -ENOMEM;
	*ret_token = wr_blob(&w);
	return 0;
}
