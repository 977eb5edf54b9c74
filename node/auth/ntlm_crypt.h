/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The computations of NTLMv2 (MS-NLMP 3.3.2, 3.4). Pure. */
#ifndef HF_NODE_AUTH_NTLM_CRYPT_H
#define HF_NODE_AUTH_NTLM_CRYPT_H

#include "node/auth/ntlmssp.h"
#include "node/crypto/crypto.h"

#define NTLM_SEAL_SIGNATURE_LEN 16

/* NTOWFv2: HMAC-MD5 of the NT hash over the upper-cased user and the domain, both UTF-16LE.
 * -ENOMEM. */
int ntlm_v2_response_key(const uint8_t nt_hash[NTLM_KEY_LEN], struct blob user, struct blob domain,
			 uint8_t ret_key[NTLM_KEY_LEN]);
/* NTProofStr over the server's challenge and `temp` (the rest of the response), and the session
 * base key. */
void ntlm_v2_proof(const uint8_t response_key[NTLM_KEY_LEN],
		   const uint8_t challenge[NTLM_CHALLENGE_LEN], struct blob temp,
		   uint8_t ret_proof[NTLM_KEY_LEN], uint8_t ret_session_base_key[NTLM_KEY_LEN]);
/* The MIC of an exchange; the MIC field of `authenticate` counts as zeros, and must be there. */
void ntlm_mic(const uint8_t exported_key[NTLM_KEY_LEN], struct blob negotiate,
	      struct blob challenge, struct blob authenticate, uint8_t ret_mic[NTLM_MIC_LEN]);
/* GSS_GetMIC of the first message of a direction (3.4.4.2, extended session security), as
 * mechListMIC uses it. */
void ntlm_signature(const uint8_t exported_key[NTLM_KEY_LEN], uint32_t flags, bool from_server,
		    struct blob message, uint8_t ret_signature[NTLM_SEAL_SIGNATURE_LEN]);

#endif
