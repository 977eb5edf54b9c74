/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPNEGO tokens (RFC 4178 4.2, MS-SPNG 2.2.1). Pure: struct <-> bytes; decoded blobs point into the
 * token. */
#ifndef HF_NODE_AUTH_SPNEGO_H
#define HF_NODE_AUTH_SPNEGO_H

#include "node/auth/der.h"

#define SPNEGO_MAX_MECHS 16

/* Contents of the object identifiers, without tag and length. */
extern const struct blob oid_spnego, oid_krb5, oid_ms_krb5, oid_ntlmssp;

enum spnego_state {
	SPNEGO_STATE_NONE = -1, /* left out */
	SPNEGO_ACCEPT_COMPLETED = 0,
	SPNEGO_ACCEPT_INCOMPLETE = 1,
	SPNEGO_REJECT = 2,
	SPNEGO_REQUEST_MIC = 3,
};

/* NegTokenInit, from a client; from a server NegTokenInit2, whose hints are skipped. */
struct spnego_init {
	struct blob mech_list; /* the DER of MechTypeList: what mechListMIC is computed over */
	struct blob mechs[SPNEGO_MAX_MECHS];
	size_t nmechs; /* further ones are dropped */
	bool has_token;
	struct blob token;
};

struct spnego_resp {
	enum spnego_state state;
	struct blob mech; /* empty: left out */
	bool has_token, has_mic;
	struct blob token, mic;
};

/* -EBADMSG when it is not a well-formed NegTokenInit with at least one mechanism. */
int spnego_decode_init(struct blob in, struct spnego_init *ret_init);
/* -EBADMSG when it is not a well-formed NegTokenResp. */
int spnego_decode_resp(struct blob in, struct spnego_resp *ret_resp);

/* Writes a NegTokenInit; `hint`: the NegTokenInit2 of a server, with the hint name that Windows
 * sends. mech_list of `init` is not looked at. */
void spnego_encode_init(struct wr *w, const struct spnego_init *init, bool hint);
void spnego_encode_resp(struct wr *w, const struct spnego_resp *resp);
/* Writes the DER of MechTypeList. */
void spnego_encode_mech_list(struct wr *w, const struct blob *mechs, size_t n);

#endif
