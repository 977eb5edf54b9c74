/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this server offers in NEGOTIATE (MS-SMB2 3.3.5.4). Worker's thread. */
#include "smbd/proto/negotiate.h"

#include "node/auth/auth.h"
#include "node/base/clock.h"
#include "smbd/lock/lock.h"

#define MAX_IO_202 65536u
#define MAX_IO_210 (1u << 20)

uint16_t negotiate_security_mode(const struct worker *w)
{
	return SMB2_NEGOTIATE_SIGNING_ENABLED |
	       (w->tunables.signing_required ? SMB2_NEGOTIATE_SIGNING_REQUIRED : 0);
}

uint16_t negotiate_dialect(const struct worker *w, const struct smb2_ids *offered)
{
	int i;

	for (i = w->tunables.smb_max_dialect; i >= w->tunables.smb_min_dialect; i--) {
		if (smb2_ids_has(offered, tunables_dialect(i)))
			return tunables_dialect(i);
	}
	return 0;
}

static bool grants_leases(const struct worker *w)
{
	return w->tunables.leases && w->lock && lockc_leases(w->lock);
}

uint32_t negotiate_capabilities(const struct worker *w, uint16_t dialect, uint32_t client)
{
	uint32_t caps = 0;

	if (dialect >= SMB2_DIALECT_210 && dialect != SMB2_DIALECT_WILD)
		caps |= SMB2_GLOBAL_CAP_LARGE_MTU |
			(grants_leases(w) ? (uint32_t)SMB2_GLOBAL_CAP_LEASING : 0);
	if (dialect >= SMB2_DIALECT_300 && dialect != SMB2_DIALECT_WILD)
		caps |= (client &
			 (SMB2_GLOBAL_CAP_MULTI_CHANNEL | SMB2_GLOBAL_CAP_PERSISTENT_HANDLES)) |
			(grants_leases(w) ? (uint32_t)SMB2_GLOBAL_CAP_DIRECTORY_LEASING : 0);
	if (dialect == SMB2_DIALECT_300 || dialect == SMB2_DIALECT_302)
		caps |= client & SMB2_GLOBAL_CAP_ENCRYPTION;
	return caps;
}

uint32_t negotiate_max_io(const struct worker *w, uint16_t dialect)
{
	uint32_t max = (uint32_t)MIN(w->tunables.max_io, (uint64_t)(16u << 20));

	if (dialect == SMB2_DIALECT_202 || dialect == SMB2_DIALECT_WILD)
		return MIN(max, MAX_IO_202);
	if (dialect == SMB2_DIALECT_210)
		return MIN(max, MAX_IO_210);
	return max;
}

int negotiate_offer(struct worker *w, uint16_t dialect, struct arena *a,
		    struct smb2_negotiate_resp *ret)
{
	uint32_t max = negotiate_max_io(w, dialect);
	struct smb2_negotiate_resp resp = {
		.security_mode = negotiate_security_mode(w),
		.dialect = dialect,
		.server_guid = w->smbd->server_guid,
		.max_transact_size = max,
		.max_read_size = max,
		.max_write_size = max,
		.system_time = nttime_now(),
		.capabilities = negotiate_capabilities(w, dialect, 0),
	};
	int r;

	r = auth_negotiate_token(w->auth, a, &resp.token);
	if (r < 0)
		return r;
	*ret = resp;
	return 0;
}
