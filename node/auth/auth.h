/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is the client? The server side of SESSION_SETUP's token exchange: SPNEGO (RFC 4178, MS-SPNG)
 * carrying Kerberos or NTLMv2 (MS-NLMP), and NTLMSSP without SPNEGO.
 *
 * Decision: SPNEGO and NTLMv2 are our own code; Kerberos is MIT GSSAPI's krb5 mechanism, fed with
 * its own token. The gss-ntlmssp mechanism was tried and not taken: as an acceptor it knows the
 * users of one file per process (NTLM_USER_FILE), not those of the running configuration; with NT
 * hashes it refuses `DOMAIN\user` (EINVAL), and clear-text passwords are not kept; nor can it be
 * told to refuse NTLMv1 or to spend the same time on unknown users.
 *
 * Replayed AP-REQs are refused by MIT's replay cache (a file that is locked but not synced,
 * KRB5RCACHENAME).
 *
 * Threads: an auth_server is immutable and counted, any thread may use it. An auth_context belongs
 * to one thread at a time. auth_step() may block on the keytab and on the replay cache: call it on
 * an offload thread. Nothing here asks the DNS.
 */
#ifndef HF_NODE_AUTH_AUTH_H
#define HF_NODE_AUTH_AUTH_H

#include "node/base/arena.h"
#include "node/base/sid.h"
#include "node/base/util.h"

#define AUTH_NT_HASH_LEN 16
#define AUTH_SESSION_KEY_MAX 32
#define AUTH_TOKEN_MAX 65535 /* longest token that auth_step() takes */

/* A user of the cluster's configuration, as the lookup found it. Owns `name`, `groups` (malloc). */
struct auth_user {
	char *name; /* canonical spelling, UTF-8 */
	bool has_nt_hash; /* false: Kerberos only */
	uint8_t nt_hash[AUTH_NT_HASH_LEN];
	uint32_t uid, gid;
	uint32_t *groups; /* supplementary group ids */
	size_t ngroups;
	struct sid sid; /* not looked at here */
};

/* Frees what the user owns and wipes the hash; a zeroed struct is allowed. */
void auth_user_done(struct auth_user *u);

/* Finds a user. `domain` is what the client sent (may be empty) or the Kerberos realm; both are
 * UTF-8; matching (case, which domains count) is the callee's. Runs on any thread. 0: found, `*ret`
 * filled, the caller owns it. 1: no such user, or disabled. Negative: fault. */
typedef int auth_lookup_fn(void *ctx, const char *domain, const char *user,
			   struct auth_user *ret_user);

/* What an auth_server is made from; strings are copied. */
struct auth_config {
	const char *netbios_name; /* this server, at most 15 characters */
	const char *netbios_domain; /* NULL: netbios_name */
	const char *dns_name; /* NULL: left out of the target information */
	const char *dns_domain; /* NULL: left out */
	const char *keytab; /* path; NULL: no Kerberos */
	const char *realm; /* the only realm whose principals are users; NULL: the service's own */
	auth_lookup_fn *lookup;
	void *lookup_ctx;
	void (*lookup_free)(void *ctx); /* called when the server is freed, not when making it fails; NULL: nothing */
};

struct auth_server;

/* Makes a server with one reference. A change of configuration makes a new one; contexts of the old
 * one keep it. -EINVAL: a name is missing or too long, not UTF-8; -ENOMEM. The keytab is not opened
 * yet. */
int auth_server_new(const struct auth_config *conf, struct auth_server **ret_server);
struct auth_server *auth_server_ref(struct auth_server *s);
/* NULL is allowed. */
void auth_server_unref(struct auth_server *s);

/* Makes the NegTokenInit2 that the NEGOTIATE response carries (MS-SPNG 2.2.1): Kerberos twice
 * (MIT's and Microsoft's OID) if there is a keytab, NTLMSSP. In the arena. -ENOMEM. */
int auth_negotiate_token(struct auth_server *s, struct arena *a, struct blob *ret_token);

enum auth_mech {
	AUTH_MECH_NONE, /* not known yet */
	AUTH_MECH_NTLM,
	AUTH_MECH_KRB5,
};

/* One exchange of tokens, that is one SESSION_SETUP sequence (also a reauthentication or a
 * binding). */
struct auth_context;

/* Starts an exchange; holds a reference on the server. -ENOMEM. */
int auth_new(struct auth_server *s, struct auth_context **ret_context);
/* Ends it at any point, wiping keys. NULL is allowed. */
void auth_free(struct auth_context *c);
DEFINE_CLEANUP(struct auth_context, auth, auth_free)

/*
 * Feeds one token of the client and makes the answer in the arena (may be empty).
 * 0: the client is who it says, see auth_result(). 1: send the answer with
 * STATUS_MORE_PROCESSING_REQUIRED. -EACCES: refused (STATUS_LOGON_FAILURE): wrong password, unknown
 * user, anonymous, NTLMv1, unknown principal, bad ticket; these are not told apart. -EBADMSG:
 * malformed (STATUS_INVALID_PARAMETER). -ENOMEM. Other: fault of ours. After anything but 1 the
 * context takes no more tokens (-EINVAL).
 */
int auth_step(struct auth_context *c, struct blob in, struct arena *a, struct blob *ret_out);

struct auth_result {
	enum auth_mech mech;
	const char *user; /* as the client named it, UTF-8 */
	const char *domain; /* NTLM domain or Kerberos realm; may be empty */
	struct blob session_key; /* all of it: 16 bytes (NTLM) to 32 (Kerberos AES-256) */
	const struct auth_user *identity;
	bool guest, anonymous; /* never set today: both are refused */
	int64_t expires; /* end of the Kerberos ticket, seconds since the epoch; 0: never */
};

/* What a finished exchange (auth_step() == 0) established; pointers live as long as the context. */
const struct auth_result *auth_result(const struct auth_context *c);
/* Moves the identity of a finished exchange to the caller, who ends it with auth_user_done(). The
 * result's is empty then. It carries no hash. */
void auth_take_identity(struct auth_context *c, struct auth_user *ret_user);

/* MD4 of the password in UTF-16LE (MS-NLMP NTOWFv1). -EILSEQ: not UTF-8; -ENOMEM. */
int nt_hash_from_password(const char *password, uint8_t ret_hash[AUTH_NT_HASH_LEN]);

#endif
