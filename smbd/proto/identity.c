/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks users up in a snapshot of the configuration; on offload threads. */
#include "smbd/proto/identity.h"

#define NETBIOS_NAME_MAX 15

/* A user of the cluster may come under any domain name: clients send their own machine's, ours, or
 * none. */
static int lookup(void *ctx, const char *domain, const char *name, struct auth_user *ret)
{
	const struct user *u = cluster_config_user(ctx, name);
	static const uint8_t no_hash[AUTH_NT_HASH_LEN];
	struct auth_user found;

	if (!u || u->disabled)
		return 1;
	found = (struct auth_user){
		.uid = u->uid, .gid = u->gid, .ngroups = u->n_groups, .sid = u->sid
	};
	memcpy(found.nt_hash, u->nt_hash, sizeof(found.nt_hash));
	found.has_nt_hash = memcmp(u->nt_hash, no_hash, sizeof(no_hash)) != 0;
	found.name = strdup(u->name);
	found.groups = calloc(u->n_groups ? u->n_groups : 1, sizeof(*found.groups));
	if (!found.name || !found.groups) {
		auth_user_done(&found);
		return -ENOMEM;
	}
	for (size_t i = 0; i < u->n_groups; i++)
		found.groups[i] = u->groups[i];
	*ret = found;
	return 0;
}

static void lookup_free(void *ctx)
{
	cluster_config_unref(ctx);
}

/* Fits a name into a NetBIOS name: upper case, no dots. */
static void netbios(const char *name, char out[NETBIOS_NAME_MAX + 1])
{
	size_t i;

	for (i = 0; name[i] && name[i] != '.' && i < NETBIOS_NAME_MAX; i++)
		out[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 'a' + 'A' :
				(unsigned char)name[i] < 0x80	 ? name[i] :
								   '_');
	out[i] = '\0';
}

int identity_server_new(const struct node_conf *conf, const struct cluster_config *c,
			struct auth_server **ret)
{
	char name[NETBIOS_NAME_MAX + 1], domain[NETBIOS_NAME_MAX + 1];
	struct auth_config ac = {
		.netbios_name = name,
		.netbios_domain = domain,
		.dns_name = conf->name,
		.keytab = conf->keytab,
		.lookup = lookup,
		.lookup_free = lookup_free,
	};
	int r;

	netbios(conf->name, name);
	netbios(c->cluster && *c->cluster ? c->cluster : conf->name, domain);
	ac.lookup_ctx = cluster_config_ref(c);
	r = auth_server_new(&ac, ret);
	if (r < 0)
		cluster_config_unref(ac.lookup_ctx);
	return r;
}
