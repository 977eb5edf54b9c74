/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTLMv2's client side (MS-NLMP 3.1.5), for auth_client and the tests. One thread at a time. */
#ifndef HF_NODE_AUTH_NTLM_CLIENT_H
#define HF_NODE_AUTH_NTLM_CLIENT_H

#include "node/auth/ntlm_crypt.h"

struct ntlm_client {
	struct arena arena; /* owns the blobs */
	struct blob user, domain; /* UTF-16LE */
	uint8_t nt_hash[NTLM_KEY_LEN];
	struct blob negotiate; /* as sent */
	uint32_t flags; /* agreed, from ntlm_client_authenticate() on */
	uint8_t key[NTLM_KEY_LEN]; /* ExportedSessionKey, likewise */
};

/* -EILSEQ, -ENOMEM. */
int ntlm_client_init(struct ntlm_client *c, const char *user, const char *domain,
		     const char *password);
/* Wipes keys. */
void ntlm_client_done(struct ntlm_client *c);
/* Makes NEGOTIATE. -ENOMEM. */
int ntlm_client_negotiate(struct ntlm_client *c, struct arena *a, struct blob *ret_out);
/* Makes AUTHENTICATE for a CHALLENGE; with a MIC when the server sent its time, as 3.1.5.1.2 says.
 * -EBADMSG, -ENOMEM. */
int ntlm_client_authenticate(struct ntlm_client *c, struct blob challenge, struct arena *a,
			     struct blob *ret_out);

#endif
