/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key derivation of SMB 3.x. No state; any thread. */
#include "node/crypto/smb_kdf.h"

#include "node/wire/wr.h"

int smb_kdf(const uint8_t *ki, size_t ki_len, struct blob label, struct blob context,
	    uint8_t *ret_key, size_t key_len)
{
	uint8_t head[4], tail[4], zero = 0, mac[SHA256_LEN];
	struct wr h = wr_fixed(head, sizeof(head)), t = wr_fixed(tail, sizeof(tail));
	int r;

	if (key_len == 0 || key_len > SHA256_LEN)
		return -EINVAL;
	/* One round of HMAC gives up to 256 bits, so the counter never gets past 1. */
	wr_be32(&h, 1);
	wr_be32(&t, (uint32_t)key_len * 8);
	r = crypto_hmac_sha256(ki, ki_len,
			       (struct iovec[]){ { head, sizeof(head) },
						 { (void *)label.data, label.len },
						 { &zero, 1 },
						 { (void *)context.data, context.len },
						 { tail, sizeof(tail) } },
			       5, mac);
	if (r == 0)
		memcpy(ret_key, mac, key_len);
	crypto_wipe(mac, sizeof(mac));
	return r;
}

/* Labels and contexts count their terminating zero (MS-SMB2 3.3.5.5.3). */
#define S(s)                                    \
	{                                       \
		(const uint8_t *)(s), sizeof(s) \
	}
static const struct {
	struct blob label, context, label311;
} uses[] = {
	[SMB_KEY_SIGNING] = { S("SMB2AESCMAC"), S("SmbSign"), S("SMBSigningKey") },
	[SMB_KEY_APPLICATION] = { S("SMB2APP"), S("SmbRpc"), S("SMBAppKey") },
	[SMB_KEY_SERVER_IN] = { S("SMB2AESCCM"), S("ServerIn "), S("SMBC2SCipherKey") },
	[SMB_KEY_SERVER_OUT] = { S("SMB2AESCCM"), S("ServerOut"), S("SMBS2CCipherKey") },
};
#undef S

int smb_derive_key(enum smb_key_use use, struct blob session_key, const struct preauth *preauth,
		   uint8_t *ret_key, size_t key_len)
{
	bool seals = use == SMB_KEY_SERVER_IN || use == SMB_KEY_SERVER_OUT;
	uint8_t ki[SMB_KEY_LEN] = { 0 };
	struct blob label, context;
	int r;

	if ((size_t)use >= ARRAY_SIZE(uses) || session_key.len == 0)
		return -EINVAL;
	if (key_len != SMB_KEY_LEN && !(key_len == SMB_KEY_MAX_LEN && seals))
		return -EINVAL;
	label = preauth ? uses[use].label311 : uses[use].label;
	context = preauth ? BLOB(preauth->hash, sizeof(preauth->hash)) : uses[use].context;
	if (key_len == SMB_KEY_MAX_LEN && session_key.len > SMB_KEY_LEN)
		return smb_kdf(session_key.data, session_key.len, label, context, ret_key, key_len);
	memcpy(ki, session_key.data, MIN(session_key.len, sizeof(ki)));
	r = smb_kdf(ki, sizeof(ki), label, context, ret_key, key_len);
	crypto_wipe(ki, sizeof(ki));
	return r;
}
