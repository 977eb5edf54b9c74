/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTLMSSP messages (MS-NLMP 2.2). Pure: struct <-> bytes; decoded blobs point into the message.
 * Strings are UTF-16LE. */
#ifndef HF_NODE_AUTH_NTLMSSP_H
#define HF_NODE_AUTH_NTLMSSP_H

#include "node/wire/rd.h"
#include "node/wire/wr.h"

#define NTLM_SIGNATURE "NTLMSSP" /* with its NUL */
#define NTLM_CHALLENGE_LEN 8
#define NTLM_KEY_LEN 16
#define NTLM_MIC_LEN 16
#define NTLM_MIC_AT 72 /* of the MIC in AUTHENTICATE */

/* NegotiateFlags (2.2.2.5) */
#define NTLM_UNICODE 0x00000001u
#define NTLM_OEM 0x00000002u
#define NTLM_REQUEST_TARGET 0x00000004u
#define NTLM_SIGN 0x00000010u
#define NTLM_SEAL 0x00000020u
#define NTLM_NTLM 0x00000200u
#define NTLM_ANONYMOUS 0x00000800u
#define NTLM_ALWAYS_SIGN 0x00008000u
#define NTLM_TARGET_TYPE_SERVER 0x00020000u
#define NTLM_EXTENDED_SECURITY 0x00080000u
#define NTLM_TARGET_INFO 0x00800000u
#define NTLM_VERSION 0x02000000u
#define NTLM_128 0x20000000u
#define NTLM_KEY_EXCH 0x40000000u
#define NTLM_56 0x80000000u

/* AV_PAIR ids (2.2.2.1) */
#define NTLM_AV_EOL 0
#define NTLM_AV_NB_COMPUTER 1
#define NTLM_AV_NB_DOMAIN 2
#define NTLM_AV_DNS_COMPUTER 3
#define NTLM_AV_DNS_DOMAIN 4
#define NTLM_AV_FLAGS 6
#define NTLM_AV_TIMESTAMP 7
#define NTLM_AV_FLAG_MIC 2u

struct ntlm_negotiate {
	uint32_t flags;
};

struct ntlm_challenge {
	uint32_t flags;
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	struct blob target_name;
	struct blob target_info; /* AV_PAIRs */
};

struct ntlm_authenticate {
	struct blob lm, nt, domain, user, workstation, session_key;
	uint32_t flags;
	bool has_mic; /* the message is long enough for the field; whether it counts, MsvAvFlags
			 says */
	uint8_t mic[NTLM_MIC_LEN];
};

/* What follows the 16-byte proof in an NTLMv2 NtChallengeResponse (2.2.2.7). */
struct ntlm_v2_client {
	uint64_t time; /* FILETIME */
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	struct blob av_pairs;
};

/* All: 0 or -EBADMSG. */
int ntlm_decode_negotiate(struct blob in, struct ntlm_negotiate *ret);
int ntlm_decode_challenge(struct blob in, struct ntlm_challenge *ret);
int ntlm_decode_authenticate(struct blob in, struct ntlm_authenticate *ret);
int ntlm_decode_v2_client(struct blob temp, struct ntlm_v2_client *ret);

void ntlm_encode_negotiate(struct wr *w, const struct ntlm_negotiate *m);
void ntlm_encode_challenge(struct wr *w, const struct ntlm_challenge *m);
/* Writes the MIC field as it is in `m`. */
void ntlm_encode_authenticate(struct wr *w, const struct ntlm_authenticate *m);
void ntlm_encode_v2_client(struct wr *w, const struct ntlm_v2_client *m);

/* Finds the first AV_PAIR of this id. 0: found. 1: not there. -EBADMSG: the list is malformed. */
int ntlm_av_find(struct blob av_pairs, uint16_t id, struct blob *ret_value);
void ntlm_av_put(struct wr *w, uint16_t id, struct blob value);

#endif
