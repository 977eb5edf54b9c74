/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of node/auth share: the server, the exchange, and the face of a mechanism. */
#ifndef HF_NODE_AUTH_AUTH_PRIV_H
#define HF_NODE_AUTH_AUTH_PRIV_H

#include <gssapi/gssapi.h>
#include <stdatomic.h>

#include "node/auth/auth.h"
#include "node/auth/ntlmssp.h"

/* Lines about refused clients: anybody can cause them. */
#define AUTH_LOG_PER_SECOND 20

struct auth_server {
	atomic_uint refs;
	struct arena arena; /* owns every string; written by auth_server_new() alone */
	struct auth_config conf;
	struct blob nb_name; /* UTF-16LE, as the blobs below */
	struct blob av_names; /* AV_PAIRs of the names, without the closing one */
	uint8_t no_user_hash[AUTH_NT_HASH_LEN]; /* stands in for that of an unknown user */
};

/* A mechanism below SPNEGO. */
struct mech_ops {
	enum auth_mech mech;
	/* As auth_step(). 0 leaves the context's result filled. */
	int (*step)(struct auth_context *c, struct blob in, struct arena *a, struct blob *ret_out);
	/* Signs a message as the server, once, after step() gave 0. */
	int (*get_mic)(struct auth_context *c, struct blob message, struct arena *a,
		       struct blob *ret_mic);
	/* 0: the client's signature is right. -EACCES: it is not. */
	int (*check_mic)(struct auth_context *c, struct blob message, struct blob mic);
	/* Frees what the mechanism keeps. */
	void (*done)(struct auth_context *c);
};

extern const struct mech_ops ntlm_mech, krb5_mech;

struct ntlm_exchange {
	struct blob negotiate,
		challenge; /* messages as they went over the wire; in the context's arena */
	uint8_t server_challenge[NTLM_CHALLENGE_LEN];
	uint32_t flags;
};

struct krb5_exchange {
	gss_cred_id_t cred;
	gss_ctx_id_t gss;
};

enum auth_phase {
	PHASE_START,
	PHASE_RAW, /* NTLMSSP without SPNEGO */
	PHASE_MECH, /* SPNEGO, the mechanism is not done */
	PHASE_MECH_MIC, /* SPNEGO, only the client's mechListMIC is missing */
	PHASE_DONE,
	PHASE_FAILED,
};

struct auth_context {
	struct auth_server *server;
	struct arena arena; /* what lives as long as the exchange */
	enum auth_phase phase;
	const struct mech_ops *ops;
	struct blob mech_oid; /* as the client spelled it; static memory */
	struct blob mech_list; /* what mechListMIC is computed over */
	bool mic_needed; /* the mechanism was not the client's first choice (RFC 4178 5) */
	bool mech_told;
	struct ntlm_exchange ntlm;
	struct krb5_exchange krb5;
	uint8_t session_key[AUTH_SESSION_KEY_MAX];
	struct auth_user user;
	struct auth_result result;
};

/* Writes the result of a mechanism into the context. `user` and `domain` live in its arena;
 * `identity` is taken over. */
void auth_establish(struct auth_context *c, const char *user, const char *domain,
		    struct auth_user *identity, struct blob session_key, int64_t expires);

#endif
