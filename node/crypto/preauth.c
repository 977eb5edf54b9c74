/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preauthentication integrity chain. No state of its own; any thread. */
#include "node/crypto/preauth.h"

#include <gnutls/crypto.h>

void preauth_init(struct preauth *p)
{
	memset(p->hash, 0, sizeof(p->hash));
}

int preauth_update(struct preauth *p, const struct iovec *iov, int iovcnt)
{
	gnutls_hash_hd_t h;
	int r;

	if (gnutls_hash_init(&h, GNUTLS_DIG_SHA512) < 0)
		return -EIO;
	r = gnutls_hash(h, p->hash, sizeof(p->hash));
	for (int i = 0; i < iovcnt && r >= 0; i++)
		r = gnutls_hash(h, iov[i].iov_base, iov[i].iov_len);
	gnutls_hash_deinit(h, r < 0 ? NULL : p->hash);
	return r < 0 ? -EIO : 0;
}
